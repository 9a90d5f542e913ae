"""Asks an NTP server for the time, now and then, and never waits in a call.

Loaded when settings have `time.server`. What the clock is set to is for people to read: no
deadline hangs on it.
"""

from micropython import const

from holdfast.shell.portable import asking, report, sleep_ms
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
        self._told = False  # that nobody answers

    async def run(self, server):
        """Ask this server, (host, port), for ever."""
        while True:
            try:
                if not await self.ask(server):
                    self._note("%s does not want to be asked" % server[0])
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
        found = None
        try:
            if host is not None:
                found = await self._exchange(host, port)
        except OSError:
            pass  # no network: later
        except BadReply as error:
            if error.kiss in _GO_AWAY:
                return False
        if found is None:
            if not self._told:
                self._told = True
                self._note("no good answer from %s" % server[0])
            self.pause_ms = min(2 * self.pause_ms, LONGEST_MS)
            return True
        self._told = False
        self.pause_ms = LONGEST_MS
        before = self._clock.epoch_ms()
        step = self._clock.set(found)
        if not before:
            self._note("set by %s" % server[0])
        elif abs(step) >= _NOTICED_MS:
            self._note("set by %s, by %d s" % (server[0], step // 1000))
        return True

    async def _exchange(self, host, port):
        """UTC in ms as of now, None when nobody answers; BadReply for one that says no."""
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
                strangers += 1
                await sleep_ms(0)
            return None
        finally:
            sock.close()
