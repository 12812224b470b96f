/* sources: kernel/ram.c */
/* includes: kernel board tests/fuzz */
/* libs: libfdt */
/*
 * dt.c - a machine described by a device tree that somebody made up: built
 * node by node as the input says and then spoiled, or any bytes behind a right
 * header. All that boards ask of a tree is asked.
 */
#include "fuzz.h"

#include <libfdt.h>
#include <setjmp.h>

#include "../../kernel/dt/address.c"
#undef DEPTH_MAX
#include "../../kernel/dt/dt.c"
#include "../../kernel/dt/irq.c"
#include "../../kernel/dt/devices.c"
#include "../../kernel/dt/rtc.c"
#include "../../kernel/dt/start.c"
#include "../../kernel/dt/uart.c"

#define ROOM 3072

static uint8_t *block; /* the tree, at the end of its heap block */
static size_t block_len;
static uint8_t *device;
static jmp_buf refused;

/* ---------------------------------------------------- what it stands on */

bool mem_peek(uint64_t phys, void *out, size_t len)
{
    if (phys != (uintptr_t)block || len > block_len)
        return false;
    memcpy(out, block, len);
    return true;
}

bool mem_in_image(uint64_t start, uint64_t len)
{
    (void)start;
    (void)len;
    return false;
}

void mem_wipe(uint64_t phys, size_t len)
{
    MUST(phys >= (uintptr_t)block);
    MUST(phys - (uintptr_t)block <= block_len &&
         len <= block_len - (phys - (uintptr_t)block));
    memset((void *)(uintptr_t)phys, 0, len);
}

/* As paging.c: the tree itself; registers with nothing behind them, of which a
 * serial port is nearly always ready; an initrd that nobody looks at. */
void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind)
{
    size_t n = len < 4096 ? len : 4096;

    if (len == 0 || phys < 4096 || len > UINT64_MAX - phys)
        return NULL;
    if (phys == (uintptr_t)block)
        return len <= block_len ? block : NULL;
    if (kind == MEM_RO)
        return &block;
    free(device);
    device = malloc(n);
    MUST(device != NULL);
    memset(device, next(1) == 0xee ? 0 : 0xff, n);
    if (n > 0x1b && next(1) != 0xee)
        memset(device + 0x18, 0, 4); /* PL011: not full */
    return device;
}

_Noreturn void boot_fail(int status, const char *reason)
{
    MUST(status == STATUS_CONFIG || status == STATUS_BUG);
    MUST(strlen(reason) > 10);
    longjmp(refused, 1);
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
}

uint64_t board_now_ns(void)
{
    return 5;
}

bool platform_irq(const struct dt_irq *irq)
{
    MUST(irq->controller >= 0 && irq->cells <= DT_IRQ_CELLS);
    return true;
}

void devices_mmio(uint64_t base, uint64_t size, bool (*way)(const void *irq),
                  const void *irq)
{
    MUST(size <= UINT64_MAX - base);
    (void)way(irq);
}

void devices_pci(const struct pci_host *host,
                 bool (*way)(uint32_t bdf, uint8_t pin))
{
    (void)host;
    (void)way(8, 1);
    (void)way(0xf8, 4);
}

const struct pci_host *pci_ecam(volatile void *base, unsigned buses)
{
    static const struct pci_host host;

    MUST(base != NULL && buses >= 1 && buses <= 256);
    return &host;
}

void pci_assign(const struct pci_host *host, uint8_t last,
                struct pci_window window)
{
    (void)host;
    (void)last;
    MUST(window.start != 0 && window.end - window.start >= MIB);
}

const struct fwcfg_io *fwcfg_open(const struct fwcfg_port *p)
{
    uint8_t b[8];

    p->select(0x19);
    p->bytes(b, sizeof b);
    p->dma(1, 2);
    return NULL;
}

/* ------------------------------------------------------------ the trees */

static const char *const node_names[] = {
    "",    "memory@0",  "chosen",   "aliases", "reserved-memory",
    "soc", "uart@1000", "pci@2000", "intc",    "x@1",
    "rtc", "fw-cfg",
};
static const char *const names[] = {
    "reg",
    "ranges",
    "#address-cells",
    "#size-cells",
    "#interrupt-cells",
    "compatible",
    "phandle",
    "interrupt-parent",
    "interrupts",
    "interrupts-extended",
    "interrupt-map",
    "interrupt-map-mask",
    "status",
    "device_type",
    "stdout-path",
    "bootargs",
    "linux,initrd-start",
    "linux,initrd-end",
    "rng-seed",
    "serial0",
    "reg-shift",
    "reg-io-width",
    "clock-frequency",
};
static const char *const texts[] = {
    "memory",
    "okay",
    "disabled",
    "ns16550a",
    "arm,pl011",
    "virtio,mmio",
    "pci-host-ecam-generic",
    "qemu,fw-cfg-mmio",
    "arm,pl031",
    "google,goldfish-rtc",
    "serial0:115200",
    "/soc/uart@1000",
    "/uart",
    "a b",
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Cells are small numbers mostly, as trees have them. */
static void property(uint8_t *t)
{
    const char *name = names[next(1) % COUNT(names)];
    unsigned how = next(1), n = how & 15;
    fdt32_t v[16];
    const char *s;

    if ((how & 0x70) == 0) {
        s = texts[next(1) % COUNT(texts)];
        fdt_property(t, name, s, (int)strlen(s) + (n != 15));
        return;
    }
    for (unsigned i = 0; i < n; i++)
        v[i] = cpu_to_fdt32((how & 0x80) != 0 ? next(4) : next(1));
    fdt_property(t, name, v, (int)(4 * n));
}

static size_t make(uint8_t *t)
{
    unsigned depth = 1, what;

    fdt_create_with_flags(t, ROOM, FDT_CREATE_FLAG_NO_NAME_DEDUP);
    what = next(1);
    if (what != 0)
        fdt_add_reservemap_entry(t, what << 12, next(2));
    fdt_finish_reservemap(t);
    fdt_begin_node(t, "");
    while (in_left > 8 && (what = next(1)) != 0xff) {
        if (what < 0x30) {
            fdt_begin_node(t, node_names[what % COUNT(node_names)]);
            depth++;
        } else if (what < 0x50 && depth > 1) {
            fdt_end_node(t);
            depth--;
        } else {
            property(t);
        }
    }
    while (depth-- > 0)
        fdt_end_node(t);
    return fdt_finish(t) == 0 ? fdt_totalsize(t) : 0;
}

/* Any bytes behind a header whose magic and versions are right. */
static size_t take_bytes(uint8_t *t)
{
    size_t n = in_left < ROOM ? in_left : ROOM;

    if (n < HEADER)
        return 0;
    memcpy(t, in_at, n);
    fdt_set_magic(t, FDT_MAGIC);
    fdt_set_version(t, 17);
    fdt_set_last_comp_version(t, 16);
    fdt_set_totalsize(t, (uint32_t)n);
    return n;
}

/* ------------------------------------------------------------- the look */

static unsigned ranges_seen;

static void seen(uint64_t start, uint64_t len)
{
    (void)start;
    (void)len;
    MUST(ranges_seen++ < 4 * ROOM);
}

static void one(int n, unsigned depth)
{
    struct dt_range r;
    struct dt_irq irq;
    uint64_t unit;
    size_t i;
    int c;

    MUST(depth < DEPTH_MAX && strlen(dt_name(n)) < ROOM);
    for (i = 0; dt_reg(n, i, &r); i++)
        MUST(r.size <= UINT64_MAX - r.start && i < ROOM);
    for (i = 0; i < 3; i++)
        if (dt_irq(n, i, &irq))
            MUST(platform_irq(&irq));
    (void)dt_irq(n, SIZE_MAX, &irq);
    (void)dt_unit(n, &unit);
    (void)dt_pci_irq(n, 8, 1, &irq);
    for (c = dt_child(n); c != DT_NONE; c = dt_sibling(c)) {
        MUST(c > n && dt_parent(c) == n);
        one(c, depth + 1);
    }
}

static void boot(void)
{
    static const char image[4096];
    struct dt_start s;
    uint8_t seed[7];

    ram_init(1ull << 48);
    ram_add((uintptr_t)image & ~0xfffull, 8192);
    dt_start(image, image + sizeof image, &s);
    MUST(s.cmdline.len < BOOT_CMDLINE_MAX);
    if (dt_console()) {
        /* registers of four bytes on their own boundary: others fault */
        MUST(uart.width == 1 || uart.put == pl_put || uart.shift >= 2);
        dt_console_write("hello", 5);
    }
    (void)read_clock();
    (void)board_fwcfg();
    dt_devices();
    while (dt_rng_seed(seed, sizeof seed) != 0)
        ;
    dt_start_forget();
    MUST(dt_rng_seed(seed, sizeof seed) == 0);
}

static void use(void)
{
    struct dt_chosen chosen;
    struct blob b;

    one(DT_ROOT, 0);
    ranges_seen = 0;
    dt_memory(seen);
    dt_reserved(seen);
    dt_chosen(&chosen);
    if (setjmp(refused) == 0)
        boot();
    if (dt_prop(dt_path("/chosen"), "bootargs", &b))
        MUST(b.p >= block && b.p + b.len <= block + block_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static _Alignas(8) uint8_t t[ROOM];
    unsigned how;

    input(data, len);
    how = next(1);
    memset(t, 0, sizeof t);
    block_len = (how & 1) != 0 ? take_bytes(t) : make(t);
    for (unsigned i = how >> 1 & 3; i != 0 && block_len != 0; i--) {
        size_t at = next(2) % block_len;

        t[at] = (uint8_t)next(1);
    }
    block = malloc(block_len + 1);
    MUST(block != NULL);
    memcpy(block, t, block_len);
    node_count = 0;
    tree = NULL;
    seed_used = 0;
    uart = (struct uart){ 0 };
    stuck = false;
    if (block_len != 0 && dt_open((uintptr_t)block) == NULL)
        use();
    free(block);
    free(device);
    device = NULL;
    return 0;
}
