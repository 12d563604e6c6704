// Training steps of fovea: the documented model and a multilayer perceptron. `fovea`:
// train_on_batch; `fovea-fit`: fit; `fovea-loop`: a loop of one's own, without Sequential;
// `fovea-rechosen`: train_on_batch, where OpenBLAS had chosen kernels for an old processor and the
// library has chosen anew; `fovea-lazy`: train_on_batch where rows that a batch does not touch
// stand still, which is another algorithm.
#include "fovea/fovea.hpp"
#include "kernels/blas_core.hpp"
#include "peers/worker.hpp"

using namespace fovea;

namespace {

using Batch = std::pair<Samples, Samples>;

Samples samples(const NumpyArchive& data, const char* name) {
  const NumpyArray array = data.numpy(name);
  if (array.type().ends_with("f4")) return array.reals();
  return array.ids();
}

std::vector<Batch> cut(const NumpyArchive& data) {
  const Samples x = samples(data, "x"), y = samples(data, "y");
  const Index size = data.ids("batch").at(0);
  std::vector<Batch> list;
  for (Index i = 0; i < y.count(); i += size) {
    const Index end = std::min(i + size, y.count());
    list.emplace_back(x.rows(i, end), y.rows(i, end));
  }
  return list;
}

Sequential documented(const NumpyArchive& data, bool mask_zero) {
  const Embedding embedding{.input_dim = data.shape("embedding/embeddings")[0],
                            .output_dim = 128,
                            .mask_zero = mask_zero};
  return Sequential{embedding, AttentionLayer{64}, Dense{10, Activation::softmax}};
}

Sequential mlp() {
  return Sequential{Dense{256, Activation::relu}, Dense{128, Activation::relu},
                    Dense{10, Activation::softmax}};
}

std::shared_ptr<Sequential> ready(const peers::Options& options, const NumpyArchive& data) {
  auto model = std::make_shared<Sequential>(
      options.kind == "mlp" ? mlp() : documented(data, options.kind == "epoch"));
  model->compile({.optimizer = Adam{{.lazy = options.contestant == "fovea-lazy"}},
                  .loss = SparseCategoricalCrossentropy{},
                  .metrics = {Accuracy{}}});
  model->build({data.shape("x")[1]});
  Sequential::parameters(
      *model, [&](const std::string& path, Tensor& tensor) { tensor.assign(data.array(path)); });
  return model;
}

peers::Steps train_on_batch(const peers::Options& options, const NumpyArchive& data) {
  const auto step = [model = ready(options, data), list = cut(data)](Index i) {
    const auto& [x, y] = list[static_cast<std::size_t>(i) % list.size()];
    return model->train_on_batch(x, y).at("loss");
  };
  return {step, step};
}

// An epoch in an order of its own, of all batches, of drawn ones four times over; a loss is that of
// a fit on one batch.
peers::Steps fit(const peers::Options& options, const NumpyArchive& data) {
  const Samples x = samples(data, "x"), y = samples(data, "y");
  const Index size = data.ids("batch").at(0);
  const bool is_epoch = options.kind == "epoch";
  const Index times = is_epoch ? 1 : 4;
  std::vector<Index> positions;
  for (Index i = 0; i < times * y.count(); ++i) positions.push_back(i % y.count());
  const auto model = ready(options, data);
  const auto epoch = [=, all = Batch(x.rows(positions), y.rows(positions))](Index) {
    model->fit(all.first, all.second, {.batch_size = size, .verbose = 0});
  };
  const auto one_batch = [=, list = cut(data)](Index i) {
    const auto& [one_x, one_y] = list[static_cast<std::size_t>(i) % list.size()];
    return model->fit(one_x, one_y, {.batch_size = size, .verbose = 0})["loss"].front();
  };
  return {epoch, one_batch, is_epoch ? 1 : static_cast<int>(times * y.count() / size)};
}

struct Loop {
  Embedding embedding;
  AttentionLayer attention{64};
  Dense dense{10};
  Adam optimizer;

  static void parameters(auto& self, auto&& visit) {
    visit("embedding", self.embedding);
    visit("attention_layer", self.attention);
    visit("dense", self.dense);
  }

  explicit Loop(const NumpyArchive& data) : embedding{data.shape("embedding/embeddings")[0], 128} {
    const Shape sample{data.shape("x")[1]};
    dense.build(attention.build(embedding.build(sample, Rng(1)), Rng(2)), Rng(3));
    for_each_parameter(
        *this, [&](const std::string& path, Tensor& tensor) { tensor.assign(data.array(path)); });
    optimizer.attach(*this);
  }

  double step(const Ids& x, const Samples& y) {
    const Tensor logits = dense(attention(embedding(x)));
    const Tensor loss = mean(sparse_categorical_crossentropy(logits, y.ids()));
    mean(Accuracy{}(logits.value(), y));
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    return loss.item();
  }
};

peers::Steps loop(const NumpyArchive& data) {
  const auto step = [loop = std::make_shared<Loop>(data), list = cut(data)](Index i) {
    const auto& [x, y] = list[static_cast<std::size_t>(i) % list.size()];
    return loop->step(x.ids(), y);
  };
  return {step, step};
}

}  // namespace

int main(int count, char** arguments) {
  return peers::serve(
      count, arguments, [](const peers::Options& options, const NumpyArchive& data) {
        if (options.contestant == "fovea-rechosen") {
          kernels::choose_core("Prescott");
          if (kernels::current_core() != "Prescott")
            throw StateError("fovea-rechosen: this OpenBLAS cannot choose its kernels anew");
          kernels::correct_core();
        }
        if (options.kind == "fit" || options.kind == "epoch") return fit(options, data);
        return options.contestant == "fovea-loop" ? loop(data) : train_on_batch(options, data);
      });
}
