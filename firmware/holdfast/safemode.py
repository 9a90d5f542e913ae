"""Safe mode: the module came down several times in a row, so the application is not tried again
for now. Outputs are in their fallback, the network is up, and every address says why.

The core and its ticker run, so that a fallback of several steps goes on; rules, event streams and
services do not. Heartbeats are refused like all else: nobody is to believe that the module works.
It ends by itself after LENGTH_MS, or when an administrator says so, without a reset: pins stay.
"""

import asyncio

from micropython import const

from holdfast.core.accounts import PRE_AUTH, WRITE_SYSTEM
from holdfast.core.log import Log
from holdfast.runtime.memory import forget, load
from holdfast.runtime.portable import again, sleep_ms
from holdfast.runtime.sockets import listen
from holdfast.runtime.ticker import Ticker
from holdfast.server.dispatch import Dispatcher, Lazy
from holdfast.server.server import Server
from holdfast.settings.model import SettingsError
from holdfast.settings.store import let_go
from holdfast.wire.digest import Authenticator
from holdfast.wire.http import Response

LENGTH_MS = const(600000)
_BACKLOG = const(2)
_TLS_PORT = const(443)
_STEP_MS = const(250)
_BARE_STEP_MS = const(1000)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

_PAGE = """This module is in safe mode.

It came down %d times in a row. The last time it was: %s.
Outputs are in their fallback, and commands and heartbeats are refused.
%s
It tries again in %d s. An administrator may have it do so at once:
curl --digest -u NAME -X POST %s://THIS MODULE/holdfast/restart
If it comes back here, put the maintenance jumper in and look at the settings.
"""

_NO_TLS = "Its certificate cannot be used: HTTP is served instead of TLS."


class SafeMode:
    """Serves the page; `asked` when an administrator ended it."""

    def __init__(self, board, hal, pins, running, life):
        clock, store, settings, module = running
        self._board = board
        self._store = store
        self._tls = settings.tls
        self.asked = False
        self._life = life
        self._clock = clock
        self._module = module
        self._until = clock.now() + LENGTH_MS
        self._log = module.log = Log()  # of refused logins, told after it
        self._book("opened", clock.now())
        authenticator = Authenticator(settings.realm, settings.accounts, module.random_bytes)
        dispatcher = Dispatcher(
            ("/holdfast/restart", ("POST",), WRITE_SYSTEM, self._leave),
            self,
            authenticator,
            self._redeem,
            Lazy("holdfast.server.refusals", "Refusals", module, authenticator),
        )
        authenticator.md5, dispatcher.names = settings.login
        dispatcher.hostname = settings.network[3] if settings.network else ""
        self._ticker = Ticker(
            module, clock, pins, hal.Watchdog(board), self._publish, self._relieve, board.SAMPLE_MS
        )
        self.server = Server(dispatcher, self._ticker.turn, board.CONNECTIONS, clock.epoch_ms)
        self._network = hal.Network(board, settings.network, self._quiet)
        self._gate = None
        if settings.tls is not None:
            self._gate = self._secure()
        self._plain = self._gate is None or settings.tls[2]

    # What the dispatcher asks of services.

    def method(self, name):
        """`rows(path)`, or the page, `page(caller, request, now)`."""
        return self._rows if name == "rows" else self._page

    def _rows(self, path):
        return ((path, _METHODS, PRE_AUTH, self, "page"),)

    def _page(self, caller, request, now):
        left_s = max(0, self._until - now) // 1000
        restart = self._life.restart
        note = _NO_TLS + "\n" if self._tls is not None and self._gate is None else ""
        scheme = "http" if self._gate is None else "https"
        text = _PAGE % (restart.crashes, restart.why, note, left_s, scheme)
        lines = ["Retry-After: %d" % (left_s + 1)]
        return Response(503, text.encode(), "text/plain", lines)

    def rest(self):
        """Nothing is loaded late here."""

    def _leave(self, caller, request, now):
        self.asked = True
        self._until = now + _STEP_MS
        return Response(202, b'{"restarting":true}', "application/json")

    def _redeem(self, query, now):
        return None

    def _quiet(self, ms):
        return self._module.quiet(self._clock.now(), ms)

    def _publish(self, changes):
        pass

    def _relieve(self):
        self.server.relieve()

    def _secure(self):
        """What lets connections with TLS in; None when it cannot be had: a module that nobody can
        reach is worth less.
        """
        try:
            files = load("holdfast.settings.tls_files", "files")(self._store.storage, self._tls)
            let_go()
            make = load("holdfast.server.tls", "Gate")
            limit = getattr(self._board, "TLS_CONNECTIONS", 1)
            return make(self.server, limit, files, self._quiet, self._board.TLS_STALL_MS)
        except (SettingsError, OSError, ValueError, MemoryError) as error:
            print("holdfast: TLS cannot be had: %s" % error)
            print("holdfast: HTTP is served instead")
            return None

    def _book(self, name, *arguments):
        """Have something done with the log in flash, by storage.log_files."""
        try:
            book = load("holdfast.storage.log_files", name)
            return book(self._log, self._store.storage, *arguments)
        finally:
            forget("holdfast.storage.log_files")

    def _write(self, book, now):
        """Put what waits in a book of the log into flash, unless a deadline is near."""
        if book is None or not self._quiet(self._board.STALL_MS):
            return
        if not self._book("write", book, self._clock.epoch_ms()):
            book.failed(now)

    async def run(self):
        """Serve until it is over."""
        host, port = self._network.address()
        listeners = []
        places = []  # (scheme, port) of each
        tasks = [
            asyncio.create_task(self.server.reap()),
            asyncio.create_task(self._ticker.run()),
        ]
        if self._plain:
            places.append(("http", port))
            listeners.append(listen(host, port, _BACKLOG))
            tasks.append(asyncio.create_task(self.server.accept(listeners[-1])))
        if self._gate is not None:
            places.append(("https", getattr(self._board, "TLS_PORT", _TLS_PORT)))
            listeners.append(listen(host, places[-1][1], _BACKLOG))
            tasks.append(asyncio.create_task(self.server.accept(listeners[-1], self._gate)))
        told = None
        try:
            while True:
                now = self._clock.now()
                for task in tasks:
                    if task.done():
                        raise RuntimeError("a task of safe mode ended")
                address = self._network.step(now, self.server.heard_at)
                if address is not None and address != told:
                    told = address
                    for scheme, port in places:
                        print("safe mode %s://%s:%d" % (scheme, address, port))
                self._write(self._log.due(now), now)
                if now >= self._until:
                    break
                await sleep_ms(_STEP_MS)
        finally:
            for task in tasks:
                task.cancel()
            for listener in listeners:
                listener.close()
            self.server.close()
        for book in self._log.books:
            if book.waiting and book.left:
                self._write(book, now)
        await sleep_ms(_STEP_MS)


def run(board, hal, pins, running, life):
    """Run safe mode to its end; what the application is to run with. KeyboardInterrupt on a PC."""
    clock, store, _, module = running
    mode = SafeMode(board, hal, pins, running, life)
    asyncio.run(mode.run())
    again()
    if mode.asked:
        life.restart.forgive()
    else:
        life.restart.relent()
    life.starting(module)
    settings = store.load()
    load("holdfast.core.reconfigure", "reconfigure")(module, settings, clock.now())
    settings.ports = settings.rules = ()
    forget("holdfast.core.reconfigure")
    forget("holdfast.safemode")
    return clock, store, settings, module


def stand(board, hal, life):
    """Safe mode itself came down, again and again: outputs stay as they are, for LENGTH_MS."""
    from holdfast.core.crashloop import SAFE_MODE

    life.keep(SAFE_MODE)
    watchdog = hal.Watchdog(board)
    ticks_ms, ticks_diff = hal.ticks()
    began = ticks_ms()
    print("holdfast: safe mode came down, too: outputs only, for %d s" % (LENGTH_MS // 1000))
    while ticks_diff(ticks_ms(), began) < LENGTH_MS:
        watchdog.feed()
        hal.sleep_ms(_BARE_STEP_MS)
    life.restart.relent()
