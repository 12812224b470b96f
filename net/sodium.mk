# libsodium, by name: Ed25519 signatures (RFC 8032), which Mbed TLS 3.6 does not
# have, and the SHA-512 they are made with.  Its other files, verification
# included, are not in the image.

SODIUM := crypto_core/ed25519/ref10/ed25519_ref10.c \
	crypto_hash/sha512/cp/hash_sha512_cp.c \
	crypto_sign/ed25519/ref10/keypair.c crypto_sign/ed25519/ref10/sign.c

# 64-bit machines with 128-bit products, all little-endian; CONFIGURED: this
# list stands for its ./configure.
SODIUM_INC   := -DCONFIGURED=1 -DHAVE_TI_MODE -DSODIUM_STATIC \
	$(addprefix -isystem $(SODIUM_DIR)/src/libsodium/,include include/sodium)
SODIUM_FLAGS := -DNATIVE_LITTLE_ENDIAN $(SODIUM_INC)

# Its table of multiples of the base point (30 KB) stays out of the image: for
# one signature a run net/tls_ed25519.c does without, by a function of this
# name.
SODIUM_FLAGS += -Dge25519_scalarmult_base=tls_ed25519_base
SODIUM_TABLE := -Uge25519_scalarmult_base
