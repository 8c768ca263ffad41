#include "mkfs/data_packer.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "mkfs/compressed_packer.h"
#include "mkfs/hole_map.h"
#include "verity/digest_xattr.h"
#include "verity/file_hasher.h"

namespace amberfs {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
// So many zeros in a row end the attempt to write a file as it comes: first its holes are found.
constexpr std::uint64_t kLongZeroRun = std::uint64_t{256} << 10;

// Where errors say they happened. The path is made only if somebody needs it.
struct Where {
  const std::string& top;
  const Tree& tree;
  InodeIndex directory;
  const std::string& name;
  std::string path() const { return top + "/" + tree.PathOf(directory, name); }
};

std::unexpected<BuildError> Changed(const Where& where) {
  return BuildFailure(where.path(), "changed while being read");
}

BuildResult<void> ReadExactly(const FileContent& content, const Where& where, std::uint64_t pos,
                              ByteSpan out) {
  const auto read = content.Read(pos, out);
  if (read) return {};
  if (read.error() == ESTALE) return Changed(where);
  return SystemFailure(where.path(), "cannot read", read.error());
}

struct OpenFile {
  Where where;
  InodeIndex index;
  std::unique_ptr<FileContent> content;
};

// One open file on its way into the image.
class FilePacker {
 public:
  FilePacker(const FileContent& content, const Where& where, ImageFile& image, TailSpool& spool,
             InodePlan& inode, const ImagePlan& plan,
             const std::function<BuildResult<void>(std::uint64_t)>& at,
             std::vector<std::byte>& buffer, FileHasher* hasher)
      : content_(content),
        where_(where),
        image_(image),
        spool_(spool),
        inode_(inode),
        block_bits_(plan.block_bits),
        block_bytes_(plan.block_bytes()),
        size_(inode.size),
        tail_bytes_(size_ % block_bytes_),
        tail_is_inline_(tail_bytes_ > 0 && plan.inline_data &&
                        inode.HasRoomFor(tail_bytes_, block_bytes_)),
        at_(at),
        buffer_(buffer),
        hasher_(hasher) {}

  // The hasher, if there is one, then knows all of the file.
  BuildResult<void> Pack();

 private:
  enum class Zeros : bool { kMayEndIt, kAreCopied };

  std::uint64_t FlatBytes() const {
    return (size_ & ~(block_bytes_ - 1)) +
           (tail_is_inline_ || tail_bytes_ == 0 ? tail_bytes_ : block_bytes_);
  }
  BuildResult<void> Read(std::uint64_t pos, ByteSpan out) const;
  // These bytes of the file, which come in ascending order, go into the image; what is left out
  // between them is zeros. The second time they are copied they do not count.
  void Hash(std::uint64_t pos, ByteView bytes);
  void NoteBlocks(std::uint64_t pos, ByteView bytes, HoleMap& holes) const;
  BuildResult<void> PackBytes();
  BuildResult<bool> CopyFlat(Zeros zeros, HoleMap& holes);
  BuildResult<void> FindHoles(HoleMap& holes);
  BuildResult<void> FinishFlat(std::uint64_t start);
  BuildResult<void> CopyChunks(const HoleMap& holes, unsigned shift);

  const FileContent& content_;
  const Where& where_;
  ImageFile& image_;
  TailSpool& spool_;
  InodePlan& inode_;
  const unsigned block_bits_;
  const std::uint64_t block_bytes_;
  const std::uint64_t size_;
  const std::uint64_t tail_bytes_;
  const bool tail_is_inline_;
  const std::function<BuildResult<void>(std::uint64_t)>& at_;  // tells progress, may stop the build
  std::vector<std::byte>& buffer_;                             // kReadBytes
  FileHasher* const hasher_;                                   // null: nobody wants to know
  std::uint64_t hashed_ = 0;                                   // bytes of the file
};

BuildResult<void> FilePacker::Pack() {
  if (size_ == 0) return {};
  AMBERFS_TRY_VOID(PackBytes());
  Hash(size_, {});
  return {};
}

void FilePacker::Hash(std::uint64_t pos, ByteView bytes) {
  if (hasher_ == nullptr || pos + bytes.size() <= hashed_) return;
  if (pos > hashed_) hasher_->AddZeros(pos - hashed_);
  hasher_->Add(bytes.subspan(hashed_ > pos ? hashed_ - pos : 0));
  hashed_ = pos + bytes.size();
}

BuildResult<void> FilePacker::PackBytes() {
  const std::uint64_t start = image_.size();
  const std::uint64_t blocks = CeilShift(size_, block_bits_);
  HoleMap holes(blocks, block_bits_);

  // Most files have no holes: copy at once, look for zeros on the way, and go back if there are
  // enough of them.
  bool copied = false;
  if (!content_.IsSparse()) {
    const ImageFile::Mark mark = image_.mark();
    AMBERFS_TRY(copied, CopyFlat(Zeros::kMayEndIt, holes));
    if (copied) {
      const auto shift = holes.BestChunkShift(FlatBytes());
      if (!shift) return FinishFlat(start);
      AMBERFS_TRY_VOID(image_.Rewind(mark));
      return CopyChunks(holes, *shift);
    }
    AMBERFS_TRY_VOID(image_.Rewind(mark));
    holes = HoleMap(blocks, block_bits_);
  }
  AMBERFS_TRY_VOID(FindHoles(holes));
  if (const auto shift = holes.BestChunkShift(FlatBytes())) return CopyChunks(holes, *shift);
  HoleMap ignored(blocks, block_bits_);
  AMBERFS_TRY_VOID(CopyFlat(Zeros::kAreCopied, ignored));
  return FinishFlat(start);
}

BuildResult<void> FilePacker::Read(std::uint64_t pos, ByteSpan out) const {
  AMBERFS_TRY_VOID(at_(pos));
  return ReadExactly(content_, where_, pos, out);
}

// `pos` is a block's start.
void FilePacker::NoteBlocks(std::uint64_t pos, ByteView bytes, HoleMap& holes) const {
  for (std::uint64_t at = 0; at < bytes.size(); at += block_bytes_) {
    const ByteView block = bytes.subspan(at, std::min(block_bytes_, bytes.size() - at));
    if (!AllZero(block)) holes.AddData((pos + at) >> block_bits_);
  }
}

// Appends all whole blocks, and the tail as one if it does not go behind the inode. False if a long
// run of zeros ended it.
BuildResult<bool> FilePacker::CopyFlat(Zeros zeros, HoleMap& holes) {
  std::uint64_t end_of_data = 0;
  for (std::uint64_t pos = 0; pos < size_;) {
    const ByteSpan piece =
        std::span(buffer_).first(std::min<std::uint64_t>(kReadBytes, size_ - pos));
    AMBERFS_TRY_VOID(Read(pos, piece));
    Hash(pos, piece);
    NoteBlocks(pos, piece, holes);
    if (!holes.runs().empty())
      end_of_data = (holes.runs().back().first + holes.runs().back().count) << block_bits_;
    pos += piece.size();
    if (zeros == Zeros::kMayEndIt && pos > end_of_data && pos - end_of_data >= kLongZeroRun)
      return false;
    const bool leave_tail = pos == size_ && tail_is_inline_;
    AMBERFS_TRY_VOID(image_.Append(piece.first(piece.size() - (leave_tail ? tail_bytes_ : 0))));
  }
  return true;
}

// Reads what is not known to be a hole, and looks for zeros in there.
BuildResult<void> FilePacker::FindHoles(HoleMap& holes) {
  for (std::uint64_t pos = 0; pos < size_;) {
    const auto data = content_.NextData(pos);
    if (!data || data->start >= size_) break;
    pos = std::max(pos, data->start & ~(block_bytes_ - 1));
    const std::uint64_t end = std::min(size_, RoundUp(data->end, block_bytes_));
    if (end <= pos) return Changed(where_);
    while (pos < end) {
      const ByteSpan piece =
          std::span(buffer_).first(std::min<std::uint64_t>(kReadBytes, end - pos));
      AMBERFS_TRY_VOID(Read(pos, piece));
      NoteBlocks(pos, piece, holes);
      pos += piece.size();
    }
  }
  return {};
}

// The blocks from byte `start` of the image on are the file's; what is left is its tail, which the
// last Read() put at the end of its piece.
BuildResult<void> FilePacker::FinishFlat(std::uint64_t start) {
  StoredData& data = inode_.data;
  if (tail_is_inline_) {
    const std::uint64_t last_piece = (size_ - 1) % kReadBytes + 1;
    data.layout = DataLayout::kFlatInline;
    data.tail_bytes = static_cast<std::uint32_t>(tail_bytes_);
    AMBERFS_TRY(data.tail_offset,
                spool_.Append(ByteView(buffer_).subspan(last_piece - tail_bytes_, tail_bytes_)));
  }
  if (image_.size() > start) data.start_block = static_cast<std::uint32_t>(start >> block_bits_);
  return image_.AppendZeros(RoundUp(image_.size(), block_bytes_) - image_.size());
}

BuildResult<void> FilePacker::CopyChunks(const HoleMap& holes, unsigned shift) {
  StoredData& data = inode_.data;
  data.layout = DataLayout::kChunkBased;
  data.chunk_shift = shift;
  data.chunks.assign(holes.ChunkCount(shift), wire::kNullBlock32);
  BuildResult<void> result;
  holes.ForEachDataChunk(shift, [&](std::uint64_t chunk) {
    data.chunks[chunk] = static_cast<std::uint32_t>(image_.size() >> block_bits_);
    std::uint64_t pos = chunk << (shift + block_bits_);
    const std::uint64_t end =
        std::min(size_, pos + (holes.ChunkBlocks(chunk, shift) << block_bits_));
    while (result && pos < end) {
      const ByteSpan piece =
          std::span(buffer_).first(std::min<std::uint64_t>(kReadBytes, end - pos));
      result = Read(pos, piece);
      if (result) Hash(pos, piece);
      if (result) result = image_.Append(piece);
      pos += piece.size();
    }
    if (result) result = image_.AppendZeros(RoundUp(image_.size(), block_bytes_) - image_.size());
  });
  return result;
}

// Walks the tree once more, as the scan did.
class DataPacker {
 public:
  DataPacker(ContentSource& contents, const std::string& top, const Tree& tree,
             const BuildOptions& options, ImagePlan& plan, ImageFile& image, TailSpool& spool,
             BuildSummary& summary)
      : contents_(contents),
        top_(top),
        tree_(tree),
        options_(options),
        plan_(plan),
        image_(image),
        spool_(spool),
        summary_(summary),
        gone_(tree.inodes.size()),
        packed_(tree.inodes.size()),
        buffer_(kReadBytes) {
    if (options.compression) compressed_.emplace(*options.compression, plan, image, spool, summary);
  }

  BuildResult<std::vector<bool>> Run();

 private:
  struct Level {
    InodeIndex directory;
    std::size_t next = 0;
  };

  BuildResult<void> Visit(InodeIndex directory, const TreeEntry& entry);
  BuildResult<void> PackFile(const Where& where, InodeIndex index);
  // As it is, or without its holes.
  BuildResult<void> PackUncompressed(const OpenFile& file, bool digest);
  // Reads all of it for the threads that compress, if it is worth that.
  BuildResult<void> PackCompressed(const std::shared_ptr<const OpenFile>& file);
  BuildResult<bool> IsMostlyZeros(const OpenFile& file, ByteView start);
  BuildResult<void> ExpectUnchanged(const OpenFile& file) const;
  BuildResult<void> SetDigest(const OpenFile& file, FileHasher& hasher);
  BuildResult<void> Vanished(const Where& where, InodeIndex index);
  // Called now and then, `pos` bytes into a file.
  BuildResult<void> Report(std::uint64_t pos) const;

  ContentSource& contents_;
  const std::string& top_;
  const Tree& tree_;
  const BuildOptions& options_;
  ImagePlan& plan_;
  ImageFile& image_;
  TailSpool& spool_;
  BuildSummary& summary_;
  std::vector<bool> gone_;
  std::vector<bool> packed_;
  std::vector<std::byte> buffer_;
  std::vector<Level> levels_;
  std::uint64_t total_bytes_ = 0;
  std::optional<CompressedPacker> compressed_;
  const std::function<BuildResult<void>(std::uint64_t)> report_ = [this](std::uint64_t pos) {
    return Report(pos);
  };
};

BuildResult<std::vector<bool>> DataPacker::Run() {
  for (const TreeInode& inode : tree_.inodes) total_bytes_ += inode.size;
  levels_.push_back({Tree::kRootInode});
  while (!levels_.empty()) {
    AMBERFS_TRY_VOID(Report(0));
    const InodeIndex directory = levels_.back().directory;
    const auto& entries = tree_.inodes[directory].entries;
    if (levels_.back().next < entries.size()) {
      AMBERFS_TRY_VOID(Visit(directory, entries[levels_.back().next++]));
      continue;
    }
    levels_.pop_back();
    if (levels_.empty()) break;
    const InodeIndex parent = levels_.back().directory;
    if (const auto up = contents_.Leave(tree_.inodes[parent]); !up)
      return SystemFailure(top_ + "/" + tree_.PathOf(parent), "directory changed while being read",
                           up.error());
  }
  if (compressed_) AMBERFS_TRY_VOID(compressed_->Finish());
  return std::move(gone_);
}

BuildResult<void> DataPacker::Visit(InodeIndex directory, const TreeEntry& entry) {
  const TreeInode& inode = tree_.inodes[entry.inode];
  const Where where{top_, tree_, directory, entry.name};
  if (inode.type() == FileType::kDirectory) {
    const auto down = contents_.Enter(entry.name.c_str(), inode);
    if (down) {
      levels_.push_back({entry.inode});
      return {};
    }
    if (down.error() == ENOENT) return Vanished(where, entry.inode);
    if (down.error() == ESTALE) return Changed(where);
    return SystemFailure(where.path(), "cannot open directory", down.error());
  }
  if (inode.type() != FileType::kRegular || packed_[entry.inode]) return {};
  return PackFile(where, entry.inode);
}

BuildResult<void> DataPacker::Vanished(const Where& where, InodeIndex index) {
  if (!options_.ignore_vanished) return BuildFailure(where.path(), "vanished while being read");
  gone_[index] = true;
  return {};
}

BuildResult<void> DataPacker::PackFile(const Where& where, InodeIndex index) {
  const TreeInode& inode = tree_.inodes[index];
  auto content = contents_.Open(where.name.c_str(), inode);
  if (!content && content.error() == ENOENT) return Vanished(where, index);
  if (!content && content.error() == ESTALE) return Changed(where);
  if (!content) return SystemFailure(where.path(), "cannot open", content.error());
  const auto file = std::make_shared<const OpenFile>(where, index, *std::move(content));
  AMBERFS_TRY_VOID(ExpectUnchanged(*file));
  plan_.inodes[index].size = inode.size;
  packed_[index] = true;
  gone_[index] = false;  // by its first name, perhaps
  summary_.source_bytes += inode.size;

  if (!compressed_) return PackUncompressed(*file, options_.file_digests);
  return PackCompressed(file);
}

BuildResult<void> DataPacker::ExpectUnchanged(const OpenFile& file) const {
  if (!file.content->IsUnchanged()) return Changed(file.where);
  return {};
}

BuildResult<void> DataPacker::SetDigest(const OpenFile& file, FileHasher& hasher) {
  const auto digest = hasher.Finish();
  if (!digest) return BuildFailure(file.where.path(), "too large for an fs-verity digest");
  plan_.inodes[file.index].digest = DigestXattrValue(*digest);
  return {};
}

BuildResult<void> DataPacker::PackUncompressed(const OpenFile& file, bool digest) {
  InodePlan& plan = plan_.inodes[file.index];
  const std::uint64_t start = image_.size();
  std::optional<FileHasher> hasher;
  if (digest) hasher.emplace();
  AMBERFS_TRY_VOID(FilePacker(*file.content, file.where, image_, spool_, plan, plan_, report_,
                              buffer_, hasher ? &*hasher : nullptr)
                       .Pack());
  if (hasher) AMBERFS_TRY_VOID(SetDigest(file, *hasher));
  AMBERFS_TRY_VOID(ExpectUnchanged(file));
  const std::uint64_t stored = image_.size() - start;
  summary_.data_bytes += stored;
  summary_.inline_bytes += plan.data.tail_bytes;
  if (plan.data.layout == DataLayout::kChunkBased)
    summary_.hole_bytes += RoundUp(plan.size, plan_.block_bytes()) - stored;
  return {};
}

BuildResult<void> DataPacker::PackCompressed(const std::shared_ptr<const OpenFile>& file) {
  const std::uint64_t size = plan_.inodes[file->index].size;
  const std::uint64_t least = options_.compression->inline_tails ? 0 : plan_.block_bytes();
  std::vector<std::byte> segment(std::min(options_.compression->SegmentBytes(), size));
  bool is_flat = size <= least;
  if (!is_flat) {
    AMBERFS_TRY_VOID(ReadExactly(*file->content, file->where, 0, segment));
    AMBERFS_TRY(is_flat, IsMostlyZeros(*file, segment));
  }
  if (is_flat)
    return compressed_->AddFlat(
        [this, file] { return PackUncompressed(*file, options_.file_digests); });

  std::optional<FileHasher> hasher;
  if (options_.file_digests) hasher.emplace();
  compressed_->Begin(file->index, [this, file] { return PackUncompressed(*file, false); });
  for (std::uint64_t pos = 0; pos < size;) {
    if (hasher) hasher->Add(segment);
    pos += segment.size();
    std::vector<std::byte> next(std::min(options_.compression->SegmentBytes(), size - pos));
    if (next.empty())
      AMBERFS_TRY_VOID(ExpectUnchanged(*file));
    else
      AMBERFS_TRY_VOID(ReadExactly(*file->content, file->where, pos, next));
    AMBERFS_TRY_VOID(Report(0));
    AMBERFS_TRY_VOID(compressed_->Add(std::move(segment), next.empty()));
    segment = std::move(next);
  }
  return hasher ? SetDigest(*file, *hasher) : BuildResult<void>();
}

// A few blocks tell: such files are better off without their holes than compressed. `start` are the
// file's first bytes. What its file system calls a hole makes no difference.
BuildResult<bool> DataPacker::IsMostlyZeros(const OpenFile& file, ByteView start) {
  constexpr std::uint64_t kSamples = 16;
  const std::uint64_t size = plan_.inodes[file.index].size;
  const std::uint64_t blocks = CeilShift(size, plan_.block_bits);
  const std::uint64_t samples = std::min(blocks, kSamples);
  std::uint64_t zeros = 0;
  for (std::uint64_t i = 0; i < samples; ++i) {
    const std::uint64_t pos = blocks * i / samples << plan_.block_bits;
    const std::uint64_t length = std::min(plan_.block_bytes(), size - pos);
    ByteView block;
    if (pos + length <= start.size()) {
      block = start.subspan(pos, length);
    } else {
      const ByteSpan room = std::span(buffer_).first(length);
      AMBERFS_TRY_VOID(ReadExactly(*file.content, file.where, pos, room));
      block = room;
    }
    if (AllZero(block)) ++zeros;
  }
  return zeros * 2 > samples;
}

BuildResult<void> DataPacker::Report(std::uint64_t pos) const {
  if (options_.stop != nullptr && *options_.stop)
    return std::unexpected(BuildError{"interrupted", true});
  if (options_.progress) options_.progress({"data", summary_.source_bytes + pos, total_bytes_});
  return {};
}

}  // namespace

BuildResult<std::vector<bool>> PackData(const std::string& source_name, ContentSource& contents,
                                        const Tree& tree, const BuildOptions& options,
                                        ImagePlan& plan, ImageFile& image, TailSpool& spool,
                                        BuildSummary& summary) {
  return DataPacker(contents, source_name, tree, options, plan, image, spool, summary).Run();
}

}  // namespace amberfs
