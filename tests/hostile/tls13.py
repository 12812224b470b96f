"""A TLS 1.3 server (RFC 8446) that can break one rule at a time.

    class of Fake: Rogue(script, twist={...}, pki=...)

TLS_CHACHA20_POLY1305_SHA256 over P-256 with an ECDSA P-256 certificate, in
the standard library's integers: for tests alone, slow, and not in constant
time. It stands where Python's ssl stands in fake.Peer. What a twist may be:

    hello      dict of ServerHello's fields to replace: version, random,
               session, cipher, compression, selected, group, share, extra
    retry      a HelloRetryRequest first, for this group; `retries` of them
    flight     function (list of (name, message bytes)) -> the list to send;
               names: encrypted-extensions, certificate, verify, finished
    certs      the chain as DER, in place of the real one
    scheme     signature scheme named in CertificateVerify
    signed     function (bytes to be signed) -> others
    raw        function (Session, name) called before each message goes out
    after      function (Session) called when the handshake is over
"""
import hashlib
import hmac
import os
import re
import ssl
import struct

from fake import Fake
from harness import succeed
from lab import read

# ------------------------------------------------------------------- P-256
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        m = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        m = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (m * m - a[0] - b[0]) % P
    return x, (m * (a[0] - x) - a[1]) % P


def multiply(k, point=G):
    out = None
    while k:
        if k & 1:
            out = _add(out, point)
        point, k = _add(point, point), k >> 1
    return out


def point_bytes(p):
    return b'\4' + p[0].to_bytes(32, 'big') + p[1].to_bytes(32, 'big')


def _der_int(n):
    b = n.to_bytes(n.bit_length() // 8 + 1, 'big')
    return bytes((2, len(b))) + b


def sign(key, text):
    k = int.from_bytes(os.urandom(32), 'big') % (N - 1) + 1
    e = int.from_bytes(hashlib.sha256(text).digest(), 'big')
    r = multiply(k)[0] % N
    body = _der_int(r) + _der_int(pow(k, -1, N) * (e + r * key) % N)
    return bytes((0x30, len(body))) + body


# ------------------------------------------- ChaCha20-Poly1305 (RFC 8439)
def _quarter(s, a, b, c, d):
    for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8),
                       (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xffffffff
        v = s[z] ^ s[x]
        s[z] = (v << n | v >> 32 - n) & 0xffffffff


def _block(key, count, nonce):
    first = list(struct.unpack('<16I', b'expand 32-byte k' + key +
                               struct.pack('<I', count) + nonce))
    s = list(first)
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14),
                           (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12),
                           (2, 7, 8, 13), (3, 4, 9, 14)):
            _quarter(s, a, b, c, d)
    return struct.pack('<16I', *((x + y) & 0xffffffff
                                 for x, y in zip(s, first)))


def _stream(key, nonce, data):
    out = bytearray(data)
    for i in range(0, len(out), 64):
        block = _block(key, 1 + i // 64, nonce)
        for j in range(min(64, len(out) - i)):
            out[i + j] ^= block[j]
    return bytes(out)


def _tag(key, nonce, ad, text):
    one = _block(key, 0, nonce)[:32]
    r = int.from_bytes(one[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff
    data = b''.join(x + bytes(-len(x) % 16) for x in (ad, text)) + \
        struct.pack('<QQ', len(ad), len(text))
    acc = 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i:i + 16] + b'\1', 'little')) * r % (
            2**130 - 5)
    return ((acc + int.from_bytes(one[16:], 'little')) % 2**128).to_bytes(
        16, 'little')


# --------------------------------------------------------------- schedule
def extract(salt, key):
    return hmac.digest(salt, key, 'sha256')


def expand(secret, label, context=b'', length=32):
    label = b'tls13 ' + label
    info = struct.pack('>HB', length, len(label)) + label + bytes(
        (len(context),)) + context
    return hmac.digest(secret, info + b'\1', 'sha256')[:length]


class Keys:
    """One direction under one secret."""

    def __init__(self, secret):
        self.secret = secret
        self.key, self.iv = expand(secret, b'key'), expand(secret, b'iv', b'',
                                                           12)
        self.number = 0

    def nonce(self):
        n = (int.from_bytes(self.iv, 'big') ^ self.number).to_bytes(12, 'big')
        self.number += 1
        return n

    def seal(self, kind, text, pad=0):
        text += bytes((kind,)) + bytes(pad)
        head = b'\x17\3\3' + struct.pack('>H', len(text) + 16)
        nonce = self.nonce()
        text = _stream(self.key, nonce, text)
        return head + text + _tag(self.key, nonce, head, text)

    def open(self, head, body):
        nonce = self.nonce()
        if _tag(self.key, nonce, head, body[:-16]) != body[-16:]:
            raise ssl.SSLError('a record of the client is damaged')
        text = _stream(self.key, nonce, body[:-16]).rstrip(b'\0')
        return text[-1], text[:-1]


def message(kind, body):
    return bytes((kind,)) + struct.pack('>I', len(body))[1:] + body


def vector(size, *parts):
    body = b''.join(parts)
    return len(body).to_bytes(size, 'big') + body


def extension(kind, body):
    return struct.pack('>H', kind) + vector(2, body)


RETRY = hashlib.sha256(b'HelloRetryRequest').digest()
HANDSHAKE, ALERT, CHANGE, DATA = 22, 21, 20, 23


class Session:
    """What ssl.SSLObject is to fake.Peer."""

    def __init__(self, twist, chain, key, inb, out):
        self.twist, self.chain, self.key = twist, chain, key
        self.inb, self.out = inb, out
        self.wire, self.plain = b'', b''
        self.transcript = b''
        self.read_keys = self.write_keys = None
        self.end = False
        self._steps = self._handshake()

    # ------------------------------------------------ what Peer asks for
    def do_handshake(self):
        for _ in self._steps:
            raise ssl.SSLWantReadError()

    def version(self):
        return 'TLSv1.3'

    def cipher(self):
        return ('TLS_CHACHA20_POLY1305_SHA256', 'TLSv1.3', 256)

    def write(self, data):
        for at in range(0, len(data), 4096):
            self.put(DATA, data[at:at + 4096])

    def read(self, _):
        while not self.plain and not self.end:
            try:
                kind, text = next(self._records())
            except StopIteration:
                raise ssl.SSLEOFError() if self.inb.eof else \
                    ssl.SSLWantReadError()
            if kind == DATA:
                self.plain += text
            elif kind == ALERT:
                self.end = True
        out, self.plain = self.plain, b''
        return out

    def unwrap(self):
        self.put(ALERT, b'\1\0')

    # ------------------------------------------------------------ records
    def put(self, kind, text, pad=0):
        """One record, under the keys of now, if there are any."""
        self.out.write(self.write_keys.seal(kind, text, pad)
                       if self.write_keys and kind != CHANGE else
                       bytes((kind, 3, 3)) + vector(2, text))

    def _records(self):
        """The whole records that have come."""
        self.wire += self.inb.read()
        while len(self.wire) >= 5:
            size, = struct.unpack('>H', self.wire[3:5])
            if len(self.wire) < 5 + size:
                return
            head, body = self.wire[:5], self.wire[5:5 + size]
            self.wire = self.wire[5 + size:]
            if head[0] == CHANGE:
                continue
            yield (self.read_keys.open(head, body)
                   if self.read_keys and head[0] == DATA else (head[0], body))

    def _message(self, wanted):
        """Yields while it has not come; returns its bytes."""
        got = b''
        while len(got) < 4 or len(got) < 4 + int.from_bytes(got[1:4], 'big'):
            for kind, text in self._records():
                if kind == ALERT:
                    raise ssl.SSLError('the client sends alert %d' % text[1])
                got += text
                break
            else:
                yield
        if got[0] != wanted:
            raise ssl.SSLError('message %d, wanted %d' % (got[0], wanted))
        self.transcript += got
        return got

    # ---------------------------------------------------------- handshake
    def _say(self, name, text, keep=True):
        if 'raw' in self.twist:
            self.twist['raw'](self, name)
        if keep:
            self.transcript += text
        self.put(HANDSHAKE, text)

    def _hash(self):
        return hashlib.sha256(self.transcript).digest()

    def _hello(self, session, random, extensions, fields):
        f = {'version': 0x0303, 'random': random, 'session': session,
             'cipher': 0x1303, 'compression': 0, 'extra': b'', **fields}
        return message(2, struct.pack('>H', f['version']) + f['random'] +
                       vector(1, f['session']) + struct.pack(
                           '>HB', f['cipher'], f['compression']) +
                       vector(2, extensions + f['extra']))

    def _handshake(self):
        hello = yield from self._message(1)
        session, share = parse_hello(hello)
        fields = self.twist.get('hello', {})
        selected = extension(43, struct.pack('>H', fields.get(
            'selected', 0x0304)))
        for _ in range(self.twist.get('retries', 1) if 'retry' in self.twist
                       else 0):
            self.transcript = message(254, self._hash())
            self._say('retry', self._hello(session, RETRY, selected + extension(
                51, struct.pack('>H', self.twist['retry'])), fields))
            hello = yield from self._message(1)
            session, share = parse_hello(hello)
        mine = int.from_bytes(os.urandom(32), 'big') % (N - 1) + 1
        self._say('hello', self._hello(session, os.urandom(32), selected + (
            extension(51, struct.pack('>H', fields.get('group', 23)) + vector(
                2, fields.get('share', point_bytes(multiply(mine)))))), fields))
        shared = multiply(mine, share)[0].to_bytes(32, 'big') if share else b''
        empty = hashlib.sha256(b'').digest()
        early = extract(bytes(32), bytes(32))
        secret = extract(expand(early, b'derived', empty), shared)
        now = self._hash()
        client = expand(secret, b'c hs traffic', now)
        self.put(CHANGE, b'\1')
        self.write_keys = Keys(expand(secret, b's hs traffic', now))
        for name, text in self.twist.get('flight', list)(self._flight()):
            self._say(name, text, keep=False)
        main = extract(expand(secret, b'derived', empty), bytes(32))
        now = self._hash()
        self.write_keys = Keys(expand(main, b's ap traffic', now))
        self.read_keys = Keys(client)
        yield from self._message(20)
        self.read_keys = Keys(expand(main, b'c ap traffic', now))
        if 'after' in self.twist:
            self.twist['after'](self)

    def _flight(self):
        """The messages after ServerHello, as they should be but for twists;
        the transcript takes them as they leave here."""
        def keep(text):
            self.transcript += text
            return text
        chain = self.twist.get('certs', self.chain)
        out = [('encrypted-extensions', keep(message(8, vector(
            2, self.twist.get('extensions', b''))))),
            ('certificate', keep(message(11, vector(1, self.twist.get(
                'context', b'')) + vector(3, *(vector(3, c) + b'\0\0'
                                               for c in chain)))))]
        text = b' ' * 64 + b'TLS 1.3, server CertificateVerify\0' + \
            self._hash()
        text = self.twist.get('signed', bytes)(text)
        out.append(('verify', keep(message(15, struct.pack(
            '>H', self.twist.get('scheme', 0x0403)) + vector(
                2, sign(self.key, text))))))
        key = expand(self.write_keys.secret, b'finished')
        out.append(('finished', keep(message(20, hmac.digest(
            key, self._hash(), 'sha256')))))
        return out


def parse_hello(hello):
    """(session id, the client's P-256 point or None)"""
    at = 4 + 34
    session = hello[at + 1:at + 1 + hello[at]]
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at:at + 2], 'big')
    at += 1 + hello[at] + 2
    while at < len(hello):
        kind, size = struct.unpack('>HH', hello[at:at + 4])
        body = hello[at + 4:at + 4 + size]
        at += 4 + size
        found = re.search(rb'\x00\x17\x00\x41\x04(.{64})', body, re.S)
        if kind == 51 and found:
            p = found.group(1)
            return session, (int.from_bytes(p[:32], 'big'),
                             int.from_bytes(p[32:], 'big'))
    return session, None


class _Context:
    def __init__(self, twist, chain, key):
        self.twist, self.chain, self.key = twist, chain, key

    def wrap_bio(self, inb, out, server_side):
        return Session(self.twist, self.chain, self.key, inb, out)


class Rogue(Fake):
    """Fake with this TLS in place of Python's."""

    def __init__(self, script, twist=None, **kw):
        self.twist = twist or {}
        super().__init__(script, **kw)

    def context(self):
        chain, key = self.pki.cert(self.cert)
        ders = [ssl.PEM_cert_to_DER_cert(p + '-----END CERTIFICATE-----')
                for p in read(chain).decode().split(
                    '-----END CERTIFICATE-----')[:-1]]
        text = succeed(['openssl', 'ec', '-in', key, '-noout', '-text'])
        number = re.search(r'priv:([\s0-9a-f:]+?)pub:', text.stdout.decode())
        return _Context(self.twist, ders, int(re.sub(
            r'[\s:]', '', number.group(1)), 16))
