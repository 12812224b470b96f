"""The riscv64 image on QEMU's virt: with firmware and without, interrupt
controllers, buses, processors, memory sizes; how it ends; faults on purpose;
what is refused and how."""
import os
import re
import time

from dialogue import Dialogue
from fake import Fake, Silent
from harness import case, check, equal, new_dir, succeed
from images import image
from lab import pki
from vm import (BOARDS, Machine, arguments, boot, cpio, edit_tree, edited_tree,
                expect_delivery, expect_refusal, plain_files, plain_server,
                run_launcher, symbols, tls_files)

RV = 'riscv64'
SELFTEST = 'riscv64-selftest'
LEGACY = ['-global', 'virtio-mmio.force-legacy=true']
MODERN = ['-global', 'virtio-mmio.force-legacy=false']
SBI = ['-bios', 'default']
NET = ['-netdev', 'user,id=n', '-device']
QEMU = BOARDS[RV].qemu


def delivers(name, **kw):
    @case('riscv64/' + name)
    def run():
        expect_delivery(board=RV, **kw)


def refuses(name, status, *words, make=None, **kw):
    @case('riscv64/' + name)
    def run():
        initrd = make() if make else cpio(plain_files(9))
        expect_refusal(status, *words, board=RV, initrd=initrd, **kw)


# ------------------------------------------------------ machines and devices

BUSES = {
    'mmio': ('virtio-net-device', MODERN),
    'legacy': ('virtio-net-device', LEGACY),
    'msix': ('virtio-net-pci', []),
    'intx': ('virtio-net-pci,vectors=0', []),
}
CONTROLLERS = {'plic': 'virt', 'aplic': 'virt,aia=aplic',
               'imsic': 'virt,aia=aplic-imsic'}


def interrupts(bios, controller, bus):
    """Nobody has to poll: every device found has an interrupt, or the trace
    would say that it has none."""
    @case(f'riscv64/{bios}-{controller}-{bus}')
    def run():
        nic, more = BUSES[bus]

        def files(port):
            put = plain_files(port)
            put['bootmail.conf'] += b'trace on\n'
            return put
        b, _ = expect_delivery(
            files, board=RV, machine=CONTROLLERS[controller], nic=nic,
            extra=more + (SBI if bios == 'sbi' else []))
        check('found virtio-' in b.text, 'the trace', b)
        check('no sure interrupt' not in b.text, 'an interrupt is missing', b)


# each pair of the three at least once
for bios_, controller_, bus_ in (
        ('bare', 'plic', 'mmio'), ('sbi', 'plic', 'intx'),
        ('bare', 'plic', 'msix'), ('sbi', 'plic', 'legacy'),
        ('bare', 'aplic', 'legacy'), ('sbi', 'aplic', 'mmio'),
        ('bare', 'aplic', 'intx'), ('sbi', 'aplic', 'msix'),
        ('bare', 'imsic', 'msix'), ('sbi', 'imsic', 'msix'),
        ('bare', 'imsic', 'mmio'), ('sbi', 'imsic', 'legacy'),
        ('bare', 'imsic', 'intx'), ('sbi', 'imsic', 'intx')):
    interrupts(bios_, controller_, bus_)

for memory in ('8', '16', '3G', '5G'):
    delivers('memory-' + memory, memory=memory)
delivers('memory-16-sbi', memory='16', extra=SBI)
for what in ('sstc=off', 'h=off', 'zkr=on', 'pmp=off'):
    delivers('cpu-' + what.replace('=', '-'), cpu='rv64,' + what)
delivers('cpu-sstc-off-sbi', cpu='rv64,sstc=off', extra=SBI)
delivers('cpu-sstc-off-aclint', cpu='rv64,sstc=off',
         machine='virt,aclint=on')
delivers('aia-guests', machine='virt,aia=aplic-imsic,aia-guests=3',
         nic='virtio-net-pci')
for smp, machine in (('2', 'virt'), ('4', 'virt,aia=aplic-imsic'),
                     ('4,sockets=2', 'virt')):
    name = re.sub('[^a-z0-9]+', '-', f'smp-{smp}-{machine}')
    delivers(name, machine=machine, extra=['-smp', smp])
    delivers(name + '-sbi', machine=machine, extra=['-smp', smp, *SBI])
delivers('two-cards', extra=[
    '-netdev', 'user,id=n2', '-device', 'virtio-net-device,netdev=n2'])
delivers('root-port', nic=None, extra=[
    '-device', 'pcie-root-port,id=b,chassis=1',
    *NET, 'virtio-net-pci,netdev=n,bus=b'])
delivers('switch-intx', nic=None, extra=[
    '-device', 'pcie-root-port,id=b,chassis=1',
    '-device', 'x3130-upstream,bus=b,id=u',
    '-device', 'xio3130-downstream,bus=u,id=d0,chassis=3,slot=0',
    '-device', 'xio3130-downstream,bus=u,id=d1,chassis=3,slot=1',
    *NET, 'virtio-net-pci,netdev=n,bus=d1,vectors=0'])
delivers('rtl8139-and-virtio', nic='rtl8139', extra=[
    '-netdev', 'user,id=n2', '-device', 'virtio-net-pci,netdev=n2'])
for what in ('disable-legacy=on', 'romfile=', 'page-per-vq=on'):
    delivers('pci-' + what.replace('=', '-'), nic='virtio-net-pci,' + what)

for card, machine in (('e1000', 'virt'), ('e1000', 'virt,aia=aplic'),
                      ('e1000e', 'virt,aia=aplic-imsic')):
    delivers(f'{card}-{machine}', nic=card, machine=machine)

refuses('no-card', 74, 'no network device', nic=None)
refuses('rtl8139', 74, 'there is no driver', nic='rtl8139')
refuses('pci-disable-modern', 74, 'before virtio 1.0',
        nic='virtio-net-pci,disable-modern=on')


# -------------------------------------------- what the loader hands over

refuses('initrd-absent', 78, 'host is not set', make=lambda: None)
refuses('cmdline-too-long', 78, 'longer than 8191', append='x' * 9000)
refuses('cmdline-unknown', 78, 'command line, line 1, column',
        append='console=ttyS0 -- bogus=1')


def loaded(at, *more):
    """The image put into memory and started by nobody's boot protocol: a1 is
    whatever it is."""
    return ['-device', f'loader,file={image(RV)},addr={at:#x},force-raw=on',
            '-device', f'loader,addr={at:#x},cpu-num=0', *more]


@case('riscv64/no-tree')
def no_tree():
    """A sentence on the console that virt has, and its off switch."""
    b = boot(None, board=RV, extra=loaded(0x80200000))
    equal((b.status, b.exit), (78, 78), 'the end', b)
    check('no device tree' in b.reason, 'reason', b)


@case('riscv64/anywhere')
def anywhere():
    """Wherever it is loaded, it runs."""
    for at in (0x80000000, 0x83c00000, 0xbfe00000):
        b = boot(None, board=RV, memory='2G', extra=loaded(at))
        equal((b.status, b.exit), (78, 78), f'at {at:#x}', b)


def odd_tree(name, status, words, *edits, exits=None, bios=()):
    @case('riscv64/tree-' + name)
    def run():
        b = boot(image(RV), board=RV, initrd=cpio(plain_files(9)),
                 extra=edited_tree(RV, *edits) + list(bios))
        equal((b.status, b.exit), (status if exits is None else exits, status),
              'the end', b)
        check(words in b.reason, 'reason', b)


odd_tree('no-timebase', 70, 'no clock',
         (b'timebase-frequency', b'timebase-frequencx'))
odd_tree('no-memory', 78, 'memory too small',
         (b'memory\0', b'nemory\0'))
odd_tree('no-isa-no-clint', 70, 'no timer', (b'_sstc', b'_sstx'),
         (b'sifive,clint0', b'sifive,clint9'), (b'riscv,clint0',
                                                b'riscv,clint9'))


@case('riscv64/tree-no-interrupts')
def no_interrupts():
    """A machine without a controller is polled."""
    with plain_server() as srv:
        put = plain_files(srv.port)
        put['bootmail.conf'] += b'trace on\n'
        b = boot(image(RV), board=RV, initrd=cpio(put),
                 extra=edited_tree(RV, (b'riscv,plic0', b'riscv,plic9'),
                                   (b'sifive,plic-1', b'sifive,plic-9')))
        equal((b.status, b.exit), (0, 0), 'the end', b)
        check('no sure interrupt' in b.text, 'the trace', b)


@case('riscv64/tree-no-console')
def no_console():
    with plain_server() as srv:
        b = boot(image(RV), board=RV, initrd=cpio(plain_files(srv.port)),
                 extra=edited_tree(RV, (b'ns16550a', b'ns16550z')))
        equal((b.status, b.text), (0, ''), 'silent', b)
        equal(sum(len(w.messages) for w in srv.wires), 1, 'delivered')


# ------------------------------------------------ another tree than firmware's

NO_SEED = (b'rng-seed', b'rng-none')
# what firmware keeps, and says so in its own tree: 2 of 32 MiB
NOT_FIRMWARES = (bytes.fromhex('00000000 80000000 00000000 02000000'),
                 bytes.fromhex('00000000 80200000 00000000 01e00000'))
TREE, IMAGE = 1 << 20, 4 << 20  # behind the loader


def staged(*edits, sbi=False, tree=True, at=IMAGE, **kw):
    """boot() by a loader of three instructions, which gives the image a tree
    that QEMU and the firmware know nothing of; or none."""
    folder = new_dir('staged')
    loader, dtb = (os.path.join(folder, n) for n in ('loader', 'dtb'))
    start = 0x80200000 if sbi else 0x80000000
    with open(loader, 'wb') as f:
        for word in (TREE | 0x597 if tree else 0x593,  # a1
                     at | 0x297,                       # auipc t0, at
                     0xffc28067):                      # jalr zero, -4(t0)
            f.write(word.to_bytes(4, 'little'))
    if isinstance(kw.get('initrd'), bytes):
        path = os.path.join(folder, 'initrd')
        with open(path, 'wb') as f:
            f.write(kw['initrd'])
        kw['initrd'] = path
    extra = [*kw.pop('extra', ()), *(SBI if sbi else ())]
    kw = {'board': RV, **kw}
    if tree:
        dump = {**kw, 'machine': f'{kw.get("machine", "virt")},dumpdtb={dtb}'}
        succeed(arguments(loader, **dump, extra=extra))
        edit_tree(dtb, edits)
        extra += ['-device',
                  f'loader,file={dtb},addr={start + TREE:#x},force-raw=on']
    extra += ['-device', f'loader,file={image(RV)},addr={start + at:#x},'
              'force-raw=on']
    return boot(loader, **kw, extra=extra)


@case('riscv64/no-tree-sbi')
def no_tree_sbi():
    """Firmware's console and off switch are left, and QEMU's status is 0."""
    b = staged(sbi=True, tree=False)
    equal((b.status, b.exit), (0, 78), 'the end', b)
    check('no device tree' in b.reason, 'reason', b)


@case('riscv64/no-console-sbi')
def no_console_sbi():
    b = staged((b'ns16550a', b'ns16550z'), sbi=True)
    equal((b.status, b.exit), (78, 78), 'the end', b)
    check('host is not set' in b.reason, 'reason', b)


@case('riscv64/no-finisher-sbi')
def no_finisher_sbi():
    """SBI's system reset ends the machine."""
    b = staged((b'sifive,test', b'sifive,tost'), sbi=True)
    equal((b.status, b.exit), (0, 78), 'the end', b)


@case('riscv64/too-small-sbi')
def too_small_sbi():
    """Memory ends inside the image: the first instructions say so."""
    b = staged(sbi=True, at=(32 << 20) - (3 << 20))
    equal((b.status, b.exit), (0, 78), 'the end', b)
    check('memory too small' in b.reason, 'reason', b)


# ------------------------------------------------------------------- the end

@case('riscv64/exit-status')
def exit_status():
    """The machine's exit status is the image's, launcher and all."""
    with plain_server() as srv:
        r = run_launcher(f'exec {QEMU} "$@"\n', srv.port, board=RV)
        equal((r.status, r.report['exit']), (0, 0), 'sent', r)
    r = run_launcher(f'exec {QEMU} "$@" -append "-- bogus=1"\n', board=RV)
    equal((r.status, r.report['exit']), (78, 78), 'bad configuration', r)


@case('riscv64/launcher-wants-both')
def verdict():
    """A report that says sent is not believed when the machine ends in any
    other way, nor is a good end without a report."""
    with plain_server() as srv:
        r = run_launcher(f'{QEMU} "$@"\nexit 3\n', srv.port, board=RV)
        equal(r.status, 70, 'another end', r)
    r = run_launcher('exit 0\n', board=RV)
    equal(r.status, 70, 'no report', r)


# -------------------------------------------------- faults, by the launcher

DUMP = re.compile(
    r'trap: (?P<name>[a-z ]+)\r?\n'
    r'pc  (?P<pc>[0-9a-f]{16})  cause (?P<cause>[0-9a-f]{16})  '
    r'addr (?P<addr>[0-9a-f]{16})\r?\n'
    r'sta [0-9a-f]{16}\r?\n'
    r'([a-z]+\d* +[0-9a-f.]{16}( +[a-z]+\d* +[0-9a-f.]{16}){0,2}\r?\n){11}'
    r'backtrace (?P<trace>[0-9a-f]{16}( [0-9a-f]{16})+)'
    r'[0-9a-f\s]*image +(?P<image>[0-9a-f]{16})')


def selftest(kind, more='', **kw):
    return run_launcher(f'exec {QEMU} "$@" {more} -append selftest={kind}\n',
                        kernel=SELFTEST, board=RV, **kw)


def fault(kind, name, judge=lambda at, s: True, more='', suffix=''):
    """judge(registers, symbols): the fault is where it should be."""
    @case(f'riscv64/selftest-{kind}{suffix}')
    def run():
        r = selftest(kind, more)
        equal(r.status, 70, 'exit status', r)
        check(r.report is not None, 'no report line', r)
        equal((r.report['outcome'], r.report['exit']), ('bug', 70),
              'report', r)
        m = DUMP.search(r.log)
        check(m, 'no register dump', r)
        equal(m['name'], name, 'name of the trap', r)
        slide = int(m['image'], 16)
        at = {k: int(m[k], 16) for k in ('pc', 'addr')}
        s = {k: v + slide for k, v in symbols(SELFTEST).items()}
        trace = [int(x, 16) for x in m['trace'].split()]
        equal(trace[0], at['pc'], 'first address of the backtrace', r)
        for address in trace[1:]:
            check(s['__text_start'] <= address < s['__text_end'],
                  'the backtrace leaves the text', r)
        check(judge(at, s), 'not the fault that was asked for', r)


fault('stack', 'store page fault', lambda at, s:
      s['__guard_stack'] <= at['addr'] < s['__stack_bottom'])
fault('execdata', 'instruction page fault', lambda at, s:
      at['pc'] == at['addr'] >= s['__rodata_end'])
fault('writetext', 'store page fault', lambda at, s:
      at['addr'] == s['__text_start'])
fault('null', 'load page fault', lambda at, s: at['addr'] == 0)
fault('null', 'load page fault', lambda at, s: at['addr'] == 0,
      '-bios default', '-sbi')
fault('jumpnull', 'instruction page fault', lambda at, s:
      at['pc'] == at['addr'] == 0)
fault('writerodata', 'store page fault', lambda at, s:
      s['__text_end'] <= at['addr'] < s['__rodata_end'])
fault('heapguard', 'store page fault', lambda at, s:
      at['addr'] == s['__heap_end'])
fault('smash', 'a stack buffer overflowed')


@case('riscv64/selftest-panic')
def selftest_panic():
    r = selftest('panic')
    equal((r.status, r.reason), (70, 'self-test'), 'exit status, reason', r)


@case('riscv64/selftest-secret')
def selftest_secret():
    """Registers that hold neither nothing nor an address are not shown."""
    r = selftest('secret')
    equal(r.status, 70, 'exit status', r)
    check(DUMP.search(r.log), 'no register dump', r)
    for text in ('7465726365737421', '2174736572636574'):
        check(text not in r.log, 'the dump shows a secret', r)


@case('riscv64/selftest-double')
def selftest_double():
    """An exception on the way to the dump: the end, at once."""
    r = selftest('double')
    equal(r.status, 70, 'exit status', r)
    check('trap:' not in r.log, 'there was a dump', r)


@case('riscv64/selftest-hang')
def selftest_hang():
    r = selftest('hang', timeout=1)
    equal(r.status, 75, 'exit status', r)
    check('hung' in r.log, 'the log does not say so', r)


# ------------------------------------------------------------ entropy, idle

def entropy(name, wanted, *edits, more=None, **kw):
    @case('riscv64/entropy-' + name)
    def run():
        with Fake(Dialogue(auth=()), pki=pki()) as srv:
            b = staged(*edits, **kw, initrd=cpio({
                **tls_files(srv.port), **(more or {})}))
            if wanted:
                equal((b.status, b.exit), (0, 0), 'the end', b)
                return
            check(b.exit not in (0, None), 'TLS without entropy', b)
            check('no source of random numbers' in b.reason, 'reason', b)
            equal(srv.connections, 0, 'connections', b)


entropy('none', False, NO_SEED)
# QEMU 7.2 has the register that opens Zkr to S-mode with ePMP only
entropy('zkr', True, NO_SEED, cpu='rv64,zkr=on,x-epmp=on')
entropy('zkr-closed', False, NO_SEED, cpu='rv64,zkr=on')
entropy('zkr-closed-sbi', False, NO_SEED, NOT_FIRMWARES, sbi=True,
        cpu='rv64,zkr=on')
entropy('tree', True)
entropy('virtio-rng', True, NO_SEED, extra=['-device', 'virtio-rng-device'])
entropy('virtio-rng-pci', True, NO_SEED, extra=['-device', 'virtio-rng-pci'])
entropy('seed', True, NO_SEED, more={'seed': bytes(range(7, 71))})


def idle(name, **kw):
    @case('riscv64/idle-' + name)
    def run():
        """A guest that waits leaves the host alone."""
        with Silent() as srv, Machine(
                image(RV), board=RV, **kw,
                initrd=cpio(plain_files(srv.port))) as vm:
            vm.wait_for('connected to')
            time.sleep(1.5)
            before = vm.cpu_seconds()
            time.sleep(3)
            used = vm.cpu_seconds() - before
        check(used < 1.5, f'{used:.2f} s of 3 s CPU while idle')


idle('plic')
idle('imsic-pci', machine='virt,aia=aplic-imsic', nic='virtio-net-pci')
idle('clint-smp', cpu='rv64,sstc=off', extra=['-smp', '4'])


# ------------------------------------------------------------ the file itself

@case('riscv64/image-header')
def header():
    """Linux, riscv/boot-image-header: what a loader reads."""
    with open(image(RV), 'rb') as f:
        data = f.read()
    s = symbols(RV)
    equal(data[48:56], b'RISCV\0\0\0', 'magic')
    equal(data[56:60], b'RSC\x05', 'magic 2')
    equal(int.from_bytes(data[8:16], 'little'), 0x200000, 'text_offset')
    equal(int.from_bytes(data[16:24], 'little'),
          s['__image_end'] - s['__image_start'], 'image_size')
    equal(int.from_bytes(data[32:36], 'little'), 2, 'version')
    text = succeed(['readelf', '-lW', image(RV) + '.elf']).stdout.decode()
    flags = re.findall(r'LOAD .* 0x\w+ ([R ][W ][E ]) 0x', text)
    equal(flags, ['R E', 'R  ', 'RW '], 'segments', text)
    check(len(data) < 580000, 'the image has grown')


# ------------------------------------------------------------ a random place

def place(*more, **kw):
    """Where the image was, by the dump of a fault on purpose."""
    b = boot(image(SELFTEST), board=RV, nic=None, append=' '.join(
        ('selftest=null', *more)), **kw)
    m = re.search(r'^image +([0-9a-f]{16})', b.text, re.M)
    check(m, 'no dump', b)
    return int(m[1], 16)


def places(name, **kw):
    @case('riscv64/places-' + name)
    def run():
        seen = [place(**kw) for _ in range(12)]
        check(len(set(seen)) >= 9, 'places', [hex(at) for at in seen])
        for at in seen:
            check(at % 4096 == 0 and 0 <= at - BOARDS[RV].ram < 32 << 20,
                  hex(at))


places('bare', extra=['-smp', '2'])
places('sbi', extra=SBI)


@case('riscv64/place-fixed')
def fixed():
    """For a debugger, and where there is no room for a second image."""
    equal(place('nokaslr'), 0x80000000, 'nokaslr')
    equal(place('nokaslr', extra=SBI), 0x80200000, 'nokaslr')
    equal(place(memory='3'), 0x80000000, 'no room')
