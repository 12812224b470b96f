"""QEMU's gdb stub, as far as the tests need it: stop, registers by name,
physical memory, go on. The machine is stopped while a Stub is open.

    with Stub(path) as stub:         # -gdb unix:PATH,server=on,wait=off
        stub.register('cr3')
        stub.read(0x1000, 8)         # guest-physical

Protocol: "GDB Remote Serial Protocol"; Qqemu.PhyMemMode is QEMU's own.
"""
import re
import socket

from harness import Failure

CHUNK = 1024


class Stub:
    def __init__(self, path, seconds=30):
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(seconds)
        self._sock.connect(path)
        self._buffer = b''
        self._numbers = None
        self.ask('qSupported:xmlRegisters=i386')
        if self.ask('Qqemu.PhyMemMode:1') != 'OK':
            raise Failure('the gdb stub cannot read physical memory')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.ask('D')  # the machine goes on
        except (OSError, Failure):
            pass
        self._sock.close()

    def _more(self):
        data = self._sock.recv(65536)
        if not data:
            raise Failure('the gdb stub is gone')
        self._buffer += data

    def ask(self, packet):
        body = packet.encode()
        self._sock.sendall(b'$%s#%02x' % (body, sum(body) & 255))
        while True:
            m = re.search(rb'\$([^#]*)#[0-9a-fA-F]{2}', self._buffer, re.S)
            if not m:
                self._more()
                continue
            self._buffer = self._buffer[m.end():]
            self._sock.sendall(b'+')
            if not re.match(rb'T[0-9a-f]{2}thread', m[1]):  # "it stopped"
                return self._unescape(m[1])

    @staticmethod
    def _unescape(raw):
        out, at = bytearray(), 0
        while at < len(raw):
            if raw[at] == 0x7d:
                at += 1
                out.append(raw[at] ^ 0x20)
            else:
                out.append(raw[at])
            at += 1
        return out.decode('latin-1')

    def read(self, at, size):
        out = b''
        while len(out) < size:
            n = min(CHUNK, size - len(out))
            answer = self.ask(f'm{at + len(out):x},{n:x}')
            try:
                data = bytes.fromhex(answer)
            except ValueError:
                data = b''
            if len(data) != n:
                raise Failure(f'no memory at {at + len(out):#x}: {answer}')
            out += data
        return out

    def write(self, at, data):
        if self.ask(f'M{at:x},{len(data):x}:{data.hex()}') != 'OK':
            raise Failure(f'memory at {at:#x} cannot be written')

    def _file(self, name):
        out = ''
        while True:
            part = self.ask(f'qXfer:features:read:{name}:{len(out):x},ffb')
            if part[:1] not in ('l', 'm'):
                raise Failure(f'the gdb stub has no {name}: {part}')
            out += part[1:]
            if part[0] == 'l':
                return out

    def _read_numbers(self):
        """{name: number}: counted on, unless the description gives one."""
        self._numbers, number = {}, 0
        names = re.findall(r'<xi:include href="([^"]+)"',
                           self._file('target.xml'))
        for name in names:
            text = re.sub('<!--.*?-->', '', self._file(name), flags=re.S)
            for tag in re.findall(r'<reg\s[^>]*>', text):
                given = re.search(r'regnum="(\d+)"', tag)
                number = int(given[1]) if given else number
                self._numbers[re.search(r'name="([^"]+)"', tag)[1]] = number
                number += 1

    def has(self, name):
        if self._numbers is None:
            self._read_numbers()
        return name in self._numbers

    def register(self, name):
        if not self.has(name):
            raise Failure(f'the gdb stub has no register {name}')
        answer = self.ask(f'p{self._numbers[name]:x}')
        if not re.fullmatch('([0-9a-f]{2})+', answer):
            raise Failure(f'register {name}: {answer}')
        return int.from_bytes(bytes.fromhex(answer), 'little')
