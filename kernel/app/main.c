/*
 * main.c - the program, top to bottom: files, configuration, message,
 * network, delivery, report. Each step either goes on or has said why not.
 */
#include "board.h"
#include "clock.h"
#include "compose.h"
#include "config.h"
#include "entropy.h"
#include "envelope.h"
#include "files.h"
#include "heap.h"
#include "log.h"
#include "network.h"
#include "report.h"
#include "rng.h"
#include "sign.h"
#include "stack.h"
#include "selftest.h"
#include "submit.h"
#include "watchdog.h"
#include "timesync.h"

#ifndef BUILD_VERSION
#error "the build must pass -DBUILD_VERSION"
#endif

#define OVERTIME_MS 10000 /* for the last words of a run */

static struct config conf;
static struct report report;

static bool load(void)
{
    struct files_error fe;
    struct conf_error ce;
    int status;

    if (!files_init(&fe))
        return report_end(&report, OUTCOME_INVALID, STATUS_CONFIG,
                          "%s, byte %lu: %s", fe.source,
                          (unsigned long)fe.offset, fe.why);
    status = config_load(&conf, &ce);
    if (status == 0) {
        report.host = conf.host;
        log_set_trace(conf.trace);
        return true;
    }
    if (ce.file[0] != '\0' && ce.line != 0)
        return report_end(&report, OUTCOME_INVALID, (enum status)status,
                          "%s, line %u, column %u: %s", ce.file, ce.line,
                          ce.column, ce.why);
    return report_end(&report, OUTCOME_INVALID, (enum status)status, "%s%s%s",
                      ce.file, ce.file[0] != '\0' ? ": " : "", ce.why);
}

/* The generator everything random comes from. */
static void seed(void)
{
    struct blob file = files_get(blob_str("seed"));

    if (files_is_builtin(file))
        log_say("the built-in seed is no secret and never new: not used");
    else if (file.len != 0)
        entropy_add_seed(file.p, file.len);
    if (rng_init() == RNG_GOOD)
        log_trace("entropy: %s", entropy_sources());
    else
        log_say("no source of entropy (QEMU: -cpu max or -device "
                "virtio-rng-device; or a file seed): TLS will refuse");
    files_wipe(blob_str("seed"));
}

/* A run that is over its own time by that much is stuck. */
static bool guard(uint64_t give_up)
{
    const char *why;

    if (conf.watchdog_s == 0)
        return true;
    if (!watchdog_start(conf.watchdog_s, give_up + OVERTIME_MS, &why))
        return report_end(&report, OUTCOME_INVALID, STATUS_CONFIG,
                          "watchdog: %s", why);
    return true;
}

static void deliver(void)
{
    static struct message message;
    struct smtp_job job = { 0 };
    struct addr ours;
    uint64_t give_up = clock_ms() + (uint64_t)conf.total_timeout_s * 1000;

    if (!guard(give_up))
        return;
    seed();
    selftest_late(board_info()->cmdline);
    if ((conf.check || envelope_addresses(&conf, &job, &report)) &&
        sign_open(&conf, &report) && timesync(&conf, give_up, &report) &&
        (conf.check || compose_open(&conf, &job, &message, &report)) &&
        submit_ready(&conf, &report) && network_up(&conf, give_up, &report) &&
        network_resolve(&conf, give_up, &report)) {
        ours = stack_address(report.address.len);
        envelope_job(&conf, &ours, &job);
        submit(&conf, &message, &job, give_up, &report);
    }
    submit_forget();
    sign_close();
}

/* What only somebody's hand can mend, a restart would find again, for ever. */
static enum board_end end(void)
{
    switch (report.status) {
    case STATUS_USAGE:
    case STATUS_MESSAGE:
    case STATUS_BUG:
    case STATUS_CONFIG:
        return BOARD_POWEROFF;
    default:
        return (enum board_end)conf.at_end;
    }
}

int app_main(enum board_end *how)
{
    struct heap_stats heap;
    size_t used, size;

    report.at.boot = board_now_ns() / 1000;
    log_say("bootmail %s on %s", BUILD_VERSION, board_info()->machine);
    if (load())
        deliver();
    if (!report_ended(&report))
        report_end(&report, OUTCOME_BUG, STATUS_BUG, "bug: no verdict");
    if (board_info()->slide != NULL)
        log_trace("image address: %s", board_info()->slide);
    heap = heap_stats();
    log_trace("memory: %lu of %lu bytes at the peak, %lu still held, %lu "
              "requests refused",
              (unsigned long)heap.peak, (unsigned long)heap.limit,
              (unsigned long)heap.used, (unsigned long)heap.failed);
    used = board_stack_used(&size);
    if (used != 0)
        log_trace("stack: %lu of %lu bytes at the deepest", (unsigned long)used,
                  (unsigned long)size);
    log_say("%s", report.reason);
    report_print(&report);
    watchdog_stop();  /* a restart from here on would send again */
    files_wipe_all(); /* secrets must not outlive the run in the guest's RAM */
    *how = end();
    return report.status;
}
