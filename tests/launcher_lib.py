"""The launcher, bare: what it says, and what it hands to the image."""
import os

from harness import LAUNCHER, check, command, equal, new_dir
from standin import CONF


def members(path):
    """{name: bytes} of a cpio archive (newc)."""
    with open(path, 'rb') as f:
        data = f.read()
    out, at = {}, 0
    while True:
        field = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16)
                 for i in range(13)]
        name = data[at + 110:at + 109 + field[11]].decode()
        start = (at + 110 + field[11] + 3) // 4 * 4
        if name == 'TRAILER!!!':
            return out
        out[name] = data[start:start + field[6]]
        at = (start + field[6] + 3) // 4 * 4


def call(*args, stdin=b'hello\n', conf=CONF, launcher=None, mode=0o600,
         cwd=None, env=None, drop=(), files=None, preexec_fn=None, prefix=()):
    """The launcher, bare: no -v, no --json. Returns (done, folder)."""
    folder = new_dir('bare')
    image_path = os.path.join(folder, 'image')
    for name, data in {'image': b'#!/bin/sh\n', 'bootmail.conf': conf.encode(),
                       **(files or {})}.items():
        path = os.path.join(folder, name)
        with open(path, 'wb') as f:
            f.write(data)
        os.chmod(path, mode)
    full = {k: v for k, v in os.environ.items() if k not in
            ('XDG_RUNTIME_DIR', 'BOOTMAIL_CONFIG', *drop)}
    full.update({'TMPDIR': new_dir('tmp'), **(env or {})})
    argv = [launcher or LAUNCHER, '--image', image_path]
    if '-C' not in args and 'config' not in drop:
        argv += ['-C', os.path.join(folder, 'bootmail.conf')]
    done = command([*prefix, *argv, *args], 60, input=stdin, env=full, cwd=cwd,
                   preexec_fn=preexec_fn)
    done.text = (done.stdout + done.stderr).decode(errors='replace')
    if os.path.isdir(full['TMPDIR']):
        equal(os.listdir(full['TMPDIR']), [], 'files left behind')
    return done, folder


def packed(*args, **kw):
    """What the launcher would hand to the image."""
    save = os.path.join(new_dir('save'), 'files.cpio')
    done, _ = call('--board', 'posix', '--dry-run', '--save', save, *args,
                   **kw)
    equal(done.returncode, 0, f'{args}', done.text)
    equal(os.stat(save).st_mode & 0o777, 0o600, 'mode of what is saved')
    return members(save)


def refused(status, word, *args, **kw):
    done, _ = call(*args, **kw)
    equal(done.returncode, status, f'exit status of {args}', done.text)
    equal(done.stdout, b'', f'standard output of {args}')
    check(word in done.text, f'{args}: no word of "{word}"', done.text)
