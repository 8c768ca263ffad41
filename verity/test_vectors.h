// Signatures by other programs, for tests and fuzzing.
#ifndef AMBERFS_VERITY_TEST_VECTORS_H_
#define AMBERFS_VERITY_TEST_VECTORS_H_

#include <openssl/evp.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace amberfs {

// Made with openssl and `fsverity sign`, over the first 524288 bytes of the stream.
inline constexpr std::string_view kVectorCertificate =
    "MIIBazCCARKgAwIBAgIBATAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBNhbWJlcmZzIHRlc3QgdmVjdG9yMCAXDTI2"
    "MTEyMzA1NTM1MVoYDzIxMjYxMDMwMDU1MzUxWjAeMRwwGgYDVQQDDBNhbWJlcmZzIHRlc3QgdmVjdG9yMFkwEwYH"
    "KoZIzj0CAQYIKoZIzj0DAQcDQgAEYJEvEk6J28ZcWadUU2WLXojnMT2Z5JG1ee3to4Kb6rgCIZIb0DyGp5i54mAZ"
    "wPuTIwJcd4ULvdfCWhlQD3afPaM/MD0wDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwHQYDVR0OBBYEFCqL"
    "ewuGyJ3/NFgDyFy6ACW7f7G1MAoGCCqGSM49BAMCA0cAMEQCIBRPc3Z7IRR4ivnp3plPOKVQzUJfPDvDnFU4NjfK"
    "8uKSAiAJXGzaEVTJCY0dV9PbZ+YDCHE3vqnQHI2RABSKnBbgkg==";
inline constexpr std::string_view kVectorSignature =
    "MIHFBgkqhkiG9w0BBwKggbcwgbQCAQExDzANBglghkgBZQMEAgEFADALBgkqhkiG9w0BBwExgZAwgY0CAQEwIzAe"
    "MRwwGgYDVQQDDBNhbWJlcmZzIHRlc3QgdmVjdG9yAgEBMA0GCWCGSAFlAwQCAQUAMAoGCCqGSM49BAMCBEgwRgIh"
    "AL+M6xfApJ83LrZuqxE9VxE2KulBK9IT3vOsLw7zP9eEAiEA8bsJjoJhTNEW04833BKmh81EEfklutZt08JIhNkW"
    "ZlQ=";
inline constexpr std::string_view kVectorRootHashSignature =
    "MIHDBgkqhkiG9w0BBwKggbUwgbICAQExDzANBglghkgBZQMEAgEFADALBgkqhkiG9w0BBwExgY4wgYsCAQEwIzAe"
    "MRwwGgYDVQQDDBNhbWJlcmZzIHRlc3QgdmVjdG9yAgEBMA0GCWCGSAFlAwQCAQUAMAoGCCqGSM49BAMCBEYwRAIg"
    "do8dKyuev02Cbx7Os4Do4486lC5iABpu/HSkAxjnBVYCIFCJeUD5U+bnr0lNGNNNpqNcMX0RdsV/nUjSz31d91uV";
inline constexpr std::string_view kVectorRootHash =
    "b48f4371fa5417b754e42be4a714179dde72b26a47385e5f0568c55f403d9d40";

inline std::vector<std::byte> FromBase64(std::string_view text) {
  std::vector<unsigned char> out(text.size() / 4 * 3);
  EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  const std::size_t padding = static_cast<std::size_t>(std::ranges::count(text, '='));
  const ByteView bytes = std::as_bytes(std::span(out)).first(out.size() - padding);
  return {bytes.begin(), bytes.end()};
}

}  // namespace amberfs

#endif  // AMBERFS_VERITY_TEST_VECTORS_H_
