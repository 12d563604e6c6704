// Your own table in, predictions of one of its columns out. Columns of numbers are standardised,
// columns of a few different texts are given as one position each; the rest is left out. A target
// of texts is a class, a target of many different numbers is a number. Means and deviations are
// those of the rows that are trained on. The model and what it knows of the columns are in one
// file, from which other rows are predicted:
//
//   10_your_own_csv --csv houses.csv --target price --model prices.safetensors
//   10_your_own_csv --model prices.safetensors --predict new_houses.csv
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <sstream>

#include "fovea/fovea.hpp"
#include "support/attention_picture.hpp"
#include "support/options.hpp"

using namespace fovea;

namespace {

constexpr const char* debian_weather =
    "/usr/lib/python3/dist-packages/vega_datasets/_data/seattle-weather.csv";

struct Settings {
  Index epochs = 200, threads = fovea::threads();
  std::uint64_t seed = 1;
  std::string csv = debian_weather, target = "weather", model = "table.safetensors", predict,
              picture;
};

// A column as the model sees it: a number less its mean, by its deviation; or one of some texts.
struct Column {
  std::string name;
  std::vector<std::string> texts = {};  // empty: a number
  double mean = 0, deviation = 1;

  Index width() const { return texts.empty() ? 1 : std::ssize(texts); }
  // Lines of a saved text; names and texts with an end of line were left out.
  std::string saved() const {
    std::string lines = fmt::format("{}\n{}\n{}\n", name, mean, deviation);
    for (const std::string& text : texts) lines += text + "\n";
    return lines;
  }
  static Column restored(const std::string& lines) {
    Column column;
    std::istringstream stream(lines);
    std::string mean, deviation;
    std::getline(stream, column.name);
    std::getline(stream, mean);
    std::getline(stream, deviation);
    column.mean = std::stod(mean);
    column.deviation = std::stod(deviation);
    for (std::string text; std::getline(stream, text);) column.texts.push_back(text);
    return column;
  }
};

// What to make of a column, not yet standardised; nothing where it is neither numbers nor a few
// texts.
std::optional<Column> column_of(const CsvFile& file, const std::string& name, bool target) {
  constexpr std::size_t most = 50;
  std::vector<std::string> texts = file.distinct(name);
  const bool few = texts.size() <= (target ? std::size_t(20) : most);
  try {
    static_cast<void>(file.numbers(name));
    if (!target || !few) return Column{name};
  } catch (const FormatError&) {
  }
  if (!few || name.find('\n') != std::string::npos) return std::nullopt;
  for (const std::string& text : texts)
    if (text.find('\n') != std::string::npos) return std::nullopt;
  return Column{name, std::move(texts)};
}

Array inputs(const CsvFile& file, const std::vector<Column>& columns) {
  Index width = 0;
  for (const Column& column : columns) width += column.width();
  Array x = Array::zeros(Shape{file.rows(), width});
  Index first = 0;
  for (const Column& column : columns) {
    const bool is_number = column.texts.empty();
    const Array values = is_number ? file.numbers(column.name) : Array();
    const Ids which = is_number ? Ids() : file.categories(column.name, column.texts);
    for (Index row = 0; row < file.rows(); ++row) {
      real* const cells = x.mutable_data() + row * width + first;
      if (is_number)
        *cells = static_cast<real>((values.at(row) - column.mean) / column.deviation);
      else
        cells[which.at(row)] = 1;
    }
    first += column.width();
  }
  return x;
}

// The rows that are trained on, that choose the epoch, and that only judge.
struct Parts {
  std::vector<Index> training, validation, held_out;
};

// Rows of equal inputs are never held out and trained on.
Parts parts_of(const Array& rows, std::uint64_t seed) {
  SplitPositions outer = split_by_hash(Samples(rows), 0.2, seed);
  const SplitPositions inner = train_test_split(std::ssize(outer.train), 0.2, seed);
  Parts parts{.held_out = std::move(outer.test)};
  for (const Index i : inner.train)
    parts.training.push_back(outer.train[static_cast<std::size_t>(i)]);
  for (const Index i : inner.test)
    parts.validation.push_back(outer.train[static_cast<std::size_t>(i)]);
  return parts;
}

// Takes mean and deviation of a column of numbers over some rows: what the others are like must not
// be known before they judge.
void standardise(Column& column, const CsvFile& file, const std::vector<Index>& rows) {
  if (!column.texts.empty()) return;
  const Array values = file.numbers(column.name).rows(rows);
  const auto all = values.values();
  const double count = static_cast<double>(all.size());
  column.mean = std::accumulate(all.begin(), all.end(), 0.0) / count;
  double squares = 0;
  for (const real value : all) squares += (value - column.mean) * (value - column.mean);
  if (squares > 0) column.deviation = std::sqrt(squares / count);
}

struct Table {
  std::vector<Column> columns;
  Column target;
  Parts parts;
  Array x;
  Samples y;
};

Table read(const Settings& settings) {
  if (!std::filesystem::exists(settings.csv) && settings.csv == debian_weather) {
    fmt::print(stderr,
               "{}: there is no such file; give a table of your own by --csv, or, on Debian: apt "
               "install python3-vega-datasets\n",
               debian_weather);
    throw examples::Leave{77};
  }
  const CsvFile file(settings.csv);
  std::vector<Column> columns;
  std::string left_out;
  for (const std::string& name : file.names()) {
    if (name == settings.target) continue;
    if (auto column = column_of(file, name, false))
      columns.push_back(std::move(*column));
    else
      left_out += " " + name;
  }
  std::optional<Column> target = column_of(file, settings.target, true);
  if (!target || columns.empty())
    throw Error(settings.csv +
                ": a target of numbers or of at most 20 texts is needed, and a "
                "column beside it");
  fmt::print(
      "{} rows of {} columns{}\n", file.rows(), columns.size(),
      left_out.empty() ? "" : "; left out, neither numbers nor at most 50 texts:" + left_out);
  Parts parts = parts_of(inputs(file, columns), settings.seed);
  for (Column& column : columns) standardise(column, file, parts.training);
  standardise(*target, file, parts.training);
  fmt::print("{} rows to train on, {} to validate, {} held out\n", parts.training.size(),
             parts.validation.size(), parts.held_out.size());
  Array x = inputs(file, columns);
  Samples y = target->texts.empty() ? Samples(inputs(file, {*target}))
                                    : Samples(file.categories(target->name, target->texts));
  return {std::move(columns), std::move(*target), std::move(parts), std::move(x), std::move(y)};
}

// Accuracy, or mean absolute error in the target's own unit, of predictions.
double judge(const Column& target, const Array& predicted, const Samples& actual) {
  if (!target.texts.empty()) {
    double right = 0;
    const Ids best = argmax(predicted);
    for (Index i = 0; i < actual.count(); ++i) right += best.at(i) == actual.ids().at(i);
    return right / double(actual.count());
  }
  double sum = 0;
  for (Index i = 0; i < actual.count(); ++i)
    sum += std::abs(predicted.at(i) - actual.array().at(i)) * target.deviation;
  return sum / double(actual.count());
}

// What the target of the most similar training row says of each row.
Array nearest(const Column& target, const Array& x, const Samples& y, const Array& rows) {
  const Index width = x.shape()[1];
  Array predicted = Array::zeros(Shape{rows.shape()[0], target.width()});
  for (Index row = 0; row < rows.shape()[0]; ++row) {
    Index best = 0;
    real least = std::numeric_limits<real>::infinity();
    for (Index i = 0; i < x.shape()[0]; ++i) {
      real distance = 0;
      for (Index k = 0; k < width; ++k)
        distance += std::pow(x.at(i * width + k) - rows.at(row * width + k), real(2));
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    real* const cells = predicted.mutable_data() + row * target.width();
    if (y.is_ids())
      cells[y.ids().at(best)] = 1;
    else
      *cells = y.array().at(best);
  }
  return predicted;
}

// What says the same of each row: the largest class, or the mean, which is 0 where standardised.
Array same(const Column& target, const Samples& y, Index rows) {
  Array predicted = Array::zeros(Shape{rows, target.width()});
  if (!y.is_ids()) return predicted;
  std::vector<Index> counts(target.texts.size());
  for (const std::int32_t label : y.ids().values()) ++counts[static_cast<std::size_t>(label)];
  const auto largest = std::ranges::max_element(counts) - counts.begin();
  for (Index row = 0; row < rows; ++row)
    predicted.mutable_data()[row * target.width() + largest] = 1;
  return predicted;
}

Sequential network(const Column& target) {
  if (target.texts.empty())
    return Sequential{Dense{32, Activation::relu}, Dense{16, Activation::relu}, Dense{1}};
  return Sequential{Dense{32, Activation::relu}, Dense{16, Activation::relu},
                    Dense{target.width(), Activation::softmax}};
}

void train(const Settings& settings) {
  const Table table = read(settings);
  const bool classes = !table.target.texts.empty();
  const auto& [training, validation, held_out] = table.parts;
  const Array x = table.x.rows(training), judged = table.x.rows(held_out);
  const Samples y = table.y.rows(training), actual = table.y.rows(held_out);

  Sequential model = network(table.target);
  CompileOptions options{.optimizer = Adam{{.learning_rate = 0.005}}, .seed = settings.seed};
  if (classes) {
    options.loss = SparseCategoricalCrossentropy{};
    options.metrics = {Accuracy{}};
  } else {
    options.loss = MeanSquaredError{};
  }
  model.compile(options);
  EarlyStopping stop({.monitor = "val_loss", .patience = 15, .restore_best_weights = true});
  const History history =
      model.fit(x, y,
                {.epochs = settings.epochs,
                 .validation_data = Validation{table.x.rows(validation), table.y.rows(validation)},
                 .callbacks = {&stop},
                 .verbose = 2});
  SavedTexts texts = {{"target", table.target.saved()}};
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    texts[fmt::format("column {:06}", i)] = table.columns[i].saved();
  model.save(settings.model, {.texts = texts, .standalone = true});
  if (!settings.picture.empty())
    examples::write_text(settings.picture, plot_svg({{"training", history["loss"]},
                                                     {"validation", history["val_loss"]}},
                                                    {.title = "Loss", .x_label = "epoch"}));
  fmt::print("saved: {}\n", settings.model);
  fmt::print(
      "result: {} of {} on rows it has not seen: {:.3f}; the most similar row {:.3f}, the "
      "same for all {:.3f}\n",
      classes ? "accuracy" : "mean absolute error", table.target.name,
      judge(table.target, model.predict(judged), actual),
      judge(table.target, nearest(table.target, x, y, judged), actual),
      judge(table.target, same(table.target, y, judged.shape()[0]), actual));
}

void predict(const Settings& settings) {
  const SavedTexts texts = saved_texts(settings.model);
  if (!texts.contains("target"))
    throw Error(settings.model + " was not written by this program: it has no target");
  const Column target = Column::restored(texts.at("target"));
  std::vector<Column> columns;
  for (const auto& [name, text] : texts)
    if (name.starts_with("column ")) columns.push_back(Column::restored(text));
  const CsvFile file(settings.predict);
  const Array predicted = load_model(settings.model).predict(inputs(file, columns));
  fmt::print("{}{}\n", target.name, target.texts.empty() ? "" : ",probability");
  for (Index row = 0; row < file.rows(); ++row) {
    const auto values = predicted.values().subspan(static_cast<std::size_t>(row * target.width()),
                                                   static_cast<std::size_t>(target.width()));
    const auto best = std::ranges::max_element(values);
    if (target.texts.empty())
      fmt::print("{}\n", values.front() * target.deviation + target.mean);
    else
      fmt::print("{},{:.4f}\n", target.texts[static_cast<std::size_t>(best - values.begin())],
                 *best);
  }
}

void program(int argc, char** argv) {
  Settings settings;
  examples::Options("10_your_own_csv", "Learns to predict a column of a table from the others.")
      .text("--csv", settings.csv, "a table with a line of names")
      .text("--target", settings.target, "the name of the column to predict")
      .text("--model", settings.model, "file of the model and what it knows of the columns")
      .text("--predict", settings.predict, "a table whose rows are predicted by the model's file")
      .text("--picture", settings.picture, "file (.svg) of the learning curve")
      .integer("--epochs", settings.epochs, 1, 100'000, "epochs at most")
      .integer("--threads", settings.threads, 1, 1024, "threads; the result is the same")
      .seed("--seed", settings.seed, "seed of the split, the first weights and shuffling")
      .parse(argc, argv);
  set_threads(settings.threads);
  settings.predict.empty() ? train(settings) : predict(settings);
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run([&] { program(argc, argv); });
}
