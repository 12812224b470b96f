#!/usr/bin/env python3
"""Deliveries of the image to a real Postfix over a bad cable: `make netfaults`.

    tests/netfaults.py [--count N] [--seed S] [--jobs J] [--only NAME]
                       [--machine microvm|posix|...]

Each run boots the image, whose frames pass servers/badwire.py; it has 60 s.
Whatever the cable does, every verdict must be true: "sent" means that Postfix
has exactly this message once, "unsure" at most once, anything else not at
all. How many must be sent is in PROFILES. A run that failed is repeated by
its profile, its seed and --count 1.
"""
import argparse
import concurrent.futures
import os
import sys
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
if __name__ == '__main__':
    sys.path[:0] = [HERE, os.path.join(HERE, 'servers')]
    sys.dont_write_bytecode = True

import badwire  # noqa: E402
from harness import Failure, check, equal, finish, new_dir  # noqa: E402
from images import image  # noqa: E402
from lab import (arrived, conf, crlf, files, head, launch,  # noqa: E402
                 qemu_with, server)
from netlab import script  # noqa: E402

LIMIT = 60      # seconds a run has
# name: (what the cable does, how many of a hundred must be sent)
PROFILES = {
    'clean': ({}, 100),
    'loss-1': ({'loss': 0.01}, 100),
    'loss-5': ({'loss': 0.05}, 100),
    'loss-10': ({'loss': 0.10}, 100),
    'loss-20': ({'loss': 0.20}, 99),
    'loss-30': ({'loss': 0.30}, 0),
    'double-5': ({'double': 0.05}, 100),
    'reorder-10': ({'reorder': 0.10}, 100),
    'damage-2': ({'damage': 0.02}, 100),
    'delay-300': ({'delay': 0.15}, 100),    # there and back
    'all': ({'loss': 0.05, 'double': 0.05, 'reorder': 0.10, 'damage': 0.02,
             'delay': 0.01, 'jitter': 0.03}, 99),
}


def body(tag):
    """About 20 KB, no line like another."""
    return head(tag) + b''.join(b'%s line %04d %s\n' % (
        tag.encode(), i, b'x' * 40) for i in range(300))


def over(wire, machine):
    """The launcher's arguments and environment for this cable."""
    if machine == 'posix':
        run = script('bootmail', 'args=()\nfor a; do\n'
                     f'    [ "$a" != user ] || a=dgram:{wire.path}\n'
                     '    args+=("$a")\ndone\n'
                     f'exec {image("posix-asan")} "${{args[@]}}"\n')
        return ['--image', run], {}
    return [], {'QEMU': qemu_with('badwire', (
        'user,id=net0', f'dgram,id=net0,local.type=unix,local.path='
        f'{wire.path}.g,remote.type=unix,remote.path={wire.path}'))}


@dataclass
class Outcome:
    tag: str
    result: object
    seconds: float
    counts: dict


def one(machine, name, seed):
    """One delivery over one cable; its verdict is checked by true_verdict()
    when nothing is under way any more."""
    srv = server('postfix')
    tag = f'bad-{name}-{seed}-{machine}'
    path = os.path.join(new_dir('wire'), 'wire')
    with badwire.BadWire(path, f'{name} {seed}', {587: srv.starttls_port},
                         {'mail.test': '10.0.2.2'},
                         **PROFILES[name][0]) as wire:
        args, env = over(wire, machine)
        start = time.monotonic()
        r = launch(machine, *args, 'rcpt@mail.test', message=body(tag),
                   conf=conf(587, host='mail.test'), files=files(),
                   timeout=LIMIT, hang=LIMIT + 120, env=env)
        return Outcome(tag, r, time.monotonic() - start, wire.counts)


def true_verdict(o):
    r = o.result
    check(r.report is not None, 'no report', r)
    check(r.status in (0, 68, 74, 75, 79), f'exit status {r.status}', r)
    found = arrived(server('postfix'), o.tag, int(r.status == 0))
    if r.status == 0:
        equal(len(found), 1, 'messages delivered', r)
    elif r.status == 79:
        check(len(found) <= 1, f'{len(found)} messages delivered', r)
    else:
        equal(len(found), 0, 'messages delivered', r)
    for m in found:
        check(m.sent == crlf(body(o.tag)), 'the message differs', r)


def profile(machine, name, seeds, jobs=1):
    """(how many were sent, seconds sorted, frames by fate, failures)"""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        done = list(pool.map(lambda s: one(machine, name, s), seeds))
    wrong, fate = [], {}
    for o in done:
        for k, n in o.counts.items():
            fate[k] = fate.get(k, 0) + n
        try:
            true_verdict(o)
        except Failure as e:
            wrong.append(f'{o.tag}: {e}')
        if o.result.status != 0:
            print(f'      {o.tag}: {o.result.status} {o.result.reason}',
                  flush=True)
    sent = sum(o.result.status == 0 for o in done)
    return sent, sorted(o.seconds for o in done), fate, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=4)
    parser.add_argument('--only', choices=[*PROFILES])
    parser.add_argument('--machine', default='microvm')
    args = parser.parse_args()
    why = badwire.available()
    if why:
        print(f'netfaults: {why}')
        return 1
    bad = 0
    try:
        for name, (_, wanted) in PROFILES.items():
            if args.only and name != args.only:
                continue
            seeds = range(args.seed, args.seed + args.count)
            sent, seconds, fate, wrong = profile(args.machine, name, seeds,
                                                 args.jobs)
            short = sent < args.count - (100 - wanted)
            bad += short + len(wrong)
            print(f'{"FAIL" if short or wrong else "ok  "}  {name:10}  '
                  f'{sent} of {args.count} sent, wanted {wanted} %; seconds: '
                  f'median {seconds[len(seconds) // 2]:.1f}, most '
                  f'{seconds[-1]:.1f}; ' + ', '.join(
                      f'{n} {k}' for k, n in fate.items()), flush=True)
            for w in wrong:
                print('      ' + w.replace('\n', '\n      '), flush=True)
    finally:
        finish()
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
