"""A sample of `make netfaults`: the image and the process over a bad cable."""
import badwire
from harness import Skip, case, check
from netfaults import PROFILES, profile


def sample(name, machine, slow):
    @case(f'netfaults/{name}-{machine}', slow=slow)
    def run():
        why = badwire.available()
        if why:
            raise Skip(why)
        sent, _, fate, wrong = profile(machine, name, range(1, 4), 3)
        check(not wrong, f'{len(wrong)} wrong verdicts', *wrong)
        check(sent == 3 or PROFILES[name][1] < 100, f'{sent} of 3 sent')
        for kind, fault in (('lost', 'loss'), ('reordered', 'reorder')):
            if PROFILES[name][0].get(fault, 0) >= 0.1:
                check(fate[kind], f'no frame was {kind}: {fate}')


for each in PROFILES:
    sample(each, 'posix', each not in ('loss-10', 'loss-30', 'all'))
    sample(each, 'microvm', each not in ('loss-20', 'all'))
