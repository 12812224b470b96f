/*
 * sim.h - the simulated world: one process, virtual time, one seed.
 *
 * A run is the app's app_main() from its first line to its report, with
 * everything it touches (board.h, nic.h) played by sim/board.c. While it
 * sleeps the world goes on: frames arrive (cable.c), the peer's stack and the
 * server (server.c) get their turn. Nobody else looks at a real clock, a
 * real socket, or real entropy.
 *
 * Units: ns in the app's clock and on the cable, ms everywhere else.
 * Directions: 0 up (from the app), 1 down.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peer/peer.h"

#define UP       PEER_UP
#define DOWN     PEER_DOWN
#define RCPTS    4
#define EVENTS   12
#define EXACT    8
#define APPLIED  4096
#define BODY_MAX 65536
#define MS       1000000u

/* ---- faults (fault.c) ---- */
enum fault_kind {
#define X(name, word, counted) F_##name,
#include "fault.def"
#undef X
    FAULTS
};
enum fault_count { FRAME, BYTE, CALL, EVENT };

/* One thing that goes wrong; "loss:up:17", "alloc:12", "link:3". value: the
 * bit or the length, where one matters; part of the plan, not of the name,
 * except for those in EXACT form: "bit:down:40.3". */
struct fault {
    uint8_t kind, dir;
    uint32_t n;
    uint16_t value;
};

const char *fault_word(enum fault_kind);
enum fault_count fault_counted(enum fault_kind);
/* Text into at most max faults; returns how many, -1: not understood. */
int fault_parse(const char *text, struct fault *, int max);
void fault_print(const struct fault *, char *to, size_t size);

/* ---- random numbers: pure functions of the seed (fault.c) ---- */
uint64_t sim_hash(uint64_t a, uint64_t b, uint64_t c, uint64_t d);
struct dice {
    uint64_t seed, n;
};
uint64_t dice_next(struct dice *);
uint32_t dice_below(struct dice *, uint32_t n);

/* ---- a run's plan: all that follows from the seed (plan.c) ---- */
enum tls_mode { CLEAR, STARTTLS, IMPLICIT };
enum policy { YES, LATER, NO };
enum family { V4, V6, BOTH }; /* that the network has */
enum { HAS_A = 1, HAS_AAAA }; /* records of the server's name */

struct event {
    uint8_t kind;
    uint32_t at, lasts; /* ms */
    uint32_t arg;
};

struct plan {
    uint64_t seed;
    /* the job */
    enum tls_mode tls;
    bool tls12, lmtp, auth, auth_wrong, dhcp, by_name, behind;
    uint8_t rcpts;
    enum policy mail, rcpt[RCPTS], data, message[RCPTS];
    unsigned hide; /* extensions of the server's */
    uint32_t body, total_s, timeout_s;
    /* IPv6 */
    enum family family;
    bool ipv6_off;     /* by configuration                          */
    bool host6;        /* host is an IPv6 address, if it is one     */
    bool dns6;         /* the name server's is configured           */
    uint8_t records;   /* HAS_A, HAS_AAAA                           */
    uint8_t rdnss;     /* by the router: 0 none, 1 global, 2 local  */
    uint16_t ra_delay; /* ms until the router answers               */
    uint16_t ra_mtu;   /* 0: it says none                           */
    /* the path */
    uint32_t delay_us, jitter_us;
    uint16_t nic_mtu, mss, path_mtu;
    uint16_t rate[F_BIG + 1][2]; /* of each 10,000 frames */
    uint16_t txfull;             /* of each 10,000 calls  */
    /* what happens, and what exactly */
    struct event event[EVENTS];
    int events;
    struct fault exact[EXACT];
    int exacts;
};

void plan_make(struct plan *, uint64_t seed);
/* A plan without faults, by name ("starttls13"); false: no such. */
bool plan_named(struct plan *, const char *name);
const char *plan_name(int i); /* NULL: no more */
/* Loss both ways and nothing else, by IPv4 or by IPv6 alone. */
void plan_loss(struct plan *, uint64_t seed, unsigned percent, bool ipv6);
void plan_print(const struct plan *);
/* The archive the app boots with; the message's bytes as they must arrive. */
size_t plan_initrd(const struct plan *, uint8_t *to, size_t size);
size_t plan_message(const struct plan *, uint8_t *to, size_t size);

#define SIM_HOST     "mail.example.net"
#define SIM_USER     "tim"
#define SIM_PASSWORD "tanstaaf-tanstaaf"
#define SIM_GATEWAY  0x0a000202u /* 10.0.2.2: gateway, DHCP, DNS, mail */
#define SIM_BEHIND   0xc0000219u /* 192.0.2.25, behind the gateway     */
#define SIM_CLIENT   0x0a00020fu /* 10.0.2.15 */
/* the same machine by IPv6, and with the prefix that may come; router.c */
extern const uint8_t sim_near6[2][16], sim_behind6[16];
#define SIM_NOW 2840140800 /* 2060-01-01, in the certificate's dates */

/* ---- the world of the run (world.c) ---- */
struct kept { /* what the shrinker leaves of the faults; NULL: all */
    const struct fault *list;
    int count;
};

enum outcome { /* of the report, and of a run without one */
               O_SENT,
               O_REFUSED,
               O_PERMANENT,
               O_TEMPORARY,
               O_UNSURE,
               O_INVALID,
               O_BUG,
               O_NONE,
               OUTCOMES
};

/* What a run leaves, in memory shared with the parent. */
struct result {
    bool finished, judged_true, forged;
    bool too_long; /* the app sent more than each IPv6 link carries  */
    enum outcome outcome;
    int status;
    uint64_t ms;   /* virtual, at the report                        */
    uint64_t hash; /* of every frame and its time, and of the report */
    uint32_t frames[2];
    uint32_t allocs, entropies;
    uint32_t opened[2]; /* the server's SYN-ACKs, IPv4's and IPv6's */
    uint64_t passed[2]; /* bytes of the longest connection, at the server */
    uint32_t stored;    /* (recipient, message) pairs the server took     */
    uint32_t hits[FAULTS];
    struct fault applied[APPLIED];
    int applied_count;
    bool applied_more; /* than there was room for */
    char why[240];     /* not true: why */
};

struct world {
    const struct plan *plan;
    const struct kept *kept;
    struct result *result;
    bool verbose;
    uint64_t now;    /* ns */
    uint64_t paused; /* ns the machine stood still, in all */
    struct dice app_random, peer_random;
    char console[262144];
    size_t console_len;
};
extern struct world world;
extern char sim_ca[2048]; /* the server's authority, PEM */

/* The whole run, in a child of its own: does not return. */
_Noreturn void world_run(void);
/* Goes on to the time until (ns); sooner if something came for the app. */
void world_until(uint64_t until);
/* Would this fault be, does it count among those kept? Notes that it was. */
bool world_fault(enum fault_kind, int dir, uint32_t n);
/* Event i of that kind: is it on at this time (decided when first asked)? */
const struct event *world_event(enum fault_kind);
const struct fault *world_exact(enum fault_kind, int dir, uint32_t n);
bool world_server_off(void);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- the cable (cable.c) ---- */
void cable_send(int dir, const uint8_t *frame, size_t len);
uint64_t cable_next(void); /* ns; UINT64_MAX: nothing under way */
void cable_deliver(void);  /* what is due now */
void cable_describe(const uint8_t *frame, size_t len, char *to, size_t size);
bool cable_link(void);

/* ---- the card (board.c) ---- */
void card_receive(const uint8_t *frame, size_t len);
bool card_waiting(void);

/* ---- IPv6's router, and others on its link (router.c) ---- */
enum { ICMP_BIG, ICMP_REDIRECT, ICMP_PING, ICMP_STALE, ICMP_GONE, ICMP_KINDS };
enum { DEAD_SILENT, DEAD_REFUSES, DEAD_TELLS };
/* True: the frame is not for the peer. */
bool router_heard(const uint8_t *frame, size_t len);
bool router_lie_harms(unsigned how); /* of a liera's arg */
void router_edge(const struct event *, bool begins);
uint64_t router_next(void); /* ms */
void router_poll(void);

/* ---- DHCP and DNS (names.c), the mail server (server.c) ---- */
void names_start(void);
void server_start(void);
void server_poll(void);
uint64_t server_next(void); /* ms */
void server_reboot(void);

/* What the server took; bytes as it would show them to their reader. */
struct stored {
    int rcpt;            /* of the plan, -1: not one of them */
    struct peer_addr at; /* where it was called */
    bool replied;        /* its yes was handed to TCP        */
    bool exact;          /* the message's bytes              */
};
size_t server_stored(const struct stored **);
bool server_asked_for_message(void); /* a DATA or BDAT had its yes */

/* ---- the judge (oracle.c) ---- */
void oracle_judge(int status);
const char *outcome_word(enum outcome);

/* ---- many runs (batch.c) ---- */
/* One run in a child of its own; result is shared memory. True: it ended
 * with a true report. */
bool run_one(const struct plan *, const struct kept *, bool verbose,
             struct result *);
struct result *new_result(void);

/* Runs made by make(i), i < count, on jobs processors. again() prints the
 * arguments that run number i once more. */
struct batch {
    const char *title;
    uint32_t count;
    int jobs;
    bool stop; /* at the first that is not true */
    void (*make)(uint32_t i, struct plan *);
    void (*again)(uint32_t i, char *to, size_t size);
};
struct tally {
    uint32_t runs, untrue, forged, faultless;
    uint32_t outcomes[OUTCOMES], with[FAULTS];
    uint64_t hits[FAULTS], ms, frames;
};
struct tally batch_run(const struct batch *);
void tally_print(const char *title, const struct tally *);

/* ---- the shrinker (shrink.c) ---- */
/* r: of a run that was not true. The faults that are left are in *left. */
int shrink(const struct plan *, const struct result *r, struct fault *left);

/* ---- every n-th of everything (torture.c) ---- */
struct tally torture_run(int jobs, uint32_t step, bool stop);
struct tally cuts_run(int jobs, uint32_t step, bool stop);

#endif
