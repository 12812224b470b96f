"""Certificates of every wrong kind, and the good ones beside them.

A spec says what is unusual; the rest is as a public authority does it. Each
chain is made on first use under the root of servers/pki.py and has that
class's shape, so that Fake takes it: cert(name) -> (chain, key).
"""
import os
import subprocess
import threading
import time

from harness import new_dir, once, private_file, succeed
from lab import read

SAN = 'DNS:localhost,DNS:mail.test,IP:127.0.0.1,IP:10.0.2.2'
DAY = 86400
CONF = '''
[req]
distinguished_name = dn
prompt = no
string_mask = utf8only
[dn]
[ca]
default_ca = one
[one]
database = {name}.index
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
{number}
[any]
commonName = supplied
'''


def leaf(san=SAN, constraints='CA:FALSE', usage='digitalSignature',
         purpose='serverAuth', more=()):
    """Extensions of a server's certificate; None leaves one out."""
    lines = [('basicConstraints', constraints), ('keyUsage', usage),
             ('extendedKeyUsage', purpose), ('subjectAltName', san)]
    return [f'{k}={v}' for k, v in lines if v] + [
        'subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid', *more]


def authority(constraints='critical,CA:TRUE', usage='critical,keyCertSign,'
              'cRLSign', more=()):
    lines = [('basicConstraints', constraints), ('keyUsage', usage)]
    return [f'{k}={v}' for k, v in lines if v] + [
        'subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid', *more]


class Maker:
    """openssl's command line in one folder."""

    def __init__(self):
        self.dir = new_dir('chains')
        self.lock = threading.RLock()
        self.made = {}

    def path(self, name):
        return os.path.join(self.dir, name)

    def openssl(self, *args):
        return succeed(['openssl', *args], cwd=self.dir,
                       stdin=subprocess.DEVNULL).stdout

    def key(self, kind):
        """A key of this kind, made once: nothing here needs two."""
        path = f'key-{kind.replace(":", "-")}'
        if not os.path.exists(self.path(path)):
            algorithm, _, size = kind.partition(':')
            option = {'rsa': f'rsa_keygen_bits:{size}',
                      'rsa-pss': f'rsa_keygen_bits:{size}',
                      'ec': f'ec_paramgen_curve:{size}'}.get(algorithm)
            self.openssl('genpkey', '-algorithm', algorithm.upper(),
                         *(['-pkeyopt', option] if option else []),
                         '-out', path)
        return path

    def issue(self, name, ext, by=None, subject=None, kind='ec:prime256v1',
              days=(-1, 825), digest='sha256', version=3, extra_key=''):
        """A certificate by the authority of that name (None: by itself)."""
        with self.lock:
            if name in self.made:
                return
            key = self.key(kind) if not extra_key else self.own_key(name)
            self.made[name] = key
            private_file(self.path(name + '.ext'), ''.join(
                x + '\n' for x in ext).encode())
            private_file(self.path(name + '.index'), b'')
            private_file(self.path(name + '.cnf'),
                         CONF.format(name=name, number='').encode())
            self.openssl('req', '-new', '-config', name + '.cnf', '-key', key,
                         '-subj', '/CN=' + (subject or name), '-utf8',
                         '-out', name + '.csr')
            if version == 1:
                self.openssl('x509', '-req', '-in', name + '.csr', '-CA',
                             by + '.crt', '-CAkey', self.made[by],
                             '-CAcreateserial', '-days', '365', '-out',
                             name + '.crt')
                return
            start, end = (time.strftime('%Y%m%d%H%M%SZ', time.gmtime(
                time.time() + d * DAY)) for d in days)
            signer = (['-cert', by + '.crt', '-keyfile', self.made[by]] if by
                      else ['-selfsign', '-keyfile', key])
            self.openssl('ca', '-batch', '-config', name + '.cnf', '-notext',
                         '-preserveDN', '-startdate', start, '-enddate', end,
                         '-md', digest, '-extfile', name + '.ext', '-in',
                         name + '.csr', '-out', name + '.crt', *signer)

    def own_key(self, name):
        self.openssl('genpkey', '-algorithm', 'EC', '-pkeyopt',
                     'ec_paramgen_curve:prime256v1', '-out', name + '.key')
        return name + '.key'

    def text(self, *names):
        return b''.join(read(self.path(n + '.crt')) for n in names)

    def serial(self, name):
        return self.openssl('x509', '-noout', '-serial', '-in',
                            name + '.crt').decode().strip().split('=')[1]

    def crl(self, by, revoked=(), days=(-1, 30), number=True, digest='sha256',
            ext=()):
        """PEM of a revocation list by this authority."""
        with self.lock:
            day = time.strftime('%y%m%d%H%M%SZ', time.gmtime(
                time.time() - DAY))
            private_file(self.path('crl.index'), ''.join(
                f'R\t350101000000Z\t{day}\t{self.serial(n)}\tunknown\t'
                f'/CN={n}\n' for n in revoked).encode())
            private_file(self.path('crl.number'), b'1001\n')
            private_file(self.path('crl.cnf'), (CONF.format(
                name='crl', number='crlnumber = crl.number' if number else '')
                + '[crlext]\n' + ''.join(x + '\n' for x in ext)).encode())
            start, end = (time.strftime('%Y%m%d%H%M%SZ', time.gmtime(
                time.time() + d * DAY)) for d in days)
            return self.openssl(
                'ca', '-gencrl', '-config', 'crl.cnf', '-cert', by + '.crt',
                '-keyfile', self.made[by], '-md', digest,
                '-crl_lastupdate', start, '-crl_nextupdate', end,
                *(['-crlexts', 'crlext'] if ext else []))


@once
def maker():
    m = Maker()
    m.issue('root', authority(), extra_key='own', days=(-1, 3650))
    return m


class Chain:
    """What Fake asks for a certificate: spec() makes it, once. spec is a
    function of the Maker that returns (names leaf first, name of the key)."""

    def __init__(self, name, spec):
        self.name, self.spec = name, once(lambda: spec(maker()))

    def cert(self, _):
        parts, key = self.spec()
        path = maker().path(self.name + '.chain')
        private_file(path, maker().text(*parts))
        return path, maker().path(maker().made[key])


def root():
    return maker().text('root')
