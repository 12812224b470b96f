"""The command lines of programs that call sendmail, given to the launcher and
to msmtp with the same configuration and the same server: status, envelope,
fields and text are compared. What differs stands in the table, and has to.

A difference is one of these words, ours before the stroke:
    status 0/64     sender a/b     recipients a,b/c
    +Field -Field   only we have it, only msmtp has it
    ~Field          the value differs
    body            the text differs
Fields are compared without regard to their order, a Date and a Message-ID that
were made without their values."""
import collections
import os
import re
import shutil

from dialogue import Dialogue
from fake import Fake
from harness import (BUILD, LAUNCHER, Skip, case, check, command,
                     new_dir, private_file)
from images import image

Row = collections.namedtuple('Row', 'caller argv text conf differs')

BASE = 'from sender@mail.test\n'
CONFS = {
    'base': BASE,
    'aliases': BASE + 'aliases {aliases}\n',
    'maildomain': BASE + 'maildomain mail.test\n',
    'no-from': '',
    'accounts': ('from default@mail.test\naccount work\n{server}'
                 'from joe@work.test\naccount any\n{server}'
                 'from *@any.test\naccount fixed\n{server}'
                 'from fixed@mail.test\nallow_from_override off\n'),
    'auto-from': 'auto_from on\nmaildomain mail.test\n',
}
ALIASES = 'root: admin@mail.test, ops\nops: ops@mail.test\n'

HEAD = ('From: Sender <sender@mail.test>\nTo: rcpt@mail.test\nSubject: hello\n'
        'Date: Mon, 02 Nov 2026 10:00:00 +0000\n'
        'Message-ID: <1@mail.test>\n')
FULL = HEAD + '\nGood day,\n.\n..\nFrom here\nbye\n'
BARE = 'Subject: backup\nTo: rcpt@mail.test\n\ndone\n'
LIST = ('From: Sender <sender@mail.test>\n'
        'To: One <one@mail.test>, two@mail.test (Two),\n'
        ' "Doe, J" <three@mail.test>\nCc: four@mail.test\n'
        'Bcc: five@mail.test\nSubject: list\n'
        'Date: Mon, 02 Nov 2026 10:00:00 +0000\n'
        'Message-ID: <2@mail.test>\n\ntext\n')
CRON = ('From: root (Cron Daemon)\nTo: root\n'
        'Subject: Cron <root@web1> /usr/bin/backup\nMIME-Version: 1.0\n'
        'Content-Type: text/plain; charset=UTF-8\n'
        'Content-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n'
        'X-Cron-Env: <LOGNAME=root>\n\nfertig: gr\u00fcn\n')
MDADM = ('From: mdadm monitoring <root>\nTo: root@mail.test\n'
         'Subject: DegradedArray event on /dev/md0:web1\n\n'
         'md0 : active raid1 sda1[0]\n')
R, R2 = 'rcpt@mail.test', 'two@mail.test'
# differences that several rows have
QUALIFIED = 'recipients root@mail.test/root'  # maildomain is for them as well
QUOTED = '~From'                               # "Name" <address>
MADE = ('+Content-Transfer-Encoding', '+Content-Type', '+MIME-Version', '+To')

TABLE = []


def row(caller, argv, text=FULL, conf='base', *differs):
    TABLE.append(Row(caller, argv.split() if isinstance(argv, str) else argv,
                     text, conf, set(differs)))


# cron and what is like it
row('cron of Debian', f'-FCronDaemon -i -B8BITMIME -oem {R}', CRON)
row('cron of Debian, local', '-FCronDaemon -i -B8BITMIME -oem root', CRON,
    'aliases')
row('cron of Debian, maildomain', '-FCronDaemon -i -B8BITMIME -oem root', CRON,
    'maildomain', QUALIFIED)
row('cronie', '-FCronDaemon -i -odi -oem -oi -t -f sender@mail.test', FULL)
row('systemd-cron', f'-i -B8BITMIME {R}', CRON)
row('anacron', f'-FAnacron -odi {R}', BARE, 'base', QUOTED)
row('fcron', f'-Ffcron -odi {R}', BARE, 'base', QUOTED)
row('at', f'-i {R}', BARE)
row('busybox crond', '-ti', FULL)
row('bcron', f'-f sender@mail.test {R}', FULL)
# mailx and its kin, as they call their mta
row('bsd-mailx', f'-i {R} {R2}')
row('bsd-mailx -v', f'-i -v {R}')
row('bsd-mailx -m', f'-i -m {R}')
row('heirloom mailx', f'-i -r me@mail.test {R}', FULL, 'base',
    'status 0/64', 'only we send')  # sendmail's older -f
row('s-nail', f'-i -- {R}')
row('s-nail -r', f'-i -f me@mail.test -- {R} {R2}')
row('GNU mailutils', '-oi -t', LIST)
row('GNU mailutils -r', '-f me@mail.test -oi -t', LIST)
row('apcupsd by mail', f'-i {R}', BARE)
row('zed by mail', f'-oi -oem {R}', BARE)
# readers
row('mutt', f'-oem -oi -- {R}')
row('mutt envelope_from', f'-oem -oi -f me@mail.test -- {R} {R2}')
row('mutt dsn_notify', f'-oem -oi -N failure,success -R hdrs -- {R}')
row('neomutt 8 bit', f'-oem -oi -B8BITMIME -- {R}', CRON)
row('emacs', '-oi -f me@mail.test -t', LIST)
row('gnus', '-oi -f me@mail.test -odi -oem -t', LIST)
row('alpine', '-bs -odb -oem', '')
row('nmh', '-t -oi -oem -odb', LIST)
# monitors
row('smartd', '-t -oi', FULL)
row('smartd -f', '-t -f smartd@mail.test -oi', FULL)
row('mdadm', '-t', MDADM)
row('mdadm by mail', '-t', MDADM.replace('@mail.test', ''), 'aliases')
row('logwatch', '-t', FULL)
row('unattended-upgrades', '-oi -t', FULL)
row('apt-listchanges', '-oi -t', LIST)
row('fail2ban', f'-f fail2ban@mail.test {R}', BARE)
row('tripwire', '-oi -t', FULL)
row('sudo', '-t', FULL)
row('warnquota', '-t', LIST)
row('ddclient', f'-oi {R}', FULL)
row('backuppc', '-t -f backuppc@mail.test', FULL)
# versions and lists
row('git send-email', f'-i {R} {R2}')
row('git send-email envelope', f'-f me@mail.test -i {R} {R2}')
row('mercurial', f'-f me@mail.test {R} {R2}')
row('post-receive-email', '-t -f git@mail.test')
row('majordomo', f'-f owner@mail.test -oee -oi {R}')
row('request tracker', '-oi -ODeliveryMode=b -OErrorMode=m -t')
row('reportbug', f'-oi -oem -f me@mail.test {R}')
# programs of programming languages
row('PHP', '-t -i', BARE)
row('PHP -f', '-t -i -fwww@mail.test', BARE)
row('PHPMailer', '-oi -fwww@mail.test -t', LIST)
row('MIME::Lite', '-t -oi -oem', LIST)
row('Email::Sender', f'-i -f me@mail.test {R}')
row('Rails', f'-i -f me@mail.test -- {R}')
# forwarders and automatic answers
row('procmail', f'-oi {R}')
row('fetchmail', f'-i -f me@mail.test -- {R}')
row('vacation', ['-f', '<>', '--', R])
row('sieve', ['-i', '-f', '', '--', R])
row('uucp', f'-G -i -f me@mail.test {R}')
# msmtp's own options
row('-a', f'-a work {R}', FULL, 'accounts')
row('--account', '--account=work -t', FULL, 'accounts')
row('--account unknown', f'--account=home {R}', FULL, 'accounts')
row('-f and accounts', f'-f joe@work.test {R}', FULL, 'accounts')
row('-f and detail', f'-f joe+cron@work.test {R}', FULL, 'accounts')
row('-f and pattern', f'-f some@any.test {R}', FULL, 'accounts')
row('-f and no account', f'-f other@mail.test {R}', FULL, 'accounts')
row('-f not allowed', f'-a fixed -f other@mail.test {R}', FULL, 'accounts')
row('--read-envelope-from', '--read-envelope-from -t',
    FULL.replace('sender@', 'x@').replace('x@mail', 'x@any', 1), 'accounts')
row('--read-envelope-from, none', f'--read-envelope-from {R}', BARE, 'base',
    'status 64/78')  # a later msmtp says 64, too
row('auto_from', f'{R}', FULL, 'auto-from')
row('-N wrong', f'-N sometimes {R}')
row('-N off', f'-N off -R full {R}')
# recipients
row('-t and arguments', '-t six@mail.test', LIST)
row('-t, none there', '-t', 'Subject: x\n\nx\n', 'base',
    'status 78/64')  # the image's word: its configuration could name some
row('none', '', FULL)
row('-t Resent', '-t', 'Resent-To: new@mail.test\nResent-From: s@mail.test\n'
    'Resent-Bcc: hidden@mail.test\n' + LIST, 'base',
    '-Resent-Bcc')  # what is blind stays so
row('local', 'root', FULL, 'base',
    'status 64/0', 'only msmtp send')  # nobody knows whose root that is
row('local, maildomain', 'root', FULL, 'maildomain', QUALIFIED)
row('local and aliases', f'root {R}', FULL, 'aliases')
row('-t and aliases', '-t', FULL.replace('rcpt@mail.test', 'Ops <root>'),
    'aliases')
row('twice the same', f'{R} {R}', FULL, 'base',
    f'recipients {R}/{R},{R}')  # nobody gets a message twice
row('angles', [f'<{R}>'])
row('a name', [f'The Name <{R}>'])
row('two in one', [f'{R}, {R2}'])
# messages
# msmtp sends what is no header as one
row('no header', R, 'The disk is full.\n', 'base', *MADE, '-(no field)', 'body')
row('no header, 8 bit', R, 'Gr\u00fc\u00dfe\n', 'base', *MADE, '-(no field)',
    'body')
row('a header alone', R, HEAD)
row('nothing', R, '', 'base', *MADE, '-(no field)')
row('no last newline', R, HEAD + '\nend')
row('CRLF', R, FULL.replace('\n', '\r\n'))
row('mbox', R, 'From root Mon Nov  2 10:00:00 2026\n' + FULL,
    'base', '-(no field)')  # that line is the mbox's, not the message's
row('a Bcc', R, FULL.replace('To:', 'Bcc: hidden@mail.test\nTo:'))
row('8 bit undeclared', R, HEAD + '\nGr\u00fc\u00dfe\n')
row('a subject in UTF-8', R, FULL.replace('hello', 'Gr\u00fc\u00dfe'), 'base',
    '~Subject')  # an encoded word, as this server has no SMTPUTF8
row('a long line', R, HEAD + '\n' + 'long ' * 300 + '\n', 'base',
    '+Content-Transfer-Encoding', '+Content-Type', '+MIME-Version',
    'body')  # RFC 5321: 998 bytes
row('no from at all', R, BARE, 'no-from')
row('no from but in the message', R, FULL, 'no-from',
    'status 0/78', 'only we send')  # the sender is whom the message is from
# modes, and what is no mode
row('mailq', '-bp', '', 'base', 'status 0/64')
row('newaliases', '-bi', '', 'base', 'status 0/64')
row('-q', '-q', '', 'base', 'status 0/64')
row('-q30m', '-bd -q30m', '')
row('-bv', f'-bv {R}', '')
row('-bt', '-bt', '')
row('no such option', f'--frob {R}')
row('no such letter', f'-Z {R}')
row('no value', '-f', '')


class Outcome:
    """What one program did: its status, and the message if there is one."""

    def __init__(self, done, wires):
        self.status = done.returncode
        self.words = (done.stdout + done.stderr).decode(errors='replace')
        found = [m for w in wires for m in w.messages]
        check(len(found) < 2, f'{len(found)} messages arrived')
        self.message = found[0] if found else None

    def fields(self):
        head, _, body = self.message['data'].partition(b'\r\n\r\n')
        out = []
        for field in re.split(rb'\r\n(?![ \t])', head):
            name, colon, value = field.decode(
                errors='surrogateescape').partition(':')
            if ' ' in name or not colon:
                name = '(no field)'
            out.append((name, value.strip()))
        return out, body


def program_of(name, port, folder):
    """argv of one of the two, and what must be in the environment."""
    host = {'msmtp': '127.0.0.1', 'bootmail': '10.0.2.2'}[name]
    settings = f'host {host}\nport {port}\ntls off\nauth off\n'
    path = os.path.join(folder, name + '.conf')
    if name == 'msmtp':
        return path, settings, ['msmtp', '-C', path]
    return path, settings, [LAUNCHER, '--board', 'posix', '--image',
                            os.path.join(BUILD, 'posix', 'bootmail'),
                            '-C', path]


def run(name, row_):
    folder = new_dir('sendmail')
    private_file(os.path.join(folder, 'aliases'), ALIASES.encode())
    caps = ('8BITMIME', 'SIZE 1000000', 'DSN', 'PIPELINING')
    with Fake(Dialogue(tls='none', auth=(), caps=caps)) as srv:
        path, settings, argv = program_of(name, srv.port, folder)
        text = settings + CONFS[row_.conf].format(
            server=settings, aliases=os.path.join(folder, 'aliases'))
        private_file(path, text.encode())
        env = {k: v for k, v in os.environ.items() if k not in
               ('EMAIL', 'SMTPSERVER', 'BOOTMAIL_CONFIG')}
        done = command([*argv, *row_.argv], 60, input=row_.text.encode(),
                       env={**env, 'USER': 'root', 'HOME': folder})
    return Outcome(done, srv.wires)


def value_differs(name, ours, theirs, given):
    if name in ('Date', 'Message-ID') and f'\n{name}:' not in '\n' + given:
        return False
    return ours != theirs


def differences(ours, theirs, given):
    if ours.status != theirs.status:
        yield f'status {ours.status}/{theirs.status}'
    if ours.message is None or theirs.message is None:
        if (ours.message is None) != (theirs.message is None):
            yield 'only ' + ('msmtp' if ours.message is None else 'we') + ' send'
        return
    a, b = ours.message, theirs.message
    if a['sender'] != b['sender']:
        yield f"sender {a['sender']}/{b['sender']}"
    if sorted(a['recipients']) != sorted(b['recipients']):
        yield (f"recipients {','.join(a['recipients'])}/"
               f"{','.join(b['recipients'])}")
    (left, text), (right, other) = ours.fields(), theirs.fields()
    count = [collections.Counter(n for n, _ in f) for f in (left, right)]
    for name in sorted(count[0] | count[1]):
        if count[0][name] != count[1][name]:
            yield ('+' if count[0][name] > count[1][name] else '-') + name
        elif value_differs(name, [v for n, v in left if n == name],
                           [v for n, v in right if n == name], given):
            yield '~' + name
    if text != other:
        yield 'body'


def compare(row_):
    ours, theirs = run('bootmail', row_), run('msmtp', row_)
    found = set(differences(ours, theirs, row_.text))
    check(found == row_.differs, f'{row_.caller}: {" ".join(row_.argv)}: '
          f'differs by {sorted(found)}, not {sorted(row_.differs)}',
          'bootmail: ' + ours.words[-600:], 'msmtp: ' + theirs.words[-600:],
          ours.message, theirs.message)


def group(name, rows):
    @case('sendmail/' + name)
    def some():
        if not shutil.which('msmtp'):
            raise Skip('no msmtp: apt-get install msmtp')
        image('posix')
        wrong = []
        for r in rows:
            try:
                compare(r)
            except Exception as e:
                wrong.append(str(e))
        check(not wrong, f'{len(wrong)} of {len(rows)} rows', *wrong)


for first in range(0, len(TABLE), 20):
    group(f'as-msmtp-{first // 20 + 1}', TABLE[first:first + 20])


@case('sendmail/many-rows')
def many():
    check(len(TABLE) >= 60, f'{len(TABLE)} rows')
