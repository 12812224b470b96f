"""The watchdog: it bites a program that is stuck, and nobody else. pvpanic:
QEMU hears of a panic."""
from fake import Silent
from harness import case, check, equal
from images import image
from vm import KERNEL, boot, configured, cpio, expect_delivery, refuses

SELFTEST = 'x86_64-selftest'
DEVICE = ('-device', 'i6300esb')


def wedged(machine, action):
    @case(f'watchdog/bites-{machine}-{action}')
    def run():
        """The machine ends by itself (a hang is a failure of boot()), and
        without a report."""
        b = boot(image(SELFTEST), machine=machine, append='selftest=wedge',
                 initrd=cpio(configured(watchdog='5')(9)),
                 extra=[*DEVICE, '-action', 'watchdog=' + action])
        check('self-test: wedge' in b.text, 'it did not get that far', b)
        equal((b.status, b.report), (0, None), 'the end', b)


for machine, action in (('q35', 'reset'), ('pc', 'poweroff')):
    wedged(machine, action)


@case('watchdog/fed')
def fed():
    """A server that says nothing for longer than the watchdog waits."""
    with Silent() as srv:
        b = boot(image(KERNEL), machine='q35', extra=DEVICE, initrd=cpio(
            configured(watchdog='5', total_timeout='11')(srv.port)))
    equal((b.status, b.exit), (151, 75), 'the end', b)
    check(b.report['ms']['total'] > 10000, 'too early', b)


@case('watchdog/delivery')
def delivery():
    b, _ = expect_delivery(configured(watchdog='5', trace='on'),
                           machine='q35', extra=DEVICE)
    check('watchdog: 5 s' in b.text, 'it was not armed', b)


for machine, value, words in (
        ('microvm', '30', 'this machine has none'), ('q35', '30', 'i6300esb'),
        ('q35', '4', 'too few')):
    refuses(f'watchdog-{machine}-{value}', 78, 'watchdog', words,
            machine=machine, extra=DEVICE if value == '4' else (),
            make=lambda value=value: cpio(configured(watchdog=value)(9)))


@case('watchdog/pvpanic')
def pvpanic():
    """A panic ends QEMU as it was told to; nothing else does, and without
    the device nothing is told."""
    for word, device, status, exit in (
            ('selftest=late', ['-device', 'pvpanic-pci'], 1, 70),
            ('selftest=late', [], 0, 70),
            ('trace=on', ['-device', 'pvpanic-pci'], 0, 74)):
        b = boot(image(SELFTEST), machine='q35', nic=None, append=word,
                 initrd=cpio(configured()(9)), debug_exit=None,
                 extra=[*device, '-action', 'panic=exit-failure'])
        equal((b.status, b.exit), (status, exit), 'the end', b)
