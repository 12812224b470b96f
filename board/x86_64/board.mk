# board x86_64: a freestanding image, booted by PVH on QEMU's microvm, q35 and
# pc.  Linked to 1 MiB, where it is loaded; position independent, because it
# moves from there (kernel/slide.h).  Interrupt handlers do not save vector
# registers: whatever they can reach (kernel/arch) is compiled without them.

TARGET := x86_64-none-elf
LIBC   := picolibc
DIRS   := smtp net kernel kernel/virtio kernel/app kernel/arch/x86_64 \
	board/x86_64
SKIP   :=

ARCH   := -march=x86-64 -mno-red-zone -fpie -fdirect-access-external-data
CFLAGS := -fstack-protector-strong -mstack-protector-guard=global \
	-fno-strict-overflow
LDFLAGS := -T board/x86_64/link.ld -pie --no-dynamic-linker -z norelro \
	--pack-dyn-relocs=relr

F.kernel/arch/x86_64 := -mgeneral-regs-only

# Which of these the CPU has is asked at run time.
MBEDTLS_SIMD := -maes -mpclmul -msse4.1

# make debug
GDB_QEMU := qemu-system-x86_64 -M microvm,rtc=on -device isa-debug-exit -cpu max
GDB      := gdb
GDB_ARCH := i386:x86-64
