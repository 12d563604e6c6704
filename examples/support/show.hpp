// How the first examples show what they do: a line of code as it was run, and what came of it.
#pragma once

#include <string_view>

#include "fovea/fovea.hpp"

namespace examples {

/// One line: the code, the shape, the numbers, each axis in brackets of its own: "(2, 2) [[1 2] [3
/// 4]]".
void show(std::string_view code, const fovea::Tensor& x);
void show(std::string_view code, const fovea::Mask& mask);
void show(std::string_view code, const fovea::Ids& ids);
void show(std::string_view code, bool answer);
void show(std::string_view code);

}  // namespace examples

/// Runs an expression and shows it: what is printed is what was run.
#define SHOW(...) examples::show(#__VA_ARGS__, __VA_ARGS__)
/// The same for one that gives nothing.
#define RUN(...) (examples::show(#__VA_ARGS__), __VA_ARGS__)
