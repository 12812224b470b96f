/*
 * dt.c - the tree itself: the one file that knows libfdt.
 *
 * libfdt checks each offset it is given; all nodes and properties are walked
 * once before anything is believed (Devicetree Specification 0.4, chapter 5).
 * Trees are limited to 2 MiB, Linux's limit, and to NODES_MAX nodes. What
 * libfdt would search for from the start each time is noted on that walk:
 * finding 32 devices took 30 million instructions before.
 */
#include "dt/dt.h"

#include <libfdt.h>
#include <string.h>

#include "paging.h"

#define TREE_MAX   (2u << 20)
#define HEADER     40 /* of version 17 */
#define PATH_LIMIT 256
#define NODES_MAX  1024
#define DEPTH_MAX  16

static const char broken[] = "its structure is broken";

static const void *tree; /* NULL: none yet */

static struct node {
    int offset, parent;
    uint32_t phandle; /* 0: none */
    struct blob compatible;
} nodes[NODES_MAX]; /* in the tree's order: offsets grow */
static unsigned node_count;

/* False: a property is broken. */
static bool note(int offset, int parent)
{
    struct node *n = &nodes[node_count];
    const char *name;
    const void *p;
    int at, len;

    *n = (struct node){ .offset = offset, .parent = parent };
    node_count++;
    fdt_for_each_property_offset(at, tree, offset)
    {
        p = fdt_getprop_by_offset(tree, at, &name, &len);
        if (p == NULL)
            return false;
        if (strcmp(name, "compatible") == 0)
            n->compatible = blob_of(p, (size_t)len);
        else if (strcmp(name, "phandle") == 0 && len == 4)
            n->phandle = fdt32_ld(p);
    }
    return at == -FDT_ERR_NOTFOUND;
}

static const char *note_all(void)
{
    int open[DEPTH_MAX], depth = -1, offset = DT_NONE;

    node_count = 0;
    for (;;) {
        offset = fdt_next_node(tree, offset, &depth);
        if (depth < 0) /* the root's end */
            return offset >= 0 ? NULL : broken;
        if (depth >= DEPTH_MAX || node_count == NODES_MAX)
            return "it has too many nodes";
        if (offset < 0 || !note(offset, depth > 0 ? open[depth - 1] : DT_NONE))
            return broken;
        open[depth] = offset;
    }
}

/* The node's number; node_count: it is none. */
static unsigned number_of(int offset)
{
    unsigned low = 0, high = node_count, mid;

    while (low < high) {
        mid = (low + high) / 2;
        if (nodes[mid].offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < node_count && nodes[low].offset == offset ? low : node_count;
}

const char *dt_use(const void *p, size_t len)
{
    const char *why;

    /* 5.6: libfdt relies on the alignment and does not check it */
    if (len < HEADER || len > TREE_MAX || fdt_check_header(p) != 0 ||
        fdt_totalsize(p) > len || fdt_off_dt_struct(p) % 4 != 0 ||
        fdt_off_mem_rsvmap(p) % 8 != 0 || fdt_num_mem_rsv(p) < 0)
        return broken;
    tree = p;
    why = note_all();
    if (why != NULL)
        tree = NULL;
    return why;
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

bool dt_prop(int node, const char *name, struct blob *out)
{
    int len = 0;
    const void *p = NULL;

    if (tree != NULL && node >= 0)
        p = fdt_getprop(tree, node, name, &len);
    *out = blob_of(p, p != NULL ? (size_t)len : 0);
    return p != NULL;
}

/* One string of a list of strings, each with its NUL, is text. */
static bool has(struct blob list, const char *text)
{
    size_t n = strlen(text) + 1;

    while (list.len != 0) {
        const uint8_t *nul = memchr(list.p, '\0', list.len);
        size_t len = nul != NULL ? (size_t)(nul - list.p) + 1 : list.len;

        if (nul != NULL && len == n && memcmp(list.p, text, n) == 0)
            return true;
        list = blob_of(list.p + len, list.len - len);
    }
    return false;
}

bool dt_has_string(int node, const char *name, const char *text)
{
    struct blob b;

    return dt_prop(node, name, &b) && has(b, text);
}

/* 2.3.4: no status is "okay" */
bool dt_enabled(int node)
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
    unsigned i = after == DT_NONE ? 0 : number_of(after) + 1;

    for (; tree != NULL && i < node_count; i++)
        if (has(nodes[i].compatible, compatible) && dt_enabled(nodes[i].offset))
            return nodes[i].offset;
    return DT_NONE;
}

/* 2.2.1: without the unit address the name alone will do. */
static bool named(int node, const char *text, size_t n)
{
    int len = 0;
    const char *name = fdt_get_name(tree, node, &len);

    if (name == NULL || (size_t)len < n || memcmp(name, text, n) != 0)
        return false;
    return (size_t)len == n || (name[n] == '@' && memchr(text, '@', n) == NULL);
}

/* Aliases are not followed here: one can name itself. */
int dt_path(const char *path)
{
    int node = tree != NULL && path[0] == '/' ? DT_ROOT : DT_NONE;
    size_t n;

    for (;; path += n) {
        while (*path == '/')
            path++;
        n = strcspn(path, "/");
        if (n == 0 || node == DT_NONE)
            return node;
        for (node = dt_child(node); node != DT_NONE; node = dt_sibling(node))
            if (named(node, path, n))
                break;
    }
}

int dt_phandle(uint32_t phandle)
{
    unsigned i;

    for (i = 0; tree != NULL && phandle != 0 && i < node_count; i++)
        if (nodes[i].phandle == phandle)
            return nodes[i].offset;
    return DT_NONE;
}

int dt_parent(int node)
{
    unsigned i = number_of(node);

    return tree != NULL && i < node_count ? nodes[i].parent : DT_NONE;
}

int dt_child(int node)
{
    unsigned i = number_of(node) + 1;

    if (tree == NULL || i >= node_count || nodes[i].parent != node)
        return DT_NONE;
    return nodes[i].offset;
}

int dt_sibling(int node)
{
    unsigned i = number_of(node), k;

    for (k = i + 1; tree != NULL && k < node_count; k++)
        if (nodes[k].parent == nodes[i].parent)
            return nodes[k].offset;
    return DT_NONE;
}

const char *dt_name(int node)
{
    const char *name = NULL;

    if (tree != NULL && node >= 0)
        name = fdt_get_name(tree, node, NULL);
    return name != NULL ? name : "?";
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
