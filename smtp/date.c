/*
 * date.c - RFC 5322 3.3 and 4.3. See date.h.
 *
 * Days are counted by eras of 400 years that begin on 1 March, so that the
 * leap day is a year's last.
 */
#include "date.h"

#include "text.h"

#include <string.h>

#define DAY           86400
#define ERA           146097 /* days of 400 years */
#define MARCH_TO_1970 719468 /* days from 1 March of year 0 */

static const char days[] = "ThuFriSatSunMonTueWed";
static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";

/* --- writing -------------------------------------------------------------- */

static void two_digits(struct text *t, int64_t n)
{
    char d[2];

    d[0] = (char)('0' + n / 10 % 10);
    d[1] = (char)('0' + n % 10);
    text_mem(t, d, 2);
}

static void put_zone(struct text *t, int zone)
{
    text_str(t, zone < 0 ? "-" : "+");
    if (zone < 0)
        zone = -zone;
    two_digits(t, zone / 60);
    two_digits(t, zone % 60);
}

void date_put(struct text *t, int64_t seconds, int zone)
{
    int64_t local, day, left, since, era, doe, yoe, doy, month, year;

    if (seconds < INT64_C(-62000000000) || seconds > INT64_C(253402400000) ||
        zone <= -1440 || zone >= 1440)
        return;
    local = seconds + zone * 60;
    left = (local % DAY + DAY) % DAY;
    day = (local - left) / DAY;
    since = day + MARCH_TO_1970;
    era = since / ERA;
    doe = since % ERA;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    month = (5 * doy + 2) / 153; /* 0 is March */
    year = era * 400 + yoe + (month >= 10 ? 1 : 0);
    if (year < 1000 || year > 9999)
        return;
    text_mem(t, days + 3 * ((day % 7 + 7) % 7), 3);
    text_str(t, ", ");
    text_u64(t, (uint64_t)(doy - (153 * month + 2) / 5 + 1));
    text_str(t, " ");
    text_mem(t, months + 3 * month, 3);
    text_str(t, " ");
    text_u64(t, (uint64_t)year);
    text_str(t, " ");
    two_digits(t, left / 3600);
    text_str(t, ":");
    two_digits(t, left / 60 % 60);
    text_str(t, ":");
    two_digits(t, left % 60);
    text_str(t, " ");
    put_zone(t, zone);
}

size_t smtp_date_print(int64_t seconds, int zone, char *to, size_t cap)
{
    struct text t = text_into(to, cap);

    date_put(&t, seconds, zone);
    return t.full ? 0 : t.len;
}

/* --- reading -------------------------------------------------------------- */

struct scan {
    struct smtp_str s;
    size_t at;
};

static bool more(const struct scan *r)
{
    return r->at < r->s.len;
}

static char peek(const struct scan *r)
{
    return more(r) ? r->s.p[r->at] : '\0';
}

/* Blanks, line ends and comments, which nest (RFC 5322 3.2.2). */
static bool skip(struct scan *r)
{
    unsigned depth = 0;

    for (; more(r); r->at++) {
        char c = peek(r);

        if (c == '\\' && depth != 0 && r->at + 1 < r->s.len)
            r->at++;
        else if (c == '(')
            depth++;
        else if (c == ')' && depth != 0)
            depth--;
        else if (depth == 0 && memchr(" \t\r\n", c, 4) == NULL)
            break;
    }
    return depth == 0;
}

static bool letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number of least to most digits, and no more of them. */
static bool number(struct scan *r, size_t least, size_t most, int64_t *n,
                   size_t *digits)
{
    *n = 0;
    for (*digits = 0; digit(peek(r)) && *digits < most; r->at++, ++*digits)
        *n = *n * 10 + (peek(r) - '0');
    return *digits >= least && !digit(peek(r));
}

static struct smtp_str word(struct scan *r)
{
    struct smtp_str w = { r->s.p + r->at, 0 };

    for (; letter(peek(r)); r->at++)
        w.len++;
    return w;
}

/* The place of a three-letter name in a list, -1 if it is not there. */
static int place(const char *list, struct smtp_str w)
{
    size_t n = strlen(list) / 3;

    for (size_t i = 0; w.len == 3 && i < n; i++)
        if (text_equal(list + 3 * i, 3, w.p, 3))
            return (int)i;
    return -1;
}

static bool colon(struct scan *r)
{
    if (!skip(r) || peek(r) != ':')
        return false;
    r->at++;
    return skip(r);
}

static bool time_of_day(struct scan *r, int64_t *seconds)
{
    int64_t hour, minute, second = 0;
    size_t digits, before;

    if (!skip(r) || !number(r, 1, 2, &hour, &digits) || !colon(r) ||
        !number(r, 2, 2, &minute, &digits))
        return false;
    before = r->at;
    if (!colon(r))
        r->at = before;
    else if (!number(r, 2, 2, &second, &digits))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *seconds = hour * 3600 + minute * 60 + (second == 60 ? 59 : second);
    return true;
}

/* RFC 5322 4.3: what is not one of these counts as unknown, single letters
 * because RFC 822 gave them the wrong sign. */
static bool zone_name(struct smtp_str w, struct smtp_date *d)
{
    static const struct {
        char name[4];
        int16_t hours;
    } zones[] = {
        { "UT", 0 },   { "GMT", 0 },  { "UTC", 0 },  { "EST", -5 },
        { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 }, { "MST", -7 },
        { "MDT", -6 }, { "PST", -8 }, { "PDT", -7 }, { "Z", 0 },
    };

    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        if (text_same(w.p, w.len, zones[i].name)) {
            d->zone = (int16_t)(zones[i].hours * 60);
            d->known = true;
        }
    return w.len != 0;
}

static bool zone(struct scan *r, struct smtp_date *d)
{
    char sign = peek(r);
    int64_t n;
    size_t digits;

    d->zone = 0;
    d->known = false;
    if (sign != '+' && sign != '-')
        return zone_name(word(r), d);
    r->at++;
    if (!number(r, 4, 4, &n, &digits) || n % 100 > 59 || n / 100 > 23)
        return false;
    d->zone = (int16_t)(n / 100 * 60 + n % 100);
    d->known = n != 0 || sign == '+';
    if (sign == '-')
        d->zone = (int16_t)-d->zone;
    return true;
}

/* Two digits up to 49 are of this century; three count from 1900. */
static int64_t full_year(int64_t n, size_t digits)
{
    if (digits == 2 && n < 50)
        return n + 2000;
    return digits < 4 ? n + 1900 : n;
}

/* Days since 1970; month 0 is March. False: there is no such day. */
static bool day_number(int64_t year, int month, int64_t day, int64_t *number)
{
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int64_t y = month >= 10 ? year - 1 : year, yoe = y % 400;
    int64_t length = month == 11 ? (leap ? 29 : 28) : 31 - month % 5 % 2;

    if (day < 1 || day > length)
        return false;
    *number = y / 400 * ERA + yoe * 365 + yoe / 4 - yoe / 100 +
              (153 * month + 2) / 5 + day - 1 - MARCH_TO_1970;
    return true;
}

/* [day-of-week ","] day month year */
static bool day(struct scan *r, int64_t *number_of)
{
    int64_t d, year;
    size_t digits;
    int month;

    if (!skip(r))
        return false;
    if (letter(peek(r))) {
        if (place(days, word(r)) < 0 || !skip(r))
            return false;
        if (peek(r) == ',')
            r->at++;
    }
    if (!skip(r) || !number(r, 1, 2, &d, &digits) || !skip(r))
        return false;
    month = place(months, word(r));
    if (month < 0 || !skip(r) || !number(r, 2, 4, &year, &digits))
        return false;
    year = full_year(year, digits);
    return year >= 1900 && day_number(year, month, d, number_of);
}

bool smtp_date_parse(struct smtp_str s, struct smtp_date *date)
{
    struct scan r = { s, 0 };
    int64_t days_since = 0, seconds = 0;

    memset(date, 0, sizeof *date);
    if (!day(&r, &days_since) || !time_of_day(&r, &seconds) || !skip(&r) ||
        !zone(&r, date) || !skip(&r) || more(&r))
        return false;
    date->seconds = days_since * DAY + seconds - date->zone * 60;
    return true;
}

/* --- RFC 3339 ------------------------------------------------------------- */

/* n digits and the mark behind them; 0: none. */
static bool field(struct scan *r, size_t n, char mark, int64_t *value)
{
    size_t digits;

    if (!number(r, n, n, value, &digits))
        return false;
    if (mark == 0)
        return true;
    if (peek(r) != mark)
        return false;
    r->at++;
    return true;
}

/* "Z", or minutes east of UTC */
static bool offset(struct scan *r, int64_t *minutes)
{
    char sign = peek(r);
    int64_t hour, minute;

    *minutes = 0;
    if (sign != 'Z' && sign != '+' && sign != '-')
        return false;
    r->at++;
    if (sign == 'Z')
        return true;
    if (!field(r, 2, ':', &hour) || !field(r, 2, 0, &minute) || hour > 23 ||
        minute > 59)
        return false;
    *minutes = (sign == '-' ? -1 : 1) * (hour * 60 + minute);
    return true;
}

bool smtp_date_internet(struct smtp_str s, int64_t *seconds)
{
    struct scan r = { s, 0 };
    int64_t year, month, d, hour, minute, second, zone_minutes, days_since;

    if (!field(&r, 4, '-', &year) || !field(&r, 2, '-', &month) ||
        !field(&r, 2, 'T', &d) || !field(&r, 2, ':', &hour) ||
        !field(&r, 2, ':', &minute) || !field(&r, 2, 0, &second))
        return false;
    if (peek(&r) == '.') {
        do {
            r.at++;
        } while (digit(peek(&r)));
        if (!digit(s.p[r.at - 1]))
            return false;
    }
    if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60 ||
        !offset(&r, &zone_minutes) || more(&r) ||
        !day_number(year, (int)(month + 9) % 12, d, &days_since))
        return false;
    *seconds = days_since * DAY + hour * 3600 + minute * 60 + second -
               zone_minutes * 60;
    return true;
}
