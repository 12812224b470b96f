/*
 * devices.c - finding virtio devices and QEMU's fw_cfg.
 *
 * virtio-mmio: from the words virtio_mmio.device=SIZE@BASE:IRQ[:ID] that
 * QEMU's microvm and Firecracker append (Linux, admin-guide/kernel-
 * parameters), else from ACPI where it describes such devices. virtio-pci: by
 * configuration mechanism 1 (PCI 3.0, 3.2.2.3.2),
 * where the host bridge answers to it. Devices of other kinds are left as
 * they were found; a network card that cannot be driven is kept with the
 * reason, which is better than "no network device".
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "fwcfg.h"
#include "log.h"
#include "pci.h"
#include "virtio.h"

#define DEVICES_MAX 16
#define MMIO_SIZE   0x200 /* registers and 256 bytes of configuration */

#define PCI_ADDRESS   0xcf8
#define PCI_DATA      0xcfc
#define VIRTIO_VENDOR 0x1af4
#define BAR_LIMIT     (1ull << 32) /* nobody needs a virtio BAR of 4 GiB */

#define FWCFG_SELECT 0x510
#define FWCFG_DATA   0x511
#define FWCFG_DMA    0x514 /* address of struct fwcfg_dma, big-endian */
#define DMA_LEAST    64    /* bytes for which it pays */

static struct virtio_dev devices[DEVICES_MAX];
static size_t device_count;

static void keep(const struct virtio_dev *dev, bool interrupts)
{
    devices[device_count++] = *dev;
    log_trace("found %s, kind %u%s", dev->name, (unsigned)dev->id,
              interrupts ? "" : ", no interrupt");
    if (!interrupts)
        apic_unrouted();
}

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

static void mmio_ignored(uint64_t base, const char *why)
{
    log_say("ignored: virtio-mmio device at 0x%llx: %s",
            (unsigned long long)base, why);
}

static void mmio_device(uint64_t base, uint64_t size, uint32_t gsi)
{
    struct virtio_dev dev;
    const char *why = NULL;
    void *p;

    if (device_count == DEVICES_MAX)
        return;
    if (mem_has_ram(base, size)) {
        mmio_ignored(base, "this is RAM");
        return;
    }
    p = mem_map(base, size, MEM_DEV);
    if (p == NULL)
        mmio_ignored(base, "this address cannot be mapped");
    else if (virtio_mmio_probe(&dev, p, &why))
        keep(&dev, apic_route(gsi));
    else if (why != NULL)
        mmio_ignored(base, why);
}

static void mmio_word(struct blob s)
{
    struct mmio_word w;

    if (!mmio_parse(s, &w) || w.size < MMIO_SIZE || w.base % 4 != 0 ||
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

    while (cmdline_word(&rest, &word)) {
        if (word.len > n && memcmp(word.p, key, n) == 0) {
            told = true;
            mmio_word(blob_of(word.p + n, word.len - n));
        }
    }
    if (!told)
        acpi_virtio_mmio(mmio_device);
}

/* ------------------------------------------------------------ virtio-pci */

static void pci_select(uint32_t bdf, uint16_t off)
{
    cpu_out32(PCI_ADDRESS, 0x80000000 | bdf << 8 | (off & 0xfc));
}

static uint32_t pci_read(uint32_t bdf, uint16_t off, uint8_t bytes)
{
    uint16_t port = (uint16_t)(PCI_DATA + (off & 3));

    pci_select(bdf, off);
    if (bytes == 1)
        return cpu_in8(port);
    if (bytes == 2)
        return cpu_in16(port);
    return cpu_in32(PCI_DATA);
}

static void pci_write(uint32_t bdf, uint16_t off, uint32_t v, uint8_t bytes)
{
    uint16_t port = (uint16_t)(PCI_DATA + (off & 3));

    pci_select(bdf, off);
    if (bytes == 1)
        cpu_out8(port, (uint8_t)v);
    else if (bytes == 2)
        cpu_out16(port, (uint16_t)v);
    else
        cpu_out32(PCI_DATA, v);
}

static const struct pci_host host = { pci_read, pci_write };

struct function {
    uint32_t bdf;
    const char *why; /* the last BAR that could not be mapped */
    struct pci_bar bars[PCI_BARS];
};

static volatile uint8_t *bar_map(void *ctx, uint8_t n, uint32_t off,
                                 uint32_t len)
{
    struct function *f = ctx;
    const struct pci_bar *bar = &f->bars[n < PCI_BARS ? n : 0];
    void *p;

    if (n >= PCI_BARS || bar->size == 0 || bar->size > BAR_LIMIT) {
        f->why = "the firmware gave it no memory addresses";
        return NULL;
    }
    if (off > bar->size || len > bar->size - off) {
        f->why = "a structure lies outside its BAR";
        return NULL;
    }
    if (bar->addr > UINT64_MAX - bar->size ||
        mem_has_ram(bar->addr, bar->size)) {
        f->why = "a BAR lies in RAM";
        return NULL;
    }
    p = mem_map(bar->addr + off, len, MEM_DEV);
    if (p == NULL)
        f->why = "a BAR cannot be mapped";
    return p;
}

static uint32_t fn_read(void *ctx, uint16_t off, uint8_t bytes)
{
    return pci_read(((struct function *)ctx)->bdf, off, bytes);
}

static void fn_write(void *ctx, uint16_t off, uint32_t v, uint8_t bytes)
{
    pci_write(((struct function *)ctx)->bdf, off, v, bytes);
}

/* virtio 1.2, 4.1.2: transitional 0x1000 + n or modern 0x1040 + id */
static bool wanted(uint32_t device)
{
    switch (device) {
    case 0x1000:
    case 0x1040 + VIRTIO_ID_NET:
    case 0x1003:
    case 0x1040 + VIRTIO_ID_CONSOLE:
    case 0x1005:
    case 0x1040 + VIRTIO_ID_RNG:
        return true;
    default:
        return false;
    }
}

/* "0:3.0", as lspci would say it */
static void name_of(uint32_t bdf, char out[12])
{
    static const char hex[] = "0123456789abcdef";
    uint32_t bus = bdf >> 8, dev = bdf >> 3 & 31;
    char *p = out;

    if (bus > 15)
        *p++ = hex[bus >> 4];
    *p++ = hex[bus & 15];
    *p++ = ':';
    if (dev > 15)
        *p++ = hex[dev >> 4];
    *p++ = hex[dev & 15];
    *p++ = '.';
    *p++ = hex[bdf & 7];
    *p = '\0';
}

static void keep_unusable(struct virtio_dev *dev, const char *why)
{
    dev->ops = NULL;
    dev->unusable = why;
    devices[device_count++] = *dev;
}

/* Somebody else's card, such as QEMU's e1000: named, not driven. */
static void other_card(uint32_t bdf)
{
    struct virtio_dev dev = { .id = VIRTIO_ID_NET };
    static const char bus[] = "pci ";

    memcpy(dev.name, bus, sizeof bus - 1);
    name_of(bdf, dev.name + sizeof bus - 1);
    keep_unusable(&dev, "it is not a virtio device (QEMU: give the machine "
                        "virtio-net-pci instead)");
}

static void virtio_function(uint32_t bdf)
{
    struct function f = { .bdf = bdf };
    struct virtio_dev dev;
    struct virtio_pci_access access = {
        .read = fn_read,
        .write = fn_write,
        .map = bar_map,
        .ctx = &f,
    };
    const char *why = NULL;
    uint64_t address;
    uint32_t data;
    char where[12];

    name_of(bdf, where);
    access.where = where;
    pci_bars(&host, bdf, f.bars);
    pci_command(&host, bdf, PCI_CMD_MEMORY, 0);
    access.msix = apic_msi(&address, &data) &&
                  pci_msix(&host, bdf, address, data, bar_map, &f);
    if (virtio_pci_probe(&dev, &access, &why))
        keep(&dev, access.msix);
    else if (why != NULL)
        keep_unusable(&dev, f.why != NULL ? f.why : why);
}

static bool pci_function(void *ctx, uint32_t bdf)
{
    (void)ctx;
    if (pci_read(bdf, PCI_VENDOR, 2) != VIRTIO_VENDOR) {
        if (pci_read(bdf, PCI_CLASS, 2) == PCI_CLASS_ETHERNET)
            other_card(bdf);
    } else if (wanted(pci_read(bdf, PCI_DEVICE, 2))) {
        virtio_function(bdf);
    }
    return device_count < DEVICES_MAX;
}

/* The address register keeps what is written where there is a bridge. */
static void find_pci(void)
{
    cpu_out32(PCI_ADDRESS, 0x80000000);
    if (cpu_in32(PCI_ADDRESS) == 0x80000000 && device_count < DEVICES_MAX)
        pci_walk(&host, pci_function, NULL);
}

/* The devices do not change: found once, handed out as often as asked. */
size_t board_virtio(struct virtio_dev *out, size_t max)
{
    static bool searched;
    size_t n;

    if (!searched) {
        searched = true;
        find_mmio();
        find_pci();
    }
    n = device_count < max ? device_count : max;
    memcpy(out, devices, n * sizeof *out);
    return n;
}

struct netdev *board_netdev(void)
{
    return NULL; /* virtio is all there is */
}

/* ---------------------------------------------------------------- fw_cfg */

static void fwcfg_select(uint16_t key)
{
    cpu_out16(FWCFG_SELECT, key);
}

/* fw_cfg.rst, "Guest-side DMA Interface"; all fields big-endian */
struct fwcfg_dma {
    uint32_t control, length;
    uint64_t address;
};
enum { DMA_READ = 2, ID_DMA = 2 };

static bool fwcfg_has_dma;

/* The host is done when the write is; one that is not has failed, and then
 * nothing was read. */
static bool dma_read(uint8_t *out, uint32_t len)
{
    static _Alignas(16) volatile struct fwcfg_dma dma;
    uint64_t at = (uintptr_t)&dma;

    dma.length = __builtin_bswap32(len);
    dma.address = __builtin_bswap64((uintptr_t)out);
    dma.control = __builtin_bswap32(DMA_READ);
    cpu_out32(FWCFG_DMA, __builtin_bswap32((uint32_t)(at >> 32)));
    cpu_out32(FWCFG_DMA + 4, __builtin_bswap32((uint32_t)at));
    return dma.control == 0;
}

/* By the port a large message would take seconds. */
static void fwcfg_read(uint8_t *out, size_t len)
{
    if (len >= DMA_LEAST && len <= UINT32_MAX && fwcfg_has_dma) {
        if (dma_read(out, (uint32_t)len))
            return;
        fwcfg_has_dma = false;
    }
    cpu_in8_block(FWCFG_DATA, out, len);
}

const struct fwcfg_io *board_fwcfg(void)
{
    static const struct fwcfg_io io = { fwcfg_select, fwcfg_read };
    uint8_t signature[4], id[4] = { 0 };

    if (!cpu_is_guest())
        return NULL;
    fwcfg_select(0);
    fwcfg_read(signature, sizeof signature);
    if (memcmp(signature, "QEMU", 4) != 0)
        return NULL;
    fwcfg_select(1);
    fwcfg_read(id, sizeof id);
    fwcfg_has_dma = (id[0] & ID_DMA) != 0;
    return &io;
}

size_t board_entropy(uint8_t *out, size_t len)
{
    return cpu_entropy(out, len);
}
