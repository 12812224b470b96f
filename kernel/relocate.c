/*
 * relocate.c - RELR relocations (ELF gABI, "Relative Relocation Table").
 *
 * An even entry is the address of a word to adjust. An odd one is a bitmap of
 * the 63 words behind the last: bit n + 1 stands for word n.
 */
#include "relocate.h"

__attribute__((no_stack_protector)) void relocate_by(uintptr_t off,
                                                     uintptr_t add,
                                                     const uint64_t *relr,
                                                     const uint64_t *end)
{
    uint64_t *at = (uint64_t *)off, bits;
    unsigned i;

    for (; relr < end; relr++) {
        bits = *relr;
        if ((bits & 1) == 0) {
            at = (uint64_t *)(off + bits);
            *at++ += add;
            continue;
        }
        for (i = 0; (bits >>= 1) != 0; i++)
            if ((bits & 1) != 0)
                at[i] += add;
        at += 63;
    }
}

__attribute__((no_stack_protector)) void relocate(uintptr_t base,
                                                  const uint64_t *relr,
                                                  const uint64_t *end)
{
    relocate_by(base, base, relr, end);
}
