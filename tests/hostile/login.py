"""Login: challenges, refusals, mechanisms that come, go and are misspelt."""
import hashlib
import ssl

from harness import check, equal
from lab import pki
from scenario import SECRET, TEXT, USERS, WHO, group, row

group('login')

# --------------------------------------------------------------------- AUTH

def auth_row(name, options, status, words=(), **kw):
    row(f'auth-{name}', options, status, words, quick=10, **kw)


def no_message(run, wires):
    for w in wires:
        check(TEXT.encode() not in w.inside, 'the message went out', run)


auth_row('334-for-ever', {'replies': {'AUTH': b'334 \r\n', 'AUTH1': b'334 \r\n'},
                          'auth': ('PLAIN',)}, (76, 77), also=no_message)
auth_row('334-noise', {'auth': ('LOGIN',), 'replies': {
    'AUTH1': b'334 !!!not base64\xff\r\n', 'AUTH2': b'334\r\n'}}, 0, message=1)
auth_row('login-only', {'auth': ('LOGIN',)}, 0, message=1, vm=True)
auth_row('plain-only', {'auth': ('PLAIN',)}, 0, message=1)
auth_row('none-known', {'auth': ('DIGEST-MD5', 'XOAUTH2')}, 77, 'XOAUTH2',
         withheld=True)
auth_row('only-before-tls', {'clear_auth': True, 'replies': {
    'EHLO2': b'250-mail.test\r\n250 8BITMIME\r\n'}}, 77, 'no AUTH',
    withheld=True)
auth_row('235-unasked', {'auth': ('LOGIN',), 'replies': {
    'AUTH1': b'235 welcome\r\n'}}, 76, 'AUTH', also=no_message)
auth_row('504-then-login', {'auth': ('LOGIN',), 'replies': {
    'EHLO2': b'250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n'}}, 0, message=1)
auth_row('454', {'replies': {'AUTH': b'454 4.7.0 later\r\n'}}, 75, 'later')
auth_row('535', {'replies': {'AUTH': b'535 5.7.8 no\r\n'}}, 77,
         ('535', 'check user and password'), also=no_message)
auth_row('echo', {'replies': {'AUTH': f'535 you said {SECRET}\r\n'.encode()}},
         77, '535')
auth_row('challenge-huge', {'auth': ('LOGIN',), 'replies': {
    'AUTH1': b'334 ' + b'A' * 12000 + b'\r\n'}}, 0, message=1)
auth_row('challenge-bomb', {'auth': ('LOGIN',), 'replies': {
    'AUTH1': b'334 ' + b'A' * 70000 + b'\r\n'}}, 76, 'does not end')
for name, line in (('lower', b'auth plain login'), ('equals', b'AUTH=PLAIN'),
                   ('blanks', b'AUTH  CRAM-MD5   PLAIN '),
                   ('mixed', b'Auth Login pLAIN')):
    auth_row(f'offer-{name}', {'replies': {
        'EHLO2': b'250-mail.test\r\n250 ' + line + b'\r\n'}}, 0, message=1)


# ---------------------------------------------------------------- passwords

PASSWORDS = {
    '8-bit': 'p\u00e4ssw\u00f6rt-\u20ac', 'long': 'x' * 2400,
    'blanks': '  two  blanks  ', 'quotes': 'a"b\'c\\d', 'hash': '#no comment',
    'one': 'x', 'percent': '%s%n%d',
}


def not_shown(*parts):
    def also(run, wires):
        for part in parts:
            check(part not in run.log + (run.ours.stdout if run.ours else ''),
                  'the password is shown', run)
    return also


for key, value in PASSWORDS.items():
    for mech in ('PLAIN', 'LOGIN'):
        row(f'password-{key}-{mech.lower()}',
            {'users': {WHO: value}, 'auth': (mech,)}, 0, message=1,
            password=value, only_ours='' if key not in ('quotes', 'long')
            else 'its way of writing passwords',
            also=not_shown(value) if len(value) > 3 else None)
for key, text, value in (('quoted', '"sp ace"', 'sp ace'),
                         ('hash', 'plain#word', 'plain#word'),
                         ('quote-inside', '"q"uote', '"q"uote')):
    row(f'password-in-conf-{key}', {'users': {WHO: value}}, 0, message=1,
        password=None, more=f'password {text}\n')
# echoed in an encoding of the server's own: still masked
for code in ('utf-8', 'latin-1'):
    row(f'password-echoed-{code}', {'replies': {
        'AUTH': b'535 5.7.8 no: ' + 'zk\u00e4qv\u00f6xj'.encode(code) +
        b'\r\n'}}, 77, password='zk\u00e4qv\u00f6xj',
        only_ours='what its log shows is its own affair',
        also=not_shown('zk', 'qv', 'xj'))


# ----------------------------------------- what would give the password away

def no_connection(run, wires):
    equal(len(wires), 0, 'connections', run)


def verified(wanted):
    return lambda run, wires: equal(run.ours.report['tls']['verified'], wanted,
                                    'verified', run)


row('auth-without-tls', {'clear_auth': True}, 78, 'tls off', mode='off',
    also=no_connection, only_ours='it is asked to send it in the clear')
row('auth-unverified', {'clear_auth': True}, 78, 'tls_certcheck off',
    more='tls_certcheck off\n', also=no_connection)
row('certcheck-off', {'auth': ()}, 0, message=1, user=None, cert='selfsigned',
    more='tls_certcheck off\n', also=verified(False))
row('certcheck-off-auth-unsafe', {}, 0, message=1, cert='selfsigned',
    more='tls_certcheck off\nauth_unsafe on\n', also=verified(False))


# -------------------------------------------------------------- fingerprints

def fingerprint(name):
    with open(pki().cert(name)[0]) as f:
        pem = f.read()
    pem = pem[:pem.index('-----END') + len('-----END CERTIFICATE-----')]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(':')


def pin(change=lambda x: x):
    return lambda: f"tls_fingerprint {change(fingerprint('selfsigned'))}\n"


def other_digit(text):
    return ('0' if text[0] != '0' else '1') + text[1:]


row('fingerprint', {}, 0, message=1, cert='selfsigned', more=pin(),
    only_ours='its way of writing fingerprints', also=verified(True))
row('fingerprint-wrong', {}, 77, 'fingerprint', cert='selfsigned',
    more=pin(other_digit), only_ours='its way of writing fingerprints',
    withheld=True)
