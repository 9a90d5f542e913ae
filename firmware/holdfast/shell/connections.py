"""The connections a board has, which is few, and who gives way when they are all taken.

A Pico W has five TCP connections in all, and a newcomer takes one before any of our code has seen it.
So one is kept free: when the last is taken, somebody gives way. First whoever has not authenticated,
the longest idle first, then idle clients that are no master. The connection through which a living
session was last fed never gives way, nor does an event stream: when only those are left, a newcomer
is served in the last place and told to close.
"""

import asyncio

from holdfast.shell.dispatch import Caller
from holdfast.wire.buffer import ReceiveBuffer
from holdfast.wire.http import HEAD_BYTES, RequestReader

# All absolute, from the moment named: a client that drips bytes gains nothing.
FIRST_REQUEST_MS = 5000  # from accept to the first complete request
REQUEST_MS = 5000  # from the first byte of a request to its last
SEND_MS = 5000  # for the peer to take an answer
IDLE_MS = 75000  # between requests; common clients and proxies keep for 60 s
LINGER_MS = 1000  # after a refusal, for the peer to read it before a reset could destroy it
GRACE_MS = 250  # a newcomer does not give way before it could speak

_PLACES_BESIDE_STREAMS = 2  # one free for whoever comes, one for requests


class Connection:
    """One TCP connection and all that belongs to it."""

    def __init__(self, sock, now):
        self.sock = sock
        self.buffer = ReceiveBuffer(HEAD_BYTES)
        self.reader = RequestReader(self.buffer)
        self.caller = Caller()
        self.stream = None
        self.task = None  # reads and answers, and closes the socket when it ends
        self.writer = None  # of an event stream
        self.joining = False  # the task waits for the writer to end
        self.since = now
        self.last_at = now  # when the last request was complete
        self.deadline = now + FIRST_REQUEST_MS  # None: somebody else watches
        self.lingering = False
        self.ended = False  # its task was told to end

    def idle(self, now):
        """Note that an answer is sent; the next request may begin or have begun."""
        limit_ms = REQUEST_MS if self.reader.pending() else IDLE_MS
        self.deadline = now + limit_ms

    def begun(self, now):
        """Note that part of a request has come; its time runs from the first byte."""
        self.deadline = min(self.deadline, now + REQUEST_MS)

    def end(self):
        """Make the task end; it closes the socket. A task that ends itself sees `ended`."""
        if self.ended:
            return
        self.ended = True
        current = asyncio.current_task()
        # MicroPython passes a cancel on to the task that is waited for, and none can cancel itself.
        if current is not self.task and not (self.joining and current is self.writer):
            self.task.cancel()


class Connections:
    """All connections of a board that has `limit` of them."""

    def __init__(self, limit):
        self.all = []
        self.limit = limit

    def taken(self):
        """True when not one is free, counting those about to end."""
        return len(self.all) >= self.limit

    def crowded(self):
        """True when not one is free nor about to be."""
        return self.taken() and not any(connection.ended for connection in self.all)

    def streams_full(self):
        """True when one more event stream would leave too little for masters."""
        count = 0
        for connection in self.all:
            if connection.stream is not None:
                count += 1
        return count >= max(1, self.limit - _PLACES_BESIDE_STREAMS)

    def make_room(self, now):
        """End the connection that gives way; False when there is none."""
        victim = None
        for connection in self.all:
            rank = self._rank(connection, now)
            if connection.ended:
                return True  # its place is free in a moment
            if rank is not None and (victim is None or rank < victim[0]):
                victim = (rank, connection)
        if victim is None:
            return False
        victim[1].end()
        return True

    def _rank(self, connection, now):
        """What decides who gives way first, None for who never does."""
        if connection.stream is not None or now - connection.since < GRACE_MS:
            return None
        if self._feeds(connection):
            return None
        if connection.lingering:
            return (0, connection.last_at)
        return (1 if connection.caller.account is None else 2, connection.last_at)

    def _feeds(self, connection):
        """True for the connection through which a living session was last fed."""
        session = connection.caller.session
        if session is None or session.id is None:
            return False
        for other in self.all:
            if other.caller.session is session and other.last_at > connection.last_at:
                return False
        return True

    def overdue(self, connection, now):
        """True when the connection's deadline has passed, but for a master whose session lives."""
        deadline = connection.deadline
        if deadline is None or now < deadline:
            return False
        return connection.reader.pending() or connection.lingering or not self._feeds(connection)

    def newest(self, spared=None):
        """The connection made last, not counting `spared`; None when there is no other."""
        for connection in reversed(self.all):
            if connection is not spared and not connection.ended:
                return connection
        return None
