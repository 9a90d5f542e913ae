"""What the module is while it runs, and what its parts ask of one another.

board + settings -> core -> vapix, rest -> server -> runtime

joining.py joins the parts, serving.py begins to serve; both are the composition root as this is,
and leave the heap when they have done their work. Changed settings: settings/apply.py.
"""
# pyright: reportAttributeAccessIssue=false
# Most attributes of an App are given to it by joining.py.

import asyncio
import gc

from micropython import const

from holdfast.core.crashloop import ASKED, HEALTHY_MS, STARVED
from holdfast.core.log import ALARM, CLOCK, HEAP, NOTIFICATION, SETTINGS
from holdfast.runtime.memory import forget, load
from holdfast.runtime.portable import report, sleep_ms
from holdfast.settings.model import NotSaved

_RESTART_MS = const(200)
_NETWORK_MS = const(250)  # from one look at the network to the next
_GOODBYE_MS = const(300)  # for the answer to get out before the module starts again
# A heap without a piece of this size for so long does not recover: no stream opens, no status is
# told. Tried every 10 s.
_ROOM_BYTES = const(2048)
_TRY_MS = const(10000)
SCARCE_MS = const(120000)
_CALM_MS = const(5000)  # nothing is due for so long when the module starts anew for it
_KEEP_MS = const(1000)  # how often the log is looked at


class App:
    """Everything of one module, joined. hal: the board's module of holdfast.hal. life: of
    holdfast.lifecycle, None where nothing is to be remembered.
    """

    def __init__(self, board, hal, pins, clock, store, settings, module, life=None):
        self.settings = settings  # in force, without the ports and rules: the module has those
        self.module = module
        self.events = module.events
        self.store = store
        self.clock = clock
        self._began = clock.now()  # which may be after ten minutes of safe mode
        self.restarting = False
        self.alarms = 0  # that have ended by themselves
        self.stage = ASKED  # what a restart is told to the next life as
        self._room_at = self._tried_at = clock.now()  # when the heap had room, and was tried
        self.scarce = False  # it has had none for long
        self.address = None  # of the network, None without one
        self._running = None  # the task that runs the module
        self._life = life
        self._lost = 0  # notifications that the log knows of
        passing("holdfast.joining", "join", self, board, hal, pins, settings)

    def turn(self):
        """Do what is due; the time."""
        return self.ticker.turn()

    def quiet(self, ms):
        """True when nothing that a pin hangs on is due for so long."""
        return self.module.quiet(self.clock.now(), ms)

    def around(self):
        """What is known of the network, for the cause of a loss."""
        if self.address is None:
            return "; network down"
        signal = self.network.signal()
        return "" if signal is None else "; signal %d dBm" % signal

    def calm(self, now):
        """True when nothing that a pin hangs on is due while flash is written."""
        return self.module.quiet(now, self.about[0].STALL_MS)

    def apply(self, settings, now, by):
        """The settings were changed, by whom, with what; see settings.apply."""
        passing("holdfast.settings.apply", "apply", self, settings, now, by)
        if self._life is not None:
            self._life.changed()

    def revive(self, now):
        """The alarm has ended by itself: another one takes its place."""
        self.alarms += 1
        self.log.add(ALARM, "the hard timer did not tick any more: made anew", now)
        self.timer.cancel()
        kind, check = self.timer_of
        self.timer = kind(check)

    def notified(self):
        """(sent, failed, waiting) of the notifications."""
        if self.outbound.made is None:
            return 0, 0, 0
        return self.outbound.made.counts()

    def trial_over(self, text, idle):
        """No settings are on trial any more. text: what became of them, for the log. idle: nobody
        waits for what does it.
        """
        if text is not None:
            self.log.add(SETTINGS, text, self.clock.now())
        if idle:
            self.trial.made = None
            forget("holdfast.settings.trial")

    def restart(self):
        """Start again as soon as the answer is out; True."""
        if not self.restarting:
            self.restarting = True
            asyncio.create_task(self._end())
        return True

    async def _end(self):
        await sleep_ms(_GOODBYE_MS)
        # What led to this is told after it, too.
        trial = self.trial.made
        if trial is not None and trial.until is not None:
            self.log.add(SETTINGS, "on trial: taken back by a restart", self.clock.now())
        book = self.log.books[0]
        if book.waiting and book.left and self.store.quiet(self.clock.now()):
            self.book("write", book, self.clock.epoch_ms())
        self._running.cancel()

    def servers(self):
        """Who knows host names: as settings say, else as the network does."""
        return self.settings.dns or self.network.dns()

    def certificate(self):
        """The name of the file with the certificates that are trusted, "" for none."""
        return self.settings.uplinks[2] if self.settings.uplinks else ""

    def timed(self, text):
        """Note what became of the clock."""
        self.log.add(CLOCK, text, self.clock.now())

    def occupy(self, count):
        """So many connections are the module's own now."""
        self.server.occupy(count)

    def redeem(self, query, now, spend=False):
        """The account whose session token a query has, or None. spend: the token is used now."""
        return self.tokens.method("redeem")(query, now, spend)

    def publish(self, changes):
        """Tell events to whoever listens."""
        for listeners in (self.streaming, self.monitors):
            if listeners.made is not None:
                listeners.made.publish(changes)
        rules = self.module.rules
        if rules is not None and rules.outgoing:
            self.outbound.method("take")(rules, self.clock.now())

    def relieve(self):
        """Out of memory in a turn: listeners give way."""
        self.server.relieve()
        self.troubled()

    def troubled(self):
        """The heap was full."""
        try:
            now = self.clock.now()
        except MemoryError:
            self.log.lost += 1
            return
        self.log.add(HEAP, "full: a connection or event streams gave way", now)

    def book(self, name, *arguments):
        """Have something done with the log in flash, by storage.log_files."""
        files = "holdfast.storage.log_files"
        return passing(files, name, self.log, self.store.storage, *arguments)

    async def keep(self):
        """Put the log into flash when it is time, and no deadline is near; never ends."""
        while True:
            await sleep_ms(_KEEP_MS)
            now = self.turn()
            self.look_for_room(now)
            lost = self.notified()[1]
            if lost > self._lost:
                self.log.add(NOTIFICATION, "%d given up" % (lost - self._lost), now)
            self._lost = lost
            store = self.store
            if store.due is not None and now >= store.due:
                try:
                    await store.ask("bypass", self.clock.epoch_ms())
                except NotSaved:
                    store.due = now + _TRY_MS
            book = self.log.due(now)
            if book is not None and self.store.quiet(now):
                if not self.book("write", book, self.clock.epoch_ms()):
                    book.failed(now)
                self.turn()

    def look_for_room(self, now):
        """Start anew when memory has been short for SCARCE_MS and no output hangs on it: nothing
        is due, no master's session is alive. Else it is told, and goes on. No crash: the next life
        begins with no more of these than this one did, and not before SCARCE_MS.
        """
        if now - self._tried_at < _TRY_MS:
            return
        self._tried_at = now
        try:
            bytearray(_ROOM_BYTES)
            self._room_at = now
            self.scarce = False
            return
        except MemoryError:
            pass
        if now - self._room_at < SCARCE_MS:
            return
        if not self.scarce:
            self.scarce = True
            text = "no room for long: the module starts anew when no master and no output needs it"
            self.log.add(HEAP, text, now)
        if self.module.quiet(now, _CALM_MS):
            for session in self.module.sessions:
                if session.id is not None:
                    return
            self.stage = STARVED
            self.restart()

    async def run(self):
        """Serve for ever; OSError when the address cannot be had."""
        self._running = asyncio.current_task()
        listeners = []
        tasks = []
        try:
            passing("holdfast.serving", "begin", self, listeners, tasks)
            gc.collect()
            await for_ever(self.ticker.run)
            for task in tasks:
                task.cancel()
        finally:
            for listener in listeners:
                listener.close()

    async def supervise(self, port):
        """Keep the network up, and note how this life goes; never ends. port: of HTTP, if any."""
        since = None
        blink = False
        while True:
            now = self.clock.now()
            address = self.network.step(now, self.server.heard_at)
            if address != self.address:
                network = "holdfast.runtime.network"
                change = (self.address, address, since, now)
                passing(network, "changed", self.log, self.outbound.made, *change)
                self.address, since = address, now
                if address is not None:
                    self._reached(address, port)
            # Lit while all is well, blinking while a master is lost, dark without a network.
            blink = not blink
            self.network.show(address is not None and (blink or not self.module.lost))
            life = self._life
            healthy = now - self._began >= HEALTHY_MS
            if life is not None and healthy and not life.healthy:
                life.well()
            await sleep_ms(_NETWORK_MS)

    def _reached(self, address, port):
        """The network has come, or another one."""
        if port is not None:
            print("ready http://%s:%d" % (address, port))
        keeper = self.timekeeper
        if keeper is not None and not keeper.done() and not self.clock.epoch_ms():
            # At once: not after the pause that questions into nowhere have brought.
            passing("holdfast.settings.apply", "keep_time", self)


def passing(module, name, *arguments):
    """Call a function of a module that is let go when it has answered."""
    try:
        return load(module, name)(*arguments)
    finally:
        forget(module)


async def for_ever(loop, *arguments):
    """Run a loop that must not end; start it again when it does."""
    while True:
        try:
            await loop(*arguments)
        except asyncio.CancelledError:
            return
        except MemoryError:
            pass  # what was asked for may be too much, the loop is not
        except Exception as error:
            report(error)
        gc.collect()
        await sleep_ms(_RESTART_MS)
