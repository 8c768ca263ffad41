// CheckSignature(), with a signature by `fsverity sign` as its best input.
//
// Input: a flag (1 byte), then a certificate that may complete a chain and a signature (or, the
// flag being odd, a signature alone); the certificate's length stands before it (2 bytes).
#include <openssl/err.h>

#include "fuzz/fuzz_input.h"
#include "verity/signature.h"
#include "verity/test_vectors.h"

namespace amberfs::fuzz {
namespace {

const TrustStore& Store() {
  static const TrustStore store = [] {
    TrustStore made;
    made.Add(*Certificate::FromDer(FromBase64(kVectorCertificate)));
    return made;
  }();
  return store;
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  std::vector<Certificate> helpers;
  if (!input.TakeBytes(1).empty() && data[0] % 2 == 0) {
    const auto bytes = input.Take<Le16>().get();
    if (const auto helper = Certificate::FromDer(input.TakeBytes(bytes))) {
      FUZZ_CHECK(helper->subject().find('\n') == std::string::npos);
      helpers.push_back(*helper);
    }
  }
  const ByteView signature = input.rest();
  const auto signer = CheckSignature(signature, AsBytes(kVectorRootHash), helpers, Store());
  FUZZ_CHECK(ERR_peek_error() == 0);
  if (!signer) {
    FUZZ_CHECK(signer.error().code == Errc::kUnverified);
    return 0;
  }
  // Bits of a signature that do not matter may change; who signed what may not.
  FUZZ_CHECK(signature.size() <= kMaxSignatureBytes);
  FUZZ_CHECK(signer->fingerprint == Store().pinned().front().fingerprint());
  const auto other = CheckSignature(signature, AsBytes("another message"), helpers, Store());
  FUZZ_CHECK(!other && other.error().rule == Rule::kSig6);
  FUZZ_CHECK(!CheckSignature(signature, AsBytes(kVectorRootHash), helpers, TrustStore()));
  return 0;
}
