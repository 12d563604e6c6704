// One step: a sharded pass over each batch of an update, and the update by the optimiser.
#include <fmt/format.h>

#include <algorithm>

#include "fovea/base/error.hpp"
#include "train/gradient_sum.hpp"
#include "train/trainer.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

// Has the loss of each output divided by the count of the whole update, and dropout count samples
// from the first one of the update.
void share_update(std::span<Piece> pieces) {
  memory::List<Index> divisors;
  Index first = 0;
  for (Piece& piece : pieces) {
    piece.batch.first = first;
    first += piece.batch.count();
    const memory::List<Index> counts = piece.pass->counts(piece.batch);
    divisors.resize(counts.size());
    for (std::size_t o = 0; o < counts.size(); ++o) divisors[o] += counts[o];
  }
  for (Piece& piece : pieces) piece.batch.divisors = divisors;
}

}  // namespace

// Performs one step of the optimiser, after a pass over each batch of the update.
void Trainer::train(std::span<Piece> pieces, Means& means) {
  const bool first = steps_ == 0;
  if (first) attach_optimizer();
  check_attached();
  tell_observers([&](Observer& observer) { observer.at_step(static_cast<Index>(steps_)); });
  {
    // Callbacks run outside this scope, in the user's floating-point mode.
    const parallel::FlushSubnormals flush;
    const bool several = pieces.size() > 1;
    if (several) share_update(pieces);
    GradientSum sum(learning_);
    for (const Piece& piece : pieces) {
      piece.pass->run(piece.batch, true, means);
      check_listed(piece);
      if (several) sum.take();
    }
    if (several) sum.give();
    optimizer().step();
  }
  drawn_.reset();
  ++steps_;
  tell_observers([](Observer& observer) { observer.at_step(-1); });
}

// Throws StateError if the last pass gave a gradient to a tensor that no module lists.
void Trainer::check_listed(const Piece& piece) {
  if (!all_listed_ && piece.pass->has_unlisted_gradients())
    throw StateError(fmt::format(
        "{}: a tensor that requires gradients took part in the loss, and no module lists it in "
        "`parameters`: it would not learn; list it, or call set_requires_grad(false)",
        name()));
  all_listed_ = all_listed_ || piece.batch.count() > 0;
}

}}  // namespace fovea
