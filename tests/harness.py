"""What test cases share: the registry, processes that always end, and the
launcher's results. Standard library only."""
import fnmatch
import functools
import json
import os
import shutil
import subprocess
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, os.environ.get('BUILD') or 'build')
DEPS = os.path.join(TOP, os.environ.get('DEPS') or 'build/deps')
LAUNCHER = os.path.join(TOP, 'scripts', 'bootmail')

cases = []
_at_end = []
_lock = threading.RLock()


class Failure(Exception):
    """A test's finding, in words."""


class Skip(Exception):
    """This machine cannot run the case: said aloud, never counted as
    passed."""


class Case:
    def __init__(self, name, function, slow, alone, whole):
        self.name, self.function = name, function
        self.slow, self.alone, self.whole = slow, alone, whole


def case(name, slow=False, alone=False, whole=False):
    """Registers a function without arguments as the case of that name.
    slow: left out by QUICK=1. alone: nothing else runs at that time. whole: of
    a set whose sample is always run; by ALL=1, or if ONLY asks for it."""
    def register(function):
        if any(c.name == name for c in cases):
            raise RuntimeError('two cases are named ' + name)
        cases.append(Case(name, function, slow, alone, whole))
        return function
    return register


def matches(name, pattern):
    return fnmatch.fnmatchcase(name, pattern) or name == pattern


def at_end(function):
    """Run when all cases are over, last registered first."""
    with _lock:
        _at_end.append(function)


def finish():
    while _at_end:
        _at_end.pop()()


def once(function):
    """The function's result, computed once for all cases (thread-safe); an
    exception is repeated to each of them."""
    state = {}
    lock = threading.Lock()

    def wrapper():
        with lock:
            if 'error' in state:
                raise Failure('set-up failed before: %s' % state['error'])
            if 'value' not in state:
                try:
                    state['value'] = function()
                except Exception as e:
                    state['error'] = e
                    raise
            return state['value']
    return wrapper


@once
def scratch():
    """A private folder for this run of the tests, removed at the end."""
    folder = tempfile.mkdtemp(prefix='bootmail-test.')
    at_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


def new_dir(name='t'):
    return tempfile.mkdtemp(prefix=name + '.', dir=scratch())


def check(condition, words, *more):
    if not condition:
        raise Failure(words + ''.join('\n' + str(m) for m in more))


def equal(got, wanted, what, *more):
    check(got == wanted, f'{what}: got {short(got)}, wanted {short(wanted)}',
          *more)


def short(value):
    text = repr(value)
    return text if len(text) < 400 else text[:390] + f'... ({len(text)})'


def command(argv, hang=120, **kw):
    """Runs to the end; a hang is named as one. Returns CompletedProcess with
    bytes."""
    try:
        return subprocess.run(argv, timeout=hang, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **kw)
    except subprocess.TimeoutExpired as e:
        raise Failure(f'HANG: {argv[0]} ran over {hang} s\n' +
                      (e.stderr or b'').decode(errors='replace')[-2000:])


def succeed(argv, hang=600, **kw):
    done = command(argv, hang, **kw)
    check(done.returncode == 0,
          f'{" ".join(map(str, argv))}: exit {done.returncode}',
          done.stdout.decode(errors='replace')[-3000:],
          done.stderr.decode(errors='replace')[-3000:])
    return done


class Result:
    """One run of scripts/bootmail: status, report (dict or None), log."""

    def __init__(self, done):
        self.status = done.returncode
        self.log = done.stderr.decode(errors='replace')
        self.stdout = done.stdout.decode(errors='replace')
        try:
            self.report = json.loads(self.stdout)
        except ValueError:
            self.report = None

    def __str__(self):
        return (f'status {self.status}\n{self.stdout[-2000:]}\n'
                f'{self.log[-4000:]}')

    @property
    def reason(self):
        return self.report['reason'] if self.report else ''


def private_file(path, data):
    """The launcher refuses passwords that others can read."""
    with open(path, 'wb', opener=lambda p, flags: os.open(p, flags,
                                                          0o600)) as f:
        f.write(data)


@functools.cache
def cache():
    """Where the launcher remembers what it found out about QEMU."""
    return scratch()


def bootmail(*args, message=b'', conf=None, board='x86_64', machine=None,
             files=None, hang=180, env=None, timeout=60):
    """Runs the launcher on a configuration text; files: {name: bytes} beside
    it (ca.pem, password, ...)."""
    folder = new_dir('call')
    argv = [LAUNCHER, '--json', '--verbose', '--board', board]
    if timeout is not None:
        argv += ['--timeout', str(timeout)]
    if conf is not None:
        path = os.path.join(folder, 'bootmail.conf')
        private_file(path, conf if isinstance(conf, bytes)
                     else conf.encode())
        argv += ['-C', path]
    for name, data in (files or {}).items():
        private_file(os.path.join(folder, name), data)
    if board != 'posix' and '--accel' not in args:
        argv += ['--accel', 'tcg']
    if machine and board != 'posix':
        argv += ['--machine', machine]
    built = os.path.join(BUILD, 'posix-asan' if board == 'posix' else board,
                         'bootmail')
    if os.path.exists(built):
        argv += ['--image', built]
    full = dict(os.environ, TMPDIR=scratch(), XDG_CACHE_HOME=cache(),
                **(env or {}))
    full.pop('XDG_RUNTIME_DIR', None)
    try:
        return Result(command(argv + list(args), hang, input=message,
                              env=full))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
