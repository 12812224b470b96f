/*
 * cpio.h - reads cpio "newc" archives where they lie (initrd, built-in).
 *
 * struct cpio c = { .all = bytes }; then cpio_next() until it no longer says
 * CPIO_FILE. Names and contents point into the bytes.
 */
#ifndef KERNEL_CPIO_H
#define KERNEL_CPIO_H

#include "blob.h"

struct cpio {
    struct blob all;
    size_t at;       /* offset of the next header                      */
    bool in_archive; /* between an archive's first file and its trailer */
    const char *why; /* after CPIO_BAD: a sentence part                 */
    size_t bad_at;   /* and the offset of what is wrong                 */
};

enum cpio_result {
    CPIO_FILE, /* name and data are set */
    CPIO_END,  /* no more files         */
    CPIO_BAD,  /* malformed: why, bad_at */
};

/* The next regular file. name has no leading "/" or "./" and no ".."
 * component; an empty file's data has p != NULL. */
enum cpio_result cpio_next(struct cpio *c, struct blob *name,
                           struct blob *data);

/* Strips leading "/" and "./" and judges the rest. False: it is empty or
 * has a ".." component. */
bool cpio_clean_name(struct blob *name);

#endif
