"""The network at its worst: strange DHCP, DNS and frames, a cable that is
out, and what goes over the wire. Every run ends in a true report."""
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

import ether
from dnsserver import DROP, GARBAGE, NODATA, WRONGID, DnsServer
from ether import ACK, DISCOVER, DNS, MASK, NAK, ROUTER, SERVER, Ether
from fake import Dialogue, Fake
from harness import TOP, Skip, case, check, equal, new_dir, succeed
from images import image
from lab import (conf, crlf, expect_sent, files, head, launch, pki, port53,
                 qemu_with, read, server)
from netlab import (MESSAGE, SECRET, USERS, WHO, expect, extra_qemu, on,
                    script, send)


# ------------------------------------------------- strange Ethernet neighbours

def over(wire, machine, port=587, **kw):
    """One run whose cable ends in `wire`."""
    if machine == 'posix':
        run = script('bootmail', 'args=()\nfor a; do\n'
                     f'    [ "$a" != user ] || a=dgram:{wire.path}\n'
                     '    args+=("$a")\ndone\n'
                     f'exec {image("posix-asan")} "${{args[@]}}"\n')
        return send(machine, port, '--image', run, **kw)
    return send(machine, port, env={'QEMU': qemu_with('ether', (
        'user,id=net0', f'dgram,id=net0,local.type=unix,local.path='
        f'{wire.path}.g,remote.type=unix,remote.path={wire.path}'))}, **kw)


def neighbour(**kw):
    return Ether(os.path.join(new_dir('wire'), 'wire'), **kw)


def deliver_over(machine, tcp=None, **kw):
    """A whole delivery with a strange neighbour; it must get through."""
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        with neighbour(tcp={587: srv.port}, **kw) as wire:
            r = over(wire, machine)
        check(not wire.errors, f'the neighbour: {wire.errors}', r)
        expect(r, 0, 'sent')
        equal([m['data'] for m in srv.wires[0].messages], [crlf(MESSAGE)],
              'messages', r)
    return r, wire


@on('neighbour')
def plain(machine):
    """Nothing strange; and nothing but what is needed before the SYN."""
    r, wire = deliver_over(machine)
    # DISCOVER, REQUEST, "this address is mine", "who is the server?", SYN
    kinds = wire.kinds()
    # beside it a router is asked for IPv6, and waited for by nobody: two
    # reports of groups, one solicitation
    check(kinds[:kinds.index('tcp')].count('ipv6') <= 3, 'too much', kinds)
    equal([k for k in kinds if k != 'ipv6'][:5],
          ['dhcp', 'dhcp', 'arp', 'arp', 'tcp'],
          'first frames', r)


def lease(name, options, **kw):
    @on('dhcp-' + name, ('posix',))
    def run(machine):
        deliver_over(machine, dhcp=lambda w, k, x: ether.offer(
            w, k, x, options), **kw)


LONG = ether.lease(86400)
lease('no-router', MASK + DNS + LONG)
lease('no-dns', MASK + ROUTER + LONG)
lease('no-mask', ROUTER + LONG)
lease('no-lease-time', MASK + ROUTER)
lease('lease-0', MASK + ROUTER + ether.lease(0))
lease('lease-1', MASK + ROUTER + ether.lease(1))
lease('lease-for-ever', MASK + ROUTER + ether.lease(0xffffffff))
lease('padded', b'\0' * 7 + MASK + b'\0' + ROUTER + LONG)
lease('many-options', MASK + ROUTER + LONG + b''.join(
    ether.option(code, b'x' * 4) for code in range(60, 200)))
lease('many-servers', MASK + ether.option(3, ether.HOST * 20) +
      ether.option(6, ether.HOST * 60) + LONG)
lease('twice', MASK + ROUTER + LONG + MASK + ROUTER)
lease('odd-options', MASK + ROUTER + LONG + ether.option(42, b'x') +
      ether.option(15) + ether.option(252, b'y' * 200))


def no_lease(name, dhcp, *words, machines=('posix',)):
    @on('dhcp-' + name, machines, slow=True)
    def run(machine):
        with neighbour(dhcp=dhcp) as wire:
            start = time.monotonic()
            r = over(wire, machine)
        expect(r, 74, 'temporary', 'DHCP', *words)
        took = time.monotonic() - start
        check(took < 90, 'too long', r)
        check('tcp' not in wire.kinds(), 'packets without an address', r)
        # asked again, but no storm. The busiest is a server that always says
        # NAK: one is heard each second and answered by a DISCOVER and a
        # REQUEST, and the REQUEST is said again before the next is heard
        count = wire.kinds().count('dhcp')
        check(2 <= count <= 3 * (took + 1), f'{count} DHCP messages', r)


def only_offer(w, kind, xid):
    return ether.offer(w, kind, xid) if kind == DISCOVER else []


def nak(w, kind, xid):
    return (ether.offer(w, kind, xid) if kind == DISCOVER else
            [ether.bootp(xid, w.mac, NAK, SERVER)])


def broken(w, kind, xid):
    """What no client should take."""
    good = ether.offer(w, kind, xid)[0]
    options = good[240:]
    return [good[:200], good[:240], good[:-1],
            good[:240] + b'\x35\xff\x02\xff', good[:236] + b'\0\0\0\0' +
            options, b'', good[:240] + b'\xff', b'\1' + good[1:],
            ether.bootp(xid ^ 1, w.mac, ACK, SERVER + MASK),
            good[:240] + option_cut(options), os.urandom(300),
            good[:-1] + ether.option(6, b'abc') + b'\xff',
            good[:-1] + ether.option(3, b'ab') + b'\xff']


def option_cut(options):
    return options[:-3] + b'\x33\x04\0'


def zero_address(w, kind, xid):
    return [ether.bootp(xid, w.mac, 2 if kind == DISCOVER else ACK,
                        SERVER + MASK + LONG, bytes(4))]


no_lease('silent', lambda w, k, x: [], machines=('posix', 'microvm'))
no_lease('offer-then-silence', only_offer)
no_lease('nak', nak)
no_lease('broken', broken)
no_lease('zero-address', zero_address)


@on('no-arp', slow=True)
def no_arp(machine):
    """Neither the host nor a gateway answers ARP."""
    with neighbour(arp=False) as wire:
        r = over(wire, machine)
        expect(r, 74, 'temporary', 'answers ARP')
    check(wire.kinds().count('arp') >= 3, 'asked too seldom', r)
    check('tcp' not in wire.kinds(), 'sent into the blue', r)


def wrong_macs(which):
    """The wire's frames, but which(n) of its ARP replies, from 1, tell a wrong
    MAC; that nothing arrived at."""
    count = [0]

    def spoil(f):
        if f[12:14] == b'\x08\x06':
            count[0] += 1
            if which(count[0]):
                return [f[:27] + b'\x99' + f[28:]]
        return [f]
    return spoil


@on('wrong-mac')
def wrong_mac(machine):
    """ARP has no checksum: the first two answers are damaged."""
    r, wire = deliver_over(machine, spoil=wrong_macs(lambda n: n <= 2))
    check(any(f[5] == 0x99 for f in wire.frames), 'never believed', r)


@on('moved', ('posix',))
def moved(machine):
    """The gateway gets another MAC in the middle of a delivery, and it is
    some time before it has its old one again."""
    wrong = struct.pack('>HHBBH', 1, 0x0800, 6, 4, 1) + ether.MAC[:5] + \
        b'\x99' + ether.HOST + bytes(6) + ether.GUEST
    told = []

    def tell(wire):
        if wire.kinds().count('tcp') < 12 or told:
            return ()
        told.append(1)
        return [ether.ALL + ether.MAC[:5] + b'\x99\x08\x06' + wrong]
    r, wire = deliver_over(machine, noise=tell)
    check(any(f[5] == 0x99 for f in wire.frames), 'never believed', r)


def captured(mac):
    """The frames of tests/data that made lwIP read too far, for this MAC."""
    folder = os.path.join(TOP, 'tests', 'data', 'frames')
    found = []
    for name in sorted(os.listdir(folder)):
        if name != 'README':
            f = read(os.path.join(folder, name))[2:]
            found += [mac + f[6:], ether.ALL + f[6:]]
    return found


def wild(wire):
    """Runts, giants, cut and random frames, ARP of all kinds."""
    mac, rng = wire.mac, os.urandom
    whole = mac + ether.MAC + b'\x08\0' + ether.udp(53, 1024, b'x' * 40)
    segment = mac + ether.MAC + b'\x08\0' + ether.tcp(
        587, 49153, 1, 1, ether.ACKED, b'x' * 99)
    out = captured(mac)
    out += [whole[:n] for n in range(1, len(whole), 5)]
    out += [segment[:n] for n in range(14, len(segment), 7)]
    out += [mac + rng(n) for n in (0, 1, 8, 60, 1507, 1508, 1509, 4000, 9000)]
    out += [mac + ether.MAC + b'\x08\0\x45' + rng(60) for _ in range(3)]
    arp = struct.pack('>HHBBH', 1, 0x0800, 6, 4, 2) + rng(6)
    out += [mac + ether.MAC + b'\x08\x06' + arp + rng(14),
            mac + ether.MAC + b'\x08\x06' + arp[:9],
            ether.ALL + ether.MAC + b'\x08\x06' +
            struct.pack('>HHBBH', 1, 0x0800, 6, 4, 1) + ether.MAC +
            ether.HOST + bytes(6) + ether.GUEST]
    return out


@on('wild-frames')
def wild_frames(machine):
    deliver_over(machine, noise=wild)


@on('duplicate-frames')
def duplicates(machine):
    deliver_over(machine, spoil=lambda f: [f, f, f])


@on('cut-frames', ('posix',))
def cut_frames(machine):
    """Each frame comes cut short first; then whole."""
    deliver_over(machine, spoil=lambda f: [f[:n] for n in (
        13, 14, 20, 33, 34, 41, 53, len(f) - 1)] + [f])


@on('padded-frames', ('posix',))
def padded(machine):
    """Bytes behind the IP packet are nobody's."""
    deliver_over(machine, spoil=lambda f: [f + b'\xee' * (
        1514 - len(f))] if len(f) < 1514 else [f])


@on('flipped-frames', ('posix',))
def flipped(machine):
    """A damaged copy before each frame: the checksums must tell."""
    def spoil(f):
        bad = bytearray(f)
        at = 14 + struct.unpack('>I', os.urandom(4))[0] % (len(f) - 14)
        if f[12:14] == b'\x08\x06':
            return [f]                      # ARP has no checksum
        bad[at] ^= 0x10
        return [bytes(bad), f]
    deliver_over(machine, spoil=spoil)


@on('arp-storm')
def arp_storm(machine):
    """As many ARP requests and foreign replies as fit."""
    def storm(wire):
        if wire.frames[-1][12:14] == b'\x08\x06':
            return ()                       # an answer to the storm, perhaps
        who = [ether.HOST[:3] + bytes((n,)) for n in range(20, 80)]
        return [ether.ALL + ether.MAC + b'\x08\x06' + struct.pack(
            '>HHBBH', 1, 0x0800, 6, 4, 1 + n % 2) + ether.MAC[:5] +
            bytes((n,)) + a + bytes(6) + ether.GUEST
            for n, a in enumerate(who)]
    deliver_over(machine, noise=storm)


@on('one-byte-segments', ('posix',))
def small_segments(machine):
    """The server's bytes in segments of one byte each."""
    def spoil(f):
        if f[12:14] != b'\x08\0' or f[23] != 6 or len(f) <= 54:
            return [f]
        sport, dport, seq, ack, off, flags = struct.unpack('>HHIIBB',
                                                           f[34:48])
        if flags & ether.SYN:
            return [f]
        return [f[:14] + ether.tcp(sport, dport, seq + i, ack, flags,
                                   f[54 + i:55 + i], src=f[26:30])
                for i in range(len(f) - 54)]
    deliver_over(machine, spoil=spoil)


@on('small-windows')
def small_windows(machine):
    """No window at first, then small ones: segments that wait are longer
    than any window seen. What comes is taken, whatever the window was."""
    deliver_over(machine, window=lambda n: (0, 1, 2, 3, 40, 200, 7, 900)[n]
                 if n < 8 else 64000)


@on('out-of-order', ('posix',))
def out_of_order(machine):
    """Each segment of two halves, the second first."""
    def spoil(f):
        if f[12:14] != b'\x08\0' or f[23] != 6 or len(f) <= 56:
            return [f]
        sport, dport, seq, ack, off, flags = struct.unpack('>HHIIBB',
                                                           f[34:48])
        if flags & ether.SYN:
            return [f]
        n = (len(f) - 54) // 2
        return [f[:14] + ether.tcp(sport, dport, seq + a, ack, flags,
                                   f[54 + a:54 + b], src=f[26:30])
                for a, b in ((n, len(f)), (0, n))]
    deliver_over(machine, spoil=spoil)


# ------------------------------------------------------------------ the link

@case('network/link-down', slow=True)
def link_down():
    """No carrier at the start: 74, and the reason says link."""
    r = monitored(('set_link', {'name': 'net0', 'up': False}))
    expect(r, 74, 'temporary', 'link')


@case('network/link-up-later')
def link_up_later():
    """The cable is put in after two seconds."""
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        r = monitored(('set_link', {'name': 'net0', 'up': False}), 2,
                      ('set_link', {'name': 'net0', 'up': True}),
                      port=srv.port)
    expect(r, 0, 'sent')
    check(r.report['ms']['link'] < 5000, 'noticed late', r)


def monitored(first, *later, port=587):
    """A run under QEMU's monitor: first before the guest runs, later while
    it does (a number: seconds to wait)."""
    path = os.path.join(new_dir('qmp'), 'qmp')

    def operate():
        with socket.socket(socket.AF_UNIX) as s:
            while s.connect_ex(path) != 0:      # bound is not yet listening
                time.sleep(0.01)
            f = s.makefile('rw')
            f.readline()
            for name, args in (('qmp_capabilities', {}), first, ('cont', {}),
                               *((x, None) if isinstance(x, int) else x
                                 for x in later)):
                if args is None:
                    time.sleep(name)
                    continue
                f.write(json.dumps({'execute': name, 'arguments': args}))
                f.flush()
                while 'return' not in json.loads(f.readline()):
                    pass
            f.readline()                        # until it ends

    helper = threading.Thread(target=operate, daemon=True)
    helper.start()
    r = send('microvm', port, env={'QEMU': extra_qemu(
        '-S', '-qmp', f'unix:{path},server=on,wait=off')})
    helper.join(5)
    return r


# ---------------------------------------------------------------------- names

def resolve(machine, host, port, answers, dns=DnsServer):
    with port53, dns(answers, port53=True) as srv:
        if not srv.on_53:
            raise Skip('port 53 of the loopback cannot be had')
        return launch(machine, 'rcpt@mail.test', message=MESSAGE, timeout=40,
                      conf=conf(port, host=host, user=WHO,
                                more='dns 10.0.2.2\n'),
                      files=files(password=SECRET)), srv


def strange_name(name, answer, status, outcome, *words, **kw):
    @on('dns-' + name, ('posix',), **kw)
    def run(machine):
        r, dns = resolve(machine, 'mail.test', 587, {'mail.test': answer})
        expect(r, status, outcome, *words)
        check(1 <= len(dns.queries) <= 12, f'{len(dns.queries)} queries', r)


strange_name('dropped', DROP, 68, 'temporary', 'does not answer', slow=True)
strange_name('garbage', GARBAGE, 68, 'temporary', 'does not answer',
             slow=True)
strange_name('wrong-id', WRONGID, 68, 'temporary', 'does not answer',
             slow=True)
strange_name('no-data', NODATA, 68, 'permanent', 'no address')
for address in ('0.0.0.0', '127.0.0.1', '255.255.255.255', '224.0.0.1',
                '10.0.2.255', '10.0.2.15'):
    strange_name('answer-' + address, address, 74, 'temporary', address)


@on('dns-recovers', ('posix',))
def dns_recovers(machine):
    """Garbage and a wrong id first; then the answer."""
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        r, _ = resolve(machine, 'MAIL.Test', srv.port,
                       {'mail.test': [GARBAGE, WRONGID, '10.0.2.2']})
    expect(r, 0, 'sent')


@on('dns-trailing-dot', ('posix',))
def trailing_dot(machine):
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        r, _ = resolve(machine, 'mail.test.', srv.port,
                       {'mail.test': '10.0.2.2'})
        expect(r, 0, 'sent')
        equal(srv.wires[0].tls['sni'], 'mail.test', 'SNI', r)


def labels(length):
    """A host name of that many characters."""
    text = 'x' * length
    return '.'.join(text[i:i + 50] for i in range(0, length, 51))[:length]


@on('dns-long-name', ('posix',))
def long_name(machine):
    r, dns = resolve(machine, labels(253), 587, {})
    expect(r, 68, 'permanent', 'not found')
    equal(len(dns.queries[0][0]), 253, 'length asked for', r)
    for host in (labels(254), labels(300), 'x' * 64 + '.test', 'a..test',
                 'ma il.test', 'x' * 4000):
        r, dns = resolve(machine, host, 587, {})
        equal(dns.queries, [], 'asked for ' + host[:70], r)
        check(r.status == 78, 'exit status for ' + host[:70], r)


class Aliases(DnsServer):
    """Everything is an alias of the next: answers[name] is the chain."""

    def reply(self, packet):
        question = packet[12:]
        self.queries.append(question)
        chain, last = self.answers['mail.test']
        names = [b'\xc0\x0c'] + [b'\3c%02d\4test\0' % i for i in range(chain)]
        out = b''
        for a, b in zip(names, names[1:]):
            out += a + struct.pack('>HHIH', 5, 1, 60, len(b)) + b
        if last:
            out += names[-1] + struct.pack('>HHIH4s', 1, 1, 60, 4,
                                           socket.inet_aton(last))
        return (packet[:2] + struct.pack('>HHHHH', 0x8180, 1,
                                         chain + bool(last), 0, 0) +
                question + out)


@on('dns-aliases', ('posix',))
def aliases(machine):
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        r, _ = resolve(machine, 'mail.test', srv.port,
                       {'mail.test': (8, '10.0.2.2')}, Aliases)
        expect(r, 0, 'sent')
        for chain, last in ((9, '10.0.2.2'), (40, None)):
            r, _ = resolve(machine, 'mail.test', srv.port,
                           {'mail.test': (chain, last)}, Aliases)
            expect(r, 68, 'temporary', 'mail.test')


# ------------------------------------------------------------------ on the wire

def packets(path):
    """(seconds, from the guest?, TCP flags, payload length) of each TCP
    segment."""
    data, at, out = read(path), 24, []
    while at + 16 <= len(data):
        sec, usec, n, _ = struct.unpack('<IIII', data[at:at + 16])
        f = data[at + 16:at + 16 + n]
        at += 16 + n
        if f[12:14] == b'\x08\0' and f[23] == 6:
            total, = struct.unpack('>H', f[16:18])
            out.append((sec + usec / 1e6, f[26:30] == ether.GUEST, f[47],
                        total - 20 - (f[46] >> 4) * 4))
    return out


@on('few-segments')
def few_segments(machine):
    """A small submission: what belongs together shares a segment, nothing
    is sent twice, and nobody waits for a delayed acknowledgement."""
    pcap = os.path.join(new_dir('pcap'), 'net')
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        r = send(machine, srv.port, '--pcap', pcap)
    expect(r, 0, 'sent')
    seen = packets(pcap)
    ours = [n for _, guest, _, n in seen if guest and n]
    # EHLO STARTTLS hello finished EHLO AUTH MAIL+RCPT+DATA text+dot QUIT bye
    check(len(ours) <= 11, f'{len(ours)} segments with data: {ours}', r)
    check(len(seen) <= 45, f'{len(seen)} segments in all', r)
    slow = [b[0] - a[0] for a, b in zip(seen, seen[1:]) if b[1]]
    check(sorted(slow)[len(slow) // 2] < 0.04,
          f'the guest waits before it answers: {slow}', r)


@case('network/bulk', slow=True)
def bulk():
    """25 MiB to a real server: no segment twice, no stall between two."""
    srv = server('exim')
    message = head('bulk') + (b'x' * 76 + b'\n') * (25 * 1024 * 1024 // 77)
    pcap = os.path.join(new_dir('pcap'), 'net')
    r = launch('posix', '--image', image('posix'), '--pcap', pcap,
               'rcpt@mail.test', message=message, files=files(), timeout=100,
               conf=conf(srv.starttls_port), hang=150)
    expect_sent(r, srv, 'bulk', message)
    seen = packets(pcap)
    sent = sum(n for _, guest, _, n in seen if guest)
    check(sent < len(message) * 1.06, f'{sent} bytes for {len(message)}', r)
    stalls = [b[0] - a[0] for a, b in zip(seen, seen[1:]) if
              b[0] - a[0] > 0.5]
    check(len(stalls) <= 2, f'stalls: {stalls}', r)  # a busy host has some
    check(not any(f & ether.RST for _, _, f, _ in seen[:-5]), 'a reset', r)


@case('network/tap')
def tap():
    """posix over a tap with a static address, to a server on this host."""
    name, host = f'bm{os.getpid() % 10000}', '10.213.7.1'
    made = subprocess.run(['ip', 'tuntap', 'add', name, 'mode', 'tap'],
                          capture_output=True) if can_ip() else None
    if made is None or made.returncode:
        raise Skip('no tap can be made here')
    try:
        succeed(['ip', 'addr', 'add', host + '/24', 'dev', name])
        succeed(['ip', 'link', 'set', name, 'up'])
        with Fake(Dialogue(users=USERS), pki=pki(), host=host) as srv:
            r = launch('posix', '--net', 'tap:' + name, 'rcpt@mail.test',
                       message=MESSAGE, files=files(password=SECRET),
                       conf=conf(srv.port, host=host, user=WHO, more=(
                           'ip 10.213.7.2/24\n'
                           'tls_host_override mail.test\n')))
        expect(r, 0, 'sent')
    finally:
        succeed(['ip', 'link', 'del', name])


def can_ip():
    return shutil.which('ip') and os.path.exists('/dev/net/tun')
