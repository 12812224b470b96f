"""The machine that the launcher chooses: what QEMU has, and an accelerator
only where it really runs the image. A stand-in in front of the real QEMU
plays systems with another QEMU, or with a hypervisor that works, aborts or
hangs; uname(1) says that it is there."""
import os
import shlex

from harness import LAUNCHER, case, check, command, equal, new_dir
from images import image

UNAME = '#!/bin/sh\ncase $1 in -s) echo Darwin ;; -m) echo x86_64 ;; *) echo 1 ;; esac\n'
REAL = 'exec /usr/bin/qemu-system-x86_64 '


class System:
    """A system with this QEMU; its launcher's cache, and what was run."""

    def __init__(self, qemu):
        self.folder = new_dir('system')
        self.calls = os.path.join(self.folder, 'calls')
        for name, text in (('uname', UNAME), ('qemu-system-x86_64',
                           f'#!/bin/bash\nprintf "%s " "$@" >>{self.calls}\n'
                           f'echo >>{self.calls}\n{qemu}\n')):
            path = os.path.join(self.folder, name)
            with open(path, 'w') as f:
                f.write(text)
            os.chmod(path, 0o755)
        with open(os.path.join(self.folder, 'conf'), 'w') as f:
            f.write('host 10.0.2.2\nport 1\nfrom a@example.org\ntls off\n')
        self.env = dict(os.environ, XDG_CACHE_HOME=self.folder + '/cache',
                        PATH=self.folder + ':' + os.environ['PATH'])
        self.env.pop('QEMU', None)

    def run(self, *args, status=74):
        """The mail meets a closed port: 74, and nothing else is said."""
        open(self.calls, 'w').close()
        done = command([LAUNCHER, '--image', image('x86_64'), '-C',
                        self.folder + '/conf', '--timeout', '60', *args,
                        'b@example.org'], 120, input=b'x\n', env=self.env)
        equal(done.returncode, status, 'exit status', done.stderr.decode())
        with open(self.calls) as f:
            self.last = f.read().splitlines()
        lines = done.stderr.decode().splitlines()
        return [line for line in lines if 'cannot connect' not in line]


def translated(change):
    """The real QEMU, with its arguments changed by a shell's case."""
    return f'''a=("$@"); for i in "${{!a[@]}}"; do
    case ${{a[i]}} in {change} esac
done; exec /usr/bin/qemu-system-x86_64 "${{a[@]}}"'''


@case('machine/hypervisor-works')
def works():
    s = System(translated('hvf) a[i]=tcg ;; host) a[i]=max ;;'))
    equal(s.run(), [], 'words')
    check('-accel hvf -cpu host' in s.last[-1], 'the mail ran without it',
          s.last)
    check('-netdev' not in s.last[-2] and '-append' not in s.last[-2],
          'no probe without a network', s.last)
    equal(s.run(), [], 'words, the second time')
    equal(len(s.last), 1, 'runs of QEMU once all is known', s.last)
    s.run('--accel', 'tcg')
    check('-accel tcg' in s.last[-1], 'not what was asked for', s.last)
    # another QEMU, another question
    os.utime(os.path.join(s.folder, 'qemu-system-x86_64'), (1, 1))
    s.run()
    equal(len(s.last), 4, 'version, machines, probe, run', s.last)


def falls_back(name, fault, word):
    @case('machine/hypervisor-' + name)
    def run():
        s = System(f'case "$*" in *"-accel hvf"*) {fault} ;; esac\n' + REAL +
                   '"$@"')
        words = s.run()
        equal(len(words), 1, 'lines of notice', words)
        check(word in words[0] and 'emulating' in words[0], 'notice', words)
        check('-accel tcg' in s.last[-1], 'not emulated', s.last)
        equal(s.run(), [], 'notice again')
        equal(len(s.last), 1, 'tried again', s.last)


falls_back('aborts', 'echo "qemu: no HVF here" >&2; kill -ABRT $$',
           'no HVF here')
falls_back('refuses', 'echo "qemu: denied" >&2; exit 1', 'denied')
falls_back('hangs', 'exec sleep 100', 'no report')
falls_back('is-mute', 'exit 0', 'no report')
falls_back('lies', shlex.join(['echo', '{"bootmail":1,"outcome":"sent",'
                               '"exit":0,"ms":{}}']) + '; exit 1',
           'no report')


@case('machine/without-microvm')
def without_microvm():
    s = System('case "$*" in "-M help") echo "q35  PC"; exit ;; '
               '*microvm*) exit 9 ;; esac\n' + REAL + '"$@"')
    equal(s.run('--accel', 'tcg'), [], 'words')
    check('-M q35' in s.last[-1] and 'virtio-net-pci' in s.last[-1],
          'not on q35', s.last)
    equal(s.run('--accel', 'tcg'), [], 'words')
    equal(len(s.last), 1, 'asked again', s.last)
    # whoever asks for it gets QEMU's own words
    s.run('--accel', 'tcg', '--machine', 'microvm', status=70)


@case('machine/old-qemu')
def old():
    s = System('case $1 in --version) echo "QEMU emulator version 4.2.1"; '
               'exit ;; esac\n' + REAL + '"$@"')
    words = s.run('--accel', 'tcg')
    check(len(words) == 1 and 'QEMU 4.2 is older' in words[0], 'notice',
          words)
    equal(s.run('--accel', 'tcg'), [], 'notice again')


@case('machine/no-place-to-remember')
def no_cache():
    """Without a cache, or with one that is not ours to trust, it is asked
    each time, and no file of another user's decides."""
    s = System(REAL + '"$@"')
    s.env['XDG_CACHE_HOME'] = '/proc/nowhere'
    for _ in range(2):
        equal(s.run('--accel', 'tcg'), [], 'words')
        equal(len(s.last), 3, 'runs of QEMU', s.last)


@case('machine/cache-is-garbage')
def garbage():
    s = System(REAL + '"$@"')
    s.run('--accel', 'tcg')
    name = s.folder + '/cache/bootmail/x86_64.qemu'
    with open(name) as f:
        first = f.readline()
    for text in ('', 'x', first, first + '-M q35 -device evil\n'):
        with open(name, 'w') as f:
            f.write(text)
        s.run('--accel', 'tcg')
        check('evil' not in s.last[-1], 'the cache became an argument')
