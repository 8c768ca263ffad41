// A private key with its certificate, which makes the signatures that verity/signature.h checks.
#ifndef AMBERFS_VERITY_SIGNING_KEY_H_
#define AMBERFS_VERITY_SIGNING_KEY_H_

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "verity/certificate.h"
#include "verity/trust_store.h"

namespace amberfs {

class SigningKey {
 public:
  // Each is the name of a file in PEM, DER or PKCS#12, or a URI that a provider of OpenSSL knows; a
  // key's may start with "pkcs11:". `certificate_uri` may be empty if both are in one place. A key
  // that is encrypted or in a token needs `passphrase`. Fails if the key is not the certificate's.
  static ConfigResult<SigningKey> Load(const std::string& key_uri,
                                       const std::string& certificate_uri,
                                       const std::string& passphrase);

  // Takes ownership of a reference to `key`.
  SigningKey(EVP_PKEY* key, Certificate certificate);

  const Certificate& certificate() const { return certificate_; }
  EVP_PKEY* key() const { return key_.get(); }

  // A signature over `message`, with SHA-256 or SHA-512 as `algorithm` says. For RSA it is byte for
  // byte that of `fsverity sign`. Fails if it could not be checked with this certificate: one that
  // is not for code, say, or a key too weak.
  ConfigResult<std::vector<std::byte>> Sign(ByteView message, HashAlgorithm algorithm) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  Certificate certificate_;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_SIGNING_KEY_H_
