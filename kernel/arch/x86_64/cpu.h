/*
 * cpu.h - the x86-64 instructions that C has no words for.
 *
 * Nothing here knows a machine: ports and registers are named by the callers
 * under board/. All functions are single instructions or close to it.
 */
#ifndef ARCH_X86_64_CPU_H
#define ARCH_X86_64_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpuid {
    uint32_t a, b, c, d;
};

static inline struct cpuid cpu_id(uint32_t leaf, uint32_t sub)
{
    struct cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "a"(leaf), "c"(sub));
    return r;
}

/* leaf 7 must not be asked of a processor that ends before it */
static inline struct cpuid cpu_id7(void)
{
    struct cpuid none = { 0, 0, 0, 0 };

    return cpu_id(0, 0).a >= 7 ? cpu_id(7, 0) : none;
}

static inline bool cpu_is_guest(void)
{
    return (cpu_id(1, 0).c >> 31 & 1) != 0;
}

static inline uint64_t cpu_tsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

static inline uint64_t cpu_rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}

static inline void cpu_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint8_t cpu_in8(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint16_t cpu_in16(uint16_t port)
{
    uint16_t v;

    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint32_t cpu_in32(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void cpu_out8(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void cpu_out16(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void cpu_out32(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

/* one instruction for a whole block: one exit for many bytes */
static inline void cpu_in8_block(uint16_t port, uint8_t *out, size_t len)
{
    __asm__ volatile("rep insb" : "+D"(out), "+c"(len) : "d"(port) : "memory");
}

static inline void cpu_pause(void)
{
    __asm__ volatile("pause");
}

/* Interrupts are on for this one instruction only: sti holds them back until
 * hlt has begun, so an interrupt already waiting ends the hlt at once. */
static inline void cpu_sleep(void)
{
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

_Noreturn static inline void cpu_stop(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt" : : : "memory");
}

/* No interrupt table: the next exception shuts the processor down. */
_Noreturn static inline void cpu_triple_fault(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = { 0, 0 };

    __asm__ volatile("lidt %0\n\tint3" : : "m"(none));
    cpu_stop();
}

#endif
