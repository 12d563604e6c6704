// The weights of one attention layer with the tokens they lie between, and their pictures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/array/array.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// The weights of one layer for one sample, and the tokens on both sides.
struct AttentionMap {
  std::string name;                  ///< of the layer
  Array weights;                     ///< (heads, queries, keys); each row sums to 1, or is 0
  std::vector<std::string> queries;  ///< the tokens that look, one for each row
  std::vector<std::string> keys;     ///< the tokens that are looked at, one for each column
  /// The result of gradient_times_weight, in the shape of the weights, as a second measure.
  std::optional<Array> gradient_times_weight = {};
};

/// Returns the weights of one sample as a map. `weights` are of a whole batch: (batch, heads,
/// queries, time), or (batch, queries, time) of one head, or (batch, time) of one head and query,
/// as `Sequential::attention` returns them. Where there are fewer tokens than positions, those
/// behind are padding, and cut off. Throws IndexError for a sample that does not exist, ShapeError
/// for another rank and for more tokens than positions.
AttentionMap attention_map(std::string name, const Array& weights, Index sample,
                           std::vector<std::string> queries, std::vector<std::string> keys);

/// Returns the same for a layer of self-attention, which has the same tokens on both sides.
AttentionMap attention_map(std::string name, const Array& weights, Index sample,
                           const std::vector<std::string>& tokens);

/// Options of attention_heat_map_svg.
struct HeatMapOptions {
  std::string title = {};  ///< above the picture; empty: the name of the layer
  bool values = true;      ///< whether to write the weights into cells that have room for them
};

/// Returns the weights of one head as an SVG document, with a row for each query and a column for
/// each key, and a scale from 0 to the largest weight. Its colours are a ramp of one hue, which
/// every eye tells apart. Long tokens are cut. Throws IndexError for a head that does not exist,
/// ShapeError where tokens, weights and gradients do not fit, and ValueError for more than 2^20
/// cells and for weights that are negative, not finite, or sum to neither 1 nor 0.
std::string attention_heat_map_svg(const AttentionMap& map, Index head,
                                   const HeatMapOptions& options = {});

/// Options of attention_page.
struct AttentionPageOptions {
  std::string title = "Attention";  ///< above the page
  int bits = 16;                    ///< of a stored value, 8 or 16; the page says the precision
};

/// Returns a page for a browser that shows the weights of all layers and heads: as a heat map with
/// the value under the pointer, as lines between tokens by head, and all heads at a glance; and the
/// entropy of each head. Layer, head and view are chosen by mouse, by keyboard, and in the address
/// (`#view=lines&layer=1&head=2`). The page is one file that needs nothing from elsewhere; tokens
/// are shown as text, whatever they hold. Its size is 2.7 bytes for each value of 16 bits.
///
/// A large weight alone does not prove that a token mattered (Jain and Wallace, "Attention is not
/// explanation", 2019; Wiegreffe and Pinter, "Attention is not not explanation", 2019). Where maps
/// have gradient_times_weight, the page shows it as a second measure.
///
/// Throws ValueError without a map, for other bits, and for values that are not finite; and what
/// attention_heat_map_svg throws.
std::string attention_page(const std::vector<AttentionMap>& layers,
                           const AttentionPageOptions& options = {});

}}  // namespace fovea
