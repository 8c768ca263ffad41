#include "verity/certificate.h"

#include <openssl/pem.h>

#include "verity/openssl.h"

namespace amberfs {

std::optional<Certificate> Certificate::FromDer(ByteView bytes) {
  PrepareOpenSsl();
  const openssl::ErrorScope errors;
  if (bytes.size() > INT_MAX) return std::nullopt;
  const unsigned char* at = openssl::Chars(bytes);
  X509* const x509 = d2i_X509(nullptr, &at, static_cast<long>(bytes.size()));
  if (x509 == nullptr) return std::nullopt;
  Certificate certificate(x509);
  if (at != openssl::Chars(bytes) + bytes.size()) return std::nullopt;
  return certificate;
}

std::vector<Certificate> Certificate::FromFile(ByteView bytes) {
  if (const auto certificate = FromDer(bytes)) return {*certificate};
  const openssl::ErrorScope errors;
  const openssl::Bio bio = openssl::ReadFrom(bytes);
  std::vector<Certificate> out;
  while (X509* const x509 = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    out.emplace_back(x509);
  // It ends where no further PEM starts; anything else is a certificate that is damaged.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) out.clear();
  return out;
}

Certificate::Certificate(X509* x509) : x509_(x509, X509_free) {
  // Decodes the extensions, which OpenSSL otherwise does when it is first asked.
  X509_check_purpose(x509, -1, 0);
}

std::vector<std::byte> Certificate::der() const { return openssl::ToDer<i2d_X509>(get()); }

bool Certificate::is_authority() const { return X509_check_ca(get()) == 1; }

std::string Certificate::subject() const {
  const openssl::Bio bio(BIO_new(BIO_s_mem()));
  // Escapes control and non-ASCII characters.
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(get()), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

Digest Certificate::fingerprint() const { return HashOf(HashAlgorithm::kSha256, der()); }

Digest Certificate::key_fingerprint() const {
  return HashOf(HashAlgorithm::kSha256,
                openssl::ToDer<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(get())));
}

bool Certificate::IsForCodeSigning() const {
  // Both are all ones if the extension is absent.
  constexpr std::uint32_t kAbsent = UINT32_MAX;
  const std::uint32_t usage = X509_get_key_usage(get());
  const std::uint32_t extended = X509_get_extended_key_usage(get());
  return (X509_get_extension_flags(get()) & EXFLAG_INVALID) == 0 &&
         (usage & KU_DIGITAL_SIGNATURE) != 0 &&
         (extended == kAbsent || (extended & (XKU_CODE_SIGN | XKU_ANYEKU)) != 0);
}

bool Certificate::HasStrongKey(unsigned min_rsa_bits) const {
  const EVP_PKEY* key = X509_get0_pubkey(get());
  if (key == nullptr) return false;
  const auto bits = static_cast<unsigned>(std::max(EVP_PKEY_get_bits(key), 0));
  if (EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1)
    return bits >= min_rsa_bits;
  return EVP_PKEY_is_a(key, "EC") == 1 && bits >= 256;
}

}  // namespace amberfs
