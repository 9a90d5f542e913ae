"""The measure: the same heartbeat on microdot with its WebSocket and Digest (MicroPython).

Digest as strong as our own: RFC 7616 with MD5 and qop=auth, the nonce an HMAC-SHA-256 over its
time of issue, so that the server keeps no table. What can be computed once is computed once;
comparisons take the same time for every guess.
"""

import asyncio
import hashlib
import os
import time
from binascii import hexlify

import control
from microdot import Microdot
from microdot.websocket import with_websocket

USER = "root"
PASSWORD = "pass"
REALM = "AXIS_ACCC8E000000"
NONCE_LIFE_S = 300
SESSION_ID = "14b795e4-507a-44b8-b68c-f98be55bc1dd"


def md5(text):
    """The MD5 of a text, in hexadecimal."""
    return hexlify(hashlib.md5(text.encode()).digest()).decode()


def sha256(data):
    """The SHA-256 of bytes."""
    return hashlib.sha256(data).digest()


def same(one, other):
    """Whether two texts are equal; how far they agree does not show in the time this takes."""
    return sha256(one.encode()) == sha256(other.encode())


class Digest:
    """Checks the Authorization header of one account."""

    def __init__(self, user, realm, password):
        self._user = user
        self._realm = realm
        self._account = md5("%s:%s:%s" % (user, realm, password))
        self._last = None  # the nonce last found to be ours; most requests use it again
        key = os.urandom(32)
        self._inner = bytes(b ^ 0x36 for b in key) + b"\x36" * 32
        self._outer = bytes(b ^ 0x5C for b in key) + b"\x5c" * 32

    def challenge(self, stale=False):
        """The WWW-Authenticate header that asks for a password."""
        text = 'Digest realm="%s", nonce="%s", algorithm=MD5, qop="auth"%s'
        return text % (self._realm, self._nonce("%08x" % _now()), ", stale=true" if stale else "")

    def check(self, method, target, header):
        """None when the header proves the account, else the challenge to answer with."""
        if not header or not header.startswith("Digest "):
            return self.challenge()
        try:
            given = _parameters(header)
            nonce = given["nonce"]
            known = given["username"] == self._user and given["realm"] == self._realm
            if not known or given["uri"] != target or given["qop"] != "auth":
                return self.challenge()
            resource = md5(method + ":" + target)
            parts = (self._account, nonce, given["nc"], given["cnonce"], resource)
            expected = md5("%s:%s:%s:%s:auth:%s" % parts)
            age = _now() - int(nonce[:8], 16)
            if not (same(given["response"], expected) and self._issued_here(nonce)):
                return self.challenge()
        except (KeyError, ValueError):
            return self.challenge()
        return self.challenge(True) if age > NONCE_LIFE_S else None

    def _issued_here(self, nonce):
        if nonce != self._last and same(nonce, self._nonce(nonce[:8])):
            self._last = nonce
        return nonce == self._last

    def _nonce(self, issued):
        code = sha256(self._outer + sha256(self._inner + issued.encode()))
        return issued + hexlify(code[:12]).decode()


def _now():
    return int(time.time())


def _parameters(header):
    # the fastest of the ways measured: quotes out at once, then split
    parts = header[7:].replace('"', "").split(",")
    return dict([part.strip().split("=", 1) for part in parts])


def build():
    """The application: one heartbeat route, one WebSocket route, Digest before both."""
    app = Microdot()
    digest = Digest(USER, REALM, PASSWORD)

    @app.before_request
    def authenticate(request):
        header = request.headers.get("Authorization")
        challenge = digest.check(request.method, request.url, header)
        if challenge:
            return {"error": "Unauthorized"}, 401, {"WWW-Authenticate": challenge}
        return None

    @app.post("/vapix/axhbt")
    def heartbeat(request):
        duration = request.json["axhbt:Heartbeat"]["Duration"]
        if not isinstance(duration, int) or duration < 1:
            return {"error": "Duration"}, 400
        return {"SessionId": SESSION_ID}

    @app.get("/vapix/ws-data-stream")
    @with_websocket
    async def stream(request, websocket):
        while True:
            await websocket.send(await websocket.receive())

    return app


async def run(port, with_control):
    """Serve on loopback for ever."""
    if with_control:
        asyncio.create_task(control.answer())
    await build().start_server("127.0.0.1", port)


def main(port, with_control):
    """What the harness calls."""
    asyncio.run(run(port, with_control))
