"""What the cases of network, resources and tlsedge share: runs with a secret
that must not leak, and machines changed from outside."""
import os
import stat

from harness import case, check, equal, new_dir
from images import image
from lab import conf, files, head, launch

SECRET, WHO = 'pw-5b1e7a90', 'user-c0ffee11'
TEXT = b'unmistakable-network-text'
MESSAGE = head('net') + TEXT + b'\n'
USERS = {WHO: SECRET}


def expect(r, status, outcome, *words):
    equal(r.status, status, 'exit status', r)
    check(r.report is not None, 'no report', r)
    equal(r.report['outcome'], outcome, 'outcome', r)
    for word in words:
        check(word.lower() in r.reason.lower(),
              f'the reason does not say "{word}"', r)
    check(SECRET not in r.log + r.stdout, 'the password is in the log', r)


def nothing_leaked(r, wires):
    for w in wires:
        check(TEXT not in w.clear + w.inside, 'the message went out', r)
        check(SECRET.encode() not in w.inside, 'the password went out', r)
        check(not w.leaks(SECRET, WHO, TEXT), 'a secret in clear', r)


def send(machine, port, *args, mode='starttls', more='', extra=None,
         timeout=40, **kw):
    if machine != 'posix':
        args = ('--image', image('x86_64'), *args)
    return launch(machine, *args, 'rcpt@mail.test', message=MESSAGE,
                  conf=conf(port, mode, user=WHO, more=more),
                  files=dict(files(password=SECRET), **(extra or {})),
                  timeout=timeout, **kw)


def script(name, text):
    path = os.path.join(new_dir('run'), name)
    with open(path, 'w') as f:
        f.write('#!/usr/bin/env bash\n' + text)
    os.chmod(path, stat.S_IRWXU)
    return path


def extra_qemu(*more, edits=()):
    """QEMU with arguments replaced as a whole, and some more."""
    text = 'args=()\nfor a; do\n'
    for old, new in edits:
        text += f"    [ \"$a\" != '{old}' ] || a='{new}'\n"
    text += '    args+=("$a")\ndone\nexec qemu-system-x86_64 "${args[@]}"'
    return script('qemu', text + ''.join(f" '{m}'" for m in more) + '\n')


def on(name, machines=('posix', 'microvm'), **kw):
    """Registers function(machine) for each machine."""
    def register(function):
        for machine in machines:
            case(f'network/{name}-{machine}', **kw)(
                lambda machine=machine: function(machine))
        return function
    return register
