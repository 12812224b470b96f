"""A spool of its own, the launcher over it, and a server that needs no login:
what the cases of the spool share."""
import email
import email.policy
import os
import signal
import time

from fake import Dialogue
from harness import LAUNCHER, check, command, equal, new_dir, private_file
from images import image

PLAIN = ('host 10.0.2.2\nport {port}\ntls off\nfrom sender@mail.test\n'
         'timeout 20\n')


def server(**kw):
    return Dialogue(tls='none', auth=(), **kw)


def heed_signals():
    """A process started in the background inherits some as ignored, and a
    shell cannot trap those."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Queue:
    """A configuration with a spool, and the launcher over it."""

    def __init__(self, port, more='', board='posix', folder=None,
                 program=None):
        self.dir, self.board = folder or new_dir('spool'), board
        self.spool = os.path.join(self.dir, 'spool')
        self.conf = os.path.join(self.dir, 'bootmail.conf')
        self.tmp = os.path.join(self.dir, 'tmp')
        os.mkdir(self.tmp)
        self.write(port, more)
        name = 'posix-asan' if board == 'posix' else board
        self.image = program or os.path.abspath(image(name))
        self.guest = (self.image if board == 'posix' else
                      f'qemu-system-{board}')

    def write(self, port, more=''):
        """The configuration: it is read anew at each attempt."""
        text = PLAIN.format(port=port) + f'spool {self.spool}\n' + more
        private_file(self.conf, text.encode())

    def argv(self, *args):
        return [LAUNCHER, '--board', self.board, '--image', self.image, '-C',
                self.conf, *args]

    def env(self, **more):
        env = dict(os.environ, TMPDIR=self.tmp, **more)
        env.pop('XDG_RUNTIME_DIR', None)
        return env

    def run(self, *args, message=b'', **env):
        done = command(self.argv(*args), 120, input=message,
                       env=self.env(**env), preexec_fn=heed_signals)
        done.log = done.stderr.decode(errors='replace')
        return done

    def send(self, *args, message=b'hello\n', status=0, **env):
        done = self.run(*args, message=message, **env)
        equal(done.returncode, status, 'exit status', done.log)
        return done

    def flush(self, *args, status=0):
        return self.send('--flush-all', *args, status=status)

    def entries(self, state='new'):
        folder = os.path.join(self.spool, state)
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def journal(self, name, state='new'):
        with open(os.path.join(self.spool, state, name, 'journal')) as f:
            return f.read().rstrip('\0')

    def nothing_left(self):
        for state in ('new', 'tmp', 'unsure', 'dead'):
            equal(self.entries(state), [], f'left in {state}/')
        equal(os.listdir(self.tmp), [], 'left in TMPDIR')


def got(srv):
    """(sender, recipients, parsed message) of all that was accepted."""
    return [(m['sender'], m['recipients'],
             email.message_from_bytes(m['data'], policy=email.policy.default))
            for w in srv.wires for m in w.messages]


def processes(word):
    """{pid: program} of all that were given the word, as an argument or in the
    environment (TMPDIR)."""
    found = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                line = f.read()
            with open(f'/proc/{pid}/environ', 'rb') as f:
                if word.encode() in line + f.read():
                    found[int(pid)] = line.split(b'\0')[0].decode()
        except OSError:
            pass
    return found


def rest(q):
    """Until nothing works for this spool any more, without its launcher."""
    end = time.monotonic() + 90
    while processes(q.dir):
        check(time.monotonic() < end, 'HANG: a guest outlives its time')
        time.sleep(0.02)


# A program in another's place: what it does goes on once the launcher above it
# has got a signal.
STRIKE = """#!/bin/sh
if {when}; then
    p=$PPID
    while up=$(awk '{{print $4}}' /proc/$p/stat) &&
        grep -qa scripts/bootmail /proc/$up/cmdline; do p=$up; done
    kill -{name} $p
fi
PATH=${{PATH#*:}}; exec {program} "$@"
"""


def strike(program, when, name='TERM'):
    """PATH with it."""
    folder = new_dir('strike')
    path = os.path.join(folder, program)
    with open(path, 'w') as f:
        f.write(STRIKE.format(program=program, when=when, name=name))
    os.chmod(path, 0o755)
    return folder + ':' + os.environ['PATH']


DEAD_PORT = 1  # nobody listens there
