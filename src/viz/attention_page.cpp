#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>

#include "fovea/base/error.hpp"
#include "fovea/viz/attention_statistics.hpp"
#include "io/json_text.hpp"
#include "viz/attention_map.hpp"
#include "viz/chart.hpp"
#include "viz/token_text.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr std::string_view style =
#include "viz/attention_page.css.inc"
    ;

constexpr std::string_view script =
#include "viz/attention_page_data.js.inc"
#include "viz/attention_page_state.js.inc"
#include "viz/attention_page_views.js.inc"
    ;

constexpr std::string_view controls = R"(<nav>
<span role="group" aria-label="View"><button type="button" data-view="heat">heat map</button>
<button type="button" data-view="lines">lines</button>
<button type="button" data-view="all">all heads</button></span>
<label>layer <select id="layer"></select></label>
<label id="chooses-head">head <select id="head"></select></label>
<label>measure <select id="measure"></select></label>
<label>colours <select id="range"></select></label>
</nav>
<main><div id="view"></div>
<aside><section id="colours"><h2>Colour scale</h2><canvas id="scale" class="scale"></canvas>
<div id="ends" class="ends"></div></section>
<section><h2>Entropy of each head</h2><div id="entropy" class="bars"></div>
<p id="most" class="faint"></p></section></aside></main>
<div id="tip" hidden></div>
)";

constexpr std::string_view remarks =
    R"(<p>Keys: <kbd>1</kbd> <kbd>2</kbd> <kbd>3</kbd> view, <kbd>&larr;</kbd> <kbd>&rarr;</kbd>
head, <kbd>&uarr;</kbd> <kbd>&darr;</kbd> layer, <kbd>m</kbd> mean of heads, <kbd>g</kbd> measure.
A click keeps a cell or token marked; the address leads back to what is shown.</p>
<p>Attention weights alone do not prove that a token mattered: Jain and Wallace, "Attention is not
Explanation" (2019); Wiegreffe and Pinter, "Attention is not not Explanation" (2019).
Gradient &times; weight, where it is given, says to first order what a weight adds to the loss;
below 0 it makes the loss smaller.</p>
)";

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? std::uint32_t(bytes[i + k]) : 0U;
    };
    const std::uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= bytes.size() - i ? letters[three >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

// Values from 0 to `scale`, or from -scale where they have both signs, as integers from 0 to
// `largest`, in one byte or in two, the lower first.
std::string packed(std::span<const real> values, bool both_signs, double scale, double largest) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(values.size() * 2);
  for (const real value : values) {
    const double part = scale > 0 ? static_cast<double>(value) / scale : 0;
    const double place = std::clamp(both_signs ? part / 2 + 0.5 : part, 0.0, 1.0);
    const auto code = static_cast<std::uint32_t>(std::lround(place * largest));
    bytes.push_back(static_cast<std::uint8_t>(code & 255));
    if (largest > 255) bytes.push_back(static_cast<std::uint8_t>(code >> 8));
  }
  return base64(bytes);
}

// Lists of tokens, each stored once.
class TokenLists {
 public:
  std::size_t number_of(const std::vector<std::string>& tokens) {
    return numbers_.emplace(tokens, numbers_.size()).first->second;
  }
  std::string json() const {
    std::vector<std::string> lists(numbers_.size());
    for (const auto& [tokens, number] : numbers_) {
      std::vector<std::string> shown;
      for (const std::string& token : tokens)
        shown.push_back(io::json_string(viz::shown_token(token)));
      lists[number] = fmt::format("{}", fmt::join(shown, ","));
    }
    return fmt::format("[[{}]]", fmt::join(lists, "],["));
  }

 private:
  std::map<std::vector<std::string>, std::size_t> numbers_;
};

std::string layer_json(const AttentionMap& map, int bits, TokenLists& lists) {
  const Shape& shape = map.weights.shape();
  const double largest = bits == 8 ? 255 : 65535;
  const AttentionStatistics statistics =
      attention_statistics(weights_of_queries(map.weights.reshaped(shape.inserted(0, 1))), shape[1],
                           {.mean_distance = false, .effective_span = false});
  const std::size_t queries = lists.number_of(map.queries), keys = lists.number_of(map.keys);
  std::string gradient = "null";
  double scale = 0;
  if (map.gradient_times_weight) {
    for (const real value : map.gradient_times_weight->values())
      scale = std::max(scale, std::abs(static_cast<double>(value)));
    // One code less than there are, so that 0 has its own in the middle.
    gradient = fmt::format("\"{}\"",
                           packed(map.gradient_times_weight->values(), true, scale, largest - 1));
  }
  return fmt::format(
      "{{\"name\":{},\"heads\":{},\"queries\":{},\"keys\":{},\"entropy\":[{:.6g}],"
      "\"weights\":\"{}\",\"scale\":{:.9g},\"gradient\":{}}}",
      io::json_string(viz::shown_token(map.name)), shape[0], queries, keys,
      fmt::join(statistics.head_entropy.values(), ","),
      packed(map.weights.values(), false, 1, largest), scale, gradient);
}

void check(const std::vector<AttentionMap>& layers, const AttentionPageOptions& options) {
  if (layers.empty()) throw ValueError("attention_page: there is no map; give one for each layer");
  if (options.bits != 8 && options.bits != 16)
    throw ValueError(fmt::format("attention_page: expected 8 or 16 bits, got {}", options.bits));
  for (const AttentionMap& map : layers) {
    viz::check_map("attention_page", map);
    if (map.weights.shape()[0] == 0)
      throw ShapeError(fmt::format("attention_page: expected weights of at least one head, got {}",
                                   to_string(map.weights.shape())));
  }
}

}  // namespace

std::string attention_page(const std::vector<AttentionMap>& layers,
                           const AttentionPageOptions& options) {
  check(layers, options);
  TokenLists lists;
  std::vector<std::string> maps;
  for (const AttentionMap& map : layers) maps.push_back(layer_json(map, options.bits, lists));
  std::string data = fmt::format("{{\"bits\":{},\"lists\":{},\n\"layers\":[{}]}}", options.bits,
                                 lists.json(), fmt::join(maps, ",\n"));
  // Within a script element "<" begins what ends it; JSON can spell it otherwise.
  for (std::size_t at = data.find('<'); at != data.npos; at = data.find('<', at))
    data.replace(at, 1, "\\u003c");
  const std::string title = viz::escaped(viz::shown_token(options.title));
  std::string page = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>{0}</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; script-src "
      "'nonce-page'\">\n<style>{1}</style></head><body>\n<h1>{0}</h1>\n",
      title, style);
  page += controls;
  page += fmt::format(
      "<footer>{}<p>Weights are stored in {} bits, in steps of {:.2g}.</p></footer>\n"
      "<noscript>This page draws its pictures with JavaScript.</noscript>\n",
      remarks, options.bits, options.bits == 8 ? 1.0 / 255 : 1.0 / 65535);
  page += "<script type=\"application/json\" id=\"data\">" + data + "</script>\n";
  page += fmt::format("<script nonce=\"page\">{}</script>\n</body></html>\n", script);
  return page;
}

}}  // namespace fovea
