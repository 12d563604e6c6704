// Rows of a table by id: gathered, and their gradients added up row by row without atomics.
#pragma once

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION { namespace kernels {

/// y[i] = table[ids[i]], rows of `width` numbers. Ids must be valid.
void gather_rows(const real* table, const std::int32_t* ids, Index count, Index width, real* y);

/// order = 0 ... count - 1 sorted by id, equal ids in the order of their positions. `scratch` has
/// room for as many.
void sort_by_id(const std::int32_t* ids, Index count, std::int32_t* order, std::int32_t* scratch);

/// The touched rows of a table: for each distinct id in ascending order, unique_ids and the
/// position in `order` at which its run begins; starts has one entry more, the count. Returns how
/// many there are.
Index unique_runs(const std::int32_t* ids, const std::int32_t* order, Index count,
                  std::int32_t* unique_ids, std::int32_t* starts);

/// y[u] = the sum of x[order[k]] over the run of unique id u, in the order of positions.
void sum_runs(const real* x, const std::int32_t* order, const std::int32_t* starts, Index unique,
              Index width, real* y);

/// table[ids[u]] += x[u] for distinct ids.
void add_rows(const real* x, const std::int32_t* ids, Index unique, Index width, real* table);

}}}  // namespace fovea::kernels
