// What a user of Keras or PyTorch would write about files of models, and what is said.
#include "errors/wrong_programs.hpp"

using namespace wrong_programs;

namespace {

std::string golden(const std::string& name) { return std::string(FOVEA_GOLDEN_DIR) + "/" + name; }

// A fit with one callback.
void fit(Callback&& callback) {
  Sequential model = classifier();
  model.fit(ids(), labels(), {.callbacks = {&callback}, .verbose = 0});
}

}  // namespace

TEST_CASE("a wrong file, or a save at the wrong time, is named with what to do") {
  check({
      {"saves a model before it is built", [] { classifier().save("m.safetensors"); },
       "StateError: sequential: save: it is not built; call fit, or build with the shape of a "
       "sample"},
      {"saves weights before they exist", [] { classifier().save_weights("m.safetensors"); },
       "StateError: save_weights: the parameter \"embedding/embeddings\" does not exist yet; build "
       "the module first"},
      {"loads weights before they exist",
       [] { classifier().load_weights(golden("safetensors/bf16.safetensors")); },
       "StateError: load_weights: the parameter \"embedding/embeddings\" does not exist yet; build "
       "the module first"},
      {"gives no name", [] { trained().save(""); },
       "ValueError: write_safetensors: the path is empty"},
      {"registers a type under a name of the library",
       [] {
         register_module<DropMask>(
             "Dense", [](const DropMask&) { return ModuleOptions(); },
             [](const ModuleOptions&) { return DropMask(); });
       },
       "ValueError: register_module: the name \"Dense\" is a type of this library; choose another "
       "one"},
  });
}

TEST_CASE("callbacks that save name what is wrong before training begins") {
  check({
      {"names a value of validation that there is none of",
       [] { fit(ModelCheckpoint({.filepath = "m-{val_loss:.2f}.safetensors"})); },
       "ValueError: sequential: fit: ModelCheckpoint: the filepath "
       "\"m-{val_loss:.2f}.safetensors\" "
       "cannot be filled in: argument not found; its names are: epoch, batch, accuracy, loss; "
       "write {epoch:02d} or {loss:.2f}"},
      {"watches what there is none of",
       [] { fit(ModelCheckpoint({.filepath = "m", .monitor = "score", .save_best_only = true})); },
       "ValueError: sequential: fit: ModelCheckpoint: there is no \"score\" to watch; there are: "
       "accuracy, loss"},
      {"keeps less than no file", [] { ModelCheckpoint({.filepath = "m", .keep_last = -1}); },
       "ValueError: ModelCheckpoint: keep_last is -1; it must be at least 0"},
      {"keeps no backup", [] { BackupAndRestore({.backup_dir = "b", .keep = 0}); },
       "ValueError: BackupAndRestore: keep is 0; it must be at least 1"},
      {"gives no folder for backups", [] { BackupAndRestore({}); },
       "ValueError: BackupAndRestore: there is no backup_dir; give a folder"},
  });
}
