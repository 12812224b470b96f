"""Scenarios of tests/hostile/ on the process and on the image, clients that
must fail them, and deliveries cut at any byte."""
import socket
import time

import catalogue
import clients
from fake import Dialogue, Lost
from harness import Failure, Skip, case, check
from scenario import USERS, Scenario, judge, perform, scenarios

assert catalogue    # registers them


def registered(s, machine):
    client = clients.Ours(machine)
    whole = machine != 'posix' and not s.vm

    @case(f'hostile/{s.name}-{machine}', slow=s.slow, whole=whole)
    def run():
        if s.needs and not s.needs():
            raise Skip('the Python of this machine cannot serve this')
        judge(s, *perform(s, client))


for each in scenarios:
    registered(each, 'posix')
    registered(each, 'microvm')


def fails(s, client):
    try:
        judge(s, client(s, 0), [])
    except Failure:
        return True
    return False


@case('hostile/control-yes')
def control_yes():
    """A client that always says yes is right nowhere."""
    taken = [s.name for s in scenarios if not fails(s, clients.yes)]
    check(not taken, 'it passes: ' + ' '.join(taken))
    check(len(scenarios) >= 150, f'only {len(scenarios)} scenarios')


@case('hostile/control-no')
def control_no():
    """One that always says no is wrong in every scenario that ends well."""
    good = [s for s in scenarios if s.statuses == (0,)]
    taken = [s.name for s in good if not fails(s, clients.no)]
    check(not taken, 'it passes: ' + ' '.join(taken))
    check(len(good) >= 50, f'only {len(good)} scenarios end well')


def cut_script(at, end, sent, mode='starttls'):
    """A whole delivery of which `at` bytes leave the server; then its end.
    sent: gets the length of each write that left whole."""
    def script(peer):
        sock = peer.sock
        left = [at]

        class Cut:
            """The socket, its output cut."""

            def __getattr__(self, name):
                return getattr(sock, name)

            def sendall(self, data):
                if left[0] is None or len(data) <= left[0]:
                    sock.sendall(data)
                    sent.append(len(data))
                    if left[0] is not None:
                        left[0] -= len(data)
                    return
                sock.sendall(data[:left[0]])
                if end == 'reset':
                    time.sleep(0.002)
                    peer.reset()
                else:
                    sock.shutdown(socket.SHUT_WR)
                    peer.stall(5)
                raise Lost('cut')
        peer.sock = Cut()
        Dialogue(users=USERS, tls=mode)(peer)
    return script


def cut_verdict(s, r, wire, sent, whole, where):
    """sent: the writes of this delivery that left whole; whole: those of an
    uncut one, of which the last is the 221, the one before it the 250.
    (Signatures differ in length: bytes cannot be compared.)"""
    judge(s, r, [wire])
    accepted = len(sent) >= len(whole) - 1
    if r.status == 0:
        check(accepted, f'{where}: sent, without the whole 250', r)
    elif accepted:
        check('reset' in where and r.status == 79,
              f'{where}: the whole 250 had left', r)
    if wire.messages:
        check(r.status in (0, 79), f'{where}: the server has it all', r)
    if r.status == 79:
        check(wire.messages, f'{where}: unsure, but the dot never left', r)


def cut_at(at, end):
    sent = []
    s = Scenario('cut', 'cut', cut_script(at, end, sent),
                 (0, 75, 79) if at is not None else 0, fake={'tickets': 1})
    r, wires = perform(s, clients.Ours('posix'))
    return s, r, wires[0], sent


@case('hostile/cut-at-some-bytes', slow=True)
def cut_some():
    """At every 97th byte of a delivery, and at every byte of its end."""
    s, r, wire, whole = cut_at(None, 'close')
    judge(s, r, [wire])
    check(len(whole) > 8, f'too few writes: {whole}', r)
    total, verdicts = sum(whole), set()
    last = range(total - sum(whole[-2:]) - 4, total - whole[-1] + 4)
    for end in ('close', 'reset'):
        for at in [*range(13, last[0], 97), *last]:
            s, r, wire, sent = cut_at(at, end)
            cut_verdict(s, r, wire, sent, whole,
                        f'cut at byte {at} of {total}, {end}')
            verdicts.add((end, r.status))
    for want in (('close', 75), ('reset', 75), ('close', 79), ('close', 0)):
        check(want in verdicts, f'{want} never came: {verdicts}')
