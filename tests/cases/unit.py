"""Each tests/unit/test_*.c and the transcript runner, built for this machine
under AddressSanitizer and UBSan (ctest.py)."""
import glob
import os
import re

from ctest import build
from harness import TOP, case, check, command


def unit(source):
    name = os.path.basename(source)[len('test_'):-2]

    @case('unit/' + name)
    def run():
        done = command([build(source)], 600, cwd=TOP)
        text = (done.stdout + done.stderr).decode(errors='replace')
        check(done.returncode == 0, f'exit {done.returncode}', text[-4000:])


for path in sorted(glob.glob(os.path.join(TOP, 'tests/unit/test_*.c'))):
    unit(os.path.relpath(path, TOP))


def dialogues(runner, folder, least):
    program = build(runner)
    files = sorted(glob.glob(os.path.join(TOP, folder, '*.smtp')))
    check(len(files) > least, 'transcripts are missing')
    done = command([program, *files], 1200, cwd=TOP)
    text = (done.stdout + done.stderr).decode(errors='replace')
    check(done.returncode == 0, f'exit {done.returncode}', text[-4000:])


@case('transcripts/all')
def transcripts():
    """Every dialogue at every chunk size, cut at every byte."""
    dialogues('tests/transcripts/run.c', 'tests/transcripts', 20)


@case('transcripts/server')
def server_transcripts():
    """The same with the server engine."""
    dialogues('tests/transcripts/server/run.c', 'tests/transcripts/server',
              100)


@case('transcripts/random')
def random_dialogues():
    """10,000 dialogues with made-up servers, in pieces of random sizes."""
    done = command([build('tests/transcripts/random.c')], 600, cwd=TOP)
    text = (done.stdout + done.stderr).decode(errors='replace')
    check(done.returncode == 0, f'exit {done.returncode}', text[-4000:])
    print('      ' + text.splitlines()[-1])


@case('transcripts/table')
def table():
    """What smtp/README.md's table names as proof is there."""
    with open(os.path.join(TOP, 'smtp/README.md'), encoding='utf-8') as f:
        text = f.read()
    rows = re.findall(r'^\| .* \| (`.*?) \|(?: [^|]* \|){6}$', text, re.M)
    names = re.findall(r'`([^`]+)`', ' '.join(rows))
    check(len(rows) > 15 and len(names) > 50, 'there is no table')
    for name in names:
        where = (f'tests/unit/test_{name[5:]}.c' if name.startswith('unit/')
                 else f'tests/transcripts/{name}.smtp')
        check(os.path.exists(os.path.join(TOP, where)), f'{where} is missing')
