"""One file for every machine of its kind: board x machine x card, a whole
delivery each (STARTTLS, login, TLS 1.3, Exim), and a hundred boots of each
board. QEMU is started as README says, without the launcher."""
import functools
import os
import re

from delivery_body import BODY
from harness import Skip, case, check, equal, succeed
from images import image
from lab import arrived, conf, crlf, files, head, server
from vm import BOARDS, boot, cpio, program

MMIO, PCI = 'virtio-net-device', 'virtio-net-pci'
LEGACY = ['-global', 'virtio-mmio.force-legacy=true']
MODERN = ['-global', 'virtio-mmio.force-legacy=false']
SBI = ['-bios', 'default']

# board, then what is like no other about each machine
TABLE = {
    'x86_64': {
        'microvm': dict(machine='microvm', nic=MMIO, extra=MODERN),
        'microvm-legacy': dict(machine='microvm', nic=MMIO, extra=LEGACY),
        'microvm-acpi': dict(machine='microvm,acpi=on,rtc=on', nic=MMIO,
                             pages=True),
        'microvm-acpi-qboot': dict(machine='microvm,acpi=on,rtc=on',
                                   nic=MMIO, extra=['-bios', 'qboot.rom']),
        'q35': dict(machine='q35', nic=PCI),
        'q35-modern': dict(machine='q35', nic=PCI + '-non-transitional'),
        'q35-e1000e': dict(machine='q35', nic='e1000e'),
        'pc': dict(machine='pc', nic=PCI),
        'pc-transitional': dict(machine='pc', nic=PCI + '-transitional'),
        'pc-e1000': dict(machine='pc', nic='e1000'),
    },
    'aarch64': {
        f'gic{gic}-{bus}': dict(machine='virt,gic-version=' + gic, **kw)
        for gic in '23' for bus, kw in (
            ('mmio', dict(nic=MMIO, extra=MODERN)),
            ('legacy', dict(nic=MMIO, extra=LEGACY)),
            ('pci', dict(nic=PCI)))
    },
    'riscv64': {
        'bare-mmio': dict(nic=MMIO, extra=MODERN),
        'bare-pci': dict(nic=PCI),
        'bare-imsic-pci': dict(nic=PCI, machine='virt,aia=aplic-imsic',
                               since=(7, 0)),
        'sbi-mmio': dict(nic=MMIO, extra=MODERN + SBI),
        'sbi-legacy': dict(nic=MMIO, extra=LEGACY + SBI),
        'sbi-pci': dict(nic=PCI, extra=SBI),
    },
}


@functools.lru_cache(None)
def version(board):
    """(major, minor) of the board's QEMU."""
    found = re.search(r'version (\d+)\.(\d+)', succeed(
        [program(board), '--version']).stdout.decode())
    check(found, 'QEMU does not say its version')
    return tuple(map(int, found.groups()))


def entropy(board):
    """QEMU gives riscv64 a seed in the tree since 7.1."""
    if board == 'riscv64' and version(board) < (7, 1):
        return ['-device', 'virtio-rng-device']
    return []


def deliver(board, tag, body, since=(0, 0), pages=False, extra=(), **kw):
    """One boot, judged by the mailbox, the exit status and the report.
    since: the first QEMU that has the machine. pages: the initrd's length is
    one of whole pages, see board/x86_64/README."""
    if version(board) < since:
        raise Skip('QEMU has this machine since %d.%d' % since)
    srv = server('exim', '1.3')
    message = head(tag) + body
    initrd = cpio({**files(), 'message': message, 'bootmail.conf': (
        conf(srv.starttls_port) + 'to rcpt@mail.test\n').encode()})
    if pages:
        initrd += bytes(-len(initrd) % 4096)
    b = boot(image(board), board=board, hang=120, initrd=initrd,
             extra=[*extra, *entropy(board)], **kw)
    equal(b.status, BOARDS[board].exits(0), "QEMU's exit status", b)
    check(b.report is not None, 'no report', b)
    equal((b.report['outcome'], b.report['exit']), ('sent', 0), 'report', b)
    equal((b.report['tls']['version'], b.report['tls']['verified']),
          ('TLSv1.3', True), 'TLS', b)
    found = arrived(srv, tag)
    equal(len(found), 1, 'messages delivered', b)
    equal(found[0].sent, crlf(message), 'the message', b)


SEABIOS = '/usr/share/seabios/bios-microvm.bin'


@case('boots/initrd-over-acpi')
def initrd_over_acpi():
    """SeaBIOS keeps the last page of a microvm, QEMU puts the initrd's end
    there: its tables are gone, and the sentence knows a way out."""
    if not os.path.exists(SEABIOS):
        raise Skip(f'there is no {SEABIOS}')
    b = boot(image('x86_64'), machine='microvm,acpi=on,rtc=on', nic=None,
             initrd=cpio({}) + bytes(4000), extra=['-bios', SEABIOS])
    equal((b.status, b.exit), (157, 78), 'status', b)
    check('acpi=on: -bios qboot.rom' in b.reason, 'the way out', b)


def whole(board, name, kw):
    @case(f'boots/{board}-{name}')
    def run():
        deliver(board, f'{board}-{name}', BODY, **kw)


def hundred(board):
    """In turn on each machine; a hang is named as one (vm.boot)."""
    @case(f'boots/100-{board}', slow=True)
    def run():
        machines = list(TABLE[board].items())
        for n in range(100):
            name, kw = machines[n % len(machines)]
            deliver(board, f'{board}-{name}-{n}', b'boot %d\n' % n, **kw)


for b_, machines_ in TABLE.items():
    for name_, kw_ in machines_.items():
        whole(b_, name_, kw_)
    hundred(b_)
