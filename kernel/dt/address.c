/*
 * address.c - cells, "reg" and "ranges" (Devicetree Specification 0.4, 2.3.5
 * to 2.3.8).
 *
 * Addresses and sizes of one or two cells; buses with more (PCI) have
 * addresses of their own kind and are not translated here.
 */
#include <string.h>

#include "dt/dt.h"

#define DEPTH_MAX 16

bool dt_cells(int node, const char *name, size_t index, size_t count,
              uint32_t *out)
{
    struct blob b;
    const uint8_t *p;
    size_t i;

    if (!dt_prop(node, name, &b) || index > b.len / 4 ||
        count > b.len / 4 - index)
        return false;
    for (i = 0; i < count; i++) {
        p = b.p + 4 * (index + i);
        out[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
                 (uint32_t)p[2] << 8 | p[3];
    }
    return true;
}

bool dt_cell(int node, const char *name, size_t index, uint32_t *out)
{
    return dt_cells(node, name, index, 1, out);
}

/* count cells (0 to 2) from index on, as one number */
static bool cells(int node, const char *name, size_t index, uint32_t count,
                  uint64_t *out)
{
    uint32_t v[2] = { 0, 0 };

    if (!dt_cells(node, name, index, count, v))
        return false;
    *out = count == 2 ? (uint64_t)v[0] << 32 | v[1] : v[0];
    return true;
}

/* How the children of a bus give addresses; false: not as plain numbers. */
static bool bus_cells(int bus, uint32_t *address, uint32_t *size)
{
    if (!dt_cell(bus, "#address-cells", 0, address))
        *address = 2;
    if (!dt_cell(bus, "#size-cells", 0, size))
        *size = 1;
    return *address >= 1 && *address <= 2 && *size <= 2;
}

/* One step up: what the bus calls r its parent calls something else. */
static bool translate(int bus, int parent, struct dt_range *r)
{
    uint32_t na, ns, pa, ps;
    struct blob ranges;
    uint64_t child, to, size;
    size_t i;

    if (!dt_prop(bus, "ranges", &ranges) || !bus_cells(bus, &na, &ns) ||
        !bus_cells(parent, &pa, &ps))
        return false;
    if (ranges.len == 0)
        return true;
    for (i = 0;; i += na + pa + ns) {
        if (!cells(bus, "ranges", i, na, &child) ||
            !cells(bus, "ranges", i + na, pa, &to) ||
            !cells(bus, "ranges", i + na + pa, ns, &size))
            return false;
        if (r->start < child || r->start - child > size ||
            r->size > size - (r->start - child))
            continue;
        if (r->start - child > UINT64_MAX - to)
            return false;
        r->start = to + (r->start - child);
        return true;
    }
}

bool dt_reg(int node, size_t index, struct dt_range *out)
{
    int bus = dt_parent(node), parent;
    uint32_t na, ns;
    unsigned depth;
    size_t at;

    if (bus == DT_NONE || !bus_cells(bus, &na, &ns))
        return false;
    at = index * (na + ns);
    if (!cells(node, "reg", at, na, &out->start) ||
        !cells(node, "reg", at + na, ns, &out->size) ||
        out->size > UINT64_MAX - out->start)
        return false;
    for (depth = 0; depth < DEPTH_MAX; depth++) {
        parent = dt_parent(bus);
        if (parent == DT_NONE)
            return true;
        if (!translate(bus, parent, out))
            return false;
        bus = parent;
    }
    return false;
}

bool dt_unit(int node, uint64_t *out)
{
    uint32_t na, ns;

    return bus_cells(dt_parent(node), &na, &ns) &&
           cells(node, "reg", 0, na, out);
}

void dt_memory(void (*found)(uint64_t start, uint64_t len))
{
    struct dt_range r;
    int node;
    size_t i;

    for (node = dt_child(DT_ROOT); node != DT_NONE; node = dt_sibling(node)) {
        /* the secure world's is there, and switched off for us */
        if (!dt_has_string(node, "device_type", "memory") || !dt_enabled(node))
            continue;
        for (i = 0; dt_reg(node, i, &r); i++)
            found(r.start, r.size);
    }
}
