/* includes: board board/x86_64 kernel tests/fuzz */
/* longest: 2000 */
/*
 * acpi.c - memory that a firmware wrote, or somebody else: whatever the tables
 * say, nothing outside it is read and what comes of them is bounded. The sum of
 * the root pointer is mended, so that more than one input in 256 gets on.
 */
#include "fuzz.h"

#include "../../board/x86_64/acpi.c"

#define PHYS_BASE 0xe0000u
#include "physmem.h"

static unsigned found;

static void ioapic(uint64_t base, uint32_t first_gsi)
{
    (void)first_gsi;
    MUST(base <= UINT32_MAX);
    MUST(found++ < MADT_MAX);
}

static void mmio(uint64_t base, uint64_t size, uint32_t gsi)
{
    (void)gsi;
    MUST(base % 4 == 0 && size >= 0x200 && base + size <= 2ull * UINT32_MAX);
    MUST(found++ < TABLE_MAX);
}

static void tables(bool scan)
{
    static const char *const names[] = { "APIC", "FACP", "MCFG", "XXXX" };
    struct acpi_table t;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (acpi_find(names[i], scan, &t))
            MUST(t.len >= HEADER && t.len <= TABLE_MAX && t.phys >= PHYS_BASE);
}

static void fixed(bool scan)
{
    struct acpi_fadt f;
    uint8_t type[2];

    if (!acpi_fadt(scan, &f))
        return;
    MUST(f.pm_timer <= 0xffff && f.smi_port <= 0xffff);
    MUST(!f.pm1a.io || f.pm1a.addr <= 0xffff);
    MUST(!f.pm1b.io || f.pm1b.addr <= 0xffff);
    MUST(!f.reset.io || f.reset.addr <= 0xffff);
    MUST(!f.sleep_control.io || f.sleep_control.addr <= 0xffff);
    if (acpi_s5(f.dsdt, type))
        MUST(type[0] < 8 && type[1] < 8);
}

static void mend(uint8_t *p, size_t n, size_t at)
{
    if (n <= memory_len) {
        p[at] = 0;
        p[at] = (uint8_t)-sum(p, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct acpi_ecam ecam;
    uint64_t start, end;
    unsigned how;

    input(data, len);
    how = next(1);
    memory_len = in_left;
    memory = malloc(memory_len + 36);
    MUST(memory != NULL);
    if (in_left != 0)
        memcpy(memory, in_at, in_left);
    mend(memory, 20, 8);
    mend(memory, 36, 32);
    memory = realloc(memory, memory_len != 0 ? memory_len : 1);
    MUST(memory != NULL);
    loader_rsdp = sdt = 0;
    tried = scanned = false;
    found = 0;
    acpi_init((how & 1) != 0 ? PHYS_BASE : 0);
    tables((how & 2) != 0);
    fixed((how & 2) != 0);
    acpi_ioapics(ioapic);
    if (acpi_ecam(&ecam))
        MUST(ecam.base != 0 && ecam.base % (1u << 20) == 0 && ecam.buses > 0 &&
             ecam.buses <= 256);
    if (acpi_pci_window(&start, &end))
        MUST(start >= 1u << 24 && end <= 1ull << 32 && end > start);
    found = 0;
    acpi_virtio_mmio(mmio);
    free(memory);
    return 0;
}
