/*
 * efi.h - the part of UEFI that the program uses (UEFI 2.10, section numbers
 * beside each). Calls follow the machine's EFI convention, which is what the
 * compiler's target makes of an ordinary function.
 */
#ifndef BOARD_X86_64_EFI_H
#define BOARD_X86_64_EFI_H

#include <stddef.h>
#include <stdint.h>

#define EFI_ERROR(status)    ((status) >> 63 != 0) /* appendix D */
#define EFI_BUFFER_TOO_SMALL (1ull << 63 | 5)
#define EFI_NOT_FOUND        (1ull << 63 | 14)

struct efi_guid {
    uint32_t a;
    uint16_t b, c;
    uint8_t d[8];
};

/* 7.2.3 */
struct efi_memory {
    uint32_t type, pad;
    uint64_t phys, virt, pages, attribute;
};
enum {
    EFI_LOADER_CODE = 1,
    EFI_LOADER_DATA = 2,
    EFI_BOOT_CODE = 3,
    EFI_BOOT_DATA = 4,
    EFI_CONVENTIONAL = 7
};
enum { EFI_ANY_PAGES = 0, EFI_MAX_ADDRESS = 1, EFI_ADDRESS = 2 };
#define EFI_PAGE 4096u

/* 12.4 */
struct efi_text_out {
    void *reset;
    uint64_t (*output)(struct efi_text_out *, const uint16_t *text);
};

/* 13.5; end of a folder: a read of 0 bytes */
struct efi_file {
    uint64_t revision;
    uint64_t (*open)(struct efi_file *, struct efi_file **out,
                     const uint16_t *name, uint64_t mode, uint64_t attributes);
    uint64_t (*close)(struct efi_file *);
    void *delete;
    uint64_t (*read)(struct efi_file *, uint64_t *size, void *buf);
};
#define EFI_FILE_READ 1u

struct efi_file_info {
    uint64_t size, file_size, physical_size;
    uint8_t created[16], accessed[16], modified[16];
    uint64_t attribute;
    uint16_t name[]; /* ends with a 0 */
};
#define EFI_FILE_FOLDER 0x10u

/* 13.4 */
struct efi_volume {
    uint64_t revision;
    uint64_t (*open)(struct efi_volume *, struct efi_file **root);
};

/* 9.1 */
struct efi_loaded_image {
    uint32_t revision, pad;
    void *parent, *system, *device, *path, *reserved;
    uint32_t options_size, pad2;
    void *options;
};

/* 7; only what is called has a type */
struct efi_boot {
    uint8_t header[24];
    void *tpl[2];
    uint64_t (*allocate_pages)(uint32_t how, uint32_t type, uint64_t pages,
                               uint64_t *phys);
    void *free_pages;
    uint64_t (*memory_map)(uint64_t *size, void *map, uint64_t *key,
                           uint64_t *step, uint32_t *version);
    void *pool[2], *event[6], *protocol[3];
    uint64_t (*handle_protocol)(void *handle, const struct efi_guid *,
                                void **out);
    void *more[9];
    uint64_t (*exit_boot_services)(void *image, uint64_t key);
    void *count;
    uint64_t (*stall)(uint64_t microseconds);
};

/* 8 */
struct efi_runtime {
    uint8_t header[24];
    void *time[4], *address[2], *variable[3], *count;
    void (*reset)(uint32_t type, uint64_t status, uint64_t size, void *data);
};
enum { EFI_RESET_SHUTDOWN = 2 };

struct efi_table {
    struct efi_guid guid;
    void *at;
};

/* 4.3 */
struct efi_system {
    uint8_t header[24];
    uint16_t *vendor;
    uint32_t revision, pad;
    void *in_handle, *in, *out_handle;
    struct efi_text_out *out;
    void *err_handle, *err;
    struct efi_runtime *runtime;
    struct efi_boot *boot;
    uint64_t table_count;
    struct efi_table *tables;
};
_Static_assert(offsetof(struct efi_boot, handle_protocol) == 24 + 16 * 8,
               "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot, exit_boot_services) == 24 + 26 * 8,
               "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot, stall) == 24 + 28 * 8, "UEFI 4.4");
_Static_assert(offsetof(struct efi_runtime, reset) == 24 + 10 * 8, "UEFI 4.5");
_Static_assert(sizeof(struct efi_system) == 120, "UEFI 4.3");

#endif
