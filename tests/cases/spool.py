"""The spool: what cannot be sent now is kept, sent later, or given back."""
import email
import email.policy
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time

from fake import Fake
from harness import (LAUNCHER, Skip, case, check, command, equal, new_dir,
                     private_file, succeed)
from spoollab import DEAD_PORT, Queue, got, server, strike


@case('spool/sent-at-once')
def at_once():
    with Fake(server()) as srv:
        q = Queue(srv.port)
        q.send('b@mail.test')
        equal(len(got(srv)), 1, 'messages')
        q.nothing_left()


@case('spool/kept-and-sent-later')
def later():
    """Nobody answers: kept, 0. Then the same message, once, with its files;
    Message-ID and Date are those of the first day."""
    with Fake(server()) as srv:
        q = Queue(DEAD_PORT)
        extra = os.path.join(q.dir, 'n\u00f6te.bin')
        with open(extra, 'wb') as f:
            f.write(bytes(range(256)))
        done = q.send('--subject', 'disk full', '--attach', extra,
                      'b@mail.test', message=b'text\n')
        check('kept in' in done.log, 'no word about it', done.log)
        name, = q.entries()
        os.unlink(extra)
        q.flush()
        equal(q.entries(), [name], 'entries after another failure')
        equal(q.journal(name).count('begun'), 2, 'attempts')
        q.write(srv.port)
        q.flush()
        q.nothing_left()
        (_, rcpt, m), = got(srv)
        equal(rcpt, ['b@mail.test'], 'recipients')
        equal(m['Subject'], 'disk full', 'Subject')
        for field in ('Message-ID', 'Date', 'To', 'Subject'):
            equal(len(m.get_all(field)), 1, 'fields ' + field)
        check(name in m['Message-ID'], 'Message-ID: ' + m['Message-ID'])
        part, = m.iter_attachments()
        equal(part.get_content(), bytes(range(256)), 'attachment')


@case('spool/not-before-its-time')
def back_off():
    q = Queue(DEAD_PORT)
    q.send('b@mail.test')
    name, = q.entries()
    q.send('--flush')
    equal(q.journal(name).count('begun'), 1, 'attempts')
    line = q.journal(name).splitlines()[-1].split('\t')
    equal(int(line[4]) - int(line[1]) in range(55, 65), True,
          'a minute between the attempts', line)


@case('spool/recipients-apart')
def apart():
    """One is accepted, one refused, one greylisted: each has his own fate,
    and the sender hears of the refusal."""
    with Fake(scripts=[
            server(rcpt={'no@mail.test': b'550 5.1.1 unknown\r\n',
                         'grey@mail.test': b'451 4.7.1 later\r\n'}),
            server()]) as srv:
        q = Queue(srv.port)
        q.send('ok@mail.test', 'no@mail.test', 'grey@mail.test')
        equal(len(q.entries()), 2, 'the message and a note')
        q.flush()
        q.nothing_left()
        mails = sorted(got(srv), key=lambda m: m[1])
        equal([(s, r) for s, r, _ in mails],
              [('sender@mail.test', ['grey@mail.test']),
               ('sender@mail.test', ['ok@mail.test']),
               ('', ['sender@mail.test'])], 'mails')
        note = mails[2][2]
        equal(note.get_content_type(), 'multipart/report', 'note')
        equal(note.get_param('report-type'), 'delivery-status', 'note')
        parts = list(note.iter_parts())
        equal(parts[1].get_content_type(), 'message/delivery-status', 'part')
        fields = parts[1].get_payload()[1]
        equal(fields['Final-Recipient'], 'rfc822; no@mail.test', 'field')
        equal(fields['Action'], 'failed', 'field')
        equal(fields['Status'], '5.1.1', 'field')
        check('unknown' in fields['Diagnostic-Code'], 'diagnostic', note)


@case('spool/refused-is-the-callers')
def refused():
    with Fake(server(rcpt={'no@mail.test': b'550 5.1.1 unknown\r\n'})) as srv:
        q = Queue(srv.port)
        q.send('no@mail.test', status=69)
        q.nothing_left()


@case('spool/bad-configuration-is-the-callers')
def invalid():
    q = Queue(DEAD_PORT, 'no_such_key on\n')
    q.send('b@mail.test', status=78)
    q.nothing_left()
    q.write(DEAD_PORT)
    q.send('not an address', status=64)
    q.nothing_left()


@case('spool/unsure-is-set-aside')
def unsure():
    """The connection is lost behind the final dot: never sent again by
    itself; the caller knows, and later on the sender."""
    lost = server(act={'BODY': ('before', 'reset')})
    with Fake(scripts=[lost, server()]) as srv:
        q = Queue(srv.port)
        q.send('b@mail.test', status=79)
        equal((q.entries(), len(q.entries('unsure'))), ([], 1), 'entries')
        q.flush()
        equal(len(srv.wires), 1, 'connections')
        check('may have been delivered' in q.send('-bp').stdout.decode(),
              'not in the list')


@case('spool/unsure-is-retried-on-request')
def unsure_again():
    lost = server(act={'BODY': ('before', 'reset')})
    with Fake(scripts=[lost, server()]) as srv:
        q = Queue(srv.port, 'retry_unsure on\n')
        q.send('b@mail.test')
        q.flush()
        ids = [m['Message-ID'] for _, _, m in got(srv)]
        equal((len(ids), len(set(ids))), (2, 1), 'messages, and their ids')
        q.nothing_left()


@case('spool/given-up')
def given_up():
    """After queue_lifetime the sender hears of it; a note that cannot be
    delivered either has no sender, and ends in dead/."""
    q = Queue(DEAD_PORT, 'queue_lifetime 0\n')
    q.send('--subject', 'the disk', 'b@mail.test')
    q.flush()
    note, = q.entries()
    check('.expired.' in note, 'the entry left', note)
    q.flush()
    q.flush()
    equal((q.entries(), q.entries('dead')), ([], [note]), 'entries')
    with open(os.path.join(q.spool, 'dead', note, 'call', 'message'),
              'rb') as f:
        m = email.message_from_bytes(f.read(), policy=email.policy.default)
    fields = list(m.iter_parts())[1].get_payload()[1]
    equal((fields['Action'], fields['Status']), ('failed', '4.4.7'), 'note')
    equal(m['To'], 'sender@mail.test', 'To')


@case('spool/null-sender-never-bounces')
def null_sender():
    q = Queue(DEAD_PORT, 'queue_lifetime 0\n')
    q.send('-f', '<>', 'b@mail.test', message=b'From: a@mail.test\n'
           b'Subject: x\n\nhello\n')
    q.flush()
    equal((q.entries(), len(q.entries('dead'))), ([], 1), 'entries')


@case('spool/listed')
def listed():
    q = Queue(DEAD_PORT)
    equal(q.send('-bp').stdout, b'the queue is empty\n', 'list')
    q.send('b@mail.test', 'c@mail.test')
    text = q.send('-bp').stdout.decode()
    for word in (q.entries()[0], '6 bytes', '1 attempts', 'b@mail.test: temp',
                 'c@mail.test', 'from <sender@mail.test>'):
        check(word in text, f'no {word!r} in the list', text)
    link = os.path.join(q.dir, 'mailq')
    os.symlink(LAUNCHER, link)
    equal(subprocess.run([link, *q.argv()[1:]], capture_output=True,
                         env=q.env(), check=True).stdout.decode(), text,
          'mailq')


@case('spool/no-secret')
def no_secret():
    """Neither the password nor its base64 lies in the spool."""
    q = Queue(DEAD_PORT, 'auth_unsafe on\nauth plain\nuser u\n'
              'password Zq7-marker-Xw9\n')
    private_file(os.path.join(q.dir, 'password'), b'Zq7-marker-Xw9\n')
    q.send('--trace', 'b@mail.test')
    found = subprocess.run(['grep', '-rlaE', 'marker|WnE3LW1hcmtlci1YdzK|'
                            'cTctbWFya2VyLVh3O|E3LW1hcmtlci1Ydz', q.spool,
                            q.tmp], capture_output=True, check=False)
    equal(found.stdout, b'', 'files with the password')
    check(len(q.entries()) == 1, 'nothing was kept')


@case('spool/private')
def private():
    """A spool that others can write to, and a folder that cannot be made."""
    q = Queue(DEAD_PORT)
    os.mkdir(q.spool)
    os.chmod(q.spool, 0o777)
    done = q.send('b@mail.test', status=78)
    check('others can write' in done.log, 'the reason', done.log)
    # a link is as good as where it leads
    real = q.spool + '.real'
    os.rename(q.spool, real)
    os.symlink(real, q.spool)
    q.send('b@mail.test', status=78)
    os.chmod(real, 0o755)
    q.send('b@mail.test')
    os.unlink(q.spool)
    with open(q.spool, 'w'):
        pass
    q.send('b@mail.test', status=75)


@case('spool/fallback')
def fallback():
    """The second account is used where the first one is not reached, and not
    where it has an opinion."""
    with Fake(server()) as srv:
        q = Queue(DEAD_PORT, f'fallback second\naccount second : default\n'
                  f'port {srv.port}\n')
        q.send('b@mail.test')
        equal(len(got(srv)), 1, 'messages')
        q.nothing_left()
    lost = server(act={'BODY': ('before', 'reset')})
    with Fake(lost) as first, Fake(server()) as second:
        q = Queue(first.port, f'fallback second\naccount second : default\n'
                  f'port {second.port}\n')
        q.send('b@mail.test', status=79)
        equal(len(second.wires), 0, 'connections to the second')


@case('spool/only-what-can-be-read-again')
def again():
    """A retry must not mix this server with another's password: what comes by
    options, a URL or the environment is not kept."""
    q = Queue(DEAD_PORT)
    secret = os.path.join(q.dir, 'secret')
    private_file(secret, b'x')
    for args, env in ((['--port', '99'], {}), (['--user', 'u'], {}),
                      (['--tls-trust-file', q.conf], {}),
                      (['--passwordeval', 'echo x'], {}),
                      ([], {'BOOTMAIL_PASSWORD_FILE': secret})):
        done = q.send(*args, 'b@mail.test', status=78, **env)
        check('a spool wants' in done.log, f'reason for {args} {env}',
              done.log)
        q.nothing_left()


@case('spool/flush-has-nothing-of-its-own')
def no_mixture():
    """The password of the flush's own environment is for another server."""
    q = Queue(DEAD_PORT)
    q.send('b@mail.test')
    secret = os.path.join(q.dir, 'secret')
    private_file(secret, b'0ther-Secret')
    save = os.path.join(q.dir, 'packed')
    q.run('--flush-all', '--save', save, BOOTMAIL_PASSWORD_FILE=secret)
    with open(save, 'rb') as f:
        check(b'0ther-Secret' not in f.read(), 'it was packed')
    equal(len(q.entries()), 1, 'entries')


@case('spool/refused-twice')
def twice():
    """Somebody is refused at once, somebody at the retry while the first note
    still waits: two notes, and the spool goes on."""
    with Fake(scripts=[
            server(rcpt={'a@mail.test': b'550 5.1.1 a\r\n',
                         'b@mail.test': b'451 4.7.1 b\r\n',
                         'c@mail.test': b'451 4.7.1 c\r\n'}),
            server(rcpt={'b@mail.test': b'550 5.1.1 b\r\n',
                         'c@mail.test': b'451 4.7.1 c\r\n'}),
            server(), server(), server()]) as srv:
        q = Queue(srv.port)
        q.send('a@mail.test', 'b@mail.test', 'c@mail.test')
        q.flush()
        q.flush()
        q.nothing_left()
        notes = [m for s, _, m in got(srv) if s == '']
        equal(sorted(list(n.iter_parts())[1].get_payload()[1][
            'Final-Recipient'] for n in notes),
            ['rfc822; a@mail.test', 'rfc822; b@mail.test'], 'notes')


@case('spool/refused-and-nobody-to-tell')
def untold():
    """Kept, refused later, from the null sender: set aside, not lost."""
    with Fake(scripts=[
            server(rcpt={'b@mail.test': b'451 4.7.1 later\r\n'}),
            server(rcpt={'b@mail.test': b'550 5.1.1 no\r\n'})]) as srv:
        q = Queue(srv.port)
        q.send('-f', '<>', 'b@mail.test', message=b'From: x@mail.test\n\nx\n')
        name, = q.entries()
        q.flush()
        equal((q.entries(), q.entries('dead')), ([], [name]), 'entries')


@case('spool/more-than-100-left')
def many_left():
    """A configuration may name 100; a message many more, and 140 of them may
    be greylisted."""
    rcpt = [f'r{n}@mail.test' for n in range(150)]
    grey = dict.fromkeys(rcpt[10:], b'451 4.7.1 later\r\n')
    with Fake(scripts=[server(rcpt=grey), server()]) as srv:
        q = Queue(srv.port)
        q.send('-t', message=('To: ' + ',\n '.join(rcpt) +
                              '\nSubject: x\n\nx\n').encode())
        q.flush()
        q.nothing_left()
        equal([sorted(r) for _, r, _ in got(srv)],
              [sorted(rcpt[:10]), sorted(rcpt[10:])], 'recipients')


@case('spool/read-only')
def read_only():
    """A --flush that can do nothing says so, and not that another does it."""
    q = Queue(DEAD_PORT)
    q.send('b@mail.test')
    lock = os.path.join(q.spool, 'lock')
    os.mkdir(lock)  # root could write to a file whatever its mode
    done = q.send('--flush', status=75)
    check('nothing can be written' in done.log, 'the reason', done.log)
    os.rmdir(lock)
    q.send('--flush')


@case('spool/account-of-the-call')
def account():
    """An entry of the usual account does not go by the one that a --flush
    names."""
    with Fake(server()) as first, Fake(server()) as second:
        q = Queue(DEAD_PORT)
        q.send('b@mail.test')
        q.write(first.port, 'account two : default\n'
                f'port {second.port}\n')
        q.flush('-a', 'two')
        equal((len(got(first)), len(got(second))), (1, 0), 'messages')
        q.nothing_left()


@case('spool/configuration-by-a-link')
def by_link():
    """What lies beside the link is packed at the retry, too."""
    q = Queue(DEAD_PORT, 'auth_unsafe on\nauth plain\nuser u\n')
    folder = new_dir('link')
    link = os.path.join(folder, 'bootmail.conf')
    os.symlink(q.conf, link)
    private_file(os.path.join(folder, 'password'), b'bes1de\n')
    for where, cwd in ((link, None), ('./bootmail.conf', folder)):
        argv = q.argv('b@mail.test')
        argv[argv.index(q.conf)] = where
        done = subprocess.run(argv, input=b'x\n', env=q.env(), cwd=cwd,
                              stderr=subprocess.PIPE, timeout=120, check=False)
        equal(done.returncode, 0, 'exit status', done.stderr.decode())
        save = os.path.join(q.dir, 'packed')
        q.flush('--save', save)
        with open(save, 'rb') as f:
            check(b'bes1de' in f.read(), f'-C {where}: no password')
        shutil.rmtree(os.path.join(q.spool, 'new', *q.entries()))


@case('spool/clock-set-back')
def set_back():
    """Times that lie ahead, by years: it is tried at the next --flush, and its
    time is over queue_lifetime after that."""
    q = Queue(DEAD_PORT, 'queue_lifetime 1h\n')
    q.send('b@mail.test')
    name, = q.entries()
    years = 10 ** 8

    def shift(by):
        lines = [line.split('\t') for line in q.journal(name).splitlines()]
        for f in lines:
            for n in {'queued': (1,), 'begun': (1,), 'verdict': (1, 4)}.get(
                    f[0], ()):
                f[n] = str(int(f[n]) + by(int(f[n])))
        with open(os.path.join(q.spool, 'new', name, 'journal'), 'w') as out:
            out.writelines('\t'.join(f) + '\n' for f in lines)

    def attempts():
        q.send('--flush')
        return q.journal(name).count('begun')

    shift(lambda time: years)
    equal(attempts(), 2, 'attempts')
    equal(attempts(), 2, 'attempts before its time')
    ahead = time.time() + years / 2
    shift(lambda time: 0 if time > ahead else -3700)
    q.send('--flush')
    note, = q.entries()
    check('.expired.' in note, 'the entry left', note)


@case('spool/in-order')
def in_order():
    """Names of one second sort as the calls came, whatever their PIDs."""
    q = Queue(DEAD_PORT)
    folder = new_dir('date')
    with open(os.path.join(folder, 'date'), 'w') as f:
        f.write(f'#!/bin/sh\necho >>{folder}/n\n'
                f'exec {shutil.which("date")} -d "@1700000000.$(printf %06d '
                f'$(wc -l <{folder}/n))" "$@"\n')
    os.chmod(os.path.join(folder, 'date'), 0o755)
    calls = ''.join(f'echo {pid} >/proc/sys/kernel/ns_last_pid && '
                    f'echo {n} | {shlex.join(q.argv("a@mail.test"))}\n'
                    for n, pid in enumerate((9000, 10000, 99, 5000)))
    space = ['unshare', '-Urpf', '--mount-proc', 'sh', '-ec']
    if command([*space, 'echo 9 >/proc/sys/kernel/ns_last_pid'],
               20).returncode:
        raise Skip('no namespace of processes here')
    succeed([*space, calls], 60,
            env=q.env(PATH=folder + ':' + os.environ['PATH']))
    texts = []
    for name in q.entries():
        with open(os.path.join(q.spool, 'new', name, 'call/message')) as f:
            texts.append(f.read())
    equal(texts, ['0\n', '1\n', '2\n', '3\n'], 'by name')


@case('spool/a-name-no-journal-can-hold')
def odd_name():
    """A configuration in a folder with a tab in its name could not be found
    again, and the mail would wait for ever."""
    q = Queue(DEAD_PORT)
    folder = os.path.join(q.dir, 'a\tb')
    os.mkdir(folder)
    shutil.copy(q.conf, folder)
    done = q.send('-C', os.path.join(folder, 'bootmail.conf'), 'a@mail.test',
                  status=64)
    check('control characters' in done.log, 'the reason', done.log)
    q.nothing_left()


@case('spool/relative-tmpdir')
def relative_tmpdir():
    """TMPDIR=tmp is meant from where the call is made."""
    with Fake(server()) as srv:
        q = Queue(srv.port)
        for n, option in enumerate(('--spool', '--url-file'), 1):
            url = os.path.join(q.dir, 'url')
            private_file(url, f'smtp+plain://10.0.2.2:{srv.port}?from='
                         'a@mail.test'.encode())
            value = {'--spool': 'spool', '--url-file': 'url'}[option]
            argv = [LAUNCHER, '--board', 'posix', '--image', q.image, option,
                    value, 'b@mail.test']
            if option == '--spool':
                argv[1:1] = ['-C', q.conf]
            done = command(argv, 60, input=b'x\n', cwd=q.dir,
                           env=dict(q.env(), TMPDIR='tmp'))
            equal(done.returncode, 0, option, done.stderr)
            equal(len(got(srv)), n, 'mails')
        q.nothing_left()


# ---------------------------------------------------- told to go, too late

@case('spool/interrupted-behind-the-verdict')
def behind():
    """The server has spoken: whoever is told to go now still says what it
    said. Else the caller sends again what has arrived."""
    lost = {'act': {'BODY': ('before', 'reset')}}
    no = {'rcpt': {'b@mail.test': b'550 5.1.1 unknown\r\n'}}
    for status, kw in ((0, {}), (69, no), (79, lost)):
        with Fake(server(**kw)) as srv:
            q = Queue(srv.port)
            gone = f'[ "$1" = {q.spool}/new ] && [ -z "$(ls {q.spool}/new)" ]'
            done = q.send('b@mail.test', status=status,
                          PATH=strike('sync', gone))
            check('No such file' not in done.log, 'it stumbles', done.log)
            equal(len(q.entries('unsure')), status == 79, 'set aside')
            equal(q.entries(), [], 'entries')
            log = os.path.join(q.dir, 'log')
            private_file(q.conf, f'host 10.0.2.2\nport {srv.port}\ntls off\n'
                         f'from a@mail.test\nsyslog on\n'.encode())
            if status == 0:
                q.send('b@mail.test', PATH=strike('logger', f'>{log}'))
                check(os.path.exists(log), 'nothing was logged')
                equal(len(got(srv)), 2, 'messages')


@case('spool/interrupted-in-an-older-digest')
def older_digest():
    """This call's mail is held, which is 0; the digest that it may send on the
    way is another matter."""
    ask, gone = threading.Event(), threading.Event()

    class Hook(dict):
        def get(self, state, default=None):
            if state == 'MAIL' and ask.is_set():
                os.killpg(launcher.pid, signal.SIGTERM)
                gone.wait(60)  # the guest hears of it from the launcher, later
            return default

    dialogue = server()
    dialogue.replies = Hook()
    with Fake(dialogue) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        for _ in range(2):
            q.send('b@mail.test')
        equal(len(q.entries('held')), 1, 'held')
        os.unlink(os.path.join(q.spool, 'limit'))
        ask.set()
        with subprocess.Popen(q.argv('b@mail.test'), env=q.env(),
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              start_new_session=True) as launcher:
            log = launcher.communicate(timeout=120)[1].decode()
        ask.clear()
        gone.set()
        equal(launcher.returncode, 0, 'exit status', log)
        q.flush()
        equal([r for _, r, _ in got(srv)], [['b@mail.test']] * 2, 'mails')
        q.nothing_left()
