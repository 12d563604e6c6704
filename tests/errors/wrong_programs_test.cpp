// Wrong programs and what they are told, word for word: arrays, gradients, memory, files. Functions
// of tensors are in wrong_ops_test.cpp, layers in wrong_layers_test.cpp, models in
// wrong_models_test.cpp.
#include "errors/wrong_programs.hpp"

#include "io/files.hpp"

using namespace wrong_programs;
using test_files::golden;

namespace {

// While in scope, memory is scarce.
struct Cap {
  explicit Cap(Index bytes) { memory::set_cap(bytes); }
  ~Cap() { memory::set_cap(0); }
};

}  // namespace

// A row is a mistake, a program and what it is told.

TEST_CASE("wrong arrays, ids and masks") {
  check({
      {"gives too few values",
       [] {
         Array({2, 3}, {1, 2, 3, 4});
       },
       "ShapeError: Array: 4 values given for shape (2, 3), which has 6"},
      {"computes a size and gets it negative",
       [] {
         Shape({2, -3});
       },
       "ShapeError: Shape: a size is negative: (2, -3)"},
      {"wants a seventh axis",
       [] {
         of({1, 2, 3, 4, 5, 6, 7});
       },
       "ShapeError: Shape: at most 6 axes; (1, 2, 3, 4, 5, 6, 7) has 7"},
      {"multiplies sizes until no memory has them",
       [] {
         of({1 << 30, 1 << 30});
       },
       "ShapeError: Shape: more elements than the address space holds: (1073741824, 1073741824)"},
      {"asks a scalar for its last size", [] { Shape()[-1]; },
       "IndexError: axis -1 of shape (): a scalar has no axes"},
      {"asks for the size of an axis that is not there",
       [] {
         Shape({2, 3})[2];
       },
       "IndexError: axis 2 of shape (2, 3): there are axes -2 to 1"},
      {"counts elements from 1",
       [] {
         Array::zeros({2, 3}).at(6);
       },
       "IndexError: Array::at: position 6 of shape (2, 3), which has 6 elements"},
      {"takes rows past the end, as Python allows",
       [] {
         Array::zeros({4, 3}).rows(2, 6);
       },
       "IndexError: Array::rows: [2, 6) of shape (4, 3), which has 4 rows"},
      {"takes a row that is not there",
       [] {
         const std::vector<Index> rows = {0, 4};
         Array::zeros({4}).rows(rows);
       },
       "IndexError: Array::rows: row 4 of shape (4,), which has 4 rows"},
      {"has ids too large for 32 bits",
       [] {
         const std::vector<std::int64_t> hashes = {1, 3000000000};
         Ids({2}, hashes);
       },
       "ValueError: Ids: the value at position 1 is 3000000000, which does not fit 32 bits"},
      {"reads an id behind the last",
       [] {
         Ids({2}, {5, 6}).at(2);
       },
       "IndexError: Ids::at: position 2 of shape (2,), which has 2 elements"},
      {"reshapes ids to another count",
       [] {
         Ids({2}, {5, 6}).reshaped({3});
       },
       "ShapeError: Ids::reshaped: (2,) has 2 elements, (3,) has 3"},
      {"writes a mask for one sample of two",
       [] {
         Mask({2, 3}, {1, 1, 0});
       },
       "ShapeError: Mask: 3 values given for shape (2, 3), which has 6"},
      {"uses a tensor that was never given numbers",
       [] {
         Tensor x;
         exp(x);
       },
       "StateError: this tensor is undefined; a module's parameters exist once it is built: "
       "call build, or put it into a Sequential"},
      {"asks a batch of losses for its item", [] { of({32}).item(); },
       "ShapeError: item: the tensor has shape (32,); only a tensor of one element has an item"},
  });
}

TEST_CASE("wrong uses of gradients") {
  check({
      {"runs backward from a loss for each sample", [] { square(weight({32})).backward(); },
       "ShapeError: backward: the loss has shape (32,); it must be a scalar; take its sum or mean"},
      {"runs backward twice",
       [] {
         const Tensor loss = sum(square(weight({2})));
         loss.backward();
         loss.backward();
       },
       "StateError: backward: the graph behind sum was released by an earlier backward; pass "
       "retain_graph = true there to run it twice"},
      {"runs backward from constants", [] { sum(of({2})).backward(); },
       "StateError: backward: the loss depends on no parameter that requires gradients; make a "
       "leaf with Tensor::parameter, and run the forward pass outside the scope of any NoGrad"},
      {"runs backward under NoGrad",
       [] {
         const NoGrad scope;
         sum(square(weight({2}))).backward();
       },
       "StateError: backward: gradient recording is disabled by NoGrad; run the forward pass "
       "outside its scope"},
      {"changes a weight between forward and backward",
       [] {
         Tensor w = weight({2});
         const Tensor loss = sum(square(w));
         w.assign(Array::zeros({2}));
         loss.backward();
       },
       "StateError: backward: an input of square, a parameter of shape (2,), was written to after "
       "the forward pass; run the forward pass "
       "again"},
      {"asks a result for its gradient",
       [] {
         const Tensor y = square(weight({2}));
         sum(y).backward();
         y.grad();
       },
       "StateError: grad: this is the result of square; only leaves accumulate gradients, such as "
       "Tensor::parameter returns"},
      {"asks data for its gradient", [] { of({2}).grad(); },
       "StateError: grad: this is a constant; only leaves accumulate gradients, such as "
       "Tensor::parameter returns"},
      {"asks a frozen weight for its gradient",
       [] {
         Tensor w = weight({2});
         w.set_requires_grad(false);
         w.grad();
       },
       "StateError: grad: a parameter is frozen; call set_requires_grad(true) to accumulate "
       "gradients"},
      {"writes into a result", [] { square(weight({2})).assign(Array::zeros({2})); },
       "StateError: assign: the result of square cannot be written to; write to a leaf, or to a "
       "detached clone"},
      {"loads weights of another size",
       [] {
         weight({2, 3}).assign(Array::zeros({3, 2}));
       },
       "ShapeError: assign: a tensor of shape (2, 3) got values of shape (3, 2); they must "
       "be equal"},
      {"freezes a result", [] { square(weight({2})).set_requires_grad(false); },
       "StateError: set_requires_grad: this is the result of square; only leaves can be frozen"},
  });
}

TEST_CASE("wrong requests to the machine") {
  check({
      {"needs more memory than was allowed",
       [] {
         const Cap cap(1000);
         Array::zeros({300});
       },
       "MemoryError: a request of 1280 bytes would bring the 0 bytes in use above the cap of 1000 "
       "bytes; raise it with memory::set_cap"},
      {"wants an array of 4 PiB",
       [] {
         Array::zeros({1 << 30, 1 << 20});
       },
       "MemoryError: a request of 4503599627370496 bytes is more than any machine has"},
      {"caps memory below nothing", [] { memory::set_cap(-1); },
       "ValueError: memory::set_cap: -1 bytes; use 0 for no cap"},
      {"turns threads off with 0", [] { set_threads(0); },
       "ValueError: set_threads: 0 threads; it must be 1 to 1024"},
      {"draws below nothing", [] { Rng(1).below(0); },
       "ValueError: Rng::below: bound is 0; it must be at least 1 and at most 2^32"},
  });
}

TEST_CASE("wrong files") {
  check({
      {"mistypes a path", [] { read_npy("no/such/file.npy"); },
       "IoError: no/such/file.npy: cannot open: No such file or directory"},
      {"reads a .npz as one array", [] { read_npy(golden("stored.npz")); },
       "FormatError: npy/stored.npz: at byte 0: this is a zip file, such as .npz; NumpyArchive "
       "reads it"},
      {"opens a .npy as an archive", [] { NumpyArchive(golden("f4.npy")); },
       "FormatError: npy/f4.npy: at byte 0: this is a .npy file; read_npy reads it"},
      {"reads text as .npy", [] { read_npy(golden("listing.json")); },
       "FormatError: npy/listing.json: at byte 0: this is not a .npy file: it must begin with "
       "\\x93NUMPY"},
      {"saved ragged lists as an array of objects",
       [] { read_npy(golden("objects_must_be_refused.npy")); },
       "FormatError: npy/objects_must_be_refused.npy: at byte 20: numbers of type '|O' are not "
       "read (pickled Python objects, which may "
       "hold programs); f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8 and b1 are, behind < > = | or none"},
      {"saved words", [] { read_npy(golden("strings_must_be_refused.npy")); },
       "FormatError: npy/strings_must_be_refused.npy: at byte 20: numbers of type '<U2' are not "
       "read (text); f2 f4 f8, i1 i2 i4 i8, u1 "
       "u2 u4 u8 and b1 are, behind < > = | or none"},
      {"saved ids as floats", [] { read_npy_ids(golden("f4.npy")); },
       "FormatError: npy/f4.npy: at byte 20: numbers of type '<f4' are not ids; ids are integers"},
      {"saved a mask as floats", [] { read_npy_mask(golden("f4.npy")); },
       "FormatError: npy/f4.npy: at byte 20: numbers of type '<f4' are not a mask; masks are b1 or "
       "u1"},
      {"copied half of a file",
       [] { test_files::parse(test_files::read_bytes(golden("f4.npy")).substr(0, 140)); },
       "FormatError: memory.npy: at byte 140: shape (3, 4) of type '<f4' takes 48 bytes behind the "
       "header, the file has 12"},
      {"mistypes a member", [] { NumpyArchive(golden("stored.npz")).array("weights"); },
       "IndexError: npy/stored.npz: there is no array \"weights\"; there are 5: a, ids, keep, "
       "scalar, none"},
      {"writes into a folder that is not there",
       [] { write_npy("no/such/file.npy", Array::zeros({2})); },
       "IoError: no/such/file.npy: cannot create a file beside it: No such file or directory"},
  });
}
