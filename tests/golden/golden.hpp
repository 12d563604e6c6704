// Numbers that Keras and PyTorch computed (README.md), and how close ours come.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "fovea/autograd/tensor.hpp"
#include "fovea/io/npy.hpp"

namespace golden {

inline fovea::NumpyArchive open(const std::string& name) {
  return fovea::NumpyArchive(std::string(FOVEA_GOLDEN_DIR) + "/" + name + ".npz");
}

/// Empty, or the first element with |got - golden| > t (1 + |golden|). Infinities and NaN have to
/// be the same.
inline std::string differs(const fovea::Array& got, const fovea::Array& golden, double t) {
  if (got.shape() != golden.shape())
    return fmt::format("shape {}, golden {}", to_string(got.shape()), to_string(golden.shape()));
  for (fovea::Index i = 0; i < got.count(); ++i) {
    const double ours = static_cast<double>(got.data()[i]),
                 theirs = static_cast<double>(golden.data()[i]);
    if (ours == theirs || (std::isnan(ours) && std::isnan(theirs)) ||
        std::abs(ours - theirs) <= t * (1 + std::abs(theirs)))
      continue;
    return fmt::format("element {} of {} is {}, golden {}", i, to_string(got.shape()), ours,
                       theirs);
  }
  return "";
}

inline fovea::Tensor parameter(const fovea::NumpyArchive& file, const std::string& name) {
  return fovea::Tensor::parameter(file.array(name));
}

}  // namespace golden
