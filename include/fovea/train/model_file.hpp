// What a model file holds beside the weights. docs/saving.md lists it by name.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "fovea/base/real.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Texts of a user by name, such as a vocabulary, in UTF-8.
using SavedTexts = std::map<std::string, std::string, std::less<>>;

/// The options of Model::save.
struct SaveOptions {
  /// Texts that are written into the file; saved_texts reads them.
  SavedTexts texts = {};
  /// Whether load_model must be able to make the model of the file alone: then save throws
  /// ValueError, with the path, where a layer is neither of this library nor registered. Without,
  /// load_model says so.
  bool standalone = false;
};

/// The options of Model::load.
struct ModelLoadOptions {
  /// Whether the next fit goes on where the file was saved while a fit ran: in its epoch, behind
  /// its batch, with its history and the states of its callbacks. Without, the next fit is a new
  /// one.
  bool resume = true;
};

/// Returns the texts that a model was saved with. Throws FormatError and IoError.
SavedTexts saved_texts(const std::string& path);

}}  // namespace fovea
