/*
 * absent.c - what a machine may have and a process has not; for the simulation
 * (tests/sim) as well.
 */
#include "board.h"
#include "fwcfg.h"
#include "watchdog.h"

bool watchdog_start(uint32_t seconds, uint64_t until_ms, const char **why)
{
    (void)seconds;
    (void)until_ms;
    *why = "a process has none";
    return false;
}

void watchdog_feed(uint64_t now_ms, uint64_t *wait_ms)
{
    (void)now_ms;
    *wait_ms = UINT64_MAX;
}

void watchdog_stop(void)
{
}

const struct fwcfg_io *board_fwcfg(void)
{
    return NULL;
}

struct blob board_smbios(void)
{
    return blob_of(NULL, 0);
}
