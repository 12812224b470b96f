/*
 * devices.c - where virtio devices and QEMU's fw_cfg are found.
 *
 * virtio-mmio: from the words virtio_mmio.device=SIZE@BASE:IRQ[:ID] that
 * QEMU's microvm and Firecracker append (Linux, admin-guide/kernel-
 * parameters), else from ACPI where it describes such devices. virtio-pci:
 * pci.c. What is there is kernel/devices.c's.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "devices.h"
#include "fwcfg_port.h"
#include "log.h"
#include "platform.h"

#define FWCFG_SELECT 0x510
#define FWCFG_DATA   0x511
#define FWCFG_DMA    0x514

/* ----------------------------------------------------------- virtio-mmio */

/* Decimal or 0x hexadecimal at the start of *s, which moves past it. */
static bool number(struct blob *s, uint64_t *out)
{
    unsigned base = 10, digit;
    uint64_t v = 0;
    size_t i = 0, first;

    if (s->len > 2 && s->p[0] == '0' && (s->p[1] | 0x20) == 'x') {
        base = 16;
        i = 2;
    }
    for (first = i; i < s->len; i++) {
        uint8_t c = s->p[i];

        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (c | 0x20) - 'a' + 10;
        else
            break;
        if (v > (UINT64_MAX - digit) / base)
            return false;
        v = v * base + digit;
    }
    *out = v;
    *s = blob_of(s->p + i, s->len - i);
    return i > first;
}

static bool literal(struct blob *s, char c)
{
    if (s->len == 0 || s->p[0] != (uint8_t)c)
        return false;
    *s = blob_of(s->p + 1, s->len - 1);
    return true;
}

struct mmio_word {
    uint64_t size, base, irq;
};

static bool mmio_parse(struct blob s, struct mmio_word *w)
{
    uint64_t id;

    if (!number(&s, &w->size))
        return false;
    if (literal(&s, 'K') || literal(&s, 'k'))
        w->size = w->size < 1u << 20 ? w->size << 10 : 0;
    else if (literal(&s, 'M') || literal(&s, 'm'))
        w->size = w->size < 1u << 10 ? w->size << 20 : 0;
    if (!literal(&s, '@') || !number(&s, &w->base) || !literal(&s, ':') ||
        !number(&s, &w->irq))
        return false;
    if (literal(&s, ':') && !number(&s, &id))
        return false;
    return s.len == 0;
}

static bool route(const void *irq)
{
    return apic_route(*(const uint32_t *)irq);
}

static void mmio_device(uint64_t base, uint64_t size, uint32_t gsi)
{
    devices_mmio(base, size, route, &gsi);
}

static void mmio_word(struct blob s)
{
    struct mmio_word w;

    if (!mmio_parse(s, &w) || w.size < DEVICES_MMIO_SIZE || w.base % 4 != 0 ||
        w.base > UINT64_MAX - w.size || w.irq > UINT32_MAX)
        log_say("ignored: virtio_mmio.device=%.*s is not SIZE@BASE:IRQ",
                s.len < 80 ? (int)s.len : 80, (const char *)s.p);
    else
        mmio_device(w.base, w.size, (uint32_t)w.irq);
}

/* QEMU's microvm tells by ACPI or, where that is off, by the command line. */
static void find_mmio(void)
{
    static const char key[] = "virtio_mmio.device=";
    struct blob rest = board_info()->cmdline, word;
    size_t n = sizeof key - 1;
    bool told = false;

    while (boot_word(&rest, &word)) {
        if (word.len > n && memcmp(word.p, key, n) == 0) {
            told = true;
            mmio_word(blob_of(word.p + n, word.len - n));
        }
    }
    if (!told)
        acpi_virtio_mmio(mmio_device);
}

void platform_find_devices(void)
{
    find_mmio();
    pci_find();
    console_open(); /* if there is one among them */
}

/* ---------------------------------------------------------------- fw_cfg */

static void fwcfg_select(uint16_t key)
{
    cpu_out16(FWCFG_SELECT, key);
}

static void fwcfg_bytes(uint8_t *out, size_t len)
{
    cpu_in8_block(FWCFG_DATA, out, len);
}

static void fwcfg_dma(uint32_t high, uint32_t low)
{
    cpu_out32(FWCFG_DMA, high);
    cpu_out32(FWCFG_DMA + 4, low);
}

const struct fwcfg_io *board_fwcfg(void)
{
    static const struct fwcfg_port port = { fwcfg_select, fwcfg_bytes,
                                            fwcfg_dma };

    return cpu_is_guest() ? fwcfg_open(&port) : NULL;
}

size_t board_entropy(uint8_t *out, size_t len)
{
    return cpu_entropy(out, len);
}
