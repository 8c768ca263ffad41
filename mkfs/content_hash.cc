#include "mkfs/content_hash.h"

#include <xxhash.h>

#include <array>
#include <cstddef>

namespace amberfs {
namespace {

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

class Stream {
 public:
  Stream() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }
  void Add(ByteView bytes) { XXH3_128bits_update(state_.get(), bytes.data(), bytes.size()); }
  XXH128_canonical_t Digest() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    return canonical;
  }

 private:
  std::unique_ptr<XXH3_state_t, FreeState> state_;
};

}  // namespace

struct ContentHash::Streams {
  Stream data;
  Stream zeros;
  Stream metadata;
};

ContentHash::ContentHash() : streams_(std::make_unique<Streams>()) {}
ContentHash::~ContentHash() = default;

void ContentHash::AddData(ByteView bytes) { streams_->data.Add(bytes); }

void ContentHash::AddZeros(std::uint64_t file_number, std::uint64_t first_block,
                           std::uint64_t blocks) {
  const std::array<Le64, 3> run = {file_number, first_block, blocks};
  streams_->zeros.Add(std::as_bytes(std::span(run)));
}

void ContentHash::AddMetadata(ByteView bytes) { streams_->metadata.Add(bytes); }

Uuid ContentHash::ToUuid() const {
  Stream all;
  for (const Stream* stream : {&streams_->data, &streams_->zeros, &streams_->metadata}) {
    const XXH128_canonical_t digest = stream->Digest();
    all.Add(std::as_bytes(std::span(digest.digest)));
  }
  const XXH128_canonical_t digest = all.Digest();
  Uuid uuid;
  std::memcpy(uuid.data(), digest.digest, uuid.size());
  uuid[6] = (uuid[6] & std::byte{0x0F}) | std::byte{0x80};  // version 8: vendor specific
  uuid[8] = (uuid[8] & std::byte{0x3F}) | std::byte{0x80};  // variant of RFC 9562
  return uuid;
}

}  // namespace amberfs
