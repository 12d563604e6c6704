// Saving and restoring the state of a SlotOptimizer.
#include "fovea/optim/optimizer_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fovea/optim/slot_optimizer.hpp"
#include "optim/lagging_table.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr const char* steps_key = "steps";

std::string key(const std::string& path, const char* name) { return path + "/" + name; }

Index counter(const OptimizerState& state, const std::string& key) {
  const auto found = state.counters.find(key);
  if (found == state.counters.end())
    throw StateError(fmt::format(
        "{}: load_state: expected a counter \"{}\", got none; attach the parameters that were "
        "attached when the state was made, in the same order",
        state.optimizer, key));
  if (found->second < 0)
    throw ValueError(fmt::format("{}: load_state: {} is {}; it must be at least 0", state.optimizer,
                                 key, found->second));
  return found->second;
}

void check_kind(const std::string& own, const std::string& given) {
  if (given != own)
    throw StateError(fmt::format(
        "{0}: load_state: expected the state of {0}, got that of {1}; load it into an optimizer "
        "of the same kind, or go on with new slots: take the weights alone by load_weights",
        own, given.empty() ? "none" : given));
}

}  // namespace

// The paths of the slots, where the second of one path is "path#2", and so on.
std::vector<std::string> SlotOptimizer::unique_paths() const {
  std::set<std::string, std::less<>> taken;
  std::vector<std::string> result;
  for (const Slot& slot : slots_) {
    std::string path = slot.path;
    for (int number = 2; !taken.insert(path).second; ++number)
      path = fmt::format("{}#{}", slot.path, number);
    result.push_back(std::move(path));
  }
  return result;
}

OptimizerState SlotOptimizer::state() const {
  check_own_weights("state");
  OptimizerState result{rule_->name(), {}, {{steps_key, steps_}}, rate_.number()};
  const std::vector<std::string> paths = unique_paths();
  for (std::size_t p = 0; p < paths.size(); ++p) {
    const Slot& slot = slots()[p];
    result.counters.emplace(key(paths[p], steps_key), steps_ - slot.before);
    for (std::size_t i = 0; i < slot.arrays.size(); ++i)
      result.arrays.emplace(key(paths[p], slot.names[i]), slot.arrays[i]);
  }
  return result;
}

// Whether names, shapes and counters fit.
void SlotOptimizer::check(const OptimizerState& state,
                          const std::vector<std::string>& paths) const {
  check_kind(rule_->name(), state.optimizer);
  const Index steps = counter(state, steps_key);
  std::set<std::string, std::less<>> expected, counters = {steps_key};
  for (std::size_t p = 0; p < paths.size(); ++p) {
    const std::string own = *counters.insert(key(paths[p], steps_key)).first;
    if (counter(state, own) > steps)
      throw ValueError(fmt::format("{}: load_state: {} is {}; it must be at most steps, {}",
                                   rule_->name(), own, counter(state, own), steps));
    for (const char* name : rule_->slots()) {
      const std::string array = *expected.insert(key(paths[p], name)).first;
      const auto found = state.arrays.find(array);
      if (found == state.arrays.end())
        throw StateError(fmt::format(
            "{}: load_state: expected an array \"{}\", got none; attach the parameters that were "
            "attached when the state was made, in the same order",
            rule_->name(), array));
      if (found->second.shape() != slots_[p].parameter.shape())
        throw ShapeError(fmt::format(
            "{}: load_state: expected \"{}\" of shape {}, got {}; load the state of the same model",
            rule_->name(), array, to_string(slots_[p].parameter.shape()),
            to_string(found->second.shape())));
    }
  }
  for (const auto& [name, array] : state.arrays)
    if (!expected.contains(name))
      throw StateError(fmt::format(
          "{}: load_state: expected no array \"{}\"; attach the parameters that were attached when "
          "the state was made, in the same order",
          rule_->name(), name));
  for (const auto& [name, count] : state.counters)
    if (!counters.contains(name))
      throw StateError(fmt::format(
          "{}: load_state: expected no counter \"{}\"; attach the parameters that were attached "
          "when the state was made, in the same order",
          rule_->name(), name));
  if (state.learning_rate) check_rate(*state.learning_rate);
}

// A table that ends brings its rows up to date, by the slots that it had. The next step by rows
// begins another.
void SlotOptimizer::load_state(const OptimizerState& state) {
  check_own_weights("load_state");
  const std::vector<std::string> paths = unique_paths();
  check(state, paths);
  std::vector<std::vector<Array>> arrays;
  for (const std::string& path : paths) {
    arrays.emplace_back();
    for (const char* name : rule_->slots())
      arrays.back().push_back(state.arrays.find(key(path, name))->second);
  }
  const Index steps = counter(state, steps_key);
  for (std::size_t p = 0; p < paths.size(); ++p) {
    Slot& slot = slots_[p];
    slot.table.reset();
    slot.arrays = std::move(arrays[p]);
    slot.before = steps - counter(state, key(paths[p], steps_key));
  }
  steps_ = steps;
  contexts_ = 0;
  if (state.learning_rate && rate_.number()) rate_ = *state.learning_rate;
}

}}  // namespace fovea
