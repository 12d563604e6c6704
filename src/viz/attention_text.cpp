#include "fovea/viz/attention_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "fovea/base/error.hpp"
#include "viz/token_text.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Black on yellow to orange, of the 256-colour palette: readable whatever the terminal's own
// colours are. The first stands for none.
constexpr std::array<int, 6> backgrounds = {0, 230, 229, 221, 214, 208};
constexpr auto levels = backgrounds.size();

std::string shaded(const std::string& word, std::size_t level) {
  return level == 0 ? word
                    : fmt::format("\x1b[38;5;16;48;5;{}m{}\x1b[0m", backgrounds[level], word);
}

// Weights divided by the largest: from 0 to 1, or all 0.
std::vector<double> relative_weights(const ShadedText& text) {
  if (text.words.size() != text.weights.size())
    throw ValueError(
        fmt::format("attention_text: expected a weight for each of {} words, got {} weights",
                    text.words.size(), text.weights.size()));
  for (std::size_t i = 0; i < text.weights.size(); ++i)
    if (!std::isfinite(text.weights[i]) || text.weights[i] < 0)
      throw ValueError(fmt::format(
          "attention_text: expected weights that are finite and at least 0, got {} for word {}",
          text.weights[i], i));
  std::vector<double> relative(text.weights.begin(), text.weights.end());
  const double largest = relative.empty() ? 0 : std::ranges::max(relative);
  for (double& weight : relative) weight = largest > 0 ? weight / largest : 0;
  return relative;
}

// Positions of the largest weights, at most three, the first of equals; those below 0.5 % are
// left out.
std::vector<std::size_t> largest_three(const std::vector<real>& weights) {
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  if (order.size() > 3) order.resize(3);
  std::erase_if(order, [&](std::size_t i) { return weights[i] < real(0.005); });
  return order;
}

// A word as it is printed, and the columns that it takes.
struct Printed {
  std::string text;
  Index columns;
};

// Sets words in lines of a width, behind a label.
class Lines {
 public:
  // A label that is wider than its column has a line of its own.
  Lines(const std::string& label, Index label_columns, Index width)
      : indent_(label_columns > 0 ? label_columns + 2 : 0), width_(width), text_(label) {
    Index used = viz::columns_of(label);
    if (used > label_columns) {
      text_ += '\n';
      used = 0;
    }
    text_.append(static_cast<std::size_t>(indent_ - used), ' ');
    used_ = indent_;
  }

  // Columns that a word can take.
  Index room() const { return width_ - indent_; }

  void add(const Printed& word) {
    if (used_ > indent_ && used_ + 1 + word.columns > width_) {
      text_ += '\n' + std::string(static_cast<std::size_t>(indent_), ' ');
      used_ = indent_;
    }
    if (used_ > indent_) {
      text_ += ' ';
      ++used_;
    }
    text_ += word.text;
    used_ += word.columns;
  }

  std::string text() const {
    const std::size_t last = text_.find_last_not_of(' ');
    return text_.substr(0, last == text_.npos ? 0 : last + 1) + '\n';
  }

 private:
  Index indent_, width_, used_;
  std::string text_;
};

// The words of a text in lines, behind a label of `label_columns`.
std::string lines_of(const ShadedText& text, const std::string& label, Index label_columns,
                     const AttentionTextOptions& options) {
  const std::vector<double> relative = relative_weights(text);
  const std::vector<std::size_t> named =
      options.colour ? std::vector<std::size_t>() : largest_three(text.weights);
  Lines lines(label, label_columns, options.width);
  for (std::size_t i = 0; i < text.words.size(); ++i) {
    std::string behind;
    if (const double percent = static_cast<double>(text.weights[i]) * 100;
        std::ranges::find(named, i) != named.end())
      behind =
          percent < 1000 ? fmt::format("({:.0f}%)", percent) : fmt::format("({:.1e}%)", percent);
    const auto behind_columns = static_cast<Index>(behind.size());
    const std::string word = viz::cut_to(viz::shown_token(text.words[i]),
                                         std::max<Index>(1, lines.room() - behind_columns));
    const auto level =
        std::min(static_cast<std::size_t>(relative[i] * static_cast<double>(levels)), levels - 1);
    lines.add({(options.colour ? shaded(word, level) : word) + behind,
               viz::columns_of(word) + behind_columns});
  }
  return lines.text();
}

std::string legend(const AttentionTextOptions& options) {
  Lines lines("", 0, options.width);
  const auto add = [&](std::initializer_list<const char*> words) {
    for (const std::string word : words) lines.add({word, static_cast<Index>(word.size())});
  };
  if (!options.colour) {
    add({"(n%):", "the", "three", "largest", "weights", "of", "each", "text"});
    return lines.text();
  }
  add({"weight", "beside", "the", "largest", "of", "the", "text:"});
  for (std::size_t level = 1; level < levels; ++level) {
    const std::string bound = fmt::format(" {}%+ ", (100 * level + levels - 1) / levels);
    lines.add({shaded(bound, level), static_cast<Index>(bound.size())});
  }
  return lines.text();
}

}  // namespace

std::string attention_text(std::span<const ShadedText> texts, const AttentionTextOptions& options) {
  if (options.width < 20)
    throw ValueError(fmt::format("attention_text: expected a width of at least 20 columns, got {}",
                                 options.width));
  const Index longest = options.width / 3;
  std::vector<std::string> labels;
  Index label_columns = 0;
  for (const ShadedText& text : texts) {
    labels.push_back(text.label.empty() ? std::string()
                                        : viz::cut_to(viz::shown_token(text.label), options.width));
    const Index columns = viz::columns_of(labels.back());
    if (columns <= longest) label_columns = std::max(label_columns, columns);
  }
  std::string result;
  for (std::size_t i = 0; i < texts.size(); ++i)
    result += lines_of(texts[i], labels[i], label_columns, options);
  return options.legend && !texts.empty() ? result + legend(options) : result;
}

}}  // namespace fovea
