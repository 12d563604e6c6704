// The baselines, on samples small enough to count by hand.
#include "support/naive_bayes.hpp"

#include <doctest/doctest.h>

#include "fovea/base/error.hpp"

using namespace examples;

// Class 1 has the words 2 2 2 1, class 0 has 3 3 4, of four words. P(1 | 1) = 2/8, P(3 | 1) = P(4 |
// 1) = 1/8; P(1 | 0) = 1/7, P(3 | 0) = 3/7, P(4 | 0) = 2/7.
TEST_CASE("naive Bayes weighs prior and words, counts the unknown word, and passes over padding") {
  const Split train = {
      fovea::Ids({3, 3}, {2, 2, 0, 2, 1, 0, 3, 3, 4}), fovea::Ids({3}, {1, 1, 0}), {}};
  const NaiveBayes bayes(train, 2, 5);
  const auto predict = [&](std::initializer_list<std::int32_t> ids) {
    return bayes.predict(std::vector(ids));
  };
  CHECK(predict({}) == 1);      // 2/3 against 1/3
  CHECK(predict({3}) == 0);     // 2/3 1/8 = 0.08 against 1/3 3/7 = 0.14
  CHECK(predict({2, 3}) == 1);  // 2/3 4/8 1/8 = 0.042 against 1/3 1/7 3/7 = 0.020
  CHECK(predict({1, 4}) ==
        1);  // 2/3 2/8 1/8 = 0.021 against 1/3 1/7 2/7 = 0.014; 0 if padding counted in training
  CHECK(predict({1, 4, 1, 4}) ==
        1);  // 6.5e-4 against 5.6e-4; 0 if the denominators lacked the number of words
  CHECK(predict({3, 1, 1, 1}) == 1);     // 0 if the unknown word did not count
  CHECK(predict({3, 3, 0, 0, 0}) == 0);  // 1 if padding did
  const Split test = {fovea::Ids({2, 2}, {2, 3, 3, 3}), fovea::Ids({2}, {0, 0}), {}};
  CHECK(bayes.accuracy(test) == 0.5);
  CHECK_THROWS_WITH_AS(predict({5}), "NaiveBayes: the id 5 is not in [0, 5)", fovea::IndexError);
  CHECK_THROWS_AS(NaiveBayes(train, 1, 5), fovea::IndexError);
  CHECK_THROWS_AS(NaiveBayes(train, 2, 4), fovea::IndexError);
}

TEST_CASE(
    "the largest class is the training split's, the first of equals, and its share is the test "
    "split's") {
  const Split train = {fovea::Ids({5, 1}, {2, 2, 2, 2, 2}), fovea::Ids({5}, {0, 3, 2, 3, 2}), {}};
  const Split test = {fovea::Ids({4, 1}, {2, 2, 2, 2}), fovea::Ids({4}, {2, 0, 0, 0}), {}};
  CHECK(largest_class(train) == 2);
  CHECK(share_of_class(test, 2) == 0.25);
  CHECK_THROWS_AS(largest_class(Split()), fovea::ValueError);
}
