#include "fovea/viz/live_page.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>

#include "fovea/base/error.hpp"
#include "fovea/io/text_file.hpp"
#include "fovea/train/model.hpp"
#include "io/path.hpp"
#include "viz/chart.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

// Two colours that the colour-blind tell apart (Okabe and Ito, "Color universal design", 2008), in
// the lighter pair on a dark ground; validation is dashed as well.
constexpr const char* styles = R"(
:root { color-scheme: light dark; --ground: #fff; --card: #f6f7f8; --text: #1b1f24;
  --faint: #57606a; --grid: #dde1e5; --train: #0072b2; --val: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1e2328; --text: #e6e9ec;
  --faint: #a3adb7; --grid: #363d44; --train: #56b4e9; --val: #e69f00; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1280px; padding: 16px; background: var(--ground);
  color: var(--text); font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 15px; margin: 0; }
p { margin: 4px 0; } .faint, .none { color: var(--faint); }
progress { width: 100%; height: 12px; accent-color: var(--train); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 8px;
  margin: 12px 0; }
dl div, section { background: var(--card); border-radius: 8px; padding: 10px 12px; }
dt { color: var(--faint); font-size: 13px; } dd { margin: 0; font-size: 17px; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr));
  gap: 12px; }
svg { display: block; width: 100%; } svg text { fill: var(--faint); font-size: 13px; }
.grid { stroke: var(--grid); } .axis { stroke: var(--faint); }
.train path, .val path { fill: none; stroke-width: 2; }
.train path { stroke: var(--train); } .val path { stroke: var(--val); stroke-dasharray: 6 4; }
.train circle { fill: var(--train); } .val circle { fill: var(--val); }
.key { font-size: 13px; color: var(--faint); }
.key span { margin-right: 14px; white-space: nowrap; }
.key svg { display: inline-block; width: 28px; height: 8px; margin-right: 5px; }
)";

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string date_now() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string duration(double seconds) {
  const auto s = static_cast<Index>(seconds);
  return s < 60     ? fmt::format("{} s", s)
         : s < 3600 ? fmt::format("{} min {:02} s", s / 60, s % 60)
                    : fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

// The memory of the process that is in use, in MiB.
double resident_memory() {
  std::ifstream file("/proc/self/statm");
  std::string size, resident;
  file >> size >> resident;
  double pages = 0;
  for (const char c : resident) pages = pages * 10 + (c - '0');
  return resident.empty() ? no_value
                          : pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 0x1p20;
}

std::string number(double value) {
  return std::isnan(value) ? "nan" : fmt::format("{:.4g}", value);
}

std::string tile(std::string_view name, std::string_view value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", viz::escaped(name),
                     viz::escaped(value));
}

std::string key(const char* style, std::string_view name, double value) {
  return fmt::format(
      "<span><svg viewBox=\"0 0 28 8\" aria-hidden=\"true\"><g class=\"{}\"><path d=\"M0 "
      "4H28\"/></g></svg>{} {}</span>",
      style, name, number(value));
}

std::string section(std::string_view title, const std::string& keys, const std::string& chart) {
  return fmt::format("<section><h2>{}</h2>\n<p class=\"key\">{}</p>\n{}</section>\n",
                     viz::escaped(title), keys, chart);
}

// A chart of one curve, of the training itself.
std::string section(std::string_view title, const std::vector<double>& values) {
  return section(title, values.empty() ? "" : key("train", "last", values.back()),
                 viz::small_chart({{values, "train"}}));
}

}  // namespace

LivePage::LivePage(std::string path, LivePageOptions options)
    : path_(std::move(path)), options_(std::move(options)) {
  io::checked_path("LivePage", path_);
  if (!(options_.seconds > 0 && std::isfinite(options_.seconds)))
    throw ValueError(
        fmt::format("LivePage: seconds is {}; it must be above 0 and finite", options_.seconds));
}

LivePage::~LivePage() {
  if (!runs_) return;
  try {
    write(Phase::broken_off);
  } catch (...) {  // there is no caller to tell
    runs_ = false;
  }
}

void LivePage::on_train_begin(Model& model) {
  title_ = options_.title.empty() ? model.name() : options_.title;
  curves_.clear();
  rates_.clear();
  step_times_.clear();
  memory_.clear();
  now_ = Logs();
  epoch_ = batches_ = 0;
  batch_seconds_ = 0;
  begin_ = seconds_now();
  runs_ = true;
  write(Phase::trains);
}

void LivePage::on_epoch_begin(Model&, Index epoch) {
  epoch_ = epoch;
  batches_ = 0;
  batch_seconds_ = 0;
  now_ = Logs();
}

void LivePage::on_train_batch_begin(Model&, Index) { batch_begin_ = seconds_now(); }

void LivePage::on_train_batch_end(Model&, Index batch, const Logs& logs) {
  const double now = seconds_now();
  batch_seconds_ += now - batch_begin_;
  batches_ = batch + 1;
  if (now - written_ < options_.seconds) return;
  now_ = logs;
  write(Phase::trains);
}

void LivePage::add(const std::string& name, double value) {
  std::vector<double>& curve = curves_[name];
  curve.resize(rates_.size(), no_value);
  curve.push_back(value);
}

void LivePage::on_epoch_end(Model& model, Index, const Logs& logs) {
  for (const auto& [name, value] : logs) add(name, value);
  now_ = logs;
  rates_.push_back(model.optimizer().learning_rate());
  step_times_.push_back(batches_ > 0 ? 1e3 * batch_seconds_ / static_cast<double>(batches_)
                                     : no_value);
  memory_.push_back(resident_memory());
  if (seconds_now() - written_ >= options_.seconds) write(Phase::trains);
}

void LivePage::on_train_end(Model&) {
  runs_ = false;
  write(Phase::finished);
}

void LivePage::write(Phase phase) {
  write_text(path_, page(phase));
  written_ = seconds_now();
}

std::string LivePage::page(Phase phase) const {
  const bool trains = phase == Phase::trains;
  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>{}</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n{}<style>{}</style></head><body>\n<h1>{}</h1>\n",
      viz::escaped(title_),
      trains ? fmt::format("<meta http-equiv=\"refresh\" content=\"{:.0f}\">\n",
                           std::max(1.0, options_.seconds))
             : "",
      styles, viz::escaped(title_));
  text += progress(trains ? "Training" : phase == Phase::finished ? "Finished" : "Broken off");
  text += "<dl>\n" + tile("time", duration(seconds_now() - begin_));
  for (const auto& [name, value] : now_) text += tile(name + ", this epoch", number(value));
  return text + "</dl>\n<main>\n" + charts() + "</main>\n</body></html>\n";
}

std::string LivePage::progress(const char* phase) const {
  const Index epochs = params_.epochs, steps = params_.steps;
  std::string text = fmt::format(
      "<p>{}: epoch {}{}, batch {}{} <span class=\"faint\">(last update {})</span></p>\n", phase,
      epoch_ + 1, epochs > 0 ? fmt::format(" of {}", epochs) : "", batches_,
      steps > 0 ? fmt::format(" of {}", steps) : "", date_now());
  const double done = static_cast<double>(epoch_) +
                      (steps > 0 ? static_cast<double>(batches_) / static_cast<double>(steps) : 0);
  if (epochs > 0)
    text += fmt::format("<progress value=\"{:.4f}\" max=\"{}\"></progress>\n", done, epochs);
  return text;
}

std::string LivePage::charts() const {
  if (rates_.empty())
    return "<p class=\"none\">Curves begin with the end of the first epoch.</p>\n";
  std::vector<std::string> names = {"loss"};  // the loss comes first
  for (const auto& entry : curves_)
    if (entry.first != "loss") names.push_back(entry.first);
  const std::vector<double> none;
  std::string text;
  for (const std::string& name : names) {
    if (!curves_.contains(name)) continue;
    if (name.starts_with("val_") && curves_.contains(name.substr(4))) continue;
    const std::vector<double>& trained = curves_.at(name);
    const auto found = curves_.find("val_" + name);
    const std::vector<double>& validated = found == curves_.end() ? none : found->second;
    text += section(name,
                    key("train", "training", trained.back()) +
                        (validated.empty() ? "" : key("val", "validation", validated.back())),
                    viz::small_chart({{trained, "train"}, {validated, "val"}}));
  }
  return text + section("learning rate", rates_) + section("time of a step, ms", step_times_) +
         section("memory of the process, MiB", memory_);
}

CallbackState LivePage::state() const {
  CallbackState state;
  const auto save = [&](const std::string& name, const std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      state.numbers[fmt::format("{}/{}", name, i)] = values[i];
  };
  for (const auto& [name, values] : curves_) save("curve/" + name, values);
  save("rate", rates_);
  save("step_time", step_times_);
  save("memory", memory_);
  return state;
}

void LivePage::load_state(const CallbackState& state) {
  const auto load = [&](const std::string& name) {
    std::vector<double> values;
    while (true) {
      const auto found = state.numbers.find(fmt::format("{}/{}", name, values.size()));
      if (found == state.numbers.end()) return values;
      values.push_back(found->second);
    }
  };
  rates_ = load("rate");
  step_times_ = load("step_time");
  memory_ = load("memory");
  curves_.clear();
  for (const auto& entry : state.numbers)
    if (const std::string& name = entry.first; name.starts_with("curve/") && name.ends_with("/0"))
      curves_[name.substr(6, name.size() - 8)] = load(name.substr(0, name.size() - 2));
}

}}  // namespace fovea
