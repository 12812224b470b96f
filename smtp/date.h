/*
 * date.h - date and time as mail writes them (RFC 5322 3.3 and 4.3), and as
 * its extensions do (RFC 3339).
 *
 * Read is what is written today and what was written before: comments, folds,
 * years of two and three digits, zones by name. A zone whose meaning is not
 * known ("-0000", a letter, "CEST") counts as UTC, and known says so: the
 * instant is then only known to within a day.
 */
#ifndef SMTP_DATE_H
#define SMTP_DATE_H

#include "smtp.h"

struct text; /* text.h: within the library */

struct smtp_date {
    int64_t seconds; /* since 1970-01-01 00:00 UTC                         */
    int16_t zone;    /* minutes east of UTC                                */
    bool known;      /* the zone is                                        */
};

/* The whole of s is a date; blanks, folds and comments around it are skipped.
 * A second of 60 is read as 59: no calendar here knows leap seconds. */
bool smtp_date_parse(struct smtp_str s, struct smtp_date *);

/* "2026-11-27T08:00:00Z", the profile of RFC 3339 section 5.6, which has no
 * blanks and no comments: the whole of s, to the second. */
bool smtp_date_internet(struct smtp_str s, int64_t *seconds);

/* Appends "Fri, 21 Nov 1997 09:55:06 -0600"; nothing unless the year, in that
 * zone, has four digits. zone: minutes east of UTC, less than a day. */
void date_put(struct text *, int64_t seconds, int zone);

/* The same as a call of the library: the length, 0 if it does not fit. */
size_t smtp_date_print(int64_t seconds, int zone, char *to, size_t cap);

#endif
