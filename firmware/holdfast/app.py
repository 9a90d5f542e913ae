"""The composition root: the only file that knows the whole.

board + settings -> core -> vapix, own -> shell
"""

import asyncio
import gc
import os
from binascii import hexlify

from micropython import const

from holdfast import BUILD_DATE, VERSION
from holdfast.core.accounts import ACTUATE
from holdfast.core.restart import HEALTHY_MS
from holdfast.shell.dispatch import Dispatcher, Lazy, Passing
from holdfast.shell.heap import borrow, forget
from holdfast.shell.portable import listen, report, sleep_ms
from holdfast.shell.server import Server
from holdfast.shell.ticker import Ticker
from holdfast.vapix.heartbeat import HeartbeatService
from holdfast.wire.digest import Authenticator

_BACKLOG = const(2)  # each waiting connection takes one of the few a board has
_RESTART_MS = const(200)
_NETWORK_MS = const(250)  # from one look at the network to the next
# Of shell.keeping, which is not loaded without one of them.
_MONITORS = ("monitors.json", "monitors.new", "monitors.old")
_MONITORS_BEGIN = b'{"monitors":1'
_GOODBYE_MS = const(300)  # for the answer to get out before the module starts again


class App:
    """Everything of one module, joined. hal: the board's module of holdfast.hal. life: of
    holdfast.life, None where nothing is to be remembered.
    """

    def __init__(self, board, hal, pins, clock, store, settings, module, life=None):
        # What services are made with; see holdfast.services.
        self.module = module
        self.events = module.events
        self.store = store
        self.borrow = borrow
        self.version = VERSION
        self.about = (board, VERSION, BUILD_DATE, settings.realm)
        self.boot = os.urandom(16)  # another after every start
        self._accounts = settings.accounts
        self._clock = clock
        self._pins = pins
        self._life = life
        store.adopt = self._adopt
        store.quiet = lambda now: module.quiet(now, board.STALL_MS)
        # What keeps something in mind stays, once it was used.
        self.tokens = Lazy("holdfast.vapix.wssession", "TokenService", os.urandom)
        self.streaming = Lazy(
            "holdfast.vapix.stream", "EventStreaming", module.events, clock.epoch_ms, self.boot
        )
        self.monitors = Lazy("holdfast.vapix.portmonitor", "PortMonitors")
        # Monitors that others check in with, not the ones above, which watch ports.
        self.keeper = Lazy("holdfast.shell.keeping", "Keeper", module, store, clock, os.urandom)
        self._tokens = settings.tokens
        self._dns = settings.dns
        self._exchange = Lazy(
            "holdfast.shell.exchange",
            "Exchange",
            clock.now,
            store.quiet,
            self._occupy,
            self._servers,
            store.storage,
            settings.uplinks[2] if settings.uplinks else "",
            os.urandom,
        )
        self._outbound = Lazy(
            "holdfast.shell.outbound",
            "Outbound",
            module.links,
            self._turn,
            self._exchange,
            store.storage,
            store.quiet,
            clock.epoch_ms,
            board.SERIAL,
            os.urandom,
        )
        self.trial = Lazy(
            "holdfast.shell.trial", "Trial", store, clock.now, self.restart, self._trial_over
        )
        self._authenticator = Authenticator(settings.realm, settings.accounts, os.urandom)
        dispatcher = Dispatcher(
            ("/vapix/axhbt", ("POST",), ACTUATE, HeartbeatService(module).post),
            Passing("holdfast.services", "Services", self),
            self._authenticator,
            self._redeem,
        )
        self.ticker = Ticker(
            module,
            clock,
            pins,
            hal.Watchdog(board),
            self._publish,
            self._relieve,
            board.SAMPLE_MS,
            self._make_alarm(hal),
        )
        self.server = Server(dispatcher, self.ticker.turn, board.CONNECTIONS)
        self._network = hal.Network(board, settings.network, self._quiet)
        self._running = None  # the task that runs the module
        self.restarting = False

    def _make_alarm(self, hal):
        """Fallback though the loop is blocked, where the board has something that can do it."""
        if not hal.HAS_ALARM:
            return None
        from holdfast.shell.alarm import Alarm

        alarm = Alarm(self.module, self._clock, self._pins)
        self._timer = hal.Alarm(alarm.check)  # ends when nobody holds it
        return alarm

    def _quiet(self, ms):
        return self.module.quiet(self._clock.now(), ms)

    def _adopt(self, settings, now):
        """The settings were changed: accounts, ports and rules at once, the rest at the next
        start.
        """
        # Who may come in first: should memory run out after that, nobody who is gone stays.
        accounts = settings.accounts
        if _known(accounts) != _known(self._accounts):
            self.tokens.made = None  # tokens of accounts that are gone
        self._accounts = accounts
        # The hashes are made with it.
        self._authenticator.realm = settings.realm
        self.about = self.about[:3] + (settings.realm,)
        self._authenticator.adopt(accounts)
        self._tokens = settings.tokens
        self.server.dismiss(_known(accounts))
        self.module.name = settings.name
        self.module.adopt(settings, now)
        self._prepare()

    def _prepare(self):
        """Load what sends notifications as soon as a rule may: not when a master is lost."""
        rules = self.module.rules
        if self.module.links is not None or rules is not None and rules.notifies:
            self._outbound.call("begin", rules)

    def notified(self):
        """(sent, failed, waiting) of the notifications."""
        if self._outbound.made is None:
            return 0, 0, 0
        return self._outbound.made.counts()

    def facts(self):
        """What else is told of the module: the epoch of its events, what to add to its time for
        UTC or 0, and until when settings are on trial, None for none.
        """
        trial = self.trial.made
        return (
            hexlify(self.boot[:8]).decode(),
            self._clock.epoch_ms(),
            None if trial is None else trial.until,
        )

    def _trial_over(self):
        self.trial.made = None
        forget("holdfast.shell.trial")

    def realm(self):
        """What password hashes are made with, as of now."""
        return self._authenticator.realm

    def restart(self):
        """Start again as soon as the answer is out; True."""
        if not self.restarting:
            self.restarting = True
            asyncio.create_task(self._end())
        return True

    async def _end(self):
        await sleep_ms(_GOODBYE_MS)
        self._running.cancel()

    def accounts(self):
        """All accounts, as of now."""
        return self._accounts

    def monitor_tokens(self):
        """The tokens for monitors, as of now."""
        return self._tokens

    def _wake_monitors(self):
        """Monitors that are in flash go on; the module does, whatever they are like."""
        for name in _MONITORS:
            data = self.store.storage.read(name)
            if data is not None:
                # A file of none, as the last one that was removed leaves it, wakes nobody.
                if b"\n[" in data or not data.startswith(_MONITORS_BEGIN):
                    try:
                        self.keeper.call("start")
                    except Exception as error:
                        report(error)
                return

    def _turn(self):
        return self.ticker.turn()

    def _servers(self):
        """Who knows host names: as settings say, else as the network does."""
        return self._dns or self._network.dns()

    def _occupy(self, count):
        self.server.occupy(count)

    def _redeem(self, query, now):
        return self.tokens.call("redeem", query, now)

    def _publish(self, changes):
        for listeners in (self.streaming, self.monitors):
            if listeners.made is not None:
                listeners.made.publish(changes)
        rules = self.module.rules
        if rules is not None and rules.outgoing:
            self._outbound.call("take", rules, self._clock.now())

    def _relieve(self):
        self.server.relieve()

    async def run(self):
        """Serve for ever; OSError when the address cannot be had."""
        self._running = asyncio.current_task()
        host, port = self._network.address()
        try:
            listener = listen(host, port, _BACKLOG)
        except OSError as error:
            self._network.refused(error)
            raise
        try:
            server = asyncio.create_task(_for_ever(self.server.accept, listener))
            reaper = asyncio.create_task(_for_ever(self.server.reap))
            self._prepare()
            self._wake_monitors()
            gc.collect()
            now = self._clock.now()
            if self.store.trying is not None:
                self.trial.call("resume", now)
            self.module.ready(True, now)
            network = asyncio.create_task(_for_ever(self._supervise, port))
            await _for_ever(self.ticker.run)
            for task in (server, reaper, network):
                task.cancel()
        finally:
            listener.close()

    async def _supervise(self, port):
        """Keep the network up, and note how this life goes; never ends."""
        told = None
        blink = False
        while True:
            now = self._clock.now()
            address = self._network.step(now, self.server.heard_at)
            if address is not None and address != told:
                print("ready http://%s:%d" % (address, port))
            told = address
            # Lit while all is well, blinking while a master is lost, dark without a network.
            blink = not blink
            self._network.show(address is not None and (blink or not self.module.lost))
            if self._life is not None:
                self._note(now)
            await sleep_ms(_NETWORK_MS)

    def _note(self, now):
        if now >= HEALTHY_MS and not self._life.healthy:
            self._life.well()


def _known(accounts):
    """Who is known as what: a login that began as something else is over."""
    return [(account.name, account.role, account.md5) for account in accounts]


async def _for_ever(loop, *arguments):
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


def run(board, hal, pins, clock, store, settings, module, life=None):
    """Run the module on a board until it is told to stop (KeyboardInterrupt on a PC)."""
    app = App(board, hal, pins, clock, store, settings, module, life)
    try:
        asyncio.run(app.run())
    except KeyboardInterrupt:
        pass
    finally:
        pins.release()
        pins.write(module.fallback_levels)
    if app.restarting:
        if life is not None:
            life.ask()
        hal.reset(board)
