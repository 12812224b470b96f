/*
 * mbedtls_config.h - what of Mbed TLS 3.6 is compiled in: a TLS 1.2 and 1.3
 * client, X.509 verification, and nothing else.
 *
 * One line of reason per option. The file replaces Mbed TLS's own file of the
 * same name, so name it to the compiler in angle brackets,
 *     -DMBEDTLS_CONFIG_FILE='<mbedtls_config.h>' -Inet
 * (in quotes the library's default configuration would be found first, beside
 * build_info.h); net/tls.c refuses to compile when that went wrong. aes.c,
 * aesni.c and gcm.c must be compiled with the same -maes -mpclmul: they share
 * the alignment of the round keys.
 *
 * Left out on purpose: servers, DTLS, renegotiation, PSK and tickets (a run
 * makes one connection), RSA and DH key exchange (no forward secrecy), CBC
 * and CCM suites, DES, encrypted key files, ALPN, files, sockets, error and
 * debug strings (tls_reason.c says it in sentences).
 */
#ifndef BOOTMAIL_MBEDTLS_CONFIG
#define BOOTMAIL_MBEDTLS_CONFIG

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
/* ------------------------------------------------------------- platform */
#define MBEDTLS_HAVE_ASM            /* multiplication: 4 % of a handshake */
#define MBEDTLS_NO_UDBL_DIVISION    /* there is no __udivti3 to link against */
#define MBEDTLS_PLATFORM_C          /* the macros below need it */
#define MBEDTLS_PLATFORM_MEMORY     /* everything from the one bounded arena */
#define MBEDTLS_PLATFORM_CALLOC_MACRO tls_port_calloc
#define MBEDTLS_PLATFORM_FREE_MACRO heap_free
#define MBEDTLS_HAVE_TIME           /* HAVE_TIME_DATE needs it */
#define MBEDTLS_HAVE_TIME_DATE      /* without it expiry is not checked */
#define MBEDTLS_PLATFORM_TIME_MACRO tls_port_time /* tls_open()'s unix_now */
#define MBEDTLS_PLATFORM_TIME_TYPE_MACRO int64_t /* no 2038 on any target */
#define MBEDTLS_PLATFORM_MS_TIME_ALT /* there is no clock_gettime() */
#define MBEDTLS_PLATFORM_GMTIME_R_ALT /* there is no gmtime_r() */
#define MBEDTLS_DEPRECATED_REMOVED  /* nothing here may lean on it */
/* Compilers merge or misplace the wide accesses of the efficient variant
 * (Debian switches it off too); it saves next to nothing. The spelling is
 * the library's. */
#define MBEDTLS_ALIGNMENT_DISABLE_EFFICENT_UNALIGNED_ACCESS

/* --------------------------------------------------------------- random */
#define MBEDTLS_CTR_DRBG_C          /* net/rng.c */
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG /* PSA takes from net/rng.c too */

/* --------------------------------------------------------- primitives */
#define MBEDTLS_AES_C               /* AES-GCM, CTR_DRBG */
#define MBEDTLS_AESNI_C             /* used where the CPU has it (run time) */
#define MBEDTLS_AESCE_C             /* the same for Arm's */
#define MBEDTLS_SHA256_USE_ARMV8_A_CRYPTO_IF_PRESENT /* the same */
#define MBEDTLS_AES_ROM_TABLES      /* no tables to compute at start, -9 KB */
#define MBEDTLS_AES_FEWER_TABLES    /* 6 KB less; only CPUs without AES feel */
#define MBEDTLS_GCM_C               /* the suites everybody has */
#define MBEDTLS_CHACHA20_C          /* second choice: servers without GCM */
#define MBEDTLS_POLY1305_C          /* with ChaCha20 */
#define MBEDTLS_CHACHAPOLY_C        /* with ChaCha20 */
#define MBEDTLS_CIPHER_C            /* the record layer's view of ciphers */
#define MBEDTLS_MD_C                /* hashes by number */
#define MBEDTLS_MD5_C               /* CRAM-MD5; in no certificate */
#define MBEDTLS_SHA1_C              /* SCRAM-SHA-1; in no certificate */
#define MBEDTLS_SHA256_C            /* signatures, HKDF, fingerprints */
#define MBEDTLS_SHA384_C            /* AES-256-GCM suites, P-384 chains */
#define MBEDTLS_SHA512_C            /* RSA chains that use it; seed mixing */
#define MBEDTLS_HKDF_C              /* TLS 1.3 key schedule */
#define MBEDTLS_BIGNUM_C            /* RSA and curves */
#define MBEDTLS_RSA_C               /* certificates; client keys */
#define MBEDTLS_PKCS1_V15           /* signatures of chains and of TLS 1.2 */
#define MBEDTLS_PKCS1_V21           /* RSA-PSS: signatures of TLS 1.3 */
#define MBEDTLS_ECP_C               /* curves */
#define MBEDTLS_ECDH_C              /* the only key exchange */
#define MBEDTLS_ECDSA_C             /* certificates; client keys */
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED /* fewest instructions of all */
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED /* servers that have no P-256 */
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED /* chains, and Exchange's choice */
#define MBEDTLS_ECP_DP_SECP521R1_ENABLED /* rare chains */
#define MBEDTLS_ECP_NIST_OPTIM      /* special reduction: four times faster */

/* ------------------------------------------------- keys and certificates */
#define MBEDTLS_ASN1_PARSE_C        /* X.509 */
#define MBEDTLS_ASN1_WRITE_C        /* ECDSA signatures */
#define MBEDTLS_OID_C               /* X.509 */
#define MBEDTLS_PK_C                /* keys by type */
#define MBEDTLS_PK_PARSE_C          /* keys from certificates and key.pem */
#define MBEDTLS_PEM_PARSE_C         /* cert.pem, key.pem */
#define MBEDTLS_BASE64_C            /* PEM */
#define MBEDTLS_X509_USE_C          /* X.509 */
#define MBEDTLS_X509_CRT_PARSE_C    /* X.509 */
#define MBEDTLS_X509_CRL_PARSE_C    /* revocation lists: net/tls_crl.c */
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT /* TLS 1.3 needs it; PSS chains */
#define MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK /* lazy: net/tls_trust.c */
#define MBEDTLS_X509_REMOVE_INFO    /* nobody prints certificates */
#define MBEDTLS_X509_MAX_INTERMEDIATE_CA 8 /* more is refused */

/* ------------------------------------------------------------------ TLS */
#define MBEDTLS_SSL_TLS_C           /* the protocol */
#define MBEDTLS_SSL_CLI_C           /* its client */
#define MBEDTLS_SSL_PROTO_TLS1_2    /* many mail servers have no more */
#define MBEDTLS_SSL_PROTO_TLS1_3    /* one round trip less */
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED /* no PSK */
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE /* middleboxes */
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED /* TLS 1.2, EC chains */
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED /* TLS 1.2, RSA chains */
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET /* triple handshake (RFC 7627) */
#define MBEDTLS_SSL_SERVER_NAME_INDICATION /* shared hosts */
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE /* TLS 1.3 needs it */
#define MBEDTLS_SSL_KEYING_MATERIAL_EXPORT /* channel binding (RFC 9266) */
#define MBEDTLS_SSL_ALL_ALERT_MESSAGES /* say goodbye with the reason */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384 /* servers send full records */
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096 /* ours are small: 12 KB less */
#define MBEDTLS_PSA_CRYPTO_C        /* TLS 1.3 is written on it */
#define MBEDTLS_PSA_KEY_SLOT_COUNT 16 /* a handshake holds a few at once */
/* clang-format on */

#if MBEDTLS_SSL_IN_CONTENT_LEN != 16384
#error "servers do not negotiate smaller records (RFC 8446, 5.1)"
#endif
#if MBEDTLS_SSL_OUT_CONTENT_LEN < 1024
#error "a ClientHello or a client certificate would not fit"
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION) || defined(MBEDTLS_SSL_PROTO_DTLS) || \
    defined(MBEDTLS_SSL_SESSION_TICKETS)
#error "left out on purpose, see above"
#endif
#if defined(MBEDTLS_PSA_P256M_DRIVER_ENABLED)
#error "p256-m takes three to five times the instructions"
#endif

/* kernel/heap.h and net/tls_port.h, for files that see neither */
void *tls_port_calloc(size_t count, size_t size);
void heap_free(void *p);
int64_t tls_port_time(int64_t *out);

#endif
