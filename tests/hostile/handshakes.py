"""A TLS 1.3 server that breaks one rule, and one that breaks none."""
import os

from fake import Dialogue
from scenario import USERS, group, row
from tls13 import (ALERT, CHANGE, DATA, HANDSHAKE, RETRY, Rogue, extension,
                   message)

group('handshake')


def twisted(name, twist, status=76, words=(), **kw):
    kw.setdefault('withheld', status == 76)
    row('tls13-' + name, {}, status, words,
        message={0: 1, (0, 76): None}.get(status, 0),
        server=Rogue, fake={'twist': twist}, quick=15, **kw)


twisted('good', {}, 0, vm=True, only_ours='it may offer no key for P-256')

# -------------------------------------------------------------- ServerHello
for name, fields in (
        ('cipher-not-offered', {'cipher': 0x1304}),
        ('cipher-of-tls12', {'cipher': 0xc02b}),
        ('cipher-null', {'cipher': 0}),
        ('compressed', {'compression': 1}),
        ('version-next', {'selected': 0x0305}),
        ('version-12-selected', {'selected': 0x0303}),
        ('version-ssl3', {'version': 0x0300}),
        ('session-not-echoed', {'session': b'x' * 32}),
        ('session-too-long', {'session': b'x' * 33}),
        ('group-not-offered', {'group': 30, 'share': os.urandom(56)}),
        ('group-other', {'group': 24, 'share': b'\4' + os.urandom(96)}),
        ('share-off-curve', {'share': b'\4' + b'\1' * 64}),
        ('share-zero', {'share': b'\4' + bytes(64)}),
        ('share-infinity', {'share': b'\0'}),
        ('share-short', {'share': b'\4' + b'\1' * 63}),
        ('share-empty', {'share': b''}),
        ('extension-unasked', {'extra': extension(0xfafa, b'')}),
        ('psk-unasked', {'extra': extension(41, b'\0\0')}),
        ('share-twice', {'extra': extension(51, b'\0\x17\0\x41\4' + bytes(
            64))})):
    twisted('hello-' + name, {'hello': fields})
# Mbed TLS does not see that one comes twice (RFC 8446 4.2): no harm here
twisted('hello-version-twice', {'hello': {'extra': extension(
    43, b'\3\4')}}, (0, 76), withheld=False)
for ends in (b'DOWNGRD\1', b'DOWNGRD\0'):
    twisted(f'downgrade-{ends[-1]}', {'hello': {
        'selected': 0x0304, 'random': os.urandom(24) + ends}}, 0,
        only_ours='as above')  # with TLS 1.3 selected the bytes mean nothing


def flat(random):
    """A ServerHello of TLS 1.2, from a server that could do 1.3."""
    def raw(session, name):
        if name != 'hello':
            return
        body = b'\3\3' + random + b'\0' + b'\xc0\x2b\0' + b'\0\0'
        session.put(HANDSHAKE, message(2, body))
    return raw


twisted('downgrade-to-12', {'raw': flat(os.urandom(24) + b'DOWNGRD\1')})
twisted('downgrade-to-11', {'raw': flat(os.urandom(24) + b'DOWNGRD\0')})

# -------------------------------------------------------- HelloRetryRequest
twisted('retry-same-group', {'retry': 23})
twisted('retry-not-offered', {'retry': 30})
twisted('retry-twice', {'retry': 29, 'retries': 2})
twisted('retry-for-ever', {'retry': 29, 'retries': 50})
twisted('retry-as-hello', {'hello': {'random': RETRY}})


# ------------------------------------------------------------------- flight

def without(*names):
    return lambda out: [x for x in out if x[0] not in names]


def change(which, how):
    return lambda out: [(n, how(t) if n == which else t) for n, t in out]


def twice(which):
    return lambda out: [x for n in out for x in ([n, n] if n[0] == which
                                                 else [n])]


def flip(at):
    def how(text):
        text = bytearray(text)
        text[at] ^= 1
        return bytes(text)
    return how


REQUEST = message(13, b'\0' + b'\0\x08' + b'\0\x0d\0\4\0\2\4\3')
for name, flight in (
        ('no-extensions', without('encrypted-extensions')),
        ('no-certificate', without('certificate')),
        ('no-verify', without('verify')),
        ('no-certificate-no-verify', without('certificate', 'verify')),
        ('backwards', lambda out: out[::-1]),
        ('verify-first', lambda out: [out[0], out[2], out[1], out[3]]),
        ('finished-first', lambda out: [out[3], *out[:3]]),
        ('extensions-twice', twice('encrypted-extensions')),
        ('certificate-twice', twice('certificate')),
        ('verify-twice', twice('verify')),
        ('finished-wrong', change('finished', flip(-1))),
        ('finished-short', change('finished',
                                  lambda t: message(20, t[4:-1]))),
        ('finished-long', change('finished', lambda t: message(20, t[4:] +
                                                               b'\0'))),
        ('finished-empty', change('finished', lambda t: message(20, b''))),
        ('signature-wrong', change('verify', flip(-1))),
        ('signature-empty', change('verify', lambda t: message(
            15, b'\4\3\0\0'))),
        ('certificate-cut', change('certificate', lambda t: message(
            11, t[4:-5]))),
        ('certificate-flipped', change('certificate', flip(60))),
        ('extensions-cut', change('encrypted-extensions',
                                  lambda t: message(8, b'\0'))),
        ('message-unknown', lambda out: [out[0], ('x', message(99, b'')),
                                         *out[1:]]),
        ('hello-again', lambda out: [('x', message(2, bytes(40))), *out]),
        ('key-update', lambda out: [out[0], ('x', message(24, b'\0')),
                                    *out[1:]]),
        ('ticket-early', lambda out: [('x', message(4, bytes(20))), *out]),
        ('request-after-certificate', lambda out: [
            *out[:2], ('x', REQUEST), *out[2:]])):
    twisted('flight-' + name, {'flight': flight}, (76, 77))
# 16 MB are promised, and never come
twisted('flight-message-huge', {'flight': lambda out: [
    ('x', b'\x08\xff\xff\xff' + bytes(200)), *out]}, (75, 76), patience=2)
twisted('finished-missing', {'flight': without('finished')}, 75, 'handshake',
        patience=2)

for name, twist in (
        ('certificate-none', {'certs': []}),
        ('certificate-empty', {'certs': [b'']}),
        ('certificate-garbage', {'certs': [b'\x30\x82' + os.urandom(300)]}),
        ('certificate-context', {'context': b'x'}),
        ('scheme-sha1', {'scheme': 0x0203}),
        ('scheme-rsa', {'scheme': 0x0804}),
        ('scheme-p384', {'scheme': 0x0503}),
        ('scheme-unknown', {'scheme': 0xfefe}),
        ('signed-by-client', {'signed': lambda t: t.replace(b'server',
                                                            b'client')}),
        ('signed-other-hash', {'signed': lambda t: t[:-32] + bytes(32)}),
        ('extension-unasked-alpn', {'extensions': extension(
            16, b'\0\3\2h2')}),
        ('extension-early-data', {'extensions': extension(42, b'')}),
        ('extension-key-share', {'extensions': extension(51, b'\0\x17')})):
    twisted(name, twist, (76, 77))


# -------------------------------------------------- records, alerts, in clear

def before(which, *records):
    """These go out before that message: (kind, text) or bytes as they are."""
    def raw(session, name):
        if name == which:
            for r in records:
                if isinstance(r, bytes):
                    session.out.write(r)
                else:
                    session.put(*r)
    return raw


STEPS = ('hello', 'encrypted-extensions', 'certificate', 'verify', 'finished')
for step in STEPS:
    for alert, word in ((40, 'handshake_failure'), (80, 'internal_error')):
        twisted(f'alert-{alert}-before-{step}', {'raw': before(
            step, (ALERT, bytes((2, alert))))}, 76, word)
    twisted(f'bye-before-{step}', {'raw': before(step, (ALERT, b'\1\0'))},
            (75, 76))
    twisted(f'data-before-{step}', {'raw': before(
        step, (DATA, b'250 ok\r\n'))})
    twisted(f'change-wrong-before-{step}', {'raw': before(
        step, (CHANGE, b'\2'))})
    if step == 'hello':
        continue
    twisted(f'clear-before-{step}', {'raw': before(
        step, b'\x16\3\3\0\6' + message(8, b'\0\0'))})
    twisted(f'damaged-before-{step}', {'raw': before(
        step, b'\x17\3\3\0\x20' + b'\xa5' * 32)})
    twisted(f'oversized-before-{step}', {'raw': before(
        step, b'\x17\3\3\x41\x01' + bytes(0x4101))})
    twisted(f'no-type-before-{step}', {'raw': before(step, (0, b''))})
for name, records in (('alert-of-one-byte', ((ALERT, b'\2'),)),
                      ('handshake-empty', ((HANDSHAKE, b''),)),
                      ('record-kind-99', ((99, b'x'),))):
    twisted(name, {'raw': before('certificate', *records)})


# ----------------------------------------------------------- when it is over

def later(*records):
    def after(session):
        before('', *records)(session, '')
    return after


TICKET = message(4, bytes(8) + b'\0' + b'\0\4abcd' + b'\0\0')
for name, records, status in (
        ('ticket', ((HANDSHAKE, TICKET),), 0),
        ('tickets-100', ((HANDSHAKE, TICKET),) * 100, 0),
        ('empty-data', ((DATA, b''),) * 3, 0),
        # Mbed TLS calls the fourth in a row an attack
        ('empty-data-1000', ((DATA, b''),) * 1000, (0, 76)),
        ('padded-data', ((DATA, b'', 4000),), 0),
        ('ticket-in-pieces', ((HANDSHAKE, TICKET[:5]),
                              (HANDSHAKE, TICKET[5:])), 0),
        # without resumption nobody looks into a ticket
        ('ticket-garbage', ((HANDSHAKE, message(4, b'\1\2\3')),), (0, 76)),
        ('request', ((HANDSHAKE, REQUEST),), 76),
        ('hello', ((HANDSHAKE, message(1, bytes(60))),), 76),
        ('finished-again', ((HANDSHAKE, message(20, bytes(32))),), 76),
        ('key-update', ((HANDSHAKE, message(24, b'\0')),), 76),
        ('alert', ((ALERT, b'\2\x28'),), 76),
        ('alert-warning-unknown', ((ALERT, b'\1\x63'),), (0, 76)),
        ('damaged', (b'\x17\3\3\0\x20' + b'\xa5' * 32,), 76),
        ('clear-data', (b'\x17\3\3\0\x06' + b'250 ok',), 76),
        ('clear-handshake', (b'\x16\3\3\0\4\x14\0\0\0',), 76),
        ('oversized', (b'\x17\3\3\x41\x01' + bytes(0x4101),), 76),
        ('kind-0', ((0, b'x'),), 76)):
    # the client may have begun: what it says is never readable, judge() sees
    twisted('later-' + name, {'after': later(*records)}, status,
            withheld=False)


def one_byte_records(peer):
    send = peer.send
    peer.send = lambda data, *_: [send(data[i:i + 1])
                                  for i in range(len(data))]
    Dialogue(users=USERS)(peer)


row('tls13-one-byte-records', one_byte_records, 0, message=1, server=Rogue,
    only_ours='it may offer no key for P-256')
