# board riscv64: a freestanding image with the header of a RISC-V Linux
# kernel, for QEMU's virt and whatever else boots those with a device tree.
# Static-PIE: it runs wherever it is loaded; RELR keeps what has to be
# adjusted for that small.  lld 14 cannot relax.

TARGET := riscv64-unknown-elf
LIBC   := picolibc
DIRS   := smtp net kernel kernel/dt kernel/virtio kernel/app \
	kernel/arch/riscv64 board/riscv64
SKIP   :=
FLAT   := yes

ARCH   := -march=rv64gc -mabi=lp64d -mcmodel=medany -mno-relax -fpie \
	-fdirect-access-external-data
CFLAGS := -fstack-protector-strong -fno-strict-overflow
LDFLAGS := -T board/riscv64/link.ld -pie --no-dynamic-linker -z norelro \
	--pack-dyn-relocs=relr

# make debug
GDB_QEMU := qemu-system-riscv64 -M virt -bios none -cpu rv64
GDB      := gdb-multiarch
GDB_ARCH := riscv:rv64
GDB_AT   := 0x80000000
