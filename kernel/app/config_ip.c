/*
 * config_ip.c - the keys ip, gateway and dns -> addresses.
 *
 * ip is "dhcp", "ADDRESS/PREFIX", or Linux's
 *   client:server:gateway:netmask:hostname:device:autoconf:dns0:dns1:ntp0
 * (Documentation/admin-guide/nfs/nfsroot.rst), of which server, hostname,
 * device and ntp0 mean nothing here. The keys gateway and dns win over what
 * ip says.
 */
#include "config.h"

#define FIELDS 10

enum {
    CLIENT,
    SERVER,
    GATEWAY,
    NETMASK,
    HOSTNAME,
    DEVICE,
    AUTOCONF,
    DNS0,
    DNS1,
    NTP0
};

static bool fail(struct conf_error *err, const char *key, const char *why,
                 struct blob value)
{
    conf_why(err, key);
    conf_why(err, why);
    conf_why(err, ", not ");
    conf_why_quoted(err, value);
    return false;
}

/* What a single machine can have, of either family. */
static bool host(struct blob text, struct addr *out)
{
    return addr_parse((const char *)text.p, text.len, out) && addr_is_host(out);
}

static bool host_address(struct blob text, uint32_t *out)
{
    struct addr a;

    if (!host(text, &a) || a.len != 4)
        return false;
    *out = addr_to_v4(&a);
    return true;
}

static bool is_one_of(struct blob b, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (blob_eq(b, blob_str(*words)))
            return true;
    }
    return false;
}

static bool by_dhcp(struct blob b)
{
    static const char *const words[] = { "dhcp", "on", "any", "both", NULL };

    return is_one_of(b, words);
}

static size_t split(struct blob ip, struct blob field[FIELDS])
{
    size_t n = 0, i, start = 0;

    memset(field, 0, FIELDS * sizeof *field);
    for (i = 0; i <= ip.len; i++) {
        if (i != ip.len && ip.p[i] != ':')
            continue;
        if (n == FIELDS)
            return FIELDS + 1;
        field[n++] = blob_of(ip.p + start, i - start);
        start = i + 1;
    }
    return n;
}

/* "24" -> 255.255.255.0 */
static bool prefix(struct blob text, uint32_t *mask)
{
    unsigned n;

    if (text.len == 0 || text.len > 2 || text.p[0] < '1' || text.p[0] > '9')
        return false;
    n = text.p[0] - '0';
    if (text.len == 2) {
        if (text.p[1] < '0' || text.p[1] > '9')
            return false;
        n = n * 10 + (text.p[1] - '0');
    }
    if (n > 32)
        return false;
    *mask = UINT32_MAX << (32 - n);
    return true;
}

static bool contiguous(uint32_t mask)
{
    return mask != 0 && ((~mask + 1) & ~mask) == 0;
}

static bool linux_form(struct config *c, struct conf_error *err)
{
    static const char *const statics[] = { "", "off", "none", "static", NULL };
    struct blob f[FIELDS];
    size_t n = split(c->ip, f);

    if (n > FIELDS)
        return fail(err, "ip", " has too many fields", c->ip);
    if (f[GATEWAY].len != 0 && !host_address(f[GATEWAY], &c->gateway_addr))
        return fail(err, "ip", ": the gateway must be an IPv4 address",
                    f[GATEWAY]);
    /* no IPv6: a colon ends the field */
    if (f[DNS0].len != 0 && !host(f[DNS0], &c->dns_addr[0]))
        return fail(err, "ip", ": dns0 must be an IPv4 address", f[DNS0]);
    if (f[DNS1].len != 0 && !host(f[DNS1], &c->dns_addr[1]))
        return fail(err, "ip", ": dns1 must be an IPv4 address", f[DNS1]);
    if (by_dhcp(f[AUTOCONF]) && f[CLIENT].len == 0) {
        c->dhcp = true;
        return true;
    }
    if (!by_dhcp(f[AUTOCONF]) && !is_one_of(f[AUTOCONF], statics))
        return fail(err, "ip", ": the method must be dhcp or static",
                    f[AUTOCONF]);
    if (!host_address(f[CLIENT], &c->address))
        return fail(err, "ip", " must start with an IPv4 address", f[CLIENT]);
    if (!conf_ipv4(f[NETMASK], &c->netmask) || !contiguous(c->netmask))
        return fail(err, "ip", ": the fourth field must be a netmask",
                    f[NETMASK]);
    return true;
}

static bool short_form(struct config *c, struct conf_error *err)
{
    const uint8_t *slash = c->ip.len ? memchr(c->ip.p, '/', c->ip.len) : NULL;
    size_t n = slash != NULL ? (size_t)(slash - c->ip.p) : 0;

    if (by_dhcp(c->ip)) {
        c->dhcp = true;
        return true;
    }
    if (slash == NULL || !host_address(blob_of(c->ip.p, n), &c->address) ||
        !prefix(blob_of(slash + 1, c->ip.len - n - 1), &c->netmask))
        return fail(err, "ip", " must be dhcp or ADDRESS/PREFIX", c->ip);
    return true;
}

/* The address must be a host's in its network, the router in the same. */
static bool plausible(struct config *c, struct blob *at, struct conf_error *err)
{
    uint32_t host = c->address & ~c->netmask;

    if (c->dhcp)
        return true;
    *at = c->ip;
    if (~c->netmask > 1 && (host == 0 || host == ~c->netmask))
        return fail(err, "ip", " must not be the network's own address", c->ip);
    if (c->gateway_addr == 0)
        return true;
    if (c->gateway.len != 0)
        *at = c->gateway;
    if (((c->gateway_addr ^ c->address) & c->netmask) != 0 ||
        c->gateway_addr == c->address)
        return fail(err, "gateway", " must be another address of the network",
                    *at);
    return true;
}

bool config_ip(struct config *c, struct blob *at, struct conf_error *err)
{
    bool colon = c->ip.len != 0 && memchr(c->ip.p, ':', c->ip.len) != NULL;
    size_t i;

    *at = c->ip;
    if (!(colon ? linux_form(c, err) : short_form(c, err)))
        return false;
    *at = c->gateway;
    if (c->gateway.len != 0 && !host_address(c->gateway, &c->gateway_addr))
        return fail(err, "gateway", " must be an IPv4 address", c->gateway);
    if (c->dns.count > 2) {
        *at = c->dns.item[2];
        conf_why(err, "dns takes two addresses at most");
        return false;
    }
    for (i = 0; i < c->dns.count; i++) {
        *at = c->dns.item[i];
        if (i == 0)
            c->dns_addr[1].len = 0;
        if (!host(*at, &c->dns_addr[i]))
            return fail(err, "dns", " must be an IP address", *at);
    }
    return plausible(c, at, err);
}
