/*
 * gic.c - Arm's interrupt controllers, GICv2 (IHI 0048) and v3 (IHI 0069).
 *
 * Both have the same distributor registers. In v3 each processor has a
 * redistributor, which holds those of the interrupts 0 to 31, and system
 * registers in place of the CPU interface. Interrupts are masked in the
 * processor for ever: enabling one here lets it end a wfi, and gic_take()
 * fetches it afterwards.
 */
#include "machine.h"

#include "arch/aarch64/cpu.h"
#include "paging.h"
#include "ram.h"

enum { /* distributor, and in v3 the redistributor's second frame */
       D_CTLR = 0x000,
       D_TYPER = 0x004,
       D_GROUP = 0x080,
       D_ENABLE = 0x100,
       D_DISABLE = 0x180,
       D_PRIORITY = 0x400,
       D_TARGETS = 0x800,
       D_CONFIG = 0xc00,
       D_ROUTER = 0x6000,
};
enum { D_CTLR_V2_ON = 1, D_CTLR_V3_ON = 0x12 }; /* group 1, by affinity */
enum { C_CTLR = 0x00, C_PMR = 0x04, C_IAR = 0x0c, C_EOIR = 0x10 };
enum { R_TYPER = 0x08, R_WAKER = 0x14, R_SGI = 0x10000 };
enum { R_TYPER_LAST = 0x10, R_TYPER_VLPI = 0x02 };
enum { R_WAKER_SLEEP = 2, R_WAKER_ASLEEP = 4 };

#define R_FRAME       0x20000u /* twice that with virtual LPIs */
#define D_SIZE_V2     0x1000
#define D_SIZE_V3     0x10000
#define C_SIZE        0x1000
#define CPUS_MAX      512
#define SPURIOUS      1020 /* and what is above */
#define PRIORITY      0xa0 /* of all, four to a register */
#define PRIORITY_MASK 0xf0
#define WAIT_READS    1000000 /* some 10 ms at least */

static volatile uint8_t *dist; /* NULL: there is no controller */
static volatile uint8_t *cpu;  /* v2 */
static volatile uint8_t *sgi;  /* v3: interrupts 0 to 31 */
static uint32_t lines;

static uint32_t get(volatile uint8_t *base, unsigned reg)
{
    return *(volatile uint32_t *)(volatile void *)(base + reg);
}

static void set(volatile uint8_t *base, unsigned reg, uint32_t v)
{
    *(volatile uint32_t *)(volatile void *)(base + reg) = v;
}

/* NULL: what the tree names is RAM, or cannot be mapped. */
static volatile uint8_t *registers(uint64_t at, uint64_t len)
{
    return ram_has(at, len) ? NULL : mem_map(at, len, MEM_DEV);
}

static uint64_t affinity(void)
{
    return cpu_read(mpidr_el1) & 0xff00ffffffull;
}

/* Whatever was on before is off; all have one priority. */
static void quiet(volatile uint8_t *base, uint32_t first, uint32_t end)
{
    uint32_t i;

    for (i = first; i < end; i += 32) {
        set(base, D_DISABLE + i / 8, UINT32_MAX);
        if (sgi != NULL)
            set(base, D_GROUP + i / 8, UINT32_MAX);
    }
    for (i = first; i < end; i += 4)
        set(base, D_PRIORITY + i, PRIORITY * 0x01010101u);
}

static void find_lines(void)
{
    lines = 32 * ((get(dist, D_TYPER) & 31) + 1);
    if (lines > SPURIOUS)
        lines = SPURIOUS;
}

bool gic_v2(uint64_t dist_at, uint64_t cpu_at)
{
    volatile uint8_t *d = registers(dist_at, D_SIZE_V2);

    cpu = registers(cpu_at, C_SIZE);
    if (d == NULL || cpu == NULL)
        return false;
    dist = d;
    set(dist, D_CTLR, 0);
    find_lines();
    quiet(dist, 0, lines);
    set(dist, D_CTLR, D_CTLR_V2_ON);
    set(cpu, C_PMR, PRIORITY_MASK);
    set(cpu, C_CTLR, 1);
    return true;
}

/* The frames of one processor, if they are ours: 1; others': 0; the last of
 * the region: -1. */
static int own_frames(volatile uint8_t *r, uint64_t *size)
{
    uint32_t type = get(r, R_TYPER);
    uint32_t who = get(r, R_TYPER + 4);
    uint64_t a = affinity();

    *size = (type & R_TYPER_VLPI) != 0 ? 2 * R_FRAME : R_FRAME;
    if (who == (uint32_t)(a >> 32 << 24 | (a & 0xffffff)))
        return 1;
    return (type & R_TYPER_LAST) != 0 ? -1 : 0;
}

static volatile uint8_t *find_frames(uint64_t at, uint64_t len)
{
    volatile uint8_t *r;
    uint64_t size;
    unsigned i;
    int own;

    for (i = 0; i < CPUS_MAX && len >= R_FRAME; i++) {
        r = registers(at, R_FRAME);
        if (r == NULL)
            return NULL;
        own = own_frames(r, &size);
        if (own > 0)
            return r;
        if (own < 0 || size > len)
            return NULL;
        at += size;
        len -= size;
    }
    return NULL;
}

static bool wake(volatile uint8_t *r)
{
    unsigned i;

    set(r, R_WAKER, get(r, R_WAKER) & ~(uint32_t)R_WAKER_SLEEP);
    for (i = 0; i < WAIT_READS; i++)
        if ((get(r, R_WAKER) & R_WAKER_ASLEEP) == 0)
            return true;
    return false;
}

bool gic_v3(uint64_t dist_at, uint64_t redist_at, uint64_t redist_len)
{
    volatile uint8_t *d = registers(dist_at, D_SIZE_V3);
    volatile uint8_t *r = find_frames(redist_at, redist_len);

    if (d == NULL || r == NULL || !wake(r))
        return false;
    cpu_write(icc_sre_el1, 7);
    cpu_isb();
    if ((cpu_read(icc_sre_el1) & 1) == 0)
        return false;
    dist = d;
    sgi = r + R_SGI;
    set(dist, D_CTLR, 0);
    find_lines();
    quiet(sgi, 0, 32);
    quiet(dist, 32, lines);
    set(dist, D_CTLR, D_CTLR_V3_ON);
    cpu_write(icc_pmr_el1, PRIORITY_MASK);
    cpu_write(icc_bpr1_el1, 0);
    cpu_write(icc_ctlr_el1, 0);
    cpu_write(icc_igrpen1_el1, 1);
    cpu_isb();
    return true;
}

/* To this processor: v2 says in the registers of its own interrupts which
 * bit it is. */
static void target(uint32_t id)
{
    volatile uint8_t *to = dist + D_TARGETS + id;
    uint64_t a = affinity();

    if (sgi == NULL) {
        *to = (uint8_t)get(dist, D_TARGETS);
        return;
    }
    set(dist, D_ROUTER + 8 * id, (uint32_t)a);
    set(dist, D_ROUTER + 8 * id + 4, (uint32_t)(a >> 32));
}

bool gic_enable(uint32_t id, bool edge)
{
    volatile uint8_t *base = id < 32 && sgi != NULL ? sgi : dist;
    unsigned config = D_CONFIG + id / 16 * 4, shift = id % 16 * 2 + 1;
    uint32_t v;

    if (dist == NULL || id < 16 || id >= lines)
        return false;
    if (id >= 32) {
        v = get(base, config) & ~(1u << shift);
        set(base, config, v | (uint32_t)edge << shift);
        target(id);
    }
    set(base, D_ENABLE + id / 32 * 4, 1u << id % 32);
    return true;
}

uint32_t gic_take(void)
{
    uint32_t id;

    if (dist == NULL)
        return GIC_NONE;
    if (sgi != NULL) {
        id = (uint32_t)cpu_read(icc_iar1_el1) & 0xffffff;
        cpu_dsb();
        if (id < SPURIOUS)
            cpu_write(icc_eoir1_el1, id);
        cpu_isb();
    } else {
        id = get(cpu, C_IAR);
        if ((id & 0x3ff) < SPURIOUS)
            set(cpu, C_EOIR, id);
        id &= 0x3ff;
    }
    return id < SPURIOUS ? id : GIC_NONE;
}

void gic_stop(void)
{
    if (sgi != NULL)
        cpu_write(icc_igrpen1_el1, 0);
    else if (cpu != NULL)
        set(cpu, C_CTLR, 0);
    cpu_isb();
}
