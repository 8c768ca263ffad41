// Owners for OpenSSL's objects. Only for the sources of verity/ that talk to OpenSSL.
#ifndef AMBERFS_VERITY_OPENSSL_H_
#define AMBERFS_VERITY_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <climits>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace amberfs::openssl {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owner = std::unique_ptr<T, Deleter<Free>>;

inline void FreeStack(STACK_OF(X509) * stack) { sk_X509_free(stack); }

using Bio = Owner<BIO, BIO_free_all>;
using Cms = Owner<CMS_ContentInfo, CMS_ContentInfo_free>;
using Pkcs7 = Owner<PKCS7, PKCS7_free>;
using Key = Owner<EVP_PKEY, EVP_PKEY_free>;
using Stack = Owner<STACK_OF(X509), FreeStack>;  // borrows the certificates in it
using Store = Owner<X509_STORE, X509_STORE_free>;
using StoreContext = Owner<X509_STORE_CTX, X509_STORE_CTX_free>;

// OpenSSL keeps a list of errors for each thread; nobody else's calls may find ours in it.
struct ErrorScope {
  ErrorScope() { ERR_clear_error(); }
  ~ErrorScope() { ERR_clear_error(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

inline const unsigned char* Chars(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Reads from `bytes`, which must outlive it. Null if they are too many for OpenSSL.
inline Bio ReadFrom(ByteView bytes) {
  if (bytes.size() > INT_MAX) return nullptr;
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// The same bytes, from something that is not known to be memory. Null if there is none.
inline Bio Filtered(Bio bio) {
  if (bio == nullptr) return nullptr;
  Bio filter(BIO_new(BIO_f_null()));
  if (filter != nullptr) BIO_push(filter.get(), bio.release());
  return filter;
}

// What an i2d_ function makes of `object`; empty if it fails.
template <auto Encode, typename T>
std::vector<std::byte> ToDer(T* object) {
  unsigned char* encoded = nullptr;
  const int size = Encode(object, &encoded);
  if (size <= 0) return {};
  const ByteView bytes = std::as_bytes(std::span(encoded, static_cast<std::size_t>(size)));
  std::vector<std::byte> out(bytes.begin(), bytes.end());
  OPENSSL_free(encoded);
  return out;
}

}  // namespace amberfs::openssl

#endif  // AMBERFS_VERITY_OPENSSL_H_
