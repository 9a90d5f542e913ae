"""Joins the parts of a module: who is handed whom. Needed once, at the start; then it leaves the
heap.
"""

from micropython import const

from holdfast import BUILD_DATE, VERSION
from holdfast.core.accounts import ACTUATE
from holdfast.core.log import BYPASS, RESET, Log
from holdfast.runtime.memory import load
from holdfast.runtime.ticker import Ticker
from holdfast.server.dispatch import Dispatcher, Lazy, Passing
from holdfast.server.server import Server
from holdfast.vapix.heartbeat import HeartbeatService
from holdfast.wire.digest import Authenticator

_TLS_PORT = const(443)


def join(app, board, hal, pins, settings):
    """Give an App its parts."""
    module = app.module
    store = app.store
    clock = app.clock
    app.about = (board, VERSION, BUILD_DATE)
    app.boot = module.random_bytes(16)  # another after every start
    store.module = module
    module.around = app.around
    store.apply = app.apply
    store.quiet = app.calm
    store.turn = app.turn
    # What keeps something in mind stays, once it was used.
    app.tokens = Lazy("holdfast.vapix.wssession", "TokenService", module.random_bytes)
    app.streaming = Lazy(
        "holdfast.vapix.stream",
        "EventStreaming",
        module.events,
        clock.epoch_ms,
        app.boot,
        app.redeem,
    )
    app.monitors = Lazy("holdfast.vapix.portmonitor", "PortMonitors")
    # Monitors that others check in with, not the ones above, which watch ports.
    app.keeper = Lazy(
        "holdfast.monitors.store", "Keeper", module, store, clock, module.random_bytes
    )
    app.outbound = Lazy(
        "holdfast.client.sender",
        "Outbound",
        module,
        app.turn,
        Lazy(
            "holdfast.client.http",
            "Exchange",
            clock.now,
            app.quiet,
            board.TLS_STALL_MS,
            app.occupy,
            app.servers,
            store.storage,
            app.certificate,
            module.random_bytes,
        ),
        store.storage,
        store.quiet,
        clock.epoch_ms,
        board.SERIAL,
        module.random_bytes,
    )
    app.trial = Lazy(
        "holdfast.settings.trial", "Trial", store, clock.now, app.restart, app.trial_over
    )
    md5, names = settings.login
    app.authenticator = Authenticator(settings.realm, settings.accounts, module.random_bytes, md5)
    app.dispatcher = Dispatcher(
        ("/vapix/axhbt", ("POST",), ACTUATE, HeartbeatService(module).post),
        Passing("holdfast.routes", "Services", app),
        app.authenticator,
        app.redeem,
        Lazy("holdfast.server.refusals", "Refusals", module, app.authenticator),
    )
    app.dispatcher.names = names
    app.dispatcher.hostname = settings.network[3] if settings.network else ""
    alarm = revive = None
    if hal.HAS_ALARM:
        # Fallback though the loop is blocked, where the board has something that can do it.
        alarm = load("holdfast.runtime.hard_fallback", "Alarm")(module, clock, pins)
        app.timer_of = hal.Alarm, alarm.check  # no lambda: it would keep this module
        app.timer = hal.Alarm(alarm.check)  # ends when nobody holds it
        revive = app.revive
    app.ticker = Ticker(
        module,
        clock,
        pins,
        hal.Watchdog(board),
        app.publish,
        app.relieve,
        board.SAMPLE_MS,
        alarm,
        revive,
    )
    app.server = Server(
        app.dispatcher, app.ticker.turn, board.CONNECTIONS, clock.epoch_ms, app.troubled
    )
    store.shed = app.server.shed
    app.network = hal.Network(board, settings.network, app.quiet)
    app.tls_place = (getattr(board, "TLS_PORT", _TLS_PORT), getattr(board, "TLS_CONNECTIONS", 1))
    app.gate = None  # of server.tls, with settings that have `tls`
    app.tls_trouble = None  # why the certificate that settings name is not in use
    app.timekeeper = app.asked_time = None  # the task that asks for the time, and whom
    app.log = module.log = Log()
    app.book("opened", clock.now())
    now = clock.now()
    app.log.add(RESET, "%s, version %s" % (module.reset_cause, VERSION), now)
    for port in module.outputs:
        if port.bypassed_until is not None:
            text = "goes on for %d s after the start" % ((port.bypassed_until - now) // 1000)
            app.log.add(BYPASS, text, now, 0, "port " + port.id)
    if store.bypass is None:
        app.log.add(BYPASS, "its file was damaged: nothing is bypassed", now)
        store.bypass = ()
