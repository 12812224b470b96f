"""One file for every machine of its kind: board x machine x card, a whole
delivery each (STARTTLS, login, TLS 1.3, Exim), and a hundred boots of each
board. QEMU is started as README says, without the launcher."""
from delivery_body import BODY
from harness import case, check, equal
from images import image
from lab import arrived, conf, crlf, files, head, server
from vm import BOARDS, boot, cpio

MMIO, PCI = 'virtio-net-device', 'virtio-net-pci'
LEGACY = ['-global', 'virtio-mmio.force-legacy=true']
MODERN = ['-global', 'virtio-mmio.force-legacy=false']
SBI = ['-bios', 'default']

# board, then what is like no other about each machine
TABLE = {
    'x86_64': {
        'microvm': dict(machine='microvm', nic=MMIO, extra=MODERN),
        'microvm-legacy': dict(machine='microvm', nic=MMIO, extra=LEGACY),
        'microvm-acpi': dict(machine='microvm,acpi=on,rtc=on', nic=MMIO),
        'q35': dict(machine='q35', nic=PCI),
        'q35-e1000e': dict(machine='q35', nic='e1000e'),
        'pc': dict(machine='pc', nic=PCI),
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
        'bare-imsic-pci': dict(nic=PCI, machine='virt,aia=aplic-imsic'),
        'sbi-mmio': dict(nic=MMIO, extra=MODERN + SBI),
        'sbi-legacy': dict(nic=MMIO, extra=LEGACY + SBI),
        'sbi-pci': dict(nic=PCI, extra=SBI),
    },
}


def deliver(board, tag, body, **kw):
    """One boot, judged by the mailbox, the exit status and the report."""
    srv = server('exim', '1.3')
    message = head(tag) + body
    b = boot(image(board), board=board, hang=120, initrd=cpio({
        **files(), 'message': message, 'bootmail.conf': (
            conf(srv.starttls_port) + 'to rcpt@mail.test\n').encode()}), **kw)
    equal(b.status, BOARDS[board].exits(0), "QEMU's exit status", b)
    check(b.report is not None, 'no report', b)
    equal((b.report['outcome'], b.report['exit']), ('sent', 0), 'report', b)
    equal((b.report['tls']['version'], b.report['tls']['verified']),
          ('TLSv1.3', True), 'TLS', b)
    found = arrived(srv, tag)
    equal(len(found), 1, 'messages delivered', b)
    equal(found[0].sent, crlf(message), 'the message', b)


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
