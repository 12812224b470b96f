# Mbed TLS 3.6, by name: a TLS 1.2 and 1.3 client, X.509, PEM.  Each file
# compiles to nothing where net/mbedtls_config.h leaves its part out; what is
# not listed (servers, tickets, DTLS, PKCS#7, sockets, files) cannot get in.

MBEDTLS := \
	aes.c aesce.c aesni.c \
	asn1parse.c asn1write.c \
	base64.c \
	bignum.c bignum_core.c bignum_mod.c bignum_mod_raw.c \
	block_cipher.c \
	ccm.c \
	chacha20.c chachapoly.c poly1305.c \
	cipher.c cipher_wrap.c \
	constant_time.c \
	ctr_drbg.c entropy.c hmac_drbg.c \
	ecdh.c ecdsa.c ecp.c ecp_curves.c ecp_curves_new.c \
	error.c \
	gcm.c \
	hkdf.c \
	md.c md5.c \
	oid.c \
	pem.c pk.c pk_ecc.c pk_wrap.c pkcs5.c pkcs12.c pkparse.c pkwrite.c \
	platform.c platform_util.c \
	psa_crypto.c psa_crypto_aead.c psa_crypto_cipher.c \
	psa_crypto_client.c psa_crypto_driver_wrappers_no_static.c \
	psa_crypto_ecp.c psa_crypto_ffdh.c psa_crypto_hash.c \
	psa_crypto_mac.c psa_crypto_random.c psa_crypto_rsa.c \
	psa_crypto_slot_management.c \
	psa_crypto_storage.c psa_util.c \
	rsa.c rsa_alt_helpers.c \
	sha1.c sha256.c sha3.c sha512.c \
	ssl_ciphersuites.c ssl_client.c ssl_msg.c ssl_tls.c \
	ssl_tls12_client.c \
	ssl_tls13_client.c ssl_tls13_generic.c ssl_tls13_keys.c \
	x509.c x509_crl.c x509_crt.c

# The arithmetic is most of a handshake: -O2 saves a tenth of it.
MBEDTLS_FAST := aes.c aesce.c aesni.c bignum.c bignum_core.c bignum_mod.c \
	bignum_mod_raw.c chacha20.c constant_time.c ecp.c ecp_curves.c \
	ecp_curves_new.c gcm.c poly1305.c sha256.c sha512.c

# The files that get a board's MBEDTLS_SIMD: they ask the processor first.
MBEDTLS_SIMD_FILES ?= aes.c aesni.c gcm.c

# These parse what the peer sends, and have no way to say which critical
# extensions the caller knows: they call net/tls_ext.c in the library's stead.
MBEDTLS_ASKS := ssl_tls.c ssl_tls13_generic.c
MBEDTLS_PARSE := -Dmbedtls_x509_crt_parse_der=tls_ext_parse

# In angle brackets: between quotes the folder of the including file comes
# first, and there lies Mbed TLS's own default mbedtls_config.h.
MBEDTLS_CONFIG := -DMBEDTLS_CONFIG_FILE='<mbedtls_config.h>'
MBEDTLS_INC   := -isystem $(MBEDTLS_DIR)/include $(MBEDTLS_CONFIG)
# An empty X.509 name makes the library call memcmp(NULL, ..., 0): harmless,
# and no reason for a sanitized build to stop on a peer's certificate.
MBEDTLS_FLAGS := -Inet -Ikernel -I$(MBEDTLS_DIR)/include \
	-I$(MBEDTLS_DIR)/library $(MBEDTLS_CONFIG) \
	-fno-sanitize=nonnull-attribute
