// What most tests of the areas with many files include, read once for each program: reading headers
// is most of building them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "fovea/fovea.hpp"
