/* sources: net/e1000.c net/nic_memory.c */
/* includes: kernel net */
/*
 * test_e1000.c - Intel's cards' driver, against a card whose registers are
 * memory: good, bare, and lying. What a register does by itself happens when
 * the driver looks at the clock, which it does wherever it waits.
 */
#include "e1000.h"

#include "check.h"
#include "child.h"
#include "devices.h"
#include "e1000_regs.h"

static struct {
    _Alignas(4096) uint8_t regs[REGISTERS];
    uint64_t now;
    bool stuck, no_eeprom, no_memory, master;
    uint16_t eeprom[3];
    enum irq irq;
    bool message;
    uint16_t rx_head, tx_head;
    void (*lower)(void);
} card;

static uint32_t *reg(unsigned r)
{
    return (uint32_t *)(void *)(card.regs + r);
}

/* ------------------------------------------------- what the driver calls */

uint64_t clock_ms(void)
{
    uint32_t *eerd = reg(EERD);
    unsigned done = 1;

    if (!card.stuck)
        *reg(CTRL) &= ~CTRL_RST;
    if ((*eerd & EERD_START) != 0 && !card.no_eeprom) {
        uint32_t word = *eerd >> 2 & 0x3fff; /* 82574 */

        if (*eerd >> 8 != 0) { /* 8254x */
            word = *eerd >> 8;
            done = 4;
        } else if (word == 0) {
            *eerd |= 1u << 4; /* word 0 looks alike on both */
        }
        *eerd = (*eerd & ~EERD_START) | 1u << done |
                (uint32_t)card.eeprom[word % 3] << 16;
    }
    return card.now++;
}

void devices_ack_also(void (*lower)(void))
{
    card.lower = lower;
}

void pci_dev_open(struct pci_dev *dev, const struct pci_id *id)
{
    dev->id = *id;
    dev->why = "no memory";
}

volatile uint8_t *pci_dev_map(struct pci_dev *dev, uint8_t bar, uint32_t off,
                              uint32_t len)
{
    (void)dev;
    CHECK(bar == 0 && off == 0 && len <= sizeof(card.regs));
    return card.no_memory ? NULL : card.regs;
}

enum irq pci_dev_irq(struct pci_dev *dev, uint8_t kind, bool *message)
{
    (void)dev;
    CHECK_EQ(kind, PCI_CAP_MSI);
    *message = card.message;
    return card.irq;
}

void pci_dev_master(const struct pci_dev *dev, bool on)
{
    (void)dev;
    card.master = on;
}

/* ---------------------------------------------------------------- the card */

static const struct pci_id id_8254x = { .vendor = 0x8086, .device = 0x100e };
static const struct pci_id id_82574 = { .vendor = 0x8086, .device = 0x10d3 };

static void begin(void)
{
    memset(&card, 0, sizeof(card));
    card.irq = IRQ_GUESSED;
    *reg(RAL) = 0x01005452;
    *reg(RAH) = RAH_AV | 0x0302;
    *reg(STATUS) = STATUS_LU;
}

static struct netdev *open_card(const struct pci_id *id)
{
    const char *why = "";
    struct netdev *nd = e1000_driver.open(id, &why);

    CHECK_STR(why, "");
    CHECK(nd != NULL && card.master);
    /* cppcheck-suppress returnDanglingLifetime ; it is not why */
    return nd;
}

static void *ring(unsigned low)
{
    return (void *)((uintptr_t)*reg(low) | (uintptr_t)*reg(low + 4) << 32);
}

static struct rx_desc *rx_at(unsigned n)
{
    return (struct rx_desc *)ring(RDBAL) + n;
}

/* A frame of n bytes arrives, claiming to be len long. False: no room. */
static bool arrive_as(uint8_t v, size_t n, uint16_t len, uint8_t status,
                      uint8_t errors)
{
    unsigned count = *reg(RDLEN) / sizeof(struct rx_desc);
    struct rx_desc *d = rx_at(card.rx_head);

    if (card.rx_head == *reg(RDT))
        return false;
    memset((void *)(uintptr_t)d->addr, v, n);
    d->length = len;
    d->errors = errors;
    d->status = status;
    card.rx_head = (uint16_t)((card.rx_head + 1) % count);
    return true;
}

static bool arrive(uint8_t v, uint16_t n)
{
    return arrive_as(v, n, n, RX_DD | RX_EOP, 0);
}

/* The card sends the next frame; NULL: there is none. */
static const uint8_t *sent(size_t *len)
{
    unsigned count = *reg(TDLEN) / sizeof(struct tx_desc);
    struct tx_desc *d = (struct tx_desc *)ring(TDBAL) + card.tx_head;

    if (card.tx_head == *reg(TDT))
        return NULL;
    CHECK_EQ(d->cmd, TX_EOP | TX_IFCS | TX_RS);
    *len = d->length;
    d->status = TX_DD;
    card.tx_head = (uint16_t)((card.tx_head + 1) % count);
    return (const uint8_t *)(uintptr_t)d->addr;
}

#define CASE(x) CHILD_CASE(begin, x)

/* ---------------------------------------------------------------- the cases */

static void run_frames(void)
{
    struct netdev *nd = open_card(&id_8254x);
    const uint8_t *p;
    uint8_t *b;
    size_t n = 0;

    CHECK_MEM(nd->mac, 6, "\x52\x54\0\1\2\3", 6);
    CHECK(nd->mtu == 1500 && nd->polled && nd->ops->link_up(nd));
    *reg(STATUS) = 0;
    CHECK(!nd->ops->link_up(nd) && nd->dead == NULL);
    CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    nd->ops->rx_done(nd);
    CHECK(arrive(1, 60) && arrive(2, 1514) && arrive(3, 14));
    for (unsigned i = 1; i <= 3; i++) {
        p = nd->ops->rx_peek(nd, &n);
        CHECK(p != NULL && p[0] == i && p[n - 1] == i);
        CHECK_EQ(n, i == 1 ? 60 : i == 2 ? 1514 : 14);
        CHECK(nd->ops->rx_peek(nd, &n) == p && nd->ops->arm(nd));
        nd->ops->rx_done(nd);
    }
    CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    CHECK_EQ(*reg(RDT), 2); /* given back, in order */

    b = nd->ops->tx_buf(nd, &n);
    CHECK_EQ(n, 1514);
    nd->ops->tx_send(nd, 1515);
    nd->ops->tx_send(nd, 0);
    CHECK(nd->stats.tx == 0 && nd->ops->tx_buf(nd, &n) == b);
    memset(b, 7, 100);
    nd->ops->tx_send(nd, 100);
    p = sent(&n);
    CHECK(p == b && n == 100 && p[99] == 7 && nd->stats.tx == 1);
}

/* Every buffer comes round, many times, and the receive ring can fill up. */
static void run_many(void)
{
    struct netdev *nd = open_card(&id_82574);
    unsigned got = 0;
    size_t n;

    for (unsigned i = 0; i < 200000 && check_failed == 0; i++) {
        const uint8_t *p;

        CHECK(arrive((uint8_t)i, (uint16_t)(20 + i % 1000)));
        p = nd->ops->rx_peek(nd, &n);
        CHECK(p != NULL && p[0] == (uint8_t)i && n == 20 + i % 1000);
        nd->ops->rx_done(nd);
        CHECK(nd->ops->tx_buf(nd, &n) != NULL);
        nd->ops->tx_send(nd, 60);
        CHECK(sent(&n) != NULL);
    }
    while (arrive(9, 60))
        got++;
    CHECK_EQ(got, 63);
    while (nd->ops->rx_peek(nd, &n) != NULL) {
        nd->ops->rx_done(nd);
        got--;
    }
    CHECK(got == 0 && arrive(1, 60) && nd->dead == NULL);
}

static void run_tx_full(void)
{
    struct netdev *nd = open_card(&id_8254x);
    size_t n;

    for (unsigned i = 0; i < 31; i++) {
        CHECK(nd->ops->tx_buf(nd, &n) != NULL);
        nd->ops->tx_send(nd, 60);
    }
    CHECK(nd->ops->tx_buf(nd, &n) == NULL && nd->stats.tx_full == 1);
    nd->ops->tx_send(nd, 60); /* without a buffer: not sent */
    CHECK_EQ(nd->stats.tx, 31);
    CHECK(!nd->ops->arm(nd));
    CHECK((*reg(IMS) & INT_TXDW) != 0);
    CHECK(sent(&n) != NULL && nd->ops->tx_buf(nd, &n) != NULL);
}

static void run_arm(void)
{
    struct netdev *nd = open_card(&id_8254x);
    size_t n;

    CHECK(card.lower != NULL && !nd->ops->arm(nd));
    CHECK_EQ(*reg(IMS), INT_RXT0 | INT_RXDMT0 | INT_RXO | INT_LSC);
    *reg(IMC) = 0;
    card.lower();
    CHECK_EQ(*reg(IMC), UINT32_MAX);
    *reg(IMC) = 0;
    CHECK(arrive(1, 60) && nd->ops->arm(nd)); /* faster than the arming */
    CHECK_EQ(*reg(IMC), UINT32_MAX);
    CHECK(nd->ops->rx_peek(nd, &n) != NULL);
    CHECK(nd->ops->irq_test(nd) && *reg(ICS) == INT_LSC);
    nd->ops->close(nd);
    CHECK(card.lower == NULL && !card.master);
    CHECK((*reg(RCTL) & RCTL_EN) == 0 && (*reg(TCTL) & TCTL_EN) == 0);

    begin();
    card.message = true;
    card.irq = IRQ_SURE;
    nd = open_card(&id_82574);
    CHECK(!nd->polled && (*reg(TXDCTL) & TXDCTL_ONE) != 0);
    *reg(IMC) = 0;
    card.lower(); /* a message has no line */
    CHECK_EQ(*reg(IMC), 0);
}

static void run_bad_frames(void)
{
    struct netdev *nd = open_card(&id_8254x);
    size_t n = 0;

    for (unsigned i = 0; i < 1000 && check_failed == 0; i++) {
        CHECK(arrive(1, (uint16_t)(i % 14)));           /* a runt        */
        CHECK(arrive_as(1, 60, 60, RX_DD | RX_EOP, 2)); /* damaged       */
        CHECK(arrive_as(1, 2048, 2048, RX_DD, 0));      /* in two pieces */
        CHECK(arrive_as(1, 100, 100, RX_DD | RX_EOP, 0));
        CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    }
    CHECK_EQ(nd->stats.rx_bad, 4000);
    CHECK(arrive(1, 60) && nd->ops->rx_peek(nd, &n) != NULL && n == 60);
}

static void run_dies(void)
{
    struct netdev *nd = open_card(&id_8254x);
    size_t n;

    CHECK(arrive_as(1, 60, 2049, RX_DD | RX_EOP, 0));
    CHECK(nd->ops->rx_peek(nd, &n) == NULL);
    CHECK_STR(nd->dead, "a received frame is longer than its buffer");
    CHECK(!card.master && card.lower == NULL && !nd->ops->arm(nd));
    CHECK(nd->ops->tx_buf(nd, &n) == NULL && !nd->ops->link_up(nd));
    nd->ops->tx_send(nd, 60);
    nd->ops->rx_done(nd);
    nd->ops->close(nd);

    begin();
    nd = open_card(&id_8254x);
    memset(card.regs, 0xff, sizeof(card.regs)); /* unplugged */
    CHECK(!nd->ops->link_up(nd));
    CHECK_STR(nd->dead, "the card is gone");
}

static void refused(const char *want)
{
    const char *why = "";

    CHECK(e1000_driver.open(&id_8254x, &why) == NULL);
    CHECK_STR(why, want);
    CHECK(!card.master && card.lower == NULL);
    begin();
}

static void run_refused(void)
{
    static const struct pci_id other = { .vendor = 0x8086, .device = 0x1209 };
    const char *why = "";
    struct netdev *nd;

    CHECK(e1000_driver.knows(&other) == NULL);
    CHECK_STR(e1000_driver.knows(&id_8254x), "e1000");
    CHECK_STR(e1000_driver.knows(&id_82574), "e1000e");
    card.stuck = true;
    refused("it does not finish its reset");
    memset(card.regs, 0xff, sizeof(card.regs));
    refused("it does not finish its reset");
    card.no_memory = true;
    refused("no memory");
    *reg(RAH) = 0;
    card.no_eeprom = true;
    refused("it has no hardware address of a single station");
    *reg(RAL) |= 1; /* a group's, and so says the EEPROM */
    card.eeprom[0] = 0x5401;
    refused("it has no hardware address of a single station");
    nd = open_card(&id_8254x);
    CHECK(e1000_driver.open(&id_82574, &why) == NULL);
    CHECK_STR(why, "another one is already in use");
    CHECK(nd->dead == NULL);
}

static void run_eeprom(void)
{
    static const struct pci_id *const ids[] = { &id_8254x, &id_82574 };

    for (unsigned i = 0; i < 2; i++) {
        struct netdev *nd;

        begin();
        *reg(RAH) = 0;
        *reg(RAL) = 0;
        memcpy(card.eeprom, "\x52\x54\0\4\5\6", 6);
        nd = open_card(ids[i]);
        CHECK_MEM(nd->mac, 6, "\x52\x54\0\4\5\6", 6);
        CHECK_EQ(*reg(RAL), 0x04005452);
        CHECK_EQ(*reg(RAH), RAH_AV | 0x0605);
        nd->ops->close(nd);
    }
}

/* A card that writes anything to its rings at any time: the stack's side sees
 * frames inside buffers of ours only, and a dead card stays dead. */
static void run_random(void)
{
    uint64_t rnd = check_seed;
    struct netdev *nd = open_card(&id_8254x);
    size_t n = 0;

    for (unsigned i = 0; i < 20000; i++) {
        uint64_t r = check_random(&rnd);
        const uint8_t *p;

        switch (r % 12) {
        case 0:
            *((uint8_t *)ring(RDBAL) + (r >> 8) % *reg(RDLEN)) =
                (uint8_t)(r >> 40);
            break;
        case 1:
            *((uint8_t *)ring(TDBAL) + (r >> 8) % *reg(TDLEN)) =
                (uint8_t)(r >> 40);
            break;
        case 2:
            nd->ops->tx_send(nd, (r >> 8) % 2100);
            break;
        case 3:
            if (nd->ops->tx_buf(nd, &n) != NULL) {
                CHECK_EQ(n, 1514);
                nd->ops->tx_send(nd, n);
            }
            break;
        case 4:
            (void)nd->ops->arm(nd);
            break;
        case 5:
        case 6:
            rx_at((r >> 8) % 64)->length = (uint16_t)((r >> 16) % 2100);
            rx_at((r >> 8) % 64)->status = (uint8_t)(r >> 40);
            rx_at((r >> 8) % 64)->errors = (r >> 48) % 4 == 0;
            break;
        default:
            p = nd->ops->rx_peek(nd, &n);
            CHECK(p == NULL || (n >= 14 && n <= 2048));
            for (size_t k = 0; p != NULL && k < n; k += 64)
                CHECK(p[k] >= 0); /* the sanitizer judges the address */
            nd->ops->rx_done(nd);
        }
    }
    CHECK(nd->dead == NULL || nd->ops->rx_peek(nd, &n) == NULL);
}

static void run_random_devices(void)
{
    uint64_t base = check_seed;

    for (unsigned i = 0; i < 200 && check_failed == 0; i++) {
        check_seed = base * 1000 + i;
        in_child(begin, run_random);
    }
}

CASE(frames)
CASE(many)
CASE(tx_full)
CASE(arm)
CASE(bad_frames)
CASE(dies)
CASE(refused)
CASE(eeprom)
CASE(random_devices)

static const struct check_case cases[] = {
    { "frames", case_frames },
    { "many", case_many },
    { "tx_full", case_tx_full },
    { "arm", case_arm },
    { "bad_frames", case_bad_frames },
    { "dies", case_dies },
    { "refused", case_refused },
    { "eeprom", case_eeprom },
    { "random_devices", case_random_devices },
};

CHECK_MAIN(cases)
