# smtp/lib.mk: smtp/ and smtp/server/ as a library for other programs.
#
#   LIB_CC, LIB_CFLAGS, LIB_AR, LIB_LD, LIB_OBJCOPY   a firmware's own
#   PREFIX, DESTDIR                                   where it is installed
#
# One object of all files, in which only what the headers declare is visible:
# a program that links it has no name of ours to stumble over. Each function
# is a section of its own: what is not called goes with --gc-sections.

LIB_CC      ?= $(CC)
LIB_CFLAGS  ?= -Os
LIB_LD      ?= ld.lld
LIB_OBJCOPY ?= $(OBJCOPY)
LIB_AR      ?= llvm-ar
PREFIX      ?= /usr/local

lib         := $(BUILD)/lib
lib_public  := smtp_* smtpd_* message_* dkim_*
lib_headers := $(addprefix smtp/,smtp.h message.h dkim.h \
	dkim_check.h canon.h mailbox.h \
	addrlist.h date.h received.h server/smtpd.h)
lib_objs    := $(patsubst %,$(lib)/%.o,$(sort $(wildcard smtp/*.c \
	smtp/server/*.c)))
lib_cc       = $(LIB_CC) -std=c11 -ffreestanding -ffunction-sections \
	-fdata-sections -ffile-prefix-map=$(CURDIR)=. $(warn) $(LIB_CFLAGS)

lib: $(lib)/libsmtp.a $(lib)/libsmtp.pc ## build/lib/libsmtp.a: the SMTP engines as a library
	$(q)mkdir -p $(lib)/include
	$(q)cp $(lib_headers) $(lib)/include

$(lib)/flags: FORCE
	$(q)mkdir -p $(@D)
	$(q)echo '$(lib_cc)' | cmp -s - $@ || echo '$(lib_cc)' >$@

$(lib_objs): $(lib)/%.o: % $(lib)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,$@)$(lib_cc) $(I.$(*D)) -MMD -MP -c $< -o $@

$(lib)/libsmtp.a: $(lib_objs)
	$(q)$(call say,AR,$@)$(LIB_LD) -r -o $(lib)/smtp.o $^
	$(q)$(LIB_OBJCOPY) --wildcard \
		$(lib_public:%=--keep-global-symbol='%') $(lib)/smtp.o
	$(q)rm -f $@
	$(q)$(LIB_AR) rcsD $@ $(lib)/smtp.o

$(lib)/libsmtp.pc: FORCE
	$(q)mkdir -p $(@D)
	$(q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' \
		'includedir=$${prefix}/include/libsmtp' '' 'Name: libsmtp' \
		'Description: SMTP client and server without I/O, heap or globals' \
		'Version: $(shell date -u -d @$(epoch) +%Y.%m.%d)' \
		'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lsmtp' >$@

# Others may add to what `make install` installs: a rule with two colons.
install:: install-lib ## DESTDIR= PREFIX=: what install-lib and others install
install-lib: lib ## DESTDIR= PREFIX=: libsmtp.a, headers, libsmtp.pc
	$(q)install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig \
		$(DESTDIR)$(PREFIX)/include/libsmtp
	$(q)install -m 644 $(lib)/libsmtp.a $(DESTDIR)$(PREFIX)/lib
	$(q)install -m 644 $(lib)/libsmtp.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	$(q)install -m 644 $(lib_headers) $(DESTDIR)$(PREFIX)/include/libsmtp

libsize: ## what the library costs, against its budget
	$(q)scripts/libsize

-include $(lib_objs:.o=.d)

.PHONY: lib install install-lib libsize
