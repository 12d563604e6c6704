#include "fovea/train/logs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ostream>
#include <vector>

#include "fovea/base/error.hpp"
#include "train/progress.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

void Logs::set(const std::string& name, double value) {
  values_.insert_or_assign(name, value);
  later_.erase(name);
}

void Logs::set_later(const std::string& name, std::function<double()> value) {
  values_.insert_or_assign(name, 0);
  later_.insert_or_assign(name, std::move(value));
}

Logs::const_iterator Logs::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (const auto later = later_.find(name); later != later_.end()) {
    found->second = later->second();
    later_.erase(later);
  }
  return found;
}

const Logs::Values& Logs::all() const& {
  while (!later_.empty()) find(later_.begin()->first);
  return values_;
}

double Logs::operator[](std::string_view name) const {
  if (const auto found = find(name); found != end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& entry : values_) names.push_back(entry.first);
  throw IndexError(
      fmt::format("Logs: there is no \"{}\"; there are: {}", name, fmt::join(names, ", ")));
}

std::string to_string(const Logs& logs) {
  std::string text;
  for (const auto& [name, value] : logs)
    text += fmt::format("{}{}: {}", text.empty() ? "" : " - ", name, train::number_text(value));
  return text;
}
std::ostream& operator<<(std::ostream& stream, const Logs& logs) {
  return stream << to_string(logs);
}

}}  // namespace fovea
