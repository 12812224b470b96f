"""Programs that hand mail to sendmail(1), with the launcher in its place, and
the words that cron and mdadm use. What arrives is what they meant."""
import email
import email.policy
import os
import shutil
import stat
import subprocess
import time

from harness import (BUILD, LAUNCHER, Skip, case, check, equal, new_dir,
                     private_file)
from images import image
from lab import conf, files, server

ENV = {'LC_ALL': 'C.UTF-8', 'GIT_AUTHOR_NAME': 'J\u00f6rg M\u00fcller',
       'GIT_AUTHOR_EMAIL': 'joerg@mail.test', 'GIT_COMMITTER_NAME': 'C',
       'GIT_COMMITTER_EMAIL': 'c@mail.test', 'GIT_CONFIG_NOSYSTEM': '1'}


def sendmail(more=''):
    """A sendmail of one's own: the launcher with a configuration."""
    image('posix-asan')
    srv, folder = server('exim'), new_dir('sendmail')
    config, program = os.path.join(folder, 'conf'), os.path.join(folder, 'mta')
    private_file(config, conf(srv.starttls_port, more=more).encode())
    for name, data in files().items():
        private_file(os.path.join(folder, name), data)
    with open(program, 'w') as f:
        f.write(f'#!/bin/sh\nexec {LAUNCHER} --board posix --image '
                f'{os.path.abspath(BUILD)}/posix-asan/bootmail -C {config} '
                '"$@"\n')
    os.chmod(program, stat.S_IRWXU)
    return program, srv


def need(program, package):
    if shutil.which(program) is None and not os.path.exists(program):
        raise Skip(f'no {program}: apt-get install {package}')


def run(argv, folder, text=b''):
    env = {**os.environ, **ENV, 'HOME': folder}
    done = subprocess.run(argv, input=text, capture_output=True, timeout=120,
                          cwd=folder, env=env)
    check(done.returncode == 0, f'{argv[0]}: exit {done.returncode}',
          done.stdout.decode(errors='replace')[-2000:],
          done.stderr.decode(errors='replace')[-2000:])
    return done.stdout


def arrived(srv, mark):
    """The mails whose bytes hold mark, parsed, and as they were sent."""
    end, found = time.monotonic() + 30, []
    while not found and time.monotonic() < end:
        time.sleep(0.05)
        found = [m.sent for m in srv.mails() if mark in m.sent]
    check(found, f'{mark!r} did not arrive')
    return [(email.message_from_bytes(s, policy=email.policy.default), s)
            for s in found]


@case('senders/git-send-email')
def git():
    """The patch applies as it was made: author, words, bytes."""
    need('/usr/lib/git-core/git-send-email', 'git-email')
    program, srv = sendmail()
    folder = new_dir('git')
    git_run = lambda *a, **kw: run(['git', *a], folder, **kw)
    git_run('init', '-q', '-b', 'main', '.')
    for n, text in enumerate((b'one\n', 'Gr\u00f6\u00dfe\n.\nFrom me\n'.encode()
                              + b'long ' * 150 + b'\n')):
        with open(os.path.join(folder, 'file'), 'ab') as f:
            f.write(text)
        git_run('add', 'file')
        git_run('commit', '-qm', f'\u00c4ndert Nr. {n}: ' + 'viel ' * 20)
    git_run('send-email', f'--smtp-server={program}', '--confirm=never',
            '--quiet', '--from=sender@mail.test', '--to=git@mail.test',
            '--cc=Andr\u00e9 <cc@mail.test>', '--8bit-encoding=UTF-8',
            '--transfer-encoding=8bit', 'HEAD^')
    _, raw = arrived(srv, b'To: git@mail.test')[0]
    was = git_run('log', '-1', '--format=%an %ae %s %T')
    git_run('reset', '-q', '--hard', 'HEAD^')
    git_run('am', '-q', text=raw.replace(b'\r\n', b'\n'))
    equal(git_run('log', '-1', '--format=%an %ae %s %T'), was, 'the commit')


@case('senders/s-nail')
def nail():
    need('s-nail', 's-nail')
    program, srv = sendmail()
    folder = new_dir('nail')
    with open(os.path.join(folder, '\u00fc b.txt'), 'wb') as f:
        f.write(b'attached\n')
    run(['s-nail', '-n', '-S', f'mta={program}', '-S', 'sendwait', '-r',
         'sender@mail.test', '-s', 'von s-nail: \u00fc', '-a', '\u00fc b.txt',
         'nail@mail.test'], folder, text='Gr\u00fc\u00dfe\n'.encode())
    m, _ = arrived(srv, b'nail@mail.test')[0]
    equal(str(m['Subject']), 'von s-nail: \u00fc', 'Subject')
    equal(m.get_body().get_content().split(), ['Gr\u00fc\u00dfe'], 'text')
    part = next(m.iter_attachments())
    equal((part.get_filename(), part.get_payload(decode=True).split()),
          ('\u00fc b.txt', [b'attached']), 'attachment')


def handed_over(name, argv, text, more, wanted):
    @case('senders/' + name)
    def hand():
        program, srv = sendmail(more)
        run([program, *argv], new_dir(name), text=text)
        m, raw = arrived(srv, name.encode() + b'-mark')[0]
        for field, value in wanted.items():
            equal(str(m[field]), value, field, raw)
        body = text.split(b'\n\n', 1)[1].replace(b'\n', b'\r\n')
        check(raw.endswith(body), 'the text', raw)


handed_over('cron', ['-i', '-FCronDaemon', '-B8BITMIME', '-oem', 'root'],
            'From: root (Cron Daemon)\nTo: root\n'
            'Subject: Cron <root@web1> /usr/bin/backup --gr\u00fcn\n'
            'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n'
            'Content-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n'
            'X-Cron-Env: <LOGNAME=root>\n\ncron-mark\nfertig: \u00fc\n.\n'
            'end\n'.encode(), 'maildomain mail.test\nset_from_header on\n',
            {'From': 'CronDaemon <sender@mail.test>', 'To': 'root',
             'Subject': 'Cron <root@web1> /usr/bin/backup --gr\u00fcn'})
handed_over('mdadm', ['-t'],
            b'From: mdadm monitoring <root>\nTo: root\n'
            b'Subject: DegradedArray event on /dev/md0:web1\n'
            b'X-Mdadm: mdadm-mark\n\n'
            b'This is an automatically generated mail message.\n\n'
            b'md0 : active raid1 sda1[0]\n      1046528 blocks [2/1] [U_]\n',
            'maildomain mail.test\nset_to_header Ops <ops@mail.test>\n',
            {'To': 'Ops <ops@mail.test>',
             'Subject': 'DegradedArray event on /dev/md0:web1'})
handed_over('smartd', ['-t', '-f', 'smartd@mail.test', '-oi'],
            b'To: admin@mail.test\nSubject: SMART error (FailedHealthCheck)\n'
            b'Message-ID: <smartd-mark@mail.test>\n\n'
            b'This message was generated by the smartd daemon.\n', '',
            {'From': 'smartd@mail.test', 'To': 'admin@mail.test',
             'Message-ID': '<smartd-mark@mail.test>'})
