"""What a trace (--trace) tells of the dialogue."""
import re


def lines(r):
    """(direction, text) of all that was said, '->' being the client."""
    return re.findall(r' (->|<-) (.*?)\r?$', r.log, re.M)


def said(r):
    """The client's commands, in order."""
    return [text for way, text in lines(r) if way == '->']


def mechanisms(r):
    """Of each AUTH command, the mechanism."""
    return [c.split()[1] for c in said(r) if c.startswith('AUTH ')]


def offered(r):
    """{keyword: parameters} of the last answer to EHLO or LHLO."""
    found, asked = {}, False
    for way, text in lines(r):
        if way == '->':
            asked = text[:4] in ('EHLO', 'LHLO')
            greeted = False
        elif asked and text.startswith('250'):
            if not greeted:         # the first line is the server's name
                found, greeted = {}, True
                continue
            word, _, more = text[4:].partition(' ')
            found[word.upper()] = more
    return found


def turns(r):
    """The client's commands, one list for each round trip."""
    found, before = [], '<-'
    for way, text in lines(r):
        if way == '->':
            if before == '<-':
                found.append([])
            found[-1].append(text)
        before = way
    return found
