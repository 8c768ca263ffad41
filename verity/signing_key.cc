#include "verity/signing_key.h"

#include <fmt/format.h>
#include <openssl/ui.h>

#include <cstring>
#include <utility>

#include "base/text.h"
#include "verity/openssl.h"
#include "verity/signature.h"
#include "verity/token_key.h"

namespace amberfs {
namespace {

std::string LastError() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason != nullptr ? reason : "no reason given";
}

int GivePassphrase(char* buffer, int size, int /*writing*/, void* passphrase) {
  const auto& text = *static_cast<const std::string*>(passphrase);
  if (text.empty() || std::cmp_greater(text.size(), size)) return -1;
  std::memcpy(buffer, text.data(), text.size());
  return static_cast<int>(text.size());
}

struct Found {
  openssl::Key key;
  std::vector<Certificate> certificates;
};

// Everything at `uri`. OpenSSL 3.0 reports an error after the last object of a PEM file, so what
// counts is what was found.
Found LoadAll(const std::string& uri, const std::string& passphrase) {
  using UiMethod = openssl::Owner<UI_METHOD, UI_destroy_method>;
  const UiMethod ui(UI_UTIL_wrap_read_pem_callback(GivePassphrase, 0));
  std::string secret = passphrase;
  using Context = openssl::Owner<OSSL_STORE_CTX, OSSL_STORE_close>;
  const Context context(OSSL_STORE_open_ex(uri.c_str(), nullptr, nullptr, ui.get(), &secret,
                                           nullptr, nullptr, nullptr));
  Found found;
  while (context != nullptr && OSSL_STORE_eof(context.get()) == 0) {
    using Info = openssl::Owner<OSSL_STORE_INFO, OSSL_STORE_INFO_free>;
    const Info info(OSSL_STORE_load(context.get()));
    if (info == nullptr) {
      if (OSSL_STORE_error(context.get()) != 0) break;
      continue;
    }
    if (OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_PKEY)
      found.key.reset(OSSL_STORE_INFO_get1_PKEY(info.get()));
    else if (OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_CERT)
      found.certificates.emplace_back(OSSL_STORE_INFO_get1_CERT(info.get()));
  }
  return found;
}

}  // namespace

SigningKey::SigningKey(EVP_PKEY* key, Certificate certificate)
    : key_(key, EVP_PKEY_free), certificate_(std::move(certificate)) {}

ConfigResult<SigningKey> SigningKey::Load(const std::string& key_uri,
                                          const std::string& certificate_uri,
                                          const std::string& passphrase) {
  PrepareOpenSsl();
  const openssl::ErrorScope errors;
  Found found;
  if (IsTokenUri(key_uri) && !LoadTokenProvider())
    found.key = TokenKeyByEngine(key_uri, passphrase);
  else
    found = LoadAll(key_uri, passphrase);
  if (found.key == nullptr)
    return std::unexpected(
        fmt::format("{}: no private key can be read: {}", Printable(key_uri), LastError()));
  if (!certificate_uri.empty())
    found.certificates = LoadAll(certificate_uri, passphrase).certificates;
  const std::string& place = certificate_uri.empty() ? key_uri : certificate_uri;
  if (found.certificates.empty())
    return std::unexpected(fmt::format("{}: no certificate can be read", Printable(place)));
  for (const Certificate& certificate : found.certificates)
    if (X509_check_private_key(certificate.get(), found.key.get()) == 1)
      return SigningKey(found.key.release(), certificate);
  return std::unexpected(fmt::format("{}: not the certificate of this key", Printable(place)));
}

ConfigResult<std::vector<std::byte>> SigningKey::Sign(ByteView message,
                                                      HashAlgorithm algorithm) const {
  const openssl::ErrorScope errors;
  constexpr int kFlags = PKCS7_BINARY | PKCS7_DETACHED | PKCS7_NOATTR | PKCS7_NOCERTS;
  const EVP_MD* const md = algorithm == HashAlgorithm::kSha256 ? EVP_sha256() : EVP_sha512();
  const openssl::Bio content = openssl::ReadFrom(message);
  // PKCS7_ rather than CMS_: only these write the algorithms as `fsverity sign` does.
  const openssl::Pkcs7 p7(
      PKCS7_sign(nullptr, nullptr, nullptr, content.get(), kFlags | PKCS7_PARTIAL));
  if (p7 == nullptr ||
      PKCS7_sign_add_signer(p7.get(), certificate_.get(), key_.get(), md, kFlags) == nullptr ||
      PKCS7_final(p7.get(), content.get(), kFlags) != 1)
    return std::unexpected("cannot sign with this key: " + LastError());
  std::vector<std::byte> signature = openssl::ToDer<i2d_PKCS7>(p7.get());

  // Whoever signs should learn that nobody will accept it, not whoever verifies.
  TrustStore self({.ignore_time = true});
  self.Add(certificate_);
  if (const auto checked = CheckSignature(signature, message, {}, self); !checked)
    return std::unexpected("a signature of this key would not be accepted: " +
                           Describe(checked.error()));
  return signature;
}

}  // namespace amberfs
