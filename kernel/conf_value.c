/*
 * conf_value.c - typed values of the configuration: one small parser for
 * each enum conf_type, the sentences when one is wrong, and printing.
 *
 * A refused value is repeated in the sentence only where the key is not a
 * secret, quoted, cut, and with everything unprintable replaced.
 */
#include "conf_value.h"

#define QUOTE_MAX    48 /* bytes of a user's value repeated in a sentence */
#define NAME_MAX_LEN 32

void conf_why(struct conf_error *err, const char *part)
{
    size_t at = strlen(err->why);

    while (at < sizeof err->why - 1 && *part != '\0')
        err->why[at++] = *part++;
    err->why[at] = '\0';
}

void conf_why_quoted(struct conf_error *err, struct blob text)
{
    char copy[QUOTE_MAX + 6];
    size_t i, n = text.len < QUOTE_MAX ? text.len : QUOTE_MAX;

    copy[0] = '"';
    for (i = 0; i < n; i++) {
        uint8_t c = text.p[i];

        copy[1 + i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    copy[1 + n] = '\0';
    conf_why(err, copy);
    conf_why(err, text.len > n ? "...\"" : "\"");
}

/* ", not VALUE"; never called for a secret */
static bool why_got(struct conf_error *err, struct blob value)
{
    if (value.len == 0) {
        conf_why(err, ", not empty");
    } else {
        conf_why(err, ", not ");
        conf_why_quoted(err, value);
    }
    return false;
}

static bool why_not(struct conf_error *err, const struct conf_key *key,
                    const char *must, struct blob value)
{
    conf_why(err, key->name);
    conf_why(err, must);
    return why_got(err, value);
}

static void why_number(struct conf_error *err, uint32_t n)
{
    char digits[11];
    size_t at = sizeof digits - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    conf_why(err, digits + at);
}

const struct conf_key *conf_find(const struct conf_key *keys, size_t count,
                                 struct blob name)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (blob_eq(name, blob_str(keys[i].name)))
            return &keys[i];
    }
    return NULL;
}

/* Edit distance of two short names, with swapped neighbours as one edit;
 * three rows of the usual table. */
static unsigned distance(struct blob a, struct blob b)
{
    uint8_t row[3][NAME_MAX_LEN + 1];
    size_t i, j;

    if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    for (j = 0; j <= b.len; j++)
        row[0][j] = (uint8_t)j;
    for (i = 1; i <= a.len; i++) {
        uint8_t *now = row[i % 3], *last = row[(i + 2) % 3];
        const uint8_t *before = row[(i + 1) % 3];

        now[0] = (uint8_t)i;
        for (j = 1; j <= b.len; j++) {
            unsigned best = last[j - 1] + (a.p[i - 1] != b.p[j - 1]);

            if (last[j] + 1u < best)
                best = last[j] + 1u;
            if (now[j - 1] + 1u < best)
                best = now[j - 1] + 1u;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
                a.p[i - 2] == b.p[j - 1] && before[j - 2] + 1u < best)
                best = before[j - 2] + 1u;
            now[j] = (uint8_t)best;
        }
    }
    return row[a.len % 3][b.len];
}

void conf_why_unknown(struct conf_error *err, const struct conf_key *keys,
                      size_t count, struct blob name)
{
    const struct conf_key *near = NULL;
    unsigned best = name.len > 4 ? 3 : 2;
    size_t i;

    for (i = 0; i < count; i++) {
        unsigned d = distance(name, blob_str(keys[i].name));

        if (d < best) {
            best = d;
            near = &keys[i];
        }
    }
    conf_why(err, "unknown key");
    if (near != NULL) {
        conf_why(err, "; did you mean ");
        conf_why(err, near->name);
        conf_why(err, "?");
    }
}

static bool clean(struct blob value)
{
    size_t i;

    for (i = 0; i < value.len; i++) {
        uint8_t c = value.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool number(struct blob text, uint32_t max, uint32_t *out)
{
    uint32_t n = 0;
    size_t i;

    if (text.len == 0)
        return false;
    for (i = 0; i < text.len; i++) {
        uint32_t d = (uint32_t)text.p[i] - '0';

        if (d > 9 || (uint64_t)n * 10 + d > max)
            return false;
        n = n * 10 + d;
    }
    *out = n;
    return true;
}

bool conf_ipv4(struct blob text, uint32_t *out)
{
    uint32_t address = 0, octet;
    size_t at = 0, i;

    if (text.len == 0) /* and perhaps nowhere */
        return false;
    for (i = 0; i < 4; i++) {
        size_t start = at;

        while (at < text.len && text.p[at] != '.')
            at++;
        /* a leading zero means octal to some readers: not taken */
        if (at - start > 3 || (at - start > 1 && text.p[start] == '0') ||
            !number(blob_of(text.p + start, at - start), 255, &octet))
            return false;
        address = address << 8 | octet;
        if (i < 3 && at++ >= text.len)
            return false;
    }
    *out = address;
    return at == text.len;
}

static bool hex_digit(uint8_t c, uint8_t *out)
{
    if (c >= '0' && c <= '9')
        *out = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out = (uint8_t)(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
        *out = (uint8_t)(c - 'A' + 10);
    else
        return false;
    return true;
}

static bool hex32(struct blob text, struct conf_hex *out)
{
    size_t i;

    memset(out, 0, sizeof *out);
    if (text.len == 0)
        return true;
    if (text.len != 3 * sizeof out->byte - 1)
        return false;
    for (i = 0; i < sizeof out->byte; i++) {
        const uint8_t *p = text.p + 3 * i;
        uint8_t high, low;

        if (!hex_digit(p[0], &high) || !hex_digit(p[1], &low) ||
            (i + 1 < sizeof out->byte && p[2] != ':'))
            return false;
        out->byte[i] = (uint8_t)(high << 4 | low);
    }
    out->len = sizeof out->byte;
    return true;
}

/* Comma-separated; commas in double quotes belong to the item (a quoted
 * local part). Of CONF_LINES each line is one item. An empty value clears the
 * list. */
static bool list(const struct conf_key *key, struct conf_list *out,
                 struct blob value, const void *source, struct conf_error *err)
{
    bool whole = key->type == CONF_LINES;
    size_t at = 0;

    if (out->source != source || value.len == 0)
        out->count = 0;
    out->source = source;
    while (at < value.len) {
        size_t start = at, end;
        bool quoted = false;

        for (; at < value.len && (quoted || whole || value.p[at] != ',');
             at++) {
            if (value.p[at] == '"')
                quoted = !quoted;
            else if (quoted && value.p[at] == '\\' && at + 1 < value.len)
                at++;
        }
        end = at++;
        while (start < end && (value.p[start] == ' ' || value.p[start] == '\t'))
            start++;
        while (end > start &&
               (value.p[end - 1] == ' ' || value.p[end - 1] == '\t'))
            end--;
        if (end == start)
            return why_not(err, key, " must not have an empty item", value);
        if (out->count == CONF_LIST_MAX) {
            conf_why(err, key->name);
            conf_why(err, " has too many items; the limit is ");
            why_number(err, CONF_LIST_MAX);
            return false;
        }
        out->item[out->count++] = blob_of(value.p + start, end - start);
    }
    return true;
}

static bool seconds(const struct conf_key *key, struct blob value,
                    uint32_t *out, struct conf_error *err)
{
    *out = 0;
    if (key->min == 0 && blob_eq(value, blob_str("off")))
        return true;
    if (number(value, key->max, out) && *out >= key->min && *out != 0)
        return true;
    conf_why(err, key->name);
    conf_why(err, key->min == 0 ? " must be off or seconds from "
                                : " must be seconds from ");
    why_number(err, key->min == 0 ? 1 : key->min);
    conf_why(err, " to ");
    why_number(err, key->max);
    return false;
}

static bool u16(const struct conf_key *key, struct blob value, uint16_t *out,
                struct conf_error *err)
{
    uint32_t n;

    if (number(value, key->max, &n) && n >= key->min) {
        *out = (uint16_t)n;
        return true;
    }
    conf_why(err, key->name);
    conf_why(err, " must be a number from ");
    why_number(err, key->min);
    conf_why(err, " to ");
    why_number(err, key->max);
    return false;
}

/* msmtp: a key that can be "on" is on when nothing follows it; of the
 * others auto is what nothing means. */
static bool choice(const struct conf_key *key, struct blob value, uint8_t *out,
                   struct conf_error *err)
{
    size_t i;

    for (i = 0; key->choices[i] != NULL; i++) {
        struct blob name = blob_str(key->choices[i]);

        if (blob_eq(value, name) ||
            (value.len == 0 && (blob_eq(name, blob_str("on")) ||
                                blob_eq(name, blob_str("auto"))))) {
            *out = (uint8_t)i;
            return true;
        }
    }
    conf_why(err, key->name);
    conf_why(err, " must be ");
    for (i = 0; key->choices[i] != NULL; i++) {
        if (i != 0)
            conf_why(err, key->choices[i + 1] != NULL ? ", " : " or ");
        conf_why(err, key->choices[i]);
    }
    return why_got(err, value);
}

static bool on_off(const struct conf_key *key, struct blob value, bool *out,
                   struct conf_error *err)
{
    bool on = value.len == 0 || blob_eq(value, blob_str("on"));

    *out = on != (key->type == CONF_NOT);
    if (on || blob_eq(value, blob_str("off")))
        return true;
    return why_not(err, key, " must be on or off", value);
}

static bool refuse(const struct conf_key *key, struct blob value,
                   struct conf_error *err)
{
    if (key->dflt != NULL && blob_eq(value, blob_str(key->dflt)))
        return true;
    conf_why(err, key->name);
    conf_why(err, " is refused: ");
    conf_why(err, key->help);
    return false;
}

union field {
    struct blob blob;
    bool on;
    uint16_t u16;
    uint32_t u32;
    uint8_t u8;
    struct conf_hex hex;
};

/* Every type but the list: the value into *v, and its size in the struct. */
static bool scalar(const struct conf_key *key, struct blob value,
                   union field *v, size_t *size, struct conf_error *err)
{
    *size = 0;
    switch (key->type) {
    case CONF_STR:
    case CONF_SECRET:
        v->blob = value;
        if (value.p == NULL)
            v->blob = blob_str(""); /* set, and empty */
        *size = sizeof v->blob;
        return true;
    case CONF_BOOL:
    case CONF_NOT:
        *size = sizeof v->on;
        return on_off(key, value, &v->on, err);
    case CONF_U16:
        *size = sizeof v->u16;
        return u16(key, value, &v->u16, err);
    case CONF_SECONDS:
        *size = sizeof v->u32;
        return seconds(key, value, &v->u32, err);
    case CONF_CHOICE:
        *size = sizeof v->u8;
        return choice(key, value, &v->u8, err);
    case CONF_IPV4:
        *size = sizeof v->u32;
        return value.len == 0 || conf_ipv4(value, &v->u32) ||
               why_not(err, key, " must be an IPv4 address", value);
    case CONF_HEX32:
        *size = sizeof v->hex;
        return hex32(value, &v->hex) ||
               why_not(err, key,
                       " must be a SHA-256 fingerprint, 32 bytes "
                       "as 01:23:..",
                       value);
    case CONF_IGNORED:
        v->on = true;
        *size = sizeof v->on;
        return true;
    case CONF_LAUNCHER:
        *size = 0;
        return true;
    case CONF_HOST_ONLY:
        return refuse(key, value, err);
    case CONF_LIST:
    case CONF_LINES:
        break;
    }
    return false;
}

bool conf_value(const struct conf_key *key, void *out, struct blob value,
                const void *source, struct conf_error *err)
{
    struct conf_list scratch;
    union field v;
    size_t size;

    if (!clean(value)) {
        conf_why(err, key->name);
        conf_why(err, " holds a control character");
        return false;
    }
    if (key->type == CONF_LIST || key->type == CONF_LINES) {
        if (out != NULL)
            return list(key, (void *)((uint8_t *)out + key->offset), value,
                        source, err);
        scratch.count = 0;
        scratch.source = source;
        return list(key, &scratch, value, source, err);
    }
    memset(&v, 0, sizeof v);
    if (!scalar(key, value, &v, &size, err))
        return false;
    if (out != NULL && size != 0)
        memcpy((uint8_t *)out + key->offset, &v, size);
    return true;
}

/* conf_print(): an output that counts and cuts */
struct sink {
    char *p;
    size_t at, cap;
};

static void put(struct sink *s, const void *p, size_t len)
{
    if (len > s->cap - s->at)
        len = s->cap - s->at;
    if (len != 0)
        memcpy(s->p + s->at, p, len);
    s->at += len;
}

static void put_number(struct sink *s, uint32_t n)
{
    char digits[10];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    put(s, digits + at, sizeof digits - at);
}

static void put_ipv4(struct sink *s, uint32_t a)
{
    unsigned shift;

    for (shift = 24;; shift -= 8) {
        put_number(s, a >> shift & 255);
        if (shift == 0)
            return;
        put(s, ".", 1);
    }
}

static void put_hex(struct sink *s, const struct conf_hex *hex)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t i;

    for (i = 0; i < hex->len && i < sizeof hex->byte; i++) {
        if (i != 0)
            put(s, ":", 1);
        put(s, digits + (hex->byte[i] >> 4), 1);
        put(s, digits + (hex->byte[i] & 15), 1);
    }
}

static void put_list(struct sink *s, const struct conf_list *l)
{
    size_t i;

    for (i = 0; i < l->count; i++) {
        if (i != 0)
            put(s, ", ", 2);
        put(s, l->item[i].p, l->item[i].len);
    }
}

static void put_value(struct sink *s, const struct conf_key *key,
                      const void *field)
{
    struct blob b;
    uint16_t u;
    uint32_t n;
    uint8_t c, i;
    bool on;

    switch (key->type) {
    case CONF_STR:
        memcpy(&b, field, sizeof b);
        put(s, b.p, b.len);
        break;
    case CONF_SECRET:
        memcpy(&b, field, sizeof b);
        put(s, "***", b.len != 0 ? 3 : 0);
        break;
    case CONF_BOOL:
    case CONF_NOT:
    case CONF_IGNORED:
        memcpy(&on, field, sizeof on);
        on = on != (key->type == CONF_NOT);
        put(s, on ? "on" : "off", on ? 2 : 3);
        break;
    case CONF_U16:
        memcpy(&u, field, sizeof u);
        put_number(s, u);
        break;
    case CONF_SECONDS:
        memcpy(&n, field, sizeof n);
        if (n != 0)
            put_number(s, n);
        else
            put(s, "off", 3);
        break;
    case CONF_CHOICE:
        /* an older spelling has no word for each value of today's */
        memcpy(&c, field, sizeof c);
        for (i = 0; i < c && key->choices[i] != NULL; i++)
            continue;
        if (key->choices[i] != NULL)
            put(s, key->choices[i], strlen(key->choices[i]));
        break;
    case CONF_IPV4:
        memcpy(&n, field, sizeof n);
        if (n != 0)
            put_ipv4(s, n);
        break;
    case CONF_LIST:
    case CONF_LINES:
        put_list(s, field);
        break;
    case CONF_HEX32:
        put_hex(s, field);
        break;
    case CONF_LAUNCHER:
    case CONF_HOST_ONLY:
        break;
    }
}

size_t conf_print(const struct conf_key *key, const void *in, char *out,
                  size_t cap)
{
    struct sink s = { out, 0, cap };

    put(&s, key->name, strlen(key->name));
    put(&s, " ", 1);
    put_value(&s, key, (const uint8_t *)in + key->offset);
    return s.at;
}
