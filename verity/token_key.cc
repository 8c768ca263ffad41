// Engines are deprecated since OpenSSL 3.0, and there is nothing else in it for some tokens.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "verity/token_key.h"

#include <openssl/provider.h>

#if __has_include(<openssl/engine.h>)
#include <openssl/engine.h>
#endif

#include "verity/digest.h"

#if !defined(OPENSSL_NO_ENGINE) && __has_include(<openssl/engine.h>)
#define AMBERFS_HAS_ENGINES 1
#endif

namespace amberfs {

bool LoadTokenProvider() {
  PrepareOpenSsl();
  static const bool loaded = OSSL_PROVIDER_load(nullptr, "pkcs11") != nullptr;
  return loaded;
}

openssl::Key TokenKeyByEngine([[maybe_unused]] const std::string& uri,
                              [[maybe_unused]] const std::string& pin) {
#ifdef AMBERFS_HAS_ENGINES
  // Kept for as long as the process lives: keys call into it until the end.
  PrepareOpenSsl();
  static ENGINE* const engine = [] {
    ENGINE_load_dynamic();
    ENGINE* found = ENGINE_by_id("pkcs11");
    if (found != nullptr && ENGINE_init(found) != 1) {
      ENGINE_free(found);
      found = nullptr;
    }
    return found;
  }();
  if (engine == nullptr) return nullptr;
  if (!pin.empty() && ENGINE_ctrl_cmd_string(engine, "PIN", pin.c_str(), 0) != 1) return nullptr;
  return openssl::Key(ENGINE_load_private_key(engine, uri.c_str(), nullptr, nullptr));
#else
  return nullptr;
#endif
}

}  // namespace amberfs
