/* sources: kernel/cpio.c */
/* includes: kernel tests/fuzz */
/*
 * cpio.c - any bytes as an archive: what is found lies within it, in order,
 * each byte in one file at most, and names cannot climb.
 */
#include "trace.h"

#include "cpio.h"

static void good_name(struct blob name)
{
    struct blob again = name;

    MUST(name.len != 0 && name.p[0] != '/');
    MUST(memchr(name.p, '\0', name.len) == NULL);
    MUST(cpio_clean_name(&again) && blob_eq(again, name));
    for (size_t i = 0; i + 1 < name.len; i++)
        MUST(name.p[i] != '.' || name.p[i + 1] != '.' ||
             (i != 0 && name.p[i - 1] != '/') ||
             (i + 2 != name.len && name.p[i + 2] != '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *block = exact(data, len);
    const uint8_t *end = block + 1 + len, *at = block + 1;
    struct cpio c = { .all = blob_of(block + 1, len) };
    struct blob name, body;
    enum cpio_result r;

    while ((r = cpio_next(&c, &name, &body)) == CPIO_FILE) {
        MUST(name.p >= at + 110 && name.len < (size_t)(end - name.p));
        MUST(body.p > name.p + name.len && body.p <= end);
        MUST(body.len <= (size_t)(end - body.p));
        at = body.p + body.len;
        good_name(name);
    }
    if (r == CPIO_BAD) { /* and that is that */
        MUST(c.why != NULL && c.bad_at <= len);
        MUST(cpio_next(&c, &name, &body) == CPIO_BAD);
    } else {
        MUST(c.at == len && !c.in_archive);
    }
    free(block);
    return 0;
}
