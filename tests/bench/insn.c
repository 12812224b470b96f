/*
 * insn.c - a QEMU TCG plugin that counts guest instructions.
 *
 * Debian ships neither the plugins nor their header, so the few functions of
 * the plugin interface (QEMU, docs/devel/tcg-plugins) are declared here. The
 * count is printed to standard error when QEMU ends: "insns=N". It counts
 * whole translated blocks at their start: a little too much where a block is
 * left early. A guest that halts is not counted while it sleeps.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct qemu_info;
struct qemu_plugin_tb;

enum { CB_NO_REGS = 0, INLINE_ADD_U64 = 0 };

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
                        char **argv);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*cb)(uint64_t,
                                                      struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int op,
                                              void *counter, uint64_t add);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t, void *),
                                    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

int qemu_plugin_version = 1;

static uint64_t insns;

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &insns,
                                             qemu_plugin_tb_n_insns(tb));
}

static void at_exit(uint64_t id, void *data)
{
    (void)id;
    (void)data;
    fprintf(stderr, "insns=%" PRIu64 "\n", insns);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
                        char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
