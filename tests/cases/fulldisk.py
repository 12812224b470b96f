"""A disk that is full from any moment on, while a message is kept, sent,
retried or given back: nothing that was accepted is lost, nothing is sent twice,
and what was not accepted is said to be so and leaves nothing behind.

host/fulldisk.c fails the 1st, 2nd, 3rd ... of all that the launcher and its
children do to the folder of the spool; a shell script is the guest, and writes
down what it sent in another folder. Then there is room again."""
import os
import re
import shutil
import tempfile

from ctest import build
from harness import Skip, at_end, case, check, command, equal, new_dir, \
    once, private_file, scratch
from spoollab import Queue
from standin import stand_in

# Who is in a message tells what becomes of it: ok, no (refused), later (until
# the file mended is there), lost (nobody knows, until then).
GUEST = r'''#  end of the message: from here on it may be accepted
while [ "$1" != --initrd ]; do shift; done
id=$(grep -a '^message_id ' "$2")
mended=$([ -e {out}/mended ] && echo yes)
[ -z "$mended" ] && [ -e {out}/down ] && {{
    echo '{{"bootmail":1,"outcome":"temporary","exit":74,"reason":"down"'\
',"recipients":[],"ms":{{}}}}'
    exit 74
}}
status=0 all= left=
for to in $(grep -a '^only_to ' "$2" || grep -a '^to ' "$2"); do
    to=${{to#\"}} to=${{to%[,\"]}}
    case $mended$to in
    *to) continue ;;
    *no@*) fate=refused code=550 status=69 ;;
    later@*) fate=temporary code=451; [ $status != 0 ] || status=75 ;;
    *lost@*) fate=unsure code=null status=79 ;;
    *) fate=sent code=250 ;;
    esac
    [ $fate != sent ] || left="$left $to"
    all="$all,{{\"address\":\"$to\",\"outcome\":\"$fate\",\"code\":$code,\
\"enhanced\":null,\"text\":\"it is\"}}"
done
echo ' 1.0 ms  end of the message: from here on it may be accepted'
for to in $left; do echo "$id $to" >>{out}/sent; done
case $status in
0) outcome=sent ;; 69) outcome=refused ;; 75) outcome=temporary ;;
79) outcome=unsure ;;
esac
echo "{{\"bootmail\":1,\"outcome\":\"$outcome\",\"exit\":$status,\
\"reason\":\"so it is\",\"from\":\"sender@mail.test\",\
\"recipients\":[${{all#,}}],\"ms\":{{}}}}"
exit $status
'''
STATUSES = (0, 65, 69, 74, 75, 78, 79)
HOW = ('once', 'room', 'all')

# what is under test; recipients; what becomes of each in the end, once
SCENES = {
    'sent': ('call', ['ok@b.c'], {'ok@b.c': 'sent'}),
    'refused': ('call', ['no@b.c'], {'no@b.c': 'said'}),
    'kept': ('call', ['later@b.c'], {'later@b.c': 'sent'}),
    'apart': ('call', ['ok@b.c', 'no@b.c', 'later@b.c'],
              {'ok@b.c': 'sent', 'no@b.c': 'told', 'later@b.c': 'sent'}),
    'unsure': ('call', ['lost@b.c'], {'lost@b.c': 'unsure, said'}),
    'retry-sent': ('flush', ['ok@b.c'], {'ok@b.c': 'sent'}),
    'retry-kept': ('flush', ['later@b.c'], {'later@b.c': 'sent'}),
    'retry-apart': ('flush', ['ok@b.c', 'no@b.c', 'later@b.c'],
                    {'ok@b.c': 'sent', 'no@b.c': 'told', 'later@b.c': 'sent'}),
    'retry-unsure': ('flush', ['lost@b.c'], {'lost@b.c': 'unsure, told'}),
    'given-up': ('flush', ['later@b.c'], {'later@b.c': 'told'}),
    'held': ('call', ['ok@b.c', 'new@b.c'],
             {'ok@b.c': 'sent', 'new@b.c': 'sent'}),
    'digest': ('flush', ['ok@b.c'], {'ok@b.c': 'sent'}),
}
CONF = {'given-up': 'queue_lifetime 0\n', 'held': 'rate_limit 1\n',
        'digest': 'rate_limit 1\n'}


@once
def fulldisk():
    program = build('tests/host/fulldisk.c', '-fno-sanitize=all')
    folder = new_dir('none')
    if command([program, folder, '0', 'all', '/dev/null', 'true']).returncode:
        raise Skip('this kernel or its policy has no seccomp notifications')
    return program


@once
def memory():
    """A folder that needs no disk: thousands of files are synced."""
    if not os.access('/dev/shm', os.W_OK):
        return scratch()
    folder = tempfile.mkdtemp(prefix='bootmail-test.', dir='/dev/shm')
    at_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


class Scene:
    """One call or one --flush, with no room from the nth step on."""

    def __init__(self, name, n, how):
        self.what, self.rcpt, self.wanted = SCENES[name]
        self.name, self.n, self.how = name, n, how
        self.out = new_dir('out')
        self.q = Queue(1, CONF.get(name, ''), folder=tempfile.mkdtemp(dir=memory()),
                       program=stand_in(GUEST.format(out=self.out)))
        private_file(os.path.join(self.q.dir, 'ca.pem'), b'x')
        self.log = os.path.join(self.out, 'log')

    def touch(self, name, there=True):
        path = os.path.join(self.out, name)
        if there:
            with open(path, 'w'):
                pass
        else:
            os.unlink(path)

    def shimmed(self, *args, message=b''):
        done = command([fulldisk(), self.q.dir, str(self.n), self.how,
                        self.log, *self.q.argv(*args)], 60, input=message,
                       env=self.q.env())
        done.log = done.stderr.decode(errors='replace')
        with open(self.log) as f:
            self.steps = f.read().splitlines()
        check(done.returncode in STATUSES, f'status {done.returncode}',
              self, done.log)
        self.text = done.log
        return done

    def __str__(self):
        cut = [s for s in self.steps if s.endswith(' full')]
        return (f'{self.name}: {cut[0] if cut else "nothing"} ({self.how})\n' +
                '\n'.join(self.steps))

    def listed(self):
        """Whatever the list shows is whole."""
        done = self.q.send('-bp')
        for name, size in re.findall(r'^(\S+)  (\d*) bytes',
                                     done.stdout.decode(), re.M):
            check('.' in name and (
                size == '6' or '.expired' in name or '.refused' in name or
                '.unsure' in name or self.is_digest(name)),
                f'half a message is listed: {name}, {size} bytes', self)
        equal(done.log, '', 'words of the list', self)

    def is_digest(self, name):
        """... not written yet, or to its end."""
        if '.digest' not in name:
            return False
        path = os.path.join(self.q.spool, 'new', name, 'call',
                            'message')
        if not os.path.exists(path):
            return True
        with open(path, 'rb') as f:
            text = f.read()
        mark = re.search(rb'boundary="([^"]+)"', text)
        return mark is not None and text.endswith(b'--%s--\n' % mark[1])

    def play(self):
        if 'rate_limit' in CONF.get(self.name, ''):
            self.q.send('ok@b.c')  # the one of this hour
            os.unlink(os.path.join(self.out, 'sent'))
        if self.name == 'digest':
            self.q.send(*self.rcpt)
            self.shimmed('--flush-all')
            accepted, status = True, None
        elif self.what == 'flush':
            self.touch('down')
            self.q.send(*self.rcpt)
            if self.name != 'given-up':
                self.touch('down', False)
            self.shimmed('--flush-all')
            accepted, status = True, None
        else:
            done = self.shimmed(*self.rcpt, message=b'hello\n')
            status = done.returncode
            accepted = status in (0, 79)
            equal([e for e in self.q.entries('tmp') if not e.endswith('.gone')],
                  [], 'left in tmp/', self, self.text)
            if not accepted:
                check('bootmail: ' in self.text, 'no reason is given', self)
                self.nothing('new', 'unsure', 'dead', 'held')
        self.listed()
        if self.name == 'given-up':
            self.flush(3, 'expired')
        self.touch('mended')
        self.flush(4)
        if self.q.entries('tmp'):
            self.q.flush()
        self.judge(accepted, status)

    def flush(self, times, until=None):
        for _ in range(times):
            left = ' '.join(self.q.entries() + self.q.entries('held'))
            if not left or until and until in left:
                break
            self.q.flush()

    def nothing(self, *states):
        for state in states:
            equal(self.q.entries(state), [], f'left in {state}/', self,
                  self.text)

    def judge(self, accepted, status):
        self.nothing('new', 'tmp', 'dead', 'held')
        equal(os.listdir(self.q.tmp), [], 'left in TMPDIR', self)
        try:
            with open(os.path.join(self.out, 'sent')) as f:
                got = [line.split() for line in f]
        except FileNotFoundError:
            got = []
        to = sorted(g[2] for g in got if g[2] != 'sender@mail.test')
        fates = self.wanted if accepted else {}
        equal(to, sorted(a for a in fates if fates[a] == 'sent'),
              f'who got it (status {status})', self, self.text)
        # who heard of it himself gets no note
        told = sum('told' in f for f in fates.values()) + sum(
            'said' in f and status == 0 for f in fates.values())
        notes = len(got) - len(to)
        if any(' rename ' in s and s.endswith(' full') for s in self.steps):
            # it stayed in new/: the next --flush tells the sender as well
            notes = min(notes, told)
        equal(notes, told, f'notes to the sender (status {status})', self,
              self.text)
        equal(len(self.q.entries('unsure')), int('unsure' in str(fates)),
              f'in unsure/ (status {status})', self, self.text)


def steps_of(name, how):
    scene = Scene(name, 0, how)
    scene.n = 1000000
    scene.play()
    check(len(scene.steps) > 10, 'too few steps to be true', scene)
    return len(scene.steps)


def every(name, how, step):
    """Every step-th of all moments; a prime, so that it is not always the
    same file. Returns how many."""
    total, wrong, count = steps_of(name, how), [], 0
    for n in range(1 + (len(name) + len(how)) % step, total + 1, step):
        count += 1
        try:
            Scene(name, n, how).play()
        except Skip:
            raise
        except Exception as e:
            wrong.append(f'{name} {how} {n}: {e}')
    check(not wrong, f'{len(wrong)} of {count}', *wrong[:5])
    return count


def register(name):
    @case(f'fulldisk/{name}')
    def some():
        every(name, HOW[len(name) % 3], 29)

    for how in HOW:
        @case(f'fulldisk/{name}-{how}-every-step', whole=True, slow=True)
        def whole(how=how):
            print(f'      {every(name, how, 1)} steps of {name} ({how})')


for each in SCENES:
    register(each)
