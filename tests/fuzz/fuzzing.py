"""The fuzz targets tests/fuzz/NAME.c and their corpora NAME.seeds: one input a
line, in hexadecimal."""
import glob
import hashlib
import os

from ctest import build
from harness import TOP

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = ('-fsanitize=fuzzer,address,undefined',)


def targets():
    return sorted(os.path.basename(f)[:-2]
                  for f in glob.glob(os.path.join(HERE, '*.c')))


def compile_target(name, program=None, top=TOP):
    return build(f'tests/fuzz/{name}.c', *FLAGS, program=program, top=top)


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
