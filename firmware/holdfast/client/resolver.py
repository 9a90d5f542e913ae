"""Host names into addresses: asks the network's servers over UDP and never waits in a call.

Loaded with the first name. A few answers are kept for as long as their servers say, within
bounds; that a name does not exist is not kept. What comes from elsewhere, with another number or
to another question is not listened to, and each question has a random number and a socket, so a
port, of its own. There is no asking again over TCP: what is cut off counts as far as it goes.
"""

from micropython import const

from holdfast.runtime.portable import sleep_ms
from holdfast.runtime.sockets import asking
from holdfast.wire.dns import MESSAGE_BYTES, BadReply, Refused, answer, question

TRIES = const(2)  # of each server
WAIT_MS = const(1000)  # for one answer
_LOOK_MS = const(20)
_STRANGERS = const(16)  # packets that are no answer, then the next server is asked
KEPT = const(8)  # names
SHORTEST_S = const(10)  # .. so long at least, ..
LONGEST_S = const(3600)  # .. and at most


class Resolver:
    """servers: a function() for rows (address, port), asked anew for every name: the network may
    come later, or be another one. now: a function() for ms; random_bytes: a function(n).
    """

    def __init__(self, servers, now, random_bytes):
        self._servers = servers
        self._now = now
        self._random_bytes = random_bytes
        self._kept = []  # (name, [addresses], until), the latest last

    async def resolve(self, name):
        """An address of the name, as text; None when it has none or nobody knows."""
        now = self._now()
        self._kept = [row for row in self._kept if now < row[2]]
        for row in self._kept:
            if row[0] == name:
                return row[1][0]
        for _ in range(TRIES):
            for server in self._servers():
                found = await self._ask(server, name)
                if found is None:
                    continue
                addresses, seconds = found
                if not addresses:
                    return None
                self._keep(name, addresses, seconds)
                return addresses[0]
        return None

    def failed(self, name, address):
        """Nobody is at this address of the name: another comes first, or it is asked for anew."""
        for row in self._kept:
            if row[0] == name and row[1][0] == address:
                row[1].pop(0)
                if not row[1]:
                    self._kept.remove(row)
                return

    def _keep(self, name, addresses, seconds):
        if len(self._kept) == KEPT:
            self._kept.pop(0)
        until = self._now() + 1000 * max(SHORTEST_S, min(seconds, LONGEST_S))
        self._kept.append((name, addresses, until))

    async def _ask(self, server, name):
        """(addresses, seconds) from one server; None when it does not answer, or cannot."""
        number = self._random_bytes(2)
        number = number[0] << 8 | number[1]
        sock, place = asking(*server)
        try:
            sock.sendto(question(number, name), place)
            until = self._now() + WAIT_MS
            for _ in range(_STRANGERS):
                data = await self._receive(sock, place, until)
                if data is None:
                    return None
                try:
                    return answer(data, number, name)
                except BadReply:
                    await sleep_ms(0)  # whoever that was, the answer may still come
            return None
        except (OSError, Refused):
            return None  # no network, or a server that cannot help
        finally:
            sock.close()

    async def _receive(self, sock, place, until):
        """The next packet, of a stranger an empty one; None when none came in time."""
        while self._now() < until:
            try:
                data, source = sock.recvfrom(MESSAGE_BYTES)
            except OSError:
                await sleep_ms(_LOOK_MS)  # nothing yet; what else there may be passes with time
                continue
            return data if source == place else b""
        return None
