"""Has mutt read messages: it draws on a terminal of ours and is told what to
do by keys, since it has no other way to say what it reads."""
import os
import pty
import select
import signal
import subprocess
import time

from harness import check, new_dir

APART = '@@ of another message @@'
CONFIGURATION = f'''set folder=/ sort=mailbox-order quit=yes pipe_decode=yes
set pipe_split=no pipe_sep="\\n{APART}\\n" wait_key=no charset=utf-8
set wrap_headers=998 sleep_time=0 read_inc=0 resolve=no
ignore *
unignore from: to: subject:
hdr_order from: to: subject:
'''


def read(messages, files):
    """messages: bytes each; files: how many attached files each has, which
    stand behind the rest. What is shown of each message, and the folder of
    each file, which has the file under its name."""
    folder = new_dir('mutt')
    shown = os.path.join(folder, 'shown')
    with open(os.path.join(folder, 'mmdf'), 'wb') as f:
        for m in messages:
            f.write(b'\1\1\1\1\n' + m.replace(b'\r\n', b'\n') +
                    b'\1\1\1\1\n')
    keys = ('<tag-pattern>~A<enter><tag-prefix><pipe-message>'
            f'cat >{shown}<enter>')
    places = []
    for n, count in enumerate(files, 1):
        places.append([os.path.join(folder, f'{n}.{i}') for i in range(count)])
        if count:
            keys += f'{n}<enter><view-attachments><last-entry>'
        for place in reversed(places[-1]):
            os.mkdir(place)
            keys += (f'<enter-command>cd {place}<enter><save-entry><enter>'
                     '<previous-entry>')
        keys += '<exit>' * (count != 0)
    with open(os.path.join(folder, 'rc'), 'w') as f:
        f.write(CONFIGURATION + f'push "{keys}<exit>"\n')
    run(folder)
    with open(shown, 'rb') as f:
        text = f.read().decode(errors='replace')
    return text.split(f'\n{APART}\n')[:-1], places


def run(folder):
    ours, its = pty.openpty()
    p = subprocess.Popen(
        ['mutt', '-n', '-F', 'rc', '-R', '-f', 'mmdf'], cwd=folder, stdin=its,
        stdout=its, stderr=its, start_new_session=True,
        env={'PATH': os.environ['PATH'], 'TERM': 'xterm', 'HOME': folder,
             'LC_ALL': 'C.UTF-8'})
    os.close(its)
    drawn, end = b'', time.monotonic() + 300
    try:
        while time.monotonic() < end:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                drawn = (drawn + os.read(ours, 65536))[-2000:]
            except OSError:  # it has left the terminal
                break
        else:
            p.send_signal(signal.SIGKILL)
        status = p.wait(30)
    finally:
        os.close(ours)
    check(status == 0, f'mutt: exit {status}, or HANG', drawn)
