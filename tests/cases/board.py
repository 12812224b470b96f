"""The x86_64 image on every machine, device and memory size QEMU has for it;
faults on purpose; what the RAM looks like from outside.

Most cases start QEMU themselves (vm.py) and use a server without TLS: they
are about the machine. What the launcher makes of it is asked where it
matters: a fault, a killed guest, a report cut short."""
import base64
import os
import re
import shlex
import signal
import subprocess
import threading

from dialogue import Dialogue
from dnsserver import NXDOMAIN, DnsServer
from fake import Fake, Silent, _b64_core
from harness import (TOP, Skip, bootmail, case, check, command, equal, new_dir,
                     succeed)
from images import image
from lab import pki, port53, read
from vm import (BOARDS, KERNEL, MACHINES, MESSAGE, PLAIN, Machine, boot, cpio,
                delivers, edited_tree, expect_delivery, plain_files,
                plain_server, refuses, run_launcher, symbols, tls_files,
                wait_until)

SELFTEST = 'x86_64-selftest'
ACPI = 'microvm,acpi=on,rtc=on'


# ----------------------------------------------- faults, through the launcher

def selftest(kind, kernel=SELFTEST, **kw):
    return run_launcher('exec qemu-system-x86_64 "$@" -append '
                        f'selftest={kind}\n', kernel=kernel, **kw)


DUMP = re.compile(
    r'trap: (?P<name>[a-z ]+)\r?\n'
    r'rip (?P<rip>[0-9a-f]{16})  code (?P<code>[0-9a-f]{16})  '
    r'cr2 (?P<cr2>[0-9a-f]{16})\r?\n'
    r'rax [0-9a-f.]{16}  rbx  [0-9a-f.]{16}  rcx [0-9a-f.]{16}\r?\n'
    r'rdx .*\r?\nrsp [0-9a-f]{16}  rbp .*\r?\nr9 .*\r?\nr12 .*\r?\n'
    r'r15 .*rfl .*cs .*\r?\n'
    r'backtrace (?P<trace>[0-9a-f]{16}(\s+[0-9a-f]{16})+)\r?\n'
    r'image     (?P<image>[0-9a-f]{16})\r?\n')


def fault(kind, name, judge):
    """judge(registers, symbols): the fault is where it should be."""
    @case('board/selftest-' + kind)
    def run():
        r = selftest(kind)
        equal(r.status, 70, 'exit status', r)
        check(r.report is not None, 'no report line', r)
        equal((r.report['outcome'], r.report['exit']), ('bug', 70),
              'report', r)
        m = DUMP.search(r.log)
        check(m, 'no register dump', r)
        equal(m['name'], name, 'name of the trap', r)
        at = {k: int(m[k], 16) for k in ('rip', 'code', 'cr2')}
        s = symbols(SELFTEST)
        slide = int(m['image'], 16) - s['__image_start']
        s = {name: at + slide for name, at in s.items()}
        equal(int(m['trace'].split()[0], 16), at['rip'],
              'first address of the backtrace', r)
        for address in m['trace'].split()[1:]:
            check(s['__text_start'] <= int(address, 16) < s['__text_end'],
                  'the backtrace leaves the text', r)
        check(judge(at, s), 'not the fault that was asked for', r)


fault('stack', 'page fault', lambda at, s: at['code'] == 2 and
      s['__guard_stack'] <= at['cr2'] < s['__stack_bottom'])
fault('execdata', 'page fault', lambda at, s: at['code'] == 0x11 and
      at['rip'] == at['cr2'] >= s['__rodata_end'])
fault('writetext', 'page fault', lambda at, s: at['code'] == 3 and
      at['cr2'] == s['__text_start'])
fault('null', 'page fault', lambda at, s: at['code'] == 0 == at['cr2'])
fault('jumpnull', 'page fault', lambda at, s: at['code'] == 0x10 and
      at['rip'] == 0 == at['cr2'])
fault('writerodata', 'page fault', lambda at, s: at['code'] == 3 and
      at['cr2'] == s['__text_end'])
fault('heapguard', 'page fault', lambda at, s: at['code'] == 2 and
      at['cr2'] == s['__heap_end'])
fault('smash', 'a stack buffer overflowed', lambda at, s: True)


@case('board/selftest-secret')
def selftest_secret():
    """Registers that hold neither nothing nor an address are not shown."""
    r = selftest('secret')
    equal(r.status, 70, 'exit status', r)
    check(DUMP.search(r.log), 'no register dump', r)
    check(r.log.count('.' * 16) >= 4, 'nothing was left out', r)
    for text in ('7465726365737421', '2174736572636574', 'tercest!',
                 '!tsecret'):
        check(text not in r.log, 'the dump shows a secret', r)


@case('board/ubsan-fault')
def ubsan_fault():
    """The same overflow, with and without the checks."""
    r = selftest('undefined', kernel='x86_64-ubsan-selftest')
    equal(r.status, 70, 'exit status', r)
    equal(DUMP.search(r.log)['name'], 'invalid opcode', 'the trap', r)
    r = selftest('undefined')
    check('selftest=undefined did not fault' in r.log, 'without checks', r)


def ubsan(board, machine):
    @case(f'board/ubsan-{board}-{machine}')
    def run():
        with Fake(Dialogue(auth=()), pki=pki()) as srv:
            b = boot(image(board + '-ubsan'), board=board, machine=machine,
                     initrd=cpio(tls_files(srv.port)))
            equal(b.exit, 0, 'report', b)
            equal(len(srv.wires[0].messages), 1, 'delivered', b)


for m in MACHINES:
    ubsan('x86_64', m)
ubsan('aarch64', 'virt')
ubsan('riscv64', 'virt')


@case('board/symbolize')
def symbolize():
    """The names of a dump, wherever the image was."""
    r = selftest('writetext')
    done = command([os.path.join(TOP, 'scripts', 'symbolize'),
                    image(SELFTEST) + '.elf'], input=r.log.encode())
    equal(done.returncode, 0, 'exit status', done.stderr)
    names = [line.split()[1] for line in
             done.stdout.decode().splitlines()[1:]]
    equal((names[0], names[-1]), ('fault_writetext', 'start'),
          'innermost and outermost', done.stdout.decode())
    check(b'selftest.c:' in done.stdout, 'no lines', done.stdout)


@case('board/selftest-panic')
def selftest_panic():
    r = selftest('panic')
    equal(r.status, 70, 'exit status', r)
    equal(r.reason, 'self-test', 'reason', r)


@case('board/selftest-triple')
def selftest_triple():
    """QEMU itself ends with 0 after a triple fault."""
    raw = boot(image(SELFTEST), append='selftest=triple', nic=None)
    equal((raw.status, raw.report), (0, None), "QEMU's own end", raw)
    r = selftest('triple')
    equal(r.status, 70, 'exit status', r)
    check('crashed' in r.log, 'the log does not say so', r)


@case('board/selftest-hang')
def selftest_hang():
    r = selftest('hang', timeout=1)
    equal(r.status, 75, 'exit status', r)
    check('hung' in r.log, 'the log does not say so', r)


@case('board/guest-killed')
def guest_killed():
    pid_file = os.path.join(new_dir('pid'), 'pid')

    def kill():
        srv.wait_connected()
        with open(pid_file) as f:
            os.kill(int(f.read()), signal.SIGKILL)

    with Silent() as srv:
        srv.wait_connected = lambda: wait_until(lambda: srv.connections)
        killer = threading.Thread(target=kill)
        killer.start()
        r = run_launcher(f"echo $$ >'{pid_file}'\n"
                         'exec qemu-system-x86_64 "$@"\n', srv.port)
        killer.join()
    equal(r.status, 75, 'exit status', r)
    check('killed' in r.log and r.report is None, 'the log', r)


@case('board/report-cut-short')
def report_cut():
    """A real run that delivers, its console cut: never 0, and unsure as soon
    as the console says that the message goes out."""
    for cut in (1, 2, 3, 40, 200, 100000):
        with plain_server() as srv:
            r = run_launcher(
                'qemu-system-x86_64 "$@" >"$0.out"\nstatus=$?\n'
                f'head -c -{cut} "$0.out"\nexit $status\n', srv.port)
            equal(len(srv.wires[0].messages), 1, 'delivered', r)
        equal(r.status, 79 if cut < 1000 else 70,
              f'exit status, {cut} bytes cut', r)


@case('board/exit-status-lost')
def status_lost():
    """The machine ends with 0 although the report says sent."""
    with plain_server() as srv:
        r = run_launcher('qemu-system-x86_64 "$@"\nexit 0\n', srv.port)
    equal(r.status, 70, 'exit status', r)


@case('board/segments')
def segments():
    """The file itself: no segment is writable and executable."""
    text = succeed(['readelf', '-lW', image(KERNEL)]).stdout.decode()
    flags = re.findall(r'LOAD .* 0x\w+ ([R ][W ][E ]) 0x', text)
    equal(len(flags), 3, 'segments', text)
    check(not any('W' in f and 'E' in f for f in flags), text)


PASSWORD = 'pAsSw0rd-8c1f77ab-3d'
USER = 'user-9f3a55'
SEED = bytes((i * 37 + 11) % 256 for i in range(64))


def secret_forms():
    """What must not be in RAM when the run is over: the password as it is and
    in base64, the private key, the seed."""
    pem = read(pki().cert('ec')[1]).decode()
    body = base64.b64decode(''.join(
        line for line in pem.splitlines() if '-----' not in line))
    lines = [line for line in pem.splitlines() if '-----' not in line]
    forms = {'the password': PASSWORD.encode(), 'the seed': SEED[:16],
             'the key': body[40:64], 'the key as a number': body[63:39:-1],
             "the key's PEM": lines[1].encode()}
    for shift in range(3):
        forms[f'its base64 ({shift})'] = _b64_core(PASSWORD.encode(), shift)
    return forms


def secrets(how, machine, accepted=True, auth='plain', board=KERNEL):
    where = machine if board == KERNEL else board
    name = f'board/ram-{how}-{where}-{auth}' + ('' if accepted else '-535')

    @case(name)
    def run():
        users = {USER: PASSWORD if accepted else 'another'}
        with Fake(Dialogue(users=users, auth=(auth.upper(),)),
                  pki=pki()) as srv:
            text = (f'host 10.0.2.2\nport {srv.port}\nauth {auth}\n'
                    f'from sender@mail.test\nto rcpt@mail.test\n'
                    f'user {USER}\n')
            put, extra, append = {}, ['-no-shutdown'], None
            if how == 'file':
                put['password'] = PASSWORD.encode() + b'\n'
            elif how == 'conf':
                text += f'password {PASSWORD}\n'
            elif how == 'cmdline':
                append = f'password={PASSWORD}'
            else:
                path = os.path.join(new_dir('pw'), 'password')
                with open(path, 'w') as f:
                    f.write(PASSWORD)
                extra += ['-fw_cfg',
                          f'name=opt/org.bootmail/password,file={path}']
            cert, key = pki().cert('ec')
            ram = final_ram(machine, append, extra, {
                'bootmail.conf': text.encode(), 'message': MESSAGE,
                'ca.pem': read(pki().anchor('ec')), 'seed': SEED,
                'cert.pem': read(cert), 'key.pem': read(key), **put},
                'sent' if accepted else 'refused', board)
        check(b'"bootmail":1' in ram or MESSAGE[:20] in ram,
              'this is not the RAM of the guest')
        for what, form in secret_forms().items():
            at = ram.find(form)
            check(at < 0, f'{what} is still in RAM at {at:#x}',
                  ram[max(0, at - 64):at + 64])


STOPPED = re.compile(r'^ *mie +0{16}', re.M)


def final_ram(machine, append, extra, files, outcome, board=KERNEL):
    """All RAM of a guest that has powered off: QEMU keeps it. But not after
    riscv64's finisher; without that the guest stops with interrupts off."""
    size = 16 << 20
    path = os.path.join(new_dir('ram'), 'ram')
    if board == 'riscv64':
        extra = extra + edited_tree(board, (b'sifive,test', b'sifive,none'),
                                    memory='16M')
    with Machine(image(board), board=board, machine=machine, memory='16M',
                 append=append, initrd=cpio(files), debug_exit=None,
                 extra=extra) as vm:
        vm.wait_for('"ms":{')
        check(f'"outcome":"{outcome}"' in vm.text, 'the outcome', vm.text)
        wait_until(lambda: 'shutdown' in vm.monitor('info status') or
                   STOPPED.search(vm.monitor('info registers')))
        vm.monitor(f'pmemsave {BOARDS[board].ram:#x} {size:#x} "{path}"')
        return read(path)


@case('board/ram-config-error-microvm')
def secrets_unused():
    """A run that ends before it needs them leaves none of them either."""
    cert, key = pki().cert('ec')
    put = {'password': PASSWORD.encode(), 'seed': SEED, 'cert.pem': read(cert),
           'key.pem': read(key), 'message': MESSAGE}
    for text in ('host 10.0.2.2\nbogus 1\n', PLAIN.format(port=9)):
        ram = final_ram('microvm', None, ['-no-shutdown'],
                        {'bootmail.conf': text.encode(), **put},
                        'invalid' if 'bogus' in text else 'temporary')
        for what, form in secret_forms().items():
            check(form not in ram, f'{what} is still in RAM', text)


@case('board/ram-no-such-name-microvm')
def secrets_no_name():
    """TLS was made ready, and the name server knows no such host."""
    cert, key = pki().cert('ec')
    with port53, DnsServer({}, NXDOMAIN, port53=True) as dns:
        if not dns.on_53:
            raise Skip('port 53 of the loopback cannot be had')
        ram = final_ram('microvm', None, ['-no-shutdown'], {
            'bootmail.conf': f'host nowhere.test\ndns 10.0.2.2\nauth on\n'
                             f'user {USER}\nfrom a@mail.test\n'
                             f'to b@mail.test\n'.encode(),
            'password': PASSWORD.encode(), 'seed': SEED, 'message': MESSAGE,
            'ca.pem': read(pki().anchor('ec')), 'cert.pem': read(cert),
            'key.pem': read(key)}, 'permanent')
    for what, form in secret_forms().items():
        check(form not in ram, f'{what} is still in RAM')


secrets('file', 'microvm')
secrets('file', 'q35', auth='login')
secrets('file', 'microvm', accepted=False)
secrets('conf', 'microvm')
secrets('cmdline', 'microvm')
secrets('cmdline', 'q35')
secrets('fwcfg', 'pc')
for h in ('file', 'cmdline', 'fwcfg'):
    secrets(h, 'virt', board='aarch64')
for h in ('file', 'cmdline'):
    secrets(h, 'virt', board='riscv64')


# ------------------------------------------------------- machines and devices

def refused_without_debug_exit(machine):
    @case(f'board/memory-2-no-debug-exit-{machine}')
    def run():
        """It ends all the same."""
        b = boot(image(KERNEL), machine=machine, memory='2', debug_exit=None)
        equal((b.status, b.exit), (0, 78), 'the end', b)


@case('board/memory-2-launcher')
def memory_launcher():
    """The short way to the end prints a line that the launcher believes."""
    r = run_launcher('exec qemu-system-x86_64 "$@" -m 2\n')
    equal(r.status, 78, 'exit status', r)
    check('too small' in r.reason, 'reason', r)


MICROVM = 'microvm,x-option-roms=off,isa-serial=on'
for acpi in ('on', 'off'):
    for pic in ('on', 'off'):
        for rtc in ('on', 'off'):
            delivers(f'microvm-acpi-{acpi}-pic-{pic}-rtc-{rtc}',
                     machine=f'{MICROVM},acpi={acpi},pic={pic},pit={pic},'
                             f'rtc={rtc}')
for acpi in ('on', 'off'):
    delivers('legacy-acpi-' + acpi, machine=f'{MICROVM},rtc=on,acpi={acpi}',
             extra=['-global', 'virtio-mmio.force-legacy=true'])
for m in MACHINES:
    for memory in ('3', '4', '5', '6', '8', '64', '3G', '5G'):
        delivers(f'memory-{memory}-{m}', machine=m, memory=memory)
    refuses(f'memory-2-{m}', 78, 'memory too small', machine=m, memory='2')
    refused_without_debug_exit(m)
    delivers(f'smp-{m}', machine=m, extra=['-smp', '2'])
    for cpu in (None, 'qemu64', 'Nehalem', 'EPYC'):
        delivers(f'cpu-{cpu or "default"}-{m}', machine=m, cpu=cpu)
    delivers(f'debug-exit-default-{m}', machine=m, debug_exit='default')
    # ACPI power-off on q35 and pc, reset under -no-reboot on microvm
    delivers(f'no-debug-exit-{m}', machine=m, debug_exit=None, status=0)
delivers('no-debug-exit-microvm-acpi', machine=ACPI, debug_exit=None,
         status=0)

for what in ('event_idx=off', 'packed=on', 'mq=on', 'host_mtu=1280',
             'host_mtu=9000', 'status=off'):
    delivers('mmio-' + what.replace('=', '-'), nic='virtio-net-device,' + what)
for m in ('q35', 'pc'):
    for what in ('event_idx=off', 'packed=on', 'mq=on', 'vectors=0',
                 'disable-legacy=on', 'romfile=', 'host_mtu=1280',
                 'modern-pio-notify=on', 'page-per-vq=on',
                 'rx_queue_size=1024', 'iommu_platform=on,disable-legacy=on'):
        delivers(f'{m}-{what.replace("=", "-")}', machine=m,
                 nic='virtio-net-pci,' + what)
    refuses(f'{m}-disable-modern', 74, 'before virtio 1.0',
            'disable-modern=off', machine=m,
            nic='virtio-net-pci,disable-modern=on')
    refuses(f'{m}-rtl8139', 74, 'there is no driver', 'virtio-net-pci',
            machine=m, nic='rtl8139')
    delivers(f'{m}-rtl8139-and-virtio', machine=m, nic='rtl8139', extra=[
        '-netdev', 'user,id=n2', '-device', 'virtio-net-pci,netdev=n2'])
for m in MACHINES:
    refuses(f'{m}-no-card', 74, 'no network device', machine=m, nic=None)
refuses('q35-no-bars', 74, 'the firmware gave it no memory', machine='q35',
        extra=['-bios', 'qboot.rom'])

NET = ('-netdev', 'user,id=n', '-device')
delivers('two-cards-microvm', extra=[
    '-netdev', 'user,id=n2', '-device', 'virtio-net-device,netdev=n2'])
delivers('two-cards-q35', machine='q35', extra=[
    '-netdev', 'user,id=n2', '-device', 'virtio-net-pci,netdev=n2'])
delivers('pc-bridge', machine='pc', nic=None, extra=[
    '-device', 'pci-bridge,id=b,chassis_nr=1',
    *NET, 'virtio-net-pci,netdev=n,bus=b,addr=2'])
delivers('q35-root-port', machine='q35', nic=None, extra=[
    '-device', 'pcie-root-port,id=b,chassis=1',
    *NET, 'virtio-net-pci,netdev=n,bus=b'])
delivers('q35-switch', machine='q35', nic=None, extra=[
    '-device', 'pcie-root-port,id=b,chassis=1',
    '-device', 'x3130-upstream,bus=b,id=u',
    '-device', 'xio3130-downstream,bus=u,id=d,chassis=3',
    *NET, 'virtio-net-pci,netdev=n,bus=d'])


def no_console(machine):
    @case(f'board/no-console-{machine}')
    def run():
        with plain_server() as srv:
            b = boot(image(KERNEL), machine=machine, serial='none',
                     initrd=cpio(plain_files(srv.port)))
            equal((b.status, b.text), (1, ''), 'the end', b)
            equal(len(srv.wires[0].messages), 1, 'delivered')
        b = boot(image(KERNEL), machine=machine, serial='none')
        equal((b.status, b.text), (157, ''), 'without a configuration', b)


for m in MACHINES:
    no_console(m)


@case('board/readme-command')
def readme_command():
    """The command of the README, letter by letter."""
    text = read(os.path.join(TOP, 'README.md')).decode()
    m = re.search(r'^ {4}(qemu-system-x86_64(?:.*\\\n)+.*)\n', text, re.M)
    check(m, 'the README has no command for QEMU')
    argv = shlex.split(m[1].replace('\\\n', ''))
    folder = new_dir('readme')
    with plain_server() as srv:
        path = os.path.join(folder, 'files.cpio')
        with open(path, 'wb') as f:
            f.write(cpio(plain_files(srv.port)))
        argv = [{'build/x86_64/bootmail': image(KERNEL),
                 'files.cpio': path}.get(a, a) for a in argv]
        done = command(argv, 40, stdin=subprocess.DEVNULL)
        equal(done.returncode, 1, 'exit status', done.stdout, done.stderr)
        equal(len(srv.wires[0].messages), 1, 'delivered')


def entropy(name, wanted, more=None, **kw):
    @case('board/entropy-' + name)
    def run():
        with Fake(Dialogue(auth=()), pki=pki()) as srv:
            b = boot(image(KERNEL), cpu='qemu64', **kw,
                     initrd=cpio({**tls_files(srv.port), **(more or {})}))
            if wanted:
                equal((b.status, b.exit), (1, 0), 'the end', b)
                return
            check(b.exit not in (0, None), 'TLS without entropy', b)
            check('no source of random numbers' in b.reason, 'reason', b)
            equal(srv.connections, 0, 'connections', b)


entropy('none', False)
entropy('none-q35', False, machine='q35')
entropy('virtio-rng', True, extra=['-device', 'virtio-rng-device'])
entropy('virtio-rng-q35', True, machine='q35',
        extra=['-device', 'virtio-rng-pci'])
entropy('seed', True, more={'seed': SEED})
