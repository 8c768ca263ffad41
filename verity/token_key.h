// A private key that stays in a token: a smart card or another module with a PKCS#11 interface.
#ifndef AMBERFS_VERITY_TOKEN_KEY_H_
#define AMBERFS_VERITY_TOKEN_KEY_H_

#include <string>
#include <string_view>

#include "verity/openssl.h"

namespace amberfs {

// RFC 7512.
inline bool IsTokenUri(std::string_view uri) { return uri.starts_with("pkcs11:"); }

// Lets OpenSSL's store find what "pkcs11:" names, where its provider for that is installed. Loads
// the provider's module into the process. False if there is none. Any thread.
bool LoadTokenProvider();

// The key that `uri` names, by OpenSSL's engine, which Debian 12 has instead of the provider; null
// if that is not installed or finds none. `pin` may be empty, or in the URI.
openssl::Key TokenKeyByEngine(const std::string& uri, const std::string& pin);

}  // namespace amberfs

#endif  // AMBERFS_VERITY_TOKEN_KEY_H_
