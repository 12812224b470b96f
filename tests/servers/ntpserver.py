"""A time server on loopback, port 123, that answers as a test tells it.

    with NtpServer('right') as ntp:
        ... ntp.questions ...

A guest on QEMU's user network reaches it at 10.0.2.2. kinds: right, silent,
nonce (an answer to another question, then nothing), late (the first of these
and then a right one), kiss (DENY), old (the year 2001), short, unset.
"""
import socket
import struct
import threading
import time

UNIX_1900 = 2208988800


class NtpServer:
    def __init__(self, kind='right'):
        self.kind, self.questions = kind, []
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(('127.0.0.1', 123))

    def __enter__(self):
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._sock.sendto(b'', self._sock.getsockname())  # wakes it
        self._thread.join(10)
        self._sock.close()

    def _serve(self):
        while True:
            packet, peer = self._sock.recvfrom(2048)
            if not packet:
                return
            self.questions.append(packet)
            for answer in self._answers(packet):
                self._sock.sendto(answer, peer)

    def _answers(self, packet):
        right = answer(packet[40:48], time.time())
        wrong = answer(bytes(8), time.time() + 86400 * 3650)
        return {'right': [right], 'silent': [], 'nonce': [wrong],
                'late': [wrong, right],
                'kiss': [answer(packet[40:48], time.time(), stratum=0,
                                refid=b'DENY')],
                'old': [answer(packet[40:48], 1000000000)],
                'short': [right[:47]],
                'unset': [answer(packet[40:48], time.time(), leap=3)],
                }[self.kind]


def answer(origin, now, leap=0, stratum=2, refid=bytes(4)):
    stamp = struct.pack('>II', int(now) + UNIX_1900 & 0xffffffff, 0)
    return struct.pack('>BBbb8x4s8x', leap << 6 | 4 << 3 | 4, stratum, 6, -20,
                       refid) + origin + stamp + stamp
