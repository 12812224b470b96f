/*
 * board.c - board.h and nic.h on top of the simulated world: what board/posix
 * is for a process.
 *
 * The processor is infinitely fast but for one thing: each look at the clock
 * takes a microsecond, so that a loop that waits for a time without sleeping
 * comes to its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../profile.h"
#include "board.h"
#include "devices.h"
#include "nic.h"
#include "sim.h"
#include "wipe.h"

#define RING      128
#define ROOM      1514
#define FILES_MAX (BODY_MAX + 16384)

static struct {
    struct netdev dev;
    uint32_t head, tail; /* counters; slot = counter % RING */
    struct {
        size_t len;
        uint8_t bytes[ROOM];
    } slot[RING];
    uint8_t out[ROOM];
    uint32_t asked; /* calls of tx_buf() */
} card;

static uint8_t initrd[FILES_MAX];
static struct board_info info = { .name = "sim", .machine = "a simulation" };

/* ------------------------------------------------ card */

bool card_waiting(void)
{
    return card.head != card.tail;
}

void card_receive(const uint8_t *frame, size_t len)
{
    if (card.tail - card.head == RING) {
        card.dev.stats.rx_bad++;
        return;
    }
    card.slot[card.tail % RING].len = len;
    memcpy(card.slot[card.tail % RING].bytes, frame, len);
    card.tail++;
}

static const uint8_t *rx_peek(struct netdev *dev, size_t *len)
{
    (void)dev;
    if (!card_waiting())
        world_until(world.now);
    if (!card_waiting())
        return NULL;
    *len = card.slot[card.head % RING].len;
    return card.slot[card.head % RING].bytes;
}

static void rx_done(struct netdev *dev)
{
    card.head++;
    dev->stats.rx++;
}

static uint8_t *tx_buf(struct netdev *dev, size_t *cap)
{
    uint32_t n = card.asked++;

    if ((sim_hash(world.plan->seed, 't', 0, n) % 10000 < world.plan->txfull ||
         world_exact(F_TXFULL, 0, n) != NULL) &&
        world_fault(F_TXFULL, 0, n)) {
        dev->stats.tx_full++;
        return NULL;
    }
    *cap = ROOM;
    return card.out;
}

static void tx_send(struct netdev *dev, size_t len)
{
    dev->stats.tx++;
    cable_send(UP, card.out, len);
}

static bool arm(struct netdev *dev)
{
    (void)dev;
    return card_waiting();
}

static bool link_up(struct netdev *dev)
{
    (void)dev;
    return cable_link();
}

static void closed(struct netdev *dev)
{
    (void)dev;
}

size_t nic_count(void)
{
    return 1;
}

const char *nic_name(size_t i)
{
    (void)i;
    return "simulated card";
}

struct netdev *nic_open(size_t i, const char **why)
{
    static const struct netdev_ops ops = {
        .rx_peek = rx_peek,
        .rx_done = rx_done,
        .tx_buf = tx_buf,
        .tx_send = tx_send,
        .arm = arm,
        .link_up = link_up,
        .close = closed,
    };
    static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

    (void)why;
    card.dev.ops = &ops;
    card.dev.name = nic_name(i);
    card.dev.mtu = world.plan->nic_mtu;
    memcpy(card.dev.mac, mac, sizeof mac);
    return &card.dev;
}

/* ------------------------------------------------ time */

uint64_t board_now_ns(void)
{
    world.now += 1000;
    return world.now;
}

int64_t board_unix_time(void)
{
    static const int32_t wrong[] = { -2000000000, 2000000000, -86400 * 400,
                                     86400 * 400 };
    const struct event *date = world_event(F_DATE);
    const struct event *step = world_event(F_STEP);
    int64_t t = SIM_NOW + (int64_t)(world.now / 1000000000);

    if (date != NULL && date->arg % 5 == 4)
        return -1;
    if (date != NULL)
        t += wrong[date->arg % 5];
    if (step != NULL)
        t += step->arg % 2 == 0 ? (int64_t)step->arg : -(int64_t)step->arg;
    return t;
}

void board_idle(uint64_t until_ns)
{
    if (!card_waiting())
        world_until(until_ns);
}

/* ------------------------------------------------ the rest */

const struct board_info *board_info(void)
{
    if (info.initrd.p == NULL)
        info.initrd =
            blob_of(initrd, plan_initrd(world.plan, initrd, sizeof initrd));
    return &info;
}

void board_write(const char *p, size_t len)
{
    if (world.verbose)
        fwrite(p, 1, len, stdout);
    if (len > sizeof world.console - 1 - world.console_len)
        len = sizeof world.console - 1 - world.console_len;
    memcpy(world.console + world.console_len, p, len);
    world.console_len += len;
}

size_t board_entropy(uint8_t *out, size_t len)
{
    uint32_t n = ++world.result->entropies;

    if (world_exact(F_ENTROPY, 0, n) != NULL && world_fault(F_ENTROPY, 0, n))
        return 0;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(dice_next(&world.app_random) >> 11);
    return len;
}

void board_wipe(const void *p, size_t len)
{
    uintptr_t at = (uintptr_t)p, start = (uintptr_t)initrd;

    if (at >= start && len <= sizeof initrd &&
        at - start <= sizeof initrd - len)
        wipe((void *)at, len);
}

size_t devices_virtio(const struct virtio_dev **list)
{
    *list = NULL;
    return 0;
}

void *board_pages(size_t bytes)
{
    return bytes != 0 ? calloc(1, bytes) : NULL;
}

size_t board_stack_used(size_t *size)
{
    *size = 0;
    return 0;
}

/* A panic; its report is on the console. */
_Noreturn void board_exit(int status)
{
    oracle_judge(status);
    end_child(0);
}

_Noreturn void board_finish(int status, enum board_end how)
{
    (void)how;
    board_exit(status);
}
