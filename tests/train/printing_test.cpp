// Logs and histories as text.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "fovea/train/model.hpp"

using namespace fovea;

TEST_CASE("logs are printed as the progress shows them") {
  Logs logs = {{"loss", 0.69314718}, {"accuracy", 0.5}};
  logs.set_later("tiny", [] { return 1e-5; });
  CHECK(to_string(logs) == "accuracy: 0.5000 - loss: 0.6931 - tiny: 1.0000e-05");
  std::ostringstream stream;
  stream << logs << Logs();
  CHECK(stream.str() == to_string(logs));
}

TEST_CASE("a history is printed as a table") {
  const History history = {{0, 1}, {{"loss", {12.5, std::nan("")}}, {"val_accuracy", {0.25, 1}}}};
  CHECK(to_string(history) ==
        "epoch     loss  val_accuracy\n"
        "    0  12.5000        0.2500\n"
        "    1      nan        1.0000");
  CHECK(to_string(History()) == "epoch");
  std::ostringstream stream;
  stream << history;
  CHECK(stream.str() == to_string(history));
}
