// Keys and certificates for tests, made when they are needed.
#ifndef AMBERFS_VERITY_TEST_KEYS_H_
#define AMBERFS_VERITY_TEST_KEYS_H_

#include <string>

#include "verity/signing_key.h"

namespace amberfs {

struct TestKeySpec {
  std::string name = "test";  // of the subject
  unsigned rsa_bits = 0;      // 0: ECDSA with P-256
  bool is_authority = false;
  std::string usage = {};  // keyUsage, as in openssl.cnf; empty: none
  std::string extended_usage = {};
  long days_from_now = 0;  // when it becomes valid
  long days = 3650;
};

// A key whose certificate `issuer` signs; itself if there is none.
SigningKey MakeTestKey(const TestKeySpec& spec, const SigningKey* issuer = nullptr);

}  // namespace amberfs

#endif  // AMBERFS_VERITY_TEST_KEYS_H_
