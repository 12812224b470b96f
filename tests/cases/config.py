"""What a configuration means: texts, the status each gives, and the words of
the reason. The process runs without a network, so that 74 says that the
configuration was taken; nothing may crash, whatever the text is."""
import os
import random
import subprocess

from harness import case, check, equal, new_dir
from images import image
from lab import files, launch

TAKEN = 74
BASE = 'host mail.example.org\nfrom a@example.org\n'

# as people have it in ~/.msmtprc
GMAIL = '''# Set default values for all following accounts.
defaults
auth           on
tls            on
tls_trust_file /etc/ssl/certs/ca-certificates.crt
logfile        ~/.msmtp.log

# Gmail
account        gmail
host           smtp.gmail.com
port           587
from           someone@gmail.com
user           someone
password       "abcd efgh ijkl mnop"

account        work : gmail
host           mail.example.org
tls_starttls   off
port           465
set_from_header on

# Set a default account
account default : gmail
'''

TABLE = {
    # taken
    'plain': (BASE, TAKEN),
    'crlf': (BASE.replace('\n', '\r\n'), TAKEN),
    'no-final-newline': (BASE.rstrip('\n'), TAKEN),
    'byte-order-mark': ('\ufeff' + BASE, TAKEN),
    'tabs-and-comments': ('\t# x\n\n \t\n  host\tmail.example.org \t\n'
                          'from "a@example.org"\n', TAKEN),
    'last-line-wins': (BASE + 'port 1\nport 2\n', TAKEN),
    'value-64-KB': (BASE + 'from_full_name ' + 'x' * 200 + '\nlogfile ' +
                    'y' * 65536 + '\n', TAKEN),
    'gmail': (GMAIL, TAKEN),
    'outlook': ('account default\nhost smtp.office365.com\nport 587\n'
                'auth login\ntls on\ntls_starttls on\nuser a@example.org\n'
                'from a@example.org\npassword x\nsyslog LOG_MAIL\n', TAKEN),
    'localhost': ('account default\nhost 10.0.2.2\nport 25\ntls off\n'
                  'auth off\nfrom cron@example.org\nsyslog on\n', TAKEN),
    'xoauth2': (BASE + 'auth xoauth2\nuser u\npassword ya29.x\n', TAKEN),
    'scram-in-the-clear': (BASE + 'tls off\nauth scram-sha-1\nuser u\n'
                           'password x\n', TAKEN),
    'dsn': (BASE + 'dsn_notify failure,delay\ndsn_return headers\n', TAKEN),
    'wishes': (BASE + 'require_tls on\ndsn_envid QQ314\nmt_priority -2\n'
               'deliver_by 3600 return trace\nhold_for 60\n', TAKEN),
    'only-account': ('account one\n' + BASE, TAKEN),
    # 78, and why
    'empty': ('', 78, 'host is not set'),
    'nul': (BASE + 'user a\0b\n', 78, 'line 3, column 6', 'control'),
    'nul-in-key': (BASE + 'us\0er a\n', 78, 'line 3, column 1', 'unknown'),
    'utf-16': (('\ufeff' + BASE).encode('utf-16-le'), 78, 'line 1'),
    'key-10-KB': (BASE + 'k' * 10240 + ' x\n', 78, 'line 3', 'unknown key'),
    'port-64-KB': (BASE + 'port ' + '1' * 65536, 78, 'line 3, column 6'),
    'lone-quote': (BASE + 'port "25\n', 78, 'line 3, column 6'),
    'comment-behind': (BASE + 'port 25 # smtp\n', 78, 'line 3, column 6'),
    'equals-sign': ('host = mail.example.org\n', 78, 'line 1, column 6'),
    'capitals': ('Host x\n', 78, 'line 1, column 1', 'host'),
    'own-parent': ('account a : a\n' + BASE, 78, 'line 1, column 13',
                   'not defined above'),
    'parent-below': ('account a : b\n' + BASE + 'account b\n', 78,
                     'line 1, column 13', 'not defined above'),
    'default-of-default': ('account default : default\n', 78, 'line 1',
                           'not defined above'),
    'name-twice': ('account a\n' + BASE + 'account a\nhost y\n', 78,
                   'line 4, column 9', 'there already'),
    '10000-accounts': (''.join(f'account a{n}\nhost h\n'
                               for n in range(10000)), 78, 'too many'),
    'one-parent-often': ('account a\n' + BASE + 'account b : ' +
                         ','.join('a' for _ in range(20000)) + '\n', 78,
                         'line 4', 'too many'),
    'which-account': ('account a\n' + BASE + 'account b\n' + BASE, 78,
                      'no account "default"', 'account=NAME'),
    'gssapi': (BASE + 'auth gssapi\n', 78, 'line 3, column 6', 'login'),
    'external-no-cert': (BASE + 'auth external\n', 78, 'tls_cert_file'),
    'plus-in-the-clear': (BASE + 'tls off\nauth scram-sha-256-plus\nuser u\n'
                          'password x\n', 78, 'set tls on'),
    'token-in-the-clear': (BASE + 'tls off\nauth xoauth2\nuser u\npassword '
                           'x\n', 78, 'auth_unsafe'),
    'dsn-case': (BASE + 'dsn_notify sometimes\n', 78, 'line 3', 'column 12',
                 'never'),
    'dsn-never-else': (BASE + 'dsn_notify never,delay\n', 78, 'line 3',
                       'never'),
    'dsn-comma': (BASE + 'dsn_notify delay,\n', 78, 'line 3', 'never'),
    'priority-range': (BASE + 'mt_priority urgent\n', 78, 'line 3',
                       'column 13', '-9 to 9'),
    'deliver-by': (BASE + 'deliver_by tomorrow\n', 78, 'line 3', 'seconds'),
    'hold-date': (BASE + 'hold_until tomorrow\n', 78, 'line 3', 'RFC 3339'),
    'hold-both': (BASE + 'hold_for 5\nhold_until 2026-11-27T08:00:00Z\n', 78,
                  'line 4', 'too many'),
    'dsn-return': (BASE + 'dsn_return half\n', 78, 'line 3', 'headers'),
    'auth-without-user': (BASE + 'auth on\n', 78, 'auth needs user'),
    'auth-in-the-clear': (BASE + 'tls off\nauth on\nuser u\npassword x\n', 78,
                          'auth_unsafe'),
    'auth-unverified': (BASE + 'tls_certcheck off\nauth on\nuser u\n'
                        'password x\n', 78, 'auth_unsafe'),
    'trust-file-missing': (BASE + 'tls_trust_file /no/such.pem\n', 78,
                           'line 3, column 16', 'no such file'),
    'from-pattern': ('host h\nfrom *@example.org\n', 78, 'line 2, column 6',
                     'pattern'),
    'from-injection': ('host h\nfrom "a@b> SIZE=1"\n', 78, 'line 2'),
    'host-injection': ('host "h\x1b[2J"\n', 78, 'line 1', 'control'),
    'two-hosts': ('host a b\n', 78, 'line 1, column 6'),
}

# (account asked for, in GMAIL) -> status
ACCOUNTS = {'': TAKEN, 'gmail': TAKEN, 'work': TAKEN, 'default': TAKEN,
            'home': 78}


def run(text, *args):
    if isinstance(text, str):
        text = text.encode()
    return launch('posix', '--net', 'none', *args, 'b@example.org', conf=text,
                  message=b'x\n', files=files())


def entry(name, text, status, *words):
    @case('config/' + name)
    def one():
        r = run(text)
        check(r.report is not None, 'no report', r)
        equal(r.status, status, 'exit status', r)
        for word in words:
            check(word in r.reason, f'the reason does not say "{word}"', r)
        check(len(r.reason) < 600, 'the reason is too long', r)


for key, value in TABLE.items():
    entry(key, *value)


@case('config/accounts')
def accounts():
    for name, status in ACCOUNTS.items():
        r = run(GMAIL, *(['-a', name] if name else []))
        equal(r.status, status, f'account "{name}"', r)
    check('no account' in r.reason, 'the reason', r)


@case('config/secrets-stay-secret')
def secrets():
    """A fault in the line of a password, or behind it, does not show it."""
    for line in ('password "S3cr3t\x01"', 'pasword S3cr3t', 'S3cr3t',
                 'password S3cr3t\nport S', 'password= S3cr3t'):
        r = run(BASE + line + '\n')
        equal(r.status, 78, line, r)
        check('S3cr3t' not in r.log + r.stdout, 'the password is shown', r)


@case('config/recipients')
def recipients():
    """100 are taken; more are refused, whoever names them."""
    many = [f'r{n}@example.org' for n in range(100)]
    equal(run(BASE, *many[:99]).status, TAKEN, '100 recipients')
    r = run(BASE, *many)
    equal(r.status, 64, '101 recipients', r)
    check('limit is 100' in r.reason, 'the reason', r)
    r = run(BASE + 'to ' + ','.join(many + ['x@example.org']) + '\n')
    equal(r.status, 78, '101 in the file', r)
    # one item may be several addresses, as sendmail's may
    r = run(BASE, 'c@example.org, "d,e"@example.org')
    equal([x['address'] for x in r.report['recipients']],
          ['c@example.org', '"d,e"@example.org', 'b@example.org'],
          'recipients', r)


def archive(members):
    """A cpio archive (newc)."""
    out = b''
    for name, data in [*members.items(), ('TRAILER!!!', b'')]:
        raw = name.encode() + b'\0'
        fields = (1, 0o100600, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        out += b'070701' + b''.join(b'%08X' % f for f in fields) + raw
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return out


@case('config/noise')
def noise():
    """Random texts, and good ones with holes: a verdict every time."""
    rnd = random.Random(4711)
    program = image('posix-asan')
    path = os.path.join(new_dir('noise'), 'initrd')
    words = [b'host', b'account', b'defaults', b':', b'"', b'\n', b'\r\n',
             b' ', b'\t', b'\0', b'#', b'a', b'default', b',', b'to', b'ip',
             b'dns', b'10.0.2.2/24', b'tls', b'off', b'\xff', b'port']
    for n in range(150):
        if n % 3 == 0:
            text = rnd.randbytes(rnd.randrange(400))
        elif n % 3 == 1:
            text = b''.join(rnd.choice(words) for _ in range(80))
        else:
            text = bytearray(GMAIL.encode())
            for _ in range(rnd.randrange(1, 6)):
                text[rnd.randrange(len(text))] = rnd.randrange(256)
        part = {'bootmail.conf': bytes(text), 'message': b'x\n',
                'args': rnd.choice([b'', bytes(text), b'to a@b.example\n']),
                'ca.pem': b'x'}
        with open(path, 'wb') as f:
            f.write(archive(part))
        done = subprocess.run([program, '--initrd', path, '--net', 'none'],
                              stdout=subprocess.PIPE, timeout=60,
                              stderr=subprocess.STDOUT)
        last = done.stdout.splitlines()[-1:]
        check(done.returncode in (64, 74, 78) and
              last and last[0].startswith(b'{"bootmail":1,'),
              f'text {n}: exit {done.returncode}', bytes(text),
              done.stdout[-2000:])
