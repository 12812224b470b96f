/*
 * e1000.c - Ethernet frames over Intel's gigabit cards.
 *
 * The card reads and writes two rings of legacy descriptors in our memory,
 * each of which names one buffer (e1000_regs.h has the manuals' sections).
 * The driver's own state (whose turn it is, which buffer) lies elsewhere and
 * is never read back from the ring: of a descriptor only the length and the
 * "done" bit of the next one in order are read, once each, and a length that
 * does not fit its buffer ends the card. Interrupts are on only from arm() to
 * the next look.
 *
 * Tried with QEMU's 82540EM, 82544GC, 82545EM and 82574L, all of which have
 * copper ports; the other ids are relatives by the same manuals. Offloads,
 * VLAN and frames over 1522 bytes are left off.
 */
#include "e1000.h"

#include <string.h>

#include "clock.h"
#include "devices.h"
#include "e1000_regs.h"
#include "nic_memory.h"

#define VENDOR_INTEL 0x8086

enum {
    RX_RING = 64, /* 13.4.27: the length is a multiple of 128 bytes */
    TX_RING = 32,
    BUFFER = 2048,
    ETH_HDR = 14,
    MTU = 1500,
    RESET_MS = 20,  /* reset, and reading the EEPROM after it: 5.6.3  */
    LINK_MS = 4000, /* a gigabit port negotiates for some seconds     */
};
_Static_assert((RX_RING + TX_RING) * BUFFER <= NIC_MEMORY, "buffers fit");

enum family { F_8254X, F_82574 };

static const struct {
    uint16_t device;
    enum family family;
} models[] = {
    { 0x100c, F_8254X }, /* 82544GC copper           */
    { 0x100e, F_8254X }, /* 82540EM                  */
    { 0x100f, F_8254X }, /* 82545EM copper           */
    { 0x1015, F_8254X }, /* 82540EM on a board       */
    { 0x1010, F_8254X }, /* 82546EB copper           */
    { 0x1026, F_8254X }, /* 82545GM copper           */
    { 0x1079, F_8254X }, /* 82546GB copper           */
    { 0x10d3, F_82574 }, /* 82574L                   */
    { 0x10f6, F_82574 }, /* 82574LA                  */
};
#define MODELS (sizeof(models) / sizeof(models[0]))

struct e1000 {
    struct netdev nd; /* first: the stack's pointer is ours */
    struct pci_dev pci;
    enum family family;
    volatile uint8_t *regs;
    uint16_t rx_next; /* the descriptor the card fills next           */
    uint16_t rx_len;  /* of the frame in it that the stack sees; 0    */
    bool rx_skip;     /* inside a frame of several buffers            */
    uint16_t tx_next; /* the descriptor we fill next                  */
    uint16_t tx_done; /* the oldest the card still has                */
    bool armed;       /* interrupts are on                            */
    bool message;     /* they are messages: there is no line to lower */
};

static struct e1000 card;
static bool card_open;
static _Alignas(128) volatile struct rx_desc rx_ring[RX_RING];
static _Alignas(128) volatile struct tx_desc tx_ring[TX_RING];

static uint32_t get(const struct e1000 *c, unsigned reg)
{
    return *(volatile uint32_t *)(volatile void *)(c->regs + reg);
}

static void set(const struct e1000 *c, unsigned reg, uint32_t v)
{
    *(volatile uint32_t *)(volatile void *)(c->regs + reg) = v;
}

static struct e1000 *of(struct netdev *nd)
{
    return (struct e1000 *)(void *)nd;
}

static uint8_t *rx_buf_at(uint16_t n)
{
    return nic_memory + (size_t)n * BUFFER;
}

static uint8_t *tx_buf_at(uint16_t n)
{
    return nic_memory + (size_t)(RX_RING + n) * BUFFER;
}

/* ------------------------------------------------------------- begin, end */

/* 14.3: after a reset the card owns nothing of ours; it is asked for with
 * interrupts off and the rings stopped (13.4.1, RST). Reads of all ones: it
 * is not there any more. */
static bool reset(struct e1000 *c)
{
    uint64_t end = clock_ms() + RESET_MS;

    set(c, IMC, UINT32_MAX);
    set(c, RCTL, 0);
    set(c, TCTL, 0);
    (void)get(c, STATUS); /* the writes have arrived */
    set(c, CTRL, get(c, CTRL) | CTRL_RST);
    while ((get(c, CTRL) & CTRL_RST) != 0)
        if (clock_ms() >= end)
            return false;
    set(c, IMC, UINT32_MAX);
    (void)get(c, ICR);
    return get(c, STATUS) != UINT32_MAX;
}

static void stop(struct e1000 *c, const char *why)
{
    c->nd.dead = why;
    c->rx_len = 0;
    devices_ack_also(NULL);
    (void)reset(c);
    pci_dev_master(&c->pci, false);
}

/* One 16-bit word; 13.4.4, [82574] 10.2.2.4: done and address lie elsewhere */
static bool eeprom(struct e1000 *c, uint8_t word, uint16_t *out)
{
    bool old = c->family == F_8254X;
    uint32_t v, done = old ? EERD_DONE : 1u << 1;
    uint64_t end = clock_ms() + RESET_MS;

    set(c, EERD, (uint32_t)word << (old ? 8 : 2) | EERD_START);
    do {
        v = get(c, EERD);
        if (v != UINT32_MAX && (v & done) != 0) {
            *out = (uint16_t)(v >> 16);
            return true;
        }
    } while (clock_ms() < end);
    return false;
}

static bool single_station(const uint8_t mac[6])
{
    static const uint8_t none[6];

    return (mac[0] & 1) == 0 && memcmp(mac, none, 6) != 0;
}

/* 13.5.3: after a reset the card copies its address out of the EEPROM by
 * itself; where it has not, words 0 to 2 are read (5.6.1). */
static bool read_mac(struct e1000 *c)
{
    uint64_t end = clock_ms() + RESET_MS;
    uint8_t *mac = c->nd.mac;
    uint32_t low, high;
    uint16_t w;
    uint8_t i;

    do
        high = get(c, RAH);
    while ((high & RAH_AV) == 0 && clock_ms() < end);
    low = get(c, RAL);
    for (i = 0; i < 4; i++)
        mac[i] = (uint8_t)(low >> 8 * i);
    mac[4] = (uint8_t)high;
    mac[5] = (uint8_t)(high >> 8);
    if ((high & RAH_AV) != 0 && single_station(mac))
        return true;
    for (i = 0; i < 3; i++) {
        if (!eeprom(c, i, &w))
            return false;
        mac[2 * i] = (uint8_t)w;
        mac[2 * i + 1] = (uint8_t)(w >> 8);
    }
    return single_station(mac);
}

static void rx_give(uint16_t n)
{
    volatile struct rx_desc *d = &rx_ring[n];

    d->addr = (uintptr_t)rx_buf_at(n);
    d->status = 0;
}

/* 14.4: address filter, ring, and only then EN. One descriptor stays ours:
 * head and tail equal means "none" (3.2.6). */
static void start_rx(struct e1000 *c)
{
    const uint8_t *mac = c->nd.mac;
    uint64_t ring = (uintptr_t)rx_ring;
    unsigned i;

    set(c, RAL,
        (uint32_t)mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 |
            (uint32_t)mac[3] << 24);
    set(c, RAH, (uint32_t)mac[4] | (uint32_t)mac[5] << 8 | RAH_AV);
    for (i = 0; i < MTA_WORDS; i++)
        set(c, MTA + 4 * i, 0);
    for (i = 0; i < RX_RING; i++)
        rx_give((uint16_t)i);
    set(c, RDTR, 0);
    set(c, RADV, 0);
    set(c, RDBAL, (uint32_t)ring);
    set(c, RDBAH, (uint32_t)(ring >> 32));
    set(c, RDLEN, sizeof(rx_ring));
    set(c, RDH, 0);
    set(c, RDT, RX_RING - 1);
    set(c, RCTL, RCTL_EN | RCTL_MPE | RCTL_BAM | RCTL_SECRC);
}

/* 14.5 */
static void start_tx(struct e1000 *c)
{
    uint64_t ring = (uintptr_t)tx_ring;

    memset((void *)(uintptr_t)ring, 0, sizeof(tx_ring));
    set(c, TDBAL, (uint32_t)ring);
    set(c, TDBAH, (uint32_t)(ring >> 32));
    set(c, TDLEN, sizeof(tx_ring));
    set(c, TDH, 0);
    set(c, TDT, 0);
    if (c->family == F_82574)
        set(c, TXDCTL, get(c, TXDCTL) | TXDCTL_ONE);
    set(c, TIPG, c->family == F_82574 ? TIPG_82574 : TIPG_COPPER);
    set(c, TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_FDX);
}

/* 14.3, copper: the port negotiates speed and duplex by itself. */
static void start_link(struct e1000 *c)
{
    uint32_t v = get(c, CTRL) | CTRL_SLU;

    v &= ~(CTRL_LRST | CTRL_ILOS | CTRL_FRCSPD | CTRL_FRCDPX | CTRL_PHY_RST |
           CTRL_VME | CTRL_RST);
    set(c, CTRL, v);
    set(c, ITR, 0);
}

/* ------------------------------------------------------------- the frames */

static void disarm(struct e1000 *c)
{
    if (c->armed)
        set(c, IMC, UINT32_MAX);
    c->armed = false;
}

/* A device interrupt came, perhaps from this card: its line must fall. */
static void lower(void)
{
    if (!card_open || card.message)
        return;
    set(&card, IMC, UINT32_MAX);
    card.armed = false;
}

/* The tail follows one behind: the descriptor before it is never the card's
 * next. */
static void rx_return(struct e1000 *c)
{
    uint16_t n = c->rx_next;

    c->rx_len = 0;
    rx_give(n);
    c->rx_next = (uint16_t)((n + 1) % RX_RING);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* descriptor before tail */
    set(c, RDT, n);
}

static bool rx_done_by_card(const struct e1000 *c)
{
    bool done = (rx_ring[c->rx_next].status & RX_DD) != 0;

    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return done;
}

/* Looks at the next descriptor, which the card has filled. True: it holds a
 * frame, rx_len long. 3.2.3: without EOP the frame goes on in the next
 * buffer, which no frame of ours does; all of it is dropped. */
static bool rx_take(struct e1000 *c)
{
    volatile struct rx_desc *d = &rx_ring[c->rx_next];
    uint16_t len = d->length;
    bool last = (d->status & RX_EOP) != 0, skip = c->rx_skip;

    if (len > BUFFER) {
        stop(c, "a received frame is longer than its buffer");
        return false;
    }
    c->rx_skip = !last;
    if (skip || !last || d->errors != 0 || len < ETH_HDR) {
        c->nd.stats.rx_bad++;
        rx_return(c);
        return false;
    }
    c->rx_len = len;
    c->nd.stats.rx++;
    return true;
}

static const uint8_t *rx_peek(struct netdev *nd, size_t *len)
{
    struct e1000 *c = of(nd);
    unsigned i;

    if (nd->dead != NULL)
        return NULL;
    disarm(c);
    /* bad ones are passed over, a ring's worth at most */
    for (i = 0; i < RX_RING && c->rx_len == 0 && nd->dead == NULL; i++)
        if (!rx_done_by_card(c) || rx_take(c))
            break;
    if (nd->dead != NULL || c->rx_len == 0)
        return NULL;
    *len = c->rx_len;
    return rx_buf_at(c->rx_next);
}

static void rx_done(struct netdev *nd)
{
    struct e1000 *c = of(nd);

    if (nd->dead == NULL && c->rx_len != 0)
        rx_return(c);
}

/* Sent ones in order, as many as there can be. 3.3.3.2: DD */
static bool tx_room(struct e1000 *c)
{
    uint16_t after = (uint16_t)((c->tx_next + 1) % TX_RING);

    while (c->tx_done != c->tx_next &&
           (tx_ring[c->tx_done].status & TX_DD) != 0)
        c->tx_done = (uint16_t)((c->tx_done + 1) % TX_RING);
    return after != c->tx_done;
}

static uint8_t *tx_buf(struct netdev *nd, size_t *cap)
{
    struct e1000 *c = of(nd);

    if (nd->dead != NULL)
        return NULL;
    if (!tx_room(c)) {
        nd->stats.tx_full++;
        return NULL;
    }
    *cap = MTU + ETH_HDR;
    return tx_buf_at(c->tx_next);
}

static void tx_send(struct netdev *nd, size_t len)
{
    struct e1000 *c = of(nd);
    volatile struct tx_desc *d = &tx_ring[c->tx_next];

    if (nd->dead != NULL || len > MTU + ETH_HDR || len == 0 || !tx_room(c))
        return;
    d->addr = (uintptr_t)tx_buf_at(c->tx_next);
    d->length = (uint16_t)len;
    d->cso = d->css = d->status = 0;
    d->special = 0;
    d->cmd = TX_EOP | TX_IFCS | TX_RS;
    c->tx_next = (uint16_t)((c->tx_next + 1) % TX_RING);
    nd->stats.tx++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* descriptor before tail */
    set(c, TDT, c->tx_next);
}

/* Causes from before are forgotten, then unmasked: one that comes in between
 * raises the interrupt at once (13.4.20), and a frame from before is seen by
 * the look at the ring. */
static bool arm(struct netdev *nd)
{
    struct e1000 *c = of(nd);
    uint32_t causes = INT_RXT0 | INT_RXDMT0 | INT_RXO | INT_LSC;

    if (nd->dead != NULL)
        return false;
    if (c->rx_len != 0)
        return true;
    (void)get(c, ICR);
    if (!tx_room(c))
        causes |= INT_TXDW;
    c->armed = true;
    set(c, IMS, causes);
    if (!rx_done_by_card(c))
        return false;
    disarm(c);
    return true;
}

static bool link_up(struct netdev *nd)
{
    struct e1000 *c = of(nd);
    uint32_t status;

    if (nd->dead != NULL)
        return false;
    status = get(c, STATUS);
    if (status == UINT32_MAX) {
        stop(c, "the card is gone");
        return false;
    }
    return (status & STATUS_LU) != 0;
}

static bool irq_test(struct netdev *nd)
{
    struct e1000 *c = of(nd);

    (void)get(c, ICR);
    c->armed = true;
    set(c, IMS, INT_LSC);
    set(c, ICS, INT_LSC);
    return true;
}

static void close(struct netdev *nd)
{
    stop(of(nd), "it is closed");
    card_open = false;
}

static const struct netdev_ops ops = {
    .rx_peek = rx_peek,
    .rx_done = rx_done,
    .tx_buf = tx_buf,
    .tx_send = tx_send,
    .arm = arm,
    .link_up = link_up,
    .irq_test = irq_test,
    .close = close,
};

/* ---------------------------------------------------------------- opening */

/* The entry of models[], MODELS: it is none of them. */
static size_t model(const struct pci_id *id)
{
    size_t i = id->vendor == VENDOR_INTEL ? 0 : MODELS;

    while (i < MODELS && id->device != models[i].device)
        i++;
    return i;
}

static const char *e1000_knows(const struct pci_id *id)
{
    size_t i = model(id);

    if (i == MODELS)
        return NULL;
    return models[i].family == F_82574 ? "e1000e" : "e1000";
}

static bool start(struct e1000 *c, const char **why)
{
    if (!reset(c)) {
        *why = "it does not finish its reset";
        return false;
    }
    if (!read_mac(c)) {
        *why = "it has no hardware address of a single station";
        return false;
    }
    start_link(c);
    pci_dev_master(&c->pci, true);
    start_rx(c);
    start_tx(c);
    return true;
}

static struct netdev *e1000_open(const struct pci_id *id, const char **why)
{
    struct e1000 *c = &card;

    if (card_open) {
        *why = "another one is already in use";
        return NULL;
    }
    memset(c, 0, sizeof(*c));
    c->family = models[model(id)].family;
    pci_dev_open(&c->pci, id);
    /* 4.1: registers are memory at BAR 0 */
    c->regs = pci_dev_map(&c->pci, 0, 0, REGISTERS);
    if (c->regs == NULL) {
        *why = c->pci.why;
        return NULL;
    }
    c->nd.ops = &ops;
    c->nd.mtu = MTU;
    c->nd.link_ms = LINK_MS;
    if (!start(c, why)) {
        stop(c, *why);
        return NULL;
    }
    c->nd.polled = pci_dev_irq(&c->pci, PCI_CAP_MSI, &c->message) != IRQ_SURE;
    devices_ack_also(lower);
    card_open = true;
    return &c->nd;
}

const struct nic_driver e1000_driver = {
    .knows = e1000_knows,
    .open = e1000_open,
};
