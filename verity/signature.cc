#include "verity/signature.h"

#include <openssl/objects.h>

#include <algorithm>
#include <optional>

#include "verity/openssl.h"

namespace amberfs {
namespace {

using openssl::Cms;

constexpr int kMaxSigners = 4;

std::unexpected<Error> Refused(Rule rule) { return Broken(rule, Error::kNowhere); }

// SIG-1. Null if it is broken.
Cms Decode(ByteView signature) {
  if (signature.empty() || signature.size() > kMaxSignatureBytes) return nullptr;
  const unsigned char* at = openssl::Chars(signature);
  Cms cms(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(signature.size())));
  if (cms == nullptr || at != openssl::Chars(signature) + signature.size()) return nullptr;
  const auto again = openssl::ToDer<i2d_CMS_ContentInfo>(cms.get());
  return std::ranges::equal(again, signature) ? std::move(cms) : nullptr;
}

// SIG-2.
bool IsDetached(CMS_ContentInfo* cms) {
  if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed) return false;
  ASN1_OCTET_STRING** const content = CMS_get0_content(cms);
  if (OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data || content == nullptr ||
      *content != nullptr)
    return false;
  const int signers = sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms));
  return signers >= 1 && signers <= kMaxSigners;
}

// SIG-3. OpenSSL would take SHA-1 here at any security level: its levels are about certificates.
bool HasGoodAlgorithms(CMS_SignerInfo* signer) {
  constexpr int kDigests[] = {NID_sha256, NID_sha384, NID_sha512};
  constexpr int kSignatures[] = {NID_rsaEncryption,
                                 NID_sha256WithRSAEncryption,
                                 NID_sha384WithRSAEncryption,
                                 NID_sha512WithRSAEncryption,
                                 NID_rsassaPss,
                                 NID_ecdsa_with_SHA256,
                                 NID_ecdsa_with_SHA384,
                                 NID_ecdsa_with_SHA512};
  X509_ALGOR* digest = nullptr;
  X509_ALGOR* signature = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, &signature);
  if (digest == nullptr || signature == nullptr) return false;
  const int digest_nid = OBJ_obj2nid(digest->algorithm);
  const int signature_nid = OBJ_obj2nid(signature->algorithm);
  return std::ranges::count(kDigests, digest_nid) > 0 &&
         std::ranges::count(kSignatures, signature_nid) > 0 &&
         CMS_signed_get_attr_count(signer) <= 0 && CMS_unsigned_get_attr_count(signer) <= 0;
}

// SIG-4 and SIG-5: the trusted certificate that `signer` names. Two may bear one name and number;
// the first that is trusted counts.
Result<Certificate> FindSigner(CMS_SignerInfo* signer, std::span<const Certificate> helpers,
                               const TrustStore& store) {
  for (const auto certificates :
       {std::span(store.pinned()), std::span(store.authorities()), helpers}) {
    for (const Certificate& certificate : certificates) {
      if (CMS_SignerInfo_cert_cmp(signer, certificate.get()) != 0 ||
          !store.Vouches(certificate, helpers))
        continue;
      if (!certificate.IsForCodeSigning() || !certificate.HasStrongKey(store.policy().min_rsa_bits))
        return Refused(Rule::kSig5);
      return certificate;
    }
  }
  return Refused(Rule::kSig4);
}

// SIG-6. The certificates are trusted already: a store of them alone keeps the decision in one
// place, and keeps OpenSSL from using any other.
bool Verifies(CMS_ContentInfo* cms, ByteView message, std::span<const Certificate> signers) {
  const openssl::Store trusted(X509_STORE_new());
  const openssl::Stack stack(sk_X509_new_null());
  for (const Certificate& signer : signers) {
    X509_STORE_add_cert(trusted.get(), signer.get());
    sk_X509_push(stack.get(), signer.get());
  }
  X509_STORE_set_flags(trusted.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  X509_STORE_set_purpose(trusted.get(), X509_PURPOSE_ANY);
  // Not the memory itself: of that, OpenSSL 3.0 makes a copy that it forgets when it meets an
  // algorithm it does not know.
  const openssl::Bio content = openssl::Filtered(openssl::ReadFrom(message));
  if (content == nullptr) return false;
  return CMS_verify(cms, stack.get(), trusted.get(), content.get(), nullptr,
                    CMS_BINARY | CMS_NOINTERN | CMS_NOCRL) == 1;
}

}  // namespace

Result<Signer> CheckSignature(ByteView signature, ByteView message,
                              std::span<const Certificate> helpers, const TrustStore& store) {
  PrepareOpenSsl();
  const openssl::ErrorScope errors;
  const Cms cms = Decode(signature);
  if (cms == nullptr) return Refused(Rule::kSig1);
  if (!IsDetached(cms.get())) return Refused(Rule::kSig2);

  STACK_OF(CMS_SignerInfo)* const infos = CMS_get0_SignerInfos(cms.get());
  std::vector<Certificate> signers;
  for (int i = 0; i < sk_CMS_SignerInfo_num(infos); ++i) {
    CMS_SignerInfo* const info = sk_CMS_SignerInfo_value(infos, i);
    if (!HasGoodAlgorithms(info)) return Refused(Rule::kSig3);
    AMBERFS_TRY(Certificate certificate, FindSigner(info, helpers, store));
    signers.push_back(std::move(certificate));
  }
  if (!Verifies(cms.get(), message, signers)) return Refused(Rule::kSig6);
  return Signer{.subject = signers.front().subject(), .fingerprint = signers.front().fingerprint()};
}

}  // namespace amberfs
