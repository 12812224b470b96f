/*
 * nic.c - finding network cards and the drivers that know them.
 */
#include "nic.h"

#include <stdio.h>
#include <string.h>

#include "devices.h"
#include "e1000.h"
#include "nic_driver.h"
#include "virtio_net.h"

#define CARDS         16
#define VIRTIO_VENDOR 0x1af4

/* One line for each family, NULL last. */
static const struct nic_driver *const drivers[] = {
    &e1000_driver,
    NULL,
};

struct card {
    const struct virtio_dev *virtio; /* or: */
    const struct pci_id *pci;
    const struct nic_driver *driver; /* NULL: virtio's, or nobody's */
    char name[56];
};

static struct card cards[CARDS];
static size_t card_count;

static void add_virtio(const struct virtio_dev *dev)
{
    static const char skip[] = "virtio-";
    const char *where = dev->name;
    struct card *c = &cards[card_count];

    if (dev->id != VIRTIO_ID_NET || card_count == CARDS)
        return;
    if (strncmp(where, skip, sizeof(skip) - 1) == 0)
        where += sizeof(skip) - 1;
    c->virtio = dev;
    snprintf(c->name, sizeof(c->name), "virtio-net %s", where);
    card_count++;
}

/* Somebody else's card, too: named, not driven, which is better than "no
 * network device". */
static void add_pci(const struct pci_id *id)
{
    struct card *c = &cards[card_count];
    const struct nic_driver *const *d = drivers;
    const char *family = NULL;
    char where[PCI_NAME];

    if (card_count == CARDS)
        return;
    for (; *d != NULL && family == NULL; d++) {
        family = (*d)->knows(id);
        c->driver = family != NULL ? *d : NULL;
    }
    if (family == NULL) {
        if (id->class != PCI_CLASS_ETHERNET || id->vendor == VIRTIO_VENDOR)
            return;
        family = "ethernet";
    }
    c->pci = id;
    pci_name(id->bdf, where);
    snprintf(c->name, sizeof(c->name), "%s pci %s", family, where);
    card_count++;
}

size_t nic_count(void)
{
    static bool searched;
    const struct virtio_dev *devs;
    const struct pci_id *ids;
    size_t i, n;

    if (searched)
        return card_count;
    searched = true;
    n = devices_virtio(&devs);
    for (i = 0; i < n; i++)
        add_virtio(&devs[i]);
    n = pci_list(&ids);
    for (i = 0; i < n; i++)
        add_pci(&ids[i]);
    return card_count;
}

const char *nic_name(size_t i)
{
    return cards[i].name;
}

struct netdev *nic_open(size_t i, const char **why)
{
    const struct card *c = &cards[i];
    struct netdev *nd = NULL;

    if (c->virtio != NULL)
        nd = virtio_net_open(c->virtio, why);
    else if (c->driver != NULL)
        nd = c->driver->open(c->pci, why);
    else
        *why = "there is no driver for it (QEMU: give the machine "
               "virtio-net-pci or e1000e)";
    if (nd != NULL)
        nd->name = c->name;
    return nd;
}
