// Rows of the table: products.
#include <cmath>
#include <map>

#include "support/op_draws.hpp"

namespace support {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

fovea::MatmulOptions matmul_options(const Generate& g) {
  return {g.variant(4) % 2 == 1, g.variant(4) / 2 == 1};
}

Shapes factors(Generate& g) {
  const auto [transpose_a, transpose_b] = matmul_options(g);
  std::vector<Index> sizes = {g.integer(1, 6), g.integer(1, 6), g.integer(1, 6)};
  const auto size = [&]() -> Index& { return sizes[static_cast<std::size_t>(g.integer(0, 2))]; };
  if (g.chance(0.3)) size() = g.integer(7, 40);
  if (g.wants_ones()) size() = 1;
  if (g.wants_empty()) sizes[static_cast<std::size_t>(g.trial() / 8 % 3)] = 0;
  if (g.wants_same()) sizes = {sizes[0], sizes[0], sizes[0]};
  Shape batch = g.chance(0.3) ? Shape() : Shape{g.integer(1, 3)};
  if (g.chance(0.3)) batch = batch.inserted(0, g.wants_empty() ? 0 : g.integer(1, 3));
  if (g.large()) {
    // Beyond 2e6 operations a product is cut into tiles; with few tiles and a long inner axis, that
    // axis is cut as well.
    const std::vector<std::vector<Index>> cut = {{300, 70, 130}, {33, 4100, 35},  {5, 3000, 200},
                                                 {1, 70000, 40}, {200, 130, 600}, {40, 60, 50},
                                                 {130, 520, 500}};
    sizes = cut[static_cast<std::size_t>(g.trial()) % cut.size()];
    batch = sizes[0] == 40 ? Shape{4, 6} : g.chance(0.5) ? Shape{2} : Shape();
  }
  const auto matrix = [&](Shape leading, Index rows, Index columns, bool transpose) {
    if (transpose) std::swap(rows, columns);
    return leading.inserted(leading.rank(), rows).inserted(leading.rank() + 1, columns);
  };
  const bool same = g.wants_same();
  if (!same && !g.large() && g.chance(0.2)) {
    const Shape vector{sizes[1]},
        other = g.chance(0.3) ? vector : matrix(batch, sizes[1], sizes[2], transpose_b);
    return g.chance(0.5)
               ? Shapes{vector, other}
               : Shapes{other == vector ? vector : matrix(batch, sizes[0], sizes[1], transpose_a),
                        vector};
  }
  return {matrix(same ? batch : g.broadcastable(batch), sizes[0], sizes[1], transpose_a),
          matrix(same ? batch : g.broadcastable(batch), sizes[1], sizes[2], transpose_b)};
}

// A vector is one row or one column, which the result does not have.
Plain product(const Plain& a, const Plain& b, bool transpose_a, bool transpose_b) {
  const bool row = a.shape.rank() == 1, column = b.shape.rank() == 1;
  const Plain left = row ? plain::reshape(a, Shape{1, a.shape[0]}) : a,
              right = column ? plain::reshape(b, Shape{b.shape[0], 1}) : b;
  Plain c = plain::matmul(left, right, !row && transpose_a, !column && transpose_b);
  if (row) c.shape = c.shape.without(column ? -1 : -2);
  if (column) c.shape = c.shape.without(-1);
  return c;
}

Call matmul_call(const Shapes&, Generate& g) {
  const fovea::MatmulOptions options = matmul_options(g);
  return {
      [=](Inputs x) { return fovea::matmul(x[0], x[1], options); },
      [=](const auto& x) { return product(x[0], x[1], options.transpose_a, options.transpose_b); },
      fmt::format("transpose_a {}, transpose_b {}", options.transpose_a, options.transpose_b)};
}

// x (..., inputs), weight (inputs, units), and bias (units) in half of the cases.
Index linear_variant(const Generate& g) { return (g.trial() + g.trial() / 7) % 8; }

Shapes linear_inputs(Generate& g) {
  Index units = g.chance(0.25) ? g.integer(7, g.large() ? 100 : 40) : g.integer(1, 6);
  const Shape x = g.wants_same() ? Shape{units, units} : g.shape(1, 4);
  if (g.wants_ones() && g.chance(0.5)) units = 1;
  if (g.wants_empty() && g.chance(0.3)) units = 0;
  const Shape weight{x[-1], units};
  if (g.wants_same() || linear_variant(g) >= 4) return {x, weight};
  return {x, weight, Shape{units}};
}

// An activation moves an error of the sum by no more than its own size, and rounds once more.
Plain linear(const std::vector<Plain>& in, wide (*activation)(wide)) {
  Plain y = product(in[0], in[1], false, false);
  const std::size_t units = at(y.shape[-1]);
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    const wide bias = in.size() > 2 ? in[2].values[i % units] : 0;
    const wide sum = y.values[i] + bias;
    y.values[i] = activation(sum);
    y.scales[i] += std::abs(bias) + std::abs(y.values[i]);
  }
  return y;
}

struct Named {
  fovea::Activation activation;
  const char* name;
  wide (*exact)(wide);
};
const std::vector<Named> activations = {
    {fovea::Activation::linear, "linear", [](wide x) { return x; }},
    {fovea::Activation::relu, "relu", [](wide x) { return std::max<wide>(x, 0); }},
    {fovea::Activation::sigmoid, "sigmoid", [](wide x) { return 1 / (1 + std::exp(-x)); }},
    {fovea::Activation::tanh, "tanh", std::tanh},
    {fovea::Activation::gelu, "gelu",
     [](wide x) { return x * std::erfc(-x / std::sqrt(wide(2))) / 2; }},
    {fovea::Activation::silu, "silu", [](wide x) { return x / (1 + std::exp(-x)); }},
    {fovea::Activation::elu, "elu", [](wide x) { return x > 0 ? x : std::expm1(x); }},
    {fovea::Activation::leaky_relu, "leaky_relu", [](wide x) { return x > 0 ? x : x * real(0.2); }},
    {fovea::Activation::softplus, "softplus", [](wide x) { return std::log1p(std::exp(x)); }},
};

Call linear_call(const Shapes&, Generate& g) {
  const Named& named = activations[at(linear_variant(g) % 4)];
  return {[&](Inputs x) {
            return fovea::linear(x[0], x[1], x.size() > 2 ? x[2] : Tensor(), named.activation);
          },
          [&](const auto& x) { return linear(x, named.exact); }, named.name};
}

Call activate_call(const Shapes&, Generate& g) {
  const std::size_t choice = at(g.variant(
      static_cast<Index>(activations.size())));  // linear computes nothing: softmax in its place
  if (choice == 0)
    return {[](Inputs x) { return fovea::activate(x[0], fovea::Activation::softmax); },
            [](const auto& x) { return plain::softmax(x[0], x[0].shape.rank() - 1, {}); },
            "softmax"};
  const Named& named = activations[choice];
  return {[&](Inputs x) { return fovea::activate(x[0], named.activation); },
          [&](const auto& x) { return plain::map(x[0], named.exact); }, named.name};
}

Shapes two_arrays(Generate& g) {
  const auto draw = [&] {
    return g.large() ? Shape{g.integer(10, 20), g.integer(10, 20)} : g.shape(1, 2);
  };
  const Shape a = draw();
  return {a, g.wants_same() ? a : draw()};
}

Call outer_call(const Shapes&, Generate&) {
  return {[](Inputs x) { return fovea::outer(x[0], x[1]); },
          [](const auto& x) {
            return product(plain::reshape(x[0], Shape{x[0].shape.count(), 1}),
                           plain::reshape(x[1], Shape{1, x[1].shape.count()}), false, false);
          }};
}

// (..., n) twice; the leading axes broadcast.
Shapes dotted(Generate& g) {
  const Shape a = g.shape(1, 4);
  if (g.wants_same()) return {a, a};
  const Shape leading = g.broadcastable(a.without(-1));
  const Shape b = leading.inserted(leading.rank(), a[-1]);
  return g.chance(0.5) ? Shapes{a, b} : Shapes{b, a};
}

Call dot_call(const Shapes&, Generate&) {
  return {[](Inputs x) { return fovea::dot(x[0], x[1]); },
          [](const auto& x) {
            const Plain c = plain::zip(x[0], x[1], [](wide a, wide b) { return a * b; });
            return plain::sum(c, {c.shape.rank() - 1}, false);
          }};
}

// Every kind of letter: kept by both, by one, summed over by both or by one, twice in an operand;
// two, three and one operands. `inputs` and `output` name the axes of "..." as well; 1 is an axis
// of size 1 that broadcasts.
struct Terms {
  const char* subscripts;
  std::vector<std::string> inputs;
  std::string output;
};

const std::vector<Terms>& all_terms() {
  static const std::vector<Terms> terms = {
      {"ij,jk->ik", {"ij", "jk"}, "ik"},
      {"bqh,bkh->bqk", {"bqh", "bkh"}, "bqk"},
      {"bij, jik -> bk", {"bij", "jik"}, "bk"},
      {"ij,ij->ij", {"ij", "ij"}, "ij"},
      {"ij,ij", {"ij", "ij"}, ""},
      {"i,j->ji", {"i", "j"}, "ji"},
      {"ba", {"ba"}, "ab"},
      {"ijk->kj", {"ijk"}, "kj"},
      {"ab,bc,cd->ad", {"ab", "bc", "cd"}, "ad"},
      {"ij,kj,il->kl", {"ij", "kj", "il"}, "kl"},
      {"bthd,bshd->bhts", {"bthd", "bshd"}, "bhts"},
      {"ijm,jn->in", {"ijm", "jn"}, "in"},
      {"ca,bc", {"ca", "bc"}, "ab"},
      {"...ij,...jk->...ik", {"bij", "jk"}, "bik"},
      {"...i,j...", {"abi", "j1b"}, "abij"},
      {"i...j->...", {"iabj"}, "ab"},
      {"...,i...->i...", {"1b", "iab"}, "iab"},
      {"ii", {"ii"}, ""},
      {"iij->ji", {"iij"}, "ji"},
      {"jii,ki->jk", {"jii", "ki"}, "jk"},
      {"i...i,i->...", {"ibi", "i"}, "b"},
      {"iiji->ij", {"iiji"}, "ij"},
  };
  return terms;
}

const Terms& terms_of(const Generate& g) {
  static const Terms same = {"ij,ij->ij", {"ij", "ij"}, "ij"},
                     contraction = {"ab,ab->b", {"ab", "ab"}, "b"};
  if (g.wants_same()) return g.trial() % 12 == 5 ? same : contraction;
  return all_terms()[at(g.trial()) % all_terms().size()];
}

Shapes named_axes(Generate& g) {
  const Terms& terms = terms_of(g);
  std::map<char, Index> sizes = {{'1', 1}};
  for (const std::string& names : terms.inputs)
    for (const char name : names) sizes.try_emplace(name, g.integer(1, g.large() ? 13 : 4));
  const char first = terms.inputs.back().back();
  if (g.wants_ones()) sizes[first] = 1;
  if (g.wants_empty()) sizes[first] = 0;
  Shapes shapes;
  for (const std::string& names : terms.inputs) {
    Shape shape;
    for (const char name : names) shape = shape.inserted(shape.rank(), sizes[name]);
    shapes.push_back(shape);
  }
  return shapes;
}

// One loop over all letters.
Plain einsum(const Terms& terms, const std::vector<Plain>& x) {
  std::map<char, Index> sizes;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t axis = 0; axis < terms.inputs[i].size(); ++axis)
      sizes[terms.inputs[i][axis]] = x[i].shape[static_cast<int>(axis)];
  std::string letters;
  std::vector<Index> all, kept;
  for (const auto& [name, size] : sizes) letters += name, all.push_back(size);
  for (const char name : terms.output) kept.push_back(sizes[name]);
  const auto place_of = [&](const std::string& names, const Position& place) {
    Position result;
    for (const char name : names) result.push_back(place[letters.find(name)]);
    return result;
  };
  Plain y{Shape(kept)};
  y.scales.resize(y.values.size());
  for (Index i = 0; i < Shape(all).count(); ++i) {
    const Position place = position(Shape(all), i);
    wide term = 1;
    for (std::size_t k = 0; k < x.size(); ++k)
      term *= x[k].values[at(number(x[k].shape, place_of(terms.inputs[k], place)))];
    const std::size_t to = at(number(y.shape, place_of(terms.output, place)));
    y.values[to] += term;
    y.scales[to] += std::abs(term);
  }
  return y;
}

Call einsum_call(const Shapes&, Generate& g) {
  const Terms& terms = terms_of(g);
  return {[&terms](Inputs x) { return fovea::einsum(terms.subscripts, x); },
          [&terms](const auto& x) { return einsum(terms, x); }, terms.subscripts};
}

}  // namespace

std::vector<OpCase> product_cases() {
  const Range numbers = {-3, 3};
  return {
      {"matmul", numbers, 4, factors, matmul_call},
      {"linear", {-1, 1}, 4, linear_inputs, linear_call},
      {"activate", {-3, 3, {0}}, 8, vectors, activate_call},
      {"einsum", numbers, 8, named_axes, einsum_call},
      {"outer", numbers, 2, two_arrays, outer_call},
      {"dot", numbers, 4, dotted, dot_call},
  };
}

}  // namespace support
