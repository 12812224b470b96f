# board posix: the same program as a Linux process on the host's libc, with a
# user-mode network (libslirp).  SAN=1 puts every object, lwIP and Mbed TLS
# included, under AddressSanitizer and UndefinedBehaviorSanitizer.

TARGET :=
LIBC   := host
DIRS   := smtp net kernel kernel/virtio kernel/app board/posix
# machines that we start ourselves only
SKIP   := $(addprefix kernel/,libc.c boot.c devices.c dump.c pages.c paging.c \
	pci.c pci_assign.c pci_dev.c watchdog.c pvpanic.c ram.c slide.c \
	stackmark.c fwcfg_port.c) \
	$(addprefix net/,e1000.c nic.c nic_memory.c virtio_net.c)

ARCH    := -fPIE
CFLAGS  := -fstack-protector-strong
LDFLAGS := -pie -Wl,-z,relro,-z,now

SLIRP_CFLAGS := $(shell pkg-config --cflags-only-I slirp 2>/dev/null)
SLIRP_LIBS   := $(shell pkg-config --libs slirp 2>/dev/null)
F.board/posix := -D_GNU_SOURCE $(SLIRP_CFLAGS:-I%=-isystem %)
LIBS := $(SLIRP_LIBS)

ifeq ($(shell uname -m),x86_64)
MBEDTLS_SIMD := -maes -mpclmul -msse4.1
endif

# Signed overflow stays undefined here, so that the sanitizer reports it.
ifdef SAN
CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS += -fsanitize=address,undefined
else
CFLAGS  += -fno-strict-overflow
endif
