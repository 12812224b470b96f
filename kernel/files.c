/*
 * files.c - one table of the files from every source (design.md 2.2).
 *
 * Every appearance of a name is kept, so that the last one can win and yet
 * all of them can be wiped. The table is small and searched linearly.
 */
#include "files.h"

#include "board.h"
#include "cpio.h"
#include "fwcfg.h"
#include "smbios.h"
#include "wipe.h"

/* the archive linked into the image: objcopy's or the build's symbols; empty
 * when none was asked for */
extern const uint8_t files_builtin[], files_builtin_end[];

enum source { BUILTIN, INITRD, SMBIOS, FWCFG };

static const char *const source_name[] = {
    [BUILTIN] = "built-in archive",
    [INITRD] = "initrd",
    [SMBIOS] = "SMBIOS",
    [FWCFG] = "fw_cfg",
};

static struct file {
    struct blob name, data;
    enum source source;
} files[FILES_MAX];
static size_t file_count;

static const char *add(enum source source, struct blob name, struct blob data)
{
    if (name.len > FILES_NAME_MAX)
        return "a file's name is too long";
    if (file_count == FILES_MAX)
        return "there are too many files";
    files[file_count].name = name;
    files[file_count].data = data;
    files[file_count].source = source;
    file_count++;
    return NULL;
}

static bool refuse(struct files_error *err, enum source source, size_t offset,
                   const char *why)
{
    err->source = source_name[source];
    err->offset = offset;
    err->why = why;
    return false;
}

static bool read_archive(enum source source, struct blob all,
                         struct files_error *err)
{
    struct cpio c = { .all = all };
    struct blob name, data;
    enum cpio_result r;

    while ((r = cpio_next(&c, &name, &data)) == CPIO_FILE) {
        const char *why = add(source, name, data);

        if (why != NULL)
            return refuse(err, source, (size_t)(name.p - all.p), why);
    }
    if (r == CPIO_BAD)
        return refuse(err, source, c.bad_at, c.why);
    return true;
}

static bool item(enum source source, struct blob name, struct blob data,
                 const char **why)
{
    if (!cpio_clean_name(&name))
        *why = "an item's name is empty or holds \"..\"";
    else
        *why = add(source, name, data);
    return *why == NULL;
}

/* callbacks; ctx takes the reason */
static bool fwcfg_found(void *ctx, struct blob name, struct blob data)
{
    return item(FWCFG, name, data, ctx);
}

static bool smbios_found(void *ctx, struct blob name, struct blob data)
{
    return item(SMBIOS, name, data, ctx);
}

static bool read_smbios(struct files_error *err)
{
    struct blob table = board_smbios();
    const char *why = "", *ours = NULL;

    if (table.len == 0 || smbios_each((uint8_t *)(uintptr_t)table.p, table.len,
                                      smbios_found, &ours, &why))
        return true;
    return refuse(err, SMBIOS, 0, ours != NULL ? ours : why);
}

static bool read_fwcfg(struct files_error *err)
{
    const struct fwcfg_io *io = board_fwcfg();
    const char *why = "", *ours = NULL;

    if (io == NULL || fwcfg_each(io, fwcfg_found, &ours, &why))
        return true;
    return refuse(err, FWCFG, 0, ours != NULL ? ours : why);
}

bool files_init(struct files_error *err)
{
    size_t builtin = (uintptr_t)files_builtin_end - (uintptr_t)files_builtin;

    file_count = 0;
    return read_archive(BUILTIN, blob_of(files_builtin, builtin), err) &&
           read_archive(INITRD, board_info()->initrd, err) &&
           read_smbios(err) && read_fwcfg(err);
}

struct blob files_get(struct blob name)
{
    for (size_t i = file_count; i > 0; i--) {
        if (blob_eq(files[i - 1].name, name))
            return files[i - 1].data;
    }
    return blob_of(NULL, 0);
}

static bool is_first(size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (blob_eq(files[k].name, files[i].name))
            return false;
    }
    return true;
}

bool files_is_builtin(struct blob data)
{
    uintptr_t p = (uintptr_t)data.p;

    return p >= (uintptr_t)files_builtin && p < (uintptr_t)files_builtin_end;
}

bool files_next(struct blob prefix, size_t *at, struct blob *name,
                struct blob *data)
{
    for (; *at < file_count; ++*at) {
        struct file *f = &files[*at];

        if (f->name.len < prefix.len ||
            !blob_eq(blob_of(f->name.p, prefix.len), prefix) || !is_first(*at))
            continue;
        *name = f->name;
        *data = files_get(f->name);
        ++*at;
        return true;
    }
    return false;
}

/* The initrd is mapped read-only: the board overwrites it. fw_cfg's bytes lie
 * in pages of ours. What is linked in is a constant and stays. */
void files_wipe(struct blob name)
{
    for (size_t i = 0; i < file_count; i++) {
        struct blob data = files[i].data;

        if (!blob_eq(files[i].name, name) || data.len == 0)
            continue;
        if (files[i].source == INITRD)
            board_wipe(data.p, data.len);
        else if (files[i].source != BUILTIN)
            wipe((void *)(uintptr_t)data.p, data.len);
    }
}

void files_wipe_all(void)
{
    struct blob initrd = board_info()->initrd;

    struct blob table = board_smbios();

    if (initrd.len != 0)
        board_wipe(initrd.p, initrd.len);
    wipe((void *)(uintptr_t)table.p, table.len);
    for (size_t i = 0; i < file_count; i++) {
        if (files[i].source == FWCFG)
            wipe((void *)(uintptr_t)files[i].data.p, files[i].data.len);
    }
}
