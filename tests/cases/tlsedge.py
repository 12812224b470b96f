"""TLS at its edges: ciphers, groups, chains, bundles, records, alerts."""
import os
import ssl
import time

from fake import Dialogue, Fake, Peer
from harness import new_dir, equal, once, succeed
from lab import pki, read
from netlab import USERS, expect, nothing_leaked, on, send


class Odd(Fake):
    """tweak(context) changes the server's TLS."""

    def __init__(self, script, tweak=None, **kw):
        self.tweak = tweak
        super().__init__(script, pki=pki(), **kw)

    def context(self):
        ctx = super().context()
        if self.tweak:
            self.tweak(ctx)
        return ctx


def tls_with(name, tweak, status=0, words=(), machines=('posix',), extra=None,
             anchor=None, text='', **kw):
    @on('tls-' + name, machines)
    def run(machine):
        more = dict(extra() if extra else {})
        if anchor:
            more['ca.pem'] = anchor()
        with Odd(Dialogue(users=USERS), tweak, **kw) as srv:
            r = send(machine, srv.port, extra=more, more=text)
        expect(r, status, 'sent' if status == 0 else r.report['outcome'],
               *words)
        if status:
            nothing_leaked(r, srv.wires)
        else:
            equal(len(srv.wires[0].messages), 1, 'messages', r)


def ciphers(text):
    return lambda ctx: ctx.set_ciphers(text)


tls_with('chacha-only', ciphers('ECDHE-ECDSA-CHACHA20-POLY1305'),
         tls_max='1.2', machines=('posix', 'microvm'))
tls_with('aes256-only', ciphers('ECDHE-ECDSA-AES256-GCM-SHA384'),
         tls_max='1.2')
tls_with('cbc-only', ciphers('ECDHE-ECDSA-AES128-SHA256'), 76,
         ('handshake_failure',), tls_max='1.2')
tls_with('rsa-key-exchange', ciphers('AES128-GCM-SHA256'), 76,
         ('handshake_failure',), tls_max='1.2', cert='rsa')
for curve in ('secp384r1', 'secp521r1', 'X25519'):
    for version in ('1.2', '1.3'):
        if (curve, version) != ('X25519', '1.2'):   # the key is on P-256
            tls_with(f'{curve}-{version}',
                     lambda ctx, curve=curve: ctx.set_ecdh_curve(curve),
                     tls_min=version, tls_max=version)


def client_certificate(mode):
    def tweak(ctx):
        ctx.verify_mode = getattr(ssl, mode)
        ctx.load_verify_locations(pki().ca)
    return tweak


def own_certificate():
    chain, key = pki().cert('wrongeku')             # it is a client's
    return {'cert.pem': read(chain), 'key.pem': read(key)}


for version in ('1.2', '1.3'):
    same = dict(tls_min=version, tls_max=version)
    tls_with(f'client-optional-{version}',
             client_certificate('CERT_OPTIONAL'), **same)
    tls_with(f'client-required-{version}',
             client_certificate('CERT_REQUIRED'), 76,
             ('certificate',), **same)
    tls_with(f'client-given-{version}', client_certificate('CERT_REQUIRED'),
             extra=own_certificate, text='tls_cert_file cert.pem\n'
             'tls_key_file key.pem\n', **same)


@once
def odd_chains():
    """Certificates that pki.py has no use for elsewhere."""
    folder = new_dir('chains')

    def issue(name, by, bits='prime256v1', ca=False, digest='sha256'):
        key = (['-algorithm', 'EC', '-pkeyopt', f'ec_paramgen_curve:{bits}']
               if isinstance(bits, str) else
               ['-algorithm', 'RSA', '-pkeyopt', f'rsa_keygen_bits:{bits}'])
        succeed(['openssl', 'genpkey', *key, '-out', name + '.key'],
                cwd=folder)
        with open(os.path.join(folder, name + '.ext'), 'w') as f:
            f.write('basicConstraints=critical,CA:%s\n' % (
                'TRUE' if ca else 'FALSE'))
            f.write('keyUsage=critical,keyCertSign\n' if ca else
                    'subjectAltName=IP:10.0.2.2\n')
        succeed(['openssl', 'req', '-new', '-key', name + '.key', '-subj',
                 '/CN=' + name, '-out', name + '.csr'], cwd=folder)
        signer = (['-CA', by + '.crt', '-CAkey', by + '.key',
                   '-CAcreateserial'] if by else ['-signkey', name + '.key'])
        succeed(['openssl', 'x509', '-req', '-in', name + '.csr', *signer,
                 '-days', '365', '-' + digest, '-extfile', name + '.ext',
                 '-out', name + '.crt'], cwd=folder)

    issue('root', None, ca=True)
    issue('sha1', 'root', digest='sha1')
    issue('rsa1024', 'root', 1024)
    above, chain = 'root', []
    for i in range(9):
        issue(f'ca{i}', above, ca=True)
        above, chain = f'ca{i}', [f'ca{i}'] + chain
        if i in (7, 8):
            issue(f'leaf{i}', above)
            put(folder, f'deep{i + 1}', [f'leaf{i}', *chain])
            if i == 7:
                put(folder, 'shuffled', ['leaf7', *sorted(chain)])
                put(folder, 'backwards', [*reversed(chain), 'leaf7'])
    time.sleep(1.1)                 # the guest's clock counts whole seconds
    return folder


def put(folder, name, parts):
    with open(os.path.join(folder, name + '.crt'), 'wb') as f:
        for p in parts:
            f.write(read(os.path.join(folder, p + '.crt')))


def odd_chain(name, key):
    def tweak(ctx):
        folder = odd_chains()
        ctx.set_ciphers('DEFAULT:@SECLEVEL=0')
        ctx.load_cert_chain(os.path.join(folder, name + '.crt'),
                            os.path.join(folder, key + '.key'))
    return tweak


def odd_root():
    return read(os.path.join(odd_chains(), 'root.crt'))


for name, key, status, words in (
        ('sha1', 'sha1', 77, ()), ('rsa1024', 'rsa1024', 77, ()),
        ('deep8', 'leaf7', 0, ()), ('deep9', 'leaf8', 77, ('intermediate',)),
        # Mbed TLS looks for an issuer only further on in the chain
        ('shuffled', 'leaf7', 77, ('trust anchors',)),
        ('backwards', 'ca0', 77, ())):
    tls_with('chain-' + name, odd_chain(name, key), status, words,
             anchor=odd_root)


def bundle():
    """The anchor behind a hundred others' remains, with all that people put
    between PEM blocks."""
    good = read(pki().ca)
    body = good.replace(b'\n', b'\r\n')
    other = read(os.path.join(pki().dir, 'ca-rsa.pem'))
    cut = other[:len(other) // 2]
    return (b'\xef\xbb\xbf# comment\r\n\r\nsubject=/CN=a -----BEGIN\n' +
            other * 50 + b'-----BEGIN CERTIFICATE-----\nnot base64!\n'
            b'-----END CERTIFICATE-----\n' + cut +
            b'\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n' +
            b'-----BEGIN RSA PRIVATE KEY-----\nAAAA\n'
            b'-----END RSA PRIVATE KEY-----\n\0\0\x80 garbage ' +
            other * 49 + b'=== Test Root ===\r\n' + body +
            b'\r\n-----BEGIN CERTIFICATE-----\r\nMIIB')


tls_with('bundle', None, anchor=bundle, machines=('posix', 'microvm'))


@on('tls-one-byte-records', ('posix',))
def one_byte_records(machine):
    def talk(peer):
        peer.send = lambda data, *_: [
            Peer.send(peer, data[i:i + 1]) for i in range(len(data))]
        Dialogue(users=USERS)(peer)
    with Odd(talk) as srv:
        r = send(machine, srv.port)
    expect(r, 0, 'sent')


@on('tls-full-records', ('posix',))
def full_records(machine):
    """A reply that fills a record of 16 KB and more."""
    reply = b''.join(b'250-X-%04d %s\r\n' % (i, b'x' * 200)
                     for i in range(100)) + b'250 AUTH PLAIN\r\n'
    with Odd(Dialogue(users=USERS, replies={'EHLO2': reply})) as srv:
        r = send(machine, srv.port)
    expect(r, 0, 'sent')


def tls_act(name, act, status, *words):
    @on('tls-' + name)
    def run(machine):
        with Odd(Dialogue(users=USERS, act=act), tls_min='1.3') as srv:
            r = send(machine, srv.port)
        expect(r, status, r.report['outcome'], *words)
        equal(len(srv.wires[0].messages), int(status in (0, 79)), 'messages',
              r)


tls_act('close-after-250', {'BODY': ('after', 'close_notify')}, 0)
tls_act('close-before-mail', {'AUTH': ('after', 'close_notify')}, 75)
tls_act('close-instead-of-250', {'BODY': ('before', 'close_notify')}, 79)
tls_act('rekey-before-mail', {'AUTH': ('before', 'key_update')}, 76,
        'change keys')
tls_act('rekey-before-250', {'BODY': ('before', 'key_update')}, 79,
        'change keys')


def greeting(*then):
    return [('send', b'220 mail.test\r\n'), ('expect', rb'EHLO .*'),
            ('send', b'250-mail.test\r\n250 STARTTLS\r\n'),
            ('expect', rb'STARTTLS'), ('send', b'220 go\r\n'), *then]


def first_answer(name, data, status, *words):
    @on('tls-first-' + name, ('posix',))
    def run(machine):
        with Odd(greeting(('read', 5), ('send', data), ('stall', 2))) as srv:
            r = send(machine, srv.port, timeout=8)
        expect(r, status, r.report['outcome'], *words)
        nothing_leaked(r, srv.wires)


first_answer('alert-40', b'\x15\3\3\0\2\2\x28', 76, 'handshake_failure')
first_answer('alert-112', b'\x15\3\3\0\2\2\x70', 76, 'unrecognized_name')
first_answer('alert-70', b'\x15\3\1\0\2\2\x46', 76, 'protocol_version')
first_answer('close-notify', b'\x15\3\3\0\2\1\0', 76)
first_answer('data', b'\x17\3\3\0\5hello', 76)
first_answer('huge-record', b'\x16\3\3\xff\xff' + b'x' * 100, 76)
first_answer('half-record', b'\x16\3\3\0\x50\2', 75)
first_answer('text', b'554 no TLS for you\r\n', 76, 'no TLS for you')
