/*
 * volume.c - the files of \bootmail\ on the partition we were started from
 * (UEFI 2.10, 13.4 and 13.5), packed into one archive.
 *
 * The folder is walked twice, first to know how much memory the archive
 * takes. What has changed in between is noticed: it no longer fits, or its end
 * is elsewhere.
 */
#include "program.h"

#include <string.h>

#include "pack.h"

#define FILES_MAX   256 /* the image takes no more (kernel/files.h) */
#define DEPTH_MAX   4
#define NAME_ROOM   256
#define ARCHIVE_MAX (256u << 20)

static const uint16_t folder_name[] = u"\\bootmail";

struct walk {
    struct pack pack;
    unsigned files;
    char path[NAME_ROOM]; /* of the folder, with "/" at its end unless empty */
};

static const struct efi_guid loaded_image = {
    0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct efi_guid simple_volume = {
    0x964e5b22, 0x6459, 0x11d2, { 0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};

/* Exactly size bytes: firmware may give fewer in one call. */
static void read_all(struct efi_file *f, uint8_t *to, uint64_t size)
{
    while (size != 0) {
        uint64_t n = size;

        if (EFI_ERROR(f->read(f, &n, to)) || n == 0 || n > size)
            fail(STATUS_BUG, "a file in the folder bootmail cannot be read");
        to += n;
        size -= n;
    }
}

static void take_file(struct walk *w, struct efi_file *f, uint64_t size)
{
    uint8_t *room = NULL;

    if (++w->files > FILES_MAX)
        fail(STATUS_CONFIG, "the folder bootmail has more than 256 files");
    if (size > ARCHIVE_MAX ||
        !pack_file(&w->pack, w->path, (uint32_t)size, &room))
        fail(STATUS_CONFIG, "the folder bootmail has more than 256 MiB");
    if (room != NULL)
        read_all(f, room, size);
}

/* Adds the entry's name to the path; returns where the path ended. */
static size_t path_add(struct walk *w, const uint16_t *name, size_t max)
{
    size_t len = strlen(w->path);

    if (!pack_text(name, max, w->path + len, sizeof w->path - len - 1))
        fail(STATUS_CONFIG, "the folder bootmail has a name that is too long "
                            "or not text");
    return len;
}

static bool is_dots(const uint16_t *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static void take_folder(struct walk *w, struct efi_file *dir, unsigned depth);

static void take_entry(struct walk *w, struct efi_file *dir,
                       const struct efi_file_info *info, size_t name_max,
                       unsigned depth)
{
    size_t len = path_add(w, info->name, name_max), end;
    struct efi_file *f;

    if (EFI_ERROR(dir->open(dir, &f, info->name, EFI_FILE_READ, 0)))
        fail(STATUS_BUG, "a file in the folder bootmail cannot be opened");
    if ((info->attribute & EFI_FILE_FOLDER) != 0) {
        end = strlen(w->path);
        w->path[end] = '/'; /* path_add() left room for it */
        w->path[end + 1] = '\0';
        take_folder(w, f, depth + 1);
    } else {
        take_file(w, f, info->file_size);
    }
    f->close(f);
    w->path[len] = '\0';
}

static void take_folder(struct walk *w, struct efi_file *dir, unsigned depth)
{
    union {
        struct efi_file_info info;
        uint8_t bytes[1024]; /* the longest name of FAT takes 512 of them */
    } entry;
    const size_t head = offsetof(struct efi_file_info, name);
    uint64_t size;

    if (depth > DEPTH_MAX)
        fail(STATUS_CONFIG, "the folder bootmail is too deep");
    for (;;) {
        size = sizeof entry;
        if (EFI_ERROR(dir->read(dir, &size, &entry)))
            fail(STATUS_BUG, "the folder bootmail cannot be read");
        if (size == 0)
            return;
        if (size < head + 2 || size > sizeof entry)
            fail(STATUS_BUG, "the firmware misreads the folder bootmail");
        if (!is_dots(entry.info.name))
            take_entry(w, dir, &entry.info, (size - head) / 2, depth);
    }
}

static struct efi_file *open_root(void)
{
    struct efi_loaded_image *self;
    struct efi_volume *volume;
    struct efi_file *root;
    void *p;

    if (EFI_ERROR(efi->boot->handle_protocol(efi_self, &loaded_image, &p)))
        fail(STATUS_BUG, "the firmware does not say where we come from");
    self = p;
    if (self->device == NULL ||
        EFI_ERROR(efi->boot->handle_protocol(self->device, &simple_volume, &p)))
        return NULL; /* from the network: no files there */
    volume = p;
    return EFI_ERROR(volume->open(volume, &root)) ? NULL : root;
}

/* One way through all files, from the folder's start. */
static void walk(struct walk *w, struct efi_file *root)
{
    struct efi_file *dir;

    w->files = 0;
    w->path[0] = '\0';
    if (EFI_ERROR(root->open(root, &dir, folder_name, EFI_FILE_READ, 0)))
        fail(STATUS_BUG, "the folder bootmail cannot be opened");
    take_folder(w, dir, 0);
    dir->close(dir);
    if (!pack_end(&w->pack))
        fail(STATUS_CONFIG, "the folder bootmail has more than 256 MiB");
}

uint8_t *volume_archive(uint32_t *len)
{
    static struct walk w;
    struct efi_file *root = open_root(), *dir;
    uint64_t status;
    size_t counted;

    *len = 0;
    if (root == NULL)
        return NULL;
    status = root->open(root, &dir, folder_name, EFI_FILE_READ, 0);
    if (status == EFI_NOT_FOUND)
        return NULL;
    if (EFI_ERROR(status))
        fail(STATUS_BUG, "the folder bootmail cannot be opened");
    dir->close(dir);
    w.pack = (struct pack){ .cap = ARCHIVE_MAX };
    walk(&w, root);
    counted = w.pack.len;
    w.pack = (struct pack){ .buf = low_pages(counted, EFI_LOADER_DATA),
                            .cap = counted };
    walk(&w, root);
    if (w.pack.len != counted)
        fail(STATUS_BUG, "the folder bootmail changes while it is read");
    root->close(root);
    *len = (uint32_t)counted;
    return w.pack.buf;
}
