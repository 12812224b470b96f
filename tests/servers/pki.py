#!/usr/bin/env python3
"""Throw-away certificates for the test servers, good ones and bad ones.

  pki.py DIR       makes them (openssl's command line, under 3 s)

In DIR: ca.pem is the root that a client shall trust; NAME.pem is a server's
chain without the root, NAME.key its key (mode 0600). srv.pem and srv.key are
copies of `ec`. Unless the name says otherwise a certificate is for localhost,
mail.test, 127.0.0.1 and 10.0.2.2, in its dates, and issued by ca.pem.

  ec rsa         P-256 under ca.pem; RSA-2048 under ca-rsa.pem
  chain          root -> intermediate -> leaf, intermediate sent
  nochain        the same leaf, intermediate not sent: no path to the root
  other          by a root of the same name and another key: not trusted
  selfsigned     issued by itself
  expired future dates in the past, dates to come
  wronghost      for another.test only
  nosan          mail.test as common name, no subjectAltName
  dnsip          the IP addresses as dNSName entries: an IP host must not match
  loopback       for localhost, 127.0.0.1 and ::1
  gateway        for 10.0.2.2 and fec0::2, where a guest finds these
  leafca         a leaf with CA:TRUE
  leafsign       a leaf whose key may sign certificates
  selfca         issued by itself, CA:TRUE
  wrongeku       extendedKeyUsage clientAuth only
  client         a client's: the common name is the user test
  caeku          its intermediate's extendedKeyUsage is clientAuth only
  ncgood         its intermediate is constrained (critical) to mail.test
  ncbad          its intermediate is constrained (critical) to example.org
  ncsoft         the same, constraint not critical

ca-all.pem holds both trusted roots.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ('ec', 'rsa', 'chain', 'nochain', 'other', 'selfsigned', 'expired',
         'future', 'wronghost', 'nosan', 'dnsip',
         'loopback', 'gateway', 'leafca', 'leafsign', 'selfca', 'wrongeku',
         'client', 'caeku', 'ncgood', 'ncbad', 'ncsoft')

SAN = 'DNS:localhost,DNS:mail.test,IP:127.0.0.1,IP:10.0.2.2'
CA_EXT = ('basicConstraints=critical,CA:TRUE\n'
          'keyUsage=critical,keyCertSign,cRLSign\n'
          'subjectKeyIdentifier=hash\n')
DAY = 86400

# `openssl ca` and not `openssl x509`: only it can set both dates in every
# version of OpenSSL in use.
CONF = '''
[req]
distinguished_name = dn
prompt = no
[dn]
[ca]
default_ca = one
[one]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
'''


def leaf_ext(san=SAN, ca='FALSE', eku='serverAuth', sign=False):
    text = 'basicConstraints=CA:%s\nkeyUsage=digitalSignature' % ca
    text += ',keyCertSign\n' if sign or ca == 'TRUE' else '\n'
    text += 'extendedKeyUsage=%s\n' % eku
    text += 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
    return text + ('subjectAltName=%s\n' % san if san else '')


def _stamp(seconds):
    return time.strftime('%Y%m%d%H%M%SZ', time.gmtime(seconds))


class Pki:
    """The certificates in `path`; made on first use."""

    def __init__(self, path):
        self.dir = os.path.abspath(path)
        os.makedirs(self.dir, exist_ok=True)
        if not os.path.exists(self._file('.complete')):
            self._make()

    def _file(self, name):
        return os.path.join(self.dir, name)

    @property
    def ca(self):
        return self._file('ca.pem')

    def anchor(self, name):
        """The root that makes certificate `name` trusted, if any does."""
        return self._file('ca-rsa.pem' if name == 'rsa' else 'ca.pem')

    def cert(self, name='ec'):
        """(chain, key) of a server certificate."""
        if name not in NAMES:
            raise KeyError('no certificate %r; known: %s'
                           % (name, ' '.join(NAMES)))
        return self._file(name + '.pem'), self._file(name + '.key')

    # ------------------------------------------------------------- making
    def _openssl(self, *args):
        got = subprocess.run(['openssl', *args], cwd=self._work,
                             stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if got.returncode:
            raise RuntimeError('openssl %s: %s' % (args[0], got.stdout))

    def _key(self, name, kind):
        algorithm = (['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
                     if kind == 'rsa' else
                     ['EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1'])
        self._openssl('genpkey', '-algorithm', *algorithm,
                      '-out', name + '.key')

    def _issue(self, name, subject, ext, by=None, kind='ec', days=(-1, 825),
               key=None):
        """One certificate; by=None signs with its own key."""
        if key is None:
            key = name
            self._key(name, kind)
        work = self._work
        with open(os.path.join(work, name + '.ext'), 'w') as f:
            f.write(ext)
        open(os.path.join(work, 'index.txt'), 'w').close()
        self._openssl('req', '-new', '-config', 'ca.cnf', '-key', key + '.key',
                      '-subj', '/CN=' + subject, '-out', name + '.csr')
        now = time.time()
        signer = (['-selfsign', '-keyfile', key + '.key'] if by is None else
                  ['-cert', by + '.crt', '-keyfile', by + '.key'])
        self._openssl('ca', '-batch', '-config', 'ca.cnf', '-notext',
                      '-startdate', _stamp(now + days[0] * DAY),
                      '-enddate', _stamp(now + days[1] * DAY),
                      '-extfile', name + '.ext', '-in', name + '.csr',
                      '-out', name + '.crt', *signer)

    def _roots(self):
        years = (-1, 3650)
        for name, cn, kind in (('ca', 'Test Root', 'ec'),
                               ('ca-rsa', 'Test Root RSA', 'rsa'),
                               ('ca-other', 'Test Root', 'ec')):
            self._issue(name, cn, CA_EXT, kind=kind, days=years)
        for name, more in (
                ('int', ''),
                ('int-eku', 'extendedKeyUsage=clientAuth\n'),
                ('int-good', 'nameConstraints=critical,'
                             'permitted;DNS:mail.test\n'),
                ('int-bad', 'nameConstraints=critical,'
                            'permitted;DNS:example.org\n'),
                ('int-soft', 'nameConstraints=permitted;DNS:example.org\n')):
            self._issue(name, 'Test Intermediate ' + name, CA_EXT + more,
                        by='ca', days=years)

    def _leaves(self):
        cn, good = 'mail.test', leaf_ext()
        self._issue('ec', cn, good, by='ca')
        self._issue('rsa', cn, good, by='ca-rsa', kind='rsa')
        self._issue('other', cn, good, by='ca-other')
        alone = 'authorityKeyIdentifier=keyid\n'
        self._issue('selfsigned', cn, good.replace(alone, ''))
        self._issue('selfca', cn, leaf_ext(ca='TRUE').replace(alone, ''))
        self._issue('expired', cn, good, by='ca', days=(-30, -2))
        self._issue('future', cn, good, by='ca', days=(300, 800))
        self._issue('wronghost', 'another.test',
                    leaf_ext('DNS:another.test'), by='ca')
        self._issue('nosan', cn, leaf_ext(san=None), by='ca')
        self._issue('dnsip', '10.0.2.2',
                    leaf_ext('DNS:10.0.2.2,DNS:127.0.0.1,DNS:1234'), by='ca')
        self._issue('loopback', 'localhost',
                    leaf_ext('DNS:localhost,IP:127.0.0.1,IP:::1'), by='ca')
        self._issue('gateway', '10.0.2.2',
                    leaf_ext('IP:10.0.2.2,IP:fec0::2'), by='ca')
        self._issue('leafca', cn, leaf_ext(ca='TRUE'), by='ca')
        self._issue('leafsign', cn, leaf_ext(sign=True), by='ca')
        self._issue('wrongeku', cn, leaf_ext(eku='clientAuth'), by='ca')
        self._issue('client', 'test', leaf_ext(None, eku='clientAuth'),
                    by='ca')
        for name, by in (('chain', 'int'), ('caeku', 'int-eku'),
                         ('ncgood', 'int-good'), ('ncbad', 'int-bad'),
                         ('ncsoft', 'int-soft')):
            # names only: a constraint on DNS names leaves IP entries alone
            san = 'DNS:mail.test' if name.startswith('nc') else SAN
            self._issue(name, cn, leaf_ext(san), by=by)

    def _text(self, *names):
        text = ''
        for name in names:
            with open(os.path.join(self._work, name + '.crt')) as f:
                text += f.read()
        return text

    def _put(self, name, text, mode=0o644):
        path = self._file(name)
        if os.path.exists(path):
            os.unlink(path)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(fd, 'w') as f:
            f.write(text)

    def _make(self):
        self._work = tempfile.mkdtemp(prefix='bm-pki-')
        try:
            with open(os.path.join(self._work, 'ca.cnf'), 'w') as f:
                f.write(CONF)
            self._roots()
            self._leaves()
            self._publish()
        finally:
            shutil.rmtree(self._work)

    def _publish(self):
        chains = {'chain': 'int', 'caeku': 'int-eku', 'ncgood': 'int-good',
                  'ncbad': 'int-bad', 'ncsoft': 'int-soft'}
        for name in NAMES:
            source = 'chain' if name == 'nochain' else name
            above = [chains[name]] if name in chains else []
            self._put(name + '.pem', self._text(source, *above))
            with open(os.path.join(self._work, source + '.key')) as f:
                self._put(name + '.key', f.read(), 0o600)
        shutil.copyfile(self._file('ec.pem'), self._file('srv.pem'))
        with open(self._file('ec.key')) as f:
            self._put('srv.key', f.read(), 0o600)
        self._put('ca.pem', self._text('ca'))
        self._put('ca-rsa.pem', self._text('ca-rsa'))
        self._put('ca-other.pem', self._text('ca-other'))
        self._put('ca-all.pem', self._text('ca', 'ca-rsa'))
        self._put('.complete', '')


if __name__ == '__main__':
    if len(sys.argv) != 2:
        print('usage: pki.py DIR', file=sys.stderr)
        sys.exit(64)
    Pki(sys.argv[1])
