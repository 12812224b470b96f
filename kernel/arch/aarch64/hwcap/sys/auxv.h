/*
 * sys/auxv.h - what Mbed TLS asks Linux, answered by the processor.
 *
 * The library knows two ways to find out whether the AES, PMULL and SHA-256
 * instructions are there: getauxval() on Linux, or trying. At EL1 the
 * identification registers say it (Arm ARM, D17.2.61), so the few files that
 * ask are compiled as if for Linux, with this header (board.mk).
 */
#ifndef ARCH_AARCH64_SYS_AUXV_H
#define ARCH_AARCH64_SYS_AUXV_H

#define AT_HWCAP    16
#define HWCAP_ASIMD (1 << 1)
#define HWCAP_AES   (1 << 3) /* PMULL too: the library does not ask again */
#define HWCAP_SHA2  (1 << 6)

static inline unsigned long getauxval(unsigned long type)
{
    unsigned long id, caps = HWCAP_ASIMD;

    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(id));
    if ((id >> 4 & 15) >= 2)
        caps |= HWCAP_AES;
    if ((id >> 12 & 15) >= 1)
        caps |= HWCAP_SHA2;
    return type == AT_HWCAP ? caps : 0;
}

#endif
