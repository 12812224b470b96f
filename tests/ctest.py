"""Builds C tests of parts of the image for this machine, under
AddressSanitizer and UBSan. The head of a test names what it needs:

    /* sources: kernel/cpio.c smtp/ */   files of the project to compile in; a
                                         folder stands for all in it
    /* includes: kernel ... */           folders for -I
    /* libs: mbedtls lwip libfdt sodium */  third-party code
    /* link: -lssl */                    the linker's own arguments
"""
import glob
import os
import re

from harness import BUILD, DEPS, TOP, new_dir, succeed
from images import image

FLAGS = ['-std=c11', '-g', '-O1', '-fno-omit-frame-pointer', '-Wall',
         '-Wextra', '-Werror', '-D_GNU_SOURCE', '-DBUILD_EPOCH=1',
         '-fsanitize=address,undefined', '-fno-sanitize-recover=all']
INCLUDES = {'mbedtls': ['mbedtls/include', 'mbedtls/library'],
            'lwip': ['lwip/src/include'], 'libfdt': ['dtc/libfdt'],
            'sodium': ['sodium/src/libsodium/include',
                       'sodium/src/libsodium/include/sodium']}
DEFINES = {'mbedtls': ['-DMBEDTLS_CONFIG_FILE=<mbedtls_config.h>'],
           'sodium': ['-DCONFIGURED=1', '-DHAVE_TI_MODE']}
# Not in the posix build: compiled here, with what makes trees.
SOURCES = {'libfdt': ['fdt.c', 'fdt_check.c', 'fdt_ro.c', 'fdt_sw.c']}


def wanted(text, key):
    return ' '.join(re.findall(r'/\*\s*%s:(.*?)\*/' % key, text,
                               re.S)).replace('*', ' ').split()


def build(source, *flags, program=None, top=TOP):
    """Compiles one test; returns the program."""
    with open(os.path.join(top, source)) as f:
        head = f.read(6000)
    argv = ['clang', *FLAGS, *flags, '-Itests/unit']
    libs = wanted(head, 'libs')
    for lib in libs:
        if lib not in SOURCES:
            image('posix-asan')  # builds the objects
        for folder in INCLUDES.get(lib, []):
            argv += ['-isystem', os.path.join(DEPS, folder)]
        argv += DEFINES.get(lib, [])
    argv += ['-I' + d for d in wanted(head, 'includes')]
    argv.append(source)
    for name in wanted(head, 'sources'):
        argv += (sorted(glob.glob(os.path.join(top, name, '*.c')))
                 if name.endswith('/') else [name])
    for lib in libs:
        argv += [os.path.join(DEPS, 'dtc', lib, f)
                 for f in SOURCES.get(lib, ())]
        argv += sorted(glob.glob(os.path.join(BUILD, 'posix-asan', lib,
                                              '**', '*.o'), recursive=True))
    argv += wanted(head, 'link')
    program = program or os.path.join(new_dir('unit'), 'test')
    succeed([*argv, '-o', program], cwd=top)
    return program
