/*
 * plan.c - see plan.h.
 */
#include "plan.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILES 1000
#define BOMB      4000 /* bytes; longer dialogues are cut less finely */

static const struct plan_kind *kind;
static unsigned long cases;

static const struct plan whole = { SIZE_MAX, SIZE_MAX, SIZE_MAX, NO_CUT,
                                   NO_CUT };

/* --- plays ------------------------------------------------------------- */

static bool report(const char *path, const struct plan *q, const char *why)
{
    cases++;
    if (why == NULL)
        return true;
    printf("FAIL tests/transcripts/run %s",
           strncmp(path, PLAN_FOLDER, sizeof PLAN_FOLDER - 1) == 0
               ? path + sizeof PLAN_FOLDER - 1
               : path);
    if (q->in != SIZE_MAX)
        printf(" in=%zu", q->in);
    if (q->out != SIZE_MAX)
        printf(" out=%zu", q->out);
    if (q->body != SIZE_MAX)
        printf(" body=%zu", q->body);
    if (q->cut_in != NO_CUT)
        printf(" cut-in=%zu", q->cut_in);
    if (q->cut_out != NO_CUT)
        printf(" cut-out=%zu", q->cut_out);
    printf(": %s\n", why);
    return false;
}

static bool one(const char *path, const void *s, const struct plan *q)
{
    return report(path, q, kind->again(s, q));
}

/* what is read, what is said and the message, each alone and all together in
 * pieces of k */
static bool in_pieces(const char *path, const void *s, size_t k)
{
    struct plan p = whole;
    bool ok;

    p.in = k;
    ok = one(path, s, &p);
    p.out = p.body = k;
    ok = ok && one(path, s, &p);
    p.in = SIZE_MAX;
    ok = ok && one(path, s, &p);
    p.out = SIZE_MAX;
    return ok && one(path, s, &p);
}

/* Every size from one byte to the whole; of a bomb small ones and a few. */
static bool chunks(const char *path, const void *s)
{
    size_t in, out, n;
    bool ok = one(path, s, &whole);

    kind->length(&in, &out);
    n = in > out ? in : out;
    for (size_t k = 1; ok && k <= n; k += k < 24 || n <= BOMB ? 1 : k)
        ok = in_pieces(path, s, k);
    return ok;
}

static bool cuts(const char *path, const void *s)
{
    size_t in, out;
    bool ok = true;

    kind->length(&in, &out);
    for (size_t k = 0; ok && k <= in; k += in / BOMB + 1) {
        struct plan p = whole;

        p.cut_in = k;
        ok = one(path, s, &p);
    }
    for (size_t k = 0; ok && k <= out; k += out / BOMB + 1) {
        struct plan p = whole;

        p.cut_out = k;
        ok = one(path, s, &p);
    }
    return ok;
}

static bool run_file(const char *path, const struct plan *only)
{
    static const struct plan bytes = { 1, 1, 1, NO_CUT, NO_CUT };
    void *s = kind->load(path);
    bool ok = s != NULL && report(path, &bytes, kind->first(s, &bytes));

    if (ok && only != NULL) {
        ok = one(path, s, only);
        kind->show(false);
    } else if (ok) {
        ok = chunks(path, s) && cuts(path, s);
    } else if (s != NULL && only != NULL) {
        kind->show(true);
    }
    kind->free(s);
    return ok;
}

/* --- command line ------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A name without a folder, or with ours alone, is that of a file in ours. */
static char *in_folder(const char *name)
{
    static char kept[MAX_FILES][256];
    static size_t used;
    char *to = kept[used++ % MAX_FILES];
    size_t n = strlen(kind->folder);
    bool ours = n != 0 && strncmp(name, kind->folder, n) == 0;

    if (ours)
        name += n;
    snprintf(to, sizeof kept[0], "%s%s%s",
             strchr(name, '/') == NULL ? PLAN_FOLDER : "",
             strchr(name, '/') == NULL ? kind->folder : "", name);
    return to;
}

static size_t all_files(char **names, size_t max)
{
    char folder[64];
    DIR *d;
    struct dirent *e;
    size_t n = 0;

    snprintf(folder, sizeof folder, "%s%s", PLAN_FOLDER, kind->folder);
    d = opendir(folder);
    while (d != NULL && (e = readdir(d)) != NULL) {
        size_t len = strlen(e->d_name);

        if (len < 6 || strcmp(e->d_name + len - 5, ".smtp") != 0 || n == max)
            continue;
        names[n++] = in_folder(e->d_name);
    }
    if (d != NULL)
        closedir(d);
    qsort(names, n, sizeof names[0], by_name);
    return n;
}

static bool option(struct plan *p, const char *arg)
{
    static const char *const names[] = { "in=", "out=", "body=", "cut-in=",
                                         "cut-out=" };
    size_t *const fields[] = { &p->in, &p->out, &p->body, &p->cut_in,
                               &p->cut_out };

    for (size_t i = 0; i < 5; i++) {
        size_t n = strlen(names[i]);

        if (strncmp(arg, names[i], n) == 0) {
            *fields[i] = (size_t)strtoull(arg + n, NULL, 10);
            if (*fields[i] == 0 && i < 3)
                *fields[i] = 1;
            return true;
        }
    }
    return strcmp(arg, "log") == 0;
}

int plan_main(const struct plan_kind *k, int argc, char **argv)
{
    static char *names[MAX_FILES];
    struct plan plan = whole;
    bool special = false;
    size_t count = 0, failed = 0;

    kind = k;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            printf("usage: run [FILE.smtp...] [log] [in=N] [out=N] [body=N] "
                   "[cut-in=N] [cut-out=N]\n");
            return 0;
        }
        if (option(&plan, argv[i]))
            special = true;
        else if (count < MAX_FILES)
            names[count++] = in_folder(argv[i]);
    }
    if (count == 0)
        count = all_files(names, MAX_FILES);
    if (count == 0) {
        fprintf(stderr, "run: no dialogues: start it at the top of the "
                        "source tree\n");
        return 2;
    }
    for (size_t i = 0; i < count; i++)
        if (!run_file(names[i], special ? &plan : NULL))
            failed++;
    printf("%lu cases\n%zu passed, %zu failed\n", cases, count - failed,
           failed);
    return failed != 0;
}
