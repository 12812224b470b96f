"""All C tests, for those who run each of them: coverage, mutate."""
import glob
import os

from fuzzing import targets, unpack


def programs():
    """(source, arguments) of each C test but the simulation; arguments None:
    a fuzz target, for its corpus. In the folder TOP."""
    found = [(f, []) for f in glob.glob('tests/unit/test_*.c')]
    for folder in ('tests/transcripts', 'tests/transcripts/server'):
        found.append((folder + '/run.c', sorted(glob.glob(folder +
                                                          '/*.smtp'))))
    found.append(('tests/transcripts/random.c', []))
    found += [(f'tests/fuzz/{name}.c', None) for name in targets()]
    return sorted(found, key=lambda one: one[0])


def corpus_of(source, folder):
    """The arguments with which a fuzz target runs its corpus, unpacked in the
    folder, where it leaves what it finds."""
    name = os.path.basename(source)[:-2]
    corpus = os.path.join(folder, name + '.corpus')
    unpack(name, corpus)
    return ['-runs=0', f'-artifact_prefix={folder}/', corpus]
