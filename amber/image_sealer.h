// Seals an image while mkfs writes it: the hash tree costs no further pass over the data.
#ifndef AMBERFS_AMBER_IMAGE_SEALER_H_
#define AMBERFS_AMBER_IMAGE_SEALER_H_

#include <optional>
#include <string>

#include "amber/sealing.h"
#include "mkfs/image_file.h"
#include "verity/write_hasher.h"

namespace amberfs {

class ImageSealer final : public ImageWatcher {
 public:
  struct Request {
    std::string image;
    bool append = false;                 // behind the image, rather than in IMAGE.seal
    std::optional<SigningKey> key = {};  // signs, if there is one
  };
  explicit ImageSealer(Request request) : request_(std::move(request)), hasher_(SealOptions()) {}

  void Written(std::uint64_t offset, ByteView bytes) override { hasher_.Written(offset, bytes); }

  // Writes the seal. A sidecar gets its name before the image has its own, for an image without its
  // seal would be taken for one that nobody vouches for.
  BuildResult<void> Complete(ImageFile& image) override;

  // Of the image that is complete.
  const std::optional<FileDigest>& digest() const { return digest_; }

 private:
  Outcome<void> Seal(ImageFile& image, const SealOptions& options);

  const Request request_;
  WriteHasher hasher_;
  std::optional<FileDigest> digest_;
};

}  // namespace amberfs

#endif  // AMBERFS_AMBER_IMAGE_SEALER_H_
