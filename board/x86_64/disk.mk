# board/x86_64/disk.mk: BOOTX64.EFI, the image inside a UEFI program, and the
# disk it starts from.  Another target than the image: the compiler's Windows
# one, whose files and calls are UEFI's.

efi_target := --target=x86_64-unknown-windows
efi_src  := $(wildcard board/x86_64/efi/*.c) board/x86_64/uart.c
efi_asm  := board/x86_64/efi/handover.S board/x86_64/efi/image.S
efi_objs := $(efi_src:%=$(out)/efi/%.o) $(efi_asm:%=$(out)/efi/%.o)
efi_flags := $(efi_target) -std=c11 -ffreestanding -nostdlibinc -isystem \
	$(libc)/include -mno-red-zone -mgeneral-regs-only -ffunction-sections \
	$(auto0) $(paths) -fdebug-compilation-dir=. -Qunused-arguments \
	-Iboard/x86_64/efi -Iboard/x86_64 -Ikernel -Ikernel/arch/x86_64 -Iboard

$(out)/efi/%.o: % board/x86_64/disk.mk $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,$<)$(CC) $(efi_flags) $(own) \
		-DIMAGE='"$(out)/bootmail"' -MMD -MP -c $< -o $@
$(out)/efi/board/x86_64/efi/image.S.o: $(out)/bootmail

$(out)/BOOTX64.EFI: $(efi_objs)
	$(q)$(call say,LD,$@)lld-link /subsystem:efi_application \
		/entry:efi_main /nodefaultlib /opt:ref /Brepro /out:$@ $^

# FOLDER: what goes into bootmail/ on the disk
$(out)/bootmail.img: $(out)/BOOTX64.EFI scripts/disk FORCE
	$(q)$(call say,DISK,$@)scripts/disk $< $@ $(FOLDER)

check-tidy: $(efi_src:%=$(out)/efi/tidy/%)
$(efi_src:%=$(out)/efi/tidy/%): $(out)/efi/tidy/%: % .clang-tidy \
		$(wildcard board/x86_64/*.h board/x86_64/efi/*.h) $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,TIDY,$<)clang-tidy --quiet $< -- $(efi_flags) $(own) \
		2>$@.log || { cat $@.log; exit 1; }
	$(q)mv $@.log $@

-include $(efi_objs:.o=.d)
