// What most sources include, read once for each library. No source leans on it: CI also builds
// without (-Db_pch=false).
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "fovea/autograd/graph.hpp"
#include "fovea/base/error.hpp"
