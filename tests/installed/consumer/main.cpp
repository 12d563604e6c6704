// What a user's project begins with: it trains, or its exit status says that it did not.
#include <cstdio>
#include <fovea/fovea.hpp>

using namespace fovea;

int main() {
  const Array x({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}), y({4, 1}, {0, 1, 1, 2});
  Sequential model{Dense{1}};
  model.compile({.optimizer = SGD{{.learning_rate = 0.1}}, .loss = MeanSquaredError{}});
  const History history = model.fit(x, y, {.epochs = 20, .verbose = 0});
  std::printf("%s of %zu bytes\n", runtime_info().version.c_str(), sizeof(real));
  return history.epoch.size() == 20 ? 0 : 1;
}
