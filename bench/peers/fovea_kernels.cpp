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

peers::Steps start(const peers::Options& options, const NumpyArchive& data) {
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
  if (options.kind == "adds")
    return forward_and_backward({parameter("start"), parameter("step")}, {}, [](const auto& p) {
      Tensor x = p[0];
      for (int i = 0; i < 1000; ++i) x = x + p[1];
      return sum(x);
    });
  return adam(data);
}

}  // namespace

int main(int count, char** arguments) { return peers::serve(count, arguments, start); }
