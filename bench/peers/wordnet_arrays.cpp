// Writes the training data of the example documented_loop, for the peers: x.npy, (samples, time),
// ids of words, 0 where the definition has ended; y.npy, (samples,), classes. Usage: wordnet_arrays
// FOLDER
#include <filesystem>

#include "fovea/io/npy.hpp"
#include "support/options.hpp"
#include "support/wordnet.hpp"

int main(int count, char** arguments) {
  return examples::run([&] {
    examples::require(count == 2, "usage: wordnet_arrays FOLDER");
    const examples::WordNet data = examples::read_wordnet();
    const std::filesystem::path folder = arguments[1];
    fovea::write_npy(folder / "x.npy", data.train.x);
    fovea::write_npy(folder / "y.npy", data.train.y);
  });
}
