// LivePage: what its file says while a model is trained and after, and that it holds no foreign
// code.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <limits>
#include <memory>

#include "io/files.hpp"
#include "support/refusal.hpp"
#include "support/text.hpp"
#include "train/toy.hpp"

using namespace fovea;
using support::contains;
using support::count;
using support::refusal;
using test_files::Folder;
using test_files::read_bytes;

namespace {

// The page after epochs with these values; seconds of 1e-9: written each time.
std::string page_of(const Folder& folder, const std::vector<Logs>& epochs) {
  LivePage page(folder / "page.html", {.seconds = 1e-9});
  Sequential model = toy::model();
  page.on_train_begin(model);
  for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    page.on_epoch_begin(model, static_cast<Index>(epoch));
    page.on_epoch_end(model, static_cast<Index>(epoch), epochs[epoch]);
  }
  return read_bytes(folder / "page.html");
}

struct Bang {};

}  // namespace

TEST_CASE("the page reloads itself while the model is trained, and stops in the end") {
  const Folder folder;
  std::vector<std::string> pages;
  LivePage page(folder / "page.html", {.title = "words", .seconds = 1e-9});
  LambdaCallback look({.on_train_batch_end = [&](Model&, Index, const Logs&) {
    pages.push_back(read_bytes(folder / "page.html"));
  }});
  FitOptions options = toy::quiet(2, 4);
  options.validation_data = Validation{toy::data(6, 3).x, toy::data(6, 3).y};
  options.callbacks = {&page, &look};
  Sequential model = toy::model();
  model.fit(toy::data(10).x, toy::data(10).y, options);
  REQUIRE(pages.size() == 6);
  for (const std::string& each : pages) {
    CHECK(each.starts_with("<!DOCTYPE html>"));
    CHECK(each.ends_with("</html>\n"));
    CHECK(contains(each, "http-equiv=\"refresh\" content=\"1\""));
    CHECK(contains(each, "<h1>words</h1>"));
  }
  CHECK(contains(pages[1], "Training: epoch 1 of 2, batch 2 of 3"));
  CHECK(contains(pages[1], "<progress value=\"0.6667\" max=\"2\">"));
  CHECK(contains(pages[1], "Curves begin with the end of the first epoch."));
  CHECK(contains(pages[3], "Training: epoch 2 of 2, batch 1 of 3"));
  CHECK(contains(pages[3], "<dt>loss, this epoch</dt>"));
  const std::string last = read_bytes(folder / "page.html");
  CHECK(!contains(last, "refresh"));
  CHECK(contains(last, "Finished: epoch 2 of 2, batch 3 of 3"));
  CHECK(count(last, "<section>") == 5);
  CHECK(count(last, "validation ") == 2);
  for (const char* name :
       {"loss", "accuracy", "learning rate", "time of a step, ms", "memory of the process, MiB"})
    CHECK_MESSAGE(contains(last, std::string("<h2>") + name + "</h2>"), name);
  CHECK(last.find("<h2>loss") < last.find("<h2>accuracy"));
  CHECK(folder.names() == std::vector<std::string>{"page.html"});
}

TEST_CASE("the page needs nothing from elsewhere, and names in it are text") {
  const Folder folder;
  const std::string page =
      page_of(folder, {{{"<script>alert(1)</script>", 1}, {"a\"b'&<img src=x>", 2}}});
  CHECK(count(page, "<script") == 0);
  CHECK(count(page, "<img") == 0);
  CHECK(contains(page, "<h2>&lt;script&gt;alert(1)&lt;/script&gt;</h2>"));
  for (const char* outside : {"http://", "https://", "src=", "href=", "url(", "@import"})
    CHECK_MESSAGE(count(page, outside) == (std::string(outside) == "src=" ? 2 : 0), outside);
  CHECK(contains(page, "default-src 'none'"));
}

TEST_CASE("a value that comes late stands at its epoch, and one that is not finite is a gap") {
  const Folder folder;
  const double nan_value = std::numeric_limits<double>::quiet_NaN();
  const std::string page = page_of(
      folder, {{{"loss", 1}}, {{"loss", nan_value}, {"late", 5}}, {{"loss", 3}, {"late", 7}}});
  const std::string loss = page.substr(page.find("<h2>loss")),
                    late = page.substr(page.find("<h2>late"));
  // Of the points at x = 76, 252 and 428, the first and the last: nothing joins them.
  CHECK(contains(loss.substr(0, loss.find("</section>")), "d=\"M76.0 178.0M428.0 18.0\""));
  CHECK(contains(late.substr(0, late.find("</section>")), "d=\"M252.0 178.0L428.0 18.0\""));
  CHECK(contains(page, "training 3<"));
}

TEST_CASE("a chart of 100,000 epochs is small, and has its highest point") {
  const Folder folder;
  LivePage page(folder / "page.html");
  Sequential model = toy::model();
  page.on_train_begin(model);
  for (Index epoch = 0; epoch < 100000; ++epoch)
    page.on_epoch_end(model, epoch,
                      {{"loss", epoch == 77777 ? 9 : 0.001 * static_cast<double>(epoch % 7)}});
  page.on_train_end(model);
  const std::string text = read_bytes(folder / "page.html");
  CHECK(text.size() < 100000);
  CHECK(contains(text, " 18.0L"));
}

TEST_CASE("the page is written at most every so many seconds") {
  const Folder folder;
  LivePage page(folder / "page.html", {.seconds = 3600});
  Sequential model = toy::model();
  page.on_train_begin(model);
  const std::string first = read_bytes(folder / "page.html");
  page.on_epoch_begin(model, 0);
  for (Index batch = 0; batch < 5; ++batch) page.on_train_batch_end(model, batch, {{"loss", 1}});
  page.on_epoch_end(model, 0, {{"loss", 1}});
  CHECK(read_bytes(folder / "page.html") == first);
  page.on_train_end(model);
  CHECK(contains(read_bytes(folder / "page.html"), "<h2>loss</h2>"));
}

TEST_CASE("the page of a training that an exception ended says so, and reloads no more") {
  const Folder folder;
  Sequential model = toy::model();
  auto page = std::make_unique<LivePage>(folder / "page.html", LivePageOptions{.seconds = 1e-9});
  LambdaCallback bang({.on_epoch_end = [](Model&, Index, const Logs&) { throw Bang(); }});
  FitOptions options = toy::quiet(2, 4);
  options.callbacks = {page.get(), &bang};
  CHECK_THROWS_AS(model.fit(toy::data(10).x, toy::data(10).y, options), Bang);
  page.reset();
  CHECK(contains(read_bytes(folder / "page.html"), "Broken off: epoch 1 of 2"));
  CHECK(!contains(read_bytes(folder / "page.html"), "refresh"));
}

TEST_CASE("a page that goes on from its state has all epochs") {
  const Folder folder;
  Sequential model = toy::model();
  LivePage before(folder / "before.html"), after(folder / "after.html");
  before.on_train_begin(model);
  before.on_epoch_end(model, 0, {{"loss", 0.1}});
  before.on_epoch_end(model, 1, {{"loss", 0.2}, {"val_a/0", 5}});
  after.on_train_begin(model);
  after.load_state(before.state());
  CHECK(after.state().numbers.size() == before.state().numbers.size());
  after.on_epoch_end(model, 2, {{"loss", 0.3}});
  after.on_train_end(model);
  before.on_train_end(model);
  const std::string text = read_bytes(folder / "after.html");
  CHECK(contains(text, "d=\"M76.0 178.0L252.0 98.0L428.0 18.0\""));
  CHECK(contains(text, "<h2>val_a/0</h2>"));
}

TEST_CASE("LivePage says what is wrong with its options and its file") {
  const Folder folder;
  CHECK(refusal<ValueError>([] { LivePage(""); }) == "LivePage: the path is empty");
  CHECK(refusal<ValueError>([] { LivePage("x", {.seconds = 0}); }) ==
        "LivePage: seconds is 0; it must be above 0 and finite");
  Sequential model = toy::model();
  LivePage page(folder / "none/page.html");
  CHECK(refusal<IoError>([&] {
          page.on_train_begin(model);
        }).starts_with(folder / "none/page.html" + ": cannot create a file beside it"));
}
