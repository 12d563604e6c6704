// The node cases of ONNX's own backend tests against fovea: for each case the operator's row of the
// dictionary is run on the inputs, and its outputs are compared with those that ONNX expects. Cases
// without a row, and those that a row leaves out, are listed with the reason. FOVEA_ONNX_CASES
// names another folder.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "onnx/dictionary.hpp"

namespace {

using namespace onnx;

constexpr int skipped = 77;    // as Meson has it
constexpr int at_least = 580;  // of the cases in Debian 12 pass 584, in 13 603: a translation that
                               // begins to leave cases out is noticed

std::filesystem::path folder() {
  const char* text = std::getenv("FOVEA_ONNX_CASES");
  return text ? text : "/usr/share/libonnx-testdata/data/node";
}

// Why the dictionary has no row for an operator, where there is more to say than that the library
// has no such function.
const std::map<std::string, std::vector<const char*>> reasons = {
    {"one type of numbers, nothing to convert", {"Cast", "CastLike"}},
    {"texts", {"StringNormalizer", "TfIdfVectorizer"}},
    {"control flow, sequences and optional values",
     {"If", "Loop", "Scan", "SequenceMap", "SequenceInsert", "OptionalGetElement",
      "OptionalHasElement"}},
    {"quantised and whole numbers",
     {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "BitShift",
      "Mod"}},
    {"rounding to whole numbers", {"Ceil", "Floor", "Round"}},
    {"sizes that depend on numbers", {"Compress", "NonZero", "Unique", "Range"}},
    {"nothing is computed", {"Shape", "Size", "Constant", "EyeLike"}},
    {"images", {"Resize", "Upsample", "GridSample", "RoiAlign", "NonMaxSuppression"}},
    {"signals",
     {"DFT", "STFT", "BlackmanWindow", "HammingWindow", "HannWindow", "MelWeightMatrix"}},
    {"ONNX's own random numbers", {"Bernoulli"}},
    {"optimisers other than Adam", {"Adagrad", "Momentum"}},
};

std::string reason_without_row(const std::string& op) {
  for (const auto& [reason, ops] : reasons)
    if (std::ranges::find(ops, op) != ops.end()) return reason;
  return "no such function";
}

// A result as ONNX would write it, but in doubles.
Numbers plain(const Value& value) {
  Numbers result;
  std::visit(
      [&](const auto& of) {
        result.sizes.assign(of.shape().sizes().begin(), of.shape().sizes().end());
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(of)>, Tensor>)
          result.values.assign(of.value().values().begin(), of.value().values().end());
        else if constexpr (std::is_same_v<std::remove_cvref_t<decltype(of)>, Ids>)
          result.values.assign(of.values().begin(), of.values().end());
        else
          result.values.assign(of.keep().begin(), of.keep().end());
      },
      value);
  return result;
}

// Empty, or the first difference. What is computed may differ by 1e-6 + 1e-5 of what is expected
// (ONNX allows 1e-7 + 1e-3).
std::string differs(const Value& value, const Numbers& expected, Result kind) {
  const Numbers got = plain(value);
  if (got.sizes != expected.sizes)
    return fmt::format("sizes are {}, expected {}", to_string(Shape(got.sizes)),
                       to_string(Shape(expected.sizes)));
  const bool exact = kind == Result::moved || is_whole(expected.type);
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    const double a =
        expected.type == Type::float32 ? static_cast<float>(got.values[i]) : got.values[i];
    const double b = expected.type == Type::float64
                         ? static_cast<double>(static_cast<real>(expected.values[i]))
                         : expected.values[i];
    if (a == b || (std::isnan(a) && std::isnan(b)) ||
        (!exact && std::abs(a - b) <= 1e-6 + 1e-5 * std::abs(b)))
      continue;
    return fmt::format("element {} of {} is {}, expected {}", i, to_string(Shape(got.sizes)), a, b);
  }
  return "";
}

// Empty, or what is wrong. Throws LeftOut.
std::string run(const Translation& row, const Case& c) {
  const Values outputs = row.run(c);
  for (std::size_t i = 0; i < c.expected().size(); ++i) {
    if (!c.expected()[i]) continue;
    if (i >= outputs.size()) return fmt::format("output {} is missing", i);
    const std::string difference = differs(outputs[i], *c.expected()[i], row.result);
    if (!difference.empty()) return fmt::format("output {}: {}", i, difference);
  }
  return "";
}

std::map<std::string, Translation> dictionary() {
  std::map<std::string, Translation> rows;
  for (const auto part : {elementwise, arrays, layers, training})
    for (const Translation& row : part())
      CHECK_MESSAGE(rows.emplace(row.op, row).second, row.op, " has two rows");
  return rows;
}

std::vector<std::filesystem::path> cases() {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(folder()))
    if (entry.path().filename().string().starts_with("test_") &&
        entry.path().string().find("_expanded") == std::string::npos)
      folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

}  // namespace

TEST_CASE("every ONNX node case that fovea has words for gives what ONNX expects" *
          doctest::skip(!std::filesystem::exists(folder()))) {
  const std::map<std::string, Translation> rows = dictionary();
  std::map<std::string, std::vector<std::string>> left_out;
  int passed = 0, out = 0;
  for (const std::filesystem::path& path : cases()) {
    const std::string name = path.filename().string().substr(5);
    INFO(name);
    Case c(path);
    try {
      const auto row = rows.find(c.op());
      if (row == rows.end()) throw LeftOut(reason_without_row(c.op()));
      c.load();
      const std::string wrong = run(row->second, c);
      CHECK_MESSAGE(wrong == "", c.op(), " of opset ", c.opset());
      passed += wrong.empty();
    } catch (const LeftOut& reason) {
      left_out[reason.what()].push_back(fmt::format("{} ({})", name, c.op()));
      ++out;
    } catch (const std::exception& error) {
      FAIL_CHECK(c.op(), " of opset ", c.opset(), ": ", std::string(error.what()));
    }
  }
  for (const auto& [reason, names] : left_out)
    fmt::print("left out, {} ({}): {}\n", reason, names.size(), fmt::join(names, ", "));
  fmt::print("figure: onnx cases = {}\nfigure: onnx cases left out = {}\n", passed, out);
  CHECK(passed >= at_least);
}

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (result != 0 || context.shouldExit() || std::filesystem::exists(folder())) return result;
  std::printf("skipped: there is no %s; Debian: apt-get install libonnx-testdata\n",
              folder().c_str());
  return skipped;
}
