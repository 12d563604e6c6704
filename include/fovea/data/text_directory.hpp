// Texts in folders, one folder for each class.
#pragma once

#include <string>
#include <vector>

#include "fovea/array/ids.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

/// Options of text_dataset_from_directory.
struct TextDirectoryOptions {
  /// The folders that are classes, in the order of their labels; empty: all, by their bytes.
  std::vector<std::string> class_names = {};
  /// The ending of the files that are read; others are left out.
  std::string ending = ".txt";
  /// The largest file in bytes.
  Index largest_file = Index(64) << 20;
};

/// Texts with a label each.
struct TextDataset {
  std::vector<std::string> texts;        ///< the bytes of each file
  Ids labels;                            ///< (texts): the positions of their classes
  std::vector<std::string> class_names;  ///< the names of the folders
  std::vector<std::string> paths;        ///< of each file
};

/// Reads the files of a folder for each class, and of the folders inside:
/// `directory/class/any.txt`. Keras' text_dataset_from_directory; the texts are in the order of
/// their classes and paths, which is the same everywhere. Hidden files and folders (".x") and links
/// to folders are left out.
///
/// Throws ValueError without a class, for a class without a text, and for a file that is too large;
/// IoError for what cannot be read.
TextDataset text_dataset_from_directory(const std::string& directory,
                                        const TextDirectoryOptions& options = {});

}}  // namespace fovea
