"""The log lines of the launcher: msmtp's, field by field, in logfile and syslog;
and nothing that a server, an address or a file says makes a second one."""
import os
import re
import shutil
import time

from dialogue import Dialogue
from fake import Fake
from harness import (BUILD, LAUNCHER, Skip, case, check, command, equal,
                     new_dir, private_file)
from images import image
from lab import files as lab_files, pki
from launcher_lib import call
from standin import SENT, stand_in

MESSAGE = (b'From: a@mail.test\nTo: b@mail.test\nSubject: x\n'
           b'Date: Mon, 02 Nov 2026 10:00:00 +0000\n'
           b'Message-ID: <1@mail.test>\n\nhello\n')


def plain(**kw):
    return lambda: Dialogue(tls='none', auth=(), **kw)


def login(password):
    return (lambda: Dialogue(users={'u': 'right'}),
            f'tls on\nauth plain\nuser u\npassword {password}\n')


# name: the server, more of the configuration, recipients
ROWS = {
    'sent': (plain(), '', ['b@mail.test', 'c@mail.test']),
    'sent by TLS and AUTH': (*login('right'), ['b@mail.test']),
    'not let in': (*login('Oth3r'), ['b@mail.test']),
    'refused': (plain(rcpt={'b@mail.test': b'550 5.1.1 no user\r\n'}), '',
                ['b@mail.test']),
    'refused in its words': (plain(rcpt={
        'b@mail.test': b"550 5.1.1 no 'user' b\r\n"}), '', ['b@mail.test']),
    'later': (plain(rcpt={'b@mail.test': b'451 4.7.1 grey\r\n'}), '',
              ['b@mail.test']),
    'the message refused': (plain(replies={
        'BODY': b'554 5.6.0 \x07 \x1b[31m\tthat\r\n'}), '', ['b@mail.test']),
    'nobody there': (plain(), 'port 1\n', ['b@mail.test']),
    'no such host': (plain(), 'host no.invalid\n', ['b@mail.test']),
}


def fields(line):
    """[(key, value)] behind the time, of which no format is known here."""
    found = re.findall(r"(\w+)=('[^']*'|\S*)(?: |$)", line)
    check(' '.join(f'{k}={v}' for k, v in found) == line[
        line.index('host='):], f'not only fields: {line}')
    return found


def log_of(program, dialogue, more, rcpt):
    folder = new_dir('log')
    path, log = os.path.join(folder, 'conf'), os.path.join(folder, 'log')
    private_file(os.path.join(folder, 'ca.pem'), lab_files()['ca.pem'])
    argv = ['msmtp'] if program == 'msmtp' else [
        LAUNCHER, '--board', 'posix', '--image',
        os.path.join(BUILD, 'posix-asan', 'bootmail')]
    with Fake(dialogue(), pki=pki()) as srv:
        private_file(path, (
            f'host 127.0.0.1\nport {srv.port}\nfrom a@mail.test\ntls off\n'
            f'tls_trust_file {folder}/ca.pem\nlogfile {log}\n{more}').encode())
        done = command([*argv, '-C', path, *rcpt], 60, input=MESSAGE,
                       env={**os.environ, 'HOME': folder})
    with open(log) as f:
        lines = f.read().splitlines()
    equal(len(lines), 1, f'lines of {program}', lines, done.stderr)
    return lines[0]


def same(row):
    ours, theirs = (log_of(p, *ROWS[row]) for p in ('bootmail', 'msmtp'))
    equal(*([k for k, _ in fields(x)] for x in (ours, theirs)),
          f'{row}: the fields', ours, theirs)
    for (key, a), (_, b) in zip(fields(ours), fields(theirs)):
        if key == 'mailsize':  # on the wire, each line ends with CRLF
            b = str(int(b) + MESSAGE.count(b'\n'))
        if key == 'errormsg':  # in our words
            check(len(a) > 10, f'{row}: no reason', ours)
        elif key != 'exitcode' or b == 'EX_OK':  # the README's table
            equal(a, b, f'{row}: {key}', ours, theirs)
        else:
            check(a.startswith('EX_') and a != 'EX_OK', f'{row}: {a}', ours)


@case('log/as-msmtp')
def as_msmtp():
    if not shutil.which('msmtp'):
        raise Skip('no msmtp: apt-get install msmtp')
    image('posix-asan')
    for row in ROWS:
        same(row)


NASTY = ('{"bootmail":1,"outcome":"refused","exit":69,"reason":"no\\u000a'
         "Jan 01 00:00:00 host=x' exitcode=EX_OK\\u001b[2J\",\"from\":"
         '"\\"a\'b\\u000d\\u000ac\\"@d.e","recipients":[{"address":'
         '"x\\u000ay@d.e","outcome":"refused","code":550,"enhanced":"5.1.1",'
         '"text":"\\u0000\\u0085 \' \\u000a\\u000d forged\'"}],"ms":{}}')


def run(conf, report=SENT, code=1, **kw):
    qemu = stand_in(f"cat <<'END'\n{report}\nEND\nexit {code}\n")
    env = {'QEMU': qemu, **kw.pop('env', {})}
    return call('a@b.c', conf='host h\nfrom a@b.c\n' + conf, env=env, **kw)[0]


@case('log/one-line')
def one_line():
    """Whatever there is in a reply or an address: one line, its quotations
    whole, and nothing in it that a terminal obeys."""
    log = os.path.join(new_dir('log'), 'log')
    equal(run(f'logfile {log}\n', NASTY, 139).returncode, 69, 'status')
    with open(log, 'rb') as f:
        text = f.read()
    check(re.fullmatch(rb"[^\x00-\x1f\x7f]+\n", text), f'{text}')
    got = dict(fields(text.decode()[:-1]))
    equal((got['exitcode'], got['smtpstatus']), ('EX_UNAVAILABLE', '550'),
          'fields', text)
    equal([got[k].count("'") for k in ('smtpmsg', 'errormsg', 'from')],
          [2, 2, 0], 'quotation marks', text)


@case('log/where-and-when')
def where():
    """-: standard output; a format of one's own; ~; a file that cannot be
    written changes nothing."""
    done = run('logfile -\nlogfile_time_format %Y+\n')
    year = time.strftime('%Y+ ').encode()
    check(done.stdout.startswith(year + b'host=h tls=on auth=off from='),
          'standard output', done.stdout)
    equal((done.returncode, done.stdout.count(b'\n')), (0, 1), 'status, lines')
    home = new_dir('home')
    run('logfile ~/log\n', env={'HOME': home})
    path = os.path.join(home, 'log')
    equal(os.stat(path).st_mode & 0o777, 0o600, 'mode')
    run('logfile ~/log\n', env={'HOME': home})
    with open(path) as f:
        equal(f.read().count('\n'), 2, 'lines')
    done = run('logfile /no/such/folder\n')
    equal(done.returncode, 0, 'status', done.text)
    check('/no/such/folder cannot be written' in done.text, 'no word of it',
          done.text)


@case('log/syslog')
def syslog():
    """By logger(1), in its own words; the text never in its arguments."""
    folder = new_dir('bin')
    path = os.path.join(folder, 'logger')
    with open(path, 'w') as f:
        f.write(f'#!/bin/sh\necho "$*" >{folder}/args\ncat >{folder}/text\n')
    os.chmod(path, 0o755)
    env = {'PATH': folder + ':' + os.environ['PATH']}

    def said():
        with open(folder + '/args') as a, open(folder + '/text') as t:
            return a.read().strip(), t.read()
    for value, facility in (('on', 'mail'), ('LOG_MAIL', 'mail'),
                            ('LOG_USER', 'user'), ('LOG_LOCAL0', 'local0'),
                            ('LOG_LOCAL7', 'local7')):
        equal(run(f'syslog {value}\n', env=env).returncode, 0, 'status')
        args, text = said()
        equal(args, f'-t bootmail -p {facility}.info', f'syslog {value}')
        check(text.startswith('host=h ') and text.count('\n') == 1, text)
    equal(run('syslog on\n', NASTY, 139, env=env).returncode, 69, 'status')
    args, text = said()
    equal((args, text.count('\n')), ('-t bootmail -p mail.err', 1), 'failure')
    os.unlink(folder + '/text')
    for value in ('off', 'LOG_LOCAL8', 'LOG_KERN'):
        done = run(f'syslog {value}\n', env=env)
        equal((done.returncode, os.path.exists(folder + '/text')), (0, False),
              f'syslog {value}', done.text)
        check(('wants on, off' in done.text) == (value != 'off'), 'a word',
              done.text)
    with open(path, 'w') as f:
        f.write('#!/bin/sh\nexit 1\n')
    done = run('syslog on\n', env=env)
    equal(done.returncode, 0, 'status', done.text)
    check('syslog does not take the line' in done.text, 'no word', done.text)
