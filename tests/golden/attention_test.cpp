// Attention, MultiHeadAttention and the op attention against Keras' Attention, MultiHeadAttention
// and GroupQueryAttention, and PyTorch's scaled_dot_product_attention and nn.MultiheadAttention:
// outputs, weights and gradients, in every variant.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>
#include <set>

#include "fovea/nn/attention.hpp"
#include "fovea/nn/multi_head_attention.hpp"
#include "fovea/ops/ops.hpp"
#include "golden/golden.hpp"

using namespace fovea;

namespace {

int compared = 0, agreed = 0;

// A file of which no array may be left over.
class File {
 public:
  explicit File(const std::string& name) : file_(golden::open(name)) {}

  Array array(const std::string& name) { return file_.array(used(name)); }
  Mask mask(const std::string& name) { return file_.mask(used(name)); }
  Tensor parameter(const std::string& name) { return Tensor::parameter(array(name)); }

  void check_complete(const std::set<std::string>& left_out = {}) const {
    for (const std::string& name : file_.names())
      CHECK_MESSAGE((used_.contains(name) || left_out.contains(name)), name, " is left over");
  }

 private:
  const std::string& used(const std::string& name) { return *used_.insert(name).first; }

  NumpyArchive file_;
  std::set<std::string> used_;
};

// One variant of a file: the arrays with its prefix.
class Variant {
 public:
  Variant(File& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  // An input or a weight, in another shape where one is given. Its gradient has to be the file's.
  Tensor leaf(const std::string& name, const std::optional<Shape>& shape = {}) {
    const Array value = file_.array(name);
    const Tensor leaf = Tensor::parameter(shape ? value.reshaped(*shape) : value);
    leaves_.push_back({name, leaf, value.shape()});
    return leaf;
  }

  void check(const std::string& name, const Array& ours, double t) {
    CAPTURE(prefix_);
    CAPTURE(name);
    const std::string difference = golden::differs(ours, file_.array(prefix_ + name), t);
    CHECK(difference == "");
    ++compared;
    agreed += difference.empty();
  }

  // The output, the weights if they have a name, and the gradients of the leaves, within t, and
  // 2 t.
  void check(const Attended& attended, const std::string& weights = "weights", double t = 5e-6) {
    check("output", attended.context.value(), t);
    if (!weights.empty()) check(weights, attended.weights().value(), t);
    sum(attended.context * Tensor(file_.array(prefix_ + "cotangent"))).backward();
    for (const Leaf& leaf : leaves_)
      check("d_" + leaf.name, leaf.tensor.grad().reshaped(leaf.shape), 2 * t);
  }

 private:
  struct Leaf {
    std::string name;
    Tensor tensor;
    Shape shape;
  };
  File& file_;
  std::string prefix_;
  std::vector<Leaf> leaves_;
};

Mask kept_where_0(const Mask& drop) {
  Mask keep(drop.shape());
  for (Index i = 0; i < keep.count(); ++i)
    keep.mutable_keep()[static_cast<std::size_t>(i)] = !drop.data()[i];
  return keep;
}

// (batch, queries, time) or (queries, time) as a mask of pairs.
Mask pairs(const Mask& mask) {
  const Shape& s = mask.shape();
  return mask.reshaped(s.rank() == 3 ? Shape{s[0], 1, s[1], s[2]} : Shape{1, 1, s[0], s[1]});
}

}  // namespace

TEST_CASE("Attention is Keras', with its masks, causal order, scale and concat score") {
  struct Case {
    const char* prefix;
    bool mask = false, query_mask = false, causal = false, scale = false, concat = false;
  };
  File file("keras_attention");
  std::set<std::string> left_out;
  for (const Case& each :
       {Case{""}, Case{.prefix = "masked_", .mask = true},
        Case{.prefix = "causal_", .causal = true}, Case{.prefix = "scaled_", .scale = true},
        Case{"masked_causal_scaled_", true, true, true, true},
        Case{.prefix = "concat_", .concat = true},
        Case{"concat_scaled_masked_", true, false, false, true, true}}) {
    Variant variant(file, each.prefix);
    Attention layer{.use_scale = each.scale,
                    .score_mode = each.concat ? ScoreMode::concat : ScoreMode::dot,
                    .causal = each.causal};
    layer.build(Shape{5, 8}, Rng(1));
    AttendOptions options{.weights = true};
    const Tensor query = variant.leaf("query");
    options.key = variant.leaf("key");
    options.value = variant.leaf("value");
    const std::string prefix = each.prefix;
    if (each.scale) layer.scale = file.parameter(prefix + "scale");
    if (each.concat) layer.concat_score_weight = file.parameter(prefix + "concat_score_weight");
    if (each.mask) options.mask.keep = file.mask("mask");
    if (each.query_mask) options.mask.queries = file.mask("query_mask");
    // Keras leaves the weights of masked queries as they are; ours are 0.
    variant.check(layer.attend(query, options), each.query_mask ? "" : "weights");
    if (each.scale) variant.check("d_scale", layer.scale.grad(), 1e-5);
    if (each.concat) variant.check("d_concat_score_weight", layer.concat_score_weight.grad(), 1e-5);
    if (each.query_mask) left_out.insert(prefix + "weights");
  }
  file.check_complete(left_out);
}

TEST_CASE("MultiHeadAttention is Keras' MultiHeadAttention and GroupQueryAttention") {
  struct Case {
    const char* prefix;
    const char* mask = "";
    bool padded = false, causal = false;
  };
  for (const char* name : {"keras_mha", "keras_mha_value_dim", "keras_mha_no_bias", "keras_gqa"}) {
    CAPTURE(name);
    File file(name);
    for (const Case& each :
         {Case{""}, Case{"masked_", "attention_mask"}, Case{"masked_none_", "attention_mask_none"},
          Case{.prefix = "padded_", .padded = true}, Case{.prefix = "causal_", .causal = true},
          Case{"masked_causal_", "attention_mask", true, true}}) {
      Variant variant(file, each.prefix);
      const Shape q = file.array("weight_query_kernel").shape(),
                  k = file.array("weight_key_kernel").shape(),
                  v = file.array("weight_value_kernel").shape();
      MultiHeadAttention layer{.num_heads = q[1],
                               .key_dim = q[2],
                               .value_dim = v[2],
                               .use_bias = std::string(name) != "keras_mha_no_bias",
                               .num_key_value_heads = k[1],
                               .causal = each.causal};
      layer.build(Shape{5, q[0]}, Rng(1));
      for_each_parameter(layer, [&](const std::string& path, Tensor& tensor) {
        std::string theirs = "weight_" + path;
        std::ranges::replace(theirs, '/', '_');
        tensor = variant.leaf(theirs, tensor.shape());
      });
      const Tensor query = variant.leaf("query");
      AttendOptions options{.value = variant.leaf("value"), .weights = true};
      if (*each.mask) options.mask.pairs = pairs(file.mask(each.mask));
      if (each.padded) options.mask.keep = file.mask("value_mask");
      variant.check(layer.attend(query, options));
    }
    file.check_complete({"masked_none_output_without_scores"});
  }
}

TEST_CASE("the op attention is PyTorch's scaled_dot_product_attention, with every option") {
  struct Case {
    const char* prefix;
    const char *q = "query", *k = "key", *v = "value";
    AttentionOptions options = {};
    double t = 5e-6;
  };
  File file("torch_sdpa");
  const Tensor bias(file.array("bias"));
  const Mask keep = file.mask("keep");
  const real infinity = std::numeric_limits<real>::infinity();
  const Tensor minus_inf = where(keep, scalar(0), scalar(-infinity));
  for (const Case& each :
       {Case{"plain_"}, Case{.prefix = "scale_", .options = {.scale = real(0.2)}},
        Case{.prefix = "keep_", .options = {.mask = {.pairs = keep}}},
        Case{.prefix = "keep_none_", .options = {.mask = {.pairs = file.mask("keep_none")}}},
        Case{.prefix = "bias_", .options = {.bias = bias}},
        Case{.prefix = "minus_inf_", .options = {.bias = minus_inf}},
        Case{.prefix = "wide_", .v = "value_wide"},
        Case{
            .prefix = "causal_square_", .q = "query_square", .options = {.mask = {.causal = true}}},
        Case{.prefix = "causal_top_left_", .options = {.mask = {.causal = true}}},
        Case{.prefix = "causal_long_query_",
        .q = "query_long",
        .options = {.mask = {.causal = true}}},
        Case{"grouped_", "query", "key_grouped", "value_grouped"},
        Case{"grouped_causal_",
             "query_square",
             "key_grouped",
             "value_grouped",
             {.mask = {.causal = true}}},
        Case{.prefix = "huge_scores_", .q = "query_huge", .t = 5e-3}}) {
    Variant variant(file, each.prefix);
    const Tensor q = variant.leaf(each.q), k = variant.leaf(each.k), v = variant.leaf(each.v);
    AttentionOptions options = each.options;
    options.weights = true;
    variant.check(attention(q, k, v, options), "weights", each.t);
  }
  file.check_complete();
}

namespace {

// A part of PyTorch's packed (3E, E) or (3E) projection, as a Dense has it.
Array dense(const Array& rows) {
  return rows.shape().rank() == 2 ? transpose(Tensor(rows)).value() : rows;
}

struct TorchCase {
  const char *prefix, *weights;
  bool padding = false, self = false;
  const char* mask = "";
};

// The layer with the weights of PyTorch's module.
MultiHeadAttention from_torch(File& file, const std::string& weights) {
  const bool separate = weights == "separate_";
  MultiHeadAttention layer{.num_heads = 2,
                           .key_dim = 4,
                           .use_bias = weights != "no_bias_",
                           .value_features = separate ? 7 : 8,
                           .key_features = separate ? 5 : 8};
  layer.build(Shape{5, 8}, Rng(1));
  Dense* const parts[] = {&layer.query, &layer.key, &layer.value};
  const char* const names[] = {"q_proj_weight", "k_proj_weight", "v_proj_weight"};
  for (Index i = 0; i < 3; ++i) {
    Dense& part = *parts[i];
    part.kernel = Tensor::parameter(
        dense(separate ? file.array(weights + names[i])
                       : file.array(weights + "in_proj_weight").rows(8 * i, 8 * i + 8)));
    if (layer.use_bias)
      part.bias = Tensor::parameter(file.array(weights + "in_proj_bias").rows(8 * i, 8 * i + 8));
  }
  layer.attention_output.kernel = Tensor::parameter(dense(file.array(weights + "out_proj_weight")));
  if (layer.use_bias) layer.attention_output.bias = file.parameter(weights + "out_proj_bias");
  return layer;
}

// The gradients of the weights, packed as PyTorch's are.
void check_gradients(Variant& variant, const MultiHeadAttention& layer, bool separate) {
  const Array q = dense(layer.query.kernel.grad()), k = dense(layer.key.kernel.grad()),
              v = dense(layer.value.kernel.grad());
  if (separate) {
    variant.check("d_q_proj_weight", q, 1e-5);
    variant.check("d_k_proj_weight", k, 1e-5);
    variant.check("d_v_proj_weight", v, 1e-5);
  } else {
    variant.check("d_in_proj_weight", concat({Tensor(q), Tensor(k), Tensor(v)}, 0).value(), 1e-5);
  }
  variant.check("d_out_proj_weight", dense(layer.attention_output.kernel.grad()), 1e-5);
  if (!layer.use_bias) return;
  variant.check("d_in_proj_bias",
                concat({Tensor(layer.query.bias.grad()), Tensor(layer.key.bias.grad()),
                        Tensor(layer.value.bias.grad())},
                       0)
                    .value(),
                1e-5);
  variant.check("d_out_proj_bias", layer.attention_output.bias.grad(), 1e-5);
}

}  // namespace

TEST_CASE("MultiHeadAttention is PyTorch's, with its packed and separate weights") {
  File file("torch_mha");
  for (const TorchCase& each :
       {TorchCase{"", "", true}, TorchCase{"plain_", ""},
        TorchCase{.prefix = "attn_mask_", .weights = "", .mask = "attn_mask_true_is_drop"},
        TorchCase{.prefix = "attn_mask_added_", .weights = "", .mask = "attn_mask_added"},
        TorchCase{"both_masks_", "", true, false, "attn_mask_true_is_drop"},
        TorchCase{"self_causal_", "", false, true, "causal_mask_true_is_drop"},
        TorchCase{"no_bias_", "no_bias_", true}, TorchCase{"separate_", "separate_", true}}) {
    const bool separate = std::string(each.weights) == "separate_",
               added = std::string(each.mask) == "attn_mask_added";
    Variant variant(file, each.prefix);
    const MultiHeadAttention layer = from_torch(file, each.weights);
    const Tensor query = variant.leaf("query");
    AttendOptions options{.weights = true};
    if (!each.self) options.key = variant.leaf(separate ? "key_separate" : "key");
    if (!each.self) options.value = separate ? variant.leaf("value_separate") : *options.key;
    if (each.padding) options.mask.keep = kept_where_0(file.mask("key_padding_mask_true_is_drop"));
    if (added) options.bias = Tensor(file.array(each.mask).reshaped(Shape{1, 1, 5, 6}));
    if (*each.mask && !added) options.mask.pairs = pairs(kept_where_0(file.mask(each.mask)));
    const Attended attended = layer.attend(query, options);
    variant.check(attended, "weights_per_head");
    variant.check("weights_averaged", mean(attended.weights(), 1).value(), 5e-6);
    check_gradients(variant, layer, separate);
  }
  file.check_complete();
  std::printf("figure: attention golden = %d of %d\n", agreed, compared);
}
