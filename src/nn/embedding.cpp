#include "fovea/nn/embedding.hpp"

#include <fmt/format.h>

#include "fovea/base/error.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/ops/ops.hpp"
#include "nn/checks.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

Shape Embedding::build(const Shape& sample, const Rng& random) {
  if (input_dim < 1 || output_dim < 1)
    throw ValueError(
        fmt::format("Embedding: input_dim is {}, output_dim is {}; both must be at least 1",
                    input_dim, output_dim));
  const Shape output = sample.inserted(sample.rank(), output_dim);
  if (!embeddings.defined())
    embeddings = Tensor::parameter(init::uniform(Shape{input_dim, output_dim}, real(-0.05),
                                                 real(0.05), random.split("weight")));
  if (embeddings.shape() != Shape{input_dim, output_dim})
    throw ShapeError(fmt::format(
        "Embedding: built for a table of shape {}; input_dim is {} and output_dim is {}",
        to_string(embeddings.shape()), input_dim, output_dim));
  return output;
}

Tensor Embedding::operator()(const Ids& ids, const Context&) const {
  check_built("Embedding", embeddings);
  check(ids);
  return gather_rows(embeddings, ids);
}

void Embedding::check(const Ids& ids) const {
  for (Index i = 0; i < ids.count(); ++i)
    if (const Index id = ids.data()[i]; id < 0 || id >= input_dim)
      throw IndexError(
          fmt::format("Embedding: the id at position {} of ids of shape {} is {}; input_dim is {}, "
                      "so ids are 0 to {}",
                      i, to_string(ids.shape()), id, input_dim, input_dim - 1));
}

std::optional<Mask> Embedding::mask(const Ids& ids) const {
  return mask_zero ? std::optional(Mask::keep_where_not(ids, 0)) : std::nullopt;
}

}}  // namespace fovea
