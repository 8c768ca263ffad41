#include "amber/image_sealer.h"

#include <cerrno>
#include <utility>

#include "base/checked.h"

namespace amberfs {
namespace {

// An image that is complete and has no name yet.
class ImageSource final : public ByteSource {
 public:
  explicit ImageSource(ImageFile& image) : image_(image), size_(image.size()) {}
  std::uint64_t size() const override { return size_; }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override {
    if (offset > size_ || out.size() > size_ - offset || !image_.Read(offset, out))
      return IoError(EIO, offset);
    return {};
  }

 private:
  ImageFile& image_;
  const std::uint64_t size_;
};

// Where a seal goes. Failures are sentences; a sink's caller finds the last one in `failure`.
class SealPlace {
 public:
  // Behind `image`, or in a file of its own. Room for `bytes` zeros, and then Append().
  static Outcome<SealPlace> Behind(ImageFile& image, std::uint64_t bytes) {
    SealPlace place;
    place.image_ = &image;
    place.start_ = image.size();
    if (const auto done = place.Note(image.AppendZeros(bytes)); !done)
      return std::unexpected(place.failure_);
    return place;
  }
  static Outcome<SealPlace> InFile(const std::string& path, std::uint64_t bytes) {
    SealPlace place;
    auto file = OutputFile::Create(path, bytes);
    if (!file) return std::unexpected(file.error());
    place.file_.emplace(*std::move(file));
    return place;
  }

  Result<void> Write(std::uint64_t offset, ByteView bytes) {
    return file_ ? file_->Write(offset, bytes) : Note(image_->Overwrite(start_ + offset, bytes));
  }
  Result<void> Append(ByteView bytes) {
    return file_ ? file_->Append(bytes) : Note(image_->Append(bytes));
  }
  Outcome<void> Finish() {
    if (file_) return file_->Finish();
    return {};
  }
  std::string failure() const { return file_ ? file_->failure() : failure_; }

 private:
  SealPlace() = default;
  Result<void> Note(const BuildResult<void>& result) {
    if (result) return {};
    failure_ = result.error().message;
    return IoError(EIO, Error::kNowhere);
  }

  ImageFile* image_ = nullptr;
  std::uint64_t start_ = 0;
  std::optional<OutputFile> file_;
  std::string failure_;
};

}  // namespace

BuildResult<void> ImageSealer::Complete(ImageFile& image) {
  const SealOptions options;
  const std::uint64_t block = std::uint64_t{1} << options.block_bits;
  // A seal behind the image starts with a block.
  if (request_.append)
    AMBERFS_TRY_VOID(image.AppendZeros(RoundUp(image.size(), block) - image.size()));
  if (const auto done = Seal(image, options); !done)
    return std::unexpected(BuildError{done.error()});
  return {};
}

Outcome<void> ImageSealer::Seal(ImageFile& image, const SealOptions& options) {
  const ImageSource data(image);
  const auto shape = TreeShape::Make({.algorithm = options.algorithm,
                                      .data_block_bits = options.block_bits,
                                      .hash_block_bits = options.block_bits},
                                     data.size());
  if (!shape) return std::unexpected(std::string(RuleSentence(Rule::kFsv5)));
  const SealLayout layout(*shape, options.has_superblock);
  auto place = request_.append
                   ? SealPlace::Behind(image, layout.metadata_offset())
                   : SealPlace::InFile(request_.image + ".seal", layout.metadata_offset());
  if (!place) return std::unexpected(place.error());

  const auto descriptor = hasher_.Finish(data, [&](std::uint64_t offset, ByteView bytes) {
    return place->Write(layout.tree_offset() + offset, bytes);
  });
  if (!descriptor)
    return std::unexpected(place->failure().empty() ? Describe(descriptor.error())
                                                    : place->failure());
  std::vector<SealSection> sections;
  if (request_.key) {
    auto signatures = SignaturesBy(*request_.key, *descriptor, false);
    if (!signatures) return std::unexpected(signatures.error());
    sections = *std::move(signatures);
  }
  const auto metadata = layout.Metadata(*descriptor, sections);
  if (!metadata) return std::unexpected("the signature does not fit into a seal");
  if (!place->Write(0, layout.SuperblockBlock(*descriptor)) || !place->Append(*metadata))
    return std::unexpected(place->failure());
  digest_ = descriptor->file_digest();
  return place->Finish();
}

}  // namespace amberfs
