"""An Ethernet neighbour in user space: ARP, DHCP and TCP by hand, right or
wrong, for a guest whose cable is a Unix datagram socket.

    with Ether(path, tcp={587: server.port}) as wire:
        ... QEMU: -netdev dgram,id=net0,local.type=unix,local.path=...,
                  remote.type=unix,remote.path=PATH
            posix board: --net dgram:PATH ...
        wire.frames          # everything the guest sent

One datagram is one frame. The neighbour is 10.0.2.2 (and every other address
behind it, as a gateway) at MAC; the guest is given 10.0.2.15. What a test may
change: `arp` False: ARP is not answered; `dhcp`: a function (Ether, kind of
the request, xid) that returns the replies' bytes, see offer() for the proper
ones; `noise`: a function (Ether) that returns frames to throw at the guest
after each frame of its own; `spoil`: a function of one frame to the guest
that returns the list of frames to send in its place; `window`: a function of
the number of the segment that returns the window it tells. TCP to a port
named in `tcp` is carried to that port of the loopback; other ports are
refused. No retransmission: the socket loses nothing.
"""
import os
import socket
import struct
import threading

MAC = bytes.fromhex('52550a000202')
ALL = b'\xff' * 6
HOST, GUEST = (socket.inet_aton(a) for a in ('10.0.2.2', '10.0.2.15'))
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
FIN, SYN, RST, PSH, ACKED = 1, 2, 4, 8, 16
MSS = 1460


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    n = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff


def ip(proto, body, src=HOST, dst=GUEST):
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(body), 0, 0, 64,
                       proto, 0, src, dst)
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + body


def udp(sport, dport, body, src=HOST, dst=GUEST):
    head = struct.pack('>HHHH', sport, dport, 8 + len(body), 0)
    pseudo = src + dst + struct.pack('>BBH', 0, 17, 8 + len(body))
    total = checksum(pseudo + head + body) or 0xffff
    return ip(17, head[:6] + struct.pack('>H', total) + body, src, dst)


def tcp(sport, dport, seq, ack, flags, body=b'', src=HOST, options=b'',
        window=64000):
    head = struct.pack('>HHIIBBHHH', sport, dport, seq & 0xffffffff,
                       ack & 0xffffffff, (20 + len(options)) << 2, flags,
                       window, 0, 0) + options
    pseudo = src + GUEST + struct.pack('>BBH', 0, 6, len(head) + len(body))
    total = checksum(pseudo + head + body)
    return ip(6, head[:16] + struct.pack('>H', total) + head[18:] + body, src)


def option(code, *parts):
    body = b''.join(parts)
    return bytes((code, len(body))) + body


def bootp(xid, mac, kind, options, address=GUEST, end=b'\xff'):
    """A DHCP reply's bytes (RFC 2131, section 2)."""
    return (struct.pack('>BBBBIHH4s4s4s4s16s192s4s', 2, 1, 6, 0, xid, 0, 0,
                        bytes(4), address, HOST, bytes(4), mac, b'',
                        bytes.fromhex('63825363')) +
            option(53, bytes((kind,))) + options + end)


def dhcp_kind(p):
    """The kind of a DHCP message, or None."""
    at, kind = 240, None
    while at < len(p) and p[at] != 255:
        if p[at] == 53:
            kind = p[at + 2]
        at += 2 + p[at + 1] if p[at] else 1
    return kind


SERVER = option(54, HOST)
MASK = option(1, bytes((255, 255, 255, 0)))
ROUTER = option(3, HOST)
DNS = option(6, HOST)


def lease(seconds):
    return option(51, struct.pack('>I', seconds))


def offer(wire, kind, xid, more=MASK + ROUTER + DNS + lease(86400)):
    """The proper answer to DISCOVER and REQUEST."""
    return [bootp(xid, wire.mac, OFFER if kind == DISCOVER else ACK,
                  SERVER + more)]


class Ether:
    def __init__(self, path, tcp=None, arp=True, dhcp=offer, noise=None,
                 spoil=None, window=lambda n: 64000):
        self.path, self.ports = path, dict(tcp or {})
        self.arp, self.dhcp, self.noise, self.spoil = arp, dhcp, noise, spoil
        self.window = window
        self.frames, self.errors = [], []
        self.mac, self.guest = None, None
        self._flows, self._lock = {}, threading.RLock()
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(path)

    def __enter__(self):
        self._stop = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b'', self.path)
        self._thread.join(5)
        self._sock.close()
        for flow in list(self._flows.values()):
            flow.end()
        os.unlink(self.path)

    def kinds(self):
        """What the guest sent: 'arp', 'dhcp', 'dns', 'tcp', 'ipv6', ... in
        order."""
        found = []
        for f in self.frames:
            port = f[36:38]
            found.append('arp' if f[12:14] == b'\x08\x06' else
                         'ipv6' if f[12:14] == b'\x86\xdd' else
                         {6: 'tcp', 1: 'icmp'}.get(f[23], {
                             b'\0\x43': 'dhcp', b'\0\x35': 'dns'}.get(
                                 port, 'udp')))
        return found

    def send(self, packet, ethertype=0x0800, dst=None):
        frame = (dst or self.mac) + MAC + struct.pack('>H', ethertype) + packet
        for f in self.spoil(frame) if self.spoil else [frame]:
            self.raw(f)

    def raw(self, frame):
        try:
            self._sock.sendto(frame, self.guest)
        except OSError:
            pass                                # the guest is gone

    # ---------------------------------------------------------- the guest's
    def _serve(self):
        while True:
            frame, sender = self._sock.recvfrom(65536)
            if self._stop:
                return
            self.guest = sender
            self.frames.append(frame)
            if frame[:6] != MAC and not frame[0] & 1:
                continue                        # for somebody else
            self.mac = frame[6:12]
            try:
                with self._lock:
                    self._handle(frame)
            except Exception as e:              # a mistake here: show it
                self.errors.append(repr(e))
            for f in self.noise(self) if self.noise else ():
                self.raw(f)

    def _handle(self, frame):
        if frame[12:14] == b'\x08\x06':
            if frame[20:22] == b'\0\1' and self.arp:
                self._arp(frame[22:42])
        elif frame[12:14] == b'\x08\0' and frame[23] == 17:
            if frame[36:38] == b'\0\x43':
                self._dhcp(frame[42:])
        elif frame[12:14] == b'\x08\0' and frame[23] == 6:
            self._tcp(frame[14:14 + struct.unpack('>H', frame[16:18])[0]])

    def _arp(self, p):
        if p[16:20] in (GUEST, bytes(4)) or p[6:10] == p[16:20]:
            return
        self.send(struct.pack('>HHBBH', 1, 0x0800, 6, 4, 2) + MAC + p[16:20] +
                  p[0:6] + p[6:10], 0x0806)

    def _dhcp(self, p):
        xid, = struct.unpack('>I', p[4:8])
        kind = dhcp_kind(p)
        for reply in self.dhcp(self, kind, xid):
            self.send(udp(67, 68, reply, dst=b'\xff' * 4), dst=ALL)

    def _tcp(self, packet):
        sport, dport, seq, ack, off, flags, window = struct.unpack(
            '>HHIIBBH', packet[20:36])
        body, dst = packet[20 + (off >> 4) * 4:], packet[16:20]
        flow = self._flows.get((sport, dport))
        if flags & SYN:
            if flow is None:
                try:
                    flow = _Flow(self, sport, dport, seq, dst)
                except OSError:
                    self.send(tcp(dport, sport, 0, seq + 1, RST | ACKED,
                                  src=dst))
                    return
                self._flows[sport, dport] = flow
            flow.say(SYN | ACKED, seq=flow.first, options=struct.pack(
                '>BBH', 2, 4, MSS))
        elif flow is not None:
            flow.heard(seq, ack, flags, window, body)


class _Flow:
    """One TCP connection of the guest's, carried to the loopback."""

    def __init__(self, wire, sport, dport, seq, dst):
        if dport not in wire.ports:
            raise OSError('refused')
        self.sock = socket.create_connection(('127.0.0.1', wire.ports[dport]))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire, self.src = wire, dst
        self.sport, self.dport = sport, dport
        self.first = struct.unpack('>I', os.urandom(4))[0]
        self.next, self.acked = self.first + 1, self.first + 1
        self.expect, self.window = seq + 1, 0
        self.room = threading.Condition(wire._lock)
        self.over = self.fin_in = False
        self.said = 0
        threading.Thread(target=self._carry, daemon=True).start()

    def say(self, flags, body=b'', seq=None, options=b''):
        self.wire.send(tcp(self.dport, self.sport,
                           self.next if seq is None else seq, self.expect,
                           flags, body, self.src, options,
                           self.wire.window(self.said)))
        self.said += 1

    def heard(self, seq, ack, flags, window, body):
        if flags & RST:
            self.end()
            return
        self.acked += (ack - self.acked) % (1 << 32) % (1 << 31)
        self.window = window
        self.room.notify_all()
        if not body and not flags & FIN:
            return
        if seq == self.expect % (1 << 32) and not self.fin_in:
            self.expect += len(body)
            try:
                self.sock.sendall(body)
                if flags & FIN:
                    self.expect += 1
                    self.fin_in = True
                    self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                self.say(RST | ACKED)
                self.end()
                return
        self.say(ACKED)

    def _carry(self):
        """From the loopback to the guest, within its window."""
        while True:
            try:
                data = self.sock.recv(16384)
            except OSError:
                data = None
            with self.room:
                for at in range(0, len(data or b''), MSS):
                    part = data[at:at + MSS]
                    if not self.room.wait_for(lambda: self.over or (
                            self.next - self.acked + len(part) <=
                            self.window), 30) or self.over:
                        return
                    self.say(ACKED | PSH, part)
                    self.next += len(part)
                if not data:
                    if not self.over:
                        self.say(ACKED | (RST if data is None else FIN))
                        self.next += 1
                    return

    def end(self):
        with self.room:
            self.over = True
            self.room.notify_all()
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
