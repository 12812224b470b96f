"""Each tests/unit/test_*.c and the transcript runner, built for this machine
under AddressSanitizer and UBSan. The head of a test names what it needs:

    /* sources: kernel/cpio.c ... */     files of the project to compile in
    /* includes: kernel ... */           folders for -I
    /* libs: mbedtls lwip */             objects of the posix build
    /* link: -lssl */                    the linker's own arguments
"""
import glob
import os
import re

from harness import BUILD, DEPS, TOP, case, check, command, new_dir, succeed
from images import image

FLAGS = ['-std=c11', '-g', '-O1', '-fno-omit-frame-pointer', '-Wall',
         '-Wextra', '-Werror', '-D_GNU_SOURCE', '-DBUILD_EPOCH=1',
         '-fsanitize=address,undefined', '-fno-sanitize-recover=all']
INCLUDES = {'mbedtls': ['mbedtls/include', 'mbedtls/library'],
            'lwip': ['lwip/src/include']}


def wanted(text, key):
    return ' '.join(re.findall(r'/\*\s*%s:(.*?)\*/' % key, text,
                               re.S)).replace('*', ' ').split()


def build(source):
    """Compiles one test; returns the program."""
    with open(os.path.join(TOP, source)) as f:
        head = f.read(6000)
    argv = ['clang', *FLAGS, '-Itests/unit']
    libs = wanted(head, 'libs')
    for lib in libs:
        image('posix-asan')  # builds the objects
        for folder in INCLUDES.get(lib, []):
            argv += ['-isystem', os.path.join(DEPS, folder)]
        if lib == 'mbedtls':
            argv += ['-DMBEDTLS_CONFIG_FILE=<mbedtls_config.h>']
    argv += ['-I' + d for d in wanted(head, 'includes')]
    argv += [source, *wanted(head, 'sources')]
    for lib in libs:
        argv += sorted(glob.glob(os.path.join(BUILD, 'posix-asan', lib,
                                              '**', '*.o'), recursive=True))
    argv += wanted(head, 'link')
    program = os.path.join(new_dir('unit'), 'test')
    succeed([*argv, '-o', program], cwd=TOP)
    return program


def unit(source):
    name = os.path.basename(source)[len('test_'):-2]

    @case('unit/' + name)
    def run():
        done = command([build(source)], 600, cwd=TOP)
        text = (done.stdout + done.stderr).decode(errors='replace')
        check(done.returncode == 0, f'exit {done.returncode}', text[-4000:])


for path in sorted(glob.glob(os.path.join(TOP, 'tests/unit/test_*.c'))):
    unit(os.path.relpath(path, TOP))


@case('transcripts/all')
def transcripts():
    """Every dialogue at every chunk size, cut at every byte."""
    program = build('tests/transcripts/run.c')
    files = sorted(glob.glob(os.path.join(TOP, 'tests/transcripts/*.smtp')))
    check(len(files) > 20, 'transcripts are missing')
    done = command([program, *files], 1200, cwd=TOP)
    text = (done.stdout + done.stderr).decode(errors='replace')
    check(done.returncode == 0, f'exit {done.returncode}', text[-4000:])
