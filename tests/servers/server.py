"""What the mail servers have in common: start, stop, ports, mailbox.

Each instance has a run folder of its own, free ports on 127.0.0.1 and its own
processes; any number can run side by side. The programs are those that
fetch.py unpacked: they are not installed and need no root. Two facts make
that work. The users a mail server insists on (Debian-exim, postfix) exist
only in a private passwd file, shown to it by libnss_wrapper. Postfix believes
it is root by libuid_wrapper and has in truth no rights at all. When the
caller is root the servers run as an unused uid.
"""
import collections
import grp
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import fetch
from pki import Pki

HERE = os.path.dirname(os.path.abspath(__file__))
SIZE_LIMIT = 60 * 1024 * 1024
REFUSED = 'refused@mail.test'
GREY = 'grey@mail.test'
FULL = 'full@mail.test'      # LMTP: 552 after the dot
TLS_VERSIONS = ('1.2', '1.3')


class ServerError(Exception):
    pass


class Mail(collections.namedtuple('Mail', 'raw added sent')):
    """One delivered message.

    raw    the file as the server wrote it, lines end in LF
    added  the header lines the server put on top
    sent   what the client submitted, lines end in CRLF
    """

    def header(self, name):
        m = re.search(rb'^%s: *(.*)$' % re.escape(name.encode()), self.added,
                      re.M | re.I)
        return m.group(1).decode() if m else None

    @property
    def sender(self):
        value = self.header('Return-path')
        return value.strip('<>') if value is not None else None

    @property
    def recipient(self):
        return self.header('Envelope-to') or self.header('X-Original-To')


def free_ports(count):
    """Free TCP ports of 127.0.0.1, all different."""
    held = []
    for _ in range(count):
        s = socket.socket()
        s.bind(('127.0.0.1', 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def spare_uid():
    """A uid and gid that nobody on this machine has."""
    for uid in range(64990, 65500):
        try:
            pwd.getpwuid(uid)
        except KeyError:
            try:
                grp.getgrgid(uid)
            except KeyError:
                return uid
    raise ServerError('no unused uid between 64990 and 65500')


def open_to_all(path):
    """True when every folder down to `path` may be entered by anyone."""
    path = os.path.realpath(path)
    while True:
        if not os.stat(path).st_mode & 0o001:
            return False
        if path == '/':
            return True
        path = os.path.dirname(path)


def scratch_dir():
    """A folder for run folders; root's TMPDIR may be root's alone."""
    for path in (tempfile.gettempdir(), '/tmp', '/var/tmp'):
        if os.getuid() != 0 or (os.path.isdir(path) and open_to_all(path)):
            return path
    raise ServerError('no temporary folder that everyone may enter')


def split_added(raw, names):
    """Length of the server's own header lines on top of `raw`.

    They come once each and in the order of `names`, so that a header of the
    same name which the client sent is not taken for the server's.
    """
    at = 0
    for name in names:
        if raw[at:at + len(name) + 1].lower() != name.lower().encode() + b':':
            continue
        while True:
            end = raw.find(b'\n', at)
            at = len(raw) if end < 0 else end + 1
            if raw[at:at + 1] not in (b' ', b'\t'):
                break
    return at


class Server:
    """What the servers have in common."""

    name = ''
    account = ''          # the user the program insists on
    added_headers = ()    # on top of a delivered file, in this order
    port_names = ('starttls', 'tls', 'plain')

    def __init__(self, pki=None, run_dir=None, ports=None, tls_min='1.2',
                 tls_max='1.3', cert='ec', users=None, plain_auth=False,
                 starttls=True, size_limit=SIZE_LIMIT, timeout=20.0,
                 all_mechanisms=False, rcpt_limit=1000):
        if tls_min not in TLS_VERSIONS or tls_max not in TLS_VERSIONS:
            raise ValueError('TLS versions are 1.2 and 1.3')
        self.pki, self.cert = pki, cert
        self.tls_min, self.tls_max = tls_min, tls_max
        self.users = users or {'test': 'secret'}
        self.plain_auth = plain_auth    # plain port offers AUTH as well
        self.starttls = starttls        # False: first port offers no STARTTLS
        self.all_mechanisms = all_mechanisms    # not only PLAIN and LOGIN
        self.size_limit, self.timeout = size_limit, timeout
        self.rcpt_limit = rcpt_limit    # recipients of one transaction
        self._given = run_dir
        self._fixed_ports = ports
        self._process = None
        self.run_dir = None
        self.starttls_port = self.tls_port = self.plain_port = 0
        self.lmtp_port = self.lmtp_tls_port = 0

    # ---------------------------------------------------------- start, stop
    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        if not fetch.is_ready(self.name):
            fetch.fetch(self.name, lambda text: print('servers: ' + text,
                                                      file=sys.stderr))
        for attempt in range(3):
            try:
                self._start_once()
                return self
            except ServerError as e:
                log = self.log()
                self.stop(check=False)
                # a port found free was taken by another program meanwhile
                if attempt == 2 or self._fixed_ports or not re.search(
                        'address already in use', log, re.I):
                    raise ServerError('%s did not start: %s\n%s'
                                      % (self.name, e, log[-2000:]))
            except BaseException:
                self.stop(check=False)
                raise
        raise AssertionError('unreachable')

    def _start_once(self):
        self._make_run_dir()
        ports = self._fixed_ports or free_ports(len(self.port_names))
        for name, port in zip(self.port_names, ports):
            setattr(self, name + '_port', port)
        self._place_program()
        chain, key = self.pki.cert(self.cert)
        shutil.copyfile(chain, self._path('srv.pem'))
        shutil.copyfile(key, self._path('srv.key'))
        os.chmod(self._path('srv.key'), 0o600)
        self._write_accounts()
        argv, env = self._configure()
        self._own_all()
        self._spawn(argv, env)
        self._wait_ready()

    def _make_run_dir(self):
        if self._given:
            self.run_dir = os.path.abspath(self._given)
            os.makedirs(self.run_dir, exist_ok=True)
            if os.listdir(self.run_dir):
                raise ServerError('%s is not empty' % self.run_dir)
        else:
            self.run_dir = tempfile.mkdtemp(prefix='bm-%s-' % self.name,
                                            dir=scratch_dir())
        os.chmod(self.run_dir, 0o755)
        if os.getuid() == 0 and not open_to_all(self.run_dir):
            raise ServerError('%s lies in a folder that not everyone may '
                              'enter; the server runs as another user'
                              % self.run_dir)
        if self.pki is None:
            self.pki = Pki(self._path('pki'))
        self.uid = spare_uid() if os.getuid() == 0 else os.getuid()
        self.gid = self.uid if os.getuid() == 0 else os.getgid()
        for sub in ('mail/new', 'mail/cur', 'mail/tmp', 'log'):
            os.makedirs(self._path(sub))

    def _place_program(self):
        """Let the server's uid reach its program: the tree may be private."""
        root = fetch.root_dir(self.name)
        if os.getuid() == 0 and not open_to_all(root):
            shutil.copytree(root, self._path('root'), symlinks=True)
            root = self._path('root')
        self.root = root

    def _write_accounts(self):
        # Name the server's uid first: a look-up by uid takes the first match.
        uid, gid = self.uid, self.gid
        nobody = 65534 if uid != 65534 else 65533   # Postfix: not its own
        accounts = [(self.account, uid), ('root', 0), ('nobody', nobody)]
        self._write('passwd', ''.join('%s:x:%d:%d::/:/bin/false\n'
                                      % (n, u, gid if u == uid else u)
                                      for n, u in accounts))
        groups = [(self.account, gid), ('root', 0), ('nogroup', nobody),
                  ('mail', 8), ('postdrop', 64989)]
        self._write('group', ''.join('%s:x:%d:\n' % g for g in groups))

    def _environment(self, *wrappers):
        return {
            'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
            'LC_ALL': 'C',
            'TZ': 'UTC',
            'LD_LIBRARY_PATH': ':'.join(fetch.library_dirs(self.root)),
            'LD_PRELOAD': ' '.join(self._wrapper(w) for w in wrappers),
            'NSS_WRAPPER_PASSWD': self._path('passwd'),
            'NSS_WRAPPER_GROUP': self._path('group'),
        }

    def _wrapper(self, name):
        for folder in fetch.library_dirs(self.root):
            path = os.path.join(folder, 'lib%s_wrapper.so' % name)
            if os.path.exists(path):
                return path
        raise ServerError('lib%s_wrapper.so is not in %s' % (name, self.root))

    def _own_all(self):
        if os.getuid() != 0:
            return
        skip = (self._path('root'), self._path('pki'))
        os.chown(self.run_dir, self.uid, self.gid)
        for path, dirs, files in os.walk(self.run_dir):
            dirs[:] = [d for d in dirs if os.path.join(path, d) not in skip]
            for f in dirs + files:
                os.chown(os.path.join(path, f), self.uid, self.gid,
                         follow_symlinks=False)

    def _spawn(self, argv, env):
        spec = {'argv': argv, 'env': env, 'cwd': self.run_dir,
                'uid': self.uid if os.getuid() == 0 else 0,
                'log': self._path('log/console'), 'remove': self.run_dir}
        self._write('spec.json', json.dumps(spec))
        self._process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, 'supervise.py'),
             self._path('spec.json')], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _wait_ready(self):
        deadline = time.monotonic() + self.timeout
        for name in self.port_names:
            port = getattr(self, name + '_port')
            while not self._answers(port, not name.endswith('tls') or
                                    name == 'starttls'):
                if self._process.poll() is not None:
                    raise ServerError('it ended at once')
                if time.monotonic() > deadline:
                    raise ServerError('port %d does not answer' % port)
                time.sleep(0.005)

    @staticmethod
    def _answers(port, speaks):
        try:
            with socket.create_connection(('127.0.0.1', port), 0.5) as s:
                if not speaks:
                    return True
                s.settimeout(5.0)
                if not s.recv(512).startswith(b'220'):
                    return False
                s.sendall(b'QUIT\r\n')
                while s.recv(512):
                    pass
                return True
        except OSError:
            return False

    def stop(self, check=True):
        """End the server; raises if a process of its would not go."""
        said = ''
        if self._process is not None:
            try:
                said, _ = self._process.communicate('', timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                said, _ = self._process.communicate()
            self._process = None
        self._stopped()
        if self.run_dir:
            shutil.rmtree(self.run_dir, ignore_errors=True)
        if check and said and 'stopped, 0 left' not in said:
            raise ServerError('%s: %s' % (self.name, said.strip()))

    def _stopped(self):
        pass

    # ------------------------------------------------------------- the mail
    @classmethod
    def strip(cls, raw):
        """Mail(raw, added, sent) of a delivered file."""
        n = split_added(raw, cls.added_headers)
        return Mail(raw, raw[:n], raw[n:].replace(b'\n', b'\r\n'))

    def mailbox(self):
        """Every delivered message, oldest first, as the server wrote it."""
        folder = self._path('mail/new')
        names = sorted(os.listdir(folder), key=lambda n: (
            os.stat(os.path.join(folder, n)).st_mtime_ns, n))
        found = []
        for name in names:
            with open(os.path.join(folder, name), 'rb') as f:
                found.append(f.read())
        return found

    def mails(self):
        return [self.strip(raw) for raw in self.mailbox()]

    def wait_mail(self, count=1, timeout=20.0):
        """The delivered messages, once there are `count`.

        A server answers 250 when a message is safe in its queue; delivery
        follows some milliseconds later.
        """
        deadline = time.monotonic() + timeout
        while len(os.listdir(self._path('mail/new'))) < count:
            if time.monotonic() > deadline:
                raise ServerError('%d of %d messages after %g s\n%s' % (
                    len(self.mailbox()), count, timeout, self.log()[-2000:]))
            time.sleep(0.005)
        return self.mails()

    def clear(self):
        """Forget the messages delivered so far."""
        folder = self._path('mail/new')
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))

    def log(self):
        """Everything the server logged."""
        text, folder = '', self._path('log')
        if not self.run_dir or not os.path.isdir(folder):
            return text
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), errors='replace') as f:
                text += f.read()
        return text

    def info(self):
        return {'server': self.name, 'host': '127.0.0.1',
                'starttls': self.starttls_port, 'tls': self.tls_port,
                'plain': self.plain_port, 'lmtp': self.lmtp_port,
                'run': self.run_dir,
                'ca': self.pki.anchor(self.cert),
                'mail': self._path('mail/new')}

    # -------------------------------------------------------------- helpers
    def _path(self, name):
        return os.path.join(self.run_dir or '', name)

    def _write(self, name, text):
        with open(self._path(name), 'w') as f:
            f.write(text)

    def _configure(self):
        raise NotImplementedError
