/*
 * trap.c - the dump that an exception leaves behind.
 *
 * Arm ARM, D17.2.37 (ESR_EL1).
 */
#include "arch/aarch64/trap.h"
#include "arch/aarch64/cpu.h"

#include <stdbool.h>

#include "board.h"
#include "dump.h"
#include "panic.h"
#include "status.h"

struct trap_frame { /* as stored by vectors.S */
    uint64_t x[31], sp, elr, spsr, esr, far;
};
_Static_assert(sizeof(struct trap_frame) == 288, "see vectors.S");

enum { FROM_SYNC, FROM_IRQ, FROM_FIQ, FROM_SERROR };

static const char *bug; /* set: the exception is ours, this is why */
static bool in_trap;

/* ESR_EL1.EC; those that cannot come to EL1 here have no name. */
static const char *class_name(unsigned class)
{
    switch (class) {
    case 0x00:
        return "undefined instruction";
    case 0x07:
        return "FPU off";
    case 0x0d:
        return "branch to no target";
    case 0x0e:
        return "illegal state";
    case 0x18:
        return "system register trap";
    case 0x1c:
        return "bad return address";
    case 0x21:
        return "instruction abort";
    case 0x22:
        return "misaligned pc";
    case 0x25:
        return "data abort";
    case 0x26:
        return "misaligned sp";
    case 0x2c:
        return "floating point";
    case 0x3c:
        return "trap instruction";
    default:
        return "exception";
    }
}

/* Aborts: the fault status, without its level. */
static const char *fault_name(unsigned status)
{
    switch (status >> 2) {
    case 1:
        return ", not mapped";
    case 2:
        return ", access flag";
    case 3:
        return ", not permitted";
    case 4:
    case 5:
        return ", bus error";
    case 8:
        return ", misaligned";
    default:
        return "";
    }
}

static bool is_abort(unsigned class)
{
    return class == 0x21 || class == 0x25;
}

static void put_registers(const struct trap_frame *f)
{
    static char label[] = "  x00 ";
    unsigned i;

    dump_number("pc  ", f->elr);
    dump_number("  esr ", f->esr);
    dump_number("  far ", f->far);
    dump_number("\npsr ", f->spsr);
    dump_register("  sp  ", f->sp);
    for (i = 0; i < 31; i++) {
        label[3] = (char)('0' + i / 10);
        label[4] = (char)('0' + i % 10);
        if (i % 3 == 0)
            dump_text("\n");
        dump_register(i % 3 == 0 ? label + 2 : label, f->x[i]);
    }
    dump_text("\n");
}

void trap_quiet(void)
{
    in_trap = true;
}

_Noreturn void trap_again(void);
_Noreturn void trap_again(void)
{
    board_exit(STATUS_BUG);
}

_Noreturn void trap_entered(const struct trap_frame *f, unsigned vector);
_Noreturn void trap_entered(const struct trap_frame *f, unsigned vector)
{
    static const char *const others[] = { "", "interrupt", "fast interrupt",
                                          "bus error, late" };
    unsigned class = (unsigned)(f->esr >> 26) & 63, from = vector % 4;
    bool abort = from == FROM_SYNC && is_abort(class);
    const char *name = from == FROM_SYNC ? class_name(class) : others[from];
    const char *fault = abort ? fault_name(f->esr & 63) : "";

    if (in_trap)
        trap_again();
    in_trap = true;
    if (bug != NULL)
        name = bug, fault = "";
    dump_text("\ntrap: ");
    dump_text(name);
    dump_text(fault);
    dump_text("\n");
    put_registers(f);
    dump_backtrace(f->elr, f->x[30], f->x[29], 0);
    if (bug != NULL)
        panic("%s, seen at 0x%llx", name, (unsigned long long)f->elr);
    if (abort)
        panic("%s%s, at 0x%llx, address 0x%llx", name, fault,
              (unsigned long long)f->elr, (unsigned long long)f->far);
    panic("%s at 0x%llx, code 0x%llx", name, (unsigned long long)f->elr,
          (unsigned long long)f->esr);
}

_Noreturn void trap_bug(const char *reason)
{
    bug = reason;
    for (;;)
        __asm__ volatile("brk #0");
}
