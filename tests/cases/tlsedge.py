"""TLS at its edges: ciphers, groups, client certificates (the rest is in
tests/hostile/)."""
import ssl

from fake import Dialogue, Fake
from harness import equal
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
