"""The build and the set-up: same bytes from anywhere, nothing built twice, no
writable code, the layers in order, and a set-up that believes no download and
asks nobody when nothing is missing."""
import glob
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys

from harness import (BUILD, TOP, case, check, command, equal, new_dir, once,
                     succeed)
from images import image

DEPS = os.path.join(TOP, os.environ.get('DEPS') or 'build/deps')
DL = os.path.join(DEPS, 'dl')
LAYERS = {'smtp', 'net', 'kernel', 'app', 'board', 'lwip', 'mbedtls', 'sodium',
          'libc'}


def sha256(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def text_of(done):
    return (done.stdout + done.stderr).decode(errors='replace')


@once
def snapshot():
    """The tree as it is now, its history included, nothing built: somebody
    may go on editing while this runs."""
    to = os.path.join(new_dir('snapshot'), 'tree')
    built = os.path.abspath(BUILD)

    def unwanted(folder, names):
        return [n for n in names if n == '__pycache__' or
                (folder == TOP and n == 'build') or
                os.path.join(folder, n) == built]
    shutil.copytree(TOP, to, symlinks=True, ignore=unwanted)
    return to


def copy_of_tree(name):
    """The same tree at another path."""
    to = os.path.join(new_dir(name), name)
    shutil.copytree(snapshot(), to, symlinks=True)
    return to


def environment(**kw):
    """Without what the make that runs the tests leaves behind."""
    env = {k: v for k, v in os.environ.items() if k not in (
        'MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'MAKEOVERRIDES', 'BUILD', 'ONLY',
        'QUICK', 'BOARD')}
    env.update(kw)
    return env


def make(tree, *args, **env):
    return text_of(succeed(['make', '--no-print-directory', *args], 1200,
                           cwd=tree, env=environment(**env)))


@once
def other_tree():
    """A copy of the tree with the image built in it; DEPS is shared."""
    tree = copy_of_tree('other')
    make(tree, 'image', DEPS=DEPS)
    return tree


@case('build/reproducible', slow=True, alone=True)
def reproducible():
    """Two places, two time zones, the second with libc and sources unpacked
    and built anew from the downloads (where there are any)."""
    tree = copy_of_tree('a-place-with-quite-a-long-name')
    deps = os.path.join(tree, 'build', 'deps')
    if glob.glob(DL + '/*'):
        shutil.copytree(DL, os.path.join(deps, 'dl'))
    else:
        deps = DEPS
    make(tree, 'image', DEPS=deps, TZ='Pacific/Kiritimati', LC_ALL='C')
    one = os.path.join(other_tree(), 'build', 'x86_64', 'bootmail')
    two = os.path.join(tree, 'build', 'x86_64', 'bootmail')
    equal(sha256(two), sha256(one), 'SHA-256 of the image')
    for path in (one, one + '.elf'):
        check(tree.encode() not in read(path) and
              TOP.encode() not in read(path), f'a path of this machine in {path}')


@case('build/incremental', slow=True, alone=True)
def incremental():
    tree = other_tree()
    built = os.path.join(tree, 'build', 'x86_64', 'bootmail')
    before = os.stat(built).st_mtime_ns
    equal(make(tree, 'image', DEPS=DEPS), '', 'output when nothing changed')
    equal(os.stat(built).st_mtime_ns, before, 'time of the image')

    header = os.path.join(tree, 'smtp', 'reply.h')
    users = {os.path.relpath(f, tree) for f in
             glob.glob(tree + '/smtp/*.c') + glob.glob(tree + '/net/*.c')
             if b'#include "reply.h"' in read(f)}
    check(users, 'nothing includes smtp/reply.h')
    os.utime(header)
    out = make(tree, 'image', DEPS=DEPS)
    again = set(re.findall(r'^  CC +(\S+)$', out, re.M))
    check(users <= again, 'not compiled again', users - again)
    others = {f for f in again if not f.startswith(('smtp/', 'kernel/app/'))}
    check(not others, 'compiled again without need', others)

    out = make(tree, 'image', DEPS=DEPS, FILES=os.path.join(tree, 'board'))
    check('  LD ' in out and '  CC ' not in out, 'FILES= compiles', out)
    check(b'board/x86_64/start.S' not in read(built) and
          b'x86_64/start.S' in read(built), 'FILES= is not in the image')
    out = make(tree, 'image', DEPS=DEPS)
    check(b'x86_64/start.S' not in read(built), 'files of FILES= stayed')


def segments(path):
    """(type, flags, memory size) of each program header: ELF64."""
    data = read(path)
    equal(data[:6], b'\x7fELF\x02\x01', 'ELF64, little-endian')
    at, = struct.unpack_from('<Q', data, 32)
    size, count = struct.unpack_from('<HH', data, 54)
    for i in range(count):
        kind, flags = struct.unpack_from('<II', data, at + i * size)
        memory, = struct.unpack_from('<Q', data, at + i * size + 40)
        yield kind, flags, memory, at + i * size


def no_wx(board):
    @case('build/no-wx-segment-' + board)
    def run():
        execute, write, load, stack = 1, 2, 1, 0x6474e551
        path = image(board) + '.elf'
        rows = [r for r in segments(path) if r[0] in (load, stack)]
        loads = [r for r in rows if r[0] == load]
        check(len(loads) >= 3,
              'text, rodata and data want segments of their own')
        for _, flags, _, at in rows:
            check(not (flags & execute and flags & write),
                  f'program header at {at} is writable and executable')
        check(any(f & execute for _, f, _, _ in loads), 'no code')
        check(any(f & write for _, f, _, _ in loads), 'no data')


def size(board):
    @case('build/size-' + board)
    def run():
        """Every layer has its row, the rows add up to the totals and the
        totals to what the segments hold; an image with a writable and
        executable segment is refused."""
        image(board)
        out = os.path.join(BUILD, board)
        elf = out + '/bootmail.elf'
        text = text_of(succeed([os.path.join(TOP, 'scripts', 'size'), out]))
        rows = {m[0]: [int(n) for n in m[1:]] for m in re.findall(
            r'^(\w+) +(\d+) +(\d+) +(\d+)$', text, re.M)}
        total = rows.pop('all')
        check(LAYERS <= set(rows), 'layers without a row', LAYERS - set(rows))
        equal([sum(c) for c in zip(*rows.values())], total, 'totals', text)
        check(f"image {os.path.getsize(out + '/bootmail'):>14} bytes" in text,
              'the size of the image', text)
        memory = sum(m for kind, _, m, _ in segments(elf) if kind == 1)
        check(0.9 * memory <= sum(total) <= memory,
              f'totals of {sum(total)} bytes, segments of {memory}', text)

        folder = new_dir('size')
        shutil.copy(out + '/bootmail.map', folder)
        shutil.copy(out + '/bootmail', folder)
        data = bytearray(read(elf))
        at = next(at for kind, _, _, at in segments(elf) if kind == 1)
        struct.pack_into('<I', data, at + 4, 7)
        with open(os.path.join(folder, 'bootmail.elf'), 'wb') as f:
            f.write(data)
        done = command([os.path.join(TOP, 'scripts', 'size'), folder])
        equal(done.returncode, 1, 'status for a segment rwx', text_of(done))


for b in ('x86_64', 'aarch64', 'riscv64'):
    no_wx(b)
    size(b)


@case('build/layers')
def layers():
    tree = copy_of_tree('layers')
    succeed(['scripts/check-layers'], cwd=tree)
    for name, line, rule in (('smtp/client.c', '#include "heap.h"', 1),
                             ('smtp/reply.c', 'int kept = 1;', 3),
                             ('net/stack.c', '#include "config.h"', 7),
                             ('net/stack.c', '#include <mbedtls/ssl.h>', 5),
                             ('kernel/log.c', '#include "tcp.h"', 6)):
        path = os.path.join(tree, name)
        whole = read(path)
        with open(path, 'ab') as f:
            f.write(b'\n' + line.encode() + b'\n')
        done = command(['scripts/check-layers'], cwd=tree)
        with open(path, 'wb') as f:
            f.write(whole)
        check(done.returncode == 1 and f'(rule {rule})' in text_of(done),
              f'{line} in {name} passes', text_of(done))


# ------------------------------------------------------------------ set-up
def path_of(without=(), stubs=()):
    """A PATH of its own: every program of this machine but some, and stubs
    that note in the file "called" that somebody ran them."""
    folder = new_dir('path')
    for top in reversed(os.get_exec_path()):
        for name in os.listdir(top) if os.path.isdir(top) else ():
            link = os.path.join(folder, name)
            if name in without or name in stubs:
                continue
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(os.path.join(top, name), link)
    called = os.path.join(folder, 'called')
    for name in stubs:
        with open(os.path.join(folder, name), 'w') as f:
            f.write(f'#!/bin/sh\necho "{name} $*" >>{called}\nexit 1\n')
        os.chmod(os.path.join(folder, name), 0o755)
    return folder, called


APT = ('apt', 'apt-get', 'apt-cache', 'sudo', 'curl', 'wget')


def setup(*args, path, deps=DEPS):
    env = environment(PATH=path, DEPS=deps)
    for name in ('LWIP_DIR', 'MBEDTLS_DIR', 'PICOLIBC_DIR', 'LIBFDT_DIR',
                 'SODIUM_DIR'):
        if deps != DEPS:
            env.pop(name, None)
    return command([os.path.join(TOP, 'scripts', 'setup'), *args], 120,
                   env=env)


@case('build/setup-is-quick')
def quick():
    """Nothing is missing: not a word, and neither apt nor sudo is asked."""
    path, called = path_of(stubs=APT)
    for level in ('build', 'demo', 'test'):
        done = setup('--for', level, path=path)
        equal((done.returncode, text_of(done)), (0, ''), f'--for {level}')
    check(not os.path.exists(called), 'it called apt', called)


@case('build/setup-names-what-is-missing')
def missing():
    """No root, no sudo, no cpio: what to install, and a failure."""
    path, _ = path_of(without=('cpio', 'sudo'), stubs=('apt-get',))
    with open(os.path.join(path, 'id.new'), 'w') as f:
        f.write('#!/bin/sh\necho 1000\n')
    os.chmod(f.name, 0o755)
    os.rename(f.name, os.path.join(path, 'id'))
    done = setup('--for', 'build', path=path)
    equal(done.returncode, 1, 'status', text_of(done))
    check(re.search(r'sudo apt-get install .*\bcpio\b', text_of(done)) and
          'packs configuration and message' in text_of(done),
          'it does not say what to install and why', text_of(done))
    # and where there is no apt
    os.unlink(os.path.join(path, 'apt-get'))
    done = setup('--for', 'build', path=path)
    equal(done.returncode, 1, 'status', text_of(done))
    check('cpio - packs' in text_of(done) and 'apt-get' not in text_of(done),
          'it does not say what to install', text_of(done))


@case('build/wrong-hash')
def wrong_hash():
    """A tarball with one byte changed stops the set-up, both hashes shown;
    the true one is unpacked without network."""
    files = glob.glob(DL + '/lwip_*')
    check(files, f'no tarball of lwIP in {DL}')
    deps = new_dir('deps')
    shutil.copytree(DL, os.path.join(deps, 'dl'))
    bad = os.path.join(deps, 'dl', os.path.basename(files[0]))
    data = bytearray(read(bad))
    data[len(data) // 2] ^= 1
    with open(bad, 'wb') as f:
        f.write(data)
    path, called = path_of(stubs=APT)
    done = setup('--for', 'build', path=path, deps=deps)
    check(done.returncode != 0, 'a wrong tarball was taken', text_of(done))
    for digest in (sha256(files[0]), sha256(bad)):
        check(digest in text_of(done), f'{digest} is not shown', text_of(done))
    check(not os.path.exists(os.path.join(deps, 'lwip')), 'it was unpacked')
    check(os.path.exists(bad), 'the wrong file is gone')

    shutil.copy(files[0], bad)
    done = setup('--for', 'build', path=path, deps=deps)
    equal(done.returncode, 0, 'status with the true file', text_of(done))
    check(os.path.exists(os.path.join(deps, 'lwip/src/include/lwip/init.h')),
          'lwIP is not unpacked')
    check(not os.path.exists(called), 'it called apt', called)


@case('build/nothing-to-fetch-from', slow=True)
def nothing():
    """No tarball and no archive that answers: it says what would help."""
    path, called = path_of(stubs=APT)
    deps = new_dir('deps')
    done = setup('--for', 'build', path=path, deps=deps)
    check(done.returncode != 0, 'status 0', text_of(done))
    for words in ('cannot get lwip', 'LWIP_DIR=', 'DEBIAN_MIRROR', deps):
        check(words in text_of(done), f'it does not say {words}',
              text_of(done))
    check(os.path.exists(called), 'nothing was asked')


# ------------------------------------------------- tests that test the tests
def counted(argv, least):
    """A program whose last line is "N passed, N failed"."""
    done = command(argv, 900, cwd=TOP)
    text = text_of(done)
    m = re.search(r'^(\d+) (?:passed|ok), (\d+) failed',
                  done.stdout.decode(errors='replace').strip()
                  .rsplit('\n', 1)[-1])
    check(m, 'the last line counts nothing', text[-3000:])
    equal((done.returncode, int(m[2])), (0, 0), 'status, failed',
          text[-3000:])
    check(int(m[1]) >= least, f'{m[1]} passed, expected {least}')


@case('servers/selftest', slow=True)
def selftest():
    counted([sys.executable, 'tests/servers/selftest.py'], 10)


@case('message/python-email')
def python_email():
    counted([sys.executable, 'tests/message/check.py'], 100)


@case('build/check', slow=True, alone=True)
def whole_check():
    """Layout, static analysis, layer rules, limits, the README's table."""
    succeed(['make', '--no-print-directory', 'check'], 1800, cwd=TOP)
