/* sources: board/x86_64/efi/pack.c board/x86_64/efi/plan.c kernel/cpio.c */
/* includes: board/x86_64/efi board/x86_64 board kernel tests/fuzz */
/* longest: 1500 */
/*
 * efi.c - BOOTX64.EFI, from its start to where it leaves the firmware, over a
 * firmware and a disk that say what they like: folders, names, lengths, memory
 * maps, options. Either it stops with a sentence, or what it hands over is
 * whole: the archive is what was read, the image is where it belongs, and what
 * is to be overwritten is nothing of that.
 */
#include "fuzz.h"

#include <setjmp.h>
#include <sys/mman.h>

#include "../../board/x86_64/efi/main.c"
#include "../../board/x86_64/efi/volume.c"

#include "cpio.h"

/* The page of code that is copied and called: back to handed(). */
__asm__(".data\n"
        ".globl handover_code, handover_end\n"
        "handover_code: movabs $handed, %rax\n"
        "    jmp *%rax\n"
        "handover_end:\n"
        ".text\n");

#define PLACE 0x100000u /* of the image, as test_efi.c has it */
#define ARENA (1u << 20)

enum { HONEST = 1, OLD_ACPI = 2, OPTIONS = 4, NO_DISK = 8, CHANGES = 16 };

static unsigned how;
static jmp_buf stopped;
static uint8_t *arena;
static size_t arena_used;
static const uint8_t *tree_at; /* the input, where the folder is described */
static size_t tree_left;
static unsigned exits;

/* What was read the last time round. */
static struct read {
    char name[NAME_ROOM + 1];
    uint64_t size;
} reads[FILES_MAX + 1];
static unsigned read_count;

/* ----------------------------------------------------------------- memory */

static uint64_t pages_from(uint32_t from, uint32_t type, uint64_t pages,
                           uint64_t *phys)
{
    size_t len = pages * EFI_PAGE;

    if (from == EFI_ADDRESS) {
        MUST(type == EFI_LOADER_DATA);
        MUST(*phys >= PLACE && *phys + len <= PLACE + 0x3000);
        return (uint64_t)next(1) << 56;
    }
    MUST(from == EFI_MAX_ADDRESS && *phys == UINT32_MAX);
    MUST(type == EFI_LOADER_DATA || type == EFI_LOADER_CODE);
    if (pages > ARENA / EFI_PAGE || len + EFI_PAGE > ARENA - arena_used)
        return 1ull << 63 | 9;
    *phys = (uintptr_t)arena + arena_used;
    ASAN_UNPOISON_MEMORY_REGION(arena + arena_used, len);
    arena_used += len + EFI_PAGE; /* a page that nobody may touch */
    return 0;
}

static void arena_empty(void)
{
    if (arena == NULL) {
        arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        MUST(arena != MAP_FAILED);
        arena_used = ARENA;
    }
    ASAN_POISON_MEMORY_REGION(arena, arena_used);
    arena_used = EFI_PAGE;
}

/* Our pages, the image's place, and ranges of any kind between 2 MiB and 4
 * GiB, which an honest firmware keeps apart from them. */
static unsigned map_entry(struct efi_memory *e, unsigned i)
{
    uint32_t at;

    memset(e, 0, sizeof *e);
    if (i == 0) {
        *e = (struct efi_memory){ EFI_LOADER_DATA,       0, (uintptr_t)arena, 0,
                                  arena_used / EFI_PAGE, 0 };
    } else if (i == 1) {
        *e = (struct efi_memory){ EFI_CONVENTIONAL, 0, PLACE, 0, 3, 0 };
    } else {
        e->type = next(1) % 16;
        at = next(2);
        e->phys = ((uint64_t)at << 16) + 0x200000;
        e->pages = next(1);
        if ((how & HONEST) == 0) {
            e->phys ^= (uint64_t)next(2) << (next(1) % 64);
            e->pages <<= next(1) % 64;
        } else if (e->phys + e->pages * EFI_PAGE > (uintptr_t)arena &&
                   e->phys < (uintptr_t)arena + ARENA) {
            e->pages = 0;
        }
    }
    return next(1);
}

static uint64_t memory_map(uint64_t *size, void *map, uint64_t *key,
                           uint64_t *step, uint32_t *version)
{
    const bool odd = (how & HONEST) == 0;
    const uint64_t room = *size;
    uint64_t used = 0, apart = sizeof(struct efi_memory) + next(1) % 4 * 8;
    struct efi_memory e;
    unsigned i, more = 1;

    *version = 1;
    *key = next(1);
    if (odd && next(1) == 0xff)
        return 1ull << 63 | 2;
    if (map == NULL) {
        *size = 2 * apart;
        if (odd && next(1) == 0xff)
            *size = (uint64_t)next(2) << (next(1) % 64);
        *step = apart;
        return odd && next(1) == 0xff ? 0 : EFI_BUFFER_TOO_SMALL;
    }
    for (i = 0; i < 2 || more % 8 != 0; i++) {
        more = map_entry(&e, i);
        if (used + apart > room)
            break;
        memset((uint8_t *)map + used, 0xaa, apart);
        memcpy((uint8_t *)map + used, &e, sizeof e);
        used += apart;
    }
    *size = used + (odd && next(1) == 0xff ? room : 0);
    *step = odd && next(1) == 0xff ? next(1) : apart;
    return 0;
}

static uint64_t exit_boot_services(void *image_handle, uint64_t key)
{
    (void)key;
    MUST(image_handle == efi_self);
    MUST(exits++ < EXIT_TRIES);
    return (uint64_t)(next(1) == 0xff) << 63;
}

/* ------------------------------------------------------------------- disk */

/* One open file or folder; as many as can be open at once. */
static struct handle {
    struct efi_file ops;
    bool open, folder;
    uint64_t size, at;
    unsigned number;
} handles[DEPTH_MAX + 8];

static uint64_t file_open(struct efi_file *dir, struct efi_file **out,
                          const uint16_t *name, uint64_t mode,
                          uint64_t attributes);
static uint64_t file_read(struct efi_file *f, uint64_t *size, void *buf);

static uint64_t file_close(struct efi_file *f)
{
    struct handle *h = (struct handle *)(void *)f;

    MUST(h->open);
    h->open = false;
    return 0;
}

static struct handle *handle_new(bool folder)
{
    struct handle *h = handles;

    while (h->open)
        MUST(++h < handles + sizeof handles / sizeof *handles);
    *h = (struct handle){
        .ops = { .open = file_open, .close = file_close, .read = file_read },
        .open = true,
        .folder = folder,
    };
    return h;
}

static struct {
    bool folder;
    uint64_t size;
} last; /* what the entry said that was read last */

static bool fails(void)
{
    return (how & HONEST) == 0 && next(1) == 0xff;
}

static uint64_t file_open(struct efi_file *dir, struct efi_file **out,
                          const uint16_t *name, uint64_t mode,
                          uint64_t attributes)
{
    struct handle *h = (struct handle *)(void *)dir;

    MUST(h->open && h->folder && mode == EFI_FILE_READ && attributes == 0);
    if (name == folder_name) {
        if (fails())
            return next(1) % 2 != 0 ? EFI_NOT_FOUND : 1ull << 63 | 7;
        if ((how & CHANGES) == 0) {
            in_at = tree_at;
            in_left = tree_left;
        }
        read_count = 0;
        *out = &handle_new(true)->ops;
        return 0;
    }
    if (fails())
        return 1ull << 63 | 7;
    h = handle_new(last.folder);
    if (!last.folder) {
        MUST(read_count <= FILES_MAX);
        h->size = last.size;
        h->number = read_count++;
        reads[h->number].size = last.size;
        /* longer than what is left for it, it has been refused before */
        MUST(pack_text(name, 512, reads[h->number].name, NAME_ROOM));
    }
    *out = &h->ops;
    return 0;
}

static uint8_t content(unsigned number, uint64_t at)
{
    return (uint8_t)(number * 37 + at);
}

static uint64_t read_bytes(struct handle *h, uint64_t *size, uint8_t *to)
{
    uint64_t i, n = *size, left = h->size - h->at;

    if (n > left)
        n = left;
    if ((how & HONEST) == 0 && n > 1)
        n = 1 + next(1) % n; /* fewer than were asked for */
    for (i = 0; i < n; i++)
        to[i] = content(h->number, h->at + i);
    h->at += n;
    *size = fails() ? *size + 1 + next(1) : n;
    return 0;
}

/* The next entry of a folder: kind, name, size from the input. */
static uint64_t read_entry(uint64_t *size, struct efi_file_info *to)
{
    unsigned kind = next(1), units = kind >> 4, i;
    const size_t head = offsetof(struct efi_file_info, name);

    *size = 0;
    if (in_left == 0 || kind % 8 == 0)
        return 0;
    if (kind % 8 == 1)
        units += next(1);
    if (units > 484)
        units = 484;
    memset(to, 0xaa, head);
    last.folder = kind % 8 == 2;
    last.size = next(1);
    if (kind % 8 == 3)
        last.size = last.size << (next(1) % 64);
    to->attribute = last.folder ? EFI_FILE_FOLDER : 0x20;
    to->file_size = last.size;
    for (i = 0; i < units; i++)
        to->name[i] = (uint16_t)(kind % 8 == 4 ? next(2) : next(1));
    if (!fails())
        to->name[units++] = 0;
    *size = head + units * 2;
    if (fails())
        *size = next(2);
    return 0;
}

static uint64_t file_read(struct efi_file *f, uint64_t *size, void *buf)
{
    struct handle *h = (struct handle *)(void *)f;

    MUST(h->open && *size != 0);
    if (fails())
        return 1ull << 63 | 7;
    if (!h->folder)
        return read_bytes(h, size, buf);
    MUST(*size >= 1024);
    return read_entry(size, buf);
}

static uint64_t volume_open(struct efi_volume *v, struct efi_file **root)
{
    (void)v;
    if (fails())
        return 1ull << 63 | 7;
    *root = &handle_new(true)->ops;
    return 0;
}

/* --------------------------------------------------------------- firmware */

static struct efi_volume volume = { 0, volume_open };
static struct efi_loaded_image self;

static uint64_t handle_protocol(void *handle, const struct efi_guid *guid,
                                void **out)
{
    if (fails())
        return EFI_NOT_FOUND;
    if (handle == efi_self) {
        MUST(memcmp(guid, &loaded_image, sizeof *guid) == 0);
        *out = &self;
    } else {
        MUST(handle == &volume);
        MUST(memcmp(guid, &simple_volume, sizeof *guid) == 0);
        *out = &volume;
    }
    return 0;
}

void say(const char *text)
{
    MUST(strncmp(text, "bootmail: starting", 18) == 0);
}

_Noreturn void fail(int status, const char *reason)
{
    MUST(status == STATUS_CONFIG || status == STATUS_BUG);
    MUST(strlen(reason) > 10 && strchr(reason, '"') == NULL);
    longjmp(stopped, 1);
}

/* ------------------------------------------------------- what is handed on */

static void check_archive(const uint8_t *p, size_t len)
{
    struct cpio c = { .all = blob_of(p, len) };
    struct blob name, data, want;
    enum cpio_result got;
    unsigned i = 0;
    char *slash;

    /* the image refuses some names: an empty one, one with ".." in it */
    while ((got = cpio_next(&c, &name, &data)) == CPIO_FILE) {
        MUST(i < read_count && data.len == reads[i].size);
        for (size_t at = 0; at < data.len; at++)
            MUST(data.p[at] == content(i, at));
        slash = strrchr(reads[i].name, '/');
        want = blob_str(slash != NULL ? slash + 1 : reads[i].name);
        MUST(name.len >= want.len);
        MUST(memcmp(name.p + name.len - want.len, want.p, want.len) == 0);
        i++;
    }
    MUST(got == CPIO_BAD ? strstr(c.why, "name") != NULL : i == read_count);
}

static void check_told(const struct pvh_start_info *info)
{
    const struct loader_range *r =
        (const struct loader_range *)(uintptr_t)info->memmap;
    const struct pvh_module *m =
        (const struct pvh_module *)(uintptr_t)info->modlist;
    const char *line = (const char *)(uintptr_t)info->cmdline;

    MUST(info->magic == PVH_MAGIC && info->version == 1);
    MUST(info->rsdp == ((how & OLD_ACPI) != 0 ? 0x1000 : 0x2000));
    MUST(info->memmap_entries <= LOADER_MAP_MAX);
    for (unsigned i = 1; i < info->memmap_entries; i++)
        MUST(r[i - 1].start <= r[i].start && r[i].len != 0);
    MUST(strlen(line) < CMDLINE_MAX);
    for (; *line != '\0'; line++)
        MUST(*line >= ' ' && *line <= '~');
    MUST(info->nr_modules == (m->size != 0));
    if (m->size != 0)
        check_archive((const uint8_t *)(uintptr_t)m->start, m->size);
}

static void check_wipes(const struct handover *h)
{
    uint64_t start, end, ours = (uintptr_t)arena;

    MUST(h->wipe_count <= HANDOVER_WIPES);
    for (unsigned i = 0; i < h->wipe_count; i++) {
        start = h->wipe[i].at;
        end = start + h->wipe[i].len;
        MUST(end <= UINT32_MAX);
        if ((how & HONEST) != 0)
            MUST(end <= ours || start >= ours + ARENA);
    }
}

void handed(struct handover *h);
void handed(struct handover *h)
{
    MUST(h->count == 2 && h->entry == PLACE + 0x10);
    for (unsigned i = 0; i < h->count; i++)
        MUST(memcmp((const uint8_t *)(uintptr_t)h->parts[i].from,
                    image + (i == 0 ? 0x100 : 0x120), h->parts[i].len) == 0);
    MUST(h->parts[1].to == PLACE + 0x1000 && h->parts[1].zero == 0x1ff8);
    check_wipes(h);
    check_told((const struct pvh_start_info *)(uintptr_t)h->info);
    longjmp(stopped, 2);
}

/* The smallest image there can be: an ELF header, two segments, a note. */
__asm__(".section .rodata\n"
        ".globl image, image_end\n"
        "image: .ascii \"\\177ELF\\2\\1\\1\"; .skip 9\n"
        "    .short 2, 62; .long 1; .quad 0, 0x40, 0; .long 0\n"
        "    .short 64, 56, 3, 0, 0, 0\n"
        "    .long 1, 5; .quad 0x100, 0, 0x100000, 0x20, 0x20, 0\n"
        "    .long 1, 6; .quad 0x120, 0, 0x101000, 8, 0x2000, 0\n"
        "    .long 4, 4; .quad 0xe8, 0, 0, 24, 24, 0\n"
        "    .long 4, 8, 18, 0x6e6558, 0x100010, 0\n"
        "    .ascii \"the code of the image, 32 bytes.and data\"\n"
        "image_end:\n"
        ".text\n");

static void take_options(uint8_t **kept)
{
    size_t len = (how & OPTIONS) != 0 ? next(1) : 0;

    if (len > in_left)
        len = in_left;
    *kept = malloc(len != 0 ? len : 1);
    MUST(*kept != NULL);
    for (size_t i = 0; i < len; i++)
        (*kept)[i] = (uint8_t)next(1);
    self = (struct efi_loaded_image){
        .device = (how & NO_DISK) != 0 ? NULL : &volume,
        .options_size = (uint32_t)len,
        .options = len != 0 ? *kept : NULL,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct efi_boot boot = {
        .allocate_pages = pages_from,
        .memory_map = memory_map,
        .handle_protocol = handle_protocol,
        .exit_boot_services = exit_boot_services,
    };
    struct efi_table tables[2] = { { acpi_old, (void *)0x1000 },
                                   { acpi_new, (void *)0x2000 } };
    static struct efi_system system;
    uint8_t *options;

    input(data, len);
    how = next(1);
    take_options(&options);
    tree_at = in_at;
    tree_left = in_left;
    system = (struct efi_system){
        .boot = &boot,
        .table_count = (how & OLD_ACPI) != 0 ? 1 : 2,
        .tables = tables,
    };
    arena_empty();
    memset(handles, 0, sizeof handles);
    exits = read_count = 0;
    if (setjmp(stopped) == 0)
        efi_main(handles, &system);
    free(options);
    return 0;
}
