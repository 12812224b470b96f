/* includes: kernel kernel/virtio board tests/fuzz */
/* sources: kernel/pci.c kernel/pci_dev.c kernel/pci_assign.c
            kernel/virtio/virtio.c kernel/virtio/ring.c kernel/virtio/mmio.c
            kernel/virtio/pci.c */
/* longest: 1500 */
/*
 * pci.c - a bus of functions that say anything, and something else the next
 * time: walked, given addresses, its virtio devices probed. Registers stay
 * within their function, memory is mapped within a BAR and never over RAM,
 * nothing is written behind what was mapped, and it ends.
 */
#include "fuzz.h"

#include "../../kernel/devices.c"

#include "pci_assign.h"
#include "ring.h"

enum { FUNCTIONS_MADE = 8, REGISTERS = 0x1000 };

static struct fn {
    uint32_t bdf;
    uint8_t cfg[256];
    uint32_t size[6]; /* of a BAR: the bits that can be set */
} fns[FUNCTIONS_MADE];
static unsigned made;
static unsigned long accesses;
static uint8_t moods; /* how often a register changes by itself */
static uint8_t *memory[64];
static unsigned mapped;

static struct fn *function_at(uint32_t bdf)
{
    for (unsigned i = 0; i < made; i++)
        if (fns[i].bdf == bdf)
            return &fns[i];
    return NULL;
}

static uint32_t bus_read(uint32_t bdf, uint16_t off, uint8_t bytes)
{
    struct fn *f = function_at(bdf);
    uint32_t v = UINT32_MAX;

    MUST(bytes == 1 || bytes == 2 || bytes == 4);
    MUST(off % bytes == 0 && off + bytes <= 256);
    MUST(accesses++ < 3000000);
    if (f != NULL) {
        if (moods != 0 && accesses % moods == 0 && in_left > 0)
            f->cfg[off] = (uint8_t)next(1);
        v = 0;
        memcpy(&v, f->cfg + off, bytes);
    }
    return bytes == 4 ? v : v & ((1u << 8 * bytes) - 1);
}

static void bus_write(uint32_t bdf, uint16_t off, uint32_t v, uint8_t bytes)
{
    struct fn *f = function_at(bdf);
    uint32_t was;

    MUST(off % bytes == 0 && off + bytes <= 256);
    if (f == NULL)
        return;
    if (off >= 0x10 && off < 0x28) {
        memcpy(&was, f->cfg + (off & ~3), 4);
        v = (v & f->size[(off - 0x10) / 4]) |
            (was & ~f->size[(off - 0x10) / 4]);
    }
    memcpy(f->cfg + off, &v, bytes);
}

static bool guess(uint8_t line)
{
    return line % 2 == 0;
}

static bool pins(uint32_t bdf, uint8_t pin)
{
    MUST(bdf < 256 && pin >= 1 && pin <= 4);
    return bdf % 3 != 0;
}

static const struct pci_host bus = { bus_read, bus_write, guess };
static const struct pci_host bus_without_lines = { bus_read, bus_write, NULL };

/* ------------------------------------------------------------ the board's */

bool platform_msi(uint32_t bdf, uint64_t *address, uint32_t *data)
{
    (void)bdf;
    *address = 0xfee00000;
    *data = 0x41;
    return next(1) % 4 != 0;
}

bool ram_has(uint64_t start, uint64_t len)
{
    MUST(start + len >= start);
    return start < 0x8000000 && len != 0;
}

/* Whether all of it lies behind one of the function's BARs. */
static bool within_bar(const struct fn *f, uint64_t phys, uint64_t len)
{
    uint64_t addr, mask, size;
    uint32_t low, high;

    for (unsigned i = 0; i < PCI_BARS; i++) {
        memcpy(&low, f->cfg + 0x10 + 4 * i, 4);
        addr = low & 0xfffffff0u;
        mask = f->size[i] & 0xfffffff0u;
        if ((low & 7) == 4 && i + 1 < PCI_BARS) {
            memcpy(&high, f->cfg + 0x14 + 4 * i, 4);
            addr |= (uint64_t)high << 32;
            mask |= (uint64_t)f->size[++i] << 32;
        } else {
            mask |= (uint64_t)UINT32_MAX << 32;
        }
        size = ~mask + 1;
        if ((low & 1) == 0 && phys >= addr && phys - addr <= size &&
            len <= size - (phys - addr))
            return true;
    }
    return false;
}

/* What a BAR has behind it is as long as was asked, to the byte. */
void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind)
{
    bool within = moods != 0; /* else all stand still, and one can tell */
    uint8_t *p;

    MUST(kind == MEM_DEV && len != 0 && !ram_has(phys, len));
    for (unsigned i = 0; i < made; i++)
        within = within || within_bar(&fns[i], phys, len);
    MUST(within);
    if (mapped == 64 || len > REGISTERS * 8)
        return NULL;
    p = malloc(len);
    MUST(p != NULL);
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i < 256 ? next(1) : i);
    return memory[mapped++] = p;
}

void platform_find_devices(void)
{
}

void pvpanic_open(const struct pci_id *id)
{
    MUST(function_at(id->bdf) != NULL);
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
}

void log_trace(const char *fmt, ...)
{
    (void)fmt;
}

/* ------------------------------------------------------------- the input */

static void put(struct fn *f, unsigned at, uint32_t v, unsigned bytes)
{
    memcpy(f->cfg + at, &v, bytes);
}

/* A capability of virtio's at `at`, behind it the next one. */
static void virtio_cap(struct fn *f, unsigned at, uint8_t type)
{
    f->cfg[at] = 9;
    f->cfg[at + 1] = (uint8_t)(at + 20);
    f->cfg[at + 2] = 20;
    f->cfg[at + 3] = type;
    f->cfg[at + 4] = 4;
    put(f, at + 8, type * 0x400u, 4);
    put(f, at + 12, type == 4 ? 64 : 0x100, 4);
    put(f, at + 16, 4, 4);
}

/* A sound function; then the input's bytes wherever it wants. */
static void make(struct fn *f)
{
    unsigned spoilt;

    memset(f, 0, sizeof *f);
    f->bdf = next(2) & 0x7ff;
    put(f, 0, 0x1af4, 2);
    put(f, 2, next(1) % 2 != 0 ? 0x1041 : 0x1000 + next(1) % 0x60, 2);
    put(f, 6, 0x10, 2);
    f->cfg[0x0e] = next(1) & 0x81;
    f->cfg[0x3d] = next(1) % 6;
    f->cfg[0x34] = 0x40;
    for (unsigned type = 1; type <= 4; type++)
        virtio_cap(f, 0x40 + (type - 1) * 20, (uint8_t)type);
    f->cfg[0x90] = PCI_CAP_MSIX;
    put(f, 0x94, 1, 4);
    put(f, 0x10 + 4, 0xe0010000, 4);
    f->size[1] = 0xffff0000;
    put(f, 0x10 + 16, 0xe0000004, 4);
    put(f, 0x10 + 20, next(1) & 7, 4);
    f->size[4] = 0xffffc000;
    f->size[5] = UINT32_MAX;
    for (spoilt = next(1) % 16; spoilt > 0; spoilt--) {
        unsigned at = next(1);

        f->cfg[at] = (uint8_t)next(1);
    }
    if (next(1) % 4 == 0)
        f->size[next(1) % 6] = next(4);
}

/* As a driver would: started, asked, a queue of it notified. */
static void drive(struct virtio_dev dev)
{
    static struct vring_mem ring_memory;
    static struct vring ring;
    const char *why = NULL;
    uint8_t buf[64];

    if (!virtio_start(&dev, UINT64_MAX, 0, &why)) {
        MUST(why != NULL);
        return;
    }
    virtio_config(&dev, next(1), buf, next(1) % sizeof buf);
    if (virtio_queue(&dev, (uint16_t)(next(1) % 3), &ring, &ring_memory, 16,
                     &why))
        dev.ops->notify(&dev, &ring);
    else
        MUST(why != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct virtio_dev *list;
    const struct pci_host *h;
    uint8_t kind;
    size_t n;

    input(data, len);
    accesses = mapped = 0;
    device_count = 0;
    moods = 0;
    kind = (uint8_t)next(1);
    made = 1 + next(1) % FUNCTIONS_MADE;
    for (unsigned i = 0; i < made; i++)
        make(&fns[i]);
    moods = (uint8_t)next(1);
    h = (kind & 1) != 0 ? &bus : &bus_without_lines;
    if ((kind & 2) != 0)
        pci_assign(h, kind >> 4, (struct pci_window){ 0x40000000, 0x48000000 });
    devices_pci(h, (kind & 4) != 0 ? pins : NULL);
    n = devices_virtio(&list);
    MUST(n <= DEVICES_MAX);
    for (size_t i = 0; i < n; i++) {
        MUST(memchr(list[i].name, '\0', sizeof list[i].name) != NULL);
        MUST((list[i].ops == NULL) == (list[i].unusable != NULL));
        if (list[i].ops != NULL)
            drive(list[i]);
    }
    devices_ack();
    while (mapped > 0)
        free(memory[--mapped]);
    return 0;
}
