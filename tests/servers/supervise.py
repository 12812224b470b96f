#!/usr/bin/env python3
"""Run one server and leave nothing behind, whatever happens to the caller.

  supervise.py SPEC.json          started by server.py, not by hand

SPEC holds argv, env, cwd, uid (0: keep the caller's), log, and the folder to
remove at the end. The server runs as a child of this process, which is also
the "subreaper" of everything the server forks: a daemon's orphans come back
here instead of to init, so they can be found and ended. End of file on
standard input (the caller is gone or wants an end) or SIGTERM stops the
server: SIGTERM to it, and when it is gone or has had its time, SIGKILL to
every descendant left. The last line on standard output tells how it went.
"""
import ctypes
import json
import os
import select
import shutil
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
GRACE = 0.2     # nothing of a test server's is worth more
PATIENCE = 5.0

libc = ctypes.CDLL(None, use_errno=True)


def descendants():
    """Process ids below this one, zombies left out."""
    parent = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % name) as f:
                stat = f.read()
        except OSError:
            continue
        fields = stat.rpartition(')')[2].split()
        if fields[0] != 'Z':
            parent[int(name)] = int(fields[1])
    found, grown = {os.getpid()}, True
    while grown:
        more = {p for p, up in parent.items() if up in found} - found
        found |= more
        grown = bool(more)
    return found - {os.getpid()}


def reap():
    """Collect ended children; returns {pid: status}."""
    ended = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def childless():
    """True when all have ended. A list of processes does not tell: one whose
    parent ends while the list is made is in nobody's family."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def start(spec):
    log = os.open(spec['log'], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    null = os.open('/dev/null', os.O_RDONLY)
    pid = os.fork()
    if pid:
        os.close(log)
        return pid
    try:
        os.setsid()
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        if spec['uid'] and os.getuid() == 0:
            os.setgroups([])
            os.setresgid(spec['uid'], spec['uid'], spec['uid'])
            os.setresuid(spec['uid'], spec['uid'], spec['uid'])
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        os.umask(0o022)
        os.chdir(spec['cwd'])
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD,
                       signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.execve(spec['argv'][0], spec['argv'], spec['env'])
    except OSError as e:
        os.write(2, ('cannot start %s: %s\n' % (spec['argv'][0], e)).encode())
    finally:
        os._exit(127)


def signal_all(number):
    for pid in descendants():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def stop(main):
    """End everything below; returns how many would not go."""
    if main in descendants():
        os.kill(main, signal.SIGTERM)
    kill_at = time.monotonic() + GRACE
    while True:
        reap()
        if childless():
            return 0
        left = descendants()
        now = time.monotonic()
        if now > kill_at + PATIENCE:
            return max(len(left), 1)
        if now > kill_at or main not in left:
            # again and again: one may fork while the list is made
            signal_all(signal.SIGKILL)
        time.sleep(0.005)


def main(path):
    with open(path) as f:
        spec = json.load(f)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake_r, wake_w = os.pipe()
    os.set_blocking(wake_w, False)
    os.set_blocking(wake_r, False)
    signal.set_wakeup_fd(wake_w)
    asked = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, frame: asked.append(n))
    signal.signal(signal.SIGCHLD, lambda n, frame: None)
    child = start(spec)
    print('started %d' % child, flush=True)
    verdict = 'stopped'
    while not asked:
        ready, _, _ = select.select([0, wake_r], [], [])
        if wake_r in ready:
            os.read(wake_r, 4096)
        status = reap().get(child)
        if status is not None:
            verdict = 'died %d' % status
            break
        if 0 in ready and not os.read(0, 4096):
            break
    left = stop(child)
    if verdict == 'stopped':    # a dead server's log is still to be read
        shutil.rmtree(spec['remove'], ignore_errors=True)
    try:
        print('%s, %d left' % (verdict, left), flush=True)
    except BrokenPipeError:
        pass
    return 1 if left or verdict != 'stopped' else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
