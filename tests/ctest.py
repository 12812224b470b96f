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


def parts(source, top=TOP, board='posix-asan', objects=None):
    """(flags, sources, what is linked to them) of a test, as its head says;
    third-party code as this board's build compiles it, or from the folder
    objects."""
    with open(os.path.join(top, source)) as f:
        head = f.read(6000)
    flags, sources, linked = ['-Itests/unit'], [source], []
    libs = wanted(head, 'libs')
    for lib in libs:
        if lib not in SOURCES and objects is None:
            image(board)  # builds the objects
        for folder in INCLUDES.get(lib, []):
            flags += ['-isystem', os.path.join(DEPS, folder)]
        flags += DEFINES.get(lib, [])
    flags += ['-I' + d for d in wanted(head, 'includes')]
    for name in wanted(head, 'sources'):
        sources += (sorted(glob.glob(os.path.join(top, name, '*.c')))
                    if name.endswith('/') else [name])
    for lib in libs:
        sources += [os.path.join(DEPS, 'dtc', lib, f)
                    for f in SOURCES.get(lib, ())]
        linked += sorted(glob.glob(os.path.join(
            objects or os.path.join(BUILD, board), lib, '**', '*.o'),
            recursive=True))
    return flags, sources, linked + wanted(head, 'link')


def build(source, *flags, program=None, top=TOP, objects=None):
    """Compiles one test; returns the program."""
    own, sources, linked = parts(source, top, objects=objects)
    program = program or os.path.join(new_dir('unit'), 'test')
    succeed(['clang', *FLAGS, *flags, *own, *sources, *linked, '-o', program],
            cwd=top)
    return program
