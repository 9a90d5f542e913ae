"""Asks an NTP server for the time, now and then, and never waits in a call.

Loaded when settings have `time.server`. What the clock is set to is for people to read: no
deadline hangs on it.
"""

from micropython import const

from holdfast.runtime.portable import report, sleep_ms
from holdfast.runtime.sockets import asking
from holdfast.wire.sntp import PACKET_BYTES, BadReply, answer, question

FIRST_MS = const(16000)  # between two questions while nobody has answered, then twice as long, ..
LONGEST_MS = const(3600 * 1000)  # .. and so long when somebody has: a board's clock drifts 0.1 s
_WAIT_MS = const(2000)  # for an answer
_LOOK_MS = const(10)
_STRANGERS = const(16)  # packets that are no answer, then this question is given up
_NOTICED_MS = const(1000)  # a step that is worth an entry in the log
_GO_AWAY = (b"DENY", b"RSTR")  # RFC 5905 section 7.4: not to be asked again


class TimeKeeper:
    """clock: of the HAL, whose UTC is set. note: a function(text) for the event log. resolve: a
    coroutine function(name) for an address as text or None; without it hosts are in digits.
    """

    def __init__(self, clock, random_bytes, note, resolve=None):
        self.pause_ms = FIRST_MS
        self._clock = clock
        self._random_bytes = random_bytes
        self._note = note
        self._resolve = resolve
        self._told = None  # why there is no time, as the log has it

    async def run(self, server):
        """Ask this server, (host, port), for ever."""
        while True:
            try:
                if not await self.ask(server):
                    return
            except MemoryError:
                pass  # later
            except Exception as error:
                report(error)
            await sleep_ms(self.pause_ms)

    async def ask(self, server):
        """Ask once; False when that must not be done again."""
        host, port = server
        if self._resolve is not None:
            host = await self._resolve(host)
        try:
            if host is None:
                raise BadReply("no address is known for the name")
            found = await self._exchange(host, port)
        except OSError:
            self._refused("the network does not reach it", server)
            return True
        except BadReply as error:
            if error.kiss in _GO_AWAY:
                self._refused("%s, and is not asked again" % error, server)
                return False
            self._refused(str(error), server)
            return True
        self._told = None
        self.pause_ms = LONGEST_MS
        before = self._clock.epoch_ms()
        step = self._clock.set(found)
        if not before:
            self._note("set by %s" % server[0])
        elif abs(step) >= _NOTICED_MS:
            self._note("set by %s, by %d s" % (server[0], step // 1000))
        return True

    def _refused(self, why, server):
        """There is no time: note why, when that is another reason than before; ask later."""
        self.pause_ms = min(2 * self.pause_ms, LONGEST_MS)
        if why != self._told:
            self._told = why
            self._note("no time: %s (%s)" % (why, server[0]))

    async def _exchange(self, host, port):
        """UTC in ms as of now; BadReply says why there is none."""
        why = "no answer within 2 s"
        cookie = self._random_bytes(8)
        sock, place = asking(host, port)
        try:
            sent = self._clock.now()
            sock.sendto(question(cookie), place)
            strangers = 0
            while self._clock.now() - sent < _WAIT_MS and strangers < _STRANGERS:
                try:
                    data, source = sock.recvfrom(PACKET_BYTES)
                except OSError:
                    await sleep_ms(_LOOK_MS)  # nothing yet
                    continue
                received = self._clock.now()
                try:
                    if source == place:
                        return answer(data, cookie, sent, received)
                except BadReply as error:
                    if error.kiss:
                        raise
                    why = str(error)
                strangers += 1
                await sleep_ms(0)
            raise BadReply(why)
        finally:
            sock.close()
