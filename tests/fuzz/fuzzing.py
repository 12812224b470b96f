"""The fuzz targets tests/fuzz/NAME.c and their corpora NAME.seeds: one input a
line, in hexadecimal."""
import glob
import hashlib
import os
import re

from ctest import build, parts, wanted
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


def write_words(name, path):
    """libFuzzer's dictionary: the words in the sources of a target, which its
    parsers compare with, and those of NAME.dict."""
    words = set()
    for source in parts(f'tests/fuzz/{name}.c', objects='none')[1]:
        if source.startswith('tests/'):
            continue
        with open(os.path.join(TOP, source)) as f:
            words.update(re.findall(
                r'(?<!include )"([\w=+/.:;,<>@\[\]()*#-]{2,16} ?)"',
                f.read()))
    own = os.path.join(HERE, name + '.dict')
    with open(path, 'w') as f:
        f.write('# libFuzzer takes no empty one\n')
        f.writelines(f'"{w}"\n' for w in sorted(words))
        if os.path.exists(own):
            with open(own) as g:
                f.write(g.read())
    return path


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
