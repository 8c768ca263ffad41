// An X.509 certificate, as far as signatures of images need one.
//
// The bytes may come from a stranger; what a Certificate says about itself is a claim until a
// TrustStore has vouched for it. Shares one OpenSSL object, which nobody changes; any thread.
#ifndef AMBERFS_VERITY_CERTIFICATE_H_
#define AMBERFS_VERITY_CERTIFICATE_H_

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "verity/digest.h"

namespace amberfs {

class Certificate {
 public:
  // One certificate in DER, and nothing behind it.
  static std::optional<Certificate> FromDer(ByteView bytes);
  // Those in a file: one in DER, or any number in PEM, among whatever else. Empty if there is none,
  // or one that cannot be decoded.
  static std::vector<Certificate> FromFile(ByteView bytes);

  // Takes ownership of a reference.
  explicit Certificate(X509* x509);

  X509* get() const { return x509_.get(); }
  std::vector<std::byte> der() const;

  bool is_authority() const;       // by its basic constraints
  std::string subject() const;     // printable, one line
  Digest fingerprint() const;      // SHA-256 of the certificate
  Digest key_fingerprint() const;  // SHA-256 of its public key (SubjectPublicKeyInfo)
  bool IsForCodeSigning() const;   // key usage and extended key usage allow it
  bool HasStrongKey(unsigned min_rsa_bits) const;  // RSA so long, or ECDSA of 256 bits

 private:
  std::shared_ptr<X509> x509_;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_CERTIFICATE_H_
