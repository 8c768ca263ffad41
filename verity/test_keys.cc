#include "verity/test_keys.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <atomic>

#include "verity/openssl.h"

namespace amberfs {
namespace {

void AddExtension(X509* x509, X509* issuer, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  const openssl::Owner<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(x509, extension.get(), -1);
}

}  // namespace

SigningKey MakeTestKey(const TestKeySpec& spec, const SigningKey* issuer) {
  PrepareOpenSsl();
  static std::atomic<long> serial = 1;
  EVP_PKEY* const key = spec.rsa_bits > 0 ? EVP_RSA_gen(spec.rsa_bits) : EVP_EC_gen("P-256");
  X509* const x509 = X509_new();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
  constexpr long kDay = 24 * 60 * 60;
  X509_gmtime_adj(X509_getm_notBefore(x509), spec.days_from_now * kDay);
  X509_gmtime_adj(X509_getm_notAfter(x509), (spec.days_from_now + spec.days) * kDay);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                             openssl::Chars(AsBytes(spec.name)), -1, -1, 0);
  X509* const by = issuer != nullptr ? issuer->certificate().get() : x509;
  X509_set_issuer_name(x509, X509_get_subject_name(by));
  X509_set_pubkey(x509, key);
  AddExtension(x509, by, NID_basic_constraints,
               spec.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  AddExtension(x509, by, NID_key_usage, spec.usage);
  AddExtension(x509, by, NID_ext_key_usage, spec.extended_usage);
  X509_sign(x509, issuer != nullptr ? issuer->key() : key, EVP_sha256());
  return SigningKey(key, Certificate(x509));
}

}  // namespace amberfs
