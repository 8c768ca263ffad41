// What an extraction is told, and what it tells: options, budgets, counts, reports.
#ifndef AMBERFS_EXTRACT_LEDGER_H_
#define AMBERFS_EXTRACT_LEDGER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "extract/attributes.h"
#include "extract/safe_dir.h"

namespace amberfs {

struct ExtractSummary {
  enum class End : std::uint8_t {
    kDone,     // everything was tried
    kStopped,  // ExtractOptions::stop turned true
    kBytes,    // over max_bytes
    kEntries,  // over max_entries
    kFull,     // the filesystem is full or cannot be written to
  };

  // What was made; a further name of an inode counts as a hard link only.
  std::uint64_t directories = 0;  // with those that were there
  std::uint64_t files = 0;
  std::uint64_t symlinks = 0;
  std::uint64_t specials = 0;  // devices, fifos and sockets
  std::uint64_t hard_links = 0;
  std::uint64_t devices_left_out = 0;
  std::uint64_t data_bytes = 0;  // written to files
  std::uint64_t hole_bytes = 0;  // of files, not written
  std::uint64_t errors = 0;      // reported
  End end = End::kDone;
};

struct ExtractOptions {
  AttributePolicy attributes;
  bool devices = false;                    // make device nodes
  Existing existing = Existing::kIsError;  // what has a name that the image wants
  unsigned threads = 1;                    // at least 1, the caller's own
  // Written to files, links and attributes; names looked at.
  std::uint64_t max_bytes = ~std::uint64_t{0};
  std::uint64_t max_entries = ~std::uint64_t{0};
  // Paths in the image (image/path.h), a link at the end not followed; none: all of it.
  std::vector<std::string> paths;

  // Called by any thread, but not by two at a time; may be empty. `path` is the image's, untrusted.
  std::function<void(const std::string& path, const std::string& what)> report;
  std::function<void(const ExtractSummary& so_far)> progress;
  // Ends it soon after it turned true; may be null. A signal handler may set it.
  const std::atomic<bool>* stop = nullptr;
};

// The account of one extraction. Any thread.
class Ledger {
 public:
  using Counter = std::uint64_t ExtractSummary::*;

  // Borrows the options.
  explicit Ledger(const ExtractOptions& options) : options_(options) {}

  // Whether all must end; stays so.
  bool Ended();
  // Whether so much may still be written, which is then taken from the budget; else all must end.
  bool MayWrite(std::uint64_t bytes);
  bool MayEnter();  // one more name

  // Counts, and shows how far it is.
  void Add(Counter counter, std::uint64_t number = 1);

  // One thing could not be done. A full filesystem ends it all.
  void Report(const std::string& path, const Error& error) { Report(path, {}, error); }
  // "cannot make the directory: File exists"
  void Report(const std::string& path, std::string_view cannot, const Error& error);

  ExtractSummary Summary();

 private:
  void EndWith(ExtractSummary::End end);

  const ExtractOptions& options_;
  std::atomic<ExtractSummary::End> end_ = ExtractSummary::End::kDone;
  std::mutex mutex_;  // guards what follows
  ExtractSummary summary_;
  std::uint64_t written_bytes_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_EXTRACT_LEDGER_H_
