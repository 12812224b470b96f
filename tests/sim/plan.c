/*
 * plan.c - from the seed to a job, a path and what goes wrong; the files that
 * the app boots with.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "smtpd.h"

#define LEAST_MTU 1280 /* each link has that, or no IPv6 */

/* ------------------------------------------------ the job */

static enum policy some_policy(struct dice *r, uint32_t yes_in)
{
    if (dice_below(r, yes_in) != 0)
        return YES;
    return dice_below(r, 2) != 0 ? LATER : NO;
}

static void make_job(struct plan *p, struct dice *r)
{
    static const uint32_t sizes[] = { 0, 200, 200, 1500, 6000, 40000 };
    uint32_t kind = dice_below(r, 10), i;

    p->tls = kind < 5 ? STARTTLS : kind < 8 ? IMPLICIT : CLEAR;
    p->lmtp = dice_below(r, 10) == 0;
    p->tls12 = dice_below(r, 2) != 0;
    p->auth = !p->lmtp && dice_below(r, 2) != 0;
    p->auth_wrong = p->auth && dice_below(r, 20) == 0;
    p->dhcp = dice_below(r, 10) < 7;
    p->by_name = dice_below(r, 10) < 7;
    p->behind = dice_below(r, 3) == 0;
    p->rcpts = (uint8_t)(1 + dice_below(r, 2) * dice_below(r, RCPTS));
    p->mail = some_policy(r, 40);
    p->data = some_policy(r, 40);
    for (i = 0; i < RCPTS; i++) {
        p->rcpt[i] = some_policy(r, 12);
        p->message[i] = some_policy(r, 20);
    }
    p->hide = dice_below(r, 512) & dice_below(r, 512) & ~SMTPD_8BITMIME;
    i = sizes[dice_below(r, 6)];
    p->body = i + dice_below(r, i + 1);
    p->body = p->body < BODY_MAX ? p->body : BODY_MAX;
    p->total_s = dice_below(r, 3) == 0 ? 900 : 20 + dice_below(r, 300);
    p->timeout_s = dice_below(r, 3) != 0 ? 0 : 5 + dice_below(r, 60);
}

/* What the network has; the job can be done in it. */
static void make_family(struct plan *p, struct dice *r)
{
    static const uint8_t of[] = { V4, V4, V4, V6, V6, BOTH, BOTH, BOTH };

    p->family = of[dice_below(r, 8)];
    p->records = (uint8_t)(1 + dice_below(r, 3));
    if (p->family == V4)
        p->records |= HAS_A;
    if (p->family == V6)
        p->records |= HAS_AAAA;
    p->host6 = p->family == V6 || (p->family == BOTH && dice_below(r, 2) != 0);
    p->ipv6_off = p->family == V4 && dice_below(r, 2) != 0;
    p->rdnss = (uint8_t)dice_below(r, 3);
    p->dns6 = p->family == V6 && p->by_name &&
              (dice_below(r, 4) == 0 || p->rdnss == 0);
    p->dhcp |= p->family == V6; /* asked for, and nobody answers */
    p->ra_delay = (uint16_t)(dice_below(r, 2) * dice_below(r, 501));
    p->ra_mtu = (uint16_t)(1280 + dice_below(r, 221));
    if (dice_below(r, 3) != 0)
        p->ra_mtu = dice_below(r, 2) != 0 ? 1500 : 0;
}

/* ------------------------------------------------ the path */

static void make_path(struct plan *p, struct dice *r)
{
    static const uint32_t delays[] = { 50,    300,    2000,  10000,
                                       40000, 150000, 300000 };

    p->delay_us = delays[dice_below(r, 7)];
    p->jitter_us = dice_below(r, 2) * dice_below(r, p->delay_us + 1);
    p->nic_mtu =
        (uint16_t)(dice_below(r, 6) != 0 ? 1500 : 576 + dice_below(r, 925));
    p->mss =
        (uint16_t)(dice_below(r, 4) != 0 ? 1460 : 536 + dice_below(r, 925));
    if (p->family != V4 && p->nic_mtu < LEAST_MTU)
        p->nic_mtu = LEAST_MTU;
    if (p->family != V4 && p->mss < LEAST_MTU - 40)
        p->mss = LEAST_MTU - 40;
}

/* Most kinds of trouble are away most of the time, and strong seldom. */
static void make_rates(struct plan *p, struct dice *r)
{
    static const uint16_t most[F_BIG] = {
        [F_LOSS] = 3000, [F_DUP] = 2000,  [F_SWAP] = 3000, [F_LATE] = 500,
        [F_FLIP] = 500,  [F_FORGE] = 400, [F_TRUNC] = 500
    };
    int k, dir;

    for (k = 0; k < F_BIG; k++)
        for (dir = 0; dir < 2; dir++)
            if (dice_below(r, 3) == 0)
                p->rate[k][dir] = (uint16_t)(1 + dice_below(r, most[k]) /
                                                     (1 + dice_below(r, 10)));
    if (dice_below(r, 12) == 0)
        p->path_mtu = (uint16_t)(576 + dice_below(r, 924));
    if (p->family != V4 && p->path_mtu != 0 && p->path_mtu < LEAST_MTU)
        p->path_mtu = LEAST_MTU;
    if (dice_below(r, 10) == 0)
        p->txfull = (uint16_t)dice_below(r, 2000);
}

/* Does that matter in this network? */
static bool happens(const struct plan *p, unsigned kind)
{
    switch (kind) {
    case F_NODHCP:
    case F_LIEDHCP:
    case F_MOVE:
    case F_GATEWAY:
        return p->family != V6;
    case F_NORA:
    case F_LIERA:
    case F_WITHDRAW:
    case F_RENUMBER:
    case F_LIAR:
    case F_TWIN:
    case F_ICMP:
        return p->family != V4;
    case F_DEAD4:
    case F_DEAD6:
        return p->family == BOTH;
    default:
        return true;
    }
}

static bool is_ipv6s(unsigned kind)
{
    return kind >= F_NORA && kind <= F_NEWMAC;
}

/* only6: what can be wrong with one family of addresses, and nothing else */
static void make_event(struct plan *p, struct dice *r, bool only6)
{
    static const uint32_t spans[] = { 100, 1000, 5000, 60000, 400000 };
    struct event *e = &p->event[p->events++];

    do
        e->kind = (uint8_t)(F_LINK + dice_below(r, FAULTS - F_LINK));
    while (!happens(p, e->kind) || (only6 && !is_ipv6s(e->kind)));
    e->at = dice_below(r, spans[dice_below(r, 4)]);
    e->lasts = 1 + dice_below(r, spans[1 + dice_below(r, 4)]);
    e->arg = dice_below(r, 1000);
    if (e->kind == F_LIEDHCP || e->kind == F_LIEDNS || e->kind == F_DATE ||
        e->kind == F_NORA || e->kind == F_LIERA || e->kind == F_ICMP ||
        e->kind == F_DEAD4 || e->kind == F_DEAD6)
        e->at = dice_below(r, 2) * e->at;
    if (e->kind == F_THINK)
        e->arg *= 1 + dice_below(r, 700);
    if (e->kind == F_STEP)
        e->arg *= 1 + dice_below(r, 1000000);
    if (e->kind == F_SLOW)
        e->arg = 1 + e->arg * (1 + dice_below(r, 4));
}

static void make_exact(struct plan *p, struct dice *r)
{
    static const uint8_t taps[] = { F_FIN, F_RST, F_BIT };
    struct fault *f = p->exact;

    if (dice_below(r, 4) == 0) {
        f->kind = taps[dice_below(r, 3)];
        f->dir = (uint8_t)dice_below(r, 2);
        f->n = dice_below(r, f->dir == UP ? p->body + 2000 : 2500);
        f++->value = (uint16_t)dice_below(r, 8);
    }
    if (dice_below(r, 12) == 0)
        *f++ = (struct fault){ F_ALLOC, 0, 1 + dice_below(r, 1200), 0 };
    if (dice_below(r, 40) == 0)
        *f++ = (struct fault){ F_ENTROPY, 0, 1 + dice_below(r, 4), 0 };
    p->exacts = (int)(f - p->exact);
}

void plan_make(struct plan *p, uint64_t seed)
{
    struct dice r = { sim_hash(seed, 'P', 0, 0), 0 };

    memset(p, 0, sizeof *p);
    p->seed = seed;
    make_job(p, &r);
    make_family(p, &r);
    make_path(p, &r);
    if (dice_below(&r, 12) == 0)
        return; /* and nothing goes wrong */
    if (p->family != V4 && dice_below(&r, 4) == 0) {
        do
            make_event(p, &r, true);
        while (p->events < EVENTS && dice_below(&r, 2) == 0);
        return;
    }
    make_rates(p, &r);
    while (p->events < EVENTS && dice_below(&r, 2) == 0)
        make_event(p, &r, false);
    make_exact(p, &r);
}

/* ------------------------------------------------ plans by name */

static const struct {
    const char *name;
    enum tls_mode tls;
    bool tls12, lmtp;
    enum family family;
    uint8_t records;
} named[] = {
    { "starttls13", STARTTLS, false, false, V4, HAS_A },
    { "starttls12", STARTTLS, true, false, V4, HAS_A },
    { "tls13", IMPLICIT, false, false, V6, HAS_AAAA },
    { "tls12", IMPLICIT, true, false, V4, HAS_A },
    { "clear", CLEAR, false, false, BOTH, HAS_AAAA },
    { "lmtp", CLEAR, false, true, V4, HAS_A },
};

const char *plan_name(int i)
{
    return i < (int)(sizeof named / sizeof named[0]) ? named[i].name : NULL;
}

static void plain_path(struct plan *p, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->seed = seed;
    p->dhcp = p->by_name = true;
    p->records = HAS_A;
    p->rdnss = 1;
    p->rcpts = 2;
    p->body = 600;
    p->total_s = 900;
    p->delay_us = 5000;
    p->nic_mtu = 1500;
    p->mss = 1460;
}

bool plan_named(struct plan *p, const char *name)
{
    int i = 0;

    while (plan_name(i) != NULL && strcmp(plan_name(i), name) != 0)
        i++;
    if (plan_name(i) == NULL)
        return false;
    plain_path(p, (uint64_t)i);
    p->tls = named[i].tls;
    p->tls12 = named[i].tls12;
    p->lmtp = named[i].lmtp;
    p->family = named[i].family;
    p->records = named[i].records;
    p->auth = !p->lmtp;
    return true;
}

void plan_loss(struct plan *p, uint64_t seed, unsigned percent, bool ipv6)
{
    plain_path(p, seed);
    p->family = ipv6 ? V6 : V4;
    p->records = ipv6 ? HAS_AAAA : HAS_A;
    p->tls = seed % 2 != 0 ? STARTTLS : IMPLICIT;
    p->tls12 = seed / 2 % 2 != 0;
    p->auth = true;
    p->delay_us = 20000;
    p->rate[F_LOSS][UP] = p->rate[F_LOSS][DOWN] = (uint16_t)(percent * 100);
}

static const char *policy_word(enum policy p)
{
    return p == YES ? "yes" : p == LATER ? "later" : "no";
}

static void print_network(const struct plan *p)
{
    static const char *const families[] = { "IPv4", "IPv6", "IPv4 and IPv6" };
    static const char *const records[] = { "", "A", "AAAA", "A and AAAA" };
    static const char *const rdnss[] = { "no name server", "a name server",
                                         "itself as the name server" };

    printf("network: %s%s, ", families[p->family],
           p->ipv6_off ? " (ipv6 off)" : "");
    if (p->by_name)
        printf("a name with %s%s\n", records[p->records],
               p->dns6 ? ", its server configured" : "");
    else
        printf("an IPv%c address\n", p->host6 ? '6' : '4');
    if (p->family != V4)
        printf("router: names %s, MTU %u, answers after %u ms\n",
               rdnss[p->rdnss], p->ra_mtu, p->ra_delay);
}

void plan_print(const struct plan *p)
{
    static const char *const tls[] = { "in clear", "STARTTLS", "TLS" };
    int i;

    printf("job: %s%s%s%s, %u recipients (", p->lmtp ? "LMTP " : "",
           tls[p->tls],
           p->tls == CLEAR ? ""
           : p->tls12      ? " 1.2"
                           : " 1.3",
           p->auth_wrong ? ", AUTH with a wrong password"
           : p->auth     ? ", AUTH"
                         : "",
           p->rcpts);
    for (i = 0; i < p->rcpts; i++)
        printf("%s%s/%s", i != 0 ? " " : "", policy_word(p->rcpt[i]),
               policy_word(p->message[p->lmtp ? i : 0]));
    printf("), MAIL %s, DATA %s, body %u bytes, total_timeout %u, timeout %u\n",
           policy_word(p->mail), policy_word(p->data), p->body, p->total_s,
           p->timeout_s);
    print_network(p);
    printf("path: %s, %s, %s, delay %u us, jitter %u us, MTU %u, server's MSS "
           "%u\nfaults:",
           p->dhcp ? "DHCP" : "static address", p->by_name ? "DNS" : "no name",
           p->behind ? "behind the gateway" : "neighbour", p->delay_us,
           p->jitter_us, p->nic_mtu, p->mss);
    for (i = 0; i < F_BIG; i++)
        if (p->rate[i][UP] != 0 || p->rate[i][DOWN] != 0)
            printf(" %s %.2f/%.2f %%,", fault_word((enum fault_kind)i),
                   p->rate[i][UP] / 100.0, p->rate[i][DOWN] / 100.0);
    printf("%s%.0u txfull %.2f %%", p->path_mtu != 0 ? " path MTU " : "",
           p->path_mtu, p->txfull / 100.0);
    for (i = 0; i < p->events; i++)
        printf(", %s:%d at %u for %u ms (%u)", fault_word(p->event[i].kind), i,
               p->event[i].at, p->event[i].lasts, p->event[i].arg);
    for (i = 0; i < p->exacts; i++) {
        char name[48];

        fault_print(&p->exact[i], name, sizeof name);
        printf(", %s", name);
    }
    printf("\n\n");
}

/* ------------------------------------------------ files */

struct text {
    char *at;
    size_t len, size;
};

static void add(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->at + t->len, t->size - t->len, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= t->size - t->len)
        abort();
    t->len += (size_t)n;
}

/* A finished message: it is to arrive as it is. Dots in all places. */
static void message(const struct plan *p, struct text *t, const char *eol)
{
    struct dice r = { sim_hash(p->seed, 'm', 0, 0), 0 };
    static const char letters[] = "abc. .de<>=@?,;:x";
    size_t left = p->body;

    add(t, "From: a@example.org%sTo: r0@example.net%s", eol, eol);
    add(t, "Date: Thu, 01 Jan 2060 00:00:00 +0000%s", eol);
    add(t, "Message-ID: <%llu@example.org>%s", (unsigned long long)p->seed,
        eol);
    add(t, "Subject: simulated%s%s", eol, eol);
    while (left != 0) {
        size_t n = dice_below(&r, 4) != 0 ? dice_below(&r, 70) : 1;

        if (dice_below(&r, 6) == 0)
            add(t, ".");
        n = n < left ? n : left;
        left -= n != 0 ? n : 1; /* an empty line counts as well */
        while (n-- != 0)
            add(t, "%c", letters[dice_below(&r, sizeof letters - 1)]);
        add(t, "%s", eol);
    }
}

size_t plan_message(const struct plan *p, uint8_t *to, size_t size)
{
    struct text t = { (char *)to, 0, size };

    message(p, &t, "\r\n");
    return t.len;
}

static void host(const struct plan *p, struct text *t)
{
    uint32_t a = htonl(p->behind ? SIM_BEHIND : SIM_GATEWAY);
    char name[INET6_ADDRSTRLEN] = SIM_HOST;

    if (!p->by_name && p->host6)
        inet_ntop(AF_INET6, p->behind ? sim_behind6 : sim_near6[0], name,
                  sizeof name);
    else if (!p->by_name)
        inet_ntop(AF_INET, &a, name, sizeof name);
    add(t, "host %s\n", name);
}

static void configuration(const struct plan *p, struct text *t)
{
    char dns6[INET6_ADDRSTRLEN];
    int i;

    host(p, t);
    add(t, "port 25\nprotocol %s\n", p->lmtp ? "lmtp" : "smtp");
    add(t, "tls %s\ntls_starttls %s\n", p->tls == CLEAR ? "off" : "on",
        p->tls == IMPLICIT ? "off" : "on");
    if (p->auth)
        add(t, "auth on\nuser " SIM_USER "\nauth_unsafe %s\n",
            p->tls == CLEAR ? "on" : "off");
    add(t, "from a@example.org\n");
    for (i = 0; i < p->rcpts; i++)
        add(t, "to r%d@example.net\n", i);
    add(t, "total_timeout %u\n", p->total_s);
    if (p->timeout_s != 0)
        add(t, "timeout %u\n", p->timeout_s);
    if (!p->dhcp)
        add(t, "ip 10.0.2.15/24\ngateway 10.0.2.2\ndns 10.0.2.2\n");
    inet_ntop(AF_INET6, sim_near6[0], dns6, sizeof dns6);
    if (p->dns6)
        add(t, "dns %s\n", dns6);
    if (p->ipv6_off)
        add(t, "ipv6 off\n");
    add(t, "trace on\n"); /* always: a log line looks at the clock */
}

/* cpio's "newc" */
static void archive(struct text *t, const char *name, const struct text *file)
{
    add(t, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", 1,
        0100600, 0, 0, 1, 0, (unsigned)file->len, 0, 0, 0, 0,
        (unsigned)strlen(name) + 1, 0, name);
    do
        t->at[t->len++] = '\0';
    while (t->len % 4 != 0);
    if (t->size - t->len < file->len + 8)
        abort();
    if (file->len != 0)
        memcpy(t->at + t->len, file->at, file->len);
    t->len += file->len;
    while (t->len % 4 != 0)
        t->at[t->len++] = '\0';
}

size_t plan_initrd(const struct plan *p, uint8_t *to, size_t size)
{
    static char bytes[2 * BODY_MAX];
    struct text t = { (char *)to, 0, size };
    struct text file = { bytes, 0, sizeof bytes };

    configuration(p, &file);
    archive(&t, "bootmail.conf", &file);
    file.len = 0;
    add(&file, "%s\n", p->auth_wrong ? "wrong" : SIM_PASSWORD);
    archive(&t, "password", &file);
    file.len = 0;
    message(p, &file, "\n");
    archive(&t, "message", &file);
    file.len = 0;
    add(&file, "%s", sim_ca);
    archive(&t, "ca.pem", &file);
    file.len = 0;
    archive(&t, "TRAILER!!!", &file);
    return t.len;
}
