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
from holdfast.core.log import CLOCK, HEAP, LOGIN, NOTIFICATION, RESET, SETTINGS, TLS, Log
from holdfast.core.restart import HEALTHY_MS
from holdfast.core.settings import SettingsError
from holdfast.shell.dispatch import Dispatcher, Lazy, Passing
from holdfast.shell.heap import borrow, forget, load
from holdfast.shell.portable import address_text, listen, report, sleep_ms
from holdfast.shell.server import Server
from holdfast.shell.ticker import Ticker
from holdfast.vapix.heartbeat import HeartbeatService
from holdfast.wire.digest import Authenticator, named

_BACKLOG = const(2)  # each waiting connection takes one of the few a board has
_RESTART_MS = const(200)
_NETWORK_MS = const(250)  # from one look at the network to the next
# Of shell.keeping, which is not loaded without one of them.
_MONITORS = ("monitors.json", "monitors.new", "monitors.old")
_MONITORS_BEGIN = b'{"monitors":1'
_GOODBYE_MS = const(300)  # for the answer to get out before the module starts again
_TLS_PORT = const(443)
_TLS_BACKLOG = const(1)
_KEEP_MS = const(1000)  # how often the log is looked at


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
        dispatcher = self._dispatcher = Dispatcher(
            ("/vapix/axhbt", ("POST",), ACTUATE, HeartbeatService(module).post),
            Passing("holdfast.services", "Services", self),
            self._authenticator,
            self._redeem,
            self._refused,
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
        self.server.troubled = self._troubled
        self._tls = settings.tls
        self._tls_port = getattr(board, "TLS_PORT", _TLS_PORT)
        self._tls_limit = getattr(board, "TLS_CONNECTIONS", 1)
        self._gate = None  # of shell.secure, with settings that have `tls`
        self._time = settings.time
        self._timekeeper = None  # the task that asks for the time
        self._lost = 0  # notifications that the log knows of
        self.log = module.log = Log()
        self._book("opened", clock.now())
        self.log.add(RESET, "%s, version %s" % (module.reset_cause, VERSION), clock.now())

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
        if settings.time != self._time:
            self._time = settings.time
            self._keep_time()
        self._tls = settings.tls
        if self._tls is not None and self._gate is not None:
            self._secure()  # whoever comes from now on gets the new certificate
        asking = self._dispatcher.asking
        if asking is not None:
            who = "a device set up" if asking[0].account is None else asking[0].account.name
            self.log.add(SETTINGS, "by %s with %s" % (who, asking[1]), now)

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
        UTC or 0, until when settings are on trial, and the signal of Wi-Fi in dBm, None for none.
        """
        trial = self.trial.made
        return (
            hexlify(self.boot[:8]).decode(),
            self._clock.epoch_ms(),
            None if trial is None else trial.until,
            self._network.signal(),
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
        self._troubled()

    def _troubled(self):
        if self.log.admits(HEAP, self._clock.now()):
            self.log.put(HEAP, "full: a connection or event streams gave way", self._clock.now())

    def _refused(self, connection, authorization, now):
        """Note whose login was refused. A name that nobody has may be a password: not in here."""
        if self.log.admits(LOGIN, now):
            name = named(authorization)
            known = [account.name for account in self._accounts if account.name.encode() == name]
            who = known[0] if known else "no account's name"
            self.log.put(LOGIN, "%s, from %s" % (who, address_text(connection.peer)), now)

    def read_log(self, since, limit):
        """The rows of the event log; see shell.logbook."""
        return self._book("entries", since, limit, self._clock.epoch_ms())

    def _book(self, name, *arguments):
        """Have something done with the log in flash, by shell.logbook."""
        try:
            return load("holdfast.shell.logbook", name)(self.log, self.store.storage, *arguments)
        finally:
            forget("holdfast.shell.logbook")
            forget("holdfast.wire.logrecord")

    async def _keep(self):
        """Put the log into flash when it is time, and no deadline is near; never ends."""
        while True:
            await sleep_ms(_KEEP_MS)
            now = self.ticker.turn()
            lost = self.notified()[1]
            if lost > self._lost:
                self.log.add(NOTIFICATION, "%d given up" % (lost - self._lost), now)
            self._lost = lost
            book = self.log.due(now)
            if book is not None and self.store.quiet(now):
                if not self._book("write", book, self._clock.epoch_ms()):
                    book.failed(now)
                self.ticker.turn()

    def _keep_time(self):
        """Ask the server that settings name for the time, from now on."""
        if self._timekeeper is not None:
            self._timekeeper.cancel()
            self._timekeeper = None
        if self._time is not None:
            keeper = load("holdfast.shell.timekeeping", "TimeKeeper")
            keeper = keeper(self._clock, os.urandom, self._set)
            self._timekeeper = asyncio.create_task(keeper.run(self._time))

    def _set(self, text):
        self.log.add(CLOCK, text, self._clock.now())

    def _secure(self):
        """Have the certificate and key in use that settings name; False when they cannot be."""
        try:
            files = self.store.files(self._tls)
            if self._gate is None:
                gate = load("holdfast.shell.secure", "Gate")
                self._gate = gate(self.server, self._tls_limit, files)
            else:
                self._gate.use(files)
            return True
        except (SettingsError, OSError, ValueError) as error:
            self.log.add(TLS, "not to be had: %s" % error, self._clock.now())
            print("holdfast: TLS cannot be had: %s" % error)
            return False

    async def run(self):
        """Serve for ever; OSError when the address cannot be had."""
        self._running = asyncio.current_task()
        host, port = self._network.address()
        secure = self._tls is not None and self._secure()
        listeners = []
        tasks = []
        try:
            # A module that nobody can reach is worth less than one that is reached without TLS.
            try:
                if not secure or self._tls[2]:
                    listeners.append((listen(host, port, _BACKLOG), None))
                if secure:
                    listeners.append((listen(host, self._tls_port, _TLS_BACKLOG), self._gate))
            except OSError as error:
                self._network.refused(error)
                raise
            for listener, gate in listeners:
                tasks.append(asyncio.create_task(_for_ever(self.server.accept, listener, gate)))
            for loop in (self.server.reap, self._keep):
                tasks.append(asyncio.create_task(_for_ever(loop)))
            self._prepare()
            self._wake_monitors()
            self._keep_time()
            gc.collect()
            now = self._clock.now()
            if self.store.trying is not None:
                self.trial.call("resume", now)
            self.module.ready(True, now)
            if secure:
                print("ready https://%s:%d" % (host, self._tls_port))
            plain = listeners[0][1] is None
            tasks.append(asyncio.create_task(_for_ever(self._supervise, port if plain else None)))
            await _for_ever(self.ticker.run)
            for task in tasks:
                task.cancel()
        finally:
            for listener, _ in listeners:
                listener.close()

    async def _supervise(self, port):
        """Keep the network up, and note how this life goes; never ends. port: of HTTP, if any."""
        told = None
        blink = False
        while True:
            now = self._clock.now()
            address = self._network.step(now, self.server.heard_at)
            if address is not None and address != told and port is not None:
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
