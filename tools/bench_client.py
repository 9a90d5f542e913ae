"""The heartbeat client of the bench: raw sockets and requests made beforehand.

So the server is what is measured. One that answers HTTP/1.0 or `Connection: close` is left at once
and called again, as any client would.
"""

import hashlib
import itertools
import os
import re
import select
import socket
import time

USER = "root"
PASSWORD = "pass"
TARGET = "/vapix/axhbt"
BODY = b'{"axhbt:Heartbeat": {"Duration": 10000}}'
TIMEOUT_S = 60  # under callgrind a server is a hundred times slower
LIMIT_BYTES = 65536


class BenchError(Exception):
    """A server that did not do its job."""


def md5(text):
    """The MD5 of a text, in hexadecimal."""
    return hashlib.md5(text.encode()).hexdigest()


class Master:
    """One account's heartbeats: what to send, and whether an answer is a good one."""

    def __init__(self, port, keep=True):
        self._challenge = None
        self._account = self._resource = ""
        self._count = itertools.count(1)
        self._ready = iter(())
        head = f"POST {TARGET} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        if not keep:
            head += "Connection: close\r\n"
        self._head = head
        self._tail = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"

    def challenged(self, answer):
        """Take a 401: from here on every request carries its proof."""
        for found in re.findall(rb"\r\nWWW-Authenticate: Digest ([^\r]*)", answer, re.I):
            fields = dict(re.findall(r'(\w+)="?([^",]*)', found.decode()))
            if fields.get("algorithm", "MD5") == "MD5":
                break
        else:
            raise BenchError(f"no Digest challenge with MD5 in {answer[:200]!r}")
        self._challenge = fields
        self._account = md5(f"{USER}:{fields['realm']}:{PASSWORD}")
        self._resource = md5(f"POST:{TARGET}")
        self._ready = iter(())

    def prepare(self, count):
        """Make this many requests now, so that none has to be made while the clock runs."""
        self._ready = iter([self._make() for _ in range(count)])

    def request(self):
        """The next request."""
        return next(self._ready, None) or self._make()

    def _make(self):
        return f"{self._head}{self._proof()}{self._tail}".encode() + BODY

    def _proof(self):
        """The Authorization header as common clients write it: nc rises, cnonce is new."""
        if not self._challenge:
            return ""
        realm, nonce = self._challenge["realm"], self._challenge["nonce"]
        serial, own = f"{next(self._count):08x}", os.urandom(4).hex()
        response = md5(f"{self._account}:{nonce}:{serial}:{own}:auth:{self._resource}")
        return (
            f'Authorization: Digest username="{USER}", realm="{realm}", nonce="{nonce}", '
            f'uri="{TARGET}", response="{response}", '
            f'qop=auth, nc={serial}, cnonce="{own}"\r\n'
        )


class Client:
    """One connection at a time, opened again whenever the server closes it."""

    def __init__(self, port, keep=True, timeout_s=TIMEOUT_S):
        self.master = Master(port, keep)
        self.connections = 0
        self._address = ("127.0.0.1", port)
        self._keep = keep
        self._timeout_s = timeout_s
        self._socket = None
        self._answer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def connected(self):
        """Whether the next heartbeat can go out on the connection there is."""
        return self._socket is not None

    def fileno(self):
        """For poll."""
        return self._socket.fileno()

    def close(self):
        """Leave the server."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def send(self):
        """Send the next heartbeat, on a new connection where the last one ended."""
        if not self._socket:
            self._socket = socket.create_connection(self._address, self._timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
        self._socket.sendall(self.master.request())

    def receive(self):
        """Read what is there; the whole answer once it is complete, else None."""
        piece = self._socket.recv(LIMIT_BYTES)
        if not piece:
            raise BenchError(f"closed after {self._answer[:200]!r}")
        answer = self._answer = self._answer + piece
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = answer[:end].lower()
        start = head.find(b"\r\ncontent-length:")
        if start < 0:
            raise BenchError(f"no Content-Length in {answer[:200]!r}")
        length = int(head[start + 17 :].split(b"\r\n", 1)[0])
        if len(answer) < end + 4 + length:
            return None
        self._answer = b""
        keeps = head.startswith(b"http/1.1") and b"\r\nconnection: close" not in head
        if not (keeps and self._keep):
            self.close()
        return answer

    def exchange(self):
        """One request and its answer."""
        self.send()
        while True:
            answer = self.receive()
            if answer is not None:
                return answer

    def beat(self):
        """One heartbeat that must succeed."""
        check(self.exchange())

    def meet(self):
        """Make the server's acquaintance: learn its nonce, if it asks for one, and beat once."""
        answer = self.exchange()
        if answer[9:12] == b"401":
            self.master.challenged(answer)
            answer = self.exchange()
        check(answer)


def check(answer):
    """Raise for anything but a heartbeat's 200 with a session."""
    if answer[9:12] != b"200" or b"SessionId" not in answer:
        raise BenchError(f"expected a session, got {answer[:200]!r}")


def load(port, clients, seconds, keep=True):
    """Heartbeats per second of so many clients, and the share of a processor these took."""
    team = [Client(port, keep) for _ in range(clients)]
    try:
        for client in team:
            client.meet()
        expected, _ = _drive(team, min(0.3, seconds))
        for client in team:
            client.master.prepare(int(expected * seconds / clients * 1.3))
        return _drive(team, seconds)
    finally:
        for client in team:
            client.close()


def _drive(team, seconds):
    """Keep one heartbeat of every client under way for so long."""
    poller = select.poll()
    by_number = {}
    done = 0

    def start(client):
        client.send()
        by_number[client.fileno()] = client
        poller.register(client.fileno(), select.POLLIN)

    for client in team:
        start(client)
    processor, begin = time.process_time(), time.perf_counter()
    end = begin + seconds
    while (now := time.perf_counter()) < end:
        for number, _ in poller.poll(1000):
            client = by_number[number]
            answer = client.receive()
            if answer is None:
                continue
            check(answer)
            done += 1
            if client.connected:
                client.send()
            else:
                poller.unregister(number)
                start(client)
    took = now - begin
    processor = time.process_time() - processor
    _finish(team)
    return done / took, processor / took


def _finish(team):
    """Take the answers still under way."""
    for client in team:
        while client.receive() is None:
            pass
