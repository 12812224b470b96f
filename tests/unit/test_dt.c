/* sources: kernel/dt/dt.c kernel/dt/address.c kernel/dt/irq.c */
/* includes: kernel */
/* libs: libfdt */
/*
 * test_dt.c - trees made here, honest and not: what is read from them.
 */
#include "dt/dt.h"

#include <libfdt.h>

#include "check.h"
#include "paging.h"

static _Alignas(8) uint8_t tree[64 * 1024];

/* ------------------------------------------------- what dt.c stands on */

/* Physical addresses are the tests' own pointers. */
bool mem_peek(uint64_t phys, void *out, size_t len)
{
    if (phys < 4096)
        return false;
    memcpy(out, (const void *)(uintptr_t)phys, len);
    return true;
}

void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind)
{
    CHECK_EQ(kind, MEM_RO);
    CHECK(len != 0);
    return (void *)(uintptr_t)phys;
}

void mem_wipe(uint64_t phys, size_t len)
{
    memset((void *)(uintptr_t)phys, 0, len);
}

/* ------------------------------------------------------ making a tree */

static void begin(void)
{
    memset(tree, 0, sizeof tree);
    fdt_create(tree, sizeof tree);
}

static void node(const char *name)
{
    fdt_begin_node(tree, name);
}

static void end(void)
{
    fdt_end_node(tree);
}

static void u32(const char *name, uint32_t v)
{
    fdt_property_u32(tree, name, v);
}

static void text(const char *name, const char *v)
{
    fdt_property(tree, name, v, (int)strlen(v) + 1);
}

#define CELLS(name, ...)                                           \
    do {                                                           \
        const uint32_t v_[] = { __VA_ARGS__ };                     \
        fdt32_t w_[sizeof v_ / 4];                                 \
                                                                   \
        for (size_t i_ = 0; i_ < sizeof v_ / 4; i_++)              \
            w_[i_] = cpu_to_fdt32(v_[i_]);                         \
        CHECK_EQ(fdt_property(tree, name, w_, (int)sizeof w_), 0); \
    } while (false)

static void done(void)
{
    CHECK_EQ(fdt_finish(tree), 0);
    CHECK_STR(dt_use(tree, fdt_totalsize(tree)), NULL);
}

/* ------------------------------------------------------------- cases */

static void finding(void)
{
    int n;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    node("a@1");
    fdt_property(tree, "compatible", "x,one\0x,two", 12);
    end();
    node("b");
    text("compatible", "x,two");
    text("status", "disabled");
    end();
    node("c");
    text("compatible", "x,two");
    text("status", "okay");
    u32("phandle", 7);
    node("d");
    end();
    end();
    end();
    done();
    n = dt_find(DT_NONE, "x,two");
    CHECK_STR(dt_name(n), "a@1");
    CHECK(dt_is(n, "x,one"));
    CHECK(!dt_is(n, "x,on"));
    n = dt_find(n, "x,two");
    CHECK_STR(dt_name(n), "c"); /* b is switched off */
    CHECK_EQ(dt_find(n, "x,two"), DT_NONE);
    CHECK_EQ(dt_phandle(7), n);
    CHECK_EQ(dt_phandle(8), DT_NONE);
    CHECK_EQ(dt_path("/c"), n);
    CHECK_STR(dt_name(dt_child(n)), "d");
    CHECK_EQ(dt_sibling(dt_child(n)), DT_NONE);
    CHECK_EQ(dt_parent(dt_path("/c/d")), n);
    CHECK_EQ(dt_parent(DT_ROOT), DT_NONE);
    CHECK_EQ(dt_path("/a"), dt_path("/a@1"));
    CHECK_STR(dt_name(dt_path("/a")), "a@1");
    CHECK_EQ(dt_path("/a@"), DT_NONE);
    CHECK_EQ(dt_path("/a@2"), DT_NONE);
    CHECK_EQ(dt_path("//c/d/"), dt_child(n));
    CHECK_EQ(dt_path("/c/d/e"), DT_NONE);
    CHECK_EQ(dt_path("/"), DT_ROOT);
    CHECK_EQ(dt_child(dt_child(n)), DT_NONE);
    CHECK_EQ(dt_sibling(DT_ROOT), DT_NONE);
    CHECK_EQ(dt_path("/nowhere"), DT_NONE);
    CHECK_EQ(dt_path("alias"), DT_NONE);
    CHECK_STR(dt_name(DT_NONE), "?");
}

/* width nodes below the root, each a chain of depth nodes */
static const char *tree_of(unsigned width, unsigned depth)
{
    unsigned i, k;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    for (i = 0; i < width; i++) {
        for (k = 0; k < depth; k++)
            node("n");
        for (k = 0; k < depth; k++)
            end();
    }
    end();
    CHECK_EQ(fdt_finish(tree), 0);
    return dt_use(tree, fdt_totalsize(tree));
}

static void sizes(void)
{
    CHECK_STR(tree_of(1023, 1), NULL);
    CHECK_STR(tree_of(1024, 1), "it has too many nodes");
    CHECK_EQ(dt_path("/"), DT_NONE); /* and is not used */
    CHECK_EQ(dt_find(DT_NONE, "x"), DT_NONE);
    CHECK_STR(tree_of(2, 15), NULL);
    CHECK_STR(tree_of(2, 16), "it has too many nodes");
}

static void values(void)
{
    struct blob b;
    uint32_t v;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    CELLS("cells", 1, 0x80000001);
    fdt_property(tree, "odd", "\0\0\0\1\2", 5);
    fdt_property(tree, "unended", "abc", 3);
    end();
    done();
    CHECK(dt_cell(DT_ROOT, "cells", 1, &v));
    CHECK_EQ(v, 0x80000001);
    CHECK(!dt_cell(DT_ROOT, "cells", 2, &v));
    CHECK(!dt_cell(DT_ROOT, "cells", SIZE_MAX, &v));
    CHECK(dt_cell(DT_ROOT, "odd", 0, &v));
    CHECK(!dt_cell(DT_ROOT, "odd", 1, &v));
    CHECK(!dt_has_string(DT_ROOT, "unended", "abc"));
    CHECK(!dt_prop(DT_ROOT, "none", &b));
    CHECK(!dt_prop(DT_NONE, "cells", &b));
    CHECK_EQ(b.len, 0);
}

static struct dt_range got[8];
static unsigned got_count;

static void collect(uint64_t start, uint64_t len)
{
    if (got_count < 8)
        got[got_count++] = (struct dt_range){ start, len };
}

static void memory(void)
{
    begin();
    fdt_add_reservemap_entry(tree, 0x1000, 0x2000);
    fdt_finish_reservemap(tree);
    node("");
    u32("#address-cells", 2);
    u32("#size-cells", 2);
    node("memory@80000000");
    text("device_type", "memory");
    CELLS("reg", 0, 0x80000000, 0, 0x10000000, 1, 0, 0, 0x1000);
    end();
    node("memory@9"); /* without device_type: something else */
    CELLS("reg", 0, 9, 0, 9);
    end();
    node("secram@e000000"); /* QEMU's virt,secure=on */
    text("device_type", "memory");
    text("status", "disabled");
    CELLS("reg", 0, 0xe000000, 0, 0x1000000);
    end();
    node("reserved-memory");
    u32("#address-cells", 2);
    u32("#size-cells", 2);
    fdt_property(tree, "ranges", "", 0);
    node("fw@80000000");
    CELLS("reg", 0, 0x80000000, 0, 0x40000);
    end();
    end();
    end();
    done();
    got_count = 0;
    dt_memory(collect);
    CHECK_EQ(got_count, 2);
    CHECK_EQ(got[0].start, 0x80000000);
    CHECK_EQ(got[0].size, 0x10000000);
    CHECK_EQ(got[1].start, 0x100000000);
    got_count = 0;
    dt_reserved(collect);
    CHECK_EQ(got_count, 2);
    CHECK_EQ(got[0].start, 0x1000);
    CHECK_EQ(got[0].size, 0x2000);
    CHECK_EQ(got[1].start, 0x80000000);
    CHECK_EQ(got[1].size, 0x40000);
}

static void addresses(void)
{
    struct dt_range r;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    u32("#address-cells", 2);
    u32("#size-cells", 1);
    node("bus");
    u32("#address-cells", 1);
    u32("#size-cells", 1);
    CELLS("ranges", 0, 1, 0x40000000, 0x1000, 0x8000, 2, 0, 0x100);
    node("first");
    CELLS("reg", 0x10, 0x20, 0x8000, 0x100, 0x8000, 0x101, 0xfff, 2);
    end();
    end();
    node("plain"); /* no ranges: its children are not memory */
    u32("#address-cells", 1);
    u32("#size-cells", 0);
    node("second");
    u32("reg", 5);
    end();
    end();
    node("wide");
    u32("#address-cells", 3);
    u32("#size-cells", 2);
    fdt_property(tree, "ranges", "", 0);
    node("third");
    CELLS("reg", 1, 2, 3, 4, 5);
    end();
    end();
    node("defaults"); /* 2 and 1 */
    CELLS("reg", 0, 0x1234, 0x10);
    end();
    end();
    done();
    CHECK(dt_reg(dt_path("/bus/first"), 0, &r));
    CHECK_EQ(r.start, 0x140000010);
    CHECK_EQ(r.size, 0x20);
    CHECK(dt_reg(dt_path("/bus/first"), 1, &r));
    CHECK_EQ(r.start, 0x200000000);
    CHECK(!dt_reg(dt_path("/bus/first"), 2, &r)); /* longer than its range */
    CHECK(!dt_reg(dt_path("/bus/first"), 3, &r)); /* out at the end        */
    CHECK(!dt_reg(dt_path("/bus/first"), 4, &r)); /* not there             */
    CHECK(!dt_reg(dt_path("/plain/second"), 0, &r));
    CHECK(!dt_reg(dt_path("/wide/third"), 0, &r));
    CHECK(dt_reg(dt_path("/defaults"), 0, &r));
    CHECK_EQ(r.start, 0x1234);
    CHECK(!dt_reg(DT_ROOT, 0, &r));
    CHECK(!dt_reg(DT_NONE, 0, &r));
}

static void interrupts(void)
{
    struct dt_irq i;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    u32("#address-cells", 2);
    u32("#size-cells", 2);
    u32("interrupt-parent", 1);
    node("pic");
    u32("phandle", 1);
    u32("#interrupt-cells", 2);
    end();
    node("other");
    u32("phandle", 2);
    u32("#interrupt-cells", 1);
    node("own");
    CELLS("interrupts", 9, 8);
    end();
    end();
    node("a");
    CELLS("interrupts", 5, 4, 3, 2);
    end();
    node("b");
    CELLS("interrupts-extended", 2, 6, 1, 7, 8, 99, 1);
    end();
    node("c");
    u32("interrupt-parent", 77);
    u32("interrupts", 1);
    end();
    end();
    done();
    CHECK(dt_irq(dt_path("/a"), 1, &i));
    CHECK_EQ(i.controller, dt_path("/pic"));
    CHECK_EQ(i.cells, 2);
    CHECK_EQ(i.cell[0], 3);
    CHECK_EQ(i.cell[1], 2);
    CHECK(!dt_irq(dt_path("/a"), 2, &i));
    CHECK(dt_irq(dt_path("/b"), 0, &i));
    CHECK_EQ(i.controller, dt_path("/other"));
    CHECK_EQ(i.cell[0], 6);
    CHECK(dt_irq(dt_path("/b"), 1, &i));
    CHECK_EQ(i.controller, dt_path("/pic"));
    CHECK_EQ(i.cell[1], 8);
    CHECK(!dt_irq(dt_path("/b"), 2, &i)); /* no such controller */
    CHECK(!dt_irq(dt_path("/c"), 0, &i));
    CHECK(dt_irq(dt_path("/other/own"), 1, &i)); /* the node above takes it */
    CHECK_EQ(i.controller, dt_path("/other"));
    CHECK_EQ(i.cell[0], 8);
}

/* A PCI host bridge as QEMU describes it: two devices, two pins. */
static void interrupt_maps(void)
{
    struct dt_irq i;
    int pci;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    node("gic");
    u32("phandle", 1);
    u32("#interrupt-cells", 3);
    u32("#address-cells", 2);
    end();
    node("pci");
    u32("phandle", 2);
    u32("#address-cells", 3);
    u32("#interrupt-cells", 1);
    CELLS("interrupt-map-mask", 0x1800, 0, 0, 7);
    CELLS("interrupt-map", 0, 0, 0, 1, 1, 0xaa, 0xbb, 0, 3, 4, /**/
          0, 0, 0, 2, 1, 0, 0, 0, 4, 4,                        /**/
          0x800, 0, 0, 1, 1, 0, 0, 0, 4, 4);
    end();
    node("loop");
    u32("phandle", 3);
    u32("#address-cells", 3);
    u32("#interrupt-cells", 1);
    CELLS("interrupt-map-mask", 0, 0, 0, 0);
    CELLS("interrupt-map", 0, 0, 0, 0, 3, 0, 0, 0, 1);
    end();
    node("cut");
    u32("#address-cells", 3);
    u32("#interrupt-cells", 1);
    CELLS("interrupt-map", 0, 0, 0, 1, 1, 0, 0, 7);
    end();
    end();
    done();
    pci = dt_path("/pci");
    CHECK(dt_pci_irq(pci, 4 << 3, 1, &i)); /* device 4 is 0 in the mask */
    CHECK_EQ(i.controller, dt_path("/gic"));
    CHECK_EQ(i.cells, 3);
    CHECK_EQ(i.cell[1], 3);
    CHECK(dt_pci_irq(pci, 1 << 3, 1, &i));
    CHECK_EQ(i.cell[1], 4);
    CHECK(!dt_pci_irq(pci, 1 << 3, 2, &i));
    CHECK(!dt_pci_irq(pci, 2 << 3, 1, &i));
    CHECK(!dt_pci_irq(dt_path("/loop"), 0, 1, &i));
    CHECK(!dt_pci_irq(dt_path("/cut"), 0, 1, &i));
    CHECK(!dt_pci_irq(dt_path("/gic"), 0, 1, &i));
    CHECK(!dt_pci_irq(DT_NONE, 0, 1, &i));
}

static void chosen(void)
{
    struct dt_chosen c;
    uint8_t seed[8];
    struct blob b;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    node("aliases");
    text("serial0", "/uart");
    text("self", "self");
    end();
    node("chosen");
    text("bootargs", "password=secret");
    CELLS("linux,initrd-start", 0x84000000);
    CELLS("linux,initrd-end", 0, 0x84000010);
    text("stdout-path", "serial0:115200");
    fdt_property(tree, "rng-seed", "0123456789", 10);
    end();
    node("uart");
    end();
    end();
    done();
    dt_chosen(&c);
    CHECK_MEM(c.bootargs.p, c.bootargs.len, "password=secret", 15);
    CHECK_EQ(c.initrd.start, 0x84000000);
    CHECK_EQ(c.initrd.size, 16);
    CHECK_EQ(c.stdout_node, dt_path("/uart"));
    CHECK_EQ(dt_rng_seed(seed, 8), 8);
    CHECK_MEM(seed, 8, "01234567", 8);
    CHECK(dt_prop(dt_path("/chosen"), "rng-seed", &b));
    CHECK_MEM(b.p, b.len,
              "\0\0\0\0\0\0\0\0"
              "89",
              10);
    CHECK_EQ(dt_rng_seed(seed, 8), 2);
    CHECK_EQ(dt_rng_seed(seed, 8), 0);
    dt_forget();
    for (size_t i = 0; i + 6 < sizeof tree; i++)
        CHECK(memcmp(tree + i, "secret", 6) != 0);
}

static void chosen_nonsense(void)
{
    struct dt_chosen c;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    node("aliases");
    text("self", "self");
    end();
    node("chosen");
    fdt_property(tree, "bootargs", "unended", 7);
    CELLS("linux,initrd-start", 0x84000000);
    CELLS("linux,initrd-end", 0x80000000);
    text("stdout-path", "self");
    end();
    end();
    done();
    dt_chosen(&c);
    CHECK_EQ(c.bootargs.len, 7);
    CHECK_EQ(c.initrd.size, 0);
    CHECK_EQ(c.stdout_node, DT_NONE);
}

static void no_chosen(void)
{
    struct dt_chosen c;

    begin();
    fdt_finish_reservemap(tree);
    node("");
    end();
    done();
    dt_chosen(&c);
    CHECK_EQ(c.bootargs.len, 0);
    CHECK_EQ(c.initrd.size, 0);
    CHECK_EQ(c.stdout_node, DT_NONE);
    got_count = 0;
    dt_memory(collect);
    dt_reserved(collect);
    CHECK_EQ(got_count, 0);
}

static void opening(void)
{
    no_chosen();
    CHECK_STR(dt_open((uintptr_t)tree), NULL);
    CHECK(dt_open(0) != NULL);
    CHECK(dt_open((uintptr_t)tree + 4) != NULL);
    fdt_set_totalsize(tree, 1u << 30);
    CHECK(dt_open((uintptr_t)tree) != NULL);
    fdt_set_totalsize(tree, 4);
    CHECK(dt_open((uintptr_t)tree) != NULL);
    tree[0] = 0;
    CHECK(dt_open((uintptr_t)tree) != NULL);
}

/* Flipped bits and cut lengths: refused, or read without a step outside (an
 * exact block of the heap, for the sanitizer). */
static void broken(void)
{
    uint64_t state = check_seed;
    struct dt_chosen c;
    struct dt_range r;
    struct dt_irq i;
    size_t len;

    interrupt_maps();
    memory();
    len = fdt_totalsize(tree);
    for (unsigned turn = 0; turn < 20000; turn++) {
        size_t n = turn % 4 == 0 ? check_random(&state) % len : len;
        void *copy = NULL;

        if (posix_memalign(&copy, 8, n + 1) != 0)
            abort();
        memcpy(copy, tree, n);
        for (unsigned k = turn % 5; k > 0 && n > 0; k--)
            ((uint8_t *)copy)[check_random(&state) % n] ^=
                (uint8_t)(1u << check_random(&state) % 8);
        if (dt_use(copy, n) == NULL) {
            got_count = 0;
            dt_memory(collect);
            dt_reserved(collect);
            dt_chosen(&c);
            for (int node = dt_child(DT_ROOT); node != DT_NONE;
                 node = dt_sibling(node)) {
                dt_reg(node, 0, &r);
                dt_irq(node, 0, &i);
                dt_pci_irq(node, 8, 1, &i);
            }
            dt_find(DT_NONE, "x,two");
        }
        dt_use(tree, len);
        free(copy);
    }
}

static const struct check_case cases[] = {
    { "opening", opening },       { "finding", finding },
    { "sizes", sizes },           { "values", values },
    { "memory", memory },         { "addresses", addresses },
    { "interrupts", interrupts }, { "interrupt-maps", interrupt_maps },
    { "chosen", chosen },         { "chosen-nonsense", chosen_nonsense },
    { "no-chosen", no_chosen },   { "broken", broken },
};
CHECK_MAIN(cases)
