"""One HTTP request to somebody and the status of the answer, with a deadline for every step.

It never waits in a socket: it looks, and sleeps between two looks, so a step that takes too long
just ends, and a receiver that hangs, drips or floods costs a few looks.

What can hold up the loop all the same is the arithmetic of a TLS handshake, in the C code of
MicroPython: one piece of it is 0.34 s on a Pico W with an elliptic curve certificate (4.3 s for
the side that signs with RSA 2048, which here is the receiver; verifying takes a small part of
that), and all that goes on beside it has made it the board's TLS_STALL_MS. So no step of a
handshake is taken while a deadline of the module is as near as that; on rp2 the hard timer stands
behind it, too. A session has 21 KB of buffers, for as long as it lasts.
"""

import errno
import select
import socket
from binascii import a2b_base64

from micropython import const

from holdfast.core.notifications import NoAnswer
from holdfast.runtime.memory import load
from holdfast.runtime.portable import PIECE_BYTES, read_into, sleep_ms, write
from holdfast.runtime.sockets import secure, trusting
from holdfast.wire.httpclient import HEAD_BYTES, BadReply, status

_STEP_MS = const(5000)  # for each: to connect, to agree on TLS, to send, to be answered
_REST_MS = const(500)  # for the rest of an answer, so that no reset destroys what the peer sends
_REST_BYTES = const(4096)
_LOOK_MS = const(20)
_READ_BYTES = const(256)

# What connect says when it has begun.
_UNDER_WAY = (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN)

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"


class Exchange:
    """All that requests need of the board.

    now: a function() for ms; quiet: a function(ms), is nothing due for so long; stall_ms: how long
    a step of a handshake may hold up the loop; occupy: a function(count) that is told how many of
    the board's connections are in use here; servers: a function() for rows (address, port) that
    know names; storage: with the file of trusted certificates; certificate: a function() for its
    name; random_bytes: a function(n).
    """

    def __init__(self, now, quiet, stall_ms, occupy, servers, storage, certificate, random_bytes):
        self._now = now
        self._quiet = quiet
        self._stall_ms = stall_ms
        self._occupy = occupy
        self._servers = servers
        self._storage = storage
        self._certificate = certificate
        self._random_bytes = random_bytes
        self._resolver = None

    def forget(self):
        """The network is another one: names are asked for anew, from whoever knows them there."""
        self._resolver = None

    async def send(self, receiver, data):
        """The status of the answer to `data`, a whole request; NoAnswer, MemoryError."""
        tls, host, port = receiver
        address = host
        if not host.rpartition(".")[
            2
        ].isdigit():  # as settings.address lets names and addresses be
            address = await self._resolve(host)
        self._occupy(1)
        sock = None
        try:
            sock = socket.socket()
            sock.setblocking(False)
            await self._connect(sock, host, address, port)
            if tls:
                sock = self._secure(sock, host)
            await self._write(sock, data, tls)
            return await self._answer(sock)
        except OSError:
            raise NoAnswer("the connection broke")
        finally:
            if sock is not None:
                sock.close()
            self._occupy(0)

    async def _resolve(self, host):
        if self._resolver is None:
            make = load("holdfast.client.resolver", "Resolver")
            self._resolver = make(self._servers, self._now, self._random_bytes)
        address = await self._resolver.resolve(host)
        if address is None:
            raise NoAnswer("no address is known for the name")
        return address

    async def _connect(self, sock, host, address, port):
        try:
            # An address in digits, so nothing is asked and nothing blocks.
            sock.connect(socket.getaddrinfo(address, port)[0][-1])
        except OSError as error:
            if error.errno not in _UNDER_WAY:
                self._failed(host, address)
                raise
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        deadline = self._now() + _STEP_MS
        while True:
            ready = poll.poll(0)
            if ready:
                break
            if self._now() >= deadline:
                self._failed(host, address)
                raise NoAnswer("no connection in time")
            await sleep_ms(_LOOK_MS)
        if ready[0][1] & (select.POLLERR | select.POLLHUP):
            self._failed(host, address)
            raise NoAnswer("no connection")

    def _failed(self, host, address):
        if self._resolver is not None:
            self._resolver.failed(host, address)

    def _secure(self, sock, host):
        try:
            return secure(sock, trusting(self._certificates()), host)
        except (ValueError, OSError):
            sock.close()
            raise NoAnswer("the file of uplinks.certificate is no certificate")

    def _certificates(self):
        """What is trusted, as a list of DER; the file is one of these, or PEM with some."""
        data = self._storage.read(self._certificate())
        if not data:
            raise NoAnswer("there is no file of uplinks.certificate")
        if _BEGIN not in data:
            return [data]
        return [a2b_base64(part.partition(_END)[0]) for part in data.split(_BEGIN)[1:]]

    async def _write(self, sock, data, tls):
        """Write all of it. With TLS the handshake comes with the first piece."""
        view = memoryview(data)
        count = 0
        deadline = self._now() + _STEP_MS
        moments = 0  # in which a handshake could go on
        while True:
            now = self._now()
            written = 0
            if count or not tls or self._quiet(self._stall_ms):
                moments += 1
                try:
                    written = write(sock, view[count : count + PIECE_BYTES]) or 0
                except (OSError, ValueError):
                    if tls and not count:
                        raise NoAnswer("TLS failed: its certificate is not trusted, or not TLS")
                    raise NoAnswer("no connection" if not count else "the connection broke")
            if written and not count:
                deadline = now + _STEP_MS
            count += written
            if count == len(data):
                return
            if now >= deadline:
                if not moments:
                    raise NoAnswer("no time for TLS: a heartbeat or an output was due all along")
                raise NoAnswer("TLS not ready in time" if tls and not count else "not taken")
            await sleep_ms(0 if written else _LOOK_MS)

    async def _answer(self, sock):
        """The status of the answer."""
        buffer = bytearray(_READ_BYTES)
        head = b""
        answer = None
        total = 0
        deadline = self._now() + _STEP_MS
        why = "no answer in time"
        while self._now() < deadline:
            try:
                count = read_into(sock, buffer)
            except (OSError, ValueError):
                count = 0  # nothing more will come; what came counts
            if count is None:
                await sleep_ms(_LOOK_MS)
                continue
            total += count
            if not count or total > _REST_BYTES:
                why = "no whole answer"
                break
            if answer is None:
                head += buffer[:count]
                try:
                    answer = status(head)
                except BadReply:
                    raise NoAnswer("the answer is not HTTP")
                if answer is not None:
                    deadline = self._now() + _REST_MS
                elif total > HEAD_BYTES:
                    why = "no whole answer"
                    break
            await sleep_ms(0)  # others have their turn, however much comes
        if answer is None:
            raise NoAnswer(why)
        return answer
