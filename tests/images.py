"""The images under test, each built once per run of the tests."""
import os
import threading

from harness import BUILD, TOP, Failure, succeed

_lock = threading.Lock()
_built = {}
_args = {
    'x86_64': ['image', 'BOARD=x86_64'],
    'posix': ['image', 'BOARD=posix'],
    'posix-asan': ['image', 'BOARD=posix', 'SAN=1'],
    'aarch64': ['image', 'BOARD=aarch64'],
    'aarch64-selftest': ['image', 'BOARD=aarch64', 'SELFTEST=1'],
    'riscv64': ['image', 'BOARD=riscv64'],
    'riscv64-selftest': ['image', 'BOARD=riscv64', 'SELFTEST=1'],
    'x86_64-ubsan': ['image', 'BOARD=x86_64', 'UBSAN=1'],
    'aarch64-ubsan': ['image', 'BOARD=aarch64', 'UBSAN=1'],
    'riscv64-ubsan': ['image', 'BOARD=riscv64', 'UBSAN=1'],
    'x86_64-ubsan-selftest': ['image', 'BOARD=x86_64', 'UBSAN=1',
                              'SELFTEST=1'],
    'x86_64-selftest': ['image', 'BOARD=x86_64', 'SELFTEST=1'],
}


def image(name):
    """Path of build/NAME/bootmail, up to date."""
    with _lock:
        if isinstance(_built.get(name), Exception):
            raise Failure(f'{name} does not build: see the first failure')
        if name not in _built:
            _built[name] = RuntimeError()
            succeed(['make', '--no-print-directory', *_args[name]],
                    1200, cwd=TOP)
            _built[name] = os.path.join(BUILD, name, 'bootmail')
        return _built[name]
