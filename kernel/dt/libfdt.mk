# libfdt, by name: reading a device tree.  Writing, overlays and the rest are
# not in the image.  Built for boards that list kernel/dt among their folders.

ifneq ($(filter kernel/dt,$(DIRS)),)
LIBFDT := fdt.c fdt_ro.c
endif

LIBFDT_INC   := -isystem $(LIBFDT_DIR)/libfdt
LIBFDT_FLAGS := -I$(LIBFDT_DIR)/libfdt -D_POSIX_C_SOURCE=200809L
