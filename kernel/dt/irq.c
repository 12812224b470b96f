/*
 * irq.c - which interrupt of which controller a node's is (Devicetree
 * Specification 0.4, 2.4; Open Firmware interrupt mapping 0.9).
 *
 * A specifier goes up the interrupt tree; a node with an interrupt-map turns
 * it into its parent's. At most STEPS_MAX of them on the way.
 */
#include <string.h>

#include "dt/dt.h"

#define STEPS_MAX 8
#define UNIT_MAX  4 /* cells of a unit address: 3 for PCI */

/* A specifier at a controller or at a map, with the unit address that a map
 * looks at as well. */
struct spec {
    uint32_t unit_cells, unit[UNIT_MAX];
    struct dt_irq irq;
};

static uint32_t cells_of(int node, const char *name)
{
    uint32_t v;

    return dt_cell(node, name, 0, &v) ? v : 0;
}

/* Do the cells of a map's entry match, where the mask has bits? */
static bool match(int map, size_t at, uint32_t first, uint32_t count,
                  const uint32_t *want)
{
    uint32_t i, v, mask;

    for (i = 0; i < count; i++) {
        if (!dt_cell(map, "interrupt-map", at + first + i, &v))
            return false;
        if (!dt_cell(map, "interrupt-map-mask", first + i, &mask))
            mask = UINT32_MAX;
        if (((v ^ want[i]) & mask) != 0)
            return false;
    }
    return true;
}

/* Entry: unit address, specifier, then the parent's phandle, unit address,
 * specifier. Each length is the node's that reads it. */
static bool follow(struct spec *s)
{
    int map = s->irq.controller, parent;
    uint32_t n = s->unit_cells + s->irq.cells, phandle, pu, pi;
    size_t at;
    bool hit;

    for (at = 0;; at += n + 1 + pu + pi) {
        if (!dt_cell(map, "interrupt-map", at + n, &phandle))
            return false;
        parent = dt_phandle(phandle);
        pu = cells_of(parent, "#address-cells");
        pi = cells_of(parent, "#interrupt-cells");
        if (parent == DT_NONE || pi == 0 || pi > DT_IRQ_CELLS || pu > UNIT_MAX)
            return false;
        hit = match(map, at, 0, s->unit_cells, s->unit) &&
              match(map, at, s->unit_cells, s->irq.cells, s->irq.cell);
        if (hit)
            break;
    }
    s->unit_cells = pu;
    s->irq.cells = pi;
    s->irq.controller = parent;
    return dt_cells(map, "interrupt-map", at + n + 1, pu, s->unit) &&
           dt_cells(map, "interrupt-map", at + n + 1 + pu, pi, s->irq.cell);
}

static bool resolve(struct spec *s, struct dt_irq *out)
{
    struct blob map;
    unsigned steps;

    for (steps = 0; steps < STEPS_MAX; steps++) {
        if (!dt_prop(s->irq.controller, "interrupt-map", &map)) {
            *out = s->irq;
            return true;
        }
        if (!follow(s))
            return false;
    }
    return false;
}

/* 2.4.1: the property interrupt-parent of the node or one above it, else the
 * first node above that takes interrupts. */
static int interrupt_parent(int node)
{
    uint32_t phandle;
    unsigned depth;

    for (depth = 0; depth < STEPS_MAX && node != DT_NONE; depth++) {
        if (dt_cell(node, "interrupt-parent", 0, &phandle))
            return dt_phandle(phandle);
        node = dt_parent(node);
        if (node != DT_NONE && cells_of(node, "#interrupt-cells") != 0)
            return node;
    }
    return DT_NONE;
}

/* Entries may differ in length: each is as long as its controller says. */
static bool extended(int node, size_t index, struct dt_irq *irq)
{
    uint32_t phandle;
    size_t at = 0;

    for (;; index--) {
        if (!dt_cell(node, "interrupts-extended", at, &phandle))
            return false;
        irq->controller = dt_phandle(phandle);
        irq->cells = cells_of(irq->controller, "#interrupt-cells");
        if (irq->cells == 0 || irq->cells > DT_IRQ_CELLS)
            return false;
        if (index == 0)
            return dt_cells(node, "interrupts-extended", at + 1, irq->cells,
                            irq->cell);
        at += 1 + irq->cells;
    }
}

static bool plain(int node, size_t index, struct dt_irq *irq)
{
    irq->controller = interrupt_parent(node);
    irq->cells = cells_of(irq->controller, "#interrupt-cells");
    if (irq->cells == 0 || irq->cells > DT_IRQ_CELLS)
        return false;
    return dt_cells(node, "interrupts", index * irq->cells, irq->cells,
                    irq->cell);
}

bool dt_irq(int node, size_t index, struct dt_irq *out)
{
    struct spec s = { 0 };

    if (!extended(node, index, &s.irq) && !plain(node, index, &s.irq))
        return false;
    s.unit_cells = cells_of(s.irq.controller, "#address-cells");
    if (s.unit_cells > UNIT_MAX)
        return false;
    /* a map that looks at addresses must find one */
    if (!dt_cells(node, "reg", 0, s.unit_cells, s.unit))
        memset(s.unit, 0, sizeof s.unit);
    return resolve(&s, out);
}

/* The unit address is phys.hi: bus, device and function above bit 8. */
bool dt_pci_irq(int bridge, uint32_t bdf, uint8_t pin, struct dt_irq *out)
{
    struct spec s = {
        .unit_cells = 3,
        .unit = { bdf << 8 },
        .irq = { .controller = bridge, .cells = 1, .cell = { pin } },
    };
    struct blob map;

    return cells_of(bridge, "#address-cells") == 3 &&
           cells_of(bridge, "#interrupt-cells") == 1 &&
           dt_prop(bridge, "interrupt-map", &map) && resolve(&s, out);
}
