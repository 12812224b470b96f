# board aarch64: a freestanding image with the header of an arm64 Linux
# kernel, for QEMU's virt and whatever else boots those with a device tree.
# Static-PIE: it runs wherever it is loaded; RELR keeps what has to be
# adjusted for that small.

TARGET := aarch64-none-elf
LIBC   := picolibc
DIRS   := smtp net kernel kernel/dt kernel/virtio kernel/app \
	kernel/arch/aarch64 board/aarch64
SKIP   :=
FLAT   := yes

ARCH   := -march=armv8-a -fpie -fdirect-access-external-data \
	-mbranch-protection=standard -mfix-cortex-a53-835769
CFLAGS := -fstack-protector-strong -mstack-protector-guard=global \
	-fno-strict-overflow
LDFLAGS := -T board/aarch64/link.ld -pie --no-dynamic-linker -z norelro \
	--fix-cortex-a53-843419 --pack-dyn-relocs=relr

# Whether the CPU has the AES and SHA-256 instructions is asked at run time:
# the library does that on Linux only, so these files take this for Linux.
MBEDTLS_SIMD := -D__linux__ -D__unix__ -isystem kernel/arch/aarch64/hwcap
MBEDTLS_SIMD_FILES := aes.c aesce.c gcm.c sha256.c

# make debug
GDB_QEMU := qemu-system-aarch64 -M virt -cpu max
GDB      := gdb-multiarch
GDB_ARCH := aarch64
GDB_AT   := 0x40200000
