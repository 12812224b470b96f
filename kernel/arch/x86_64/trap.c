/*
 * trap.c - descriptor tables, and the dump that an exception leaves behind.
 *
 * Intel SDM volume 3, chapters 3.4 (GDT), 6.14 (64-bit IDT, IST) and 7.7
 * (TSS). Page faults, stack faults, double faults, NMI and machine checks
 * run on stacks of their own, so that running into the guard page under the
 * main stack gives a dump and not a reset. The dump is written with
 * board_write() alone: it needs neither heap nor printf.
 */
#include "arch/x86_64/trap.h"
#include "arch/x86_64/cpu.h"

#include "board.h"
#include "dump.h"
#include "panic.h"
#include "status.h"

extern char __trap_stack_top[], __fault_stack_top[];
extern char trap_stubs[], irq_device_stub[], irq_timer_stub[];
extern char irq_spurious_stub[];

struct trap_frame { /* as pushed by vectors.S */
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, code, rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct trap_frame) == 22 * 8, "see vectors.S");

struct gate {
    uint16_t offset0, selector;
    uint8_t ist, type;
    uint16_t offset1;
    uint32_t offset2, zero;
};
_Static_assert(sizeof(struct gate) == 16, "SDM 6.14.1");

struct tss {
    uint32_t zero0;
    uint64_t rsp[3], zero1, ist[7], zero2;
    uint16_t zero3, iomap;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "SDM 7.7");

struct table_ptr {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_TSS = 0x18 };
enum { IST_FAULT = 1, IST_TRAP = 2 };

volatile uint8_t irq_pending;
volatile uint64_t irq_eoi;

static struct gate idt[256];
static struct tss tss;
/* nothing, long-mode code, data, and room for the TSS */
static uint64_t gdt[5] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
static bool in_trap;
static const char *bug; /* set: the exception is ours, this is why */

static const char *const names[32] = {
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "no FPU",
    "double fault",
    "FPU overrun",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 error",
    "alignment check",
    "machine check",
    "SIMD error",
    "virtualization",
    "control protection",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "hypervisor injection",
    "VMM communication",
    "security",
    "reserved",
};

static void gate_set(unsigned vector, const char *to, uint8_t ist)
{
    uint64_t at = (uintptr_t)to;

    idt[vector] = (struct gate){
        .offset0 = (uint16_t)at,
        .selector = SEL_CODE,
        .ist = ist,
        .type = 0x8e, /* present, ring 0, interrupt gate */
        .offset1 = (uint16_t)(at >> 16),
        .offset2 = (uint32_t)(at >> 32),
    };
}

static void load_tables(void)
{
    uint64_t at = (uintptr_t)&tss;
    struct table_ptr g, i;

    /* not initialised: an odd address with a pointer fits no RELR table */
    g.limit = sizeof gdt - 1;
    g.base = (uintptr_t)gdt;
    i.limit = sizeof idt - 1;
    i.base = (uintptr_t)idt;
    tss.ist[IST_FAULT - 1] = (uintptr_t)__fault_stack_top;
    tss.ist[IST_TRAP - 1] = (uintptr_t)__trap_stack_top;
    tss.iomap = sizeof tss;
    gdt[3] = (sizeof tss - 1) | (at & 0xffffff) << 16 | 0x89ull << 40 |
             (at >> 24 & 0xff) << 56;
    gdt[4] = at >> 32;
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %2\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %3, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs\n\t"
                     "ltr %w4\n\t"
                     "lidt %1"
                     :
                     : "m"(g), "m"(i), "i"(SEL_CODE), "i"(SEL_DATA),
                       "r"(SEL_TSS)
                     : "rax", "memory");
}

void trap_init(void)
{
    unsigned v;

    for (v = 0; v < 32; v++) {
        /* double fault, NMI, machine check: whatever state we were in */
        bool hard = v == 8 || v == 2 || v == 18;

        gate_set(v, trap_stubs + 16 * v, hard ? IST_FAULT : IST_TRAP);
    }
    for (v = 32; v < 256; v++)
        gate_set(v, irq_device_stub, 0);
    gate_set(TRAP_VECTOR_TIMER, irq_timer_stub, 0);
    gate_set(TRAP_VECTOR_SPURIOUS, irq_spurious_stub, 0);
    load_tables();
}

static void put_registers(const struct trap_frame *f, uint64_t cr2)
{
    dump_number("rip ", f->rip);
    dump_number("  code ", f->code);
    dump_number("  cr2 ", cr2);
    dump_register("\nrax ", f->rax);
    dump_register("  rbx  ", f->rbx);
    dump_register("  rcx ", f->rcx);
    dump_register("\nrdx ", f->rdx);
    dump_register("  rsi  ", f->rsi);
    dump_register("  rdi ", f->rdi);
    dump_register("\nrsp ", f->rsp);
    dump_register("  rbp  ", f->rbp);
    dump_register("  r8  ", f->r8);
    dump_register("\nr9  ", f->r9);
    dump_register("  r10  ", f->r10);
    dump_register("  r11 ", f->r11);
    dump_register("\nr12 ", f->r12);
    dump_register("  r13  ", f->r13);
    dump_register("  r14 ", f->r14);
    dump_register("\nr15 ", f->r15);
    dump_number("  rfl  ", f->rflags);
    dump_number("  cs  ", f->cs);
    dump_text("\n");
}

void trap_entered(const struct trap_frame *f);
void trap_entered(const struct trap_frame *f)
{
    const char *name = bug != NULL ? bug : names[f->vector & 31];
    uint64_t cr2;

    __asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
    if (in_trap)
        board_exit(STATUS_BUG);
    in_trap = true;
    dump_text("\ntrap: ");
    dump_text(name);
    dump_text("\n");
    put_registers(f, cr2);
    dump_backtrace(f->rip, 0, f->rbp, 0);
    if (bug != NULL)
        panic("%s, seen at 0x%llx", name, (unsigned long long)f->rip);
    if (f->vector == 14)
        panic("%s at 0x%llx, address 0x%llx", name, (unsigned long long)f->rip,
              (unsigned long long)cr2);
    panic("%s at 0x%llx, code 0x%llx", name, (unsigned long long)f->rip,
          (unsigned long long)f->code);
}

_Noreturn void trap_bug(const char *reason)
{
    bug = reason;
    for (;;)
        __asm__ volatile("ud2");
}
