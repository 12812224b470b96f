"""A shell script in QEMU's place: what the launcher makes of any console and
any exit status."""
import os

from harness import bootmail, new_dir

CONF = 'host 192.0.2.1\nfrom a@example.org\n'
SENT = ('{"bootmail":1,"outcome":"sent","exit":0,"reason":"accepted: 250 ok",'
        '"message_id":"x@y","host":"h","address":null,"tls":null,'
        '"recipients":[],"bytes":1,"attempts":1,"ms":{"total":1.0}}')


def stand_in(script):
    """Its path; it is run by sh."""
    path = os.path.join(new_dir('qemu'), 'qemu')
    with open(path, 'w') as f:
        f.write('#!/bin/sh\n' + script)
    os.chmod(path, 0o755)
    return path


def play(script, **kw):
    """One mail, sent by the launcher with it."""
    path = stand_in(script)
    return bootmail('--image', path, 'b@example.org', conf=CONF,
                    env={'QEMU': path}, **kw)


def say(text, exit_status):
    """A script that prints a text and ends."""
    return f"cat <<'X'\n{text}\nX\nexit {exit_status}\n"
