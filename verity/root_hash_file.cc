#include "verity/root_hash_file.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/checked.h"
#include "base/hex.h"
#include "verity/signature.h"

namespace amberfs {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kSystemdAlign = 4096;

std::optional<Digest> DigestIn(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  const auto bytes = FromHex(value.get_ref<const std::string&>());
  if (!bytes || (bytes->size() != 32 && bytes->size() != 64)) return std::nullopt;
  return Digest(*bytes);
}

// Whole groups of four characters, padding at the end only.
std::optional<std::vector<std::byte>> FromBase64(const std::string& text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() / 4 * 3 > kMaxSignatureBytes + 2)
    return std::nullopt;
  std::vector<unsigned char> decoded(text.size() / 4 * 3);
  const int size =
      EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // OpenSSL counts the padding as bytes.
  const std::size_t padding = text.size() - std::min(text.find('='), text.size());
  if (padding > 2) return std::nullopt;
  const ByteView bytes = std::as_bytes(std::span(decoded)).first(decoded.size() - padding);
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

std::string ToBase64(ByteView bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  out.pop_back();  // the NUL that it writes
  return out;
}

}  // namespace

std::optional<RootHashFile> RootHashFile::Parse(std::string_view text) {
  if (text.size() > kMaxBytes) return std::nullopt;
  while (text.ends_with('\0')) text.remove_suffix(1);
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto containerd = json.find("roothash");
  const auto systemd = json.find("rootHash");
  if ((containerd != json.end()) == (systemd != json.end())) return std::nullopt;

  RootHashFile file;
  const auto digest = DigestIn(containerd != json.end() ? *containerd : *systemd);
  if (!digest) return std::nullopt;
  file.root_hash = *digest;
  if (containerd != json.end()) {
    const auto offset = json.find("hashoffset");
    if (offset == json.end() || !offset->is_number_unsigned()) return std::nullopt;
    file.hash_offset = offset->get<std::uint64_t>();
    return file;
  }
  const auto signature = json.find("signature");
  if (signature == json.end() || !signature->is_string()) return std::nullopt;
  auto bytes = FromBase64(signature->get_ref<const std::string&>());
  if (!bytes) return std::nullopt;
  file.signature = std::move(*bytes);
  return file;
}

std::string RootHashFile::Systemd(const Digest& root_hash, ByteView signature,
                                  const Digest& certificate_fingerprint) {
  std::string text = fmt::format(
      R"({{"rootHash":"{}","certificateFingerprint":"{}","signature":"{}"}})",
      Hex(root_hash.bytes()), Hex(certificate_fingerprint.bytes()), ToBase64(signature));
  text.resize(RoundUp(text.size(), kSystemdAlign));
  return text;
}

std::string RootHashFile::Containerd(const Digest& root_hash, std::uint64_t hash_offset) {
  return fmt::format(R"({{"roothash":"{}","hashoffset":{}}})", Hex(root_hash.bytes()), hash_offset);
}

}  // namespace amberfs
