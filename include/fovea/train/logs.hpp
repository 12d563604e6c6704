// Losses and metrics by name.
#pragma once

#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Loss and metrics by name: "loss", "accuracy", "val_loss" ... What a callback is given after a
/// batch is computed when it is read, by one thread at a time, so that a metric that is not read
/// costs nothing. A copy holds the values of its moment.
class Logs {
  using Values = std::map<std::string, double, std::less<>>;

 public:
  // NOLINTBEGIN(readability-identifier-naming): the names that containers have
  using value_type = Values::value_type;          ///< as in a map
  using const_iterator = Values::const_iterator;  ///< as in a map
  using iterator = Values::const_iterator;        ///< values are changed by `set` alone
  // NOLINTEND(readability-identifier-naming)

  Logs() = default;
  /// Takes names and values.
  Logs(std::initializer_list<value_type> values) : values_(values) {}
  /// Copies the values.
  Logs(const Logs& other) : values_(other.all()) {}
  /// Takes over what is still to be computed, too.
  Logs(Logs&& other) = default;
  /// Copies the values, or takes over those of a temporary.
  Logs& operator=(Logs other) {
    values_.swap(other.values_);
    later_.swap(other.later_);
    return *this;
  }
  ~Logs() = default;

  /// Sets a value, of a name that is new or not.
  void set(const std::string& name, double value);
  /// Sets a value that is computed when it is first read.
  void set_later(const std::string& name, std::function<double()> value);

  /// Returns a value. Throws IndexError where there is none of that name.
  double operator[](std::string_view name) const;
  /// The same.
  double at(std::string_view name) const { return (*this)[name]; }
  /// Returns the place of a name, or `end`.
  const_iterator find(std::string_view name) const;
  /// Returns whether there is a value of that name.
  bool contains(std::string_view name) const { return values_.contains(name); }
  /// Returns the number of values.
  std::size_t size() const { return values_.size(); }
  /// Returns whether there is no value.
  bool empty() const { return values_.empty(); }
  /// Returns the first of the values, in the order of their names.
  const_iterator begin() const { return all().begin(); }
  /// Returns the end of the values.
  const_iterator end() const { return values_.end(); }
  /// Returns whether names and values are equal.
  bool operator==(const Logs& other) const { return all() == other.all(); }

 private:
  const Values& all() const&;

  mutable Values values_;  // those of `later_` are 0
  mutable std::map<std::string, std::function<double()>, std::less<>> later_;
};

/// Returns names and values in one line, as the progress shows them: "accuracy: 0.5000 - loss:
/// 0.6931".
std::string to_string(const Logs& logs);
/// Writes to_string(logs).
std::ostream& operator<<(std::ostream& stream, const Logs& logs);

}}  // namespace fovea
