"""The server's side of SASL, by Python's own hashes: SCRAM (RFC 5802, 7677),
CRAM-MD5 (RFC 2195), tokens (RFC 7628, Google's XOAUTH2). Each function takes
the session of dialogue.py and the initial response, and says whether the
client knew the secret; ValueError: it did not keep to the mechanism."""
import base64
import hashlib
import hmac
import json
import os

ROUNDS = 4096


def decode(text):
    return base64.b64decode('' if text == '=' else text, validate=True)


def challenge(session, state, data):
    return decode(session.ask(state, b'334 ' + base64.b64encode(data) +
                              b'\r\n'))


def fields(data):
    return dict(x.split(b'=', 1) for x in data.split(b',') if b'=' in x)


def scram(name):
    def run(session, first):
        first = decode(first if first is not None
                       else session.ask('AUTH1', b'334 \r\n'))
        gs2, bare = first[:3], first[3:]
        if gs2 not in (b'n,,', b'y,,'):  # y: it could, but we do not offer it
            raise ValueError('no channel binding was offered')
        user = fields(bare)[b'n'].decode()
        password = session.plan.users.get(user, '').encode()
        salt, nonce = os.urandom(16), fields(bare)[b'r'] + b'server'
        server_first = b'r=%s,s=%s,i=%d' % (nonce, base64.b64encode(salt),
                                           ROUNDS)
        final = challenge(session, 'AUTH1', server_first)
        without, proof = final.rsplit(b',p=', 1)
        if without != b'c=%s,r=%s' % (base64.b64encode(gs2), nonce):
            raise ValueError('channel binding or nonce')
        salted = hashlib.pbkdf2_hmac(name, password, salt, ROUNDS)
        signed = b','.join((bare, server_first, without))
        key = hmac.digest(salted, b'Client Key', name)
        mask = hmac.digest(hashlib.new(name, key).digest(), signed, name)
        wanted = bytes(a ^ b for a, b in zip(key, mask))
        if not password or base64.b64decode(proof) != wanted:
            return False
        server_key = hmac.digest(salted, b'Server Key', name)
        challenge(session, 'AUTH2', b'v=' + base64.b64encode(
            hmac.digest(server_key, signed, name)))
        return True
    return run


def cram_md5(session, first):
    if first is not None:
        raise ValueError('an initial response')
    text = b'<%d.1@mail.test>' % os.getpid()
    user, digest = challenge(session, 'AUTH1', text).rsplit(b' ', 1)
    password = session.plan.users.get(user.decode(), '').encode()
    return bool(password) and digest.decode() == hmac.new(
        password, text, 'md5').hexdigest()


def token(session, first, name):
    """A token that is not right gets an error to answer, then the verdict."""
    parts = dict(x.split(b'=', 1) for x in decode(first).split(b'\x01')
                 if b'=' in x)
    user = parts[b'user' if name == 'XOAUTH2' else b'n,a'].rstrip(b',')
    good = session.plan.users.get(user.decode())
    if good and parts[b'auth'] == b'Bearer ' + good.encode():
        return True
    challenge(session, 'AUTH1', json.dumps({'status': 'invalid_token'})
              .encode())
    return False


MECHANISMS = {
    'SCRAM-SHA-1': scram('sha1'),
    'SCRAM-SHA-256': scram('sha256'),
    'CRAM-MD5': cram_md5,
    'XOAUTH2': lambda s, first: token(s, first, 'XOAUTH2'),
    'OAUTHBEARER': lambda s, first: token(s, first, 'OAUTHBEARER'),
}
