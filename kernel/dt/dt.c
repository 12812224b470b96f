/*
 * dt.c - the tree itself: the one file that knows libfdt.
 *
 * libfdt checks each offset it is given; fdt_check_full() has walked the whole
 * structure once before (Devicetree Specification 0.4, chapter 5). Trees are
 * limited to 2 MiB, Linux's limit.
 */
#include "dt/dt.h"

#include <libfdt.h>
#include <string.h>

#include "paging.h"

#define TREE_MAX   (2u << 20)
#define HEADER     40 /* of version 17 */
#define PATH_LIMIT 256

static const void *tree; /* NULL: none yet */

const char *dt_use(const void *p, size_t len)
{
    /* 5.6: libfdt relies on the alignment and does not check it */
    if (len < HEADER || len > TREE_MAX || fdt_off_dt_struct(p) % 4 != 0 ||
        fdt_off_mem_rsvmap(p) % 8 != 0 || fdt_check_full(p, len) != 0)
        return "its structure is broken";
    tree = p;
    return NULL;
}

const char *dt_open(uint64_t phys)
{
    uint8_t head[HEADER];
    uint32_t size;
    void *p;

    if (phys == 0 || phys % 8 != 0 || !mem_peek(phys, head, sizeof head))
        return "there is none where the loader says";
    if (fdt_magic(head) != FDT_MAGIC)
        return "there is none where the loader says";
    size = fdt_totalsize(head);
    if (size < sizeof head || size > TREE_MAX)
        return "its size makes no sense";
    p = mem_map(phys, size, MEM_RO);
    return p != NULL ? dt_use(p, size) : "it cannot be mapped";
}

uint64_t dt_address(void)
{
    return (uintptr_t)tree;
}

size_t dt_size(void)
{
    return tree != NULL ? fdt_totalsize(tree) : 0;
}

static int node_or_none(int offset)
{
    return offset >= 0 ? offset : DT_NONE;
}

bool dt_prop(int node, const char *name, struct blob *out)
{
    int len = 0;
    const void *p = NULL;

    if (tree != NULL && node >= 0)
        p = fdt_getprop(tree, node, name, &len);
    *out = blob_of(p, p != NULL ? (size_t)len : 0);
    return p != NULL;
}

/* 2.3.4: no status is "okay" */
static bool enabled(int node)
{
    struct blob b;

    return !dt_prop(node, "status", &b) ||
           dt_has_string(node, "status", "okay") ||
           dt_has_string(node, "status", "ok");
}

bool dt_is(int node, const char *compatible)
{
    return dt_has_string(node, "compatible", compatible);
}

int dt_find(int after, const char *compatible)
{
    int node = after;

    if (tree == NULL)
        return DT_NONE;
    do
        node = fdt_node_offset_by_compatible(tree, node, compatible);
    while (node >= 0 && !enabled(node));
    return node_or_none(node);
}

/* Aliases are not followed here: one can name itself. */
int dt_path(const char *path)
{
    if (tree == NULL || path[0] != '/')
        return DT_NONE;
    return node_or_none(fdt_path_offset(tree, path));
}

int dt_phandle(uint32_t phandle)
{
    if (tree == NULL)
        return DT_NONE;
    return node_or_none(fdt_node_offset_by_phandle(tree, phandle));
}

int dt_parent(int node)
{
    if (tree == NULL || node < 0)
        return DT_NONE;
    return node_or_none(fdt_parent_offset(tree, node));
}

int dt_child(int node)
{
    if (tree == NULL || node < 0)
        return DT_NONE;
    return node_or_none(fdt_first_subnode(tree, node));
}

int dt_sibling(int node)
{
    if (tree == NULL || node < 0)
        return DT_NONE;
    return node_or_none(fdt_next_subnode(tree, node));
}

const char *dt_name(int node)
{
    const char *name = NULL;

    if (tree != NULL && node >= 0)
        name = fdt_get_name(tree, node, NULL);
    return name != NULL ? name : "?";
}

bool dt_has_string(int node, const char *name, const char *text)
{
    struct blob b;
    size_t n = strlen(text) + 1;

    if (!dt_prop(node, name, &b))
        return false;
    while (b.len != 0) {
        const uint8_t *nul = memchr(b.p, '\0', b.len);
        size_t len = nul != NULL ? (size_t)(nul - b.p) + 1 : b.len;

        if (nul != NULL && len == n && memcmp(b.p, text, n) == 0)
            return true;
        b = blob_of(b.p + len, b.len - len);
    }
    return false;
}

void dt_reserved(void (*found)(uint64_t start, uint64_t len))
{
    int i, n = tree != NULL ? fdt_num_mem_rsv(tree) : 0;
    int area = dt_path("/reserved-memory"), node;
    struct dt_range r;
    uint64_t start, len;
    size_t k;

    for (i = 0; i < n; i++)
        if (fdt_get_mem_rsv(tree, i, &start, &len) == 0)
            found(start, len);
    for (node = dt_child(area); node != DT_NONE; node = dt_sibling(node))
        for (k = 0; dt_reg(node, k, &r); k++)
            found(r.start, r.size);
}

/* ---------------------------------------------------------------- chosen */

/* 3.6: a path or an alias, then perhaps ":" and options */
static int stdout_node(int chosen)
{
    struct blob b, alias;
    char name[PATH_LIMIT];
    size_t n = 0;

    if (!dt_prop(chosen, "stdout-path", &b))
        return DT_NONE;
    while (n < b.len && n + 1 < sizeof name && b.p[n] != ':' && b.p[n] != 0) {
        name[n] = (char)b.p[n];
        n++;
    }
    name[n] = '\0';
    if (name[0] == '/')
        return dt_path(name);
    if (!dt_prop(dt_path("/aliases"), name, &alias) || alias.len == 0 ||
        alias.len > sizeof name || alias.p[alias.len - 1] != '\0')
        return DT_NONE;
    memcpy(name, alias.p, alias.len);
    return dt_path(name);
}

/* One or two cells. */
static bool number(int node, const char *name, uint64_t *out)
{
    uint32_t high = 0, low = 0;

    if (!dt_cell(node, name, 0, &low))
        return false;
    if (dt_cell(node, name, 1, &high)) {
        *out = (uint64_t)low << 32 | high;
        return true;
    }
    *out = low;
    return true;
}

void dt_chosen(struct dt_chosen *out)
{
    int node = dt_path("/chosen");
    uint64_t end;

    memset(out, 0, sizeof *out);
    out->stdout_node = stdout_node(node);
    if (dt_prop(node, "bootargs", &out->bootargs)) {
        const uint8_t *nul = memchr(out->bootargs.p, '\0', out->bootargs.len);

        if (nul != NULL)
            out->bootargs.len = (size_t)(nul - out->bootargs.p);
    }
    if (number(node, "linux,initrd-start", &out->initrd.start) &&
        number(node, "linux,initrd-end", &end) && end > out->initrd.start)
        out->initrd.size = end - out->initrd.start;
}

static size_t seed_used;

size_t dt_rng_seed(uint8_t *out, size_t len)
{
    struct blob seed;
    size_t n;

    if (!dt_prop(dt_path("/chosen"), "rng-seed", &seed) ||
        seed.len <= seed_used)
        return 0;
    n = seed.len - seed_used < len ? seed.len - seed_used : len;
    memcpy(out, seed.p + seed_used, n);
    mem_wipe((uintptr_t)seed.p + seed_used, n);
    seed_used += n;
    return n;
}

void dt_forget(void)
{
    static const char *const names[] = { "bootargs", "rng-seed" };
    struct blob b;
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (dt_prop(dt_path("/chosen"), names[i], &b))
            mem_wipe((uintptr_t)b.p, b.len);
    seed_used = SIZE_MAX;
}
