// Weights in files: what is written, what is refused and what the options permit.
#include "fovea/train/weights.hpp"

#include <doctest/doctest.h>

#include "fovea/io/error.hpp"
#include "fovea/io/safetensors.hpp"
#include "optim/path_pattern.hpp"
#include "support/folder.hpp"
#include "support/refusal.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::Folder;
using support::refusal;

namespace {

using Tensors = std::vector<SafetensorsTensor>;

// Two layers whose kernels are the same parameter.
struct Tied {
  Dense in = {.units = 3};
  Dense out = {.units = 3};
  Shape build(const Shape& sample, const Rng& random) {
    in.build(sample, random.split("in"));
    out.build(sample, random.split("out"));
    out.kernel = in.kernel;
    return sample;
  }
  Tensor operator()(const Tensor& x, const Context& context = {}) const {
    return out(in(x, context), context);
  }
  static void parameters(auto& self, auto&& visit) {
    visit("in", self.in);
    visit("out", self.out);
  }
};

Dense dense(Index inputs, Index units, Index trial = 0) {
  Dense layer{.units = units};
  layer.build(Shape{inputs}, Rng(7).split(trial == 0 ? "a" : "b"));
  return layer;
}

Array random(const Shape& shape, Index trial = 0) {
  support::Generate g("weights", trial);
  return g.array(shape, {-2, 2});
}

}  // namespace

TEST_CASE("the weights of a model come back in the same bits, under the paths of its parameters") {
  const Folder folder;
  Sequential model = toy::model();
  model.save_weights(folder / "w.safetensors");
  Sequential other = toy::model({.seed = 2});
  CHECK(toy::bits_differ(toy::weights(other), toy::weights(model)) != "");
  other.load_weights(folder / "w.safetensors");
  CHECK(toy::bits_differ(toy::weights(other), toy::weights(model)) == "");
  const SafetensorsFile file(folder / "w.safetensors");
  CHECK(file.contains("attention_layer/W1/kernel"));
  CHECK(file.names().size() == parameters_of(model).size());
  CHECK(file.metadata().at("fovea.version") == "1");
  CHECK(file.checksum() != "");
}

TEST_CASE("rows that lag behind are written as a dense optimiser would have them") {
  const Folder folder;
  Sequential model = toy::model();
  const toy::Data data = toy::data(12);
  model.fit(data.x, data.y, toy::quiet(2, 4));
  model.save_weights(folder / "w");
  const SafetensorsFile file(folder / "w");
  for (const NamedParameter& parameter : parameters_of(model))
    CHECK(support::bits_differ(file.array(parameter.path), parameter.tensor.value()) == "");
}

TEST_CASE("everything that does not fit stands in one message, and nothing is changed") {
  const Folder folder;
  write_safetensors(folder / "w", {{"kernel", random({4, 2})},
                                   {"bias", random({2})},
                                   {"scale", random({2})},
                                   {"shift", random({5})}});
  Sequential model{named("a", Dense{2}), named("b", Dense{2})};
  model.build(Shape{3});
  const std::vector<Array> before = toy::weights(model);
  const LoadOptions options{.rename = {{"a/*", "*"}}};
  CHECK(refusal<ValueError>([&] { model.load_weights(folder / "w", options); }) ==
        "load_weights: " + folder / "w" +
            " does not fit, and nothing was loaded; missing: \"b/kernel\" (2, 2), \"b/bias\" (2,); "
            "not expected: \"scale\" (2,), \"shift\" (5,); of another shape: \"kernel\": expected "
            "(3, 2), got (4, 2); rename or transpose, or allow what is missing or not expected, "
            "by the options of load_weights");
  CHECK(toy::bits_differ(toy::weights(model), before) == "");
}

TEST_CASE("what is missing or not expected can be allowed, but a file that gives nothing cannot") {
  const Folder folder;
  Dense layer = dense(3, 2);
  const Array kernel = random({3, 2});
  const Array bias = layer.bias.value().clone();
  write_safetensors(folder / "w", {{"kernel", kernel}, {"scale", random({2})}});
  load_weights(layer, folder / "w", {.missing = Unmatched::allow, .extra = Unmatched::allow});
  CHECK(support::bits_differ(layer.kernel.value(), kernel) == "");
  CHECK(support::bits_differ(layer.bias.value(), bias) == "");
  write_safetensors(folder / "none", {{"weight", kernel}});
  CHECK(refusal<ValueError>([&] {
          load_weights(layer, folder / "none",
                       {.missing = Unmatched::allow, .extra = Unmatched::allow});
        }).find("no tensor of the name of a parameter, such as \"kernel\"") != std::string::npos);
}

TEST_CASE("names are those of another library by patterns, and layouts PyTorch's where asked for") {
  const Folder folder;
  const Array weight = random({2, 3}), bias = random({2});
  write_safetensors(folder / "w", {{"bert.encoder.weight", weight}, {"bert.encoder.bias", bias}});
  Sequential model{named("encoder", Dense{2})};
  model.build(Shape{3});
  model.load_weights(folder / "w", {.rename = {{"*/kernel", "bert.*.weight"}, {"*", "bert.*"}},
                                    .separator = ".",
                                    .transposed = {"*/kernel"}});
  const Dense& layer = *model.layers()[0].as<Dense>();
  for (Index o = 0; o < 2; ++o)
    for (Index i = 0; i < 3; ++i) CHECK(layer.kernel.value().at(i * 2 + o) == weight.at(o * 3 + i));
  CHECK(support::bits_differ(layer.bias.value(), bias) == "");

  Sequential convolution{Conv2D{.filters = 4, .kernel_size = {3, 2}}};
  convolution.build(Shape{6, 5, 2});
  const Array filters = random({4, 2, 3, 2});
  write_safetensors(folder / "c", {{"conv2d/kernel", filters}});
  convolution.load_weights(folder / "c", {.missing = Unmatched::allow, .transposed = {"*/kernel"}});
  const Array& kernel = convolution.layers()[0].as<Conv2D>()->kernel.value();
  for (Index o = 0; o < 4; ++o)
    for (Index i = 0; i < 2; ++i)
      for (Index w = 0; w < 6; ++w)
        CHECK(kernel.at((w * 2 + i) * 4 + o) == filters.at((o * 2 + i) * 6 + w));
}

TEST_CASE("patterns that decide about nothing are refused") {
  const Folder folder;
  Dense layer = dense(3, 2);
  save_weights(layer, folder / "w");
  const auto told = [&](const LoadOptions& options) {
    return refusal<ValueError>([&] { load_weights(layer, folder / "w", options); });
  };
  CHECK(told({.transposed = {"*/weight"}}) ==
        "load_weights: transposed: the pattern \"*/weight\" decides about no parameter; leave it "
        "out, or correct it");
  CHECK(told({.rename = {{"weight", "kernel"}}}).find("rename: the pattern \"weight\"") !=
        std::string::npos);
  CHECK(told({.rename = {{"*", "*.*"}}}) ==
        "load_weights: rename: \"*\" has 1 \"*\", \"*.*\" has 2; give as many");
  CHECK(told({.transposed = {"bias"}}) ==
        "load_weights: transposed: bias is of shape (2,); layouts differ from 2 axes on");
}

TEST_CASE("the text of a star is as short as it can be, and patterns agree with `matches`") {
  using Texts = std::vector<std::string_view>;
  CHECK(*matched("*/bias", "a/b/bias") == Texts{"a/b"});
  CHECK(*matched("*/*", "a/b/c") == Texts{"a", "b/c"});
  CHECK(*matched("a*", "a") == Texts{""});
  CHECK(*matched("*a*a", "aaa") == Texts{"", "a"});
  CHECK(*matched("", "") == Texts{});
  support::Generate g("patterns", 0);
  for (Index trial = 0; trial < 3000; ++trial) {
    std::string pattern, path;
    for (Index i = g.integer(0, 5); i > 0; --i) pattern += "ab*"[g.integer(0, 2)];
    for (Index i = g.integer(0, 5); i > 0; --i) path += "ab"[g.integer(0, 1)];
    const auto texts = matched(pattern, path);
    CAPTURE(pattern);
    CAPTURE(path);
    CHECK(texts.has_value() == matches(pattern, path));
    if (!texts) continue;
    std::string filled;
    std::size_t star = 0;
    for (const char c : pattern)
      filled += c == '*' ? std::string((*texts)[star++]) : std::string(1, c);
    CHECK(filled == path);
  }
}

TEST_CASE("a parameter under two paths is written once, and read under either") {
  const Folder folder;
  Tied tied;
  tied.build(Shape{3}, Rng(1));
  save_weights(tied, folder / "w");
  CHECK(!SafetensorsFile(folder / "w").contains("out/kernel"));
  Tied other;
  other.build(Shape{3}, Rng(2));
  load_weights(other, folder / "w");
  CHECK(support::bits_differ(other.out.kernel.value(), tied.in.kernel.value()) == "");

  const Array kernel = random({3, 3}, 1), bias = random({3});
  write_safetensors(folder / "second",
                    {{"out/kernel", kernel}, {"in/bias", bias}, {"out/bias", bias}});
  load_weights(other, folder / "second");
  CHECK(support::bits_differ(other.in.kernel.value(), kernel) == "");
  write_safetensors(folder / "both", {{"in/kernel", random({3, 3}, 2)},
                                      {"out/kernel", kernel},
                                      {"in/bias", bias},
                                      {"out/bias", bias}});
  CHECK(refusal<ValueError>([&] {
          load_weights(other, folder / "both");
        }).find("\"in/kernel\" and \"out/kernel\" are one parameter here, and differ") !=
        std::string::npos);
}

TEST_CASE("frozen parameters are read, and copies that a user took keep their values") {
  const Folder folder;
  Dense layer = dense(3, 2), source = dense(3, 2, 1);
  save_weights(source, folder / "w");
  set_trainable(layer, false);
  const Array held = layer.kernel.value(), copy = held.clone();
  load_weights(layer, folder / "w");
  CHECK(support::bits_differ(layer.kernel.value(), source.kernel.value()) == "");
  CHECK(support::bits_differ(held, copy) == "");
  CHECK(!layer.kernel.requires_grad());
}

TEST_CASE("half precision is read, and a module that is not built is refused") {
  const Folder folder;
  const StoredTensor half{
      "F16", Shape{1, 2}, {std::byte{0}, std::byte{0x3c}, std::byte{0}, std::byte{0xc0}}};
  const StoredTensor brain{
      "BF16", Shape{2}, {std::byte{0x80}, std::byte{0x3f}, std::byte{0}, std::byte{0xc0}}};
  write_safetensors(folder / "w", {{"kernel", half}, {"bias", brain}});
  Dense layer = dense(1, 2);
  load_weights(layer, folder / "w");
  CHECK(layer.kernel.value().at(0) == 1);
  CHECK(layer.kernel.value().at(1) == -2);
  CHECK(layer.bias.value().at(0) == 1);
  CHECK(layer.bias.value().at(1) == -2);
  const Dense unbuilt{.units = 2};
  const std::string told = "the parameter \"kernel\" does not exist yet; build the module first";
  CHECK(refusal<StateError>([&] { load_weights(unbuilt, folder / "w"); }) ==
        "load_weights: " + told);
  CHECK(refusal<StateError>([&] { save_weights(unbuilt, folder / "x"); }) ==
        "save_weights: " + told);
}

TEST_CASE("a file of a newer version, or of none that is one, is refused by name") {
  const Folder folder;
  Dense layer = dense(1, 1);
  const auto told = [&](const std::string& version) {
    write_safetensors(folder / "w", {{"kernel", random({1, 1})}, {"bias", random({1})}},
                      {{"fovea.version", version}});
    return refusal<FormatError>([&] { load_weights(layer, folder / "w"); });
  };
  CHECK(told("1") == "nothing was thrown");
  CHECK(told("2").find("fovea.version is 2; this library reads files up to version 1; use a newer "
                       "one") != std::string::npos);
  for (const char* version : {"", "0", "-1", "1.5", "99999999999", "1 "})
    CHECK(told(version).find("it must be a number from 1 on") != std::string::npos);
}
