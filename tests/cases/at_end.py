"""What the machine does when its work is done (at_end): a restart or a stop,
by every board's own way; off, which is the default, is the other files'."""
import json
import re
import time

from harness import bootmail, case, check, equal
from images import image
from vm import (MESSAGE, PLAIN, Machine, configured, cpio,
                expect_delivery, expect_refusal, plain_server, wait_until)

BITES = ['-device', 'i6300esb', '-action', 'watchdog=poweroff']
SBI = ['-bios', 'default']

# name: microvm has nothing but the triple fault, q35 and pc ACPI's register;
# on all three isa-debug-exit must not hear of it, since it would end QEMU
KINDS = {
    'microvm': dict(board='x86_64'),
    'q35': dict(board='x86_64', machine='q35'),
    'pc': dict(board='x86_64', machine='pc'),
    'aarch64': dict(board='aarch64'),
    'aarch64-gicv3': dict(board='aarch64', machine='virt,gic-version=3'),
    'riscv64': dict(board='riscv64'),
    'riscv64-sbi': dict(board='riscv64', extra=SBI),
}


def reports(text):
    """The whole report lines on a console, as they came."""
    return [json.loads(line) for line in text.split('\n')[:-1]
            if line.startswith('{"bootmail":1')]


def starts(text):
    """How often the program has begun, by its first line."""
    return len(re.findall(r'\bbootmail \S+ on ', text))


def restarts(name, kw):
    @case('at-end/reboot-' + name)
    def run():
        """It runs again, from the start, and delivers again: nothing of the
        first run is in its way."""
        with plain_server() as srv:
            vm = Machine(image(kw['board']), **kw, initrd=cpio(
                configured(at_end='reboot')(srv.port)))
            vm.argv.remove('-no-reboot')
            with vm:
                wait_until(lambda: len(reports(vm.text)) > 1 or
                           vm.process.poll() is not None, 60)
                equal(vm.process.poll(), None, 'QEMU ended', vm.text[-3000:])
                text = vm.text
            delivered = [m for w in srv.wires for m in w.messages]
        one, two = reports(text)[:2]
        equal([(r['outcome'], r['exit']) for r in (one, two)],
              [('sent', 0)] * 2, 'reports', text[-3000:])
        check(starts(text) > 1, 'no second start', text[-3000:])
        check(len(delivered) > 1, 'the second run delivered nothing', text)

    @case('at-end/no-reboot-' + name)
    def run_once():
        """Told to end in place of a restart, QEMU has no status to tell."""
        b, _ = expect_delivery(configured(at_end='reboot'), status=0, **kw)
        equal(len(reports(b.text)), 1, 'reports', b)


def stops(name, kw, extra=(), **keys):
    @case('at-end/halt-' + name)
    def run():
        """The machine is on, does nothing, and nothing wakes it: neither a
        card that has lost its cable nor a timer."""
        more = {**kw, 'extra': [*kw.get('extra', ()), *extra]}
        with plain_server() as srv:
            with Machine(image(kw['board']), **more, initrd=cpio(
                    configured(at_end='halt', **keys)(srv.port))) as vm:
                wait_until(lambda: reports(vm.text) or
                           vm.process.poll() is not None, 60)
                vm.monitor('set_link n off')
                time.sleep(1 if not keys else 6)
                before = vm.cpu_seconds()
                time.sleep(2)
                used = vm.cpu_seconds() - before
                equal(vm.process.poll(), None, 'QEMU ended', vm.text[-3000:])
                said = vm.text
                check('running' in vm.monitor('info status'), 'not on')
            delivered = [m for w in srv.wires for m in w.messages]
        check(used < 0.3, f'{used:.2f} s of processor time in 2 s', said)
        equal([(r['outcome'], r['exit']) for r in reports(said)],
              [('sent', 0)], 'reports', said[-3000:])
        equal(starts(said), 1, 'starts', said)
        equal(len(delivered), 1, 'messages delivered', said)


for name_, kw_ in KINDS.items():
    restarts(name_, kw_)
    stops(name_, kw_)
# longer than the watchdog waits: it was stopped
stops('watchdog', KINDS['q35'], extra=BITES, watchdog='5')


@case('at-end/wrong-configuration')
def wrong_configuration():
    """A restart would only find it again, for ever: the power goes off. The
    last is found late, when the end has been read and believed."""
    for files, kw in ((configured(at_end='reboot', port='0'), {}),
                      (configured(at_end='halt', nonsense='1'), {}),
                      (configured(at_end='maybe'), {}),
                      (configured(at_end='reboot', ip='x'),
                       {'board': 'riscv64'}),
                      (configured(at_end='halt', watchdog='30'), {})):
        expect_refusal(78, initrd=cpio(files(9)), **kw)


@case('at-end/launcher')
def launcher():
    """It waits for the machine's end, so it says what that is."""
    for how in ('reboot', 'halt'):
        with plain_server() as srv:
            r = bootmail('rcpt@mail.test', message=MESSAGE, conf=PLAIN.format(
                port=srv.port) + f'at_end {how}\n', hang=60)
            equal((r.status, len(srv.wires[0].messages)), (0, 1), how, r)
