"""A long message on the posix board, where it lies in a mapped archive: memory
of the process's own stays what it is, and the server gets what was announced.
What is wiped in that archive is gone."""
import json
import os
import re
import resource
import socket
import subprocess
import threading
import time

from fake import Dialogue, Fake
from harness import Skip, case, check, equal, new_dir
from images import image
from lab import conf

MIB = 1 << 20
OWN = 16 * MIB  # what the process may have to write to, stack and all


def archive(path, files):
    """A cpio archive; a file of a number has so many zero bytes, which the
    archive's file has no blocks for."""
    with open(path, 'wb') as f:
        for n, (name, data) in enumerate([*files, ('TRAILER!!!', b'')]):
            size = data if isinstance(data, int) else len(data)
            fields = [n, 0o100600, 0, 0, 1, 0, size, 0, 0, 0, 0,
                      len(name) + 1, 0]
            head = b'070701' + b''.join(b'%08x' % v for v in fields)
            head += name.encode() + b'\0'
            f.write(head + bytes(-len(head) % 4))
            if isinstance(data, int):
                f.seek(size, os.SEEK_CUR)
            else:
                f.write(data)
            f.seek(-f.tell() % 4, os.SEEK_CUR)
        f.truncate()
    return path


class Sink(threading.Thread):
    """Takes one mail, and keeps of it how long it was and how it began. Waits
    for go before it says what has become of it."""

    def __init__(self, binary):
        super().__init__(daemon=True)
        self.words = b'250-sink\r\n250-PIPELINING\r\n250-SIZE 0\r\n'
        if binary:
            self.words += b'250-BINARYMIME\r\n250-CHUNKING\r\n'
        self.words += b'250 8BITMIME\r\n'
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.announced = self.binary = self.error = None
        self.octets, self.begin = 0, b''
        self.whole, self.go = threading.Event(), threading.Event()

    def run(self):
        try:
            self.socket = self.listener.accept()[0]
            with self.socket, self.socket.makefile('rb', MIB) as self.file:
                self.serve()
        except (OSError, ValueError) as e:
            self.error = repr(e)
        self.whole.set()

    def say(self, words):
        self.socket.sendall(words + b'\r\n')

    def serve(self):
        self.say(b'220 sink')
        for line in self.file:
            verb = line.split()[0].upper()
            if verb == b'EHLO':
                self.socket.sendall(self.words)
            elif verb == b'MAIL':
                self.announced = int(re.search(rb' SIZE=(\d+)', line)[1])
                self.binary = b'BINARYMIME' in line
                self.say(b'250 ok')
            elif verb == b'BDAT':
                self.count(int(line.split()[1]))
                self.done() if b'LAST' in line else self.say(b'250 ok')
            elif verb == b'DATA':
                self.say(b'354 go on')
                self.until_dot()
            else:
                self.say(b'250 ok')

    def done(self):
        self.whole.set()
        self.go.wait(60)
        self.say(b'250 taken')

    def took(self, piece):
        self.octets += len(piece)
        self.begin = (self.begin + piece[:4096])[:4096]

    def count(self, size):
        while size:
            piece = self.file.read1(min(size, MIB))
            if not piece:
                raise ValueError('lost')
            size -= len(piece)
            self.took(piece)

    def until_dot(self):
        """No line of these messages begins with a dot but the last."""
        end = b''
        while not end.endswith(b'\r\n.\r\n'):
            piece = self.file.read1(MIB)
            if not piece:
                raise ValueError('lost')
            self.took(piece)
            end = (end + piece)[-5:]
        self.octets -= 3
        self.done()


def status_of(pid, key):
    with open(f'/proc/{pid}/status') as f:
        return int(re.search(rf'^{key}:\s+(\d+) kB', f.read(), re.M)[1]) * 1024


def long_message(size, binary):
    sink = Sink(binary)
    sink.start()
    text = conf(sink.port, 'off', user=None, more='to rcpt@mail.test\n'
                'timeout 300\ntotal_timeout 3600\n').encode()
    path = archive(os.path.join(new_dir('sparse'), 'initrd'), [
        ('bootmail.conf', text), ('message', b'a long one\n'),
        ('attach/long.bin', size), ('attach/short.txt', b'end\n')])
    check(os.stat(path).st_blocks * 512 < MIB, 'the source is not sparse')
    p = subprocess.Popen(
        [image('posix'), '--initrd', path], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, preexec_fn=lambda:
        resource.setrlimit(resource.RLIMIT_DATA, (OWN, OWN)))
    try:
        check(sink.whole.wait(1500) and sink.error is None,
              f'HANG, or lost: {sink.error}', sink.octets,
              p.poll() is not None and p.stdout.read())
        own, most = status_of(p.pid, 'RssAnon'), status_of(p.pid, 'VmHWM')
        sink.go.set()
        log = p.communicate(timeout=60)[0].decode()
    finally:
        p.kill()
        p.wait()
    equal(p.returncode, 0, 'exit status', log)
    report = json.loads(log.splitlines()[-1])
    equal(sink.octets, sink.announced, 'octets, and SIZE', log)
    equal(report['bytes'], sink.octets, 'octets, as reported', log)
    equal(sink.binary, binary, 'BINARYMIME')
    check(size < sink.octets < size + 4096 if binary else
          sink.octets > size * 4 // 3, 'all of it')
    check(b'filename="long.bin"' in sink.begin, 'the file', sink.begin)
    check(own < OWN, 'memory of its own', own)
    print(f'      {sink.octets:,} octets; memory of its own {own >> 10} KiB, '
          f'and of the mapped file {(most - own) >> 10} KiB')


def sized(words, size, **kw):
    """RLIMIT_DATA is what makes it sure: the process cannot have more that it
    could copy to. The mapped archive's pages are the file's own; where one
    GiB is in RAM to begin with, it lies there but once."""
    for binary in (False, True):
        @case(f'sparse/{words}-{"binary" if binary else "base64"}', **kw)
        def run(binary=binary):
            long_message(size, binary)


sized('64-MiB', 64 * MIB)
sized('1-GiB', 1024 * MIB, whole=True, slow=True)


# -------------------------------------------------------------------- wiping

def mapping(pid, path):
    """The bytes of all mappings from the first of this file to its last."""
    places = []
    with open(f'/proc/{pid}/maps') as f:
        for line in f:
            if path in line:
                places += [int(x, 16) for x in line.split()[0].split('-')]
    check(places, 'the archive is not mapped')
    try:
        with open(f'/proc/{pid}/mem', 'rb') as f:
            f.seek(places[0])
            return f.read(places[-1] - places[0])
    except PermissionError:
        raise Skip('may not read the memory of a child process')


@case('sparse/wiped')
def wiped():
    """The file seed, which is wiped when it has been read: wherever its pages
    begin and end it is gone, and its neighbours are not."""
    held = Dialogue(tls='none', auth=(), act={'CONNECT': ('before', 'stall')})
    for before in (0, 1, 2000, 3500, 3960, 4090, 4096):
        for size in (64, 200, 4096, 8200, 20000):
            seed = b'SECRET' * (size // 6 + 1)
            with Fake(held) as srv:
                path = archive(os.path.join(new_dir('wiped'), 'initrd'), [
                    ('bootmail.conf', conf(srv.port, 'off', user=None,
                                           more='to rcpt@mail.test\n').encode()),
                    ('before', b'B' * before), ('seed', seed[:size]),
                    ('message', b'NEIGHBOUR\n')])
                p = subprocess.Popen([image('posix-asan'), '--initrd', path],
                                     stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
                try:
                    end = time.monotonic() + 60
                    while not srv.wires and time.monotonic() < end:
                        time.sleep(0.01)
                    there = mapping(p.pid, path)
                finally:
                    p.kill()
                    p.communicate()
            check(b'B' * before in there and b'NEIGHBOUR\n' in there
                  and b'TRAILER!!!' in there, 'neighbours', before, size)
            check(b'SECR' not in there and b'CRET' not in there,
                  'the seed is there', before, size)
