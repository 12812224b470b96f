"""rate_limit: at most N mails an hour to a recipient, the rest in one digest:
nothing is lost, and nothing twice."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

from fake import Fake
from harness import case, check, equal, new_dir, private_file
from limitlab import (age, alert, arrivals, attached, held, nothing_left,
                      pieces)
from spoollab import DEAD_PORT, PLAIN, Queue, got, rest, server, strike


@case('limit/storm')
def storm():
    """12 alerts, 3 an hour: 3 mails, and one digest of 9 when the hour is
    over, or the first of the three is an hour old."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 3\n')
        for n in range(12):
            done = q.send('ops@mail.test', message=alert(n))
            check(('held back' in done.log) == (n >= 3), f'alert {n}',
                  done.log)
        equal(len(held(q)['ops@mail.test']), 9, 'held')
        text = q.send('-bp').stdout.decode()
        check('9 messages, held back for a digest' in text, 'list', text)
        q.send('--flush')
        equal(len(got(srv)), 3, 'mails within the hour')
        age(q)
        q.send('--flush')
        nothing_left(q)
        sender, rcpt, m = got(srv)[-1]
        equal((len(got(srv)), sender, rcpt),
              (4, 'sender@mail.test', ['ops@mail.test']), 'mails')
        check(re.fullmatch(r'\[.*\] 9 messages held back: alert 3, ...',
                           m['Subject']), m['Subject'])
        equal(m['Auto-Submitted'], 'auto-generated', 'Auto-Submitted')
        equal(m['To'], 'ops@mail.test', 'To')
        for field in ('From', 'Date', 'Message-ID'):
            equal(len(m.get_all(field)), 1, field)
        equal([p['Subject'] for p in attached(m)],
              [f'alert {n}' for n in range(3, 12)], 'attached')
        equal(pieces(srv, 3), [alert(n).replace(b'\n', b'\r\n')
                               for n in range(3, 12)], 'bytes')
        text = next(m.iter_parts()).get_content()
        for n in range(3, 12):
            check(re.search(rf'Robot <robot@mail.test>\r?\n +alert {n}\r?\n',
                            text),
                  f'alert {n} is not in the list', text)
        # the digest has been a mail of the next hour
        for n in range(3):
            q.send('ops@mail.test', message=alert(n))
        equal(len(held(q)['ops@mail.test']), 1, 'held in the next hour')


@case('limit/recipients-apart')
def apart():
    """Who is over the limit is parted from the message, the others have it at
    once; each has his own digest, and counts by himself, whatever the case
    of the domain."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 2\n')
        for _ in range(2):
            q.send('a@mail.test')
        q.send('a@MAIL.test', 'b@mail.test')
        done = q.send('-t', message=b'To: a@mail.test, c@mail.test\n'
                      b'Subject: x\nCc: b@mail.test\n\nx\n')
        check('held back for a digest (rate_limit 2): a@mail.test\n'
              in done.log, 'no word', done.log)
        equal([r for _, r, _ in got(srv)],
              [['a@mail.test'], ['a@mail.test'], ['b@mail.test'],
               ['c@mail.test', 'b@mail.test']], 'at once')
        q.send('d@mail.test', 'b@mail.test', 'a@mail.test')
        equal(got(srv)[-1][1], ['d@mail.test'], 'recipients')
        equal({a: len(m) for a, m in held(q).items()},
              {'a@mail.test': 2, 'a@MAIL.test': 1, 'b@mail.test': 1}, 'held')
        age(q)
        q.send('--flush')
        nothing_left(q)
        mails = {r[0]: m for _, r, m in got(srv)[5:]}
        equal(sorted(mails), ['a@MAIL.test', 'a@mail.test', 'b@mail.test'],
              'digests')
        equal([len(attached(m)) for _, m in sorted(mails.items())], [1, 2, 1],
              'messages in them')
        check('c@mail.test' not in str(mails['b@mail.test']), 'told')


@case('limit/more-than-100-left')
def many():
    """The image takes 100 lines of those who are left."""
    rcpt = [f'r{n}@mail.test' for n in range(150)]
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        q.send('r7@mail.test')
        q.send('-t', message=('To: ' + ',\n '.join(rcpt) +
                              '\nSubject: x\n\nx\n').encode())
        equal(got(srv)[-1][1], rcpt[:7] + rcpt[8:], 'recipients')
        equal(list(held(q)), ['r7@mail.test'], 'held')


@case('limit/server-down')
def down():
    """Nobody answers: nothing has gone, so nothing is held; then the first
    ones go, and the rest waits for its digest, which is tried again too."""
    with Fake(server()) as srv:
        q = Queue(DEAD_PORT, 'rate_limit 2\n')
        for n in range(5):
            q.send('ops@mail.test', message=alert(n))
        equal((len(q.entries()), held(q)), (5, {}), 'kept')
        q.write(srv.port, 'rate_limit 2\n')
        q.flush()  # and what is held at once, as all is to be tried
        equal([m['Subject'][-10:] for _, _, m in got(srv)],
              ['alert 0', 'alert 1', 'ert 2, ...'], 'sent')
        nothing_left(q)
        for n in range(2):
            q.send('ops@mail.test', message=alert(n))
        age(q)
        q.write(DEAD_PORT, 'rate_limit 2\n')
        q.send('--flush')
        digest, = q.entries()
        check('a digest, waits' in q.send('-bp').stdout.decode(), 'list')
        # it has not gone, and does not count
        equal(q.journal(digest).count('begun'), 1, 'attempts')
        q.write(srv.port, 'rate_limit 2\n')
        q.flush()
        nothing_left(q)
        equal(len(attached(got(srv)[-1][2])), 2, 'in the digest')


@case('limit/without-a-flush')
def no_flush():
    """A call that holds something sends the digest that is due."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        for n in range(3):
            q.send('ops@mail.test', message=alert(n))
        age(q)
        q.send('ops@mail.test', message=alert(3))
        nothing_left(q)
        equal([p['Subject'] for p in attached(got(srv)[-1][2])],
              ['alert 1', 'alert 2', 'alert 3'], 'in order')


@case('limit/digest-refused')
def refused():
    """Its sender hears of it, and what is in it is kept."""
    with Fake(scripts=[server(), server(rcpt={
            'ops@mail.test': b'550 5.1.1 unknown\r\n'}), server()]) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        for n in range(3):
            q.send('ops@mail.test', message=alert(n))
        age(q)
        q.send('--flush')
        q.send('--flush')
        note = got(srv)[-1][2]
        equal((note['To'], note.get_content_type()),
              ('sender@mail.test', 'multipart/report'), 'note')
        digest, = q.entries('dead')
        equal(len(os.listdir(os.path.join(q.spool, 'dead', digest, 'mail'))),
              2, 'kept')
        equal((q.entries(), held(q)), ([], {}), 'left')


@case('limit/hindered-when-parted')
def hindered():
    """One is held, then the password of the others cannot be had: it is 0, and
    all are kept; a call that nobody of is held is the caller's (78)."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        q.send('ops@mail.test', message=alert(0))
        q.write(srv.port, 'rate_limit 1\nauth plain\nauth_unsafe on\nuser u\n'
                'passwordeval false\n')
        q.send('new@mail.test', message=alert(1), status=78)
        done = q.send('ops@mail.test', 'new@mail.test', message=alert(2))
        check('kept in' in done.log, 'no word', done.log)
        equal((len(q.entries()), len(held(q))), (1, 1), 'kept and held')
        q.write(srv.port, 'rate_limit 1\n')
        q.flush()
        nothing_left(q)
        equal(arrivals(srv), {('ops@mail.test', 'alert 0'): 1,
                              ('ops@mail.test', 'alert 2'): 1,
                              ('new@mail.test', 'alert 2'): 1}, 'arrived')


@case('limit/clock-set-back')
def clock():
    """Times that lie ahead hold nothing for longer than an hour from now."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        for n in range(2):
            q.send('ops@mail.test', message=alert(n))
        age(q, -10 ** 7)
        q.send('--flush')
        with open(os.path.join(q.spool, 'limit')) as f:
            check(int(f.read().split('\t')[0]) <= time.time(), 'ahead yet')
        age(q)
        q.send('--flush')
        nothing_left(q)
        equal(len(got(srv)), 2, 'mails')


@case('limit/configuration')
def configuration():
    """A limit without a spool would lose mail."""
    q = Queue(DEAD_PORT, 'rate_limit 0\n')
    for value in ('0', 'x', '-1', '1 h', '1000000'):
        q.write(DEAD_PORT, f'rate_limit {value}\n')
        done = q.send('a@mail.test', status=78)
        check('how many mails an hour' in done.log, value, done.log)
    nothing_left(q)
    for value in ('off', ''):
        q.write(DEAD_PORT, f'rate_limit {value}\n')
        q.send('a@mail.test')
    q.write(DEAD_PORT, '')
    done = q.send('--rate-limit', '3', '--spool', '', 'a@mail.test',
                  status=0)
    with open(q.conf) as f:
        text = f.read().replace('spool', '#')
    with open(q.conf, 'w') as f:
        f.write(text)
    done = q.send('--rate-limit', '3', 'a@mail.test', status=78)
    check('wants a spool' in done.log, 'the reason', done.log)
    # unless something else is wrong, which may be why; nobody is asked for a
    # password, and nothing is sent
    with Fake(server()) as srv:
        for more, word in (('spol /x\n', 'line 6, column 1: unknown key; did '
                            'you mean spool?'), ('', 'wants a spool')):
            private_file(q.conf, (PLAIN.format(port=srv.port) + more +
                                  'rate_limit 3\nauth on\nuser u\n'
                                  f'passwordeval touch {q.dir}/x\n').encode())
            done = q.send('--json', 'a@mail.test', status=78)
            check(word in done.log, 'the reason', done.log)
            equal(done.log.count('\n'), 1, 'lines')
            equal(done.stdout.count(b'\n'), more != '', 'reports')
        equal(srv.wires, [], 'connections')
        check(not os.path.exists(q.dir + '/x'), 'a password was asked for')


@case('limit/json')
def report_line():
    """Nobody gets it now, and no guest has anything to report: the line is the
    launcher's, with the keys that a report has."""
    odd = '"a \\"b"@mail.test'
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        sent, none = [json.loads(q.send('--json', odd).stdout)
                      for _ in range(2)]
        equal(set(sent), set(none), 'keys')
        equal((none['outcome'], none['exit'], none['recipients']),
              ('held', 0, [dict(sent['recipients'][0], outcome='held',
                                code=None, enhanced=None, text='')]), 'held')
        q.write(srv.port, 'rate_limit 1\nauth on\nuser u\n'
                'passwordeval false\n')
        kept = json.loads(q.send('--json', odd, 'b@mail.test').stdout)
        equal((kept['outcome'], {r['address']: r['outcome']
                                 for r in kept['recipients']}),
              ('kept', {odd: 'held', 'b@mail.test': 'temporary'}), 'kept')
        # none: it is the caller's
        done = q.send('--json', 'b@mail.test', status=78)
        equal(done.stdout, b'', 'report')


@case('limit/interrupted-while-held')
def interrupted_held():
    """^C when the copy is in its place: the call is taken back, copy and all;
    or it was too late, which is 0. TERM leaves it in the spool."""
    for name, before, when, status in (
            ('INT', 1, '[ "$1" = {}/held ]', 75),
            ('INT', 2, '[ "$1" = {}/held/*/mail ]', 75),
            ('INT', 1, 'tail -n 1 "$1" | grep -q parted', 0),
            ('TERM', 2, '[ "$1" = {}/held/*/mail ]', 0)):
        with Fake(server()) as srv:
            q = Queue(srv.port, 'rate_limit 1\n')
            for n in range(before):
                q.send('ops@mail.test', message=alert(n))
            to = 'ops@mail.test', 'new@mail.test'
            q.send(*to, message=alert(8), status=status, PATH=strike(
                'sync', when.format(q.spool), name))
            if status:
                q.send(*to, message=alert(8))
            q.flush()
            wanted = {('ops@mail.test', f'alert {n}'): 1
                      for n in (*range(before), 8)}
            wanted['new@mail.test', 'alert 8'] = 1
            equal(arrivals(srv), wanted, f'{name}, {when}')
            nothing_left(q)


@case('limit/interrupted-is-not-counted')
def interrupted_count():
    """Whoever takes his message back by ^C has had none of the hour's."""
    for program, when in (('timeout', '[ "$1" = --kill-after=5 ]'),
                          ('mv', '[ "$4" = {}/limit ]')):
        with Fake(scripts=[[('stall',)]]) as srv:
            q = Queue(srv.port, 'rate_limit 1\n')
            q.send('ops@mail.test', status=75, PATH=strike(
                program, when.format(q.spool), 'INT'))
            q.nothing_left()
        with Fake(server()) as srv:
            q.write(srv.port, 'rate_limit 1\n')
            q.send('ops@mail.test')
            nothing_left(q)
            equal(len(got(srv)), 1, program)


@case('limit/option')
def option():
    """--rate-limit is the call's, and remembered with its message."""
    with Fake(server()) as srv:
        q = Queue(srv.port)
        for _ in range(3):
            q.send('ops@mail.test')
        q.send('--rate-limit', '1', 'ops@mail.test')
        q.send('--rate-limit', '1', 'ops@mail.test')
        equal((len(got(srv)), len(held(q)['ops@mail.test'])), (4, 1), 'sent')


@case('limit/all-at-once')
def at_once():
    """Six calls at the same time: two go, four are held, and nobody waits for
    the guest of another."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 2\n')
        calls = []
        for n in range(6):
            calls.append(subprocess.Popen(
                q.argv('ops@mail.test'), env=q.env(), stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            calls[-1].stdin.write(alert(n))
            calls[-1].stdin.close()
        equal([c.wait(120) for c in calls], [0] * 6, 'status')
        equal((len(got(srv)), len(held(q)['ops@mail.test'])), (2, 4), 'sent')
        q.flush()
        nothing_left(q)
        equal(sorted(arrivals(srv).values()), [1] * 6, 'arrived')


@case('limit/odd-addresses')
def odd():
    """Quotes, blanks, UTF-8, what a shell would run: tried in vain, counted,
    held, and sent to as they are."""
    trap = os.path.join(new_dir('trap'), 'trap')
    odd = ['"a b, c"@mail.test', "o'brien&x@mail.test",
           '"q\\"\\\\"@mail.test', 'x@b\u00fccher.test',
           '$`id`{x}@mail.test', f'"$(touch {trap})"@mail.test',
           f'"x[$(touch {trap})]"@mail.test']
    with Fake(scripts=[server(rcpt=dict.fromkeys(
            odd, b'451 4.7.1 later\r\n')), server()]) as srv:
        q = Queue(srv.port, 'rate_limit 1\nmaildomain mail.test\n')
        q.send(*odd, 'root', message=b'one\n')
        q.flush()
        q.send('-t', message=('To: Ops (all, of) <root>, ' + ',\n '.join(odd) +
                              '\nSubject: two\n\nx\n').encode())
        q.send('-bp')
        equal(sorted(held(q)), sorted([*odd, 'root@mail.test']), 'held')
        q.flush()
        nothing_left(q)
        first = [r for _, r, _ in got(srv)]
        equal(sorted(first[0] + first[1]), sorted(r[0] for r in first[2:]),
              'recipients')
        equal(len(first), 2 + len(odd) + 1, 'mails')
        check(not os.path.exists(trap), 'an address was run')


@case('limit/no-field-to-the-image')
def no_field():
    """What is text to the image names no recipient: "To :", a ">From " line or
    a fold above the header."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        q.send('ops@mail.test')
        for top in (b'To : wrong@mail.test', b'>From x\nTo: wrong@mail.test',
                    b' x\nTo: wrong@mail.test'):
            q.send('-t', 'ops@mail.test',
                   message=top + b'\nSubject: s\n\nx\n')
        equal(list(held(q)), ['ops@mail.test'], 'held')
        age(q)
        q.send('--flush')
        nothing_left(q)
        equal([r for _, r, _ in got(srv)], [['ops@mail.test']] * 2,
              'recipients')
        equal(len(attached(got(srv)[-1][2])), 3, 'attached')


@case('limit/spelt-otherwise')
def spelt_otherwise():
    """Addresses that the image spells in another way: nobody is parted from
    such a message, and each gets it once, however often there is a flush. A
    fold between quotes is read as the image reads it."""
    rcpt = {'"j\\o e"@mail.test': '"jo e"@mail.test',
            '"bob"."smith"@mail.test': '"bob.smith"@mail.test',
            'a."b c"@mail.test': '"a.b c"@mail.test',
            '"f\n o"@mail.test': '"f o"@mail.test'}
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        q.send('ops@mail.test', message=alert(0))
        for n, one in enumerate(rcpt, 1):
            q.send('-t', message=f'To: ops@mail.test, {one}\nSubject: alert '
                   f'{n}\n\nx\n'.encode())
        for _ in range(3):
            q.flush()
        nothing_left(q)
        wanted = {('ops@mail.test', f'alert {n}'): 1 for n in range(5)}
        wanted.update({(one, f'alert {n}'): 1
                       for n, one in enumerate(rcpt.values(), 1)})
        equal(arrivals(srv), wanted, 'arrived')


@case('limit/invalid-for-the-caller')
def invalid():
    """Who hears that his call or message is not valid has nothing in a digest;
    what was there before stays."""
    long = 'x' * 65 + '@mail.test'
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        q.send('ops@mail.test', message=alert(0))
        for some in (0, 1):
            q.send('ops@mail.test', long, message=alert(8), status=64)
            q.send('-t', message=b'Cc: x@mail.test.\n' + alert(8), status=78)
            q.send('ops@mail.test', 'new@mail.test',
                   message=alert(8, 'X-A: a\rb\n'), status=65)
            equal([len(m) for m in held(q).values()], [1] * some, 'held')
            if not some:
                q.send('ops@mail.test', message=alert(1))
        q.flush()
        nothing_left(q)
        equal(arrivals(srv), {('ops@mail.test', f'alert {n}'): 1
                              for n in (0, 1)}, 'arrived')


@case('limit/held-by-two-attempts')
def two_attempts():
    """One is held at the first attempt, another at the second: each has a
    digest of his own, with a Message-ID of its own."""
    with Fake(server(rcpt={'b@mail.test': b'451 4.7.1 later\r\n'})) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        q.send('a@mail.test', message=alert(0))
        q.send('a@mail.test', 'b@mail.test', 'c@mail.test', message=alert(1))
        equal(list(held(q)), ['a@mail.test'], 'held')
        # meanwhile another one to b goes
        with open(os.path.join(q.spool, 'limit'), 'a') as f:
            f.write(f'{int(time.time())}\tother\tb@mail.test\n')
        done = q.flush()
        check('cannot be held' not in done.log, 'two of one name', done.log)
        mails = got(srv)
    with Fake(server()) as srv:
        q.write(srv.port, 'rate_limit 1\n')
        q.flush()
        nothing_left(q)
        mails += got(srv)
    equal([r for _, r, _ in mails], [['a@mail.test'], ['c@mail.test'],
                                     ['a@mail.test'], ['b@mail.test']],
          'recipients')
    equal(len({m['Message-ID'] for _, _, m in mails}), 4, 'Message-IDs')


# ------------------------------------------------------------- kill -9 anywhere

STEPS = ('mv', 'sync', 'rm', 'cp', 'mkdir', 'cat')
STEP = '''#!/bin/sh
n=$(($(wc -l <"$STEPS_SEEN") + 1))
echo {name} >>"$STEPS_SEEN"
[ "$n$STEP_WHEN" != "${{STEP_KILL}}before" ] || kill -9 0
{real} "$@"
status=$?
[ "$n$STEP_WHEN" != "${{STEP_KILL}}after" ] || kill -9 0
exit $status
'''


def step_by_step(q, step, when, *args, message=b''):
    """The launcher, killed with all its shells before or after the command of
    that number which changes something; a guest lives on. Returns how many
    commands there were, and the status."""
    folder = os.path.join(q.dir, 'bin')
    seen = os.path.join(q.dir, 'seen')
    if not os.path.isdir(folder):
        os.mkdir(folder)
        for name in STEPS:
            path = os.path.join(folder, name)
            with open(path, 'w') as f:
                f.write(STEP.format(name=name, real=shutil.which(name)))
            os.chmod(path, 0o755)
    with open(seen, 'w'):
        pass
    env = q.env(PATH=folder + ':' + os.environ['PATH'], STEPS_SEEN=seen,
                STEP_KILL=str(step), STEP_WHEN=when)
    run = subprocess.Popen(q.argv(*args), env=env, stdin=subprocess.PIPE,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                           start_new_session=True)
    try:
        _, log = run.communicate(message, 120)
    except BrokenPipeError:
        log = b''
    rest(q)
    with open(seen) as f:
        count = len(f.readlines())
    check(run.returncode in (0, -signal.SIGKILL), f'status {run.returncode}',
          log.decode(errors='replace'))
    return count, run.returncode


def killed(step, when, flush):
    """One is over the limit, a digest is due: the call, or the --flush, is
    killed; then all arrives, once. Returns how many steps it had."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        for n in range(2):
            q.send('ops@mail.test', message=alert(n))
        wanted = {('ops@mail.test', f'alert {n}'): 1 for n in range(2)}
        age(q)
        args = ['--flush'] if flush else ['ops@mail.test', 'new@mail.test']
        count, status = step_by_step(q, step, when, *args, message=alert(2))
        accepted = status == 0 or any(
            os.path.exists(os.path.join(q.spool, 'new', name, 'rcpt'))
            for name in q.entries())
        if not flush:
            both = {(r, 'alert 2'): 1
                    for r in ('ops@mail.test', 'new@mail.test')}
            # killed early, it is the caller's; or so late that it was gone
            if accepted or any(k in arrivals(srv) for k in both) or \
                    'ops@mail.test' in held(q) and \
                    len(held(q)['ops@mail.test']) > 1:
                wanted.update(both)
        for _ in range(6):
            q.flush()
            rest(q)
            if not q.entries() and not held(q):
                break
        where = f'killed {when} step {step} of {args[0]}'
        equal(arrivals(srv), wanted, where)
        for state in ('new', 'unsure', 'dead', 'held'):
            equal(q.entries(state), [], f'{where}: left in {state}/')
    return count


def kills(sample):
    total = 0
    for flush in (False, True):
        count = killed(0, 'before', flush)
        cases = [(n, w) for n in range(1, count + 1)
                 for w in ('before', 'after')]
        if sample:
            cases = random.Random(sample + flush).sample(cases, sample)
        for step, when in cases:
            killed(step, when, flush)
        total += len(cases)
    print(f'      {total} kills')


@case('limit/killed-sample')
def killed_sample():
    kills(4)


@case('limit/killed-everywhere', whole=True)
def killed_everywhere():
    kills(0)
