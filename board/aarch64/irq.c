/*
 * irq.c - what the device tree says of interrupts, and sleeping till one.
 *
 * Arm GIC bindings (arm,gic.yaml, arm,gic-v3.yaml): an interrupt is three
 * cells, kind (0: shared, from 32 on; 1: private, from 16 on), number, flags
 * (1, 2: an edge; 4, 8: a level). PCI functions interrupt by their pins and
 * the host bridge's interrupt-map: that is the same with both controllers and
 * needs neither GICv2m nor an ITS.
 */
#include "board.h"
#include "machine.h"

#include "arch/aarch64/cpu.h"
#include "boot.h"
#include "devices.h"
#include "dt/dt.h"
#include "dt/start.h"
#include "platform.h"

#define NAP_NS 2000000000ull /* one timer run at most           */

enum { KIND_SHARED = 0, KIND_PRIVATE = 1 };
enum { FLAGS_EDGE = 3 };
enum { TIMER_VIRTUAL = 2 }; /* of secure, physical, virtual, hypervisor */

static int controller = DT_NONE;
static uint32_t timer_id = GIC_NONE;

static bool start_v2(int node)
{
    struct dt_range dist, cpu;

    return dt_reg(node, 0, &dist) && dt_reg(node, 1, &cpu) &&
           gic_v2(dist.start, cpu.start);
}

/* Redistributors lie in one region or several: ours is in one of them. */
static bool start_v3(int node)
{
    struct dt_range dist, redist;
    uint32_t regions = 1, i;

    if (!dt_reg(node, 0, &dist))
        return false;
    (void)dt_cell(node, "#redistributor-regions", 0, &regions);
    for (i = 1; i <= regions && dt_reg(node, i, &redist); i++)
        if (gic_v3(dist.start, redist.start, redist.size))
            return true;
    return false;
}

static int find_v2(void)
{
    static const char *const kinds[] = { "arm,cortex-a15-gic", "arm,gic-400",
                                         "arm,cortex-a7-gic",
                                         "arm,cortex-a9-gic" };
    int node = DT_NONE;
    size_t i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0] && node == DT_NONE; i++)
        node = dt_find(DT_NONE, kinds[i]);
    return node;
}

const char *irq_init(void)
{
    bool v3 = true;
    int timer = dt_find(DT_NONE, "arm,armv8-timer");
    struct dt_irq irq;

    controller = dt_find(DT_NONE, "arm,gic-v3");
    if (controller == DT_NONE) {
        v3 = false;
        controller = find_v2();
    }
    if (controller == DT_NONE)
        boot_fail(STATUS_CONFIG, "the device tree has no interrupt "
                                 "controller that we know (GICv2 or GICv3)");
    if (!(v3 ? start_v3(controller) : start_v2(controller)))
        boot_fail(STATUS_BUG, "the interrupt controller does not start");
    if (timer == DT_NONE || !dt_irq(timer, TIMER_VIRTUAL, &irq) ||
        !platform_irq(&irq))
        boot_fail(STATUS_BUG, "the device tree names no virtual timer");
    timer_id = 16 + irq.cell[1];
    return v3 ? "GICv3" : "GICv2";
}

bool platform_irq(const struct dt_irq *irq)
{
    bool edge = (irq->cell[2] & FLAGS_EDGE) != 0;

    if (irq->controller != controller || irq->cells < 3)
        return false;
    if (irq->cell[0] == KIND_SHARED && irq->cell[1] < GIC_NONE - 32)
        return gic_enable(32 + irq->cell[1], edge);
    if (irq->cell[0] == KIND_PRIVATE && irq->cell[1] < 16)
        return gic_enable(16 + irq->cell[1], edge);
    return false;
}

bool platform_msi(uint32_t bdf, uint64_t *address, uint32_t *data)
{
    (void)bdf;
    (void)address;
    (void)data;
    return false;
}

void platform_find_devices(void)
{
    dt_devices();
}

/* One interrupt at a time: a line that stays raised would come for ever. */
static bool device_interrupt(void)
{
    uint32_t id = gic_take();

    if (id == timer_id) {
        timer_off();
        id = gic_take();
    }
    if (id == GIC_NONE || id == timer_id)
        return false;
    devices_ack();
    return true;
}

void board_idle(uint64_t until_ns)
{
    uint64_t now;

    while (!device_interrupt()) {
        now = board_now_ns();
        if (now >= until_ns)
            return;
        timer_arm(until_ns - now < NAP_NS ? until_ns - now : NAP_NS);
        cpu_sleep();
    }
}
