"""The connections a board has, which is few, and who gives way when they are all taken.

A Pico W has five TCP connections in all, and a newcomer takes one before any of our code has seen
it. So one is kept free: when the last is taken, somebody gives way. First whoever has not
authenticated, the longest idle first, then idle clients that are no master. The connection through
which a living session was last fed never gives way, nor does an event stream: when only those are
left, a newcomer is served in the last place and told to close.
"""

from micropython import const

_GRACE_MS = const(250)  # a newcomer does not give way before it could speak
_PLACES_BESIDE_STREAMS = const(2)  # one free for whoever comes, one for requests


class Connections:
    """All connections of a board that has `limit` of them, oldest first."""

    def __init__(self, limit):
        self.all = []
        self.outgoing = 0  # of the board's connections, those that the module itself has made
        self._limit = limit

    def taken(self):
        """True when not one is free, counting those about to end."""
        return len(self.all) + self.outgoing >= self._limit

    def crowded_by(self, connection):
        """True for the one in the last place, when none is free nor about to be."""
        if not self.taken() or connection is not self.all[-1]:
            return False
        for other in self.all:
            if other.ended:
                return False
        return True

    def streams_full(self):
        """True when one more event stream would leave too little for masters."""
        count = 0
        for connection in self.all:
            if connection.endless:
                count += 1
        return count >= max(1, self._limit - _PLACES_BESIDE_STREAMS)

    def make_room(self, now, secure=False):
        """End the connection that gives way; False when there is none. secure: one with TLS."""
        victim = None
        lowest = None
        for connection in self.all:
            if secure and not connection.secure:
                continue
            if connection.ended:
                return True  # its place is free in a moment
            rank = self._rank(connection, now)
            if rank is not None and (victim is None or rank < lowest):
                victim = connection
                lowest = rank
        if victim is None:
            return False
        victim.end()
        return True

    def _rank(self, connection, now):
        """Who gives way first has the lowest; None for who never does."""
        if connection.endless or now - connection.since < _GRACE_MS:
            return None
        if connection.deadline is None:
            return None  # its change is being saved
        if not connection.heard:
            return None  # in its handshake, which has a short time of its own
        if self.feeds(connection):
            return None
        if connection.lingering:
            return (0, connection.last_at)
        return (1 if connection.caller.account is None else 2, connection.last_at)

    def feeds(self, connection):
        """True for the connection through which a living session was last fed."""
        session = connection.caller.session
        if session is None or session.id is None:
            return False
        # What fed it earlier may be dead: a peer that vanished says nothing.
        return connection.caller.fed_at == session.last_at

    def overdue(self, connection, now):
        """True when the deadline has passed; an idle master whose session lives has none."""
        deadline = connection.deadline
        if deadline is None or now < deadline:
            return False
        return connection.partial or connection.lingering or not self.feeds(connection)

    def newest(self, spared, holding=False):
        """The newest connection that may give way, not `spared`; None when there is none.

        holding: only one that holds part of a request, memory that can be had at once.
        """
        for connection in reversed(self.all):
            if connection is spared or connection.ended or self.feeds(connection):
                continue
            if connection.deadline is None and connection.stream is None:
                continue  # its change is being saved
            if connection.rest or not holding:
                return connection
        return None
