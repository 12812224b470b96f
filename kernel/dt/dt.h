/*
 * dt.h - a machine described by a device tree (Devicetree Specification 0.4).
 *
 * The tree comes from the loader or the firmware: its size is bounded, libfdt
 * walks all of it once before anything is believed, and every property is
 * read with its length. A node is libfdt's offset into the tree, which does
 * not change while the image runs; DT_NONE: there is no such node. What a
 * tree leaves out, or says in a way that makes no sense, is not there.
 *
 * The board supplies platform_irq() beside platform.h's functions.
 */
#ifndef KERNEL_DT_H
#define KERNEL_DT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"

enum { DT_NONE = -1, DT_ROOT = 0 };

/* Checks the tree at phys and maps it read-only. NULL, or why it cannot be
 * used (a sentence part). */
const char *dt_open(uint64_t phys);
/* The same for a tree that is mapped; len bytes are there. */
const char *dt_use(const void *p, size_t len);
/* Where it lies: not to be given away as free RAM. */
uint64_t dt_address(void);
size_t dt_size(void);

/* --------------------------------------------------------- nodes, values */

/* The node above; DT_NONE: it is the root. */
int dt_parent(int node);
/* The next node behind after (DT_NONE: from the start) that is compatible
 * and not switched off (status). */
int dt_find(int after, const char *compatible);
bool dt_is(int node, const char *compatible);
bool dt_enabled(int node); /* by its status */
/* A node by its path or by its phandle; the first child, the next sibling. */
int dt_path(const char *path);
int dt_phandle(uint32_t phandle);
int dt_child(int node);
int dt_sibling(int node);
/* The node's name with its unit address, for the log. */
const char *dt_name(int node);

/* A property's bytes; false: the node has none of that name. */
bool dt_prop(int node, const char *name, struct blob *out);
/* Cell number index of a property; count cells from there on: all or none. */
bool dt_cell(int node, const char *name, size_t index, uint32_t *out);
bool dt_cells(int node, const char *name, size_t index, size_t count,
              uint32_t *out);
/* One string of a list of strings is text. */
bool dt_has_string(int node, const char *name, const char *text);

/* ----------------------------------------------------- addresses, memory */

struct dt_range {
    uint64_t start, size;
};
/* Entry index of "reg" as the processor sees it: read with the parent's
 * #address-cells and #size-cells, carried through every "ranges" above. */
bool dt_reg(int node, size_t index, struct dt_range *out);
/* The first address of "reg" as it stands there: a processor's number. */
bool dt_unit(int node, uint64_t *out);

/* Each range of RAM; each range in it that somebody has reserved: the
 * reservation block and the children of /reserved-memory. */
void dt_memory(void (*found)(uint64_t start, uint64_t len));
void dt_reserved(void (*found)(uint64_t start, uint64_t len));

/* ------------------------------------------------------------ interrupts */

#define DT_IRQ_CELLS 4
struct dt_irq {
    int controller; /* the node it arrives at       */
    uint32_t cells; /* how many of these it uses    */
    uint32_t cell[DT_IRQ_CELLS];
};
/* Interrupt index of a node: interrupts-extended, else interrupts with the
 * parent found upwards; maps (interrupt-map) on the way are followed. */
bool dt_irq(int node, size_t index, struct dt_irq *out);
/* The interrupt of pin 1 to 4 of a function of a PCI host bridge's own bus,
 * by the bridge's interrupt-map (Open Firmware PCI binding 2.1). */
bool dt_pci_irq(int bridge, uint32_t bdf, uint8_t pin, struct dt_irq *out);

/* Switches the interrupt on. False: it has no way to us. */
bool platform_irq(const struct dt_irq *irq);

/* ---------------------------------------------------------------- chosen */

struct dt_chosen {
    struct blob bootargs;   /* without its NUL           */
    struct dt_range initrd; /* size 0: there is none     */
    int stdout_node;        /* DT_NONE: it does not say  */
};
void dt_chosen(struct dt_chosen *out);

/* Bytes of /chosen/rng-seed, each handed out once and overwritten in the
 * tree. How many were: 0 when none are left. */
size_t dt_rng_seed(uint8_t *out, size_t len);

/* Overwrites the command line and the seed in the tree. */
void dt_forget(void);

#endif
