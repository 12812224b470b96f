#!/usr/bin/env python3
"""Fetch the mail servers the demo and the tests deliver to.

Exim, Postfix, Dovecot and aiosmtpd come from the machine's own Debian or Ubuntu
archive, as .deb files that apt verifies, smtp-server and Haraka as npm packages
(npm.py); but nothing is installed: each is unpacked into a
folder of its own under build/servers and runs from there (see servers.py).
So no mail system of the user is touched, no service starts, both servers fit
side by side although their packages conflict, and root is not needed.

Libraries the machine lacks are unpacked into the same folder. When all is
there already nothing is asked of the network.

  fetch.py [NAME ...]      exim, postfix, ...; default: all
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import npm

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))

# Only the server and its libraries are wanted. What else the package depends
# on (cron, debconf, perl, a configuration for the whole machine) serves an
# installed mail system, which this is not.
WRAP = ['libnss-wrapper', 'libuid-wrapper']
SERVERS = {
    'exim': {
        'packages': ['exim4-daemon-light'] + WRAP,
        'programs': ['usr/sbin/exim4'],
    },
    'postfix': {
        'packages': ['postfix'] + WRAP,
        'programs': ['usr/lib/postfix/sbin/master',
                     'usr/lib/postfix/sbin/smtpd',
                     'usr/lib/postfix/sbin/virtual'],
    },
    'dovecot': {
        'packages': ['dovecot-core', 'dovecot-submissiond', 'dovecot-lmtpd']
                    + WRAP,
        'programs': ['usr/sbin/dovecot', 'usr/bin/doveconf',
                     'usr/lib/dovecot/auth', 'usr/lib/dovecot/lmtp',
                     'usr/lib/dovecot/submission-login'],
    },
    'aiosmtpd': {
        'packages': ['python3-aiosmtpd', 'python3-attr', 'python3-public'],
        'files': ['usr/lib/python3/dist-packages/aiosmtpd/smtp.py'],
    },
    'smtp-server': {'npm': 'smtp-server'},
    'haraka': {'npm': 'Haraka'},
    # no server: a reader of mail, for cases/compose.py
    'mailparser': {'npm': 'mailparser'},
    # no servers: programs that mail, for cases/senders.py
    'monitors': {
        'packages': ['smartmontools', 'mdadm', 'bsd-mailx', 'liblockfile1']
                    + WRAP,
        'programs': ['usr/sbin/smartd', 'usr/bin/bsd-mailx'],
        'files': ['usr/share/smartmontools/smartd-runner',
                  'etc/smartmontools/run.d/10mail'],
    },
}


class FetchError(Exception):
    pass


def base_dir():
    """build/servers, or below $BUILD when the build folder is elsewhere."""
    build = os.environ.get('BUILD') or 'build'
    return os.path.join(REPO, build, 'servers')


def root_dir(name):
    return os.path.join(base_dir(), name, 'root')


def library_dirs(root):
    """Folders of `root` that hold shared libraries, for LD_LIBRARY_PATH."""
    found = []
    for top in ('usr/lib', 'lib'):
        for path, _, files in os.walk(os.path.join(root, top)):
            if any('.so' in f for f in files) and path not in found:
                found.append(path)
    return found


def _run(argv, **kw):
    env = dict(os.environ, LC_ALL='C', DEBIAN_FRONTEND='noninteractive')
    return subprocess.run(argv, stdin=subprocess.DEVNULL, text=True, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)


def missing(root, spec):
    """What the server would not find: programs, libraries, other files."""
    lost = [f for f in spec.get('files', [])
            if not os.path.exists(os.path.join(root, f))]
    programs = spec.get('programs', [])
    return lost + (missing_libraries(root, programs) if programs else [])


def missing_libraries(root, programs):
    """Shared libraries the programs would not find, or a missing program."""
    lost = []
    env = dict(os.environ, LD_LIBRARY_PATH=':'.join(library_dirs(root)))
    for prog in programs:
        path = os.path.join(root, prog)
        if not os.access(path, os.X_OK):
            lost.append(prog)
            continue
        out = subprocess.run(['ldd', path], env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True).stdout
        lost += re.findall(r'^\s*(\S+) => not found', out, re.M)
    for name in ('nss', 'uid'):
        if not any(glob.glob(os.path.join(d, 'lib%s_wrapper.so*' % name))
                   for d in library_dirs(root)):
            lost.append('lib%s_wrapper.so' % name)
    return sorted(set(lost))


def is_ready(name):
    """True when the server is unpacked and would start."""
    root, spec = root_dir(name), SERVERS[name]
    if 'npm' in spec:
        return npm.is_ready(spec['npm'], root)
    if not os.path.isfile(os.path.join(root, '.complete')):
        return False
    return not missing(root, spec)


class Apt:
    """apt as an ordinary user: simulates and downloads, installs nothing."""

    def __init__(self, say):
        self.options = ['-o', 'Debug::NoLocking=1',
                        '-o', 'APT::Sandbox::User=']
        self.private = False
        self.say = say

    def refresh(self):
        """Take a private package index: the machine's is absent or stale."""
        state = os.path.join(base_dir(), 'apt')
        for sub in ('lists/partial', 'cache/archives/partial'):
            os.makedirs(os.path.join(state, sub), exist_ok=True)
        self.options += ['-o', 'Dir::State::Lists=' + state + '/lists',
                         '-o', 'Dir::Cache=' + state + '/cache']
        self.private = True
        self.say('reading the package index (private copy)')
        got = _run(['apt-get', '-q', *self.options, 'update'])
        # it also succeeds when it could fetch nothing
        if got.returncode or not glob.glob(state + '/lists/*_Packages*'):
            raise FetchError('no package index could be fetched: '
                             + got.stderr.strip()[:300])

    def wanted(self, packages):
        """The packages themselves plus the libraries that are not there."""
        got = _run(['apt-get', '-s', *self.options, '--no-install-recommends',
                    'install', *packages])
        names = list(packages)
        for line in got.stdout.splitlines():
            m = re.match(r'Inst (lib[a-z0-9.+-]+) ', line)
            if m and not re.search(r'perl', m.group(1)):
                names.append(m.group(1))
        return sorted(set(names))

    def download(self, names, into):
        got = _run(['apt-get', '-q', *self.options, 'download', *names],
                   cwd=into)
        debs = glob.glob(os.path.join(into, '*.deb'))
        if got.returncode or len(debs) != len(names):
            raise FetchError('apt-get download failed: '
                             + got.stderr.strip()[-300:])
        return debs


def _unpack(debs, root):
    for deb in debs:
        got = _run(['dpkg-deb', '-x', deb, root])
        if got.returncode:
            raise FetchError('%s: %s' % (deb, got.stderr.strip()))
    # A mail server's files carry set-id bits. Nobody installed these, so
    # nobody shall gain rights by them; set-id programs would also ignore
    # LD_LIBRARY_PATH.
    for path, _, files in os.walk(root):
        for f in files:
            full = os.path.join(path, f)
            if not os.path.islink(full):
                mode = os.stat(full).st_mode
                os.chmod(full, (mode & 0o1777) | 0o444)


def _try(apt, spec, work):
    names = apt.wanted(spec['packages'])
    apt.say('downloading ' + ' '.join(names))
    debs = apt.download(names, work)
    root = os.path.join(work, 'root')
    os.makedirs(root)
    _unpack(debs, root)
    lost = missing(root, spec)
    if lost:
        raise FetchError('still missing: ' + ' '.join(lost))
    return root


def fetch(name, say=lambda text: None):
    """Make `name` ready; returns the folder it is unpacked in."""
    spec = SERVERS[name]
    if is_ready(name):
        return root_dir(name)
    tools = ('npm',) if 'npm' in spec else ('apt-get', 'dpkg-deb', 'ldd')
    for tool in tools:
        if not shutil.which(tool):
            raise FetchError(
                '%s is needed to fetch %s, and is not there%s' % (
                    tool, name, '' if 'npm' in spec else
                    ': unpack the packages %s of Debian or Ubuntu into %s '
                    'and create the file .complete there' % (
                        ' '.join(spec['packages']), root_dir(name))))
    parent = os.path.dirname(root_dir(name))
    os.makedirs(parent, exist_ok=True)
    with open(os.path.join(parent, '.lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return root_dir(name) if is_ready(name) else _fetch(name, parent, say)


def _fetch(name, parent, say):
    spec = SERVERS[name]
    if 'npm' in spec:
        say('%s: fetching npm packages' % name)
        try:
            npm.fetch(spec['npm'], root_dir(name))
        except npm.NpmError as e:
            raise FetchError('%s: %s' % (name, e))
        say('%s: unpacked into %s' % (name, os.path.relpath(root_dir(name))))
        return root_dir(name)
    apt = Apt(lambda text: say('%s: %s' % (name, text)))
    for attempt in (1, 2):
        work = tempfile.mkdtemp(prefix='.new-', dir=parent)
        os.chmod(work, 0o755)
        try:
            root = _try(apt, spec, work)
            open(os.path.join(root, '.complete'), 'w').close()
            if os.path.isdir(root_dir(name)):
                shutil.rmtree(root_dir(name))
            os.rename(root, root_dir(name))
            say('%s: unpacked into %s (nothing was installed)'
                % (name, os.path.relpath(root_dir(name))))
            return root_dir(name)
        except FetchError:
            if attempt == 2 or apt.private:
                raise
            apt.refresh()
        finally:
            shutil.rmtree(work, ignore_errors=True)
    raise AssertionError('unreachable')


def main(argv):
    names = argv or list(SERVERS)
    for name in names:
        if name not in SERVERS:
            print('fetch: no server %r; known: %s'
                  % (name, ' '.join(SERVERS)), file=sys.stderr)
            return 64
    try:
        for name in names:
            fetch(name, lambda text: print('servers: ' + text, flush=True))
    except FetchError as e:
        print('fetch: %s' % e, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
