// Wrong datasets, orders and options of fit, and what users are told, word for word.
#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

/// Four samples of which `rows` returns three.
struct Short : Dataset {
  Index count() const override { return 4; }
  SampleBatch rows(std::span<const Index>) const override {
    return {ids().rows(0, 3), labels().rows(0, 3)};
  }
};

/// No samples.
struct Nothing : Short {
  Index count() const override { return 0; }
};

ArrayDataset data() { return ArrayDataset(ids(), labels()); }

GeneratedBatches generated() {
  return GeneratedBatches([](std::uint64_t, Rng) { return SampleBatch{ids(), labels()}; });
}

void fit(const FitOptions& options) { trained().fit(ids(), labels(), options); }

}  // namespace

TEST_CASE("wrong options of datasets and accumulation") {
  check({
      {"accumulates over no batch", [] { fit({.gradient_accumulation_steps = 0}); },
       "ValueError: sequential: fit: gradient_accumulation_steps is 0; it must be at least 1"},
      {"prefetches less than nothing", [] { fit({.prefetch = -1}); },
       "ValueError: sequential: fit: prefetch is -1; it must be at least 0, and 0 is without"},
      {"gives the steps of an epoch for arrays", [] { fit({.steps_per_epoch = 3}); },
       "ValueError: sequential: fit: steps_per_epoch is 3; it is for GeneratedBatches, and an "
       "epoch "
       "of samples that have a number is all of them; leave it out"},
      {"forgets the steps of an epoch for a generator",
       [] { trained().fit(generated(), FitOptions{}); },
       "ValueError: sequential: fit: steps_per_epoch is 0; GeneratedBatches has no end, so give "
       "the "
       "batches of an epoch, at least 1"},
      {"splits what has no end",
       [] { trained().fit(generated(), {.steps_per_epoch = 2, .validation_split = 0.2}); },
       "ValueError: sequential: fit: validation_split is 0.2, and GeneratedBatches has no last "
       "samples; give validation_data"},
      {"shuffles what has no end in blocks",
       [] { trained().fit(generated(), {.order = ShuffleInBlocks{}, .steps_per_epoch = 2}); },
       "ValueError: sequential: fit: order is ShuffleInBlocks, and GeneratedBatches has no blocks; "
       "its function decides what a batch has"},
      {"gives weights beside a dataset",
       [] {
         trained().fit(data(), {.sample_weight = {1, 1, 1, 1}});
       },
       "ValueError: sequential: fit: sample_weight is given for ArrayDataset; return the weights "
       "with its batches"},
      {"gives both a dataset and arrays to validate on",
       [] {
         const ArrayDataset other = data();
         fit({.validation_data = Validation{.x = ids(), .y = labels(), .dataset = &other}});
       },
       "ValueError: sequential: fit: validation_data has both a dataset and arrays; give one"},
      {"evaluates no step of a generator", [] { trained().evaluate(generated(), 0); },
       "ValueError: sequential: evaluate: the number of steps is 0; GeneratedBatches has no end, "
       "so "
       "give how many batches to use, at least 1"},
      {"predicts in batches of 0", [] { trained().predict(data(), 0); },
       "ValueError: sequential: predict: batch_size is 0; it must be at least 1"},
  });
}

TEST_CASE("wrong orders of batches") {
  check({
      {"asks for blocks without samples", [] { fit({.order = ShuffleInBlocks{.block_size = 0}}); },
       "ValueError: sequential: fit: order is ShuffleInBlocks with 0 samples in a block and 16 "
       "blocks together; both must be at least 1"},
      {"shuffles in blocks without shuffling",
       [] { fit({.shuffle = false, .order = ShuffleInBlocks{}}); },
       "ValueError: sequential: fit: order is ShuffleInBlocks, and shuffle is false; give one"},
      {"sorts windows of no batch", [] { fit({.order = BucketByLength{.window = 0}}); },
       "ValueError: sequential: fit: order is BucketByLength with a window of 0 batches; it must "
       "be "
       "at least 1"},
      {"gives boundaries that descend",
       [] {
         fit({.order = BucketByLength{.boundaries = {9, 4}}});
       },
       "ValueError: sequential: fit: order is BucketByLength with boundary 4 at position 1; "
       "boundaries must be at least 1 and ascend"},
      {"cuts no input", [] { fit({.order = BucketByLength{.inputs = {}}}); },
       "ValueError: sequential: fit: order is BucketByLength without inputs; name one"},
      {"cuts an input that is not there",
       [] { fit({.order = BucketByLength{.inputs = {1}}, .verbose = 0}); },
       "IndexError: sequential: fit: BucketByLength: there is no input number 1; there are 1"},
      {"cuts targets without a time axis",
       [] { fit({.order = BucketByLength{.targets = {0}}, .verbose = 0}); },
       "ShapeError: sequential: fit: batch 0 of ArrayDataset: BucketByLength: target number 0 has "
       "shape (4,); expected (samples, time, ...)"},
  });
}

TEST_CASE("wrong datasets") {
  check({
      {"has a dataset without samples", [] { trained().fit(Nothing{}); },
       "ValueError: sequential: fit: there are no samples to train on"},
      {"evaluates a dataset without samples", [] { trained().evaluate(Nothing{}); },
       "ValueError: sequential: evaluate: Dataset has no samples"},
      {"returns fewer rows than asked for", [] { trained().fit(Short{}, {.verbose = 0}); },
       "ShapeError: sequential: fit: batch 0 of Dataset: asked for 4 samples, it returned 3; rows "
       "must return one for each position"},
      {"has other numbers of inputs and targets",
       [] {
         ArrayDataset(ids(), Ids({3}, {0, 1, 0}));
       },
       "ShapeError: ArrayDataset: x holds 4 samples, y holds 3; the numbers must be equal"},
      {"gives too few weights",
       [] {
         ArrayDataset(ids(), labels(), {1, 2});
       },
       "ShapeError: ArrayDataset: 2 sample weights for 4 samples; give one for each sample, or "
       "none"},
      {"trains on a dataset without targets",
       [] { trained().fit(ArrayDataset(ids()), {.verbose = 0}); },
       "ShapeError: sequential: fit: batch 0 of ArrayDataset: x holds 4 samples, y holds 0; the "
       "numbers must be equal"},
      {"augments with no function", [] { Augmented(data(), nullptr); },
       "ValueError: Augmented: there is no function; give one that changes a sample"},
      {"generates with no function", [] { GeneratedBatches(nullptr); },
       "ValueError: GeneratedBatches: there is no function; give one that makes a batch"},
      {"augments one sample to two",
       [] {
         trained().fit(Augmented(data(), [](SampleBatch& one, Rng) { one.x = ids(); }),
                       {.verbose = 0});
       },
       "ValueError: sequential: fit: batch 0 of ArrayDataset: Augmented: a changed sample has 1 "
       "inputs of 4 samples, 1 targets of 1 and 0 weights; change the values of the one sample, "
       "and "
       "leave the columns as they are"},
      {"augments samples to several shapes",
       [] {
         trained().fit(Augmented(data(),
                                 [](SampleBatch& one, Rng) {
                                   if (one.x[0].samples.ids().at(0) == 1)
                                     one.x = Ids({1, 2}, {1, 1});
                                 }),
                       {.shuffle = false, .verbose = 0});
       },
       "ShapeError: sequential: fit: batch 0 of ArrayDataset: Augmented: input number 0 has shape "
       "(2,) for one sample and (3,) for another of the batch; change the samples to one shape"},
      {"gives no files", [] { FileDataset({}); },
       "ValueError: FileDataset: there are no inputs; give the files of x"},
      {"generates an empty batch",
       [] {
         trained().fit(GeneratedBatches([](std::uint64_t, Rng) {
                         return SampleBatch{ids().rows(0, 0), labels().rows(0, 0)};
                       }),
                       {.steps_per_epoch = 1, .verbose = 0});
       },
       "ValueError: sequential: fit: batch 0 of GeneratedBatches: the batch of number 1 has no "
       "samples"},
  });
}
