/* sources: kernel/devices.c */
/* includes: kernel kernel/virtio board */
/*
 * test_devices.c - which of what a board has found is kept as a virtio device,
 * with which interrupt, and what is said of the others.
 */
#include "devices.h"

#include <stdarg.h>

#include "check.h"
#include "child.h"
#include "log.h"
#include "paging.h"
#include "pci_dev.h"
#include "platform.h"
#include "pvpanic.h"
#include "ram.h"
#include "virtio.h"

/* ------------------------------------------------------------ the machine */

static unsigned searches, acks, panics_seen, mapped;
static bool cannot_map, irq_arrives, msix;
static enum { PRESENT, ABSENT, LEGACY } behind;
static const char *bar_why;
static char said[200];
static struct pci_id ids[40];
static size_t id_count;
static const struct virtio_dev *list;

static void ack(struct virtio_dev *dev)
{
    CHECK(dev->ops != NULL);
    acks++;
}

static const struct virtio_transport ops = { .irq_ack = ack };

void platform_find_devices(void)
{
    searches++;
}

bool ram_has(uint64_t start, uint64_t len)
{
    return start < 0x100000 && len != 0;
}

void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind)
{
    CHECK(kind == MEM_DEV && len >= DEVICES_MMIO_SIZE && phys % 4 == 0);
    mapped++;
    return cannot_map ? NULL : &mapped;
}

bool virtio_mmio_probe(struct virtio_dev *dev, volatile void *base,
                       const char **why)
{
    CHECK(base == &mapped);
    *why = behind == LEGACY ? "it is none" : NULL;
    if (behind != PRESENT)
        return false;
    memset(dev, 0, sizeof *dev);
    dev->ops = &ops;
    dev->id = VIRTIO_ID_NET;
    return true;
}

void log_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(said, sizeof said, fmt, ap);
    va_end(ap);
}

void log_trace(const char *fmt, ...)
{
    (void)fmt;
}

size_t pci_dev_scan(const struct pci_host *bus,
                    bool (*intx)(uint32_t bdf, uint8_t pin),
                    const struct pci_id **out)
{
    CHECK(bus == NULL && intx == NULL);
    *out = ids;
    return id_count;
}

void pci_name(uint32_t bdf, char out[PCI_NAME])
{
    snprintf(out, PCI_NAME, "at %u", bdf);
}

void pci_dev_open(struct pci_dev *dev, const struct pci_id *id)
{
    memset(dev, 0, sizeof *dev);
    dev->id = *id;
}

enum irq pci_dev_irq(struct pci_dev *dev, uint8_t kind, bool *message)
{
    CHECK(dev->id.vendor == 0x1af4 && kind == PCI_CAP_MSIX);
    *message = msix;
    return msix ? IRQ_SURE : IRQ_GUESSED;
}

uint32_t pci_dev_read(const struct pci_dev *dev, uint16_t off, uint8_t bytes)
{
    return dev->id.bdf * 10000 + off * 10u + bytes;
}

void pci_dev_write(const struct pci_dev *dev, uint16_t off, uint32_t v,
                   uint8_t bytes)
{
    CHECK_EQ(v, dev->id.bdf);
    CHECK(off == 7 && bytes == 2);
}

volatile uint8_t *pci_dev_map(struct pci_dev *dev, uint8_t bar, uint32_t off,
                              uint32_t len)
{
    CHECK(bar == 1 && off == 2 && len == 3);
    dev->why = bar_why;
    return NULL;
}

/* What a probe may ask of its function reaches that function. */
bool virtio_pci_probe(struct virtio_dev *dev,
                      const struct virtio_pci_access *pci, const char **why)
{
    const struct pci_dev *fn = pci->ctx;

    memset(dev, 0, sizeof *dev);
    dev->ops = &ops;
    CHECK_EQ(pci->read(pci->ctx, 6, 2), fn->id.bdf * 10000 + 62);
    pci->write(pci->ctx, 7, fn->id.bdf, 2);
    CHECK(pci->map(pci->ctx, 1, 2, 3) == NULL);
    CHECK_EQ(pci->msix, msix);
    snprintf(dev->name, sizeof dev->name, "%s", pci->where);
    dev->irq = pci->irq;
    *why = behind == LEGACY ? "it is too old" : NULL;
    return behind == PRESENT;
}

void pvpanic_open(const struct pci_id *id)
{
    CHECK(id >= ids && id < ids + id_count);
    panics_seen++;
}

static bool route(const void *irq)
{
    CHECK(irq == &irq_arrives);
    return irq_arrives;
}

static size_t mmio(uint64_t base, uint64_t size)
{
    said[0] = '\0';
    mapped = 0;
    devices_mmio(base, size, route, &irq_arrives);
    return devices_virtio(&list);
}

/* ------------------------------------------------------------------ cases */

#define AT "ignored: virtio-mmio device at "

static void run_ignored(void)
{
    CHECK_EQ(mmio(0xfeb00000, 0x1ff), 0);
    CHECK_STR(said, AT "0xfeb00000: this is no place for its registers");
    CHECK_EQ(mmio(0xfeb00002, 0x200), 0);
    CHECK_STR(said, AT "0xfeb00002: this is no place for its registers");
    CHECK_EQ(mmio(0x1000, 0x200), 0);
    CHECK_STR(said, AT "0x1000: this is RAM");
    CHECK_EQ(mapped, 0);
    cannot_map = true;
    CHECK_EQ(mmio(0xfeb00000, 0x200), 0);
    CHECK_STR(said, AT "0xfeb00000: this address cannot be mapped");
    cannot_map = false;
    behind = LEGACY;
    CHECK_EQ(mmio(0xfeb00000, 0x200), 0);
    CHECK_STR(said, AT "0xfeb00000: it is none");
    behind = ABSENT; /* an empty place is nothing to talk about */
    CHECK_EQ(mmio(0xfeb00000, 0x200), 0);
    CHECK_STR(said, "");
    CHECK_EQ(searches, 1); /* once, however often one asks */
}

static unsigned lowered;

static void lower(void)
{
    lowered++;
}

static void run_kept(void)
{
    irq_arrives = true;
    CHECK_EQ(mmio(0xfeb00000, 0x200), 1);
    CHECK_EQ(list[0].irq, IRQ_SURE);
    irq_arrives = false;
    CHECK_EQ(mmio(0xfeb00200, 0x1000), 2);
    CHECK_EQ(list[1].irq, IRQ_NONE);
    devices_ack();
    CHECK_EQ(acks, 2);
    CHECK_EQ(lowered, 0);
    devices_ack_also(lower);
    devices_ack();
    CHECK_EQ(acks, 4);
    CHECK_EQ(lowered, 1);
    while (mmio(0xfeb00000, 0x200) < 16)
        continue;
    CHECK_EQ(mmio(0xfeb00000, 0x200), 16);
    CHECK_EQ(mapped, 0);
}

static void run_pci(void)
{
    static const struct {
        uint16_t vendor, device;
        bool wanted;
    } rows[] = {
        { 0x1af4, 0x1000, true },  { 0x1af4, 0x1041, true },
        { 0x1af4, 0x1003, true },  { 0x1af4, 0x1043, true },
        { 0x1af4, 0x1005, true },  { 0x1af4, 0x1044, true },
        { 0x1af4, 0x1001, false }, { 0x1af4, 0x1042, false },
        { 0x1af5, 0x1041, false }, { 0x8086, 0x1000, false },
    };
    size_t i, wanted = 0;

    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        ids[i] = (struct pci_id){ (uint32_t)i + 1, rows[i].vendor,
                                  rows[i].device, 0 };
    id_count = i;
    msix = true;
    devices_pci(NULL, NULL);
    CHECK_EQ(panics_seen, id_count);
    CHECK_EQ(devices_virtio(&list), 6);
    for (i = 0; i < id_count; i++) {
        char name[20];

        if (!rows[i].wanted)
            continue;
        snprintf(name, sizeof name, "at %zu", i + 1);
        CHECK_STR(list[wanted].name, name);
        CHECK(list[wanted].irq == IRQ_SURE && list[wanted].unusable == NULL);
        wanted++;
    }
}

/* One that cannot be driven stays in the list, to be named where somebody
 * wants it; one that is none does not. */
static void run_unusable(void)
{
    ids[0] = (struct pci_id){ 1, 0x1af4, 0x1041, 0 };
    id_count = 1;
    behind = ABSENT;
    devices_pci(NULL, NULL);
    CHECK_EQ(devices_virtio(&list), 0);
    behind = LEGACY;
    devices_pci(NULL, NULL);
    CHECK_EQ(devices_virtio(&list), 1);
    CHECK_STR(list[0].unusable, "it is too old");
    bar_why = "its BAR lies in RAM"; /* which says more */
    devices_pci(NULL, NULL);
    CHECK_EQ(devices_virtio(&list), 2);
    CHECK_STR(list[1].unusable, "its BAR lies in RAM");
    CHECK_EQ(list[1].irq, IRQ_GUESSED);
    devices_ack(); /* nobody acknowledges what nobody drives */
    CHECK_EQ(acks, 0);
}

static void run_many(void)
{
    for (id_count = 0; id_count < 40; id_count++)
        ids[id_count] =
            (struct pci_id){ (uint32_t)id_count, 0x1af4, 0x1041, 0 };
    devices_pci(NULL, NULL);
    CHECK_EQ(devices_virtio(&list), 16);
    CHECK_EQ(panics_seen, 40);
}

/* The list is one for the program's life. */
#define CASE(x) CHILD_CASE(NULL, x)

CASE(ignored)
CASE(kept)
CASE(pci)
CASE(unusable)
CASE(many)

static const struct check_case cases[] = {
    { "ignored", case_ignored },   { "kept", case_kept }, { "pci", case_pci },
    { "unusable", case_unusable }, { "many", case_many },
};

CHECK_MAIN(cases)
