/*
 * smbios.c - where a BIOS has left its SMBIOS table (DMTF DSP0134, 5.2).
 *
 * The entry point, 64-bit or 32-bit, stands on a 16-byte boundary from
 * 0xf0000 on. The table is copied to pages of ours, which can be wiped, and
 * overwritten where it was, as far as the firmware lets it. UEFI names its
 * entry point in a table that this image does not see.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"

#define AREA      0xf0000u
#define AREA_END  0x100000u
#define TABLE_MAX (16u << 20)
#define ENTRY_MIN 0x18 /* of the 64-bit one */

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static bool sums(const uint8_t *p, size_t len)
{
    uint8_t s = 0;

    while (len-- != 0)
        s = (uint8_t)(s + *p++);
    return s == 0;
}

/* 5.2.2 "_SM3_": maximum size and address; 5.2.1 "_SM_": length and address
 * of the table behind "_DMI_" */
static bool entry(const uint8_t e[32], uint64_t *at, uint32_t *len)
{
    if (memcmp(e, "_SM3_", 5) == 0 && e[6] >= ENTRY_MIN && e[6] <= 32 &&
        sums(e, e[6])) {
        *len = get32(e + 12);
        *at = get32(e + 16) | (uint64_t)get32(e + 20) << 32;
        return true;
    }
    if (memcmp(e, "_SM_", 4) == 0 && memcmp(e + 16, "_DMI_", 5) == 0 &&
        sums(e + 16, 15)) {
        *len = (uint32_t)e[22] | (uint32_t)e[23] << 8;
        *at = get32(e + 24);
        return true;
    }
    return false;
}

static bool find(uint64_t *at, uint32_t *len)
{
    uint8_t e[32];
    uint32_t p;

    for (p = AREA; p + sizeof e <= AREA_END; p += 16)
        if (mem_peek(p, e, sizeof e) && e[0] == '_' && entry(e, at, len))
            return *len != 0 && *len <= TABLE_MAX;
    return false;
}

static struct blob copy;
static bool tried;

struct blob board_smbios(void)
{
    uint64_t at;
    uint32_t len;
    void *p;

    if (tried)
        return copy;
    tried = true;
    if (!cpu_is_guest() || !find(&at, &len) || mem_in_image(at, len))
        return copy; /* what an entry names is overwritten */
    p = board_pages(len);
    if (p == NULL || !mem_peek(at, p, len))
        return copy;
    mem_wipe(at, len);
    copy = blob_of(p, len);
    return copy;
}
