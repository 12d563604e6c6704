// Losses and metrics in files of lines.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/train/callback.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Where a line of a log belongs.
struct LogPosition {
  static constexpr Index whole = -1;  ///< the batch of a line of a whole epoch

  Index epoch;          ///< from 0
  Index batch = whole;  ///< from 0

  /// Orders by time.
  std::strong_ordering operator<=>(const LogPosition& other) const;
  /// Returns whether both are the same line.
  bool operator==(const LogPosition&) const = default;
};

/// A file of lines, each of one epoch or batch. A line is written by one call and never held back:
/// a process that is killed leaves whole lines, or a last one without its end, which is cut off
/// when the file is continued. The file is opened for each line. Lines are brought to the disk when
/// training ends: before that a power cut may take the last ones.
///
/// The state of a training says where in the file its lines begin. A resume cuts off the lines from
/// there on that belong to the epoch and batch at which it goes on, or to later ones, so that no
/// line is there twice. It does so whether or not `append` is set.
class LogFile {
 public:
  /// `callback` is the name in messages, a literal. With `append` a new training continues the
  /// file, and writes a new one otherwise.
  LogFile(const char* callback, std::string path, bool append);

  /// Begins a new training; the old content stays until the first line. Throws IoError where the
  /// file cannot be written.
  void begin();
  /// Writes a line, in front of the first one also `header`, where the file is new. Throws IoError,
  /// ValueError where the file has another header, and StateError where a training is resumed
  /// without its file.
  void add(LogPosition position, const std::string& line, const std::string& header = {});
  /// Brings the lines to the disk. Throws IoError.
  void flush() const;
  /// Throws ValueError where a training that begins now continues a file with another header.
  void check_header(const std::string& header) const;
  /// Throws ValueError where a value has the name of one of the logger's own columns.
  void check_names(const Logs& names) const;

  /// Returns where the lines of the training begin.
  CallbackState state() const;
  /// Continues the training of a state.
  void load_state(const CallbackState& state);
  /// Returns the path.
  const std::string& path() const& { return path_; }

 private:
  void open(LogPosition position, const std::string& header);

  const char* callback_;
  std::string path_;
  bool append_, resumed_ = false, open_ = false;
  std::optional<Index> begin_;  // of the lines of this training; none before it is known
};

/// What CSVLogger takes.
struct CSVLoggerOptions {
  char separator = ',';  ///< between two columns
  bool append = false;   ///< whether a file that is there is continued
};

/// Writes a line of comma-separated values after each epoch: the epoch, from 0, and all values of
/// the logs. The first epoch decides which columns there are; a value that is missing later is
/// "NA". Keras' CSVLogger, with numbers that read back as the same bits, and names in quotes where
/// they need them. For what is left after a kill and on a resume see LogFile.
class CSVLogger : public Callback {
 public:
  /// Throws ValueError for an empty path, and for a separator that numbers or quotes are made of.
  explicit CSVLogger(std::string path, CSVLoggerOptions options = {});

  /// Throws ValueError for a value called "epoch", and where a file that is continued has other
  /// columns.
  void check_names(const Model& model, const Logs& names) const override;
  /// Begins a new training. Throws IoError where the file cannot be written.
  void on_train_begin(Model& model) override;
  /// Writes the line. Throws IoError, and ValueError for a value that is no column.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;
  /// Brings the lines to the disk. Throws IoError.
  void on_train_end(Model&) override { file_.flush(); }
  std::string state_name() const override { return "CSVLogger/" + file_.path(); }
  CallbackState state() const override { return file_.state(); }
  void load_state(const CallbackState& state) override { file_.load_state(state); }

 private:
  std::string header(const Logs& logs) const;

  LogFile file_;
  char separator_;
  std::vector<std::string> columns_;
};

/// What JsonLinesLogger takes.
struct JsonLinesLoggerOptions {
  bool append = false;  ///< whether a file that is there is continued
  /// After how many batches there is a line; 0: only after epochs. Values of a batch are those of
  /// the epoch so far.
  Index every_batches = 0;
};

/// Writes a JSON object after each epoch, {"epoch":0,"loss":0.5}, and after batches where that is
/// asked for, {"epoch":0,"batch":9,"loss":0.5}, each in a line of its own. Numbers read back as the
/// same bits; JSON has no others, so that NaN and infinity are null. For what is left after a kill
/// and on a resume see LogFile.
class JsonLinesLogger : public Callback {
 public:
  /// Throws ValueError for an empty path, and for every_batches below 0.
  explicit JsonLinesLogger(std::string path, JsonLinesLoggerOptions options = {});

  /// Throws ValueError for a value called "epoch" or "batch".
  void check_names(const Model& model, const Logs& names) const override;
  /// Begins a new training. Throws IoError where the file cannot be written.
  void on_train_begin(Model& model) override;
  /// Takes the number of the epoch.
  void on_epoch_begin(Model&, Index epoch) override { epoch_ = epoch; }
  /// Takes the number of the epoch.
  void on_epoch_resumed(Model&, Index epoch) override { epoch_ = epoch; }
  /// Writes a line where it is time for one. Throws IoError.
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override;
  /// Writes a line. Throws IoError.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;
  /// Brings the lines to the disk. Throws IoError.
  void on_train_end(Model&) override { file_.flush(); }
  std::string state_name() const override { return "JsonLinesLogger/" + file_.path(); }
  CallbackState state() const override { return file_.state(); }
  void load_state(const CallbackState& state) override { file_.load_state(state); }

 private:
  LogFile file_;
  Index every_batches_, epoch_ = 0;
};

}}  // namespace fovea
