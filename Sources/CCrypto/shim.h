#ifndef CCRYPTO_SHIM_H
#define CCRYPTO_SHIM_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

/* The low level of SHA-256, whose state is a plain value that can be copied. OpenSSL 3 keeps it but
   calls it deprecated in favour of EVP, which looks its algorithm up and allocates for each
   message. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static inline void ccrypto_sha256_begin(SHA256_CTX *state) { SHA256_Init(state); }

static inline void ccrypto_sha256_add(SHA256_CTX *state, const void *bytes, size_t count) {
  SHA256_Update(state, bytes, count);
}

static inline void ccrypto_sha256_end(SHA256_CTX *state, unsigned char *digest) {
  SHA256_Final(digest, state);
}

#pragma GCC diagnostic pop

#endif
