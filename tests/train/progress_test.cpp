#include "train/progress.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "fovea/base/error.hpp"

namespace train = fovea::train;
using fovea::Index;
using Values = std::vector<train::ProgressValue>;

namespace {

// An epoch under a clock that stands still until it is set.
class Epoch {
 public:
  Epoch(bool terminal, Index steps, Index epoch = 1, Index epochs = 1)
      : progress_(out_, {.terminal = terminal,
                         .epoch = epoch,
                         .epochs = epochs,
                         .steps = steps,
                         .clock = [this] { return now_; }}) {}

  std::string update(double now, Index step, const Values& values = {}) {
    now_ = now;
    progress_.update(step, [&] { return values; });
    return taken();
  }

  std::string finish(double now, const Values& values = {}) {
    now_ = now;
    progress_.finish(values);
    return taken();
  }

  // What was written since the last call.
  std::string taken() {
    const std::string text = out_.str();
    out_.str("");
    return text;
  }

 private:
  std::ostringstream out_;
  double now_ = 100;
  train::Progress progress_;
};

// The text as a reader sees it: without colours, and without the way back to the line's begin.
std::string seen(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b')
      i = text.find('m', i);
    else if (text[i] != '\b' && text[i] != '\r')
      result += text[i];
  }
  return result;
}

std::string times(Index count, std::string_view text) {
  std::string result;
  for (Index i = 0; i < count; ++i) result += text;
  return result;
}

// The bar's text after the cells, when two steps of `steps` are done and each takes `seconds`.
std::string times_text(double seconds, Index steps = 3) {
  Epoch epoch(true, steps);
  const std::string text = seen(epoch.update(100 + 2 * seconds, 2));
  return text.substr(text.rfind("━") + std::string_view("━").size() + 1);
}

std::string number(double value) {
  Epoch epoch(false, 1);
  const std::string text = epoch.finish(101, {{"x", value}});
  return text.substr(text.find("x: ") + 3);
}

// Sets a variable of the environment, or unsets it, and puts it back.
class Variable {
 public:
  Variable(const char* name, const char* value)
      : name_(name), had_(std::getenv(name) != nullptr), old_(had_ ? std::getenv(name) : "") {
    value == nullptr ? unsetenv(name) : setenv(name, value, 1);
  }
  ~Variable() { had_ ? setenv(name_, old_.c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  bool had_;
  std::string old_;
};

// Puts another file behind a number while it lives.
class Redirect {
 public:
  Redirect(int number, int file) : number_(number), saved_(dup(number)) { dup2(file, number); }
  ~Redirect() {
    dup2(saved_, number_);
    close(saved_);
  }

 private:
  int number_;
  int saved_;
};

}  // namespace

TEST_CASE("an epoch of several names itself, a lone one does not") {
  CHECK(Epoch(true, 5, 1, 10).taken() == "Epoch 1/10\n");
  CHECK(Epoch(false, 5, 10, 10).taken() == "Epoch 10/10\n");
  CHECK(Epoch(true, 5, 1, 1).taken() == "");
}

TEST_CASE("without a terminal an epoch is one line, written at its end") {
  Epoch epoch(false, 1584, 1, 10);
  CHECK(epoch.taken() == "Epoch 1/10\n");
  CHECK(epoch.update(101, 1, {{"loss", 3}}) == "");
  CHECK(epoch.update(105, 700, {{"loss", 2}}) == "");
  CHECK(epoch.finish(
            112.3,
            {{"accuracy", 0.856}, {"loss", 0.471}, {"val_accuracy", 0.8423}, {"val_loss", 0.5}}) ==
        "1584/1584 - 12s - 8ms/step - accuracy: 0.8560 - loss: 0.4710 - val_accuracy: 0.8423 - "
        "val_loss: 0.5000\n");
}

TEST_CASE("on a terminal the bar is drawn in place, word for word, and ends with a newline") {
  Epoch epoch(true, 40, 2, 3);
  CHECK(epoch.taken() == "Epoch 2/3\n");
  CHECK(epoch.update(101, 1, {{"loss", 2.5}}) ==
        "\r\x1b[1m 1/40\x1b[0m \x1b[37m━━━━━━━━━━━━━━━━━━━━\x1b[0m \x1b[1m39s\x1b[0m 1s/step - "
        "loss: 2.5000");
  // 5 + 1 + 20 + 1 + 3 + 1 + 7 + 15 columns to go back; a step is (103 - 101) / (21 - 1) s, and 19
  // are left.
  CHECK(epoch.update(103, 21, {{"loss", 1.25}}) ==
        times(53, "\b") +
            "\r\x1b[1m21/40\x1b[0m \x1b[32m━━━━━━━━━━\x1b[0m\x1b[37m━━━━━━━━━━\x1b[0m "
            "\x1b[1m1s\x1b[0m 100ms/step - loss: 1.2500");
  CHECK(epoch.finish(104.9, {{"loss", 1}}) ==
        times(55, "\b") +
            "\r\x1b[1m40/40\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m "
            "\x1b[1m5s\x1b[0m 100ms/step - loss: 1.0000\n");
}

TEST_CASE("a shorter line is filled up with blanks over what the longer one left") {
  Epoch epoch(true, 9);
  epoch.update(101, 1, {{"größe", 1}});  // " - größe: 1.0000" is 16 columns
  const std::string text = epoch.update(102, 2);
  CHECK(text.starts_with(times(3 + 1 + 20 + 1 + 2 + 1 + 7 + 16, "\b") + "\r\x1b[1m2/9"));
  CHECK(text.ends_with(" 1s/step" + times(16, " ")));
}

TEST_CASE("the bar is redrawn every 0.05 seconds at most, but always at the end") {
  Epoch epoch(true, 10);
  CHECK(epoch.update(100, 1) != "");
  CHECK(epoch.update(100.03125, 2) == "");
  CHECK(epoch.update(100.0498, 3) == "");  // counted from the last drawing, not from the last call
  CHECK(epoch.update(100.0502, 4) != "");
  CHECK(epoch.update(100.09, 5) == "");
  CHECK(epoch.finish(100.09).ends_with("\n"));
}

TEST_CASE("the first step is left out of the time of a step, also if it was not drawn") {
  Epoch epoch(true, 10);
  epoch.update(100, 0);
  CHECK(epoch.update(100.03125, 1) == "");
  CHECK(seen(epoch.update(100.53125, 5)).ends_with(" 0s 125ms/step"));
  CHECK(seen(epoch.finish(109.03125)).ends_with(" 9s 1s/step   \n"));
  Epoch untold(true, 10);
  CHECK(seen(untold.update(104, 2)).ends_with(" 16s 2s/step"));
  CHECK(seen(Epoch(true, 1).finish(103)).ends_with(" 3s 3s/step\n"));
}

TEST_CASE("before the first step nothing is known of its time") {
  CHECK(seen(Epoch(true, 7).update(103, 0)) == "0/7 " + times(20, "━") + " 0s 0s/step");
}

TEST_CASE("the bar has a green cell for each full twentieth") {
  const auto green_cells = [](Index step, Index steps) {
    Epoch epoch(true, steps);
    const std::string text = epoch.update(101, step);
    const std::size_t begin = text.find("\x1b[32m");
    if (begin == std::string::npos) return Index(0);
    return static_cast<Index>((text.find("\x1b[0m", begin) - begin - 5) /
                              std::string_view("━").size());
  };
  CHECK(green_cells(0, 100) == 0);
  CHECK(green_cells(4, 100) == 0);
  CHECK(green_cells(5, 100) == 1);
  CHECK(green_cells(99, 100) == 19);
  CHECK(green_cells(100, 100) == 20);
  CHECK(green_cells(101, 100) == 20);
  CHECK(green_cells(1, 3) == 6);
}

TEST_CASE("the step is padded to the width of the number of steps") {
  CHECK(seen(Epoch(true, 9).update(101, 3)).starts_with("3/9 ━"));
  CHECK(seen(Epoch(true, 10).update(101, 3)).starts_with(" 3/10 ━"));
  CHECK(seen(Epoch(true, 1000).update(101, 3)).starts_with("   3/1000 ━"));
}

TEST_CASE(
    "the time that remains is in seconds up to a minute, in minutes up to an hour, then in hours") {
  CHECK(times_text(0.5) == "0s 500ms/step");
  CHECK(times_text(60) == "60s 60s/step");
  CHECK(times_text(60.5) == "1:00 60s/step");  // a half is rounded to the even number
  CHECK(times_text(61) == "1:01 61s/step");
  CHECK(times_text(3599.5) == "59:59 3600s/step");
  CHECK(times_text(3600) == "60:00 3600s/step");
  CHECK(times_text(3601) == "1:00:01 3601s/step");
  CHECK(times_text(3600, 102) == "100:00:00 3600s/step");
}

TEST_CASE(
    "the time of a step is in seconds from one second, in milliseconds from one, else in "
    "microseconds") {
  CHECK(times_text(1) == "1s 1s/step");
  CHECK(times_text(1.75) == "1s 2s/step");
  CHECK(times_text(0.9990234375) == "0s 999ms/step");
  CHECK(times_text(0.9998779296875) == "0s 1000ms/step");
  CHECK(times_text(0x1p-9) == "0s 2ms/step");     // 1.95 ms
  CHECK(times_text(0x1p-10) == "0s 977us/step");  // 976.6 us
  CHECK(times_text(0x1p-20) == "0s 1us/step");    // 0.95 us
  CHECK(times_text(0) == "0s 0s/step");
}

TEST_CASE("a number has four decimals, and an exponent if it is not above 0.001") {
  CHECK(number(0.85604) == "0.8560\n");
  CHECK(number(12345.67891) == "12345.6789\n");
  CHECK(number(0.001) == "1.0000e-03\n");
  CHECK(number(0.00101) == "0.0010\n");
  CHECK(number(1.23456e-5) == "1.2346e-05\n");
  CHECK(number(1e-120) == "1.0000e-120\n");
  CHECK(number(0) == "0.0000e+00\n");
  CHECK(number(-0.5) == "-0.5000\n");
  CHECK(number(-0.0005) == "-5.0000e-04\n");
}

TEST_CASE("numbers that are none are shown, without the sign of a NaN") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(number(nan) == "nan\n");
  CHECK(number(std::copysign(nan, -1.0)) == "nan\n");
  CHECK(number(infinity) == "inf\n");
  CHECK(number(-infinity) == "-inf\n");
}

TEST_CASE("a stream's own width and fill do not touch the text") {
  std::ostringstream out;
  out.width(30);
  out.fill('*');
  train::Progress(out, {.epoch = 1, .epochs = 2, .steps = 1});
  CHECK(out.str() == "Epoch 1/2\n");
}

TEST_CASE("an epoch without steps is refused") {
  std::ostringstream out;
  CHECK_THROWS_WITH_AS(train::Progress(out, {.epochs = 2, .steps = 0}),
                       "Progress: an epoch of 0 steps; it must have at least 1", fovea::ValueError);
  CHECK(out.str() == "");
}

TEST_CASE("the clock that nobody set does not go back") {
  const double before = train::steady_seconds();
  CHECK(train::steady_seconds() >= before);
}

TEST_CASE("a string or a file is no terminal") {
  const Variable no_color("NO_COLOR", nullptr), term("TERM", "xterm");
  const int file = open("/dev/null", O_WRONLY);
  bool found = true;
  {
    const Redirect redirect(STDOUT_FILENO, file);
    found = train::is_terminal(std::cout);
  }
  close(file);
  CHECK_FALSE(found);
  CHECK_FALSE(train::is_terminal(std::ostringstream()));
}

TEST_CASE("standard output on a terminal is one, unless NO_COLOR or TERM=dumb speak against it") {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  const bool opened = master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0;
  const int terminal = opened ? open(ptsname(master), O_RDWR | O_NOCTTY) : -1;
  if (terminal < 0) {
    MESSAGE("no pseudo terminal to be had here");
    return;
  }
  // The streams are put back before anything is checked: doctest writes to them.
  const auto found = [&](const std::ostream& out, int number, const char* no_color,
                         const char* term) {
    const Variable first("NO_COLOR", no_color), second("TERM", term);
    const Redirect redirect(number, terminal);
    return train::is_terminal(out);
  };
  std::ostringstream other;
  CHECK(found(std::cout, STDOUT_FILENO, nullptr, "xterm"));
  CHECK(found(std::cerr, STDERR_FILENO, nullptr, "xterm"));
  CHECK(found(std::cout, STDOUT_FILENO, nullptr, nullptr));
  CHECK(found(std::cout, STDOUT_FILENO, "", "xterm"));
  CHECK_FALSE(found(std::cout, STDOUT_FILENO, "1", "xterm"));
  CHECK_FALSE(found(std::cout, STDOUT_FILENO, nullptr, "dumb"));
  CHECK_FALSE(found(other, STDOUT_FILENO, nullptr, "xterm"));
  close(terminal);
  close(master);
}
