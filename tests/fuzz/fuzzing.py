"""The fuzz targets tests/fuzz/NAME.c and their corpora NAME.seeds: one input a
line, in hexadecimal."""
import glob
import hashlib
import os

from ctest import build, wanted
from harness import BUILD, TOP, succeed

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = ('-fsanitize=fuzzer,address,undefined',)
LONGEST = 800


def targets():
    return sorted(os.path.basename(f)[:-2]
                  for f in glob.glob(os.path.join(HERE, '*.c')))


def head(name):
    with open(os.path.join(HERE, name + '.c')) as f:
        return f.read(6000)


def longest(name):
    """Bytes of the longest input worth trying."""
    return int((wanted(head(name), 'longest') or [LONGEST])[0])


def compile_target(name, program=None, top=TOP):
    return build(f'tests/fuzz/{name}.c', *FLAGS, program=program, top=top)


def compile_guided(name, program):
    """The same with third-party code that tells libFuzzer where it goes."""
    objects = None
    if set(wanted(head(name), 'libs')) - {'libfdt'}:
        folder = os.path.join(BUILD, 'fuzz', 'guided')
        succeed(['make', '--no-print-directory', '-j2', 'image', 'SAN=1',
                 'BOARD=posix', 'BUILD=' + folder,
                 'ARCH=-fPIE -fsanitize=fuzzer-no-link'], 1200, cwd=TOP)
        objects = os.path.join(folder, 'posix-asan')
    return build(f'tests/fuzz/{name}.c', *FLAGS, program=program,
                 objects=objects)


def seeds_file(name):
    return os.path.join(HERE, name + '.seeds')


def unpack(name, folder):
    """Writes the corpus as files, the way libFuzzer names them."""
    os.makedirs(folder, exist_ok=True)
    count = 0
    with open(seeds_file(name)) as f:
        for line in f:
            data = bytes.fromhex(line)
            with open(os.path.join(folder, hashlib.sha1(data).hexdigest()),
                      'wb') as out:
                out.write(data)
            count += 1
    return count


def pack(name, folder):
    rows = []
    for file in os.listdir(folder):
        with open(os.path.join(folder, file), 'rb') as f:
            rows.append(f.read().hex())
    with open(seeds_file(name), 'w') as f:
        f.writelines(row + '\n' for row in sorted(rows, key=lambda r:
                                                  (len(r), r)) if row)
    return len(rows)
