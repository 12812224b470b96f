/* sources: board/x86_64/multiboot2.c board/x86_64/pvh.c kernel/ram.c */
/* includes: board board/x86_64 kernel tests/fuzz */
/*
 * loader.c - what a loader hands over by either protocol, of any bytes: either
 * the start is refused in words, or what is used of memory was RAM, is nobody
 * else's, and is free no longer.
 */
#include "fuzz.h"

#include <setjmp.h>

#include "../../board/x86_64/loader.c"

#define PHYS_BASE 0x10000u
#include "physmem.h"

__asm__(".section .bss\n"
        ".balign 4096\n"
        ".globl __image_start, __image_end\n"
        "__image_start: .skip 8192\n"
        "__image_end:\n"
        ".text\n");

static uint8_t *pages;
static jmp_buf refused;
static const char *said;

void mem_wipe(uint64_t phys, size_t len)
{
    MUST(memory_has(phys, len));
    memset(memory + (phys - PHYS_BASE), 0, len);
}

bool mem_in_image(uint64_t start, uint64_t len)
{
    return start < (uintptr_t)__image_end &&
           start + len > (uintptr_t)__image_start;
}

void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind)
{
    MUST(kind == MEM_RO && len != 0 && phys >= LOW_END);
    MUST(ram_has(phys, len) && !mem_in_image(phys, len));
    MUST(!ram_free(phys, len));
    return in_left % 2 != 0 ? NULL : &memory;
}

void *board_pages(size_t bytes)
{
    if (bytes > 1u << 20)
        return NULL;
    free(pages);
    pages = malloc(bytes);
    return pages;
}

_Noreturn void boot_fail(int status, const char *reason)
{
    MUST(status == STATUS_CONFIG || status == STATUS_BUG);
    said = reason;
    longjmp(refused, 1);
}

static void start(bool multiboot2)
{
    struct boot boot = { 0 };
    struct blob initrd;

    loader_read(PHYS_BASE | (multiboot2 ? LOADER_MULTIBOOT2 : 0), &boot);
    MUST(boot.by != NULL);
    MUST(boot.cmdline.len < BOOT_CMDLINE_MAX);
    MUST(boot.cmdline.len == 0 ||
         memchr(boot.cmdline.p, '\0', boot.cmdline.len) == NULL);
    MUST(!ram_free((uintptr_t)__image_start, 4096));
    MUST(!ram_free(PHYS_BASE, 1));
    initrd = loader_initrd();
    MUST(initrd.len == g.initrd_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    bool multiboot2;

    input(data, len);
    multiboot2 = next(1) % 2 != 0;
    memory_len = in_left;
    memory = malloc(in_left != 0 ? in_left : 1);
    MUST(memory != NULL);
    if (in_left != 0)
        memcpy(memory, in_at, in_left);
    memset(&g, 0, sizeof g);
    cmdline_at = cmdline_len = 0;
    said = NULL;
    ram_init(1ull << 48);
    ram_add((uintptr_t)__image_start, image_size());
    if (setjmp(refused) == 0)
        start(multiboot2);
    else
        MUST(said != NULL && strlen(said) > 10 && strchr(said, '"') == NULL);
    if (g.by != NULL)
        loader_forget();
    for (size_t i = 0; i < sizeof cmdline; i++)
        MUST(g.by == NULL || cmdline[i] == '\0');
    free(pages);
    pages = NULL;
    free(memory);
    return 0;
}
