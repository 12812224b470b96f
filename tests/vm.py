"""QEMU without the launcher: any machine, any device, any initrd, and a look
inside. Everything ends: a machine that does not is killed and named."""
import collections
import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import threading
import time

from dialogue import Dialogue
from fake import Fake
from harness import Failure, bootmail, case, check, equal, new_dir, succeed
from images import image
from lab import pki, read

KERNEL = 'x86_64'
MACHINES = ('microvm', 'q35', 'pc')

# program, default machine and processor, further options that a case may say
# again, start of RAM, status of ours -> status of QEMU
Board = collections.namedtuple('Board', 'qemu machine cpu more ram exits')
BOARDS = {
    'x86_64': Board('qemu-system-x86_64', 'microvm', 'max', (), 0,
                    lambda s: 2 * s + 1),
    'aarch64': Board('qemu-system-aarch64', 'virt', 'max', (), 1 << 30,
                     lambda s: 0),
    'riscv64': Board('qemu-system-riscv64', 'virt', 'rv64',
                     ('-bios', 'none'), 2 << 30, lambda s: s),
}

PLAIN = ('host 10.0.2.2\nport {port}\nfrom sender@mail.test\n'
         'to rcpt@mail.test\ntls off\nauth off\n')
MESSAGE = (b'From: sender@mail.test\nTo: rcpt@mail.test\nSubject: vm\n'
           b'Date: Mon, 02 Nov 2026 10:00:00 +0000\n'
           b'Message-ID: <vm@mail.test>\n\nhello\n')


def entry(name, data, mode=0o100600, nlink=1):
    """One file of a cpio archive (newc), any name and type."""
    name = name if isinstance(name, bytes) else name.encode()
    fields = (1, mode, 0, 0, nlink, 0, len(data), 0, 0, 0, 0, len(name) + 1,
              0)
    out = b'070701' + b''.join(b'%08X' % f for f in fields) + name + b'\0'
    out += b'\0' * (-len(out) % 4) + data
    return out + b'\0' * (-len(out) % 4)


TRAILER = entry('TRAILER!!!', b'', 0)


def cpio(files):
    """An archive of {name: bytes} or of pairs (names may come twice)."""
    pairs = files.items() if isinstance(files, dict) else files
    return b''.join(entry(n, d) for n, d in pairs) + TRAILER


def plain_files(port, **more):
    return {'bootmail.conf': PLAIN.format(port=port).encode(),
            'message': MESSAGE, **more}


def configured(**keys):
    """plain_files() with more keys."""
    def files(port):
        out = plain_files(port)
        out['bootmail.conf'] += ''.join(
            f'{k} "{v}"\n' for k, v in keys.items()).encode()
        return out
    return files


def tls_files(port):
    return {'bootmail.conf': (f'host 10.0.2.2\nport {port}\nauth off\n'
                              'from sender@mail.test\nto rcpt@mail.test\n'
                              ).encode(),
            'message': MESSAGE, 'ca.pem': read(pki().anchor('ec'))}


@contextlib.contextmanager
def plain_server(**kw):
    """A server without TLS and login."""
    with Fake(Dialogue(tls='none', auth=(), **kw)) as server:
        yield server


def edit_tree(dtb, edits):
    """Replaces bytes of a device tree in a file, and cuts the free space in
    it off: QEMU would double that, and trees end at 2 MiB."""
    data = read(dtb)
    for old, new in edits:
        equal(len(old), len(new), 'lengths')
        check(old in data, f'{old} is not in the tree')
        data = data.replace(old, new)
    strings, size = (int.from_bytes(data[i:i + 4], 'big') for i in (12, 32))
    end = strings + size
    with open(dtb, 'wb') as f:
        f.write(data[:4] + end.to_bytes(4, 'big') + data[8:end])


def chosen(dtb, **values):
    """Adds properties of 64-bit numbers to /chosen of a tree in a file (names
    with _ for - and, once, for a comma)."""
    def u32(n):
        return n.to_bytes(4, 'big')

    data = read(dtb)
    head = [int.from_bytes(data[i:i + 4], 'big') for i in range(0, 40, 4)]
    (_, _, struct, strings, *_), names = head, b''
    name_size, props = head[8], b''
    for name, value in values.items():
        name = name.replace('_', ',', 1).replace('_', '-').encode() + b'\0'
        props += u32(3) + u32(8) + u32(name_size + len(names)) + \
            value.to_bytes(8, 'big')
        names += name
    at = data.index(u32(1) + b'chosen\0\0', struct) + 12
    head[1] += len(props) + len(names)
    head[3] += len(props)
    head[8] += len(names)
    head[9] += len(props)
    end = strings + name_size
    with open(dtb, 'wb') as f:
        f.write(b''.join(map(u32, head)) + data[40:at] + props +
                data[at:end] + names)


def edited_tree(board, *edits, **kw):
    """Arguments that give a machine its own tree with bytes of it replaced."""
    dtb = os.path.join(new_dir('dtb'), 'dtb')
    succeed(arguments(None, board=board, nic=None, machine=BOARDS[
        board].machine + ',dumpdtb=' + dtb, **kw))
    edit_tree(dtb, edits)
    return ['-dtb', dtb]


class Boot:
    """What one machine said and how it ended."""

    def __init__(self, text, status, seconds):
        self.text, self.status, self.seconds = text, status, seconds
        lines = text.splitlines()
        try:
            self.report = json.loads(lines[-1]) if lines else None
        except ValueError:
            self.report = None

    @property
    def reason(self):
        return self.report['reason'] if self.report else ''

    @property
    def exit(self):
        return self.report['exit'] if self.report else None

    def __str__(self):
        return (f'machine exited with {self.status} after '
                f'{self.seconds:.1f} s\n{self.text[-4000:]}')


def program(board):
    """QEMU of a board: of PATH, or of another version (tests/qemu)."""
    return os.path.join(os.environ.get('QEMU_DIR', ''), BOARDS[board].qemu)


def arguments(kernel, board=KERNEL, machine=None, memory='32M', cpu=True,
              append=None, initrd=None, nic=True, debug_exit='0xf4',
              serial='stdio', extra=()):
    """A command line; initrd: bytes, a path, or None."""
    machine = machine or BOARDS[board].machine
    argv = [program(board), '-nodefaults', '-no-user-config',
            '-no-reboot', '-display', 'none', '-accel', 'tcg',
            '-m', memory, '-serial', serial]
    if kernel:  # None: from a disk
        argv += ['-kernel', kernel]
    if machine == 'microvm':
        machine += ',x-option-roms=off,pic=off,pit=off,rtc=on,acpi=off'
    argv += ['-M', machine]
    if cpu is True:
        cpu = BOARDS[board].cpu
    if cpu:
        argv += ['-cpu', cpu]
    argv += BOARDS[board].more
    if isinstance(initrd, bytes):
        path = os.path.join(new_dir('initrd'), 'initrd')
        with open(path, 'wb') as f:
            f.write(initrd)
        initrd = path
    if initrd:
        argv += ['-initrd', initrd]
    if append is not None:
        argv += ['-append', append]
    if debug_exit and board == 'x86_64':
        argv += ['-device', 'isa-debug-exit' + (
            '' if debug_exit == 'default' else ',iobase=' + debug_exit)]
    if nic is True:
        nic = ('virtio-net-device' if machine.startswith(('microvm', 'virt'))
               else 'virtio-net-pci')
    if nic:
        argv += ['-netdev', 'user,id=n', '-device', nic + ',netdev=n']
    return argv + list(extra)


OVMF = ('/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd')


def firmware(name):
    """Arguments for the machine's own firmware, "bios", or for UEFI, "ovmf",
    with variables of this run alone."""
    if name == 'bios':
        return []
    own = os.path.join(new_dir('ovmf'), 'vars')
    shutil.copyfile(OVMF[1], own)
    return ['-drive', 'if=pflash,format=raw,readonly=on,file=' + OVMF[0],
            '-drive', 'if=pflash,format=raw,file=' + own]


def boot(kernel, hang=40, **kw):
    """Runs a machine to its end."""
    argv = arguments(kernel, **kw)
    start = time.monotonic()
    try:
        done = subprocess.run(argv, timeout=hang, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as e:
        raise Failure(f'HANG: no end within {hang} s\n{" ".join(argv)}\n' +
                      (e.stdout or b'').decode(errors='replace')[-3000:])
    return Boot(done.stdout.decode(errors='replace'), done.returncode,
                time.monotonic() - start)


class Machine:
    """A running machine with QEMU's monitor at hand.

        with Machine(kernel, ...) as vm:
            vm.wait_for('text')           # on the console
            print(vm.monitor('info tlb'))
    """

    def __init__(self, kernel, **kw):
        self.folder = new_dir('vm')
        self.path = os.path.join(self.folder, 'monitor')
        extra = ['-monitor', f'unix:{self.path},server=on,wait=off']
        self.argv = arguments(kernel, **{
            **kw, 'extra': extra + list(kw.get('extra', ()))})
        self.text = ''
        self._sock = None

    def __enter__(self):
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        if self._sock:
            self._sock.close()
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        self.process.stdout.close()

    def _read(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            self.text += data.decode(errors='replace')

    def end(self, seconds=60):
        """Waits for the machine's own end."""
        wait_until(lambda: self.process.poll() is not None, seconds)
        self._reader.join(10)
        return Boot(self.text, self.process.returncode, seconds)

    def wait_for(self, words, seconds=30):
        end = time.monotonic() + seconds
        while words not in self.text:
            if time.monotonic() > end:
                raise Failure(f'"{words}" did not come within {seconds} s\n' +
                              self.text[-3000:])
            time.sleep(0.02)

    def monitor(self, command, seconds=30):
        """One command of the human monitor; its answer."""
        if self._sock is None:
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.settimeout(seconds)
            end = time.monotonic() + seconds
            while self._sock.connect_ex(self.path) != 0:
                check(time.monotonic() < end, "QEMU's monitor does not come")
                time.sleep(0.01)    # bound is not yet listening
            self._answer()
        self._sock.sendall(command.encode() + b'\n')
        lines = self._answer().splitlines()
        return '\n'.join(lines[1:])  # the first is the command's echo

    def _answer(self):
        out = b''
        while not out.endswith(b'(qemu) '):
            data = self._sock.recv(65536)
            if not data:
                raise Failure("QEMU's monitor is gone\n" + self.text[-2000:])
            out += data
        return out[:-7].decode(errors='replace').replace('\r', '')

    def cpu_seconds(self):
        """What QEMU has used so far."""
        with open(f'/proc/{self.process.pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def symbols(name):
    """Addresses of the linker's symbols in an image."""
    done = succeed(['nm', image(name) + '.elf'])
    return {f[2]: int(f[0], 16) for f in
            (line.split() for line in done.stdout.decode().splitlines())
            if len(f) == 3}


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    check(condition(), f'waited {seconds} s for nothing')


# ------------------------------------------------------------------- cases

def delivers(name, initrd=None, **kw):
    @case('board/' + name)
    def run():
        expect_delivery(**kw)


def expect_delivery(files=plain_files, kernel=None, board=KERNEL, status=None,
                    **kw):
    with plain_server() as srv:
        b = boot(kernel or image(board), board=board,
                 initrd=cpio(files(srv.port)), **kw)
        equal(b.status, BOARDS[board].exits(0) if status is None else status,
              "QEMU's exit status", b)
        check(b.report is not None, 'no report', b)
        equal((b.report['outcome'], b.report['exit']), ('sent', 0),
              'report', b)
        messages = [x for w in srv.wires for x in w.messages]
    equal(len(messages), 1, 'messages delivered', b)
    return b, messages[0]


def refuses(name, status, *words, make=None, **kw):
    """make(): the initrd, made when the case runs"""
    @case('board/' + name)
    def run():
        expect_refusal(status, *words,
                       initrd=make() if make else cpio(plain_files(9)), **kw)


def expect_refusal(status, *words, board=KERNEL, **kw):
    b = boot(image(board), board=board, **kw)
    equal(b.status, BOARDS[board].exits(status), "QEMU's exit status", b)
    equal(b.exit, status, 'report', b)
    for word in words:
        check(word in b.reason, f'the reason does not say "{word}"', b)
    return b


# -------------------------------------------------------- by the launcher

def qemu_wrapper(body):
    """A stand-in for QEMU: a script."""
    path = os.path.join(new_dir('qemu'), 'qemu')
    with open(path, 'w') as f:
        f.write('#!/usr/bin/env bash\n' + body)
    os.chmod(path, stat.S_IRWXU)
    return path


def run_launcher(body, port=9, kernel=None, board=KERNEL, args=(), **kw):
    return bootmail('--image', image(kernel or board), *args, 'rcpt@mail.test',
                    message=MESSAGE, conf=PLAIN.format(port=port), board=board,
                    env={'QEMU': qemu_wrapper(body)}, **kw)
