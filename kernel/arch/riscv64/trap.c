/*
 * trap.c - the dump that an exception leaves behind.
 *
 * Privileged specification 1.12, 4.1.8 (scause). What the registers may show
 * is dump.c's decision.
 */
#include "arch/riscv64/trap.h"
#include "arch/riscv64/cpu.h"

#include "board.h"
#include "dump.h"
#include "panic.h"
#include "status.h"

extern char __trap_stack_top[];
extern char trap_vector[];

struct trap_frame { /* as stored by vectors.S; x[0] is not */
    uint64_t x[32], pc, cause, value, status;
};
_Static_assert(sizeof(struct trap_frame) == 288, "see vectors.S");

static const char *bug; /* set: the exception is ours, this is why */

static const char *const names[16] = {
    "misaligned pc",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "misaligned load",
    "load access fault",
    "misaligned store",
    "store access fault",
    "call from U-mode",
    "call from S-mode",
    "exception",
    "call from M-mode",
    "instruction page fault",
    "load page fault",
    "exception",
    "store page fault",
};

static const char *const registers[32] = {
    NULL,   "ra  ", "sp  ", "gp  ", "tp  ", "t0  ", "t1  ", "t2  ",
    "s0  ", "s1  ", "a0  ", "a1  ", "a2  ", "a3  ", "a4  ", "a5  ",
    "a6  ", "a7  ", "s2  ", "s3  ", "s4  ", "s5  ", "s6  ", "s7  ",
    "s8  ", "s9  ", "s10 ", "s11 ", "t3  ", "t4  ", "t5  ", "t6  ",
};

void trap_init(void)
{
    cpu_write("sscratch", (uintptr_t)__trap_stack_top);
    cpu_write("stvec", (uintptr_t)trap_vector);
}

static void put_registers(const struct trap_frame *f)
{
    unsigned i;

    dump_number("pc  ", f->pc);
    dump_number("  cause ", f->cause);
    dump_number("  addr ", f->value);
    dump_number("\nsta ", f->status);
    for (i = 1; i < 32; i++) {
        dump_text(i % 3 == 1 ? "\n" : i % 3 == 2 ? "  " : "    ");
        dump_register(registers[i], f->x[i]);
    }
    dump_text("\n");
}

_Noreturn void trap_again(void);
_Noreturn void trap_again(void)
{
    board_exit(STATUS_BUG);
}

_Noreturn void trap_entered(const struct trap_frame *f);
_Noreturn void trap_entered(const struct trap_frame *f)
{
    const char *name = bug;

    if (name == NULL)
        name = f->cause < 16 ? names[f->cause] : "exception";
    dump_text("\ntrap: ");
    dump_text(name);
    dump_text("\n");
    put_registers(f);
    dump_backtrace(f->pc, f->x[1], f->x[8], -2);
    if (bug != NULL)
        panic("%s, seen at 0x%llx", name, (unsigned long long)f->pc);
    panic("%s at 0x%llx, address 0x%llx", name, (unsigned long long)f->pc,
          (unsigned long long)f->value);
}

_Noreturn void trap_bug(const char *reason)
{
    bug = reason;
    for (;;)
        __asm__ volatile("ebreak");
}
