/* sources: kernel/cpio.c kernel/fwcfg.c kernel/fwcfg_port.c kernel/smbios.c */
/* includes: kernel board tests/fuzz */
/*
 * files.c - an initrd, an SMBIOS table and a fw_cfg device of any bytes. The
 * device need not say the same twice, its DMA may fail. What comes in by a name
 * is found by it, and nothing of a file is left in memory when all is wiped.
 */
#include "trace.h"

#include "board.h"
#include "fwcfg_port.h"

#include "../../kernel/files.c"

__asm__(".section .rodata\n"
        ".globl files_builtin, files_builtin_end\n"
        "files_builtin:\n"
        "files_builtin_end: .byte 0\n"
        ".text\n");

static struct board_info info;
static struct blob table;

const struct board_info *board_info(void)
{
    return &info;
}

struct blob board_smbios(void)
{
    return table;
}

void board_wipe(const void *p, size_t len)
{
    MUST((const uint8_t *)p >= info.initrd.p);
    MUST((const uint8_t *)p + len <= info.initrd.p + info.initrd.len);
    memset((void *)(uintptr_t)p, 0, len);
}

#define PAGES_MAX (1u << 20)
static void *pages[600];
static size_t page_count, page_bytes;

void *board_pages(size_t bytes)
{
    MUST(bytes != 0);
    if (page_count == sizeof pages / sizeof pages[0] ||
        bytes > PAGES_MAX - page_bytes)
        return NULL;
    page_bytes += bytes;
    pages[page_count] = calloc(1, bytes);
    MUST(pages[page_count] != NULL);
    return pages[page_count++];
}

/* ------------------------------------------------------------ the device */

static const char ours[] = "opt/org.bootmail/";
static uint16_t key;
static size_t read_of_item;
static struct {
    uint8_t *p;
    size_t len;
} body[600]; /* where contents of items were put */
static size_t bodies;

static void fw_select(uint16_t k)
{
    key = k;
    read_of_item = 0;
}

/* A directory entry: half of them by a name of ours. */
static void entry(uint8_t *out)
{
    unsigned how = next(1), n = how >> 3;

    memset(out, 0, 64);
    out[(how & 1) != 0 ? 1 : 3] = (uint8_t)next(1); /* its size */
    out[2] = (how & 1) != 0 ? 0x10 : 0;
    out[5] = 0x20;
    if ((how & 2) != 0)
        memcpy(out + 8, ours, sizeof ours - 1);
    for (unsigned i = 0; i < n; i++)
        out[8 + (sizeof ours - 1) + i] = (uint8_t)next(1);
    if ((how & 4) != 0)
        memset(out + 8 + 17, 'n', 56 - 17);
}

static void fw_bytes(uint8_t *out, size_t len)
{
    if (key == 0x19 && len == 64) {
        entry(out);
        return;
    }
    memset(out, 0, len);
    if (key == 0x19 && len == 4) {
        out[2] = next(1) == 0xff;
        out[3] = (uint8_t)next(1);
        return;
    }
    if (key <= 1) {
        memcpy(out, key == 0 ? "QEMU" : "\3\0\0\0", len < 4 ? len : 4);
        return;
    }
    MUST(bodies < sizeof body / sizeof body[0]);
    body[bodies].p = out;
    body[bodies++].len = len;
    memset(out, 'S', len);
    for (size_t i = 0; i < len && i < 16 && in_left > 0; i++)
        out[i] = (uint8_t)next(1);
}

static uint64_t be(const volatile uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    while (n-- != 0)
        v = v << 8 | *p++;
    return v;
}

static void fw_dma(uint32_t high, uint32_t low)
{
    volatile uint8_t *d =
        (volatile uint8_t *)(uintptr_t)((uint64_t)__builtin_bswap32(high)
                                            << 32 |
                                        __builtin_bswap32(low));
    uint8_t *to = (uint8_t *)(uintptr_t)be(d + 8, 8);

    MUST(be(d, 4) == 2); /* read */
    if (next(1) % 4 == 1)
        return; /* it does not answer, or fails */
    fw_bytes(to, be(d + 4, 4));
    memset((uint8_t *)(uintptr_t)d, 0, 4);
}

const struct fwcfg_io *board_fwcfg(void)
{
    static const struct fwcfg_port p = { fw_select, fw_bytes, fw_dma };

    return fwcfg_open(&p);
}

/* ----------------------------------------------------------- the checks */

static void look(void)
{
    struct blob name, data, all = { NULL, 0 };
    size_t at = 0, n = 0;

    while (files_next(all, &at, &name, &data)) {
        MUST(name.len != 0 && name.len <= FILES_NAME_MAX && name.p[0] != '/');
        MUST(data.p != NULL && files_get(name).p == data.p);
        MUST(!files_is_builtin(data));
        MUST(n++ < FILES_MAX);
    }
    if (n != 0)
        files_wipe(name);
}

static void nothing_left(const uint8_t *p, size_t len)
{
    while (len-- != 0)
        MUST(*p++ == 0);
}

static uint8_t *piece(struct blob *out, size_t n)
{
    uint8_t *block;

    n = n < in_left ? n : in_left;
    block = exact(in_at, n);
    *out = blob_of(block + 1, n);
    in_at += n;
    in_left -= n;
    return block;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct files_error err = { 0 };
    uint8_t *initrd, *smbios;
    size_t a, b;

    input(data, len);
    a = next(2);
    b = next(1);
    initrd = piece(&info.initrd, a);
    smbios = piece(&table, b);
    a = info.initrd.len;
    b = table.len;
    page_count = page_bytes = bodies = 0;
    if (!files_init(&err))
        MUST(err.source != NULL && err.why != NULL && err.why[0] != '\0');
    look();
    files_wipe_all();
    nothing_left(initrd + 1, a);
    nothing_left(smbios + 1, b);
    for (size_t i = 0; i < bodies; i++)
        nothing_left(body[i].p, body[i].len);
    while (page_count > 0)
        free(pages[--page_count]);
    free(initrd);
    free(smbios);
    return 0;
}
