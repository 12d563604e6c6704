"""Defects of the kinds that people make. Each is planted alone, and a test must turn red.

(file, what stands there once, what takes its place, test program, what is wrong)
"""

DEFECTS = [
    # Slopes: signs, factors, inputs for outputs.
    ("src/ops/unary.cpp", "return y + lanes(1); }", "return y; }", "ops_test64", "expm1: the slope is y, not y + 1"),
    ("src/ops/unary.cpp", "return lanes(1) / (lanes(1) + x); }", "return lanes(1) / (lanes(1) - x); }", "ops_test64", "log1p: a wrong sign in the slope"),
    ("src/ops/unary.cpp", "return hn::Neg(math::sin(x)); }", "return math::sin(x); }", "ops_test64", "cos: a wrong sign of the slope"),
    ("src/ops/unary.cpp", "return x + x; }", "return x; }", "ops_test64", "square: the factor 2 is forgotten"),
    ("src/ops/unary.cpp", "return lanes(-0.5) * y * y * y; }", "return lanes(-0.5) * y * y; }", "ops_test64", "rsqrt: a power too few in the slope"),
    ("src/ops/unary.cpp", "return lanes(1) - y * y; }", "return lanes(1) - y; }", "ops_test64", "tanh: 1 - y for 1 - y y"),
    ("src/ops/unary.cpp", "math::pow(x, exponent.a - 1);", "math::pow(x, exponent.a);", "ops_test64", "pow: the exponent is not lowered in the slope"),
    ("src/ops/unary.cpp", "hn::Le(x, hn::Set(math::Tag(), bounds.b))", "hn::Lt(x, hn::Set(math::Tag(), bounds.b))", "ops_test", "clip: the slope at the upper bound is 0"),
    ("src/ops/activations.cpp", "lanes(1), hn::Set(math::Tag(), alpha.a) * math::exp(x));", "lanes(1), hn::Set(math::Tag(), alpha.b) * math::exp(x));", "ops_test64", "elu: alpha is left out of the slope"),
    ("src/ops/activations.cpp", "return s * (lanes(1) + near * (lanes(1) - s));", "return s * (lanes(1) + near * s);", "ops_test64", "silu: s for 1 - s"),
    ("src/ops/activations.cpp", "lanes(3 * cubic)", "lanes(2 * cubic)", "ops_test64", "gelu_tanh: the derivative of the cube"),
    ("src/ops/binary.cpp", "return hn::Neg(a) / (b * b); }", "return a / (b * b); }", "ops_test64", "div: a wrong sign of the slope by b"),
    ("src/ops/binary.cpp", "slope_b(Lane, Lane) { return lanes(-1); }", "slope_b(Lane, Lane) { return lanes(1); }", "ops_test64", "sub: a wrong sign of the slope by b"),
    ("src/ops/binary.cpp", "hn::Lt(a, b), a, b); }", "hn::Gt(a, b), a, b); }", "ops_test64", "minimum: its gradient goes to the larger"),
    # Accumulation and broadcasting.
    ("src/ops/map.cpp", "= axis < missing || (own", "= (own", "ops_test", "broadcasting: new axes are not summed over"),
    ("src/kernels/elementwise.cpp", "hn::StoreU(add ? hn::LoadU(Tag(), y + i) + v : v, Tag(), y + i);\n      },\n      [&](Index i, Index k) HWY_ATTR {\n        const Lane v = f *",
     "hn::StoreU(v, Tag(), y + i);\n      },\n      [&](Index i, Index k) HWY_ATTR {\n        const Lane v = f *", "autograd_test", "scale: overwrites where it should add"),
    ("src/kernels/elementwise.cpp", "store_some(add ? load_some(y + i, k) + v : v, y + i, k);\n      });\n}\n\nvoid copy_row", "store_some(v, y + i, k);\n      });\n}\n\nvoid copy_row", "autograd_test", "scale: the tail overwrites where it should add"),
    ("src/autograd/gradient.cpp", "  if (other.has_dense()) add(other.dense_);\n", "", "autograd_test", "Gradient: the dense part of another is forgotten"),
    ("src/autograd/gradient.cpp", "else if (!dense_.unique()) dense_ = dense_.clone();", "", "autograd_test", "Gradient: adds into an array that others share"),
    ("src/autograd/backward.cpp", "      if (!retain_graph) {", "      if (retain_graph) {", "autograd_test", "backward: releases the graph where it should be kept"),
    ("src/autograd/backward.cpp", "a->number > b->number", "a->number < b->number", "autograd_test", "backward: oldest first"),
    ("src/autograd/backward.cpp", "edge.parent->version != edge.version", "edge.parent->version < edge.version", "autograd_test", "backward: writes in between go unnoticed"),
    # Products.
    ("src/ops/matmul.cpp", "add_product(dc.view(), oriented(b, !transpose_b), dc.shape(), da);", "add_product(dc.view(), oriented(b, transpose_b), dc.shape(), da);", "ops_test64", "matmul: B for its transpose in dA"),
    ("src/ops/linear.cpp", "if (dx) add_product", "if (dx && !dweight) add_product", "ops_test", "linear: x gets no gradient where the weight gets one"),
    ("src/ops/linear.cpp", "if (dweight) add_product", "if (dweight && dbias) add_product", "ops_test", "linear: the weight gets no gradient without a bias"),
    ("src/ops/linear.cpp", "if (dbias && !kernel) add_column_sums", "if (dbias) add_column_sums", "ops_test", "linear: the bias of a fused activation gets its gradient twice"),
    ("src/ops/linear.cpp", "const Array dz = kernel ? slopes", "const Array dz = kernel && dbias ? slopes", "ops_test", "linear: the slope of the activation is left out without a bias"),
    ("src/ops/linear.cpp", "from, y.data() + from, to + from, count", "from, y.data(), to + from, count", "ops_test", "linear: slopes of the first rows for all"),
    ("src/ops/unary.cpp", "case Activation::sigmoid: return FOVEA_UNARY(Sigmoid);", "case Activation::sigmoid: return FOVEA_UNARY(Tanh);", "ops_test", "linear: tanh for sigmoid"),
    ("src/kernels/elementwise.cpp", "if (b) copy({b, Shape{width}, {1}}, {from, piece, {width, 1}}, true);", "if (b) copy({b, Shape{width}, {1}}, {from, piece, {width, 1}}, false);", "kernels_test", "add_row_and_map: the row takes the place of the others"),
    ("src/kernels/reduce.cpp", "make(row, count);", "if (row > 0) make(row, count);", "kernels_test", "sum_as_made: the first block is not made"),
    ("src/kernels/gemm.cpp", "add && !partials);", "add || partials);", "kernels_test", "gemm: adds to partial sums that are not initialised"),
    ("src/kernels/gemm.cpp", "index / grid.column_blocks % grid.row_blocks", "index / grid.row_blocks % grid.row_blocks", "kernels_test", "gemm: blocks are counted by the wrong axis"),
    ("src/kernels/gemm.cpp", "std::min(grid.tile_inner, inner - k)", "std::min(grid.tile_inner, inner)", "kernels_test", "gemm: the last piece reads past the end"),
    # Reductions, softmax, losses, norms.
    ("src/kernels/reduce.cpp", "if (i < n) b = Join::join", "if (i + 1 < n) b = Join::join", "kernels_test", "reduce: a last element alone is left out"),
    ("src/kernels/reduce.cpp", "dy[i] / static_cast<real>(ties)", "dy[i]", "ops_test", "max: equals each get the whole gradient"),
    ("src/kernels/softmax.cpp", "v.load(y) * (v.load(dy) - dot)", "v.load(y) * v.load(dy)", "ops_test64", "softmax: the sum is left out of the slopes"),
    ("src/kernels/softmax.cpp", "const Lane largest = row_maximum(x, keep, rows);\n  const Lane total = sum_of_row(keep, rows, [&](const auto& v) HWY_ATTR {\n",
     "const Lane largest = hn::Zero(Tag());\n  const Lane total = sum_of_row(keep, rows, [&](const auto& v) HWY_ATTR {\n", "kernels_test", "softmax: no maximum is subtracted"),
    ("src/kernels/softmax.cpp", "if (!keep) return hn::FirstN", "return hn::FirstN", "ops_test", "softmax: the mask is ignored"),
    ("src/kernels/softmax.cpp", "v.load(dy) - exp_of_negative(v.load(y)) * total", "v.load(dy) - exp_of_negative(v.load(y))", "ops_test64", "log_softmax: the total is left out of the slopes"),
    ("src/ops/reduce.cpp", "options.unbiased ? count - 1 : count", "options.unbiased ? count : count - 1", "ops_test", "var: unbiased the wrong way round"),
    # Shapes and indices.
    ("src/ops/slice.cpp", "if (!add) std::fill_n(view.data, view.shape.count(), real(0));", "", "ops_test", "slice: what was not cut out gets no zero gradient"),
    ("src/ops/slice.cpp", "(shift % size + size) % size;", "shift % size;", "ops_test", "roll: a shift below 0"),
    ("src/ops/reshape.cpp", "result.strides[i] = x.strides[static_cast<std::size_t>(x.shape.resolve(order[i]))];", "result.strides[static_cast<std::size_t>(x.shape.resolve(order[i]))] = x.strides[i];", "ops_test", "permute: the inverse permutation"),
    ("src/ops/where.cpp", "wrt(b, only(false)));", "wrt(b, only(true)));", "ops_test", "where: both gradients go where the mask is 1"),
    ("src/ops/take.cpp", "Array y = x.value().clone();\n  kernels::put(updates", "Array y = Array::zeros(x.shape());\n  kernels::put(updates", "ops_test", "scatter_add: forgets x"),
    # Attention, recurrent modules.
    ("src/kernels/additive_pool.cpp", "hn::NegMulAdd(y, y, lanes(1))", "hn::NegMulAdd(y, y, lanes(2))", "ops_test64", "additive pooling: the slope of tanh"),
    ("src/kernels/additive_pool.cpp", "count_(keep ? time", "count_(false ? time", "ops_test", "additive pooling: the mask is ignored"),
    ("src/kernels/additive_pool.cpp", "gemm(dz(s.units + 1), ", "gemm(dz(0), ", "ops_test64", "additive pooling: x gets no gradient through the scores"),
    ("src/kernels/additive_pool.cpp", "gradients.add_dx, i > begin, scratch);", "gradients.add_dx, false, scratch);", "ops_test64", "additive pooling: dW of one sample takes the place of the others'"),
    # Optimiser, training, random numbers, memory.
    ("src/kernels/adam.cpp", "variance = hn::MulAdd(hn::MulSub(g, g, variance)", "variance = hn::MulAdd(hn::MulSub(g, mean, variance)", "optim_test", "Adam: g times the mean for g squared"),
    ("src/optim/adam.cpp", "const double correction_1 = 1 - std::pow(o.beta_1, t)", "const double correction_1 = 1 - std::pow(o.beta_1, t + 1)", "optim_test", "Adam: the bias correction is a step ahead"),
    ("src/optim/adam_rows.cpp", "last + 1 - starts_[first]", "last - starts_[first]", "optim_test", "Adam on rows: a step too many when a row catches up"),
    ("src/train/shards.cpp", "for (std::size_t step = 1; step < sum.count; step *= 2)", "for (std::size_t step = 1; step < sum.count / 2; step *= 2)", "train_test", "shards: half of the gradients is left out"),
    ("src/train/pass.cpp", "keep ? static_cast<real>(weight / whole) : real(0)", "static_cast<real>(weight / (keep ? whole : whole + 1))", "train_test", "fit: masked positions count in the loss"),
    ("src/base/random.cpp", "position % 4]", "position % 2]", "core_test", "Rng: half of each block's words"),
    ("src/memory/buffer.cpp", "if (now + bytes > cap) throw", "if (now > cap) throw", "core_test", "memory: the request itself is not counted against the cap"),
    ("src/diff/checkpoint.cpp", "leaf->number = edges[i].parent->number;", "leaf->number = 0;", "diff_test64", "checkpoint: inputs lose their place in the order"),
]
