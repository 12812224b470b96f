"""kill -9 at any moment: no message that was accepted is lost, none arrives
twice, and none is called unsure of which the machine had not said that it may
go."""
import os
import random
import signal
import subprocess
import threading
import time

from fake import Fake
from harness import Skip, case, check, command, equal
from spoollab import DEAD_PORT, Queue, processes, rest, server

MARK = b'end of the message: from here on it may be accepted'
STATES = ('CONNECT', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'BODY', 'QUIT')
TARGETS = ('launcher', 'guest', 'both')


class Hook(dict):
    """The replies of a Dialogue: none of them is other than usual, but
    somebody hears of each before it is sent."""

    def __init__(self, hear):
        super().__init__()
        self.hear = hear

    def get(self, state, default=None):
        self.hear(state)
        return default


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Murder:
    """One call of the launcher, during which something is killed."""

    def __init__(self, q, seed):
        rng = random.Random(seed)
        self.q, self.done = q, False
        self.target = rng.choice(TARGETS)
        self.state = rng.choice(STATES + (None,) * 7)
        self.later = rng.random() * 0.01
        self.delay = rng.random() * rng.choice((0.3, 1.5))
        self.spooled = rng.random() < 0.4  # it is --flush that is killed
        self.launcher = None
        self.lock = threading.Lock()

    def __str__(self):
        what = '--flush' if self.spooled else 'the call'
        when = (f'{self.later:.4f} s after {self.state}' if self.state
                else f'after {self.delay:.3f} s')
        return f'{self.target} of {what} killed {when}'

    def hear(self, state):
        if state == self.state:
            time.sleep(self.later)
            self.strike()

    def strike(self):
        with self.lock:
            if self.done or self.launcher is None:
                return
            self.done = True
        found = processes(self.q.dir)
        for pid, program in found.items():
            if self.target != 'guest' and program == 'bash':
                kill(pid)
        for pid, program in found.items():
            if self.target != 'launcher' and program == self.q.guest:
                kill(pid)

    def run(self, *args, message=b''):
        """Its status; None if it was killed."""
        self.launcher = subprocess.Popen(
            self.q.argv(*args), env=self.q.env(), stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        timer = threading.Timer(self.delay, self.strike)
        if self.state is None:
            timer.start()
        try:
            self.launcher.stdin.write(message)
            self.launcher.stdin.close()
        except BrokenPipeError:
            pass
        status = self.launcher.wait(120)
        timer.cancel()
        with self.lock:
            self.done = True
        self.log = self.launcher.stderr.read().decode(errors='replace')
        self.launcher.stderr.close()
        return None if status == -signal.SIGKILL else status


def flush_out(q):
    for _ in range(8):
        if not q.entries():
            break
        q.flush()
        rest(q)
    equal(q.entries(), [], 'left in new/ after 8 times --flush-all')


def judge(q, srv, accepted, what):
    """How many arrived, against what is said of it. Returns whether it is
    called unsure."""
    count = sum(m['sender'] != '' for w in srv.wires for m in w.messages)
    kept = q.entries('unsure')
    equal(q.entries('dead'), [], f'{what}: in dead/')
    if kept:
        equal(len(kept), 1, f'{what}: entries in unsure/')
        check(count <= 1, f'{what}: unsure, and arrived {count} times')
        with open(os.path.join(q.spool, 'unsure', kept[0], 'console'),
                  'rb') as f:
            check(MARK in f.read(), f'{what}: unsure without a reason')
        return True
    wanted = 1 if accepted else 0
    equal(count, wanted, f'{what}: arrived', srv.wires[-1].error
          if srv.wires else 'no connection')
    return False


def one_kill(seed, board='posix'):
    q = Queue(DEAD_PORT, board=board)
    m = Murder(q, seed)
    dialogue = server()
    dialogue.replies = Hook(m.hear)
    again = server()  # nobody kills those who come later
    with Fake(scripts=[dialogue, again]) as srv:
        if m.spooled:
            q.send('b@mail.test')
            q.write(srv.port)
            status = m.run('--flush-all')
            accepted = True
        else:
            q.write(srv.port)
            status = m.run('b@mail.test', message=b'hello\n')
            accepted = status == 0 or bool(q.entries())
        if status not in (None, 0, 79):
            # it was told that nothing was accepted
            check(not q.entries() and not m.spooled,
                  f'{m}: exit {status}, but kept', m.log)
        if status is None and not accepted:
            # killed early, or so late that the entry was gone: sent
            rest(q)
            accepted = bool(q.entries()) or any(w.messages for w in srv.wires)
        rest(q)
        flush_out(q)
        unsure = judge(q, srv, accepted, str(m))
        check(status != 79 or unsure or m.spooled, f'{m}: 79, nothing kept')
    return unsure


def kills(first, count, board='posix'):
    unsure = 0
    for seed in range(first, first + count):
        try:
            unsure += one_kill(seed, board)
        except Exception as e:
            raise type(e)(f'seed {seed}: {e}') from e
    print(f'      {count} kills from seed {first}: {unsure} unsure')


@case('kills/sample')
def sample():
    kills(1, 8)


@case('kills/sample-qemu', slow=True)
def sample_qemu():
    kills(1001, 3, 'x86_64')
