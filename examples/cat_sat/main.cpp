// Attention by hand on one sentence, "The cat sat on the mat": vectors, scores, softmax, weighted
// sum, each step with its formula and its numbers; then the additive layer of the documented model
// on the same words, before and after it has been taught where to look. Steps 1 to 4 can be
// followed with pencil and paper. Every sum that is printed is also checked.
#include "fovea/fovea.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "support/options.hpp"

using namespace fovea;

namespace {

constexpr Index time_steps = 6, features = 4, cat = 1, sat = 2;
constexpr std::array<const char*, time_steps> words = {"The", "cat", "sat", "on", "the", "mat"};

// Made up, so that the numbers stay short: how much a word is a thing, a deed, a place, and mere
// grammar. x: (time, features)
Tensor word_vectors() {
  return Tensor(Shape{time_steps, features},
                {0.0f, 0.0f, 0.0f, 1.0f,    // The
                 1.0f, 0.8f, 0.0f, 0.0f,    // cat
                 0.5f, 1.0f, 0.5f, 0.0f,    // sat
                 0.0f, 0.0f, 1.0f, 0.5f,    // on
                 0.0f, 0.0f, 0.0f, 1.0f,    // the: the same word, so the same vector
                 0.8f, 0.0f, 1.0f, 0.0f});  // mat
}

bool close(real a, real b) { return std::abs(a - b) < real(1e-5); }

std::string number(const Tensor& x, Index position) {
  return fmt::format("{:8.3f}", x.value().at(position));
}

// A weight and its bar.
std::string weight(const Tensor& weights, Index position) {
  std::string text = fmt::format("{:7.3f} ", weights.value().at(position));
  for (long left = std::lround(weights.value().at(position) * 24); left > 0; --left) text += "█";
  return text;
}

// A row of numbers in columns.
std::string row(const Tensor& x, Index index) {
  const Index width = x.shape()[-1];
  std::string text;
  for (Index i = 0; i < width; ++i) text += fmt::format("{:7.3f}", x.value().at(index * width + i));
  return text;
}

void print_heading(int step, const char* what, const char* formula) {
  fmt::print("{}. {:<30}{}\n", step, what, formula);
}

// The query is the vector of "sat". (1, time)
Tensor dot_scores(const Tensor& x) {
  const Tensor query = slice(x, 0, sat, sat + 1);  // (1, features)
  return matmul(query, x, {.transpose_b = true});
}

// Scores, softmax and weighted sum, by the library's operations one at a time.
void print_walk(const Tensor& x) {
  const Tensor scores = dot_scores(x);
  const Tensor exponentials = exp(scores);
  const Tensor total = sum(exponentials);
  const Tensor weights = exponentials / total;
  const Tensor context = matmul(weights, x);  // (1, features)

  print_heading(1, "a vector for each word", "x_i, made up: how much thing, deed, place, grammar");
  print_heading(2, "scores against q = x_sat", "e_i = x_i . q");
  print_heading(3, "softmax over the words", "w_i = exp(e_i) / sum_k exp(e_k)");
  fmt::print("\n   word    thing   deed  place   gram     e_i  exp(e_i)    w_i\n");
  for (Index i = 0; i < time_steps; ++i)
    fmt::print("   {:<5}{}{}{:10.3f}{}\n", words[static_cast<std::size_t>(i)], row(x, i),
               number(scores, i), exponentials.value().at(i), weight(weights, i));
  fmt::print("   {:<40}{:10.3f}{:7.3f}\n", "sum", total.item(), sum(weights).item());
  examples::require(close(sum(weights).item(), 1), "the weights sum to 1");

  fmt::print("\n");
  print_heading(4, "weighted sum", "z = sum_i w_i x_i");
  fmt::print("   {:<5}{}\n\n", "z", row(context, 0));
  const Array by_hand = sum(reshape(weights, {time_steps, 1}) * x, 0).value();
  for (Index f = 0; f < features; ++f)
    examples::require(close(by_hand.at(f), context.value().at(f)),
                      "z is the weighted sum of the vectors");
}

// Which way the scores should move for more weight on "cat": loss = -ln w_cat has the slope w_i -
// [i = cat].
void print_slopes(const Tensor& x) {
  const Tensor scores = Tensor::parameter(dot_scores(x).value());
  const Tensor weights = softmax(scores);
  const Tensor loss = -log(slice(weights, 1, cat, cat + 1));
  loss.backward();
  const Tensor slopes = scores.grad();

  print_heading(5, "if it should look at \"cat\"",
                "loss = -ln w_cat,  d loss / d e_i = w_i - [i = cat]");
  fmt::print("   {:<5}", "");
  for (const char* word : words) fmt::print("{:>7}", word);
  fmt::print("\n   {:<5}{}   sum {:.3f}\n\n", "slope", row(slopes, 0),
             std::abs(sum(slopes).item()));
  for (Index i = 0; i < time_steps; ++i)
    examples::require(close(slopes.value().at(i), weights.value().at(i) - (i == cat ? 1 : 0)),
                      "the slopes are w_i - [i = cat]");
}

// The layer of the documented model. Each word is scored by itself, so that what it looks for is in
// its weights, and can be learned.
void print_layer(const Tensor& x) {
  const Tensor batch = reshape(x, {1, time_steps, features});
  AttentionLayer layer{8};
  layer.build(Shape{time_steps, features}, Rng(0));
  Adam adam{{.learning_rate = 0.02}};
  adam.attach(layer);

  const Attended before = layer.attend(batch, {.weights = true});
  const Tensor hidden = tanh(layer.W1(x) + layer.W2(x));
  const Tensor by_hand = softmax(layer.V(hidden), 0);
  for (Index i = 0; i < time_steps; ++i)
    examples::require(close(by_hand.value().at(i), before.weights().value().at(i)),
                      "the layer's weights are softmax(e)");

  constexpr int steps = 10;
  for (int step = 0; step < steps; ++step) {
    const Tensor loss =
        -log(slice(layer.attend(batch, {.weights = true}).weights(), 1, cat, cat + 1));
    loss.backward();
    adam.step();
    adam.zero_grad();
  }
  const Attended after = layer.attend(batch, {.weights = true});

  print_heading(6, "the additive layer learns it", "e_i = V . tanh(W1 x_i + W2 x_i)");
  fmt::print("   word  w_i at first                    w_i after {} steps of Adam\n", steps);
  for (Index i = 0; i < time_steps; ++i)
    fmt::print("   {:<4}{:<32}{}\n", words[static_cast<std::size_t>(i)],
               weight(before.weights(), i), weight(after.weights(), i));
  fmt::print("   sum {:7.3f}{:32.3f}\n", sum(before.weights()).item(), sum(after.weights()).item());
  examples::require(close(sum(after.weights()).item(), 1), "the layer's weights sum to 1");
  examples::require(after.weights().value().at(cat) > before.weights().value().at(cat),
                    "learning moves weight to \"cat\"");
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] {
    examples::Options("cat_sat", "Attention step by step on one sentence.").parse(argc, argv);
    const Tensor x = word_vectors();
    fmt::print("The cat sat on the mat: where does \"sat\" look?\n\n");
    print_walk(x);
    print_slopes(x);
    print_layer(x);
  });
}
