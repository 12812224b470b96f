/*
 * acpi.c - the few facts that only ACPI's fixed tables tell.
 *
 * ACPI 6.5, chapter 5.2: RSDP, XSDT or RSDT, MADT, FADT; and the _S5_ package
 * (7.4.2) and virtio-mmio devices, found by their bytes in the DSDT: no AML is
 * run. Tables are read
 * through mem_peek() with bounded lengths; a wrong checksum or length means
 * that there is no such table.
 */
#include "machine.h"

#define HEADER      36
#define TABLE_MAX   (1u << 20)
#define ENTRIES_MAX 64
#define MADT_MAX    4096
#define AML_AHEAD   128 /* bytes looked at behind a name in AML */

static uint64_t loader_rsdp;
static uint64_t sdt;      /* XSDT or RSDT; 0: not known (yet) */
static unsigned sdt_word; /* bytes of its entries: 8 or 4     */
static bool tried, scanned;

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static uint8_t sum(const uint8_t *p, size_t len)
{
    uint8_t s = 0;

    while (len-- != 0)
        s = (uint8_t)(s + *p++);
    return s;
}

/* 5.2.5.3; version 0 has 20 bytes and an RSDT only */
static bool take_rsdp(uint64_t phys)
{
    uint8_t r[36];

    if (phys == 0 || !mem_peek(phys, r, 20) || memcmp(r, "RSD PTR ", 8) != 0 ||
        sum(r, 20) != 0)
        return false;
    sdt = get32(r + 16);
    sdt_word = 4;
    if (r[15] >= 2 && mem_peek(phys, r, sizeof r) && sum(r, 36) == 0 &&
        get64(r + 24) != 0) {
        sdt = get64(r + 24);
        sdt_word = 8;
    }
    return sdt != 0;
}

/* 5.2.5.1: on a 16-byte boundary of the BIOS area */
static void scan_bios(void)
{
    static uint8_t page[4096];
    uint64_t at;
    size_t i;

    for (at = 0xe0000; at < 0x100000; at += sizeof page) {
        if (!mem_peek(at, page, sizeof page))
            return;
        for (i = 0; i < sizeof page; i += 16)
            if (memcmp(page + i, "RSD PTR ", 8) == 0 && take_rsdp(at + i))
                return;
    }
}

void acpi_init(uint64_t rsdp)
{
    loader_rsdp = rsdp;
}

static bool locate(bool scan)
{
    if (!tried) {
        tried = true;
        take_rsdp(loader_rsdp);
    }
    if (sdt == 0 && scan && !scanned) {
        scanned = true;
        scan_bios();
    }
    return sdt != 0;
}

/* A table's header at phys: true if its length can be believed. */
static bool header(uint64_t phys, uint8_t h[HEADER], uint32_t *len)
{
    if (phys == 0 || !mem_peek(phys, h, HEADER))
        return false;
    *len = get32(h + 4);
    return *len >= HEADER && *len <= TABLE_MAX;
}

bool acpi_find(const char *signature, bool scan, struct acpi_table *out)
{
    uint8_t h[HEADER], e[8] = { 0 };
    uint32_t len, count, i;

    if (!locate(scan) || !header(sdt, h, &len))
        return false;
    count = (len - HEADER) / sdt_word;
    if (count > ENTRIES_MAX)
        count = ENTRIES_MAX;
    for (i = 0; i < count; i++) {
        if (!mem_peek(sdt + HEADER + i * sdt_word, e, sdt_word))
            return false;
        out->phys = get64(e);
        if (header(out->phys, h, &out->len) && memcmp(h, signature, 4) == 0)
            return true;
    }
    return false;
}

/* 5.2.3.2 generic address: memory (0) or I/O (1) are of use */
static struct acpi_io gas(const uint8_t *p)
{
    struct acpi_io io = { p[0] == 1, get64(p + 4) };

    if (p[0] > 1 || (io.io && io.addr > 0xffff))
        io.addr = 0;
    return io;
}

static struct acpi_io block(const uint8_t *f, uint32_t len, unsigned off,
                            unsigned x_off)
{
    struct acpi_io io = { true, get32(f + off) & 0xffff };

    if (len >= x_off + 12 && get64(f + x_off + 4) != 0)
        io = gas(f + x_off);
    return io;
}

/* 5.2.9 */
bool acpi_fadt(bool scan, struct acpi_fadt *out)
{
    uint8_t f[268] = { 0 };
    struct acpi_table t;
    uint32_t len;

    if (!acpi_find("FACP", scan, &t) || t.len < 116)
        return false;
    len = t.len < sizeof f ? t.len : sizeof f;
    if (!mem_peek(t.phys, f, len))
        return false;
    memset(out, 0, sizeof *out);
    out->dsdt = get32(f + 40);
    if (len >= 148 && get64(f + 140) != 0)
        out->dsdt = get64(f + 140);
    out->smi_port = get32(f + 48) & 0xffff;
    out->acpi_enable = f[52];
    out->pm1a = block(f, len, 64, 172);
    out->pm1b = block(f, len, 68, 184);
    out->pm_timer = get32(f + 76) & 0xffff;
    out->century = f[108];
    out->hw_reduced = (get32(f + 112) >> 20 & 1) != 0;
    if (len >= 129 && (get32(f + 112) >> 10 & 1) != 0) { /* 4.8.3.6 */
        out->reset = gas(f + 116);
        out->reset_value = f[128];
    }
    if (out->hw_reduced) {
        out->pm1a.addr = out->pm1b.addr = out->pm_timer = 0;
        if (len >= 256)
            out->sleep_control = gas(f + 244);
    }
    return true;
}

/* 5.2.12: type 1 is an I/O APIC */
void acpi_ioapics(void (*found)(uint64_t base, uint32_t first_gsi))
{
    static uint8_t m[MADT_MAX];
    struct acpi_table t;
    uint32_t at, len;

    if (!acpi_find("APIC", false, &t))
        return;
    len = t.len < sizeof m ? t.len : sizeof m;
    if (!mem_peek(t.phys, m, len))
        return;
    for (at = 44; at + 2 <= len; at += m[at + 1]) {
        if (m[at + 1] < 2 || m[at + 1] > len - at)
            return;
        if (m[at] == 1 && m[at + 1] >= 12)
            found(get32(m + at + 4), get32(m + at + 8));
    }
}

/* One small integer of a package; bytes eaten, 0: not an integer. */
static unsigned aml_int(const uint8_t *p, uint8_t *value)
{
    switch (p[0]) {
    case 0x00: /* ZeroOp */
    case 0x01: /* OneOp */
        *value = p[0];
        return 1;
    case 0x0a: /* BytePrefix */
        *value = p[1];
        return 2;
    case 0x0b: /* WordPrefix */
        *value = p[1];
        return 3;
    case 0x0c: /* DWordPrefix */
        *value = p[1];
        return 5;
    default:
        return 0;
    }
}

/* p: "_S5_" and what follows. 20.2.5.4: PackageOp, length of 1-4 bytes
 * (20.2.4), number of elements, elements. */
static bool aml_s5(const uint8_t *p, void *ctx)
{
    uint8_t *type = ctx;
    unsigned n;

    p += 4;
    if (p[0] != 0x12)
        return false;
    p += 2 + (p[1] >> 6);
    if (*p++ < 1)
        return false;
    n = aml_int(p, &type[0]);
    if (n == 0)
        return false;
    if (aml_int(p + n, &type[1]) == 0)
        type[1] = 0;
    return type[0] < 8 && type[1] < 8;
}

/* Calls match() where word stands in the DSDT, with at least AML_AHEAD bytes
 * behind it (zeros at the end), until it returns true. */
static bool scan_dsdt(uint64_t dsdt, const char *word,
                      bool (*match)(const uint8_t *p, void *ctx), void *ctx)
{
    static uint8_t buf[2048];
    uint8_t h[HEADER];
    uint32_t len, at;
    size_t n, i, w = strlen(word);

    if (!header(dsdt, h, &len) || memcmp(h, "DSDT", 4) != 0)
        return false;
    for (at = HEADER; at < len; at += (uint32_t)(sizeof buf - AML_AHEAD)) {
        n = len - at < sizeof buf ? len - at : sizeof buf;
        memset(buf, 0, sizeof buf);
        if (!mem_peek(dsdt + at, buf, n))
            return false;
        for (i = 0; i < sizeof buf - AML_AHEAD; i++)
            if (buf[i] == (uint8_t)word[0] && memcmp(buf + i, word, w) == 0 &&
                match(buf + i, ctx))
                return true;
    }
    return false;
}

bool acpi_s5(uint64_t dsdt, uint8_t type[2])
{
    return scan_dsdt(dsdt, "_S5_", aml_s5, type);
}

/* The resources behind the name: a 32-bit fixed memory range (6.4.3.4) and
 * right after it one extended interrupt (6.4.3.6). */
static bool aml_mmio(const uint8_t *p, void *ctx)
{
    void (**found)(uint64_t, uint64_t, uint32_t) = ctx;
    unsigned i;

    for (i = 8; i + 21 <= AML_AHEAD; i++) {
        const uint8_t *r = p + i;

        if (r[0] != 0x86 || r[1] != 9 || r[2] != 0)
            continue;
        if (r[12] == 0x89 && r[13] >= 6 && r[14] == 0 && r[16] == 1 &&
            get32(r + 4) % 4 == 0 && get32(r + 8) >= 0x200)
            (*found)(get32(r + 4), get32(r + 8), get32(r + 17));
        break;
    }
    return false;
}

/* PCI Firmware 3.2, 4.1.2: 8 reserved bytes, then 16 for each segment */
static bool mcfg(struct acpi_ecam *out)
{
    struct acpi_table t;
    uint8_t e[16];
    uint32_t at;

    if (!acpi_find("MCFG", false, &t))
        return false;
    for (at = HEADER + 8; at + sizeof e <= t.len && at < MADT_MAX;
         at += sizeof e) {
        if (!mem_peek(t.phys + at, e, sizeof e))
            return false;
        if (e[8] != 0 || e[9] != 0 || e[10] != 0) /* segment, first bus */
            continue;
        out->base = get64(e);
        out->buses = e[11] + 1u;
        return true;
    }
    return false;
}

/* PCI Firmware 3.2, 4.1.3: an integer by the name _CBA, or a method that does
 * nothing but return one, is the window's address. */
static bool aml_cba(const uint8_t *p, void *ctx)
{
    struct acpi_ecam *out = ctx;

    p += 4;
    if (p[0] == 0x00 && p[1] == 0xa4) /* no arguments; ReturnOp */
        p += 2;
    if (p[0] == 0x0c) /* DWordPrefix */
        out->base = get32(p + 1);
    else if (p[0] == 0x0e) /* QWordPrefix */
        out->base = get64(p + 1);
    else
        return false;
    out->buses = 256;
    return true;
}

bool acpi_ecam(struct acpi_ecam *out)
{
    struct acpi_fadt f;

    if (!mcfg(out) &&
        (!acpi_fadt(false, &f) || !scan_dsdt(f.dsdt, "_CBA", aml_cba, out)))
        return false;
    return out->base != 0 && out->base % (1u << 20) == 0;
}

/* 6.4.3.5.2: a DWord address space that is memory, with minimum and maximum
 * fixed and no translation. The first large one is the host bridge's. */
static bool aml_window(const uint8_t *p, void *ctx)
{
    uint64_t *window = ctx;
    uint64_t min = get32(p + 10), max = get32(p + 14);

    if (p[2] != 0 || p[3] != 0 || (p[4] & 0x0c) != 0x0c || get32(p + 18) != 0 ||
        get32(p + 22) != max - min + 1 || min < 1u << 24 ||
        max - min < 1u << 20)
        return false;
    window[0] = min;
    window[1] = max + 1;
    return true;
}

bool acpi_pci_window(uint64_t *start, uint64_t *end)
{
    struct acpi_fadt f;
    uint64_t window[2] = { 0, 0 };

    if (!acpi_fadt(false, &f) ||
        !scan_dsdt(f.dsdt, "\x87\x17", aml_window, window))
        return false;
    *start = window[0];
    *end = window[1];
    return true;
}

void acpi_virtio_mmio(void (*found)(uint64_t base, uint64_t size, uint32_t gsi))
{
    struct acpi_fadt f;

    if (acpi_fadt(false, &f) && f.hw_reduced)
        scan_dsdt(f.dsdt, "LNRO0005", aml_mmio, &found);
}
