"""Programs that hand mail to sendmail(1), with the launcher in its place; cron
itself is in install.py. What arrives is what they meant."""
import email
import email.policy
import os
import shutil
import stat
import subprocess
import time

from fetch import fetch
from harness import (BUILD, LAUNCHER, TOP, Skip, case, check, command, equal,
                     new_dir, private_file, succeed)
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


def arrived(srv, mark, count=1):
    """The mails whose bytes hold mark, parsed, and as they were sent."""
    end, found = time.monotonic() + 30, []
    while len(found) < count and time.monotonic() < end:
        time.sleep(0.05)
        found = [m.sent for m in srv.mails() if mark in m.sent]
    check(len(found) >= count, f'{mark!r} did not arrive', len(found))
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


# ---------------------------------------------- smartd and mdadm themselves

def as_installed(program, argv, **kw):
    """Runs argv where smartd, mdadm and mailx of Debian are installed, in a
    view of the machine's files of its own, and /usr/sbin/sendmail is program.
    """
    root, more = fetch('monitors'), new_dir('usr')
    os.mkdir(os.path.join(more, 'bin'))
    os.mkdir(os.path.join(more, 'sbin'))
    os.symlink('bsd-mailx', os.path.join(more, 'bin/mail'))
    os.symlink(program, os.path.join(more, 'sbin/sendmail'))
    if os.path.exists(os.path.join(root, 'sbin/mdadm')):
        os.symlink(os.path.join(root, 'sbin/mdadm'),
                   os.path.join(more, 'sbin/mdadm'))
    view = ['unshare', '-m' if os.geteuid() == 0 else '-rm', 'sh', '-ec',
            'mount -t overlay usr -o "lowerdir=$1:$2/usr:/usr" /usr\n'
            'mount -t overlay etc -o "lowerdir=$2/etc:/etc" /etc\n'
            'shift 2\nexec "$@"', 'sh', more, root]
    trial = command([*view, 'true'])
    if trial.returncode != 0:
        raise Skip('no file systems may be mounted here: ' +
                   trial.stderr.decode().strip())
    done = command([*view, *argv], **kw)
    check(done.returncode == 0, f'{argv[0]}: exit {done.returncode}',
          done.stdout.decode(), done.stderr.decode())
    return done.stdout.decode() + done.stderr.decode()


def smartd(name, how):
    """A real smartd finds a drive that says it is worn out. The drive is made
    up (host/failing_disk.c); scripts, mailx and the rest are Debian's."""
    @case('senders/smartd-' + name)
    def run():
        program, srv = sendmail()
        folder = new_dir('smartd')
        disk = os.path.join(folder, 'drive')
        library = os.path.join(folder, 'failing_disk.so')
        succeed(['clang', '-D_GNU_SOURCE', '-std=c11', '-shared', '-fPIC',
                 os.path.join(TOP, 'tests/host/failing_disk.c'), '-o',
                 library])
        private_file(disk, b'')
        private_file(os.path.join(folder, 'smartd.conf'), (
            f'{disk} -d nvme -H -m {name}@mail.test -M test{how}\n').encode())
        log = as_installed(
            program, ['env', 'LD_PRELOAD=' + library, 'smartd', '-q',
                      'onecheck', '-c', 'smartd.conf', '-s', folder + '/'],
            cwd=folder)
        equal(log.count(': successful\n'), 2, 'mails, says smartd', log)
        mails = [m for m, _ in arrived(srv, f'{name}@mail.test'.encode(), 2)]
        for m, kind, words in zip(
                sorted(mails, key=lambda m: 'EmailTest' not in m['Subject']),
                ('EmailTest', 'Health'),
                ('TEST EMAIL from smartd', 'Critical Warning (0x0c)')):
            check(m['Subject'].startswith(f'SMART error ({kind}) detected on '
                                          'host: '), 'Subject', m)
            equal((m['To'], m['From']), (f'{name}@mail.test',
                                         'sender@mail.test'), 'fields', m)
            text = m.get_content()
            check(words in text and 'S/N:FAKE0001' in text and
                  'generated by the smartd daemon' in text, 'the text', text)


smartd('runner', ' -M exec /usr/share/smartmontools/smartd-runner')
smartd('mailx', '')


@case('senders/mdadm-monitor')
def mdadm():
    """A real mdadm and its --test: the mail that it makes of any event. An
    array it has no need of for that."""
    program, srv = sendmail('set_to_header Ops <ops@mail.test>\n')
    folder = new_dir('mdadm')
    private_file(os.path.join(folder, 'conf'), b'MAILADDR mdadm@mail.test\n')
    as_installed(program, ['mdadm', '--monitor', '--test', '--oneshot',
                           '--config=conf', '/dev/md_none'], cwd=folder)
    m, _ = arrived(srv, b'on /dev/md_none')[0]
    check(m['Subject'].startswith('TestMessage event on /dev/md_none:'),
          'Subject', m)
    check(m['From'].startswith('mdadm monitoring <root'), 'From', m)
    equal(m['To'], 'Ops <ops@mail.test>', 'To', m)
    check(m.get_content().startswith('This is an automatically generated mail '
                                     'message'), 'text', m)
