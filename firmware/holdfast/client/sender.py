"""Everything the module sends by itself: heartbeats of its uplinks, and what rules notify. One
task, one connection at a time, bounded.

Loaded when there is an uplink, or a rule has a notification to send. What is due, and what becomes
of it, core says; how to get there, client.http.
"""

import asyncio

from micropython import const

from holdfast.core.notifications import NoAnswer, Notifications
from holdfast.runtime.memory import load
from holdfast.runtime.portable import report, sleep_ms
from holdfast.wire.httpclient import basic, request

_LOOK_MS = const(50)  # for what may be due


class Outbound:
    """The sender.

    module: whose links these are; turn: a function() that runs it and gives the time; exchange:
    the Lazy of client.http; storage: for the queues; quiet: a function(now), may flash be
    written; epoch_ms: a function(); serial: of the board; random_bytes: a function(n).
    """

    def __init__(self, module, turn, exchange, storage, quiet, epoch_ms, serial, random_bytes):
        self.notifications = Notifications(random_bytes)
        self.lost = 0  # of what was in flash: not in the rules any more, or damaged
        self._module = module
        self._turn = turn
        self._exchange = exchange
        self._storage = storage
        self._quiet = quiet
        self._epoch_ms = epoch_ms
        self._serial = serial
        self._loaded = False
        self._task = None

    def begin(self, rules):
        """Take over what waited when the power went off, and start."""
        links = self._module.links
        if links is None:
            return  # it starts with the first notification
        if not self._loaded:
            from holdfast.client import queue_file

            self._loaded = True
            now = self._turn()
            try:
                self.lost = queue_file.load(self._storage, links, rules, self._epoch_ms(), now)
            except OSError as error:
                print("holdfast: queued notifications cannot be read: %s" % error)
            if self.lost:
                print("holdfast: %d queued notifications are of no use any more" % self.lost)
        self._start()

    def _start(self):
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def take(self, rules, now):
        """Take over what the Rules have outgoing; after a MemoryError it is still there."""
        outgoing = rules.outgoing
        if outgoing:
            self._start()
        links = self._module.links
        while outgoing:
            action = outgoing[0][0]
            link = None if links is None else links.holder(action)
            if link is None:
                self.notifications.put(action, now)
            else:
                links.put(link, action, now)
            outgoing.pop(0)
        self.notifications.failed += rules.lost
        rules.lost = 0

    def reachable(self, now):
        """There is a network again, or another one, with other name servers and addresses."""
        if self._module.links is not None:
            self._module.links.reachable(now)
        if self._exchange.made is not None:
            self._exchange.made.forget()

    def counts(self):
        """(sent, failed, waiting) of all notifications."""
        own = self.notifications
        sent, failed, waiting = own.sent, own.failed + self.lost, len(own.waiting)
        links = self._module.links
        for link in () if links is None else links.gone + links.links:
            sent += link.delivered
            failed += link.refused + link.dropped
            waiting += len(link.queue)
        return sent, failed, waiting

    async def _run(self):
        """Send what is due, for as long as there is or may be anything."""
        try:
            while self._module.links is not None or self.notifications.waiting:
                try:
                    if not await self._step():
                        await sleep_ms(_LOOK_MS)
                except MemoryError:
                    await sleep_ms(_LOOK_MS)
                except Exception as error:
                    report(error)
                    await sleep_ms(_LOOK_MS)
        finally:
            self._task = None

    async def _step(self):
        """Send a heartbeat that is due, and then a notification; False when there is neither."""
        now = self._turn()
        links = self._module.links
        beaten = False
        if links is not None:
            links.look(now)
            if links.moved:
                self._move(links, now)
            self._save(links, now)
            link = links.due_link(now)
            if link is not None:
                await self._beat(links, link)
                beaten = True
                now = self._turn()
            due = links.due_notification(now)
            if due is not None:
                link, entry = due
                status, _ = await self._notify(entry[0], entry[1], now)
                links.deliver(link, entry, status, self._turn())
                return True
            if links.paused():
                return beaten
        entry = self.notifications.next(now)
        if entry is None:
            return beaten
        status, _ = await self._notify(entry[0], now, now)
        self.notifications.settle(entry, status, self._turn())
        return True

    def _move(self, links, now):
        """After other settings: each notification waits where it belongs now."""
        own = self.notifications
        gone = links.gone
        links.move(own.put, now)
        for link in gone:
            own.sent += link.delivered
            own.failed += link.refused + link.dropped

    async def _beat(self, links, link):
        """One heartbeat, and what its answer says of the link."""
        row = link.row
        status = None
        why = ""
        try:
            data = await self._make(link)
            if link.row is not row:
                return  # other settings came meanwhile: what is made may be for somebody else
            status, why = await self._send(link.receiver, data)
        except NoAnswer as error:
            why = str(error)
        except MemoryError:
            why = "not enough memory"
        links.settle(link, row, status, why, self._turn())

    async def _make(self, link):
        """The bytes of a heartbeat; others have their turn between its steps."""
        from holdfast.core.uplinks import KINDS

        heartbeat = load("holdfast.uplink." + KINDS[link.kind], "heartbeat")
        epoch_ms = self._epoch_ms()
        utc_s = (self._turn() + epoch_ms) // 1000 if epoch_ms else None
        steps = heartbeat(link, utc_s, self._serial)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            await sleep_ms(0)

    async def _notify(self, action, at, now):
        """Send what a rule made; (status, why). at: when it came, None when nobody knows."""
        _, receiver, target, message, login, password = action
        lines = []
        try:
            if login:
                lines.append(basic(login, password))
            if at is not None and now - at >= 1000:
                lines.append("x-holdfast-age: %d" % ((now - at) // 1000))
            return await self._send(receiver, request(receiver, target, message.encode(), lines))
        except MemoryError:
            return None, "not enough memory"

    async def _send(self, receiver, data):
        """(status, why there is none)."""
        try:
            return await self._exchange.method("send")(receiver, data), ""
        except NoAnswer as error:
            return None, str(error)

    def _save(self, links, now):
        """Write the queues to flash when they have changed, but seldom, and in a quiet moment."""
        if not links.to_be_saved(now) or not self._quiet(now):
            return
        from holdfast.client import queue_file

        try:
            links.saved(now, queue_file.save(self._storage, links, now, self._epoch_ms()))
        except OSError:
            links.saved(now, True)  # flash is full, or there is none: another try comes in time
