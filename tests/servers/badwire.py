"""A bad cable: a user-space wire between a guest and a real network stack,
that loses, doubles, delays, reorders and damages frames by a seed.

    with BadWire(path, seed, loss=0.1, ports={587: server.port}) as wire:
        ... QEMU: -netdev dgram,id=net0,local.type=unix,local.path=PATH.g,
                  remote.type=unix,remote.path=PATH
            posix board: --net dgram:PATH ...
        wire.counts          # frames lost, doubled, ... in both directions

On the other side is this machine's kernel, in a network namespace of its own
with one tap interface 10.0.2.2/24: its TCP, ARP and checksums, no model of
them. There a DHCP server gives 10.0.2.15, a DNS server knows `names`, and
`ports` of 10.0.2.2 are carried to the same machine's loopback. The kernel's
own netem is not needed. Every fault strikes each frame by itself, the same
share in both directions; one stream of numbers for each, so that a seed
repeats the decisions for the n-th frame of a direction (what the n-th frame
is, the timers on both sides say).

Needs root, or user namespaces, and /dev/net/tun: available() tells.
"""
import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import threading
import time

import ether
from dnsserver import DnsServer

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 2, 0x1000
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS, IFF_UP = 0x8916, 0x891c, 0x8914, 1


def _inet(address):
    return struct.pack('HH4s8x', socket.AF_INET, 0, socket.inet_aton(address))


def _configure(name, address='10.0.2.2', mask='255.255.255.0'):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for what, value in ((SIOCSIFADDR, _inet(address)),
                            (SIOCSIFNETMASK, _inet(mask)),
                            (SIOCSIFFLAGS, struct.pack('H14x', IFF_UP))):
            fcntl.ioctl(s, what, struct.pack('16s16s', name, value))


def _in_namespace(work):
    """work() in a network namespace of its own: namespaces are threads'."""
    out = {}

    def run():
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), 'unshare')
            out['value'] = work()
        except Exception as e:
            out['error'] = e
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if 'error' in out:
        raise out['error']
    return out['value']


def available():
    """None, or why it cannot be had here."""
    try:
        for s in _in_namespace(lambda: _sockets(())).values():
            s.close()
    except OSError as e:
        return f'no tap in a network namespace of our own: {e}'
    return None


class _Tap:
    def __init__(self):
        self.fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack(
            '16sH14x', b'bad0', IFF_TAP | IFF_NO_PI))
        _configure(b'bad0')

    def fileno(self):
        return self.fd

    def close(self):
        os.close(self.fd)


def _sockets(ports):
    """The tap and the servers' sockets; they stay in the namespace."""
    out = {'tap': _Tap()}
    for name, port, address in (('dhcp', 67, ''), ('dns', 53, '10.0.2.2')):
        s = out[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'bad0')
        s.bind((address, port))
    for port in ports:
        s = out[port] = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(('10.0.2.2', port))
        s.listen(16)
    return out


class Faults:
    """What becomes of each frame of one direction."""

    def __init__(self, seed, loss=0.0, double=0.0, reorder=0.0, damage=0.0,
                 delay=0.0, jitter=0.0):
        self.random = random.Random(seed)
        self.loss, self.double, self.reorder = loss, double, reorder
        self.damage, self.delay, self.jitter = damage, delay, jitter
        self.counts = dict.fromkeys(
            ('frames', 'lost', 'doubled', 'reordered', 'damaged'), 0)

    def strike(self, frame):
        """[(seconds from now, frame), ...]"""
        rolls = [self.random.random() for _ in range(6)]
        self.counts['frames'] += 1
        if rolls[0] < self.loss:
            self.counts['lost'] += 1
            return []
        wait = self.delay + self.jitter * rolls[1]
        if rolls[2] < self.reorder:     # behind those of the next 20 ms
            self.counts['reordered'] += 1
            wait += 0.02
        if rolls[3] < self.damage:
            self.counts['damaged'] += 1
            bit = int(rolls[4] * len(frame) * 8)
            frame = bytearray(frame)
            frame[bit // 8] ^= 1 << bit % 8
        out = [(wait, bytes(frame))]
        if rolls[5] < self.double:
            self.counts['doubled'] += 1
            out.append((wait + 0.001, bytes(frame)))
        return out


class BadWire:
    def __init__(self, path, seed, ports, names=None, **faults):
        self.path, self.ports = path, dict(ports)
        self.out = Faults(f'{seed} out', **faults)      # from the guest
        self.back = Faults(f'{seed} in', **faults)      # to the guest
        self._names = names or {}
        self._late, self._number = [], 0
        self._stopping = threading.Event()
        self._threads, self._conns = [], []

    @property
    def counts(self):
        return {k: self.out.counts[k] + self.back.counts[k]
                for k in self.out.counts}

    def __enter__(self):
        self._in = _in_namespace(lambda: _sockets(self.ports))
        self._cable = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._cable.bind(self.path)
        self._cable.setblocking(False)
        self._guest = None
        self._wake, self._woken = os.pipe()
        for work in (self._carry_frames, self._serve_dhcp, self._serve_dns,
                     *(lambda p=p: self._listen(p) for p in self.ports)):
            t = threading.Thread(target=work, daemon=True)
            t.start()
            self._threads.append(t)
        return self

    def __exit__(self, *_):
        self._stopping.set()
        os.write(self._woken, b'x')
        for name, s in self._in.items():
            if name != 'tap':
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        for s in self._conns:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for t in self._threads:
            t.join(5)
        for s in (*self._in.values(), *self._conns, self._cable):
            s.close()
        os.close(self._wake)
        os.close(self._woken)
        os.unlink(self.path)

    # -------------------------------------------------------------- frames
    def _carry_frames(self):
        tap = self._in['tap']
        while not self._stopping.is_set():
            wait = max(0, self._late[0][0] - time.monotonic()) \
                if self._late else None
            ready, _, _ = select.select([tap, self._cable, self._wake], [], [],
                                        wait)
            if tap in ready:
                self._take(self.back, os.read(tap.fd, 65536), self._to_guest)
            if self._cable in ready:
                frame, self._guest = self._cable.recvfrom(65536)
                self._take(self.out, frame, self._to_kernel)
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, frame, put = heapq.heappop(self._late)
                put(frame)

    def _take(self, faults, frame, put):
        for wait, each in faults.strike(frame):
            self._number += 1
            heapq.heappush(self._late, (time.monotonic() + wait, self._number,
                                        each, put))

    def _to_guest(self, frame):
        try:
            if self._guest:
                self._cable.sendto(frame, self._guest)
        except OSError:
            pass                # it is gone, or its queue is full: lost

    def _to_kernel(self, frame):
        try:
            os.write(self._in['tap'].fd, frame)
        except OSError:
            pass                # too damaged to be a frame

    # ------------------------------------------------------------- servers
    def _packets(self, s):
        while not self._stopping.is_set():
            if select.select([s], [], [], 0.2)[0]:
                yield s.recvfrom(2048)

    def _serve_dhcp(self):
        s = self._in['dhcp']
        for p, _ in self._packets(s):
            if len(p) < 244 or p[:1] != b'\1':
                continue
            kind = ether.dhcp_kind(p)
            for reply in ether.offer(_Client(p[28:34]), kind,
                                     struct.unpack('>I', p[4:8])[0]):
                try:
                    s.sendto(reply, ('255.255.255.255', 68))
                except OSError:
                    pass

    def _serve_dns(self):
        s, server = self._in['dns'], DnsServer(self._names, listen=False)
        for packet, peer in self._packets(s):
            try:
                reply = server.reply(packet)
            except (ValueError, IndexError, struct.error):
                continue
            if reply is not None:
                s.sendto(reply, peer)

    def _listen(self, port):
        while not self._stopping.is_set():
            try:
                conn, _ = self._in[port].accept()
                far = socket.create_connection(('127.0.0.1',
                                                self.ports[port]))
            except OSError:
                return
            self._conns += [conn, far]
            for a, b in ((conn, far), (far, conn)):
                a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                t = threading.Thread(target=_pump, args=(a, b), daemon=True)
                t.start()
                self._threads.append(t)


class _Client:
    """What ether.offer() wants to know of a guest."""

    def __init__(self, mac):
        self.mac = mac


def _pump(a, b):
    """All of a's bytes to b, then its end as well."""
    try:
        while True:
            data = a.recv(65536)
            if not data:
                b.shutdown(socket.SHUT_WR)
                return
            b.sendall(data)
    except OSError:
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
