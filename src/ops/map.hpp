// The drivers of elementwise ops: shape rule, forward and backward for any kernel.
#pragma once

#include "fovea/autograd/graph.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/reduce.hpp"
#include "ops/shape_rules.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace ops {

/// y = f(x). Keeps x or y for the slope, whichever it needs.
Tensor map(const char* name, const Tensor& x, const kernels::UnaryKernel& kernel,
           kernels::Scalars scalars = {});

/// An array for c = f(a, b), broadcast. Operands of one shape, the most frequent case, need no walk
/// over axes.
Array result_of(const char* name, const Shape& a, const Shape& b);

/// c = f(a, b), broadcast.
Tensor zip(const char* name, const Tensor& a, const Tensor& b, const kernels::BinaryKernel& kernel);

/// The numbers of c = f(a, b), where c has the shape that a and b broadcast to.
void zip_into(const kernels::BinaryKernel& kernel, const Array& a, const Array& b, Array& c);

/// Adds d, the gradient of a broadcast operand in the result's shape, to the operand's own: summed
/// over the axes along which the operand was repeated.
void add_reduced(const Array& d, Gradient& gradient);

/// What lies before, along and behind one axis.
kernels::AlongAxis along(const Shape& x, int axis);

/// The sum of x over axes, with their sizes left as 1 or not: `shape` is the result's.
Array sum_over(const Array& x, shape::AxisSet axes, const Shape& shape);

}}}  // namespace fovea::ops
