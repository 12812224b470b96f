"""The aarch64 image on QEMU's virt: interrupt controllers, buses, processors,
memory sizes; how it ends; faults on purpose; what is refused and how."""
import os
import re
import time

from dialogue import Dialogue
from fake import Fake, Silent
from harness import BUILD, case, check, equal, new_dir, succeed
from images import image
from lab import pki
from vm import (MESSAGE, Machine, arguments, boot, chosen, cpio, edit_tree,
                edited_tree, expect_delivery, expect_refusal, plain_files,
                plain_server, run_launcher, symbols, tls_files)

ARM = 'aarch64'
SELFTEST = 'aarch64-selftest'
LEGACY = ['-global', 'virtio-mmio.force-legacy=true']
MODERN = ['-global', 'virtio-mmio.force-legacy=false']
NET = ['-netdev', 'user,id=n', '-device']


def delivers(name, **kw):
    @case('aarch64/' + name)
    def run():
        expect_delivery(board=ARM, **kw)


def refuses(name, status, *words, make=None, **kw):
    @case('aarch64/' + name)
    def run():
        initrd = make() if make else cpio(plain_files(9))
        expect_refusal(status, *words, board=ARM, initrd=initrd, **kw)


# ------------------------------------------------------ machines and devices

BUSES = {
    'mmio': dict(nic='virtio-net-device', extra=MODERN),
    'legacy': dict(nic='virtio-net-device', extra=LEGACY),
    'pci': dict(nic='virtio-net-pci'),
}
# each controller with each bus and each processor, though not all at once
for gic, cpu, bus in (
        ('2', 'cortex-a53', 'mmio'), ('2', 'cortex-a57', 'legacy'),
        ('2', 'max', 'pci'), ('3', 'cortex-a53', 'pci'),
        ('3', 'cortex-a57', 'mmio'), ('3', 'max', 'legacy'),
        ('3', 'cortex-a72', 'pci')):
    delivers(f'gic{gic}-{cpu}-{bus}', cpu=cpu,
             machine='virt,gic-version=' + gic, **BUSES[bus])

for gic in '23':
    for bus in ('mmio', 'pci'):
        delivers(f'virtualization-gic{gic}-{bus}', **BUSES[bus],
                 machine=f'virt,virtualization=on,gic-version={gic}')
        delivers(f'highmem-off-gic{gic}-{bus}', **BUSES[bus],
                 machine=f'virt,highmem=off,gic-version={gic}')
for memory in ('8', '16', '3G', '5G'):
    delivers('memory-' + memory, memory=memory)
# the secure world there; redistributors of twice the size; an IOMMU; odd ones
for name, kw in (
        ('secure', dict(machine='virt,secure=on')),
        ('secure-gic3', dict(machine='virt,secure=on,gic-version=3,'
                             'virtualization=on', **BUSES['pci'])),
        ('gic4', dict(machine='virt,gic-version=4,virtualization=on',
                      **BUSES['pci'])),
        ('smmu', dict(machine='virt,iommu=smmuv3', **BUSES['pci'])),
        ('virt-2.7', dict(machine='virt-2.7', cpu='cortex-a57')),
        ('smp-100', dict(machine='virt,gic-version=3',
                         extra=['-smp', '100']))):
    delivers('machine-' + name, **kw)
delivers('its-off', machine='virt,gic-version=3,its=off', **BUSES['pci'])
delivers('pac', cpu='max,pauth-impdef=on')
delivers('sve-off', cpu='max,sve=off')
delivers('smp', extra=['-smp', '2'])
delivers('smp-gic3-pci', machine='virt,gic-version=3', nic='virtio-net-pci',
         extra=['-smp', '4'])
delivers('two-cards', extra=[
    '-netdev', 'user,id=n2', '-device', 'virtio-net-device,netdev=n2'])
delivers('two-cards-pci', nic='virtio-net-pci', extra=[
    '-netdev', 'user,id=n2', '-device', 'virtio-net-pci,netdev=n2'])
delivers('root-port', nic=None, extra=[
    '-device', 'pcie-root-port,id=b,chassis=1',
    *NET, 'virtio-net-pci,netdev=n,bus=b'])
delivers('rtl8139-and-virtio', nic='rtl8139', extra=[
    '-netdev', 'user,id=n2', '-device', 'virtio-net-pci,netdev=n2'])
for what in ('vectors=0', 'disable-legacy=on', 'romfile=', 'page-per-vq=on'):
    delivers('pci-' + what.replace('=', '-'), nic='virtio-net-pci,' + what)

for card in ('e1000', 'e1000-82544gc', 'e1000-82545em', 'e1000e'):
    for gic in '23':
        delivers(f'{card}-gic{gic}', nic=card,
                 machine=f'virt,gic-version={gic}')

refuses('no-card', 74, 'no network device', nic=None)
refuses('rtl8139', 74, 'there is no driver', nic='rtl8139')
refuses('pci-disable-modern', 74, 'before virtio 1.0',
        nic='virtio-net-pci,disable-modern=on')


# -------------------------------------------- what the loader hands over

refuses('initrd-absent', 78, 'host is not set', make=lambda: None)
refuses('cmdline-too-long', 78, 'longer than 8191', append='x' * 9000)
refuses('cmdline-unknown', 78, 'command line, line 1, column',
        append='console=ttyAMA0 -- bogus=1')


@case('aarch64/cmdline-long')
def cmdline_long():
    def files(port):
        return {**plain_files(port), 'message': b'hello\n'}
    _, got = expect_delivery(files, board=ARM,
                             append='x' * 7900 + ' subject=far')
    check(b'Subject: far\r\n' in got['data'], 'the subject', got)


def loaded(at, *more):
    """The image put into memory and started by nobody's boot protocol."""
    return ['-device', f'loader,file={image(ARM)},addr={at:#x},'
            'force-raw=on', '-device', f'loader,addr={at:#x},cpu-num=0', *more]


@case('aarch64/no-tree')
def no_tree():
    """x0 is 0: a sentence on the console that virt has, and the power off."""
    for machine in ('virt', 'virt,virtualization=on'):
        b = boot(None, board=ARM, machine=machine,
                 extra=loaded(0x40200000))
        equal((b.status, b.exit), (0, 78), 'the end', b)
        check('no device tree' in b.reason, 'reason', b)


@case('aarch64/anywhere')
def anywhere():
    """2 MiB aligned, wherever: near the end of memory and across 1 GiB."""
    for at in (0x43c00000, 0x7fe00000):
        b = boot(None, board=ARM, memory='2G', extra=loaded(at))
        equal((b.status, b.exit), (0, 78), f'at {at:#x}', b)


def odd_tree(name, status, words, *edits):
    @case('aarch64/tree-' + name)
    def run():
        b = boot(image(ARM), board=ARM, initrd=cpio(plain_files(9)),
                 extra=edited_tree(ARM, *edits))
        equal((b.status, b.exit), (0, status), 'the end', b)
        check(words in b.reason, 'reason', b)


odd_tree('no-gic', 78, 'no interrupt controller',
         (b'arm,cortex-a15-gic', b'arm,cortex-a99-gic'))
odd_tree('no-timer', 70, 'no virtual timer',
         (b'arm,armv8-timer', b'arm,armv9-timer'))
odd_tree('gic-in-ram', 70, 'controller does not start',
         (bytes.fromhex('00000000 08000000 00000000 00010000'),
          bytes.fromhex('00000000 41000000 00000000 00010000')))


@case('aarch64/tree-no-console')
def no_console():
    with plain_server() as srv:
        b = boot(image(ARM), board=ARM, initrd=cpio(plain_files(srv.port)),
                 extra=edited_tree(ARM, (b'arm,pl011', b'arm,pl019')))
        equal((b.status, b.text), (0, ''), 'silent', b)
        equal(sum(len(w.messages) for w in srv.wires), 1, 'delivered')


def staged(name, words, *edits, **values):
    """By a loader of three instructions, with a tree that QEMU knows nothing
    of: what is wrong with memory is said, and nothing is touched."""
    @case('aarch64/tree-' + name)
    def run():
        loader, dtb = (os.path.join(new_dir('staged'), n)
                       for n in ('loader', 'dtb'))
        to, tree, at = (0x40000000 + (n << 20) for n in (2, 24, 28))
        with open(loader, 'wb') as f:
            # ldr x0, tree; ldr x9, to; br x9; nop
            for word in (0x58000080, 0x580000a9, 0xd61f0120, 0xd503201f):
                f.write(word.to_bytes(4, 'little'))
            f.write(tree.to_bytes(8, 'little') + to.to_bytes(8, 'little'))
        succeed(arguments(None, board=ARM, machine='virt,dumpdtb=' + dtb))
        edit_tree(dtb, edits)
        chosen(dtb, **values)
        b = boot(None, board=ARM, nic=None, extra=[
            a for file, where in ((loader, at), (dtb, tree), (image(ARM), to))
            for a in ('-device', f'loader,file={file},addr={where:#x},'
                      'force-raw=on')] + [
                          '-device', f'loader,addr={at:#x},cpu-num=0'])
        equal((b.status, b.exit), (0, 78), 'the end', b)
        check(words in b.reason, 'reason', b)


staged('as-it-is', 'host is not set')
staged('no-psci', 'host is not set', (b'arm,psci-0.2', b'arm,psci-9.2'))
staged('memory-too-small', 'memory too small',
       (bytes.fromhex('00000000 40000000 00000000 02000000'),
        bytes.fromhex('00000000 40000000 00000000 00300000')))
staged('no-memory', 'memory too small', (b'memory\0', b'nemory\0'))
staged('initrd-outside', 'does not lie in memory',
       linux_initrd_start=0x50000000, linux_initrd_end=0x50001000)
staged('initrd-at-the-end', 'does not lie in memory',
       linux_initrd_start=0x41fff000, linux_initrd_end=0x42000001)
staged('initrd-over-image', 'overlaps the image',
       linux_initrd_start=0x40100000, linux_initrd_end=0x40200001)


# ------------------------------------------------------------------- the end

def semihosting(port, kind='sent', **kw):
    return run_launcher('exec qemu-system-aarch64 "$@"\n', port, board=ARM,
                        args=['--semihosting'], **kw)


@case('aarch64/semihosting')
def semihosting_exit():
    """QEMU's exit status is the image's."""
    with plain_server() as srv:
        r = semihosting(srv.port)
        equal((r.status, r.report['exit']), (0, 0), 'sent', r)
    how = dict(board=ARM, append='semihosting=on', extra=[
        '-semihosting-config', 'enable=on,target=native'])
    b = boot(image(ARM), initrd=cpio({'bootmail.conf': b'bogus 1\n'}), **how)
    equal((b.status, b.exit), (78, 78), 'the status', b)
    b = boot(image(SELFTEST), **{
        **how, 'append': 'semihosting=on selftest=null'})
    equal((b.status, b.exit), (70, 70), 'the status of a fault', b)


@case('aarch64/semihosting-only-when-told')
def semihosting_off():
    """The host offers it, nobody asked for it: the power goes off."""
    b = boot(image(ARM), board=ARM, initrd=cpio({'bootmail.conf': b'x 1\n'}),
             extra=['-semihosting-config', 'enable=on,target=native'])
    equal((b.status, b.exit), (0, 78), 'the end', b)


@case('aarch64/semihosting-refused')
def semihosting_refused():
    """It is asked for and the host has none: no second report, power off."""
    b = boot(image(ARM), board=ARM, append='semihosting=on',
             initrd=cpio({'bootmail.conf': b'x 1\n'}))
    equal((b.status, b.exit), (0, 78), 'the end', b)
    equal(b.text.count('"bootmail":1'), 1, 'reports', b)


@case('aarch64/launcher-wants-both')
def verdict():
    """A report that says sent is not believed when the machine ends in any
    other way than by power-off, nor is a power-off without a report."""
    with plain_server() as srv:
        r = run_launcher('qemu-system-aarch64 "$@"\nexit 3\n', srv.port,
                         board=ARM)
        equal(r.status, 70, 'another end', r)
    r = run_launcher('exit 0\n', board=ARM)
    equal(r.status, 70, 'no report', r)


# -------------------------------------------------- faults, by the launcher

DUMP = re.compile(
    r'trap: (?P<name>[a-z ,]+)\r?\n'
    r'pc  (?P<pc>[0-9a-f]{16})  esr (?P<esr>[0-9a-f]{16})  '
    r'far (?P<far>[0-9a-f]{16})\r?\n'
    r'psr [0-9a-f]{16}  sp  [0-9a-f]{16}\r?\n'
    r'(x\d\d [0-9a-f.]{16}(  x\d\d [0-9a-f.]{16}){0,2}\r?\n){11}'
    r'backtrace (?P<trace>[0-9a-f]{16}(\s+[0-9a-f]{16})+)\r?\n'
    r'image     (?P<img>[0-9a-f]{16})')


def selftest(kind, **kw):
    return run_launcher('exec qemu-system-aarch64 "$@" -append '
                        f'selftest={kind}\n', kernel=SELFTEST, board=ARM, **kw)


def fault(kind, name, judge=lambda at, s: True):
    """judge(registers, symbols): the fault is where it should be; addresses
    as they were linked."""
    @case('aarch64/selftest-' + kind)
    def run():
        r = selftest(kind)
        equal(r.status, 70, 'exit status', r)
        check(r.report is not None, 'no report line', r)
        equal((r.report['outcome'], r.report['exit']), ('bug', 70),
              'report', r)
        m = DUMP.search(r.log)
        check(m, 'no register dump', r)
        equal(m['name'], name, 'name of the trap', r)
        slide = int(m['img'], 16)
        at = {k: int(m[k], 16) for k in ('pc', 'far')}
        s = {k: v + slide for k, v in symbols(SELFTEST).items()}
        trace = [int(x, 16) for x in m['trace'].split()]
        equal(trace[0], at['pc'], 'first address of the backtrace', r)
        check(len(trace) > 1, 'no backtrace', r)
        for address in trace[1:]:
            check(s['__text_start'] <= address < s['__text_end'],
                  'the backtrace leaves the text', r)
        check(judge(at, s), 'not the fault that was asked for', r)
        check('7465726365737421' not in r.log and 'tercest!' not in r.log,
              'the dump shows a secret', r)


fault('stack', 'data abort, not mapped', lambda at, s:
      s['__guard_stack'] <= at['far'] < s['__stack_bottom'])
fault('execdata', 'instruction abort, not permitted', lambda at, s:
      at['pc'] == at['far'] >= s['__rodata_end'])
fault('writetext', 'data abort, not permitted', lambda at, s:
      at['far'] == s['__text_start'])
fault('null', 'data abort, not mapped', lambda at, s: at['far'] == 0)
fault('jumpnull', 'instruction abort, not mapped', lambda at, s:
      at['pc'] == at['far'] == 0)
fault('secret', 'instruction abort, not mapped', lambda at, s:
      at['pc'] == at['far'] == 0)
fault('branch', 'branch to no target')
fault('smash', 'a stack buffer overflowed')


@case('aarch64/selftest-panic')
def selftest_panic():
    r = selftest('panic')
    equal((r.status, r.reason), (70, 'self-test'), 'exit status, reason', r)


@case('aarch64/selftest-hang')
def selftest_hang():
    r = selftest('hang', timeout=1)
    equal(r.status, 75, 'exit status', r)
    check('hung' in r.log, 'the log does not say so', r)


# ----------------------------------------------------- sources, entropy, idle

def entropy(name, wanted, more=None, **kw):
    @case('aarch64/entropy-' + name)
    def run():
        with Fake(Dialogue(auth=()), pki=pki()) as srv:
            b = boot(image(ARM), board=ARM,
                     initrd=cpio({**tls_files(srv.port), **(more or {})}),
                     **{'machine': 'virt,dtb-randomness=off',
                        'cpu': 'cortex-a53', **kw})
            if wanted:
                equal((b.status, b.exit), (0, 0), 'the end', b)
                return
            check(b.exit not in (0, None), 'TLS without entropy', b)
            check('no source of random numbers' in b.reason, 'reason', b)
            equal(srv.connections, 0, 'connections', b)


entropy('none', False)
entropy('rndr', True, cpu='max')
entropy('tree', True, machine='virt')
entropy('virtio-rng', True, extra=['-device', 'virtio-rng-device'])
entropy('virtio-rng-pci', True, extra=['-device', 'virtio-rng-pci'])
entropy('seed', True, more={'seed': bytes(range(7, 71))})


@case('aarch64/fw_cfg')
def fw_cfg():
    """Files of all sizes by QEMU's -fw_cfg, the larger ones by DMA."""
    body = b'0123456789.bcdefghijklmnopqrstuvwxyz\n' * 30000
    folder = new_dir('fwcfg')
    with plain_server() as srv:
        files = {**plain_files(srv.port), 'message': MESSAGE + body}
        extra = []
        for name, data in files.items():
            path = os.path.join(folder, name)
            with open(path, 'wb') as f:
                f.write(data)
            extra += ['-fw_cfg', f'name=opt/org.bootmail/{name},file={path}']
        b = boot(image(ARM), board=ARM, extra=extra)
        equal((b.status, b.exit), (0, 0), 'the end', b)
        got = srv.wires[0].messages[0]['data']
    check(got == (MESSAGE + body).replace(b'\n', b'\r\n'), 'the message', b)


def idle(name, **kw):
    @case('aarch64/idle-' + name)
    def run():
        """A guest that waits leaves the host alone."""
        with Silent() as srv, Machine(
                image(ARM), board=ARM, **kw,
                initrd=cpio(plain_files(srv.port))) as vm:
            vm.wait_for('connected to')
            time.sleep(1.5)
            before = vm.cpu_seconds()
            time.sleep(3)
            used = vm.cpu_seconds() - before
        check(used < 1.5, f'{used:.2f} s of 3 s CPU while idle')


idle('gic2-mmio')
idle('gic3-pci', machine='virt,gic-version=3', nic='virtio-net-pci')


# ------------------------------------------------------------ the file itself

@case('aarch64/image-header')
def header():
    """Linux, arch/arm64/booting.rst: what a loader reads."""
    with open(image(ARM), 'rb') as f:
        data = f.read()
    s = symbols(ARM)
    equal(data[56:60], b'ARM\x64', 'magic')
    equal(int.from_bytes(data[8:16], 'little'), 0, 'text_offset')
    equal(int.from_bytes(data[16:24], 'little'),
          s['__image_end'] - s['__image_start'], 'image_size')
    equal(int.from_bytes(data[24:32], 'little'), 0xa, 'flags')
    text = succeed(['readelf', '-lW', image(ARM) + '.elf']).stdout.decode()
    flags = re.findall(r'LOAD .* 0x\w+ ([R ][W ][E ]) 0x', text)
    equal(flags, ['R E', 'R  ', 'RW '], 'segments', text)
    check(os.path.getsize(os.path.join(BUILD, ARM, 'bootmail')) < 620000,
          'the image has grown')
