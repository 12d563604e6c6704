// Damaged .npy files, made from the golden ones by a generator whose seed a failure prints.
#include <doctest/doctest.h>

#include <cctype>

#include "files.hpp"
#include "fovea/base/random.hpp"
#include "fovea/io/error.hpp"

using namespace fovea;
using namespace test_files;

namespace {

// Every way of taking the numbers out; the number of ways that did not throw an Error.
int results(const std::string& bytes) {
  int count = 0;
  const auto attempt = [&](auto use) {
    try {
      use(parse(bytes));
      ++count;
    } catch (const Error&) {
    }
  };
  attempt([](const NumpyArray& array) { static_cast<void>(array.reals().values()); });
  attempt([](const NumpyArray& array) { static_cast<void>(array.ids().values()); });
  attempt([](const NumpyArray& array) { static_cast<void>(array.mask().kept()); });
  return count;
}

// One wrong thing in a valid file: bits, numbers, lengths, pieces of the header.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string operator()(std::string bytes) {
    const std::size_t begin = bytes[6] == 1 ? 10 : 12;
    const std::size_t end = std::min(bytes.size(), bytes.find('\n') + 1);
    switch (below(6)) {
      case 0:
        flip(bytes, below(end));
        return bytes;
      case 1:
        flip(bytes, below(bytes.size()));
        return bytes;
      case 2:
        bytes[8 + below(begin - 8)] = static_cast<char>(random_.next());
        return bytes;
      case 3:
        bytes.resize(below(2 * bytes.size()), 'x');
        return bytes;
      case 4:
        return with_text(bytes, begin, end, shuffled(bytes.substr(begin, end - begin)));
      default:
        return with_text(bytes, begin, end, with_extreme_number(bytes.substr(begin, end - begin)));
    }
  }

 private:
  std::size_t below(std::size_t bound) {
    return bound == 0 ? 0 : static_cast<std::size_t>(random_.below(static_cast<Index>(bound)));
  }

  void flip(std::string& bytes, std::size_t position) {
    bytes[position] = static_cast<char>(bytes[position] ^ (1 << below(8)));
  }

  // The length before the header stays true, so that the parser sees the text.
  static std::string with_text(const std::string& bytes, std::size_t begin, std::size_t end,
                               const std::string& text) {
    std::string result = bytes.substr(0, begin) + text + bytes.substr(end);
    result[8] = static_cast<char>(text.size() % 256);
    result[9] = static_cast<char>(text.size() / 256);
    return result;
  }

  std::string with_extreme_number(std::string text) {
    static const std::vector<std::string> sizes = {
        "0", "1", "-1", "3", "5", "11", "13", "2147483647", "2147483648", "4294967296"};
    static const std::vector<std::string> extremes = {"9223372036854775807",
                                                      "9223372036854775808",
                                                      "18446744073709551615",
                                                      "99999999999999999999999",
                                                      "72057594037927936",
                                                      "1, 1",
                                                      "1L",
                                                      ""};
    std::vector<std::size_t> digits;
    for (std::size_t i = 0; i < text.size(); ++i)
      if (std::isdigit(static_cast<unsigned char>(text[i]))) digits.push_back(i);
    if (digits.empty()) return text;
    const std::size_t begin = digits[below(digits.size())];
    return text.replace(begin, 1,
                        below(2) ? sizes[below(sizes.size())] : extremes[below(extremes.size())]);
  }

  // A piece of the text taken out, or put in once more elsewhere.
  std::string shuffled(std::string text) {
    const std::size_t begin = below(text.size());
    const std::string piece = text.substr(begin, below(30));
    if (below(2) == 0) text.erase(begin, piece.size());
    return text.insert(below(text.size() + 1), piece);
  }

  Rng random_;
};

}  // namespace

TEST_CASE("40000 damaged files end in numbers or in an Error, and in memory of the file's size") {
  std::vector<std::string> originals;
  for (const std::string& name : golden_names(".npy"))
    originals.push_back(read_bytes(golden(name)));
  memory::reset_peak();
  const Index before = memory::bytes_peak();
  int read = 0;
  for (std::uint64_t seed = 0; seed < 40000; ++seed) {
    CAPTURE(seed);
    Mutator mutate(seed);
    std::string bytes = mutate(originals[seed % originals.size()]);
    if (seed % 3 == 0 && bytes.size() > 12) bytes = mutate(bytes);
    CHECK_NOTHROW(read += results(bytes));
  }
  CHECK(read > 2000);
  CHECK(memory::bytes_peak() - before < 1 << 20);
}
