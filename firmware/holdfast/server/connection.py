"""One TCP connection: what has come and is not used yet, its deadline, the ways to wait."""

import asyncio

from micropython import const

from holdfast.runtime.portable import PIECE_BYTES, readable, sleep_ms, writable, write
from holdfast.server.admission import GRACE_MS
from holdfast.server.dispatch import Caller
from holdfast.wire.http import RequestReader

# All from a moment that bytes do not move: a client that drips gains nothing.
_FIRST_REQUEST_MS = const(5000)  # from accept to the first complete request
_REQUEST_MS = const(5000)  # from the first byte of a request to its last
SEND_MS = const(5000)  # for the peer to take an answer
_IDLE_MS = const(75000)  # between requests; common clients and proxies keep for 60 s
LINGER_MS = const(1000)  # after our last word, so that a reset does not destroy it unread


class Connection:
    """A socket, who calls through it, and until when it may go on.

    `deadline` is data: the server's reaper looks at it and ends the task; None when somebody else
    watches. Only the connection's own task reads, by Server.take; only it writes, or the `writer`
    of its stream.
    """

    def __init__(self, sock, buffer, now):
        self.sock = sock
        self.rest = b""  # what has come and is not used yet
        self.partial = False  # a request has begun and is not complete
        self.reader = RequestReader(buffer)
        self.caller = Caller()
        self.endless = False  # it is a stream, or becomes one: that is on its way to the peer
        self.stream = None  # the event stream it has become
        self.task = None  # reads and answers, and closes the socket when it ends; once it runs
        self.writer = None
        self.joining = False  # the task waits for the writer to end
        self.gate = None  # what lets it in, for the TLS port
        self.secure = False  # its socket speaks TLS
        self.heard = True  # .. and the handshake is over
        self.dry = False  # the last look at the socket found nothing
        self.peer = None  # its address, as the socket tells it
        self.session = None  # the heartbeat session that it last fed, ..
        self.fed_at = None  # .. and when
        self.since = now
        self.grace = now + GRACE_MS  # until then it does not give way
        self.asked = False  # a request of it was answered
        self.last_at = now  # when the last one was complete
        self.deadline = now + _FIRST_REQUEST_MS
        self.lingering = False
        self.ended = False  # the task was told to end

    def answered(self, now):
        """Note that a request is answered. Who is challenged by that comes again at once."""
        if self.caller.account is not None:
            self.grace = now
        elif not self.asked:
            self.grace = now + GRACE_MS
        self.asked = True
        self.last_at = now
        self.deadline = now + _IDLE_MS

    def parsed(self, now):
        """Note that no complete request is left; one may have begun, its time runs from here."""
        self.partial = len(self.rest) > 0 or self.reader.pending()
        if self.partial:
            self.deadline = min(self.deadline, now + _REQUEST_MS)

    def end(self):
        """Make the task end; it closes the socket. A task that ends itself sees `ended`; when its
        last answer is not taken in time, it is told again, by the reaper.
        """
        self.ended = True
        if self.task is None:
            return  # a task that is cancelled before its first step would never close the socket
        current = asyncio.current_task()
        # MicroPython hands a cancel on to the task waited for, and none can cancel itself.
        if current is not self.task and not (self.joining and current is self.writer):
            self.task.cancel()

    def wait(self):
        """Wait until there may be bytes; EOFError when the task was told to end."""
        if self.ended:
            raise EOFError
        if not self.heard:
            return self.gate.wait(self)
        # What TLS has decrypted already no socket tells of: look first, after the others.
        return sleep_ms(0) if self.secure and not self.dry else readable(self.sock)

    async def send(self, data, now):
        """Send all of it, in pieces small enough for the smallest board."""
        length = len(data)
        count = 0
        if length <= PIECE_BYTES:
            count = write(self.sock, data) or 0
            if count == length:
                return
        view = memoryview(data)
        before = self.deadline
        self.deadline = now + SEND_MS
        while count < length:
            await writable(self.sock)
            count += write(self.sock, view[count : count + PIECE_BYTES]) or 0
        self.deadline = before
