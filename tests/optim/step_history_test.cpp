// The list of steps that rows of a table may have missed.
#include "optim/step_history.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace fovea;

namespace {

StepFactors step(real rate) { return {rate}; }

// The rates of the steps that a row has missed since it made step number `done`.
std::vector<real> missed(const StepHistory& history, std::int32_t done) {
  const MissedSteps steps = history.since(done);
  std::vector<real> rates;
  for (std::size_t i = 0; i < steps.ends.size(); ++i)
    for (; done < steps.ends[i]; ++done) rates.push_back(steps.factors[i][0]);
  return rates;
}

}  // namespace

TEST_CASE("missed steps are those since a row was read, equal ones in one run") {
  StepHistory history;
  for (const real rate : std::vector<real>{1, 1, 1, 3, 2, 2}) history.record(step(rate));
  CHECK(history.now() == 6);
  CHECK(history.since(0).ends.size() == 3);
  CHECK(missed(history, 0) == std::vector<real>{1, 1, 1, 3, 2, 2});
  CHECK(missed(history, 2) == std::vector<real>{1, 3, 2, 2});
  CHECK(missed(history, 3) == std::vector<real>{3, 2, 2});
  CHECK(missed(history, 5) == std::vector<real>{2});
  CHECK(history.since(5).largest[0] >= 2);
  CHECK(history.since(0).largest[0] == 3);
}

TEST_CASE("steps of equal numbers but another sign of zero are told apart") {
  StepHistory history;
  history.record(step(0));
  history.record(step(-real(0)));
  CHECK(history.since(0).ends.size() == 2);
}

TEST_CASE("what all rows have passed is dropped, and the largest factor with it") {
  StepHistory history;
  for (const real rate : std::vector<real>{9, 9, 4, 5, 2}) history.record(step(rate));
  history.drop(2);
  CHECK(missed(history, 2) == std::vector<real>{4, 5, 2});
  CHECK(history.since(2).largest[0] == 5);
  history.drop(3);
  CHECK(missed(history, 3) == std::vector<real>{5, 2});
  history.record_for_all();
  CHECK(history.now() == 6);
  history.record(step(1));
  CHECK(missed(history, 6) == std::vector<real>{1});
  CHECK(history.since(6).largest[0] == 1);
}

TEST_CASE("the list is full at its bound, and half of it can be dropped at its middle") {
  StepHistory history;
  while (!history.full()) {
    history.make_room();
    history.record(step(static_cast<real>(history.now())));
  }
  CHECK(history.now() == StepHistory::most);
  const std::int32_t middle = history.middle();
  history.drop(middle);
  CHECK(!history.full());
  CHECK(missed(history, middle).size() == StepHistory::most / 2);
  CHECK(missed(history, middle).front() == static_cast<real>(middle));
}
