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
#include "panic.h"
#include "status.h"

extern char __text_start[], __text_end[];
extern char __stack_bottom[], __stack_top[];
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
    struct table_ptr g = { sizeof gdt - 1, (uintptr_t)gdt };
    struct table_ptr i = { sizeof idt - 1, (uintptr_t)idt };

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

static void put(const char *s)
{
    size_t n = 0;

    while (s[n] != '\0')
        n++;
    board_write(s, n);
}

static void put_hex(const char *label, uint64_t v)
{
    static const char digits[] = "0123456789abcdef";
    char text[16];
    unsigned i;

    for (i = 0; i < 16; i++)
        text[i] = digits[v >> (60 - 4 * i) & 15];
    put(label);
    board_write(text, sizeof text);
}

/* Return addresses by the chain of frame pointers. The chain is whatever the
 * bug left of it: stay inside the stack, only upwards, a bounded number. */
static void put_backtrace(uint64_t rip, uint64_t rbp)
{
    uint64_t low = (uintptr_t)__stack_bottom, high = (uintptr_t)__stack_top;
    unsigned i;

    put("backtrace");
    put_hex(" ", rip);
    for (i = 0; i < 24; i++) {
        const uint64_t *frame;

        if (rbp < low || rbp > high - 16 || rbp % 8 != 0)
            break;
        frame = (const uint64_t *)(uintptr_t)rbp;
        if (frame[1] < (uintptr_t)__text_start ||
            frame[1] >= (uintptr_t)__text_end)
            break;
        put_hex(i % 4 == 3 ? "\n          " : " ", frame[1]);
        low = rbp + 16;
        rbp = frame[0];
    }
    put("\n");
}

static void put_registers(const struct trap_frame *f, uint64_t cr2)
{
    put_hex("rip ", f->rip);
    put_hex("  code ", f->code);
    put_hex("  cr2 ", cr2);
    put_hex("\nrax ", f->rax);
    put_hex("  rbx  ", f->rbx);
    put_hex("  rcx ", f->rcx);
    put_hex("\nrdx ", f->rdx);
    put_hex("  rsi  ", f->rsi);
    put_hex("  rdi ", f->rdi);
    put_hex("\nrsp ", f->rsp);
    put_hex("  rbp  ", f->rbp);
    put_hex("  r8  ", f->r8);
    put_hex("\nr9  ", f->r9);
    put_hex("  r10  ", f->r10);
    put_hex("  r11 ", f->r11);
    put_hex("\nr12 ", f->r12);
    put_hex("  r13  ", f->r13);
    put_hex("  r14 ", f->r14);
    put_hex("\nr15 ", f->r15);
    put_hex("  rfl  ", f->rflags);
    put_hex("  cs  ", f->cs);
    put("\n");
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
    put("\ntrap: ");
    put(name);
    put("\n");
    put_registers(f, cr2);
    put_backtrace(f->rip, f->rbp);
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
