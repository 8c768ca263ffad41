// A file that a command writes: whole under its name, or not at all.
#ifndef AMBERFS_AMBER_OUTPUT_FILE_H_
#define AMBERFS_AMBER_OUTPUT_FILE_H_

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

#include "base/error.h"
#include "base/fd.h"
#include "mkfs/image_file.h"

namespace amberfs {

class OutputFile {
 public:
  // A new file of `bytes` zeros, which takes the place of `path` when it is finished.
  static std::expected<OutputFile, std::string> Create(const std::string& path,
                                                       std::uint64_t bytes);

  // `bytes` zeros behind the file `path`, which must be `size` bytes long, regular and ours to
  // write. If it is not finished, the file gets its old size back; a crash may leave what was
  // written, which is behind all that the file's readers look at.
  static std::expected<OutputFile, std::string> Extend(const std::string& path, std::uint64_t size,
                                                       std::uint64_t bytes);
  OutputFile(OutputFile&&) = default;
  ~OutputFile();

  // Fills bytes that are there already; `offset` counts from the start of the file or of what was
  // put behind it. Any thread.
  Result<void> Write(std::uint64_t offset, ByteView bytes);
  // Adds some at the end.
  Result<void> Append(ByteView bytes);

  // Everything on stable storage and in place.
  std::expected<void, std::string> Finish();

  // A sentence about what failed last.
  std::string failure() const { return state_->failure; }

 private:
  // The end of a file that was there.
  struct Extension {
    UniqueFd fd;
    std::uint64_t start;
    std::uint64_t end;
  };
  struct State {
    std::string path;
    std::mutex mutex;  // guards all below
    std::string failure;
    std::variant<std::monostate, ImageFile, Extension> file;  // the first once it is finished
  };

  explicit OutputFile(const std::string& path) : state_(std::make_unique<State>()) {
    state_->path = path;
  }
  Result<void> Failed(std::string why);

  std::unique_ptr<State> state_;
};

}  // namespace amberfs

#endif  // AMBERFS_AMBER_OUTPUT_FILE_H_
