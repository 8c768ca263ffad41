// Files that are compressed, on their way into the image: read, encoded by threads, and appended in
// the order in which they were read.
#ifndef AMBERFS_MKFS_COMPRESSED_PACKER_H_
#define AMBERFS_MKFS_COMPRESSED_PACKER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "mkfs/build.h"
#include "mkfs/build_error.h"
#include "mkfs/image_file.h"
#include "mkfs/image_plan.h"
#include "mkfs/segment_encoders.h"
#include "mkfs/tree.h"

namespace amberfs {

class CompressedPacker {
 public:
  // Borrows all of them.
  CompressedPacker(const Compression& compression, ImagePlan& plan, ImageFile& image,
                   TailSpool& spool, BuildSummary& summary);

  // Puts a file into the image as it is, once all before it is there.
  using PackFlat = std::function<BuildResult<void>()>;

  // One file after the other: its bytes in pieces of compression.SegmentBytes(), of which only the
  // last may be shorter. What is not worth its decoding is packed by `pack_flat`.
  void Begin(InodeIndex index, PackFlat pack_flat);
  BuildResult<void> Add(std::vector<std::byte> segment, bool last);
  // Or a file that is not to be compressed.
  BuildResult<void> AddFlat(PackFlat pack_flat);

  // Appends all that was added.
  BuildResult<void> Finish();

 private:
  struct File {
    InodeIndex index;
    PackFlat pack_flat;
    std::uint64_t added = 0;  // segments
    bool is_flat = false;     // found not to be worth it
    std::uint64_t start = 0;  // of the image, in bytes, when its first segment was appended
    std::vector<StoredExtent> extents = {};
  };
  struct Segment {
    std::shared_ptr<File> file;
    bool first;
    bool last;
    std::size_t bytes;  // 0: there is nothing to encode
  };

  BuildResult<void> MakeRoom();

  BuildResult<void> TakeOne();
  // How many bytes of the image a file takes uncompressed.
  std::uint64_t FlatBytes(const InodePlan& inode) const;
  BuildResult<void> AppendSegment(File& file, const EncodedSegment& encoded, bool last);
  bool CanBeInline(const File& file, const EncodedExtent& extent) const;
  std::uint64_t IndexBytes(const InodePlan& inode) const;

  const Compression& compression_;
  ImagePlan& plan_;
  ImageFile& image_;
  TailSpool& spool_;
  BuildSummary& summary_;
  std::shared_ptr<File> current_;
  std::deque<Segment> segments_;  // in order
  std::size_t pending_bytes_ = 0;
  SegmentEncoders encoders_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_COMPRESSED_PACKER_H_
