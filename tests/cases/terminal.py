"""What a person sees on a terminal while it takes long: one line that is
written anew each second, and nothing of it when all is over. Nobody else sees
any of it."""
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading

from fake import Dialogue, Fake
from harness import LAUNCHER, case, check, command, equal, new_dir, private_file
from images import image
from spoollab import server
from standin import CONF, SENT, stand_in

SLOW = '''echo '     1.0 ms  the first line'
while [ ! -e {go} ]; do sleep 0.05; done
echo '  2001.0 ms  still waiting for the mill (2 s)'
echo '  5001.0 ms  still waiting for the mill (5 s)'
while [ ! -e {go}2 ]; do sleep 0.05; done
echo '  6001.0 ms  the last line'
cat <<'END'
{sent}
END
exit 1
'''


class Terminal:
    """The launcher, its standard error a terminal; what came there."""

    def __init__(self, argv, env=None, stdin=b'hello\n', columns=60):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', 24, columns, 0, 0))
        self.text, self.columns = '', columns
        self.more = threading.Condition()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=slave,
            env={**os.environ, 'TMPDIR': new_dir('tmp'), **(env or {})})
        os.close(slave)
        self.process.stdin.write(stdin)
        self.process.stdin.close()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            try:
                data = os.read(self.master, 4096)
            except OSError:
                data = b''
            with self.more:
                self.text += data.decode(errors='replace')
                self.ended = not data
                self.more.notify_all()
            if not data:
                return

    def wait_for(self, words, times=1):
        """HANG is a failure; that it takes long is none."""
        with self.more:
            self.more.wait_for(lambda: self.text.count(words) >= times or
                               self.ended, 60)
            check(self.text.count(words) >= times, f'HANG: never {words}',
                  self.text)

    ended = False

    def __enter__(self):
        return self

    def __exit__(self, *args):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        self.reader.join(60)
        self.process.stdout.close()
        os.close(self.master)

    def status(self):
        self.process.wait(60)
        self.reader.join(60)
        return self.process.returncode

    def screen(self):
        """The lines that are left, as a terminal shows them."""
        rows, row, at = [], [], 0
        for c in self.text:
            if c == '\r':
                at = 0
            elif c == '\n':
                rows, row, at = [*rows, ''.join(row).rstrip()], [], 0
            else:
                row[at:at + 1] = c
                at += 1
                check(len(row) < self.columns, 'wider than the terminal', row)
        return [*rows, ''.join(row).rstrip()]


def slow_call(folder, report=SENT):
    qemu = stand_in(SLOW.format(go=folder + '/go', sent=report))
    path = os.path.join(folder, 'bootmail.conf')
    private_file(path, CONF.encode())
    return [LAUNCHER, '--image', qemu, '-C', path, 'a@b.c'], {'QEMU': qemu}


def touch(path):
    with open(path, 'w'):
        pass


@case('terminal/each-second')
def each_second():
    folder = new_dir('slow')
    argv, env = slow_call(folder)
    with Terminal(argv, env) as t:
        t.wait_for('\r    ... the first line (', 2)
        touch(folder + '/go')
        t.wait_for('\r    ... waiting for the mill (')
        touch(folder + '/go2')
        equal(t.status(), 0, 'exit status', t.text)
        equal([x for x in t.screen() if ' ms  ' in x],
              ['     1.0 ms  the first line', '  6001.0 ms  the last line'],
              'what is left of it', t.text)
        check(not any('...' in x for x in t.screen()), 'rests', t.screen())


@case('terminal/narrow')
def narrow():
    folder = new_dir('slow')
    argv, env = slow_call(folder)
    with Terminal(argv, env, columns=30) as t:
        t.wait_for('\r    ... the first  (')
        touch(folder + '/go')
        touch(folder + '/go2')
        equal(t.status(), 0, 'exit status', t.text)
        t.screen()


@case('terminal/nobody-else')
def nobody_else():
    """A pipe, a file: the log with -v, and a wait by each fifth second."""
    folder = new_dir('slow')
    argv, env = slow_call(folder)
    touch(folder + '/go')
    touch(folder + '/go2')
    full = {**os.environ, 'TMPDIR': new_dir('tmp'), **env}
    done = command(argv, 60, input=b'x\n', env=full)
    equal((done.returncode, done.stderr), (0, b''), 'without -v')
    done = command([*argv, '-v'], 60, input=b'x\n', env=full)
    log = done.stderr.decode()
    check('\r' not in log and '...' not in log, 'a terminal is written for',
          log)
    equal([x.split('ms  ')[1] for x in log.splitlines() if ' ms  ' in x],
          ['the first line', 'still waiting for the mill (5 s)',
           'the last line'], 'the log')


@case('terminal/interrupted')
def interrupted():
    folder = new_dir('slow')
    argv, env = slow_call(folder)
    with Terminal(argv, env) as t:
        t.wait_for('... the first line (')
        t.process.send_signal(signal.SIGTERM)
        equal(t.status(), 75, 'exit status', t.text)
        check(not any('...' in x for x in t.screen()), 'rests', t.screen())


@case('terminal/kilobytes')
def kilobytes():
    """A server that reads nothing of the message, which no buffers on the way
    can hold: how much has gone, each second."""
    dialogue = server(act={'DATA': ('after', 'sleep', 60)})
    folder = new_dir('big')
    path = os.path.join(folder, 'bootmail.conf')
    with Fake(dialogue) as srv:
        private_file(path, (f'host 10.0.2.2\nport {srv.port}\ntls off\n'
                            'from a@b.c\nchunking off\ntimeout 60\n').encode())
        with Terminal([LAUNCHER, '--board', 'posix', '--image',
                      image('posix-asan'), '-C', path, 'a@b.c'],
                     stdin=b'x' * 70 + b'\n' + b'big ' * 4000000,
                     columns=100) as t:
            t.wait_for(' KB sent (')
            t.process.send_signal(signal.SIGTERM)
            equal(t.status(), 75, 'exit status', t.text)
