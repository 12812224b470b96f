/*
 * cpu.h - the instructions that C has no words for.
 */
#ifndef ARCH_RISCV64_CPU_H
#define ARCH_RISCV64_CPU_H

#include <stdint.h>

/* Registers by name or, where the assembler is older than they are, number. */
#define cpu_read(csr)                                              \
    __extension__({                                                \
        uint64_t v_;                                               \
        __asm__ volatile("csrr %0, " csr : "=r"(v_) : : "memory"); \
        v_;                                                        \
    })
#define cpu_write(csr, v) \
    __asm__ volatile("csrw " csr ", %0" : : "r"((uint64_t)(v)) : "memory")
#define cpu_set(csr, v) \
    __asm__ volatile("csrs " csr ", %0" : : "r"((uint64_t)(v)) : "memory")

#define CSR_STIMECMP "0x14d"
#define CSR_SISELECT "0x150"
#define CSR_SIREG    "0x151"
#define CSR_STOPEI   "0x15c"

enum { SIP_TIMER = 1 << 5, SIP_EXTERNAL = 1 << 9 };

static inline uint64_t cpu_time(void)
{
    uint64_t v;

    __asm__ volatile("rdtime %0" : "=r"(v));
    return v;
}

static inline uint64_t cpu_cycles(void)
{
    uint64_t v;

    __asm__ volatile("rdcycle %0" : "=r"(v));
    return v;
}

/* Ends when an interrupt of sie is pending, taken or not: they stay masked. */
static inline void cpu_sleep(void)
{
    __asm__ volatile("wfi" : : : "memory");
}

_Noreturn static inline void cpu_stop(void)
{
    cpu_write("sie", 0);
    for (;;)
        __asm__ volatile("wfi" : : : "memory");
}

/* Writes to memory come before writes to devices that follow, and so on. */
static inline void cpu_fence(void)
{
    __asm__ volatile("fence iorw, iorw" : : : "memory");
}

/* SBI 1.0, chapter 3; value may be NULL. */
static inline int64_t cpu_sbi(uint64_t extension, uint64_t function, uint64_t x,
                              uint64_t y, uint64_t *value)
{
    register uint64_t a0 __asm__("a0") = x;
    register uint64_t a1 __asm__("a1") = y;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;

    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a6), "r"(a7)
                     : "memory");
    if (value != 0)
        *value = a1;
    return (int64_t)a0;
}

#endif
