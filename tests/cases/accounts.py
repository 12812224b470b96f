"""The launcher reads a configuration as the image does: each awkward msmtprc
is given to both parsers, account by account, and they must agree. What only the
launcher does, eval, passwordeval, choosing the account by its from, is tried
through the launcher, with the image's verdict at the end."""
import os


from ctest import build
from harness import TOP, case, check, command, equal, new_dir, once
from lab import launch
from launcher_lib import call, packed, refused

# name: (text, accounts to ask for; "" is the one used if none is named)
TABLE = {
    'one-headless': ('host a\nport 26\nuser "x y"\n', ['', 'default', 'no']),
    'only-account': ('account one\nhost a\n', ['', 'one', 'default']),
    'two-without-default': ('account a\nhost a\naccount b\nhost b\n',
                            ['', 'a', 'b']),
    'default-by-parent': (
        'account a\nhost a\nport 1\naccount b\nhost b\n'
        'account default : b\n', ['', 'a', 'b', 'default']),
    'parents-in-order': (
        'account a\nhost a\nuser a\nport 1\naccount b\nhost b\nport 2\n'
        'account c : a, b\nuser c\naccount d : b , a\naccount e:a,b\n',
        ['c', 'd', 'e']),
    'grandparents': (
        'account a\nhost a\nuser a\naccount b : a\nport 2\n'
        'account c : b\nfrom c@x\naccount d : c\n', ['b', 'c', 'd']),
    'defaults-above-only': (
        'account a\nhost a\ndefaults\nport 99\nuser d\naccount b\nhost b\n'
        'defaults\nport 98\naccount c : a\nhost c\n', ['a', 'b', 'c']),
    'defaults-beat-no-parent': (
        'account a\nport 1\nhost a\ndefaults\nport 7\nhost d\n'
        'account b : a\n', ['b']),
    'headless-and-defaults': (
        'host h\nport 5\ndefaults\nport 6\naccount x\nhost x\n',
        ['', 'default', 'x']),
    'headless-and-one': ('host h\naccount x\nhost x\n', ['', 'x']),
    'defaults-alone': ('defaults\nhost d\nport 3\n', ['', 'default']),
    'nothing': ('', ['']),
    'comments-only': ('# a\n \t# b\n\n', ['']),
    'crlf': ('account a\r\nhost "a"\r\nport 3\r\n\r\n', ['', 'a']),
    'byte-order-mark': ('\ufeffhost a\nport 4\n', ['']),
    'mark-then-account': ('\ufeffaccount a\nhost a\n', ['', 'a']),
    'blanks': (' \t host \t  a  \t\n\tport\t 25 \naccount\tb \t: \tdefault\n',
               ['', 'b']),
    'quotes': ('host "h"\nuser "a "b" c"\npassword "" "\ndomain "\n'
               'from_full_name " x "\nsubject a"b"\n', ['']),
    'a-hash-is-no-comment': ('host h # no\n', ['']),
    'hash-in-value': ('host h\npassword a#b #c\nuser "#"\n', ['']),
    'later-wins': ('host a\nhost b\nport 1\nport 2\n', ['']),
    'switches': ('host h\ntls\ntls_starttls off\nauth\ntls_certcheck on\n',
                 ['']),
    'older-spellings': (
        'host h\ntls_nostarttls\ntls_nocertcheck off\nkeepbcc on\n'
        'add_missing_from_header off\nadd_missing_date_header\n', ['']),
    'older-after-newer': ('host h\ntls_starttls on\ntls_nostarttls on\n',
                          ['']),
    'empty-values': ('host h\nuser\npassword\nfrom\ntls_fingerprint\n', ['']),
    'quoted-names': ('account " a "\nhost a\naccount "b:a"\nport 3\n',
                     ['a', 'b']),
    'odd-names': ('account a.b@c-d_e\nhost a\naccount \u00fc : a.b@c-d_e\n',
                  ['a.b@c-d_e', '\u00fc']),
    'unknown-account': ('account a\nhost a\n', ['b', 'A', 'a b']),
    'no-last-newline': ('account a\nhost a\nport 77', ['', 'a']),
    'long-value': ('host h\nuser u\npassword ' + 'x' * 5000 + '\n', ['']),
    'utf-8': ('host h\nfrom_full_name J\u00f6rg \u6f22\n', ['']),
    'the-rest': (
        'host h\ntimeout off\ndsn_notify failure,delay\nmaildomain d.e\n'
        'tls_trust_file ~/x.pem\nlogfile ~/log\nsyslog\ntls_min_version 1.3\n'
        'total_timeout 60\nprotocol lmtp\nset_from_header on\n', ['']),
}
# what the image does not keep as it is written, or keeps as a list; older
# spellings are compared as those of today
NOT_COMPARED = {'account', 'to', 'cc', 'bcc', 'logfile', 'syslog', 'header',
                'keepbcc', 'tls_nocertcheck', 'tls_nostarttls',
                'add_missing_from_header', 'add_missing_date_header'}


@once
def parser():
    return build('tests/host/account.c')


def lines(text):
    return dict(line.partition(' ')[::2] for line in
                text.decode(errors='surrogateescape').split('\n') if line)


def by_image(text, account):
    done = command([parser(), account], 60, input=text)
    check(done.returncode in (0, 78), 'the parser', done.stderr.decode())
    return None if done.returncode == 78 else lines(done.stdout)


def by_launcher(path, account):
    """conf_account in a shell of its own."""
    done = command(['bash', '-c', '''
        set -u -o pipefail; shopt -s extglob; export LC_ALL=C
        . "$1/scripts/launcher/config.bash"
        conf_read "$2"
        conf_account "$3" || exit 78
        for k in "${!conf[@]}"; do printf '%s %s\\n' "$k" "${conf[$k]}"; done
        ''', 'bash', TOP, path, account], 60)
    equal(done.stderr, b'', 'words of the launcher')
    return None if done.returncode == 78 else lines(done.stdout)


def agree(name, text, accounts):
    path = os.path.join(new_dir('conf'), 'conf')
    with open(path, 'wb') as f:
        f.write(text)
    usual = by_image(b'', '')
    for account in accounts:
        want, got = by_image(text, account), by_launcher(path, account)
        where = f'{name}, account "{account}"'
        equal(got is None, want is None, f'no such account: {where}')
        for key in sorted(set(got or ()) | set(want or ())):
            if key in NOT_COMPARED:
                continue
            value = (got or {}).get(key, usual[key])
            # a switch or a choice without a word; off is 0 seconds
            if value == '' and want[key] in ('on', 'auto'):
                value = want[key]
            equal(value, want[key], f'{key}: {where}')


@case('accounts/both-parsers-agree')
def both():
    for name, (text, accounts) in TABLE.items():
        agree(name, text.encode(), accounts)


@case('accounts/many')
def many():
    """A hundred accounts, most the children of two above them."""
    text = ''.join(
        f'account a{n}' + (f' : a{n // 2}, a{n - 1}\n' if n % 4 else '\n') +
        f'host h{n}\n' + (f'port {n + 1}\n' if n % 3 == 0 else '')
        for n in range(100))
    agree('many', text.encode(), ['a0', 'a3', 'a6', 'a41', 'a99', ''])


# ------------------------------------------------------------------- eval

BASE = 'host h\nfrom a@example.org\n'


@case('accounts/eval')
def evals():
    """Each line becomes the first line of what its command prints; the others
    keep their numbers and their bytes."""
    got = packed('b@c.d', conf='# x\neval echo host h1\n\teval  "echo \'port '
                 '26\'; echo junk"\naccount w\r\neval printf "\\tuser \\"u\\""'
                 '\nhost h2', files={'ca.pem': b'x'})
    equal(got['bootmail.conf'], b'# x\nhost h1\nport 26\naccount w\r\n'
          b'\tuser "u"\nhost h2', 'the configuration')
    for command_, word in (('exit 3', 'status 3'), ('true', 'nothing'),
                           ('echo', 'nothing'), ('no-such-x', 'status 127'),
                           ('echo S3cr3t; echo S3cr3t >&2; false', 'status')):
        done, _ = call('a@b.c', conf=f'host h\neval {command_}\n')
        equal(done.returncode, 78, command_, done.text)
        check('line 2' in done.text and word in done.text, done.text)
        check('S3cr3t' not in done.text, 'what it printed is shown')


@case('accounts/eval-and-stdin')
def eval_stdin():
    """The message is not the command's to read."""
    got = packed('b@c.d', conf='eval cat; echo host h\n', stdin=b'the text\n')
    equal(got['bootmail.conf'], b'host h\n', 'the configuration')
    equal(got['message'], b'the text\n', 'the message')


@case('accounts/passwordeval')
def passwordeval():
    """Only that of the account in use, only if there is none, only for auth;
    in the archive it is the file password, and nowhere else."""
    mark = os.path.join(new_dir('mark'), 'ran')
    text = ('defaults\nauth on\nuser u\nfrom a@b.c\n'
            f'account a\nhost h\npasswordeval echo one; echo junk\n'
            f'account b\nhost h\npasswordeval touch {mark}; echo two\n'
            f'account c\nhost h\npassword known\n'
            f'passwordeval touch {mark}; echo three\n'
            f'account d\nhost h\nauth off\n'
            f'passwordeval touch {mark}; echo four\n'
            'account e\nhost h\npasswordeval printf "five\\r\\n"\n')
    for account, password in (('a', b'one\n'), ('c', None), ('d', None),
                              ('e', b'five\r\n')):
        got = packed('-a', account, 'x@y.z', conf=text)
        equal(got.get('password'), password, f'account {account}')
        check(b'passwordeval' not in got['bootmail.conf'] and
              b'junk' not in got['bootmail.conf'], 'the command went along')
        equal(got['bootmail.conf'].count(b'\n'), text.count('\n'), 'lines')
    check(not os.path.exists(mark), 'a command ran that was not asked for')
    packed('-a', 'b', 'x@y.z', conf=text)
    check(os.path.exists(mark), 'the command did not run')
    got = packed('-a', 'a', 'x@y.z', conf=text, files={'password': b'file\n'})
    equal(got['password'], b'one\n', 'passwordeval is before the file')
    for command_, word in (('exit 3', 'status 3'), ('true', 'nothing'),
                           ('echo S3cr3t >&2; echo S3cr3t; kill -9 $$',
                            'status 137')):
        done, _ = call('x@y.z', conf=BASE + f'auth on\nuser u\npasswordeval '
                       f'{command_}\n')
        equal(done.returncode, 78, command_, done.text)
        check(word in done.text and 'passwordeval' in done.text, done.text)
        check('S3cr3t' not in done.text, 'what it printed is shown')


@case('accounts/passwordeval-hangs')
def hangs():
    done, _ = call('--timeout', '1', 'x@y.z',
                   conf=BASE + 'auth on\nuser u\npasswordeval sleep 100\n')
    equal(done.returncode, 78, 'exit status', done.text)
    check('in time' in done.text, done.text)


@case('accounts/passwordeval-and-image')
def taken():
    """The image takes what is made of it (no network: 74)."""
    r = launch('posix', '--net', 'none', 'b@example.org', message=b'x\n',
               conf=BASE + 'tls off\nauth on\nauth_unsafe on\nuser u\n'
               'passwordeval echo secret\naliases /dev/null\n')
    equal(r.status, 74, 'exit status', r)


# ---------------------------------------------------- the account by its from

SENDERS = ('account a\nhost a\nfrom joe@example.org\n'
           'account b\nhost b\nfrom *@example.net\n'
           'account c\nhost c\nfrom team-[0-9]?@EXAMPLE.com\n'
           'account d\nhost d\nfrom plus+x@example.org\n'
           'account default\nhost z\nfrom last@example.org\n')


def chosen(*args, stdin=b'hello\n', conf=SENDERS):
    done, _ = call('--board', 'posix', '--dry-run', '--save',
                   os.path.join(new_dir('s'), 'f'), *args, stdin=stdin,
                   conf=conf)
    equal(done.returncode, 0, f'{args}', done.text)
    words = [w for w in done.stdout.decode().split("'")
             if w.startswith('account=')]
    return words[0][len('account='):] if words else None


@case('accounts/by-sender')
def by_sender():
    for sender, account in (
            ('joe@example.org', 'a'), ('JOE@Example.ORG', 'a'),
            ('joe+list@example.org', 'a'), ('joe+l@x@example.org', None),
            ('any@example.net', 'b'), ('any+x@example.net', 'b'),
            ('any@EXAMPLE.NET', None), ('team-1a@EXAMPLE.com', 'c'),
            ('team-1@EXAMPLE.com', None), ('plus@example.org', None),
            ('plus+x@example.org', 'd'), ('plus+y@example.org', None),
            ('last@example.org', 'default'), ('nobody@x', None),
            ('', None)):
        equal(chosen('-f', sender, 'a@b.c'), account, f'-f {sender}')
        equal(chosen('-a', 'b', '-f', sender, 'a@b.c'), 'b', '-a wins')
    equal(chosen('a@b.c'), None, 'no -f')
    equal(chosen('-t', 'a@b.c', stdin=b'From: any@example.net\n\nx\n'), None,
          '-t alone does not choose, as in msmtp')


@case('accounts/by-from-field')
def by_field():
    """--read-envelope-from: the From field, or a Resent-From before it."""
    for text, account in (
            (b'From: any@example.net\n\nx\n', 'b'),
            (b'To: x@y\nfrom : "A, <b>" (c <d@e>)\r\n <joe@example.org>\r\n'
             b'\r\nx\r\n', 'a'),
            (b'From: Joe <Joe@example.org> (x)\n\n', 'a'),
            (b'Resent-From: joe@example.org\nFrom: any@example.net\n\n', 'a'),
            (b'From: any@example.net\nResent-From: joe@example.org\n\n', 'b'),
            (b'Subject: From: any@example.net\nFrom: joe@example.org\n\n',
             'a')):
        equal(chosen('--read-envelope-from', '-t', 'a@b.c', stdin=text),
              account, repr(text))
    got = packed('--read-envelope-from', 'a@b.c', conf=SENDERS,
                 stdin=b'From: N <any@example.net>\n\nx\n')
    check(b'from "any@example.net"' in got['args'].split(b'\n'), 'args',
          got['args'])
    refused(64, 'From', '--read-envelope-from', 'a@b.c', stdin=b'To: x@y\n\n')
    refused(64, 'both', '--read-envelope-from', '-f', 'x@y.z', 'a@b.c')


@case('accounts/by-sender-and-image')
def by_sender_taken():
    """A pattern that -f fits is an address then; one that is left is refused
    by the image."""
    for args, status, word in (
            (['-f', 'any@example.net'], 74, 'network'),
            (['-f', 'joe@example.org'], 74, 'network'),
            (['-a', 'b'], 78, 'pattern')):
        r = launch('posix', '--net', 'none', *args, 'b@example.org',
                   message=b'x\n', conf='defaults\ntls off\n' + SENDERS)
        equal(r.status, status, f'exit status of {args}', r)
        check(word in r.reason, r)


@case('accounts/auto-from')
def auto_from():
    me = command(['id', '-un']).stdout.decode().strip()
    text = 'host h\nauto_from on\nmaildomain mail.test\n'
    for args in ([], ['-f', 'x@y.z']):
        got = packed(*args, 'a@b.c', conf=text)
        check(f'from "{me}@mail.test"'.encode() in got['args'].split(b'\n'),
              'args', got['args'])
        check(b'auto_from' not in got['bootmail.conf'], 'not dropped')
