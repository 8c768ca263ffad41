// Signatures of images: detached PKCS#7, byte for byte what `fsverity sign` makes.
//
// A signature says that a key approved these bytes, nothing else: not a name, not a version. Its
// bytes are malleable, so nothing may be named or remembered by them.
//
//   SIG-1  1 to 16128 bytes, DER, nothing behind it, and DER again when encoded anew
//   SIG-2  signed data; content of type data, absent; 1 to 4 signers
//   SIG-3  each signer: SHA-256, -384 or -512; RSA or ECDSA; neither kind of attributes
//   SIG-4  each signer's certificate is one that the store vouches for
//   SIG-5  its key may sign code, and is strong enough
//   SIG-6  all signatures verify
#ifndef AMBERFS_VERITY_SIGNATURE_H_
#define AMBERFS_VERITY_SIGNATURE_H_

#include <span>
#include <string>

#include "base/error.h"
#include "verity/trust_store.h"

namespace amberfs {

inline constexpr std::size_t kMaxSignatureBytes = 16128;  // Linux's limit

struct Signer {
  std::string subject;  // printable
  Digest fingerprint;   // SHA-256 of the certificate
};

// Checks `signature` over `message` against `store`; `helpers` are certificates that may complete a
// chain. Signature and helpers are untrusted. Certificates inside the signature play no part.
// Returns the first signer.
Result<Signer> CheckSignature(ByteView signature, ByteView message,
                              std::span<const Certificate> helpers, const TrustStore& store);

}  // namespace amberfs

#endif  // AMBERFS_VERITY_SIGNATURE_H_
