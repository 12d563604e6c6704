// Kernels of fovea, each called as a user would: an op forward and backward, Adam over one large
// parameter, a chain of additions.
#include "fovea/fovea.hpp"
#include "peers/worker.hpp"

using namespace fovea;

namespace {

peers::Steps steps(std::function<double(Index, bool)> step) {
  return {[step](Index i) { step(i, false); }, [step](Index i) { return step(i, true); }};
}

// `op` gives the result for its parameters; `dy` is its gradient, or not there where the result is
// one number.
peers::Steps forward_and_backward(std::vector<Tensor> parameters, std::optional<Array> dy,
                                  std::function<Tensor(const std::vector<Tensor>&)> op) {
  return steps([=](Index, bool wanted) {
    for (const Tensor& parameter : parameters) parameter.zero_grad();
    const Tensor y = op(parameters);
    dy ? y.backward(*dy) : y.backward();
    if (!wanted) return 0.0;
    std::vector<Array> arrays{y.value()};
    for (const Tensor& parameter : parameters) arrays.push_back(parameter.grad());
    return peers::sum_of_squares(arrays);
  });
}

// A layer of 8 heads over x, with the weights of each.
peers::Steps heads(const NumpyArchive& data) {
  const auto layer = std::make_shared<MultiHeadAttention>(
      MultiHeadAttention{.num_heads = 8, .key_dim = data.shape("x")[2] / 8});
  layer->build(data.shape("x").without(0), Rng(1));
  const Tensor x = Tensor::parameter(data.array("x"));
  const Array dy = data.array("dy");
  for_each_parameter(*layer, [&](const std::string& path, Tensor& tensor) {
    tensor = Tensor::parameter(data.array(path));
  });
  return steps([=](Index, bool wanted) {
    zero_grad(*layer);
    x.zero_grad();
    const Attended attended = layer->attend(x, {.weights = true});
    attended.context.backward(dy);
    if (!wanted) return 0.0;
    std::vector<Array> arrays{attended.context.value(), attended.weights().value(), x.grad()};
    for (const NamedParameter& parameter : parameters_of(*layer))
      arrays.push_back(parameter.tensor.grad());
    return peers::sum_of_squares(arrays);
  });
}

peers::Steps adam(const NumpyArchive& data) {
  const Tensor p = Tensor::parameter(data.array("p"));
  p.gradient().add(data.array("g"));
  const auto optimizer = std::make_shared<Adam>();
  optimizer->attach({{"p", p}});
  return steps([=](Index, bool wanted) {
    optimizer->step();
    return wanted ? peers::sum_of_squares({p.value()}) : 0.0;
  });
}

peers::Steps recurrent(const std::string& kind, const NumpyArchive& data) {
  std::vector<Tensor> parameters;
  for (const char* name : {"x", "kernel", "recurrent_kernel", "bias"})
    parameters.push_back(Tensor::parameter(data.array(name)));
  return forward_and_backward(parameters, data.array("dy"), [kind](const auto& p) {
    return (kind == "gru" ? gru(p[0], p[1], p[2], p[3]) : lstm(p[0], p[1], p[2], p[3])).outputs;
  });
}

// Additive attention of each position against all, with both projections.
peers::Steps additive(const NumpyArchive& data) {
  const auto parameter = [&](const char* name) { return Tensor::parameter(data.array(name)); };
  return forward_and_backward({parameter("x"), parameter("W1"), parameter("W2"), parameter("v")},
                              data.array("dy"), [](const auto& p) {
                                return attention(matmul(p[0], p[2]), matmul(p[0], p[1]), p[0],
                                                 {.score = Score::additive, .score_weights = p[3]})
                                    .context;
                              });
}

// Attention of heads by dot products.
peers::Steps dot_attention(const NumpyArchive& data) {
  AttentionOptions options{.mask = {.causal = data.ids("causal").at(0) != 0}};
  if (const Index window = data.ids("window").at(0); window > 0) options.mask.window = window;
  const auto parameter = [&](const char* name) { return Tensor::parameter(data.array(name)); };
  return forward_and_backward(
      {parameter("q"), parameter("k"), parameter("v")}, data.array("dy"),
      [options](const auto& p) { return attention(p[0], p[1], p[2], options).context; });
}

peers::Steps start(const peers::Options& options, const NumpyArchive& data) {
  if (options.kind == "mha") return heads(data);
  const auto parameter = [&](const char* name) { return Tensor::parameter(data.array(name)); };
  if (options.kind == "softmax")
    return forward_and_backward({parameter("x")}, data.array("dy"),
                                [](const auto& p) { return softmax(p[0]); });
  if (options.kind == "layer_norm")
    return forward_and_backward(
        {parameter("x"), parameter("gamma"), parameter("beta")}, data.array("dy"),
        [](const auto& p) { return layer_norm(p[0], p[1], p[2], real(1e-3)); });
  if (options.kind == "cross_entropy")
    return forward_and_backward({parameter("x")}, {}, [y = data.ids("y")](const auto& p) {
      return mean(sparse_categorical_crossentropy(p[0], y));
    });
  if (options.kind == "additive") return additive(data);
  if (options.kind == "dot") return dot_attention(data);
  if (options.kind == "adds")
    return forward_and_backward({parameter("start"), parameter("step")}, {}, [](const auto& p) {
      Tensor x = p[0];
      for (int i = 0; i < 1000; ++i) x = x + p[1];
      return sum(x);
    });
  if (options.kind == "gru" || options.kind == "lstm") return recurrent(options.kind, data);
  return adam(data);
}

}  // namespace

int main(int count, char** arguments) { return peers::serve(count, arguments, start); }
