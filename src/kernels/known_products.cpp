#include "kernels/known_products.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

namespace {

struct Sizes {
  Index rows, columns, inner;
};

constexpr Sizes of_small_kernels[] = {{5, 7, 9}, {31, 33, 37}};
// More multiplications than small kernels take; 660 columns and 460 of the inner axis are more than
// one block of any core.
constexpr Sizes of_packing_kernels[] = {{40, 660, 40}, {48, 50, 460}, {101, 103, 99}};

// Integers from -7 to 8, which look random: the top bits of a linear congruential generator (Knuth,
// MMIX).
class Integers {
 public:
  real next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<real>(static_cast<Index>(state_ >> 60) - 7);
  }

 private:
  std::uint64_t state_ = 1;
};

// m y, where m is (rows, columns).
std::vector<double> times(const Matrix& m, Index rows, Index columns,
                          const std::vector<double>& y) {
  std::vector<double> result(static_cast<std::size_t>(rows));
  const Index outer = m.is_transposed ? columns : rows, inner = m.is_transposed ? rows : columns;
  for (Index i = 0; i < outer; ++i)
    for (Index j = 0; j < inner; ++j) {
      const double element = m.data[i * m.lead + j];
      if (m.is_transposed)
        result[static_cast<std::size_t>(j)] += element * y[static_cast<std::size_t>(i)];
      else
        result[static_cast<std::size_t>(i)] += element * y[static_cast<std::size_t>(j)];
    }
  return result;
}

using Multiply = parallel::FunctionRef<void(const Product&)>;

constexpr real nan = std::numeric_limits<real>::quiet_NaN();

// Rows one after another, each with some NaN behind it that no product may touch.
struct Padded {
  Index rows, columns, lead;
  std::vector<real> values;

  Padded(Index r, Index c, Index padding, Integers& integers)
      : rows(r), columns(c), lead(c + padding) {
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) values.push_back(integers.next());
      values.insert(values.end(), static_cast<std::size_t>(padding), nan);
    }
  }

  void fill(real value) {
    for (Index i = 0; i < rows; ++i) std::fill_n(values.begin() + i * lead, columns, value);
  }
  bool is_untouched_behind_rows() const {
    for (Index i = 0; i < rows; ++i)
      for (Index j = columns; j < lead; ++j)
        if (!std::isnan(values[static_cast<std::size_t>(i * lead + j)])) return false;
    return true;
  }
};

bool is_right(const Sizes& sizes, bool transpose_a, bool transpose_b, Integers& integers,
              Multiply multiply) {
  const Index rows = sizes.rows, columns = sizes.columns, inner = sizes.inner;
  const Padded a(transpose_a ? inner : rows, transpose_a ? rows : inner, 3, integers);
  const Padded b(transpose_b ? columns : inner, transpose_b ? inner : columns, 5, integers);
  Padded c(rows, columns, 2, integers);
  const bool add = !transpose_a;
  if (!add) c.fill(nan);  // what is there must not matter
  std::vector<double> y;  // odd, so that no element of c is multiplied by zero
  for (Index j = 0; j < columns; ++j) y.push_back(2 * integers.next() + 1);
  const Matrix left{a.values.data(), a.lead, transpose_a},
      right{b.values.data(), b.lead, transpose_b};
  const auto c_times_y = [&] { return times({c.values.data(), c.lead, false}, rows, columns, y); };

  std::vector<double> expected = times(left, rows, inner, times(right, inner, columns, y));
  if (add) {
    const std::vector<double> old = c_times_y();
    for (std::size_t i = 0; i < old.size(); ++i) expected[i] += old[i];
  }
  multiply({left, right, c.values.data(), c.lead, rows, columns, inner, add});
  return c_times_y() == expected && c.is_untouched_behind_rows();
}

}  // namespace

int wrong_products(Multiply multiply) {
  Integers integers;
  int wrong = 0;
  for (const Sizes& sizes : of_small_kernels)
    for (const bool transpose_a : {false, true})
      for (const bool transpose_b : {false, true})
        wrong += !is_right(sizes, transpose_a, transpose_b, integers, multiply);
  for (const Sizes& sizes : of_packing_kernels)
    for (const bool transpose : {false, true})
      wrong += !is_right(sizes, transpose, transpose, integers, multiply);
  return wrong;
}

}}}  // namespace fovea::kernels
