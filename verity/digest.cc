#include "verity/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace amberfs {
namespace {

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

// Without SHA-2 nothing here can work, and no input decides it.
void Require(bool works) {
  if (works) return;
  std::fputs("amberfs: this OpenSSL cannot compute SHA-256 and SHA-512\n", stderr);
  std::abort();
}

struct Algorithms {
  EVP_MD* sha256 = nullptr;
  EVP_MD* sha512 = nullptr;
};

// Fetched once: an implicit fetch for each block would cost 8 % of its hashing. Never freed; they
// live as long as the process.
const Algorithms& Fetched() {
  static const Algorithms fetched = [] {
    Algorithms made;
    Require(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1);
    Require(OSSL_PROVIDER_load(nullptr, "default") != nullptr);
    made.sha256 = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
    made.sha512 = EVP_MD_fetch(nullptr, "SHA2-512", nullptr);
    Require(made.sha256 != nullptr && made.sha512 != nullptr);
    return made;
  }();
  return fetched;
}

Context MakeContext(const EVP_MD* md) {
  Context context(EVP_MD_CTX_new());
  Require(context != nullptr && EVP_DigestInit_ex2(context.get(), md, nullptr) == 1);
  return context;
}

EVP_MD_CTX* ThreadContext(HashAlgorithm algorithm) {
  thread_local const Context sha256 = MakeContext(Fetched().sha256);
  thread_local const Context sha512 = MakeContext(Fetched().sha512);
  return algorithm == HashAlgorithm::kSha256 ? sha256.get() : sha512.get();
}

void HashTo(HashAlgorithm algorithm, ByteView prefix, ByteView bytes, ByteSpan out) {
  assert(out.size() == DigestBytes(algorithm));
  EVP_MD_CTX* context = ThreadContext(algorithm);
  std::array<unsigned char, kMaxDigestBytes> digest;
  // No digest named: the context starts anew with the one it has.
  const bool done =
      EVP_DigestInit_ex2(context, nullptr, nullptr) == 1 &&
      (prefix.empty() || EVP_DigestUpdate(context, prefix.data(), prefix.size()) == 1) &&
      EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1 &&
      EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1;
  Require(done);
  std::memcpy(out.data(), digest.data(), out.size());
}

}  // namespace

std::string_view NameOf(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::kSha256 ? "sha256" : "sha512";
}

std::optional<HashAlgorithm> HashAlgorithmFromName(std::string_view name) {
  for (const auto algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha512})
    if (name == NameOf(algorithm)) return algorithm;
  return std::nullopt;
}

std::optional<HashAlgorithm> HashAlgorithmFromNumber(std::uint64_t number) {
  if (number != 1 && number != 2) return std::nullopt;
  return static_cast<HashAlgorithm>(number);
}

Digest::Digest(ByteView bytes) : size_(static_cast<std::uint8_t>(bytes.size())) {
  assert(bytes.size() <= kMaxDigestBytes);
  std::ranges::copy(bytes, bytes_.begin());
}

void PrepareOpenSsl() { static_cast<void>(Fetched()); }

struct StreamHasher::State {
  HashAlgorithm algorithm;
  Context context;
};

StreamHasher::StreamHasher(HashAlgorithm algorithm)
    : state_(new State{
          algorithm,
          MakeContext(algorithm == HashAlgorithm::kSha256 ? Fetched().sha256 : Fetched().sha512)}) {
}
StreamHasher::StreamHasher(StreamHasher&&) noexcept = default;
StreamHasher::~StreamHasher() = default;

void StreamHasher::Add(ByteView bytes) {
  Require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Digest StreamHasher::Finish() {
  std::array<unsigned char, kMaxDigestBytes> digest;
  Require(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  return Digest(std::as_bytes(std::span(digest)).first(DigestBytes(state_->algorithm)));
}

Digest HashOf(HashAlgorithm algorithm, ByteView bytes) {
  return BlockHasher(algorithm).Hash(bytes);
}

BlockHasher::BlockHasher(HashAlgorithm algorithm, ByteView prefix)
    : algorithm_(algorithm), prefix_(prefix.begin(), prefix.end()) {}

void BlockHasher::Hash(ByteView block, ByteSpan out) const {
  HashTo(algorithm_, prefix_, block, out);
}

Digest BlockHasher::Hash(ByteView block) const {
  std::array<std::byte, kMaxDigestBytes> digest;
  const ByteSpan out = ByteSpan(digest).first(digest_bytes());
  Hash(block, out);
  return Digest(out);
}

void BlockHasher::HashBlocks(ByteView blocks, std::size_t block_bytes, ByteSpan out) const {
  for (; !blocks.empty(); blocks = blocks.subspan(block_bytes)) {
    Hash(blocks.first(block_bytes), out.first(digest_bytes()));
    out = out.subspan(digest_bytes());
  }
}

}  // namespace amberfs
