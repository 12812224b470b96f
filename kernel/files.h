/*
 * files.h - the files the image was given, by name (design.md 2.2).
 *
 * Sources, later wins: the archive linked into the image, the initrd (both
 * cpio "newc"), SMBIOS credentials bootmail.NAME, fw_cfg items
 * opt/org.bootmail/NAME. Names have no leading "/" or "./". Contents are used
 * where they lie and live for ever; nothing is ever written to them except
 * files_wipe().
 */
#ifndef KERNEL_FILES_H
#define KERNEL_FILES_H

#include "blob.h"

#define FILES_MAX      256 /* files in all sources together            */
#define FILES_NAME_MAX 255 /* bytes of a name                          */

struct files_error {
    const char *source; /* "built-in archive", "initrd", "fw_cfg"      */
    size_t offset;      /* byte offset in the source                   */
    const char *why;    /* a sentence part: "the header is cut short"  */
};

/* Reads every source. False: a source is malformed, or there are too many
 * files; err says which and where. */
bool files_init(struct files_error *err);

/* The last file of that name, or p == NULL. An empty file has p != NULL. */
struct blob files_get(struct blob name);

/* Does this file come from the archive linked into the image? Then it is the
 * same at every boot of every copy. */
bool files_is_builtin(struct blob data);

/* Walks the files whose name starts with prefix, in order of their first
 * appearance: *at starts at 0; false at the end. */
bool files_next(struct blob prefix, size_t *at, struct blob *name,
                struct blob *data);

/* Overwrites a secret file's bytes where they lie (if they are in RAM of
 * ours and not in constants). */
void files_wipe(struct blob name);

/* The same for everything that came from outside, whether it could be read or
 * not: for the end of a run. No file may be looked at after that. */
void files_wipe_all(void);

#endif
