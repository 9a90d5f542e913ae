"""The composition root: the only file that knows the whole.

board + settings -> core -> vapix, own -> shell
"""

import asyncio
import gc
import os

from micropython import const

from holdfast import VERSION
from holdfast.core.accounts import ACTUATE, PRE_AUTH, READ_SYSTEM, WRITE_SYSTEM
from holdfast.shell.dispatch import Dispatcher, Lazy, Passing
from holdfast.shell.portable import listen, report, sleep_ms
from holdfast.shell.server import Server
from holdfast.shell.ticker import Ticker
from holdfast.vapix.heartbeat import HeartbeatService
from holdfast.wire.digest import Authenticator

_VAPIX = "holdfast.vapix."
_CHECKS = ("holdfast.core.rulecheck", "holdfast.core.check")  # with the templates of actions
_STREAM = "/vapix/ws-data-stream"
_GET = ("GET",)
_POST = ("POST",)
_GET_POST = ("GET", "POST")
_BACKLOG = const(2)  # each waiting connection takes one of the few a board has
_RESTART_MS = const(200)


class App:
    """Everything of one module, joined. hal: the board's module of holdfast.hal."""

    def __init__(self, board, hal, pins, clock, store, settings, module):
        self._module = module
        self._clock = clock
        store.adopt = self._adopt
        store.quiet = lambda now: module.quiet(now, board.STALL_MS)
        # What keeps something in mind stays, once it was used.
        self._tokens = tokens = Lazy(_VAPIX + "wssession", "TokenService", os.urandom)
        self._streaming = streaming = Lazy(
            _VAPIX + "stream", "EventStreaming", module.events, clock.epoch_ms, os.urandom
        )
        self._monitors = monitors = Lazy(_VAPIX + "portmonitor", "PortMonitors")
        self._outbound = Lazy("holdfast.shell.outbound", "Outbound", clock.now)
        # The others only translate.
        ports = Passing(_VAPIX + "portmanagement", "PortManagement", module, store)
        port_cgi = Passing(_VAPIX + "portcgi", "PortCgi", module, monitors)
        virtual = Passing(_VAPIX + "virtualinput", "VirtualInputService", module)
        gpio = Passing(_VAPIX + "gpio", "GpioService", module, store)
        services = {
            "aev": Passing(_VAPIX + "eventinstances", "EventInstances", module.events),
            "axgpio": gpio,
            "aa": Passing(_VAPIX + "action", "ActionService", store, also=_CHECKS),
        }
        soap = Passing(_VAPIX + "soap", "SoapService", module, services)
        status = Passing("holdfast.own.status", "StatusService", module, VERSION, self._notified)
        passing = (ports, port_cgi, virtual, gpio, soap, status, services["aev"], services["aa"])
        # Path, methods, lowest role, service and its method; the heartbeat is not late, and first.
        routes = (
            ("/vapix/axhbt", _POST, ACTUATE, HeartbeatService(module).post, None),
            ("/vapix/services", _POST, PRE_AUTH, soap, "post"),
            ("/vapix/axgpio", _POST, PRE_AUTH, gpio, "post"),
            (_STREAM, _GET, READ_SYSTEM, streaming, "get"),
            ("/axis-cgi/wssession.cgi", _GET_POST, READ_SYSTEM, tokens, "get"),
            ("/axis-cgi/io/portmanagement.cgi", _POST, READ_SYSTEM, ports, "post"),
            ("/axis-cgi/io/port.cgi", _GET_POST, READ_SYSTEM, port_cgi, "ports"),
            ("/axis-cgi/io/virtualinput.cgi", _GET_POST, ACTUATE, port_cgi, "manual_trigger"),
            ("/axis-cgi/virtualinput/activate.cgi", _GET_POST, ACTUATE, virtual, "activate"),
            ("/axis-cgi/virtualinput/deactivate.cgi", _GET_POST, ACTUATE, virtual, "deactivate"),
            ("/axis-cgi/virtualinput/getschemaversions.cgi", _GET, ACTUATE, virtual, "schemas"),
            ("/holdfast/status", _GET, READ_SYSTEM, status, "get"),
            ("/holdfast/release", _POST, WRITE_SYSTEM, status, "release"),
        )
        self._authenticator = Authenticator(settings.realm, settings.accounts, os.urandom)
        dispatcher = Dispatcher(routes, self._authenticator, self._redeem, _STREAM, passing)
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
        self._prepare()
        self.server.dismiss(settings.accounts)

    def _prepare(self):
        """Load what sends notifications as soon as a rule may: not when a master is lost."""
        rules = self._module.rules
        if rules is not None and rules.notifies:
            self._outbound.call("take", rules)

    def _notified(self):
        """(sent, failed, waiting) of the notifications."""
        if self._outbound.made is None:
            return 0, 0, 0
        queue = self._outbound.made.queue
        return queue.sent, queue.failed, len(queue.waiting)

    def _redeem(self, query, now):
        return self._tokens.call("redeem", query, now)

    def _publish(self, changes):
        for listeners in (self._streaming, self._monitors):
            if listeners.made is not None:
                listeners.made.publish(changes)
        rules = self._module.rules
        if rules is not None and rules.outgoing:
            self._outbound.call("take", rules)

    def _relieve(self):
        self.server.relieve()

    async def run(self):
        """Serve for ever; OSError when the address cannot be had."""
        host, port = self._address()
        listener = listen(host, port, _BACKLOG)
        try:
            server = asyncio.create_task(_for_ever(self.server.accept, listener))
            reaper = asyncio.create_task(_for_ever(self.server.reap))
            self._prepare()
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
