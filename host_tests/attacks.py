"""Strangers and viewers at their worst, each attack a function: for the tests, and by hand against
a module of one's own.

    python attacks.py NAME URL [--tls-port N] [--count N]

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
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))  # when run by hand

from boards import STREAM, Credentials, receive, status_of  # noqa: E402

TRY_S = 1  # for one connection
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

    def __init__(self, host, port, tls_port=None, count=None):
        self.address = (host, port)
        self.url = "http://%s:%d" % (host, port)
        self.tls_address = (host, tls_port)
        self.limit = count
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

    def connect(self, tls=False):
        return socket.create_connection(self.tls_address if tls else self.address, TRY_S)

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


ATTACKS = {job.__name__: job for job in (smuggle,)}


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Attack a module of one's own.")
    parser.add_argument("name", choices=sorted(ATTACKS))
    parser.add_argument("url")
    parser.add_argument("--tls-port", type=int)
    parser.add_argument("--count", type=int)
    options = parser.parse_args(arguments)
    place = urlsplit(options.url)
    attack = Attack(place.hostname, place.port or 80, options.tls_port, options.count)
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
