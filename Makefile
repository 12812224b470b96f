# bootmail: build, test, demonstrate.  `make help` lists the targets.
#
#   BOARD=NAME           x86_64, aarch64, riscv64 or posix (board/NAME)
#   FILES=dir            link these files into the image (design: section 2.2)
#   SAN=1                posix only: AddressSanitizer and UBSan
#   UBSAN=1              other boards: undefined behaviour ends with status 70
#   V=1                  show the commands
#   BUILD=, DEPS=        where builds and third-party sources live
#
# Sources are found by folder; third-party files are listed by name in
# net/lwip.mk, net/mbedtls.mk, net/sodium.mk and kernel/dt/libfdt.mk.  Each layer
# sees its own -I list and no more.

BOARD ?= x86_64
BUILD ?= build
DEPS  ?= build/deps
FILES ?=

CC      := clang
OBJCOPY := llvm-objcopy
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:

BOARDS := $(patsubst board/%/board.mk,%,$(wildcard board/*/board.mk))
ifeq ($(filter $(BOARD),$(BOARDS)),)
$(error no board "$(BOARD)"; there are: $(BOARDS))
endif

LWIP_DIR     ?= $(DEPS)/lwip
MBEDTLS_DIR  ?= $(DEPS)/mbedtls
PICOLIBC_DIR ?= $(DEPS)/picolibc
LIBFDT_DIR   ?= $(DEPS)/dtc
SODIUM_DIR   ?= $(DEPS)/sodium

include board/$(BOARD)/board.mk
include net/lwip.mk
include net/mbedtls.mk
include net/sodium.mk
include kernel/dt/libfdt.mk

out   := $(BUILD)/$(BOARD)$(if $(SAN),-asan)$(if $(UBSAN),-ubsan)$(if $(SELFTEST),-selftest)
libc  := $(DEPS)/picolibc-$(BOARD)
q     := $(if $(V),,@)
jobs   = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
say    = $(if $(V),,printf '  %-7s %s\n' $1 $(2:$(out)/%=%);)

# ------------------------------------------------------------------- flags
# Zero-initialised locals need an opt-in in clang 8 to 15.
clang := $(shell $(CC) -dumpversion 2>/dev/null)
auto0 := -ftrivial-auto-var-init=zero $(if $(filter $(firstword \
	$(subst ., ,$(clang))),8 9 10 11 12 13 14 15),-enable-trivial$(strip \
	)-auto-var-init-zero-knowing-it-will-be-removed-from-clang)

# No path of this machine may end up in the image: clones at different places
# give the same bytes.
paths := $(foreach p,$(LWIP_DIR)=lwip $(MBEDTLS_DIR)=mbedtls \
	$(LIBFDT_DIR)=libfdt $(SODIUM_DIR)=sodium \
	$(abspath $(DEPS))=deps $(CURDIR)=.,-ffile-prefix-map=$p)

# UBSAN=1: every check traps; the trap is an exception, and that is status 70.
, := ,
ubsan := $(if $(UBSAN),-fstrict-overflow \
	-fsanitize=undefined$(,)local-bounds \
	-fsanitize-trap=undefined$(,)local-bounds)

warn := -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wmissing-prototypes -Wstrict-prototypes -Wvla -Walloca -Werror

target := $(TARGET:%=--target=%) $(ARCH)
common := $(target) -std=c11 -g -ffunction-sections -fdata-sections \
	-fno-common -fno-delete-null-pointer-checks $(auto0) $(paths) $(CFLAGS) \
	-fdebug-compilation-dir=. $(ubsan) -Qunused-arguments
own    := -Os -fno-omit-frame-pointer $(warn)

ifeq ($(LIBC),picolibc)
common += -ffreestanding -nostdlibinc -isystem $(libc)/include
link   := ld.lld $(LDFLAGS) -nostdlib -z max-page-size=4096 -z noexecstack \
	--build-id=none --gc-sections --fatal-warnings
wl     :=
LIBS   += $(libc)/lib/libc.a
else
link   := $(CC) -fuse-ld=lld $(target) $(LDFLAGS) -Wl,-z,noexecstack \
	-Wl,--build-id=none -Wl,--gc-sections
wl     := -Wl,
endif

# What each layer may include, and the few files that see more.
I.smtp         := -Ismtp -Wconversion
I.smtp/server  := -Ismtp -Ismtp/server -Wconversion
I.net          := -Inet -Ikernel
I.kernel       := -Ikernel -Ikernel/virtio -Iboard
I.kernel/virtio := $(I.kernel)
I.kernel/dt    := $(I.kernel)
F.kernel/dt/dt.c := $(LIBFDT_INC)
I.kernel/arch/$(BOARD) := -Ikernel -Ikernel/arch/$(BOARD) -Iboard
I.kernel/app   := -Ikernel/app -Ikernel -Inet -Ismtp -Iboard -Ikernel/virtio
I.board/$(BOARD) := -Iboard/$(BOARD) -Iboard -Ikernel -Ikernel/virtio \
	$(if $(wildcard kernel/arch/$(BOARD)),-Ikernel/arch/$(BOARD))
$(foreach f,stack stack6 resolver tcp netif datagram,$(eval F.net/$f.c := $(LWIP_INC)))
$(foreach f,$(wildcard net/tls*.c) net/rng.c net/trust.c, \
	$(eval F.$f := $(MBEDTLS_INC)))
F.net/tls_ed25519.c += $(SODIUM_INC)
F.net/virtio_net.c := -Ikernel/virtio
F.net/nic.c        := -Ikernel/virtio
# SELFTEST=1: faults on purpose, by the word selftest=KIND
F.kernel/selftest.c := $(if $(SELFTEST),-DSELFTEST)

# The build's date is the earliest time the image believes in, its version
# goes into the banner; both come from the commit and from nothing else.
epoch   := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct \
	2>/dev/null),1793491200)
version := $(or $(shell git rev-parse --short=12 HEAD 2>/dev/null),unknown)$\
	$(shell git diff --quiet HEAD 2>/dev/null || echo -dirty)
F.kernel/clock.c    := -DBUILD_EPOCH=$(epoch)
F.kernel/app/main.c := -DBUILD_VERSION='"$(version)"'

# ------------------------------------------------------------------- files
src  := $(filter-out $(SKIP),$(sort $(foreach d,$(DIRS), \
	$(wildcard $d/*.c $d/*.S))))
objs := $(src:%=$(out)/%.o)
lwip := $(LWIP:%=$(out)/lwip/%.o)
mbed := $(MBEDTLS:%=$(out)/mbedtls/%.o)
sodium := $(SODIUM:%=$(out)/sodium/%.o)
fdt  := $(LIBFDT:%=$(out)/libfdt/%.o)
all  := $(objs) $(lwip) $(mbed) $(sodium) $(fdt) $(out)/files.o

$(objs): $(out)/%.o: % $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,$<)$(CC) $(common) $(own) $(I.$(*D)) $(F.$(*D)) \
		$(F.$*) -MMD -MP -c $< -o $@

$(lwip): $(out)/lwip/%.o: $(LWIP_DIR)/src/% $(wildcard $(LWIP_DIR)/.bootmail) \
		$(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,lwip/$*)$(CC) $(common) \
		-O$(if $(filter $*,$(LWIP_FAST)),2,s) -Wall $(LWIP_FLAGS) \
		-MMD -MP -c $< -o $@

$(mbed): $(out)/mbedtls/%.o: $(MBEDTLS_DIR)/library/% \
		$(wildcard $(MBEDTLS_DIR)/.bootmail) $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,mbedtls/$*)$(CC) $(common) \
		-O$(if $(filter $*,$(MBEDTLS_FAST)),2,s) -Wall -Wextra \
		$(if $(filter $(MBEDTLS_SIMD_FILES),$*),$(MBEDTLS_SIMD)) $(MBEDTLS_FLAGS) \
		$(if $(filter $(MBEDTLS_ASKS),$*),$(MBEDTLS_PARSE)) -MMD -MP -c $< -o $@

$(sodium): $(out)/sodium/%.o: $(SODIUM_DIR)/src/libsodium/% \
		$(wildcard $(SODIUM_DIR)/.bootmail) $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,sodium/$*)$(CC) $(common) -Os $(SODIUM_FLAGS) \
		$(if $(filter crypto_core/%,$*),$(SODIUM_TABLE)) -MMD -MP -c $< -o $@

$(fdt): $(out)/libfdt/%.o: $(LIBFDT_DIR)/libfdt/% \
		$(wildcard $(LIBFDT_DIR)/.bootmail) $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,libfdt/$*)$(CC) $(common) -Os -Wall $(LIBFDT_FLAGS) \
		-MMD -MP -c $< -o $@

# The files of FILES=dir as a cpio archive (newc), the same bytes whenever the
# files are the same; without FILES an archive of nothing.
files := $(if $(FILES),$(sort $(shell find -L $(FILES) -type f)))
$(out)/files.list: FORCE
	$(q)mkdir -p $(@D)
	$(q)printf '%s\n' '$(FILES)' $(files) | cmp -s - $@ || \
		printf '%s\n' '$(FILES)' $(files) >$@

$(out)/files.cpio: $(files) $(out)/files.list
	$(q)$(call say,CPIO,$(or $(FILES),$@))rm -rf $(@D)/files
	$(q)mkdir -p $(@D)/files
	$(q)$(if $(FILES),cp -rL $(FILES)/. $(@D)/files && chmod -R u=rwX \
		$(@D)/files && chmod -R go= $(@D)/files && \
		find $(@D)/files -exec touch -d @0 {} +)
	$(q)cd $(@D)/files && find . -type f -printf '%P\n' | LC_ALL=C sort | \
		cpio -o -H newc -R 0:0 --reproducible --quiet >../files.cpio
	$(q)rm -rf $(@D)/files

$(out)/files.o: $(out)/files.cpio
	$(q)printf '%s\n' '.section .rodata.files,"a",@progbits' '.balign 16' \
		'.globl files_builtin, files_builtin_end' 'files_builtin:' \
		'.incbin "$<"' 'files_builtin_end:' '.byte 0' \
		'.section .note.GNU-stack,"",@progbits' | \
		$(CC) $(target) -Qunused-arguments -x assembler -c - -o $@

# One file for each set of flags: what is in it decides what is built again.
define stamp
$(CC) $(clang) $(common) $(own)
$(foreach d,$(DIRS),$(I.$d) $(F.$d)) $(LWIP_FLAGS) $(MBEDTLS_FLAGS)
$(MBEDTLS_PARSE) $(LIBFDT_FLAGS) $(SODIUM_FLAGS) $(SODIUM_TABLE)
endef
$(out)/flags: FORCE
	$(q)mkdir -p $(@D)
	$(q)printf '%s\n' '$(subst ','\'',$(subst $(newline), ,$(stamp)))' | \
		cmp -s - $@ || printf '%s\n' \
		'$(subst ','\'',$(subst $(newline), ,$(stamp)))' >$@
$(out)/commit: FORCE
	$(q)mkdir -p $(@D)
	$(q)echo $(epoch) $(version) | cmp -s - $@ || echo $(epoch) $(version) >$@
$(out)/kernel/clock.c.o $(out)/kernel/app/main.c.o: $(out)/commit

define newline


endef

$(out)/bootmail.elf: $(all) $(wildcard board/$(BOARD)/link.ld) \
		$(wildcard $(libc)/lib/libc.a)
	$(q)$(call say,LD,$@)$(link) $(wl)-Map=$(out)/bootmail.map -o $@ \
		$(all) $(LIBS)

# FLAT: the bytes as they lie in memory, with a Linux header at their start.
# Else loaders get an ELF file without a list of sections: GRUB refuses one
# that has any with relocations, also those that the image does itself.
$(out)/bootmail: $(out)/bootmail.elf
	$(q)$(if $(wl),cp $< $@,$(call say,STRIP,$@)$(OBJCOPY) $(if \
		$(FLAT),-O binary,--strip-all --strip-sections) $< $@)

-include $(all:.o=.d)
-include $(wildcard board/$(BOARD)/disk.mk)

# ----------------------------------------------------------------- targets
.PHONY: FORCE help image disk coverage libc posix demo test bench \
	test-kills \
	recording fuzz mutate netfaults hostile-compare \
	test-qemu release tarball check \
	check-layers check-style check-shell check-format check-cppcheck check-readme \
	check-stack check-tidy format size debug verifycert host-verifycert clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' \
		Makefile smtp/lib.mk scripts/install.mk tests/sim/sim.mk
	@sed -n '/^#   [A-Z]*=/s/^# //p' Makefile

image: ## build build/BOARD/bootmail, .elf (with symbols) and .map
	$(if $(and $(SAN),$(filter-out posix,$(BOARD))),$(error SAN=1 is for \
		BOARD=posix))
	$(q)scripts/setup --for $(if $(filter host,$(LIBC)),test,build)
	$(q)$(MAKE) libc
	$(q)$(MAKE) $(jobs) $(out)/bootmail

libc:
	$(q)$(if $(filter picolibc,$(LIBC)),scripts/picolibc $(libc) \
		$(PICOLIBC_DIR) $(TARGET) $(ARCH))

disk: ## build/x86_64/bootmail.img, a UEFI disk; FILES=dir: its files
	$(if $(wildcard board/$(BOARD)/disk.mk),,$(error no disk for \
		BOARD=$(BOARD)))
	$(q)scripts/setup --for disk
	$(q)$(MAKE) image BOARD=$(BOARD) FILES=
	$(q)$(MAKE) $(jobs) $(out)/bootmail.img FOLDER='$(FILES)' FILES=

posix: ## the same program as a Linux process (SAN=1: with sanitizers)
	$(q)$(MAKE) image BOARD=posix

demo: ## install, build, boot, deliver a mail to a real server, show it
	$(q)scripts/setup --for demo
	$(q)$(MAKE) image BOARD=$(BOARD)
	$(q)scripts/demo

test: ## every test (ONLY=pattern, QUICK=1; ALL=1: larger samples)
	$(q)scripts/setup --for test
	$(q)$(MAKE) image BOARD=x86_64
	$(q)$(MAKE) image BOARD=posix
	$(q)$(MAKE) image BOARD=posix SAN=1
	$(q)ONLY='$(ONLY)' QUICK='$(QUICK)' ALL='$(ALL)' BUILD='$(BUILD)' tests/run

test-qemu: ## deliveries over Debian's other versions of QEMU (downloads them)
	$(q)scripts/setup --for test
	$(q)$(MAKE) image BOARD=x86_64
	$(q)ONLY='$(ONLY)' BUILD='$(BUILD)' tests/qemu

test-kills: ## 200 seeded kill -9 of launcher and guest, and 20 of QEMU
	$(q)$(MAKE) image BOARD=posix SAN=1
	$(q)$(MAKE) image BOARD=x86_64
	$(q)tests/kills 1 200 posix
	$(q)tests/kills 1001 20 x86_64

recording: ## docs/first-run.svg, the picture in the README, from a real run
	$(q)scripts/setup --for demo
	$(q)$(MAKE) image BOARD=x86_64
	$(q)scripts/record docs/first-run.svg

netfaults: ## deliveries over a bad cable, 100 each (ONLY=name, COUNT=, SEED=)
	$(q)scripts/setup --for test
	$(q)$(MAKE) image BOARD=x86_64
	$(q)BUILD='$(BUILD)' tests/netfaults.py --count $(or $(COUNT),100) \
		--seed $(or $(SEED),1) $(ONLY:%=--only '%')

hostile-compare: ## hostile servers: bootmail, curl, msmtp side by side
	$(q)scripts/setup --for compare
	$(q)$(MAKE) image BOARD=posix SAN=1
	$(q)BUILD='$(BUILD)' tests/hostile/compare $(ONLY:%=--only '%')

bench: ## figures: image size, guest instructions, heap of one delivery
	$(q)scripts/setup --for test
	$(q)$(MAKE) image BOARD=x86_64
	$(q)BUILD='$(BUILD)' tests/bench/bench.py

fuzz: ## hostile devices, peers, messages: T=seconds each (60), ONLY=pattern, J
	$(q)scripts/setup --for test
	$(q)BUILD='$(BUILD)' DEPS='$(DEPS)' tests/fuzz/run \
		--time $(or $(T),60) --only '$(or $(ONLY),*)' \
		--jobs $(or $(J),1) $(if $(PACK),--pack)

# The posix board is for tests: it needs this machine's libraries.
release: ## build/release: a tarball for each board, for users without a compiler
	$(q)for b in $(filter-out posix,$(BOARDS)); do \
		$(MAKE) image BOARD=$$b && $(MAKE) tarball BOARD=$$b || exit 1; done
tarball: $(if $(wildcard board/$(BOARD)/disk.mk),$(out)/BOOTX64.EFI)
	$(q)LWIP_DIR='$(LWIP_DIR)' MBEDTLS_DIR='$(MBEDTLS_DIR)' \
		PICOLIBC_DIR='$(PICOLIBC_DIR)' LIBFDT_DIR='$(LIBFDT_DIR)' \
		SODIUM_DIR='$(SODIUM_DIR)' \
		scripts/release $(BOARD) $(out) $(BUILD)/release $(version) $(epoch)

coverage: ## branches the C tests take, by layer (ONLY=folder, SHOW=file)
	$(q)scripts/setup --for test
	$(q)BUILD='$(BUILD)' DEPS='$(DEPS)' tests/coverage \
		$(if $(ONLY),--only '$(ONLY)') $(SHOW:%=--show %)

mutate: ## spoil a condition, see a test fail (COUNT=200, SEED=1, ONLY=file)
	$(q)scripts/setup --for test
	$(q)BUILD='$(BUILD)' DEPS='$(DEPS)' tests/mutate \
		$(if $(ONLY),--only '$(ONLY)') $(COUNT:%=--count %) $(SEED:%=--seed %)

check: ## layout, static analysis, layer rules, limits
	$(q)scripts/setup --for check
	$(q)for b in $(BOARDS); do $(MAKE) libc BOARD=$$b || exit 1; done
	$(q)$(MAKE) $(jobs) -k check-layers check-style check-shell check-format \
		check-cppcheck check-readme check-tidy BOARD=x86_64
	$(q)for b in $(filter-out x86_64,$(BOARDS)); do \
		$(MAKE) $(jobs) -k check-tidy BOARD=$$b || exit 1; done
	$(q)for b in $(filter-out posix,$(BOARDS)); do \
		$(MAKE) check-stack BOARD=$$b || exit 1; done

# Each can be run alone as well.
ours    := $(wildcard $(foreach d,smtp smtp/server net net/arch kernel \
	kernel/virtio kernel/dt kernel/app kernel/arch/* board board/* board/*/efi \
	tests tests/unit,$d/*.c $d/*.h))
tools   := $(wildcard $(foreach d,transcripts transcripts/server host bench fuzz \
	sim sim/peer sim/peer/arch \
	examples servers,tests/$d/*.[ch]))
shell   := $(shell grep -lE '^.!/(usr/)?bin/(env )?(ba)?sh' scripts/* \
	deploy/* .ci/* tests/* tests/*/* 2>/dev/null)
# what is the same on every board is looked at once
tidy    := $(filter %.c,$(if $(filter x86_64,$(BOARD)),$(src) \
	$(wildcard smtp/server/*.c),$(filter board/% kernel/arch/% kernel/dt/%, \
	$(src))))

check-layers:
	$(q)scripts/check-layers
check-style:
	$(q)scripts/check-style
check-shell:
	$(q)shellcheck -x $(shell) scripts/completion
check-format:
	$(q)clang-format --dry-run -Werror $(ours) $(tools)
check-cppcheck:
	$(q)cppcheck -q --std=c11 --enable=warning,performance,portability \
		--inline-suppr --error-exitcode=1 --suppress=missingInclude \
		$(addprefix -I,smtp smtp/server net kernel kernel/virtio kernel/app \
		board) \
		$(filter %.c,$(ours))
# Half of the stacks that link.ld lays out: the program's, the traps'.
check-stack: image
	$(q)scripts/stack $(BOARD) $(out)/bootmail.elf 32768
	$(q)scripts/stack $(BOARD) $(out)/bootmail.elf 4096 trap_entered
check-readme:
	$(q)scripts/readme-keys --check
check-tidy: $(tidy:%=$(out)/tidy/%)
$(tidy:%=$(out)/tidy/%): $(out)/tidy/%: % .clang-tidy $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,TIDY,$<)clang-tidy --quiet $< -- $(common) $(own) \
		$(I.$(*D)) $(F.$(*D)) $(F.$*) 2>$@.log || { cat $@.log; exit 1; }
	$(q)$(CC) $(common) $(own) $(I.$(*D)) $(F.$(*D)) $(F.$*) -MM -MP \
		-MT $@ -MF $@.d $<
	$(q)mv $@.log $@
-include $(tidy:%=$(out)/tidy/%.d)
format: ## lay the sources out as `make check` wants them
	clang-format -i $(ours) $(tools)

size: image ## text, data and bss of each layer, image size, W^X; the library
	$(q)scripts/size $(out)
	$(q)scripts/libsize

include smtp/lib.mk
include scripts/install.mk
include tests/sim/sim.mk

# The machine, the debugger and its name for the processor are the board's, and
# GDB_AT: where QEMU puts what was linked at 0.
debug: image ## boot under gdb, stopped before the first instruction (INITRD=)
	$(if $(GDB),,$(error debug is for a machine: a process has gdb))
	$(q)command -v $(GDB) >/dev/null || { \
		echo "debug: $(GDB) is missing: apt-get install $(GDB)"; exit 1; }
	$(GDB) -q -ex 'set architecture $(GDB_ARCH)' -ex 'target remote | exec \
		$(GDB_QEMU) -m 64 -nodefaults -no-reboot -display none \
		-serial file:$(out)/debug.log -netdev user$(,)id=n \
		-device virtio-net-device$(,)netdev=n \
		-kernel $(out)/bootmail $(INITRD:%=-initrd %) -append nokaslr \
		-S -gdb stdio' \
		-ex 'symbol-file -o $(or $(GDB_AT),0) $(out)/bootmail.elf' \
		-ex 'hbreak app_main'

# What stands between the network and a verdict on a certificate, and no more.
judge := $(out)/tests/host/verifycert.c.o $(mbed) $(patsubst %,$(out)/%.c.o, \
	net/tls_verify net/tls_names net/tls_within net/tls_crl net/tls_ext \
	net/tls_trust net/tls_reason net/tls_pem \
	net/tls_port net/rng kernel/heap)
F.tests/host/verifycert.c := -D_GNU_SOURCE -Inet -Ikernel $(MBEDTLS_INC)

verifycert: ## build/posix/verifycert judges certificate chains on stdin
	$(q)$(MAKE) image BOARD=posix
	$(q)$(MAKE) $(jobs) host-verifycert BOARD=posix
host-verifycert: $(out)/verifycert
$(out)/tests/%.c.o: tests/%.c $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,$<)$(CC) $(common) $(own) $(F.$<) -MMD -MP -c $< -o $@
$(out)/verifycert: $(judge)
	$(q)$(call say,LD,$@)$(CC) $(target) $(LDFLAGS) -o $@ $^
-include $(out)/tests/host/verifycert.c.d

clean: ## remove what was built (what was downloaded stays)
	$(q)if [ -d $(BUILD) ]; then find $(BUILD) -mindepth 1 -maxdepth 1 \
		! -name deps ! -name apt ! -name servers \
		! -name qemu -exec rm -rf {} +; fi

distclean: ## remove build/ altogether
	$(q)rm -rf $(BUILD)
