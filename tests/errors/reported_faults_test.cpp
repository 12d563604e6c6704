// Faults that users of other libraries reported and that were ours too, one by one, each with the
// tests that keep the right value.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace files = std::filesystem;

struct Fault {
  const char* what;
  std::vector<const char*> tests;  // the first words of their names
};

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = {
      {"what is masked takes no part in attention",
       {"NaN and infinity at a masked position reach no context and no gradient",
        "NaN in a query that the mask leaves out",
        "NaN at a later position reaches no earlier context"}},
      {"what is masked or has weight zero takes no part in loss, metrics and gradients",
       {"a NaN or infinite prediction at a masked position changes no bit",
        "a missing target of a sample of weight 0",
        "an infinite derivative of the loss of what does not count"}},
      {"Adam overflows to NaN, and underflows",
       {"Adam is exact for gradients from 3.5e-18 to 1.8e19",
        "where squares of gradients are beyond the largest number Adam stands still",
        "rows whose gradients are too large to be squared stay finite"}},
      {"a mean is a sum divided by n",
       {"the mean of n ones is 1, for n = 1 to 2000",
        "the mean of losses that are all 1 is exactly 1",
        "the variance and the standard deviation of n equal numbers are 0"}},
      {"layer norm and variance beside a large offset",
       {"layer_norm and rms_norm of long rows beside an offset of 1e7",
        "var and std of numbers beside a large offset are right"}},
      {"0 times -infinity",
       {"0 times -infinity is 0 in losses", "0 times -infinity is 0 in the product for it",
        "0 times -infinity is 0 under label smoothing",
        "0 times -infinity is 0 in binary cross-entropy"}},
      {"sigmoid followed by BinaryCrossentropy saturates",
       {"sigmoid followed by BinaryCrossentropy does not saturate",
        "sigmoid with BinaryCrossentropy is BinaryCrossentropy of logits"}},
      {"means over a mask depend on how samples fall into batches",
       {"means over a mask do not depend on how samples fall into batches"}},
      {"sample weights of the validation part", {"validation_split splits sample weights along"}},
      {"a NaN vanishes on its way back",
       {"a NaN in the data reaches the gradient", "a NaN reaches the gradients through the relu"}},
      {"accuracy of NaN, of a single unit, of one-hot targets",
       {"a NaN prediction is never right", "accuracy of a single unit has a threshold",
        "fit takes accuracy of one-hot targets"}},
      {"callbacks on accuracy, and on NaN",
       {"EarlyStopping on accuracy goes on while it rises", "NaN is worse than any value",
        "mode min and max say which values are better"}},
      {"targets out of range",
       {"targets of cross-entropies and divergence outside 0 to 1 are refused",
        "sample weights that are negative, not finite, or all zero"}},
      {"a softmax over one unit",
       {"a softmax over one unit is refused at compile",
        "a softmax over one unit is refused at build"}},
      {"other sequence lengths",
       {"evaluate, predict and validation take other sequence lengths than fit"}},
      {"a list of axes without its braces",
       {"a list of axes without its braces, sum(x, 0, 1), compiles in no reduction"}},
      {"copies that follow training",
       {"the value of a parameter is a snapshot",
        "an array that the caller overwrites after making a constant of it",
        "a copy of an array, of ids or of a mask stays as it is"}},
      {"attach forgets", {"attach adds: both modules of a loop of one's own learn"}},
      {"the same dropout mask at every step, and in two layers",
       {"dropout without a step, as in model(x, {.training = true}), is refused",
        "two dropouts without a path differ",
        "a loop of one's own with the optimiser's contexts is fit, dropout included"}},
      {"references into temporaries",
       {"the history of a call of fit, its attention and its predictions",
        "what looks into an object cannot be had of a temporary"}},
      {"lists of modules that learn nothing", {"lists of modules and of parameters are visited"}},
      {"a seed that comes after build", {"a seed that comes after build is refused"}},
      {"names of lambdas", {"every layer has a readable name", "a layer may be given a name"}},
      {"threads and floating-point mode of the user's process",
       {"set_threads takes no threads of the user's own loops",
        "OpenBLAS is at one thread behind the first product",
        "callbacks run in the user's floating-point mode"}},
      {"floating-point traps",
       {"no op of the table raises a floating-point exception",
        "zeros, equal numbers, large logits and masks that keep nothing"}},
      {"locale",
       {"layer names, and with them initial weights, are the same in every locale",
        "the library calls nothing that follows the locale"}},
      {"symbolic links, special files, read-only files",
       {"writing through symbolic links replaces the file that they lead to",
        "a FIFO or a socket is not replaced by a file", "a read-only file is not overwritten"}},
      {"archives that compress well",
       {"what savez_compressed makes of any array is read",
        "a bomb, which unpacks to more than it says"}},
      {"headers of NumPy 1 on Python 2, types without byte order",
       {"headers as NumPy 1 on Python 2 wrote them are read",
        "types are read with any byte order or none"}},
      {"compilers before clang 16, and templates whose arguments they do not deduce",
       {"Residual adds what its module makes of x"}},
  };
  return all;
}

// All that the test sources hold.
std::string sources() {
  std::string text;
  for (const auto& entry :
       files::recursive_directory_iterator(files::path(FOVEA_SOURCE_ROOT) / "tests")) {
    if (entry.path().extension() != ".cpp" || entry.path().filename() == "reported_faults_test.cpp")
      continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    text.append(std::istreambuf_iterator<char>(stream), {});
  }
  return text;
}

}  // namespace

TEST_CASE("each fault that users of other libraries reported has tests that keep the right value") {
  const std::string text = sources();
  std::size_t fixed = 0;
  for (const Fault& fault : faults()) {
    bool has_tests = !fault.tests.empty();
    for (const char* test : fault.tests) {
      const bool is_there =
          text.find("TEST_CASE(\"" + std::string(test)) != std::string::npos ||
          text.find("TEST_CASE(\n    \"" + std::string(test)) != std::string::npos;
      CHECK_MESSAGE(is_there, std::string(fault.what), ": there is no test \"", std::string(test),
                    "\"");
      has_tests = has_tests && is_there;
    }
    fixed += has_tests;
  }
  std::printf("figure: reported faults fixed = %zu of %zu\n", fixed, faults().size());
  CHECK(fixed == faults().size());
}
