"""Certificates: whose, for whom, until when, made by whom, taken back or not."""
import ssl

from chains import Chain, authority, leaf, maker, root
from harness import check
from lab import pki, read
from scenario import group, row

group('certificates')


# the server itself is content with weak keys and hashes
WEAK = 'DEFAULT:@SECLEVEL=0'


def cert(name, spec, status=77, words=(), host=None, anchor=root, **kw):
    """spec: a function of the Maker, see Chain; or leaf extensions for one
    that the root signs itself."""
    if isinstance(spec, list):
        ext = spec

        def spec(m):
            m.issue(name, ext, 'root', subject='mail.test')
            return [name], name
    kw.setdefault('withheld', status != 0)
    row('cert-' + name, {}, status, words, message=int(status == 0),
        host=host, anchor=anchor,
        fake={'pki': Chain(name, spec), 'ciphers': WEAK}, **kw)


# ------------------------------------------- of servers/pki.py, both ways in

for name, words in (
        ('other', 'trust'), ('selfsigned', 'trust'), ('nochain', ()),
        ('expired', 'expired'), ('future', 'not valid'),
        ('wronghost', 'another.test'), ('nosan', 'subject alternative name'),
        ('dnsip', 'DNS:10.0.2.2'), ('leafca', "CA's"),
        ('wrongeku', 'extended key usage'), ('caeku', 'extended key usage'),
        ('ncbad', 'int-bad may not certify the name mail.test'),
        ('ncsoft', 'name constraints')):
    for mode in ('starttls', 'implicit'):
        row(f'cert-{name}-{mode}', {}, 77, words, message=0, mode=mode,
            cert=name, withheld=True, vm=mode == 'starttls')


# ------------------------------------------------------------- for whom

def dns(*names):
    return ','.join('DNS:' + n for n in names)


def der_san(raw):
    """A subjectAltName of one dNSName with these very bytes."""
    body = bytes((0x82, len(raw))) + raw
    return 'DER:' + (bytes((0x30, len(body))) + body).hex(':')


HOSTS = (   # name, subjectAltName, host (None: the address), status
    ('ip', 'IP:10.0.2.2,IP:127.0.0.1', None, 0),
    ('ip-other', 'IP:10.0.2.3,IP:127.0.0.2', None, 77),
    ('ip-only-for-name', 'IP:10.0.2.2,IP:127.0.0.1', 'mail.test', 77),
    ('ip-wildcard', dns('*.0.2.2', '*.0.0.1'), None, 77),
    ('ip-uri', 'URI:smtp://10.0.2.2,URI:smtp://127.0.0.1', None, 77),
    ('name', dns('mail.test'), 'mail.test', 0),
    ('name-upper', dns('MAIL.Test'), 'mail.test', 0),
    ('name-last-of-100', dns(*(f'h{i}.example.org' for i in range(99)),
                             'mail.test'), 'mail.test', 0),
    ('name-longer', dns('mail.test.evil.test'), 'mail.test', 77),
    ('name-prefixed', dns('xmail.test'), 'mail.test', 77),
    ('name-dot-before', dns('.mail.test'), 'a.mail.test', 77),
    ('name-parent', dns('mail.test'), 'a.mail.test', 77),
    ('name-nul', der_san(b'mail.test\0.evil.test'), 'mail.test', 77),
    ('name-blank', der_san(b' mail.test'), 'mail.test', 77),
    ('name-uri', 'URI:smtp://mail.test', 'mail.test', 77),
    ('name-email', 'email:root@mail.test', 'mail.test', 77),
    ('wildcard', dns('*.mail.test'), 'a.mail.test', 0),
    ('wildcard-upper', dns('*.MAIL.test'), 'A.mail.Test', 0),
    ('wildcard-two-labels', dns('*.mail.test'), 'a.b.mail.test', 77),
    ('wildcard-no-label', dns('*.mail.test'), 'mail.test', 77),
    ('wildcard-partial', dns('a*.mail.test'), 'ab.mail.test', 77),
    ('wildcard-partial-end', dns('*b.mail.test'), 'ab.mail.test', 77),
    ('wildcard-inside', dns('a.*.mail.test'), 'a.b.mail.test', 77),
    ('wildcard-twice', dns('*.*.mail.test'), 'a.b.mail.test', 77),
    ('wildcard-tld', dns('*.test'), 'mail.test', 77),
    ('wildcard-alone', der_san(b'*'), 'mail.test', 77))
for name, san, host, status in HOSTS:
    cert(name, leaf(san), status, 'not for' if status else (), host)


def cn_only(m):
    m.issue('cn-mail', leaf(dns('another.test')), 'root', subject='mail.test')
    return ['cn-mail'], 'cn-mail'


cert('cn-beside-san', cn_only, 77, 'another.test', 'mail.test')


# ------------------------------------------------------------- for what

for name, ext, status, words in (
        ('purpose-code', leaf(purpose='codeSigning'), 77, 'key usage'),
        ('purpose-mail', leaf(purpose='emailProtection'), 77, 'key usage'),
        ('purpose-critical', leaf(purpose='critical,clientAuth'), 77,
         'key usage'),
        ('purpose-none', leaf(purpose=None), 0, ()),
        ('purpose-any', leaf(purpose='anyExtendedKeyUsage'), 0, ()),
        ('purpose-many', leaf(purpose='clientAuth,serverAuth'), 0, ()),
        ('usage-none', leaf(usage=None), 0, ()),
        ('usage-agreement', leaf(usage='critical,keyAgreement'), 77,
         'key usage'),
        ('usage-certsign', leaf(usage='critical,keyCertSign'), 77,
         'key usage'),
        ('constraints-none', leaf(constraints=None), 0, ()),
        ('critical-unknown', leaf(more=['1.2.3.4.5=critical,DER:05:00']), 77,
         ()),
        ('soft-unknown', leaf(more=['1.2.3.4.5=DER:05:00']), 0, ())):
    cert(name, ext, status, words)


# ---------------------------------------------------------- made by whom

def under(name, ext, **kw):
    """A leaf by an intermediate with these extensions."""
    # v1 has no identifier of the key that could be pointed to
    below = leaf() if 'version' not in kw else leaf()[:-1]

    def spec(m):
        m.issue(f'{name}-ca', ext, 'root', **kw)
        m.issue(f'{name}-leaf', below, f'{name}-ca', subject='mail.test')
        return [f'{name}-leaf', f'{name}-ca'], f'{name}-leaf'
    return spec


for name, spec, status, words in (
        ('chain', under('int', authority()), 0, ()),
        ('ca-without-bit', under('nobit', authority('critical,CA:FALSE')), 77,
         ()),
        ('ca-without-constraints', under('nobc', authority(None)), 77, ()),
        ('ca-without-certsign', under('nosign', authority(
            usage='critical,digitalSignature')), 77, ()),
        ('ca-without-usage', under('nousage', authority(usage=None)), 0, ()),
        ('ca-is-a-leaf', under('asleaf', leaf()), 77, ()),
        ('ca-expired', under('oldca', authority(), days=(-30, -2)), 77,
         'expired'),
        ('ca-future', under('newca', authority(), days=(300, 800)), 77,
         'not valid'),
        ('ca-v1', under('v1ca', [], version=1), 77, ()),
        ('ca-purpose', under('euca', authority(
            more=['extendedKeyUsage=codeSigning'])), 77, 'key usage'),
        ('ca-purpose-server', under('euok', authority(
            more=['extendedKeyUsage=serverAuth'])), 0, ()),
        ('ca-policy', under('pcca', authority(
            more=['policyConstraints=requireExplicitPolicy:0'])), 77,
         'constraints'),
        ('pathlen-kept', under('plok', authority('critical,CA:TRUE,'
                                                 'pathlen:0')), 0, ()),
        ('ca-rsa', under('rsaca', authority(), kind='rsa:2048'), 0, ()),
        ('ca-p384', under('p384ca', authority(), kind='ec:secp384r1'), 0, ()),
        ('ca-rsa1024', under('weakca', authority(), kind='rsa:1024'), 77,
         'weak'),
        ('ca-sha1', under('sha1ca', authority(), digest='sha1'), 77, 'hash'),
        ('ca-sha384', under('sha384ca', authority(), digest='sha384'), 0, ())):
    cert(name, spec, status, words)


def pathlen_broken(m):
    m.issue('pl0', authority('critical,CA:TRUE,pathlen:0'), 'root')
    m.issue('pl1', authority(), 'pl0')
    m.issue('pl-leaf', leaf(), 'pl1', subject='mail.test')
    return ['pl-leaf', 'pl1', 'pl0'], 'pl-leaf'


cert('pathlen-broken', pathlen_broken)


def deep(count, order=lambda parts: parts):
    """A leaf under so many intermediates."""
    def spec(m):
        above, parts = 'root', []
        for i in range(count):
            m.issue(f'deep{i}', authority(), above)
            above, parts = f'deep{i}', [f'deep{i}', *parts]
        m.issue(f'deep-leaf{count}', leaf(), above, subject='mail.test')
        return order([f'deep-leaf{count}', *parts]), f'deep-leaf{count}'
    return spec


cert('deep-8', deep(8), 0)
cert('deep-9', deep(9), 77, 'intermediate')
# Mbed TLS looks for an issuer only further on in the chain
cert('shuffled', deep(8, lambda p: [p[0], *sorted(p[1:])]), 77,
     'trust anchors', only_ours='it may find its way')
cert('with-root', deep(1, lambda p: [*p, 'root']), 0)
cert('leaf-twice', deep(1, lambda p: [p[0], *p]), 0)
cert('stranger-behind', deep(2, lambda p: [p[0], 'deep1', 'deep0', 'root',
                                           'deep0']), 0)


# ------------------------------------------------- what they may certify

def constraints(text):
    """Extensions of an authority with these name constraints."""
    return authority(more=['nameConstraints=' + text[0], *text[1:]])


def constrained(name, text, below):
    """A leaf by an authority that has these name constraints, and that by
    another, which may have others."""
    def spec(m):
        above, parts = 'root', []
        for i, one in enumerate(text):
            m.issue(f'{name}-ca{i}', constraints(one), above)
            above, parts = f'{name}-ca{i}', [f'{name}-ca{i}', *parts]
        m.issue(f'{name}-leaf', below, above, subject='mail.test')
        return [f'{name}-leaf', *parts], f'{name}-leaf'
    return spec


def subject_is(cn):
    return 'critical,permitted;dirName:dn', '[dn]', f'CN={cn}'


MAIL = leaf(dns('mail.test'))
ADDRESSES = leaf('IP:10.0.2.2,IP:127.0.0.1')
OURS = ('critical,permitted;IP:10.0.0.0/255.0.0.0,'
        'permitted;IP:127.0.0.0/255.0.0.0',)
MANY = ','.join(f'excluded;DNS:h{i}.example.org' for i in range(420)),
NO = 'name constraints'
for name, text, below, host, status, words in (
        # the leaf's names: of the host, or None for the address
        ('dns', [('critical,permitted;DNS:mail.test',)], MAIL, 'mail.test', 0,
         ()),
        ('dns-soft', [('permitted;DNS:mail.test',)], MAIL, 'mail.test', 0, ()),
        ('dns-upper', [('critical,permitted;DNS:TEST',)], MAIL, 'mail.test',
         0, ()),
        ('dns-below', [('critical,permitted;DNS:.test',)], MAIL, 'mail.test',
         0, ()),
        ('dns-not-below', [('critical,permitted;DNS:.mail.test',)], MAIL,
         'mail.test', 77, NO),
        ('dns-other', [('critical,permitted;DNS:example.org',)], MAIL,
         'mail.test', 77, 'may not certify the name mail.test'),
        ('dns-part', [('critical,permitted;DNS:ail.test',)], MAIL,
         'mail.test', 77, NO),
        ('dns-one-more', [('critical,permitted;DNS:mail.test',)],
         leaf(dns('mail.test', 'a.example.org')), 'mail.test', 77,
         'the name a.example.org'),
        ('dns-second', [('critical,permitted;DNS:a.test,'
                         'permitted;DNS:mail.test',)], MAIL, 'mail.test', 0,
         ()),
        ('excluded', [('critical,excluded;DNS:mail.test',)], MAIL,
         'mail.test', 77, NO),
        ('excluded-soft', [('excluded;DNS:mail.test',)], MAIL, 'mail.test',
         77, NO),
        ('excluded-other', [('critical,excluded;DNS:a.test',)], MAIL,
         'mail.test', 0, ()),
        ('excluded-inside', [('critical,permitted;DNS:test,'
                              'excluded;DNS:mail.test',)], MAIL, 'mail.test',
         77, NO),
        ('excluded-all', [('critical,DER:30:06:a1:04:30:02:82:00',)], MAIL,
         'mail.test', 77, NO),
        ('wildcard', [('critical,permitted;DNS:mail.test',)],
         leaf(dns('*.mail.test')), 'a.mail.test', 0, ()),
        ('wildcard-wider', [('critical,permitted;DNS:a.mail.test',)],
         leaf(dns('*.mail.test')), 'a.mail.test', 77, NO),
        ('wildcard-excluded', [('critical,excluded;DNS:b.mail.test',)],
         leaf(dns('*.mail.test')), 'a.mail.test', 77, NO),
        ('narrower', [('critical,permitted;DNS:test',),
                      ('critical,permitted;DNS:a.test',)], MAIL, 'mail.test',
         77, 'narrower-ca1 may not'),
        ('wider', [('critical,permitted;DNS:a.test',),
                   ('critical,permitted;DNS:test',)], MAIL, 'mail.test', 77,
         'wider-ca0 may not'),
        ('both', [('critical,permitted;DNS:test',),
                  ('critical,permitted;DNS:mail.test',)], MAIL, 'mail.test',
         0, ()),
        ('ip', [OURS], ADDRESSES, None, 0, ()),
        ('ip-other', [('critical,permitted;IP:192.168.0.0/255.255.0.0',)],
         ADDRESSES, None, 77, 'may not certify the address'),
        ('ip-one-more', [OURS], leaf('IP:10.0.2.2,IP:127.0.0.1,IP:8.8.8.8'),
         None, 77, 'the address 8.8.8.8'),
        ('ip-excluded', [('critical,excluded;IP:0.0.0.0/0.0.0.0',)],
         ADDRESSES, None, 77, NO),
        ('ip-of-names', [('critical,permitted;DNS:example.org',)], ADDRESSES,
         None, 0, ()),
        ('ip-v6', [('critical,permitted;IP:fec0::/ffc0::',)], ADDRESSES, None,
         77, NO),
        ('ip-mask', [('critical,excluded;IP:192.168.0.1/255.0.255.255',)],
         MAIL, 'mail.test', 77, 'malformed name constraints'),
        ('ip-of-a-host', [('critical,DER:30:0c:a0:0a:30:08:87:06:0a:00:00:00:'
                           'ff:00',)], MAIL, 'mail.test', 77, 'malformed'),
        ('subject', [subject_is('mail.test')], MAIL, 'mail.test', 0, ()),
        ('subject-other', [subject_is('a.test')], MAIL, 'mail.test', 77,
         'may not certify the subject'),
        ('mail', [('critical,permitted;email:example.org',)], MAIL,
         'mail.test', 0, ()),
        ('mail-below', [('critical,permitted;email:example.org',)],
         leaf(dns('mail.test') + ',email:a@b.test'), 'mail.test', 77,
         'a mail address'),
        ('empty', [('critical,DER:30:00',)], MAIL, 'mail.test', 77, 'empty'),
        # a list that goes on behind the end of the extension
        ('list-cut', [('critical,DER:30:02:a0:7f',)], MAIL, 'mail.test', 77,
         'malformed name constraints'),
        ('maximum', [('critical,DER:30:10:a0:0e:30:0c:82:04:74:65:73:74:'
                      '80:01:00:81:01:05',)], MAIL, 'mail.test', 77,
         'maximum'),
        ('of-leaf', [('critical,permitted;DNS:test',)],
         leaf(dns('mail.test'), more=[
             'nameConstraints=critical,permitted;DNS:test']), 'mail.test', 77,
         "belong to a CA's"),
        ('many', [MANY], leaf(dns('mail.test', *(f'n{i}.example.org'
                                                 for i in range(400)))),
         'mail.test', 77, 'too many names')):
    cert('constraint-' + name, constrained(name, text, below), status, words,
         host, vm=name in ('dns', 'dns-other', 'excluded', 'ip', 'ip-other',
                           'subject', 'subject-other', 'many'),
         only_ours={'many': 'it may have more patience',
                    'ip-of-names': 'it may take the common name for a host',
                    'mail-below': 'it may judge these names too',
                    'maximum': 'it may overlook these'}.get(name, ''))


def namesake(m):
    """A leaf with the very name of its issuer; only authorities may have any
    name then (RFC 5280 6.1.3)."""
    m.issue('namesake-ca', constraints(('critical,excluded;DNS:mail.test',)),
            'root', subject='mail.test')
    m.issue('namesake', MAIL, 'namesake-ca', subject='mail.test')
    return ['namesake', 'namesake-ca'], 'namesake'


cert('constraint-namesake', namesake, 77, NO, 'mail.test')


# ------------------------------------------------------------- how strong

def alone(name, ext=None, **kw):
    def spec(m):
        m.issue(name, ext or leaf(), 'root', subject='mail.test', **kw)
        return [name], name
    return spec


for name, kw, status, words in (
        ('rsa2048', {'kind': 'rsa:2048'}, 0, ()),
        ('rsa3072', {'kind': 'rsa:3072'}, 0, ()),
        ('p384', {'kind': 'ec:secp384r1'}, 0, ()),
        ('p521', {'kind': 'ec:secp521r1'}, 0, ()),
        ('rsa1024', {'kind': 'rsa:1024'}, 77, 'weak'),
        ('sha1', {'digest': 'sha1'}, 77, 'hash'),
        ('sha512', {'digest': 'sha512'}, 0, ()),
        ('v1', {'version': 1}, 77, ()),
        ('today', {'days': (-1 / 1440, 1)}, 0, ()),
        ('over-since-a-minute', {'days': (-1, -1 / 1440)}, 77, 'expired'),
        ('not-before-an-hour', {'days': (1 / 24, 30)}, 77, 'not valid'),
        ('year-2080', {'days': (-1, 19700)}, 0, ())):
    cert(name, alone(name, **kw), status, words)


def spoilt(m):
    """One bit of the signature is another."""
    m.issue('spoilt', leaf(), 'root', subject='mail.test')
    der = bytearray(ssl.PEM_cert_to_DER_cert(m.text('spoilt').decode()))
    der[-3] ^= 1
    with open(m.path('bent.crt'), 'w') as f:
        f.write(ssl.DER_cert_to_PEM_cert(bytes(der)))
    m.made['bent'] = m.made['spoilt']
    return ['bent'], 'bent'


cert('signature-bent', spoilt)


def self_made(m):
    m.issue('mine', leaf(constraints='critical,CA:TRUE', usage=None))
    return ['mine'], 'mine'


def own_root(name, ext, **kw):
    """A leaf under a root of its own, and that root to trust."""
    def spec(m):
        m.issue(name, ext, **kw)
        m.issue(name + '-leaf', leaf(), name, subject='mail.test')
        return [name + '-leaf'], name + '-leaf'

    def anchor():
        spec(maker())
        return maker().text(name)
    return spec, anchor


def anchored(name, spec, anchor, *rest):
    cert(name, spec, *rest, anchor=anchor)


anchored('self-made-and-named', self_made, lambda: (
    self_made(maker()), maker().text('mine'))[1], 0)
anchored('root-expired', *own_root('oldroot', authority(), days=(-30, -2)), 77,
         'expired')
anchored('root-rsa1024', *own_root('weakroot', authority(), kind='rsa:1024'),
         77, 'weak')
for name, text, status in (
        ('root-constraint', 'critical,permitted;DNS:test', 77),
        ('root-constraint-kept', 'permitted;DNS:mail.test,'
         'permitted;DNS:localhost', 0),
        ('root-excluded', 'critical,excluded;DNS:localhost', 77)):
    anchored(name, *own_root(name, constraints((text,))), status,
             NO if status else ())
anchored('root-without-bit', *own_root('bitroot', authority(
    'critical,CA:FALSE')), 77)


def bundle():
    """The anchor behind a hundred others' remains, with all that people put
    between PEM blocks."""
    good = read(pki().ca)
    body = good.replace(b'\n', b'\r\n')
    other = read(pki().anchor('rsa'))
    return (b'\xef\xbb\xbf# comment\r\n\r\nsubject=/CN=a -----BEGIN\n' +
            other * 50 + b'-----BEGIN CERTIFICATE-----\nnot base64!\n'
            b'-----END CERTIFICATE-----\n' + other[:len(other) // 2] +
            b'\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n' +
            b'-----BEGIN RSA PRIVATE KEY-----\nAAAA\n'
            b'-----END RSA PRIVATE KEY-----\n\0\0\x80 garbage ' +
            other * 49 + b'=== Test Root ===\r\n' + body +
            b'\r\n-----BEGIN CERTIFICATE-----\r\nMIIB')


row('cert-bundle', {}, 0, message=1, anchor=bundle, vm=True,
    only_ours='it may refuse the whole bundle')
row('cert-trust-nobody', {}, 78, 'certificate', message=0, withheld=True,
    anchor=lambda: b'no certificate\n')


# ------------------------------------------------------------- taken back

def crl_scene(m):
    """root -> int -> leaf, and a leaf of the root with the same serial as
    nobody's."""
    m.issue('int-ca', authority(), 'root')
    m.issue('nocrl-ca', authority(usage='critical,keyCertSign'), 'root',
            extra_key='own')
    m.issue('stranger', leaf(), 'root')
    m.issue('forger', authority(), subject='int-ca', extra_key='own')
    for name, by in (('good', 'int-ca'), ('taken', 'int-ca'),
                     ('nocrl', 'nocrl-ca')):
        m.issue(name + '-leaf', leaf(), by, subject='mail.test')


def by_int(name, by='int-ca'):
    def spec(m):
        crl_scene(m)
        return [name + '-leaf', by], name + '-leaf'
    return spec


def lists(*calls):
    """PEM of the lists that these make: (by, options)."""
    def crl():
        m = maker()
        crl_scene(m)
        return b'# revoked by us\n' + b'\n'.join(
            m.crl(by, **kw) for by, kw in calls)
    return crl


TAKEN = ('int-ca', {'revoked': ['taken-leaf']})
OLD = ('int-ca', {'days': (-30, -2)})
for name, spec, crl, status, words in (
        ('not-on-it', by_int('good'), lists(TAKEN), 0, ()),
        ('revoked', by_int('taken'), lists(TAKEN), 77, 'has been revoked'),
        ('revoked-v1', by_int('taken'), lists(('int-ca', {
            'revoked': ['taken-leaf'], 'number': False})), 77,
         'has been revoked'),
        ('v1', by_int('good'), lists(('int-ca', {'number': False})), 0, ()),
        ('ca-revoked', by_int('good'), lists(('root', {
            'revoked': ['int-ca']})), 77, 'CN=int-ca has been revoked'),
        ('second-of-three', by_int('taken'), lists(
            ('root', {'revoked': ['stranger']}), TAKEN, ('nocrl-ca', {})), 77,
         'has been revoked'),
        ('of-another-issuer', by_int('good'), lists(
            ('root', {'revoked': ['good-leaf']})), 0, ()),
        ('expired', by_int('good'), lists(OLD), 77, 'has expired'),
        ('expired-and-on-it', by_int('taken'), lists(('int-ca', {
            'revoked': ['taken-leaf'], 'days': (-30, -2)})), 77,
         'has been revoked'),
        ('expired-beside-good', by_int('good'), lists(OLD, TAKEN), 0, ()),
        ('future', by_int('good'), lists(('int-ca', {'days': (2, 30)})), 77,
         'of the future'),
        ('forged', by_int('good'), lists(('forger', {})),
         77, 'not signed'),
        ('without-right', by_int('nocrl', 'nocrl-ca'),
         lists(('nocrl-ca', {})), 77, 'may not sign'),
        ('sha1', by_int('good'), lists(('int-ca', {'digest': 'sha1'})), 77,
         'hash'),
        ('without-number', by_int('good'), lists(('int-ca', {
            'number': False, 'ext': ['authorityKeyIdentifier=keyid']})), 77,
         'has no number')):
    cert('crl-' + name, spec, status, words, crl=crl, vm=name == 'revoked',
         only_ours='' if status in (0, 77) and name in (
             'not-on-it', 'revoked', 'ca-revoked', 'expired', 'of-another-'
             'issuer') else 'its idea of lists may be another')


def sent_nothing(run, wires):
    check(not wires, 'it connected', run)


for name, crl in (
        ('garbage', lambda: b'no list\n'),
        ('cut', lambda: lists(TAKEN)()[:-60]),
        ('partial', lists(('int-ca', {'ext': [
            'issuingDistributionPoint=critical,@idp', '[idp]',
            'onlyuser=TRUE']}))),
        ('empty', lambda: b'\n')):
    cert('crl-' + name, by_int('good'), 78, 'tls_crl_file', crl=crl,
         also=sent_nothing, only_ours='its idea of lists may be another')
row('crl-without-certcheck', {'auth': ()}, 78, 'tls_crl_file', user=None,
    crl=lambda: lists(TAKEN)(), more='tls_certcheck off\n', also=sent_nothing)
