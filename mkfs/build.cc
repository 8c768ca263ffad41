#include "mkfs/build.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/crc32c.h"
#include "format/superblock.h"
#include "format/wire.h"
#include "mkfs/archive_source.h"
#include "mkfs/attributes.h"
#include "mkfs/data_packer.h"
#include "mkfs/directory_contents.h"
#include "mkfs/directory_source.h"
#include "mkfs/file_digests.h"
#include "mkfs/image_file.h"
#include "mkfs/layout.h"
#include "mkfs/metadata_writer.h"
#include "mkfs/oci_layout.h"
#include "mkfs/tree.h"

namespace amberfs {
namespace {

BuildResult<Uuid> MakeUuid(const BuildOptions& options, const ContentHash& content,
                           const wire::Superblock& superblock, ByteView record) {
  Uuid uuid{};
  switch (options.uuid_choice) {
    case UuidChoice::kZero:
      break;
    case UuidChoice::kGiven:
      uuid = options.uuid;
      break;
    case UuidChoice::kFromContent:
      uuid = ContentUuid(content, superblock, record);
      break;
    case UuidChoice::kRandom:
      if (::getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
        return std::unexpected(BuildError{"no random numbers for a UUID"});
      StampUuid(uuid, 4);
      break;
  }
  return uuid;
}

std::string UuidText(const Uuid& uuid) {
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i)
    text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                        std::to_integer<unsigned>(uuid[i]));
  return text;
}

wire::Superblock MakeSuperblock(const Tree& tree, const ImagePlan& plan,
                                const BuildOptions& options) {
  wire::Superblock raw{};
  raw.magic = wire::kMagic;
  raw.feature_compat = wire::kCompatChecksum | wire::kCompatMtime;
  raw.blkszbits = static_cast<std::uint8_t>(plan.block_bits);
  raw.rootnid_2b = static_cast<std::uint16_t>(plan.inodes[Tree::kRootInode].nid);
  raw.inos = tree.inodes.size();
  raw.epoch = static_cast<std::uint64_t>(plan.epoch);
  raw.fixed_nsec = plan.epoch_nsec;
  raw.blocks_lo = static_cast<std::uint32_t>(plan.blocks);
  raw.meta_blkaddr = static_cast<std::uint32_t>(plan.meta_block);
  std::ranges::copy(options.volume_name, raw.volume_name.begin());
  if (tree.xattrs.size() > 0) {
    raw.feature_compat = raw.feature_compat.get() | wire::kCompatXattrFilter;
    raw.xattr_blkaddr = raw.meta_blkaddr;
  }
  std::uint32_t incompat = 0;
  for (const InodePlan& inode : plan.inodes) {
    if (inode.data.layout == DataLayout::kChunkBased) incompat |= wire::kIncompatChunkedFile;
    if (inode.data.layout != DataLayout::kCompressedCompact) continue;
    incompat |= wire::kIncompatZeroPadding | wire::kIncompatCompressionConfigs;
    if (inode.data.tail_bytes > 0) incompat |= wire::kIncompatTailPacking;
  }
  raw.feature_incompat = incompat;
  if ((incompat & wire::kIncompatCompressionConfigs) != 0)
    raw.compression = static_cast<std::uint16_t>(
        1U << static_cast<unsigned>(options.compression->encoder.algorithm));
  return raw;
}

template <typename Config>
std::vector<std::byte> Record(const Config& config) {
  const Le16 length = sizeof config;
  std::vector<std::byte> record(WireBytes(length).begin(), WireBytes(length).end());
  record.insert(record.end(), WireBytes(config).begin(), WireBytes(config).end());
  return record;
}

// What follows the superblock of an image with compressed files: docs/format.md, section 11.
std::vector<std::byte> CompressionRecord(const Compression& compression, unsigned block_bits) {
  const std::uint32_t window = compression.encoder.window;
  switch (compression.encoder.algorithm) {
    case Algorithm::kLz4: {
      wire::Lz4Config config{};
      config.max_distance = 0xFFFF;
      config.max_pclusterblks =
          static_cast<std::uint16_t>(compression.pcluster_bytes >> block_bits);
      return Record(config);
    }
    case Algorithm::kLzma: {
      wire::LzmaConfig config{};
      config.dict_size = window;
      return Record(config);
    }
    case Algorithm::kDeflate: {
      wire::DeflateConfig config{};
      config.windowbits = 15;
      return Record(config);
    }
    case Algorithm::kZstd: {
      wire::ZstdConfig config{};
      config.windowlog = static_cast<std::uint8_t>(std::bit_width(window) - 1 - 10);
      return Record(config);
    }
  }
  return {};
}

// Puts the superblock over the zeros that were kept for it. `raw` has neither UUID nor checksum
// yet: the UUID comes from all that is in the image, these fields included as they are.
BuildResult<Uuid> WriteSuperblock(wire::Superblock raw, const ImagePlan& plan,
                                  const BuildOptions& options, ImageFile& image) {
  std::vector<std::byte> record;
  if (raw.compression.get() != 0) record = CompressionRecord(*options.compression, plan.block_bits);
  AMBERFS_TRY(raw.uuid, MakeUuid(options, image.mark().hash, raw, record));

  // The checksum covers a whole block, which holds nothing else.
  std::vector<std::byte> head(HeadBytes(plan.block_bits));
  PutWire(head, wire::kSuperblockOffset, raw);
  std::ranges::copy(record, head.begin() + wire::kSuperblockOffset + sizeof raw);
  raw.checksum = SuperblockChecksum(head, plan.block_bits);
  PutWire(head, wire::kSuperblockOffset, raw);
  AMBERFS_TRY_VOID(image.Overwrite(0, head));
  return raw.uuid;
}

void Count(const Tree& tree, BuildSummary& summary) {
  std::uint64_t names = 1;
  for (const TreeInode& inode : tree.inodes) {
    names += inode.entries.size();
    switch (inode.type()) {
      case FileType::kRegular:
        ++summary.files;
        break;
      case FileType::kDirectory:
        ++summary.directories;
        break;
      case FileType::kSymlink:
        ++summary.symlinks;
        break;
      default:
        ++summary.special_files;
    }
  }
  summary.inodes = tree.inodes.size();
  summary.hard_links = names - tree.inodes.size();
  for (XattrId id = 0; id < tree.xattrs.size(); ++id)
    if (tree.xattrs[id].shared) ++summary.shared_xattrs;
}

struct Source {
  Tree tree;
  std::unique_ptr<ContentSource> contents;
};

// First pass. The temporary files it needs are made beside the image.
BuildResult<Source> ReadSource(const std::string& path, const BuildOptions& options,
                               const ImageFile& image) {
  if (IsOciSource(path)) {
    AMBERFS_TRY(const std::vector<Layer> layers, OciLayers(path));
    AMBERFS_TRY(auto contents, ArchiveContents::Create(image.directory()));
    BuildOptions put_together = options;
    put_together.whiteouts = Whiteouts::kApplied;
    AMBERFS_TRY(Tree tree, ReadLayers(layers, put_together, *contents));
    return Source{std::move(tree), std::move(contents)};
  }
  struct stat st;
  if (path != "-" && ::stat(path.c_str(), &st) != 0)
    return SystemFailure(path, "cannot open", errno);
  if (path != "-" && S_ISDIR(st.st_mode)) {
    AMBERFS_TRY(Tree tree, ScanDirectory(path, options, image.ids()));
    auto contents = DirectoryContents::Open(path, tree.inodes[Tree::kRootInode]);
    if (!contents && contents.error() == ESTALE)
      return BuildFailure(path, "changed while being read");
    if (!contents) return SystemFailure(path, "cannot open directory", contents.error());
    return Source{std::move(tree), *std::move(contents)};
  }
  if (path != "-" &&
      std::ranges::find(image.ids(), FileId{st.st_dev, st.st_ino}) != image.ids().end())
    return BuildFailure(path, "is the image itself");
  AMBERFS_TRY(auto contents, ArchiveContents::Create(image.directory()));
  AMBERFS_TRY(Tree tree, ReadArchive(path, options, *contents));
  return Source{std::move(tree), std::move(contents)};
}

// Forgets what vanished between the scan and now.
void DropVanished(const std::vector<bool>& gone, Tree& tree, ImagePlan& plan) {
  if (std::ranges::find(gone, true) == gone.end()) return;
  std::vector<InodePlan> kept;
  for (const InodeIndex old : Prune(tree, gone)) kept.push_back(std::move(plan.inodes[old]));
  plan.inodes = std::move(kept);
}

}  // namespace

BuildResult<BuildSummary> Build(const std::string& image_path, const std::string& source_path,
                                const BuildOptions& options) {
  BuildSummary summary;
  AMBERFS_TRY(ImageFile image, ImageFile::Create(image_path));
  image.Watch(options.watcher);
  AMBERFS_TRY(Source source, ReadSource(source_path, options, image));
  Tree& tree = source.tree;
  if (options.file_digests) ReserveFileDigests(tree);
  // From here on the tree's names are known ...
  AMBERFS_TRY(ImagePlan plan, PlanAttributes(tree, options));
  // ... and what every inode says.

  AMBERFS_TRY(TailSpool spool, TailSpool::Create(image.directory()));
  AMBERFS_TRY_VOID(image.AppendZeros(HeadBytes(plan.block_bits)));
  AMBERFS_TRY(const std::vector<bool> gone,
              PackData(source_path, *source.contents, tree, options, plan, image, spool, summary));
  source.contents.reset();
  DropVanished(gone, tree, plan);
  if (options.file_digests) FillInFileDigests(plan, tree);
  AMBERFS_TRY_VOID(LayOut(tree, image.size() >> plan.block_bits, plan));
  // Everything has its place.
  AMBERFS_TRY_VOID(WriteMetadata(tree, plan, image, spool));
  AMBERFS_TRY(const Uuid uuid,
              WriteSuperblock(MakeSuperblock(tree, plan, options), plan, options, image));
  if (options.stop != nullptr && *options.stop)
    return std::unexpected(BuildError{"interrupted", true});
  summary.image_bytes = image.size();
  AMBERFS_TRY_VOID(image.Complete());
  if (options.progress) options.progress({"sync", 0, 0});
  AMBERFS_TRY_VOID(image.Publish());

  Count(tree, summary);
  summary.metadata_bytes = (plan.blocks - plan.meta_block) << plan.block_bits;
  summary.epoch = plan.epoch;
  summary.uuid = UuidText(uuid);
  return summary;
}

}  // namespace amberfs
