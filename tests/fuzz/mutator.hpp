// Damage to files, drawn from a seed.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "fovea/base/random.hpp"
#include "reader.hpp"

namespace fuzz {

// Damages files of one format: bits, lengths, numbers as text and as bytes, words of the format,
// pieces that are lost, doubled, or come from another file.
class Mutator {
 public:
  Mutator(const Reader& reader, std::uint64_t seed) : reader_(reader), random_(seed) {}

  // Returns the file with one to three wrong things in it.
  std::string operator()(std::string bytes, const std::string& other) {
    for (std::size_t i = 0, count = 1 + below(3); i < count; ++i) {
      if (below(3) == 0) {
        bytes = damaged(bytes, other);
        continue;
      }
      std::vector<std::string> parts = reader_.parts(bytes);
      std::string& part = parts[below(parts.size())];
      part = damaged(part, other);
      bytes = reader_.joined(parts);
    }
    return bytes;
  }

 private:
  std::size_t below(std::size_t bound) {
    return bound == 0 ? 0
                      : static_cast<std::size_t>(random_.below(static_cast<fovea::Index>(bound)));
  }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

  std::string damaged(std::string bytes, const std::string& other) {
    const std::size_t at = below(bytes.size() + 1), length = below(40);
    switch (below(9)) {
      case 0:
        return flipped(std::move(bytes), 64);
      case 1:
        return flipped(std::move(bytes), bytes.size());
      case 2:
        return bytes.substr(0, at);
      case 3:
        return bytes + std::string(1 + length, static_cast<char>(random_.next()));
      case 4:
        return bytes.erase(at, length);
      case 5:
        return bytes.insert(at, bytes.substr(below(bytes.size()), length));
      case 6:
        return bytes.insert(at, reader_.words.empty() || below(4) == 0
                                    ? other.substr(below(other.size()), length)
                                    : one_of(reader_.words));
      case 7:
        return with_number(std::move(bytes));
      default:
        return with_binary_number(std::move(bytes), at);
    }
  }

  std::string flipped(std::string bytes, std::size_t before) {
    if (bytes.empty()) return bytes;
    char& byte = bytes[below(std::min(before, bytes.size()))];
    byte = static_cast<char>(byte ^ (1 << below(8)));
    return bytes;
  }

  // A digit gives way to a number that is too large, negative, or no whole number.
  std::string with_number(std::string text) {
    static const std::vector<std::string> numbers = {
        "0",          "1",          "-1",
        "2",          "3",          "8",
        "16",         "1.0",        "1e3",
        "-0",         "00",         "1e999",
        "2147483647", "2147483648", "4294967296",
        "1, 1",       "1L",         "72057594037927936",
        "nan",        "",           "9223372036854775807",
        "0x10",       "+1",         "9223372036854775808",
        "inf",        "1e-999",     "18446744073709551615",
        ".",          "1_0",        "18446744073709551616"};
    const std::size_t digit = text.find_first_of("0123456789", below(text.size()));
    return digit == std::string::npos ? text : text.replace(digit, 1, one_of(numbers));
  }

  // Bytes give way to a number of 1 to 8 bytes, low byte first or last.
  std::string with_binary_number(std::string bytes, std::size_t at) {
    static const std::vector<std::uint64_t> numbers = {0,
                                                       1,
                                                       2,
                                                       0x7f,
                                                       0x80,
                                                       0xff,
                                                       0x7fff,
                                                       0x8000,
                                                       0xffff,
                                                       0x7fffffff,
                                                       0x80000000,
                                                       0xffffffff,
                                                       1u << 20,
                                                       std::uint64_t(1) << 40,
                                                       ~std::uint64_t(0) >> 1,
                                                       std::uint64_t(1) << 63,
                                                       ~std::uint64_t(0)};
    auto number = std::bit_cast<std::array<char, 8>>(one_of(numbers));
    const std::size_t width = std::size_t(1) << below(4);
    std::string written(number.data(), width);
    if (below(2) == 0) written.assign(written.rbegin(), written.rend());
    return bytes.replace(at, width, written);
  }

  const Reader& reader_;
  fovea::Rng random_;
};

}  // namespace fuzz
