"""The connections a board has, which is few, and who gives way when they are all taken.

A Pico W has five TCP connections in all, and a newcomer takes one before any of our code has seen
it. So one is kept free: when the last is taken, somebody gives way, in this order: where an
address has more than two strangers, those that were answered and ask nothing now, then the third
and those after it; other strangers; clients that are logged in or come from the address of a
living master; of each the longest idle first. Strangers have a moment to speak,
but not when a living master needs their place; and while one that has closed its connection is to
come again, no second stranger stays in the last place, which is free again at once. The connection
through which a living session was last fed never gives way, nor does an event stream: when only
those are left, a newcomer is served in the last place and told to close.
"""

from micropython import const

from holdfast.runtime.portable import address_text

GRACE_MS = const(250)  # a newcomer does not give way before it could speak, ..
_STRANGER_PLACES = const(2)  # .. but for the third of an address and those after it
_PLACES_BESIDE_STREAMS = const(2)  # one free for whoever comes, one for requests
_ADDRESSES = const(16)  # of masters that connect for each heartbeat

# Who gives way when memory runs out, the lowest first.
_STRANGER = const(0)
_CLIENT = const(1)
_STREAM = const(2)
_MASTER = const(3)


class Connections:
    """All connections of a board that has `limit` of them, oldest first."""

    def __init__(self, limit):
        self.all = []
        self.outgoing = 0  # of the board's connections, those that the module itself has made
        self.limit = limit
        # Masters whose connection has ended, latest last: (address, session, its last feed there).
        self._left = []

    def taken(self):
        """True when not one is free, counting those about to end."""
        return len(self.all) + self.outgoing >= self.limit

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
        return count >= max(1, self.limit - _PLACES_BESIDE_STREAMS)

    def leave(self, connection):
        """A connection has ended. The address of a living master is remembered, if there is memory
        for that: the place is free, and the socket closed, in a full heap, too.
        """
        self.all.remove(connection)
        if not self.feeds(connection):
            return
        try:
            # No comprehension: its cell for the session would need memory before all else.
            left = []
            session = connection.session
            for row in self._left:
                if row[1].id and row[1] is not session:
                    left.append(row)
            left.append((address_text(connection.peer), session, session.last_at))
            self._left = left[-_ADDRESSES:]
        except MemoryError:
            pass  # whoever calls from there is a stranger until its next heartbeat

    def known(self, connection):
        """True when it is logged in, or comes from the address of a living master."""
        if connection.caller.account is not None:
            return True
        address = address_text(connection.peer)
        if not address:
            return False
        for row in self._left:
            if row[0] == address and row[1].id is not None:
                return True
        for other in self.all:
            if self.feeds(other) and address_text(other.peer) == address:
                return True
        return False

    def _awaits(self):
        """True while a session lives that was last fed through a connection that has ended: its
        master will come again.
        """
        for row in self._left:
            if row[1].id is not None and row[1].last_at == row[2]:
                return True
        return False

    def make_room(self, now, secure=False, newcomer=None):
        """End the connection that gives way; False when there is none. secure: one with TLS.
        newcomer: who has just taken the last place.
        """
        victim = None
        lowest = None
        strangers = 0
        urgent = newcomer is not None and self.known(newcomer)
        for connection in self.all:
            if secure and not connection.secure:
                continue
            if connection.ended:
                return True  # its place is free in a moment
            known = self.known(connection)
            if not known:
                strangers += 1
            rank = self._rank(connection, now, known, urgent)
            if rank is not None and (victim is None or rank < lowest):
                victim = connection
                lowest = rank
        if victim is None and strangers > 1 and not urgent and self._awaits():
            victim = newcomer
        if victim is None:
            return False
        victim.end()
        return True

    def _rank(self, connection, now, known, urgent):
        """Who gives way first has the lowest; None for who does not. urgent: at once."""
        if connection.endless or not connection.heard or self.feeds(connection):
            return None  # a handshake has a short time of its own
        if connection.deadline is None:
            return None  # its change is being saved
        if connection.lingering:
            return (0, connection.last_at)
        if not known and self._strangers(connection, None) > _STRANGER_PLACES:
            # A program that opens another connection for each request leaves the others idle.
            if connection.asked and not connection.partial:
                return (1, connection.last_at)
            if self._strangers(connection, connection) >= _STRANGER_PLACES:
                return (2, connection.last_at)
        if now < connection.grace and (known or not urgent):
            return None
        return (4 if known else 3, connection.last_at)

    def _strangers(self, stranger, end):
        """How many strangers of its address there are, or came before `end`."""
        address = address_text(stranger.peer)
        count = 0 if address else -self.limit
        for other in self.all:
            if other is end:
                break
            if other.caller.account is None and address_text(other.peer) == address:
                count += 1
        return count

    def feeds(self, connection):
        """True for the connection through which a living session was last fed."""
        session = connection.session
        if session is None or session.id is None:
            return False
        # What fed it earlier may be dead: a peer that vanished says nothing.
        return connection.fed_at == session.last_at

    def overdue(self, connection, now):
        """True when the deadline has passed; an idle master whose session lives has none."""
        deadline = connection.deadline
        if deadline is None or now < deadline:
            return False
        return connection.partial or connection.lingering or not self.feeds(connection)

    def newest(self, asker, holding=False):
        """The connection that gives way when memory runs out for `asker` (None: for whoever comes
        next): the newest of those that count least, and less than the asker; None when there is
        none, so that the asker gives way itself.

        holding: one that holds part of a request, memory that can be had at once; of strangers
        each gives way for the other.
        """
        least = _STREAM if asker is None else self._counts(asker)
        if holding:
            least = max(least, _CLIENT)
        victim = None
        for connection in reversed(self.all):
            if connection is asker or connection.ended or (holding and not connection.rest):
                continue
            if connection.deadline is None and connection.stream is None:
                continue  # its change is being saved
            counts = self._counts(connection)
            if counts < least:
                victim = connection
                least = counts
        return victim

    def _counts(self, connection):
        if self.feeds(connection):
            return _MASTER
        if connection.endless:
            return _STREAM
        return _CLIENT if self.known(connection) else _STRANGER
