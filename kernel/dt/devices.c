/*
 * devices.c - where the tree says that devices are: virtio-mmio nodes, PCI
 * host bridges with an ECAM window (Linux, host-generic-pci binding), QEMU's
 * fw_cfg.
 *
 * A host bridge is set up from nothing: firmware on these machines leaves
 * PCI alone. The first that can be used is; there is one on the machines at
 * hand.
 */
#include "devices.h"

#include "board.h"
#include "dt/dt.h"
#include "dt/start.h"
#include "fwcfg_port.h"
#include "log.h"
#include "paging.h"
#include "pci.h"
#include "pci_assign.h"
#include "ram.h"

#define MIB (1ull << 20)

/* ----------------------------------------------------------- virtio-mmio */

static bool route(const void *node)
{
    struct dt_irq irq;

    return dt_irq(*(const int *)node, 0, &irq) && platform_irq(&irq);
}

static void find_mmio(void)
{
    int node = DT_NONE;
    struct dt_range r;

    while ((node = dt_find(node, "virtio,mmio")) != DT_NONE)
        if (dt_reg(node, 0, &r))
            devices_mmio(r.start, r.size, route, &node);
}

/* ------------------------------------------------------------------- PCI */

static int bridge;

static bool intx(uint32_t bdf, uint8_t pin)
{
    struct dt_irq irq;

    return dt_pci_irq(bridge, bdf, pin, &irq) && platform_irq(&irq);
}

/* "ranges" of a host bridge: three cells of PCI address, of which the first
 * tells the space (2: memory with 32 bits of address), two of the
 * processor's, two of size. Only one-to-one windows are of use. */
static bool memory_window(int node, struct pci_window *w)
{
    enum { CELLS = 7, SPACE_SHIFT = 24, SPACE_MEM32 = 2 };
    uint32_t c[CELLS];
    uint64_t pci, cpu, size;
    size_t at;

    for (at = 0; dt_cells(node, "ranges", at, CELLS, c); at += CELLS) {
        pci = (uint64_t)c[1] << 32 | c[2];
        cpu = (uint64_t)c[3] << 32 | c[4];
        size = (uint64_t)c[5] << 32 | c[6];
        if ((c[0] >> SPACE_SHIFT & 3) != SPACE_MEM32 || pci != cpu ||
            pci == 0 || size < MIB || pci + size < pci || ram_has(pci, size))
            continue;
        *w = (struct pci_window){ pci, pci + size };
        return true;
    }
    return false;
}

static const char *use_bridge(int node)
{
    struct pci_window window;
    const struct pci_host *host;
    struct dt_range r;
    uint64_t buses;
    void *p;

    if (!dt_reg(node, 0, &r) || r.size < MIB || ram_has(r.start, r.size))
        return "its configuration window makes no sense";
    if (!memory_window(node, &window))
        return "it has no window of memory that could be used";
    buses = r.size / MIB < 256 ? r.size / MIB : 256;
    p = mem_map(r.start, buses * MIB, MEM_DEV);
    if (p == NULL)
        return "its configuration window cannot be mapped";
    bridge = node;
    host = pci_ecam(p, (unsigned)buses);
    pci_assign(host, (uint8_t)(buses - 1), window);
    devices_pci(host, intx);
    return NULL;
}

static void find_pci(void)
{
    int node = DT_NONE;
    const char *why;

    while ((node = dt_find(node, "pci-host-ecam-generic")) != DT_NONE) {
        why = use_bridge(node);
        if (why == NULL)
            return;
        log_say("ignored: PCI host bridge %s: %s", dt_name(node), why);
    }
}

void dt_devices(void)
{
    find_mmio();
    find_pci();
}

/* ---------------------------------------------------------------- fw_cfg */

enum { FW_DATA = 0, FW_SELECT = 8, FW_DMA = 16, FW_SIZE = 24 };

static volatile uint8_t *fw;

static void fw_select(uint16_t key)
{
    *(volatile uint16_t *)(volatile void *)(fw + FW_SELECT) =
        __builtin_bswap16(key);
}

static void fw_bytes(uint8_t *out, size_t len)
{
    while (len-- != 0)
        *out++ = fw[FW_DATA];
}

static void fw_dma(uint32_t high, uint32_t low)
{
    volatile uint32_t *p = (volatile uint32_t *)(volatile void *)(fw + FW_DMA);

    p[0] = high;
    p[1] = low;
}

struct blob board_smbios(void)
{
    return blob_of(NULL, 0); /* these machines have none without UEFI */
}

const struct fwcfg_io *board_fwcfg(void)
{
    static const struct fwcfg_port port = { fw_select, fw_bytes, fw_dma };
    int node = dt_find(DT_NONE, "qemu,fw-cfg-mmio");
    struct dt_range r;

    if (node == DT_NONE || !dt_reg(node, 0, &r) || r.size < FW_SIZE ||
        r.start % 8 != 0 || ram_has(r.start, r.size))
        return NULL;
    fw = mem_map(r.start, r.size, MEM_DEV);
    return fw != NULL ? fwcfg_open(&port) : NULL;
}
