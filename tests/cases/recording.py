"""The picture in the README shows what a first run shows today."""
import os
import shutil

from harness import TOP, case, check, command, equal, new_dir
from images import image

PICTURE = os.path.join(TOP, 'docs', 'first-run.svg')


def judge(path):
    image('x86_64')
    return command([os.path.join(TOP, 'scripts', 'record'), '--check', path],
                   300)


@case('recording/is-what-comes-now')
def now():
    done = judge(PICTURE)
    equal(done.returncode, 0, 'exit status (make recording draws it anew)',
          done.stdout.decode())


@case('recording/another-is-noticed')
def another():
    path = os.path.join(new_dir('svg'), 'x.svg')
    shutil.copy(PICTURE, path)
    with open(path) as f:
        text = f.read()
    check('certificate verified' in text, 'no verified certificate', text)
    with open(path, 'w') as f:
        f.write(text.replace('certificate verified', 'certificate ignored'))
    equal(judge(path).returncode, 1, 'exit status for a stale picture')
