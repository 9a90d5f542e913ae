"""Sends the notifications that rules made: one task, one connection at a time, bounded.

Loaded when a rule has a notification to send. The task lives as long as something waits. It never
waits in a socket: it looks, and sleeps between two looks, so a step that takes too long just ends,
and a receiver that hangs, drips or floods costs a few looks. A notification that failed is tried
again with growing pauses; one receiver's failures hold up nobody else's, and its own come in their
order.
"""

import asyncio
import errno
import socket

from micropython import const

from holdfast.core.rules import OUTGOING
from holdfast.shell.portable import PIECE_BYTES, read_into, report, sleep_ms, write
from holdfast.wire.httpclient import HEAD_BYTES, BadReply, request, status

PAUSES_MS = (1000, 5000, 15000, 60000)  # before a second, third, .. try; after the last none
_STEP_MS = const(5000)  # for each: to connect, to send, to be answered
_REST_MS = const(500)  # for the rest of an answer, so that no reset destroys what the peer sends
_REST_BYTES = const(4096)
_LOOK_MS = const(20)
_READ_BYTES = const(256)

# What a connection that is still being made says to a write; then it says how it ended.
_UNDER_WAY = (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN, errno.ENOTCONN)
_TRY_AGAIN = (408, 429)  # of 4xx; the others would be said again (RFC 9110 section 15.5)


class Queue:
    """Notifications that wait, oldest first: `(action, tries, due)`; action: of core.rules.

    `sent` and `failed` count what became of them; failed is what was given up, too.
    """

    def __init__(self):
        self.waiting = []
        self.sent = 0
        self.failed = 0

    def put(self, action, now):
        """Add one; the oldest gives way."""
        if len(self.waiting) == OUTGOING:
            self.waiting.pop(0)
            self.failed += 1
        self.waiting.append((action, 0, now))

    def next(self, now):
        """Take out the first that is due and waits behind none to the same receiver; or None."""
        behind = []
        for i, (action, _, due) in enumerate(self.waiting):
            receiver = action[1:3]
            if receiver not in behind:
                if now >= due:
                    return self.waiting.pop(i)
                behind.append(receiver)
        return None

    def settle(self, entry, answer, now):
        """Note how a try ended: the status of the answer, None for no answer."""
        action, tries, _ = entry
        final = answer is not None and 400 <= answer < 500 and answer not in _TRY_AGAIN
        if answer is not None and 200 <= answer < 300:
            self.sent += 1
        elif final or tries == len(PAUSES_MS) or len(self.waiting) == OUTGOING:
            self.failed += 1
        else:
            self.waiting.insert(0, (action, tries + 1, now + PAUSES_MS[tries]))


class Outbound:
    """The sender. now: a function() that gives ms of the module's time; occupy: a function(count)
    that is told how many of the board's connections are in use here.
    """

    def __init__(self, now, occupy):
        self.queue = Queue()
        self._now = now
        self._occupy = occupy
        self._task = None

    def take(self, rules):
        """Take over what the Rules have outgoing; after a MemoryError it is still there."""
        outgoing = rules.outgoing
        if outgoing and self._task is None:
            self._task = asyncio.create_task(self._run())
        while outgoing:
            self.queue.put(outgoing[0][0], self._now())
            outgoing.pop(0)
        self.queue.failed += rules.lost
        rules.lost = 0

    async def _run(self):
        """Send until nothing waits."""
        queue = self.queue
        try:
            while queue.waiting:
                entry = None
                try:
                    entry = queue.next(self._now())
                    if entry is None:
                        await sleep_ms(_LOOK_MS)
                    else:
                        answer = await self._try(entry[0])
                        queue.settle(entry, answer, self._now())
                except MemoryError:
                    if entry is not None:
                        queue.failed += 1
                    await sleep_ms(_LOOK_MS)
        finally:
            self._task = None

    async def _try(self, action):
        """The status of the answer, None for none."""
        try:
            return await self._send(action)
        except (OSError, BadReply, MemoryError):
            pass  # a receiver that is not there is normal
        except Exception as error:
            report(error)
        return None

    async def _send(self, action):
        """Connect, send, read; the status of the answer, None when a step took too long."""
        _, host, port, target, message, login, password = action
        data = request(host, port, target, message.encode(), login, password)
        self._occupy(1)
        sock = None
        try:
            sock = socket.socket()
            sock.setblocking(False)
            try:
                # An address in digits, so nothing is asked and nothing blocks.
                sock.connect(socket.getaddrinfo(host, port)[0][-1])
            except OSError as error:
                if error.errno not in _UNDER_WAY:
                    raise
            if not await self._write(sock, data):
                return None
            return await self._answer(sock)
        finally:
            if sock is not None:
                sock.close()
            self._occupy(0)

    async def _write(self, sock, data):
        """Write all of it; False when that takes too long. The first write tells whether the
        connection was made: not every port can be asked for that in another way.
        """
        view = memoryview(data)
        count = 0
        deadline = self._now() + _STEP_MS
        while True:
            try:
                written = write(sock, view[count : count + PIECE_BYTES]) or 0
            except OSError as error:
                if count or error.errno not in _UNDER_WAY:
                    raise
                written = 0
            if written and not count:
                deadline = self._now() + _STEP_MS
            count += written
            if count == len(data):
                return True
            if self._now() >= deadline:
                return False
            await sleep_ms(_LOOK_MS)

    async def _answer(self, sock):
        """The status of the answer, None when none came in time."""
        buffer = bytearray(_READ_BYTES)
        head = b""
        answer = None
        total = 0
        deadline = self._now() + _STEP_MS
        while self._now() < deadline:
            try:
                count = read_into(sock, buffer)
            except OSError:
                break  # nothing more will come; what came counts
            if count is None:
                await sleep_ms(_LOOK_MS)
                continue
            total += count
            if not count or total > _REST_BYTES:
                break
            if answer is None:
                head += buffer[:count]
                answer = status(head)
                if answer is not None:
                    deadline = self._now() + _REST_MS
                elif total > HEAD_BYTES:
                    break
            await sleep_ms(0)  # others have their turn, however much comes
        return answer
