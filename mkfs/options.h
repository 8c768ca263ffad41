// What an image build is asked for, and what it says on the way and at the end.
#ifndef AMBERFS_MKFS_OPTIONS_H_
#define AMBERFS_MKFS_OPTIONS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace amberfs {

using Uuid = std::array<std::byte, 16>;  // in the byte order of its text form

struct Progress {
  std::uint64_t files_done = 0;
  std::uint64_t files_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // of regular files, as the scan saw them
};

enum class InodeForm : std::uint8_t {
  kSmallest,  // compact where nothing is lost
  kCompact,   // always compact: times become the epoch, large numbers are an error
  kExtended,
};

enum class MtimeRule : std::uint8_t {
  kKeep,   // each file keeps its own
  kFixed,  // all get `epoch`
  kClamp,  // newer ones get `epoch`
};

struct BuildOptions {
  unsigned block_bits = 12;  // log2 of the block size in bytes, 9 .. 16
  std::string label;         // at most 15 bytes

  enum class UuidRule : std::uint8_t { kFromContent, kRandom, kFixed };
  UuidRule uuid_rule = UuidRule::kFromContent;
  Uuid uuid{};  // for kFixed; all zero means none

  // Seconds since 1970. Without it the most common file time is the image's epoch. kFixed and
  // kClamp need it, except that kFixed without it takes the most common time.
  std::optional<std::int64_t> epoch;
  MtimeRule mtime_rule = MtimeRule::kKeep;

  std::optional<std::uint32_t> force_uid;
  std::optional<std::uint32_t> force_gid;
  std::uint32_t uid_offset = 0;  // added after force_uid
  std::uint32_t gid_offset = 0;

  std::vector<std::string> exclude_paths;    // relative to the source; everything below goes too
  std::vector<std::string> exclude_regexes;  // POSIX extended, on the path relative to the source

  bool xattrs = true;
  // An attribute (name and value) of more inodes than this is stored once for all of them.
  std::uint32_t xattr_share_threshold = 2;

  bool hard_dereference = false;  // each name of a file becomes a file of its own
  bool ignore_vanished = false;   // leave out, with a warning, what disappears during the build
  bool inline_tails = true;       // of regular files; directories and symlinks always try
  InodeForm inode_form = InodeForm::kSmallest;

  // May be null. Polled at every file and every MiB; once true the build fails as interrupted.
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::string_view)> warn;        // one line, without "warning:"
  std::function<void(const Progress&)> on_progress;  // called often: the callee limits the rate
};

struct BuildSummary {
  std::uint64_t image_bytes = 0;
  std::uint64_t blocks = 0;
  std::uint32_t block_size = 0;  // bytes
  std::uint64_t inodes = 0;
  std::uint64_t directories = 0;
  std::uint64_t files = 0;  // regular; a file of several names counts once
  std::uint64_t symlinks = 0;
  std::uint64_t specials = 0;      // devices, fifos, sockets
  std::uint64_t hard_links = 0;    // names beyond each file's first
  std::uint64_t data_bytes = 0;    // sum of the regular files' sizes
  std::uint64_t hole_bytes = 0;    // of these, zeros that need no block
  std::uint64_t inline_bytes = 0;  // of these, stored beside the inode
  std::uint64_t shared_xattrs = 0;
  std::uint64_t vanished = 0;  // entries left out because they disappeared
  Uuid uuid{};
  double elapsed_ms = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_OPTIONS_H_
