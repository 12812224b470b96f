"""A DNS server on loopback that answers as a test tells it.

    with DnsServer({'mail.test': '10.0.2.2', 'slow.test': DROP}) as dns:
        ... dns.port, dns.queries ...

An answer is an address, a list of addresses, or NXDOMAIN, SERVFAIL, NODATA,
DROP (no reply), GARBAGE (a reply of 12 random bytes), WRONGID (a proper
reply to another question's id); a list that starts with one of these words
gives one per query in turn, the last for the rest; {kind: [RDATA, ...]} is for
other kinds than A (see srv() and mx()). A name with no entry gets `default`
(NXDOMAIN). A queries only: AAAA and the rest get an empty answer
for a known name. `mail.test.` and `MAIL.TEST` are mail.test.

How a guest asks it, on QEMU's user network (and libslirp's): 10.0.2.2 is the
host's loopback, port by port, so a guest whose `dns` is 10.0.2.2 asks
127.0.0.1 port 53. That port can be bound by root only, and not when a
resolver of the host sits there: `DnsServer(..., port53=True)` tries, and
`dns.on_53` tells. 10.0.2.3 goes to the resolver named in the host's
/etc/resolv.conf and cannot be turned here without a mount namespace. On any
port, a client that can be given a port (and query() below) can ask.
"""
import os
import socket
import struct
import threading

NXDOMAIN, SERVFAIL, NODATA = 'NXDOMAIN', 'SERVFAIL', 'NODATA'
DROP, GARBAGE, WRONGID = 'DROP', 'GARBAGE', 'WRONGID'
WORDS = (NXDOMAIN, SERVFAIL, NODATA, DROP, GARBAGE, WRONGID)
CODES = {NXDOMAIN: 3, SERVFAIL: 2}


def _name_at(packet, at):
    """(name in lower case, offset behind it); no compression in questions."""
    labels = []
    while True:
        n = packet[at]
        at += 1
        if n == 0:
            return '.'.join(labels).lower(), at
        if n > 63:
            raise ValueError('compressed name in a question')
        labels.append(packet[at:at + n].decode('latin-1'))
        at += n


def _encode(name):
    out = b''
    for label in name.split('.') if name else ():
        out += bytes([len(label)]) + label.encode('latin-1')
    return out + b'\0'


SRV, MX = 33, 15


def srv(priority, weight, port, target):
    """RDATA of an SRV record (RFC 2782)."""
    return struct.pack('>HHH', priority, weight, port) + _encode(target)


def mx(preference, exchanger):
    return struct.pack('>H', preference) + _encode(exchanger)


class DnsServer:
    def __init__(self, answers=None, default=NXDOMAIN, port53=False, ttl=60,
                 listen=True):
        self.answers = {k.rstrip('.').lower(): v
                        for k, v in (answers or {}).items()}
        self.default, self.ttl = default, ttl
        self.queries = []       # (name, type) in order of arrival
        self._turn = {}
        if not listen:              # reply() alone is wanted
            return
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.on_53 = False
        if port53:
            try:
                self._sock.bind(('127.0.0.1', 53))
                self.on_53 = True
            except OSError:
                pass
        if not self.on_53:
            self._sock.bind(('127.0.0.1', 0))
        self.port = self._sock.getsockname()[1]

    def __enter__(self):
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._stop = False
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b'', ('127.0.0.1', self.port))
        self._thread.join(5)
        self._sock.close()

    def _serve(self):
        while True:
            packet, peer = self._sock.recvfrom(4096)
            if self._stop:
                return
            try:
                reply = self.reply(packet)
            except (ValueError, IndexError, struct.error):
                continue
            if reply is not None:
                self._sock.sendto(reply, peer)

    def _answer(self, name):
        answer = self.answers.get(name, self.default)
        if isinstance(answer, dict):
            return answer
        if isinstance(answer, str):
            return answer if answer in WORDS else [answer]
        if not any(a in WORDS for a in answer):
            return list(answer)
        n = self._turn.get(name, 0)
        self._turn[name] = n + 1
        one = answer[min(n, len(answer) - 1)]
        return one if one in WORDS else [one]

    def reply(self, packet):
        """The answer's bytes, or None for silence."""
        ident, flags, questions = struct.unpack('>HHH', packet[:6])
        if flags & 0x8000 or questions != 1:
            return None
        name, at = _name_at(packet, 12)
        kind, = struct.unpack('>H', packet[at:at + 2])
        question = packet[12:at + 4]
        self.queries.append((name, kind))
        answer = self._answer(name)
        if answer == DROP:
            return None
        if answer == GARBAGE:
            return os.urandom(12)
        records = b''
        if answer == WRONGID:
            ident ^= 0x5555
            answer = ['192.0.2.66']
        code = CODES.get(answer, 0) if isinstance(answer, str) else 0
        count = 0
        if isinstance(answer, dict):
            for data in answer.get(kind, ()):
                records += struct.pack('>HHHIH', 0xc00c, kind, 1, self.ttl,
                                       len(data)) + data
                count += 1
        elif not isinstance(answer, str) and kind == 1:
            for address in answer:
                records += struct.pack('>HHHIH', 0xc00c, 1, 1, self.ttl, 4)
                records += socket.inet_aton(address)
                count += 1
        flags = 0x8180 | (flags & 0x0100) | code
        return (struct.pack('>HHHHHH', ident, flags, 1, count, 0, 0)
                + question + records)


def query(port, name, kind=1, timeout=2.0):
    """Ask 127.0.0.1; returns (code, addresses), or None without a reply."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.sendto(struct.pack('>HHHHHH', 0x1234, 0x0100, 1, 0, 0, 0)
                 + _encode(name) + struct.pack('>HH', kind, 1),
                 ('127.0.0.1', port))
        try:
            reply = s.recv(4096)
        except socket.timeout:
            return None
    ident, flags, _, count = struct.unpack('>HHHH', reply[:8])
    if ident != 0x1234:
        return None
    _, at = _name_at(reply, 12)
    at += 4
    found = []
    for _ in range(count):
        found.append(socket.inet_ntoa(reply[at + 12:at + 16]))
        at += 16
    return flags & 15, found
