// mkfs as a function: a directory or an archive becomes an image.
//
// Build() runs these passes, each a file of this folder; what a pass decides no later one changes:
//
//   directory_source  the host's tree -> Tree: names sorted, hard links found, nothing followed
//   archive_source    or the members of archives (layer_tree), which an OCI image may consist of
//                     (oci_layout); their contents are put aside
//   attributes        owners, times, inode forms, and which xattrs are shared
//   data_packer       file contents -> data blocks, holes left out, or compressed
//                     (compressed_packer); short tails put aside
//   layout            a place for every directory block, inode and shared xattr; no I/O
//   metadata_writer   directories, links, inodes, tails and xattrs, in ascending order
//   build             the superblock last, then fsync and the final name
//
// The image depends on the source tree and the options alone: not on the order in which directories
// are listed, on inode numbers, on the host, the time, or the run.
#ifndef AMBERFS_MKFS_BUILD_H_
#define AMBERFS_MKFS_BUILD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mkfs/build_error.h"
#include "mkfs/compression.h"

namespace amberfs {

class ImageWatcher;

enum class InodeForm : std::uint8_t {
  kSmallest,  // compact where everything fits
  kCompact,   // always compact: one modification time for all; fails if something else does not fit
  kExtended,
};

enum class UuidChoice : std::uint8_t { kFromContent, kZero, kRandom, kGiven };

// What becomes of ".wh.NAME" and ".wh..wh..opq" in an archive, with which a layer says what it
// takes out of those below.
enum class Whiteouts : std::uint8_t {
  kAsTheyAre,  // files of these names
  kTrusted,    // overlayfs's whiteouts, and trusted.overlay.opaque
  kUser,       // user.overlay.opaque instead, for mounts in a user namespace
  kBoth,
  kApplied,  // they take out what earlier layers have put; of the first nothing is left
};

struct Progress {
  std::string_view phase;
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
};

struct BuildOptions {
  unsigned block_bits = 12;  // log2 of the block size, 9 .. 16
  std::string volume_name;   // at most 15 bytes, so that a NUL follows
  UuidChoice uuid_choice = UuidChoice::kFromContent;
  std::array<std::byte, 16> uuid{};  // for kGiven

  std::optional<std::int64_t> timestamp;  // the epoch, and every time unless preserve_mtime
  std::optional<std::int64_t> latest;     // later times become this one; also the epoch
  bool preserve_mtime = false;
  bool ignore_mtime = false;  // every time is the epoch; 0 if nothing else sets it

  std::optional<std::uint32_t> force_uid;
  std::optional<std::uint32_t> force_gid;
  std::int64_t uid_offset = 0;  // added to the source's ids
  std::int64_t gid_offset = 0;

  std::vector<std::string> exclude_paths;    // relative to the source's top
  std::vector<std::string> exclude_regexes;  // POSIX extended, searched for in such paths
  // Attributes carried by more inodes than this are stored once; nothing: no attributes at all.
  std::optional<std::uint32_t> xattr_tolerance = 2;
  bool file_digests = false;      // gives each file its fs-verity digest; needs xattr_tolerance
  bool hard_dereference = false;  // a hard link becomes a file of its own
  bool ignore_vanished = false;   // leave out what is gone by the time it is read
  bool inline_data = true;        // short tails of regular files go behind their inodes
  InodeForm inode_form = InodeForm::kSmallest;
  Whiteouts whiteouts = Whiteouts::kAsTheyAre;
  std::optional<Compression> compression;  // of regular files; needs blocks of at most 16 KiB

  ImageWatcher* watcher = nullptr;                // borrowed; see mkfs/image_file.h
  const std::atomic<bool>* stop = nullptr;        // ends the build when it becomes true
  std::function<void(const std::string&)> warn;   // one line each
  std::function<void(const Progress&)> progress;  // a few times per second of work
};

struct BuildSummary {
  std::uint64_t image_bytes = 0;
  std::uint64_t source_bytes = 0;  // sizes of regular files, each inode once
  std::uint64_t data_bytes = 0;    // in data blocks of regular files
  std::uint64_t inline_bytes = 0;  // tails behind inodes
  std::uint64_t hole_bytes = 0;    // zeros left out
  std::uint64_t compressed_files = 0;
  std::uint64_t metadata_bytes = 0;
  std::uint64_t inodes = 0;
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t symlinks = 0;
  std::uint64_t special_files = 0;
  std::uint64_t hard_links = 0;  // names beyond the first
  std::uint64_t shared_xattrs = 0;
  std::int64_t epoch = 0;
  std::string uuid;  // as text
};

// Builds the image of `source_path` under the name `image_path`, which exists afterwards, whole and
// synced, or is what it was before. The source is a directory; "oci:DIRECTORY[:TAG]", an image of
// that OCI layout, whose layers are put together; or else an archive, "-" on standard input.
BuildResult<BuildSummary> Build(const std::string& image_path, const std::string& source_path,
                                const BuildOptions& options);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_BUILD_H_
