"""A mail server that does what a test tells it, right or wrong.

    with Fake(script, pki=pki) as server:
        ... run the client against 127.0.0.1 port server.port ...
        wire = server.wires[0]            # one per connection
        assert b'secret' not in wire.clear

A script is any of
- a list of steps, each a tuple (method of Peer, arguments...):
      [('send', b'220 hi\r\n'), ('expect', rb'EHLO .*'), ('reset',)]
- a function of one Peer, for what a list cannot say;
- a Dialogue: a whole submission server that answers properly except where
  its options say otherwise.
`scripts=[...]` gives one for each connection in turn, the last for the rest.
A connection's script that fails (unexpected line, lost connection) is no
exception of the test: it is kept in wire.error and the connection closed.

TLS runs over memory buffers, not over the socket, so that a script can put
any bytes before, between and after TLS records, cut them into pieces, and
see what was on the wire. Post-handshake messages that Python's ssl cannot
send (a session ticket in mid-session, a key update) go through libssl with
ctypes: CPython only; `can_post_handshake()` tells.
"""
import base64
import ctypes
import re
import socket
import ssl
import struct
import threading
import time

from dialogue import Dialogue

__all__ = ['Dialogue', 'Fake', 'Lost', 'Peer', 'Silent', 'Unexpected', 'Wire',
           'can_post_handshake']


class Lost(Exception):
    """The client closed or reset the connection, or said nothing."""


class Unexpected(Exception):
    """The client sent something else than the script expects."""


class Wire:
    """What one connection carried."""

    def __init__(self, number):
        self.number = number
        self.raw = b''       # every byte received from the socket
        self.clear = b''     # received outside TLS
        self.inside = b''    # received inside TLS, decrypted
        self.lines = []      # command lines in order, no CRLF
        self.messages = []   # dicts: sender, recipients, data (dots undone)
        self.tls = None      # dict: version, cipher, sni
        self.error = None    # why the script ended early, or None
        self.closed_by = None
        self.done = False    # the script has ended
        self.started = time.time()

    def leaks(self, *secrets):
        """Which of `secrets` were readable on the wire, base64 included.

        Looks at what was received outside TLS and at the raw bytes. Give
        words found nowhere else: `test` is part of the host name mail.test,
        which a ClientHello shows to everybody.
        """
        found = []
        for secret in secrets:
            secret = secret.encode() if isinstance(secret, str) else secret
            forms = {secret} | {_b64_core(secret, k) for k in range(3)}
            if any(f and (f in self.clear or f in self.raw) for f in forms):
                found.append(secret)
        return found


def _b64_core(secret, shift):
    """The characters of base64 that do not depend on the neighbours."""
    text = base64.b64encode(b'\0' * shift + secret)
    first = (shift * 8 + 5) // 6
    whole = (shift + len(secret)) * 8 // 6
    core = text[first:whole]
    return core if len(core) >= 4 else b''


# ------------------------------------------------------- libssl, by ctypes
def _libssl():
    """The very libssl that Python's ssl module uses, or None."""
    try:
        with open('/proc/self/maps') as f:
            for line in f:
                path = line.split()[-1]
                if re.search(r'/libssl[^/]*\.so', path):
                    return ctypes.CDLL(path)
    except OSError:
        pass
    return None


def _ssl_pointer(sslobj):
    """The SSL * in a Python SSLObject.

    struct PySSLSocket is: object head (two words), PyObject *Socket,
    SSL *ssl. Checked by asking the library about what is found there.
    """
    word = ctypes.sizeof(ctypes.c_void_p)
    at = id(sslobj._sslobj) + object.__basicsize__ + word
    return ctypes.c_void_p.from_address(at)


def can_post_handshake():
    lib = _libssl()
    return (lib is not None and hasattr(lib, 'SSL_new_session_ticket')
            and object.__basicsize__ == 2 * ctypes.sizeof(ctypes.c_void_p))


class Peer:
    """The server's end of one connection: the steps a script can take."""

    def __init__(self, server, sock, wire):
        self.server, self.sock, self.wire = server, sock, wire
        self.piece = server.piece
        self.gap = server.gap
        self.timeout = server.timeout
        self._buffer = b''
        self._tls = None

    # ------------------------------------------------------------ sending
    def send(self, data, piece=None, gap=None):
        """Send bytes; `piece` cuts what goes out, TLS records too."""
        if self._tls:
            self._tls.write(data)
            data = self._out.read()
        self._put(data, piece, gap)

    def reply(self, text):
        self.send(text.encode() + b'\r\n')

    def send_clear(self, data):
        """Bytes past TLS: straight into the TCP stream."""
        self._put(data, None, None)

    def _put(self, data, piece, gap):
        piece = piece or self.piece or len(data) or 1
        gap = self.gap if gap is None else gap
        try:
            for at in range(0, len(data), piece):
                self.sock.sendall(data[at:at + piece])
                if gap:
                    time.sleep(gap)
        except OSError as e:
            raise Lost(str(e))

    # ---------------------------------------------------------- receiving
    def _fill(self):
        """Wait for more; False at the end of the stream."""
        # what came together with the end of the handshake is in there yet
        if self._tls:
            now = self._decrypt()
            if now != 'none':
                return now == 'some'
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise Lost('the client said nothing for %g s' % self.timeout)
        except OSError as e:
            self.wire.closed_by = 'client, reset'
            raise Lost(str(e))
        self.wire.raw += data
        if not self._tls:
            self.wire.clear += data
            self._buffer += data
            return bool(data)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()
        return self._decrypt() != 'end'

    def _decrypt(self):
        """Takes what TLS has: 'some', 'none' (yet), or 'end'."""
        found, end = 'none', 'end'
        try:
            while True:
                plain = self._tls.read(65536)
                if not plain:
                    return end
                self.wire.inside += plain
                self._buffer += plain
                found = end = 'some'    # the end is told next time
        except ssl.SSLWantReadError:
            return found
        except ssl.SSLEOFError:
            return end
        except ssl.SSLError as e:
            raise Lost('TLS: %s' % e)

    def _more(self):
        if not self._fill():
            self.wire.closed_by = self.wire.closed_by or 'client'
            raise Lost('the client closed the connection')

    def line(self):
        """The next line, without CRLF."""
        while b'\r\n' not in self._buffer:
            if len(self._buffer) > 1 << 20:
                raise Unexpected('a line of more than 1 MiB')
            self._more()
        text, self._buffer = self._buffer.split(b'\r\n', 1)
        self.wire.lines.append(text)
        return text

    def expect(self, pattern):
        """A line that matches `pattern` (bytes regex) as a whole."""
        text = self.line()
        if not re.fullmatch(pattern, text, re.I | re.S):
            raise Unexpected('got %r, expected %r' % (text[:200], pattern))
        return text

    def read(self, count):
        while len(self._buffer) < count:
            self._more()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def data(self):
        """A message up to its final dot; dot-stuffing undone."""
        end, seen = -1, 0
        if self._wait(3) == b'.\r\n':
            return self.read(3)[:0]
        while True:
            end = self._buffer.find(b'\r\n.\r\n', seen)
            if end >= 0:
                break
            seen = max(0, len(self._buffer) - 4)
            self._more()
        raw = self.read(end + 5)[:-3]
        if raw.startswith(b'.'):
            raw = raw[1:]
        return raw.replace(b'\r\n.', b'\r\n')

    def _wait(self, count):
        while len(self._buffer) < count:
            self._more()
        return self._buffer[:count]

    def pending(self):
        """Bytes received and not yet looked at."""
        return self._buffer

    # ---------------------------------------------------------------- TLS
    def tls(self):
        """TLS handshake, as the server."""
        ctx = self.server.context()
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ctx.wrap_bio(self._in, self._out, server_side=True)
        if self._buffer:
            self._in.write(self._buffer)
            self.wire.clear = self.wire.clear[:-len(self._buffer)]
            self._buffer = b''
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._put(self._out.read(), None, None)
            except ssl.SSLError as e:
                self._put(self._out.read(), None, None)
                raise Lost('TLS handshake: %s' % e)
            try:
                data = self.sock.recv(65536)
            except OSError as e:
                raise Lost('TLS handshake: %s' % e)
            self.wire.raw += data
            if not data:
                self.wire.closed_by = 'client'
                raise Lost('the client closed during the TLS handshake')
            self._in.write(data)
        self._tls = tls
        # with TLS 1.3 the session tickets leave together with this
        self._put(self._out.read(), None, None)
        self.wire.tls = {'version': tls.version(), 'cipher': tls.cipher()[0],
                         'sni': getattr(ctx, 'seen_name', None)}

    def starttls(self):
        """The client's STARTTLS, the 220, the handshake."""
        self.expect(rb'STARTTLS')
        self.send(b'220 2.0.0 Ready to start TLS\r\n')
        self.tls()

    def close_notify(self):
        """End TLS properly; TCP stays open."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass
        self._put(self._out.read(), None, None)

    def ticket(self, count=1):
        """TLS 1.3 session tickets, now."""
        for _ in range(count):
            self._post('SSL_new_session_ticket')
        self._flush_post()

    def key_update(self, ask=False):
        """A TLS 1.3 key update; `ask`: the client shall update as well."""
        self._post('SSL_key_update', 1 if ask else 0)
        self._flush_post()

    def renegotiate(self):
        """A TLS 1.2 HelloRequest."""
        lib, ptr = _libssl(), _ssl_pointer(self._tls)
        for name in ('SSL_renegotiate', 'SSL_do_handshake'):
            f = getattr(lib, name)
            f.argtypes = [ctypes.c_void_p]
            if f(ptr) != 1:
                raise Unexpected(name + ' failed')
        self._put(self._out.read(), None, None)

    def _post(self, function, *args):
        lib, ptr = _libssl(), _ssl_pointer(self._tls)
        lib.SSL_version.argtypes = [ctypes.c_void_p]
        if lib.SSL_version(ptr) != 0x0304:
            raise Unexpected('%s needs TLS 1.3' % function)
        f = getattr(lib, function)
        f.argtypes = [ctypes.c_void_p] + [ctypes.c_int] * len(args)
        if f(ptr, *args) != 1:
            raise Unexpected('%s failed' % function)

    def _flush_post(self):
        # OpenSSL writes what it has queued when the handshake is asked for
        lib, ptr = _libssl(), _ssl_pointer(self._tls)
        lib.SSL_do_handshake.argtypes = [ctypes.c_void_p]
        if lib.SSL_do_handshake(ptr) != 1:
            raise Unexpected('post-handshake message failed')
        self._put(self._out.read(), None, None)

    # ------------------------------------------------------------- ending
    def close(self):
        """FIN, nothing said before it."""
        self.wire.closed_by = self.wire.closed_by or 'server'
        self.sock.close()

    def reset(self):
        """RST: SO_LINGER 0 and close."""
        self.wire.closed_by = self.wire.closed_by or 'server, reset'
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack('ii', 1, 0))
        self.sock.close()

    def stall(self, seconds=None):
        """Say nothing until the client is gone, or so long; what it says is
        read."""
        limit = seconds if seconds is not None else self.timeout
        self.sock.settimeout(limit)
        try:
            while True:
                data = self.sock.recv(65536)
                self.wire.raw += data
                if not self._tls:
                    self.wire.clear += data
                if not data:
                    self.wire.closed_by = 'client'
                    return
        except socket.timeout:
            self.sock.settimeout(self.timeout)
        except OSError:
            self.wire.closed_by = 'client, reset'

    def freeze(self, seconds):
        """Do not even read: the client's window fills."""
        self.server.stopping.wait(seconds)

    def sleep(self, seconds):
        self.server.stopping.wait(seconds)

    def set_piece(self, piece, gap=0.0):
        self.piece, self.gap = piece, gap


def run_steps(peer, steps):
    for step in steps:
        if callable(step):
            step(peer)
        else:
            getattr(peer, step[0])(*step[1:])


class Fake:
    """Listens on a free loopback port and plays scripts."""

    def __init__(self, script=None, scripts=None, pki=None, cert='ec',
                 tls_min='1.2', tls_max='1.3', tickets=2, piece=None, gap=0.0,
                 timeout=30.0, port=0, host='127.0.0.1', ciphers=None):
        self.scripts = list(scripts or [script])
        self.pki, self.cert = pki, cert
        self.tls_min, self.tls_max, self.tickets = tls_min, tls_max, tickets
        self.piece, self.gap, self.timeout = piece, gap, timeout
        self.ciphers = ciphers
        self.wires = []
        self.stopping = threading.Event()
        self._threads, self._conns = [], []
        self._ended = threading.Condition()
        self._sock = socket.socket(socket.AF_INET6 if ':' in host else
                                   socket.AF_INET)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((host, port))
        self._sock.listen(64)
        self.port = self._sock.getsockname()[1]

    def context(self):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        version = {'1.0': ssl.TLSVersion.TLSv1, '1.1': ssl.TLSVersion.TLSv1_1,
                   '1.2': ssl.TLSVersion.TLSv1_2,
                   '1.3': ssl.TLSVersion.TLSv1_3}
        ctx.minimum_version = version[self.tls_min]
        ctx.maximum_version = version[self.tls_max]
        ctx.num_tickets = self.tickets
        if self.ciphers:
            ctx.set_ciphers(self.ciphers)
        ctx.load_cert_chain(*self.pki.cert(self.cert))

        def name(sslobj, server_name, context):
            ctx.seen_name = server_name
        ctx.sni_callback = name
        return ctx

    def __enter__(self):
        self._accepter = threading.Thread(target=self._accept, daemon=True)
        self._accepter.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._sock.close()
        for conn in self._conns:
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for t in [self._accepter] + self._threads:
            t.join(10)

    @property
    def connections(self):
        return len(self.wires)

    def wait(self, count=1, timeout=30.0):
        """Until `count` connections have ended; returns their wires."""
        with self._ended:
            self._ended.wait_for(lambda: sum(
                w.done for w in self.wires) >= count,
                timeout)
        return list(self.wires)

    def _accept(self):
        while not self.stopping.is_set():
            try:
                conn, _ = self._sock.accept()
            except OSError:
                return
            conn.settimeout(self.timeout)
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = Wire(len(self.wires))
            self.wires.append(wire)
            self._conns.append(conn)
            t = threading.Thread(target=self._play, args=(conn, wire),
                                 daemon=True)
            self._threads.append(t)
            t.start()

    def _play(self, conn, wire):
        script = self.scripts[min(wire.number, len(self.scripts) - 1)]
        peer = Peer(self, conn, wire)
        try:
            if callable(script):
                script(peer)
            else:
                run_steps(peer, script)
        except (Lost, Unexpected) as e:
            wire.error = '%s: %s' % (type(e).__name__, e)
        except OSError as e:
            wire.error = 'OSError: %s' % e
        except Exception as e:      # a mistake in a script: show, do not hide
            wire.error = 'script: %r' % e
        finally:
            conn.close()
            with self._ended:
                wire.closed_by = wire.closed_by or 'server'
                wire.done = True
                self._ended.notify_all()


class Silent:
    """A port that completes TCP and never says a word."""

    def __new__(cls, **kw):
        return Fake([('stall',)], **kw)
