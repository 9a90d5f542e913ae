"""The composition root: the only file that knows the whole.

board + settings -> core -> vapix, own -> shell
"""

import asyncio
import gc
import os

from micropython import const

from holdfast import VERSION
from holdfast.core.accounts import ACTUATE, READ_SYSTEM, WRITE_SYSTEM
from holdfast.shell.dispatch import Dispatcher, Lazy
from holdfast.shell.portable import listen, report, sleep_ms
from holdfast.shell.server import Server
from holdfast.shell.ticker import Ticker
from holdfast.vapix.heartbeat import HeartbeatService
from holdfast.wire.digest import Authenticator

_BACKLOG = const(2)  # each waiting connection takes one of the few a board has
_RESTART_MS = const(200)


class App:
    """Everything of one module, joined. hal: the board's module of holdfast.hal."""

    def __init__(self, board, hal, pins, clock, store, settings, module):
        self._module = module
        self._clock = clock
        store.adopt = self._adopt
        store.quiet = lambda now: module.quiet(now, board.STALL_MS)
        self._tokens = tokens = Lazy("holdfast.vapix.wssession", "TokenService", os.urandom)
        self._streaming = Lazy(
            "holdfast.vapix.stream",
            "EventStreaming",
            module.events,
            clock.epoch_ms,
            os.urandom,
        )
        ports = Lazy("holdfast.vapix.portmanagement", "PortManagement", module)
        status = Lazy("holdfast.own.status", "StatusService", module, VERSION)
        heartbeat = HeartbeatService(module)
        # Path, method, lowest role, handler, does a wssession token do instead of Digest.
        routes = (
            ("/vapix/axhbt", "POST", ACTUATE, heartbeat.post, False),
            ("/vapix/ws-data-stream", "GET", READ_SYSTEM, self._streaming.handler("get"), True),
            ("/axis-cgi/wssession.cgi", "GET", READ_SYSTEM, tokens.handler("get"), False),
            ("/axis-cgi/wssession.cgi", "POST", READ_SYSTEM, tokens.handler("get"), False),
            ("/axis-cgi/io/portmanagement.cgi", "POST", READ_SYSTEM, ports.handler("post"), False),
            ("/holdfast/status", "GET", READ_SYSTEM, status.handler("get"), False),
            ("/holdfast/release", "POST", WRITE_SYSTEM, status.handler("release"), False),
        )
        self._authenticator = Authenticator(settings.realm, settings.accounts, os.urandom)
        dispatcher = Dispatcher(routes, self._authenticator, tokens.handler("redeem"))
        self.ticker = Ticker(
            module,
            clock,
            pins,
            hal.Watchdog(board),
            self._publish,
            self._relieve,
            board.SAMPLE_MS,
        )
        self.server = Server(dispatcher, self.ticker.turn, board.CONNECTIONS)
        self._address = hal.Network(board).address

    def _adopt(self, settings, now):
        """The settings were changed: accounts, ports and rules at once, the rest at the next
        start.
        """
        self._authenticator.adopt(settings.accounts)
        self._tokens.made = None  # tokens of accounts that are gone
        self._module.adopt(settings, now)
        self.server.dismiss(settings.accounts)

    def _publish(self, changes):
        if self._streaming.made is not None:
            self._streaming.made.publish(changes)

    def _relieve(self):
        self.server.relieve()

    async def run(self):
        """Serve for ever; OSError when the address cannot be had."""
        host, port = self._address()
        listener = listen(host, port, _BACKLOG)
        try:
            server = asyncio.create_task(_for_ever(self.server.accept, listener))
            reaper = asyncio.create_task(_for_ever(self.server.reap))
            gc.collect()
            self._module.ready(True, self._clock.now())
            print("ready http://%s:%d" % (host, port))
            await _for_ever(self.ticker.run)
            server.cancel()
            reaper.cancel()
        finally:
            listener.close()


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


def run(board, hal, pins, clock, store, settings, module):
    """Run the module on a board until it is told to stop (KeyboardInterrupt on a PC)."""
    app = App(board, hal, pins, clock, store, settings, module)
    try:
        asyncio.run(app.run())
    except KeyboardInterrupt:
        pass
    finally:
        pins.write(module.fallback_levels)
