// A line through noisy points, by a training loop of one's own: predict, measure, backward, step.
// The line of least squares, which has a formula, is what the loop has to find.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"
#include "fovea/nn/init.hpp"
#include "support/options.hpp"

using namespace fovea;

namespace {

struct Line {
  double slope, intercept;
  double operator()(double x) const { return slope * x + intercept; }
};

// slope = covariance(x, y) / variance(x), and the line goes through the mean of the points.
Line least_squares(const Tensor& x, const Tensor& y) {
  const double mean_x = mean(x).item(), mean_y = mean(y).item();
  const double slope = mean((x - mean(x)) * (y - mean(y))).item() / var(x).item();
  return {slope, mean_y - slope * mean_x};
}

Line fit(const Tensor& x, const Tensor& y, const Rng& random) {
  Dense dense{1};
  dense.build({1}, random);
  Adam optimizer{{.learning_rate = 0.1}};
  optimizer.attach(dense);
  for (int step = 0; step <= 200; ++step) {
    const Tensor loss = mean(mean_squared_error(dense(x), y));
    optimizer.zero_grad();
    loss.backward();
    const real slope = dense.kernel.item(), intercept = dense.bias.item();
    if (step % 40 == 0)
      fmt::print("step {:3}: loss {:7.4f}, slope {:6.3f}, intercept {:6.3f}\n", step, loss.item(),
                 slope, intercept);
    optimizer.step();
  }
  return {dense.kernel.item(), dense.bias.item()};
}

// x from -2 to 2, y from -7 to 5.
void plot(const Array& x, const Array& y, const Line& line) {
  constexpr int width = 64, height = 18;
  std::vector<std::string> picture(height, std::string(width, ' '));
  const auto put = [&](double at_x, double at_y, char mark) {
    const auto column = std::lround((at_x + 2) / 4 * (width - 1)),
               row = std::lround((5 - at_y) / 12 * (height - 1));
    if (row >= 0 && row < height)
      picture[static_cast<std::size_t>(row)]
             [static_cast<std::size_t>(std::clamp(column, 0l, width - 1l))] = mark;
  };
  for (int column = 0; column < width; ++column)
    put(-2 + 4.0 * column / (width - 1), line(-2 + 4.0 * column / (width - 1)), '.');
  for (Index i = 0; i < x.count(); ++i) put(x.at(i), y.at(i), 'o');
  for (const std::string& row : picture) fmt::print("  |{}\n", row);
  fmt::print("  +{}\n", std::string(width, '-'));
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] {
    std::uint64_t seed = 1;
    examples::Options(
        "03_fit_a_line",
        "Fits a line to noisy points with Adam, beside the closed form of least squares.")
        .seed("--seed", seed, "seed of the points and of the first weights")
        .parse(argc, argv);
    const Line truth{2.5, -1};
    const Shape points{80, 1};
    const Rng random(seed);
    const Tensor x = init::uniform(points, -2, 2, random.split("x"));
    const Tensor noise = init::uniform(points, real(-0.5), real(0.5), random.split("noise"));
    const Tensor y = real(truth.slope) * x + real(truth.intercept) + noise;

    const Line found = fit(x, y, random.split("dense")), best = least_squares(x, y);
    plot(x.value(), y.value(), found);
    const auto print = [](const char* name, Line line) {
      fmt::print("{:<16} slope {:6.3f}, intercept {:6.3f}\n", name, line.slope, line.intercept);
    };
    print("without noise:", truth);
    print("least squares:", best);
    print("training loop:", found);

    const auto apart = [](Line a, Line b) {
      return std::max(std::abs(a.slope - b.slope), std::abs(a.intercept - b.intercept));
    };
    examples::require(apart(found, best) < 0.01,
                      "the loop finds the line of least squares to 0.01");
    examples::require(apart(found, truth) < 0.15,
                      "the loop finds the line behind the noise to 0.15");
    fmt::print("result: slope {:.3f}, intercept {:.3f}: the line behind the noise to 0.15\n",
               found.slope, found.intercept);
  });
}
