// A page that shows a training while it runs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fovea/train/callback.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// What LivePage takes.
struct LivePageOptions {
  std::string title = {};  ///< above the page; empty: the name of the model
  double seconds = 5;      ///< between two updates at least; the page reloads itself as often
};

/// Keeps an HTML file up to date while a model is trained, to be opened in a browser: losses and
/// metrics by epoch, training and validation, the learning rate, the time of a step, the memory,
/// and how far the training is. The file holds all that it needs, without a script, and reads
/// nothing from elsewhere; names in it are escaped. It is replaced as a whole, so that a browser
/// never sees half of it, and stops reloading itself when the training ends, also by an exception.
///
/// It has a point for each epoch; the values of the epoch that is running stand beside them.
class LivePage : public Callback {
 public:
  /// Throws ValueError for an empty path, and unless the seconds are above 0 and finite.
  explicit LivePage(std::string path, LivePageOptions options = {});
  /// Says on the page that the training has ended, where an exception ended it.
  ~LivePage() override;
  LivePage(const LivePage&) = delete;
  LivePage& operator=(const LivePage&) = delete;

  /// Takes the numbers of epochs and batches.
  void set_params(const FitParams& params) override { params_ = params; }
  /// Writes the first page. Throws IoError, as the others do.
  void on_train_begin(Model& model) override;
  /// Takes the number of the epoch.
  void on_epoch_begin(Model& model, Index epoch) override;
  /// Takes the number of the epoch.
  void on_epoch_resumed(Model& model, Index epoch) override { on_epoch_begin(model, epoch); }
  /// Takes the time.
  void on_train_batch_begin(Model& model, Index batch) override;
  /// Writes the page where it is time.
  void on_train_batch_end(Model& model, Index batch, const Logs& logs) override;
  /// Adds the values of the epoch, and writes the page where it is time.
  void on_epoch_end(Model& model, Index epoch, const Logs& logs) override;
  /// Writes the last page.
  void on_train_end(Model& model) override;
  std::string state_name() const override { return "LivePage/" + path_; }
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;

 private:
  enum class Phase { trains, finished, broken_off };

  void add(const std::string& name, double value);
  void write(Phase phase);
  std::string page(Phase phase) const;
  std::string progress(const char* phase) const;
  std::string charts() const;

  std::string path_, title_;
  LivePageOptions options_;
  FitParams params_;
  std::map<std::string, std::vector<double>> curves_;  // by epoch; NaN where there is no value
  std::vector<double> rates_, step_times_, memory_;    // the same, of the training itself
  Logs now_;                                           // of the epoch that is running
  Index epoch_ = 0, batches_ = 0;                      // begun, and made in it
  double begin_ = 0, written_ = 0, batch_begin_ = 0, batch_seconds_ = 0;
  bool runs_ = false;
};

}}  // namespace fovea
