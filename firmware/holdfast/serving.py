"""The module begins to serve: it listens and its loops start. Loaded for that, and let go."""

import asyncio

from micropython import const

from holdfast.app import for_ever
from holdfast.core.log import SETTINGS, TLS
from holdfast.runtime.memory import forget
from holdfast.runtime.portable import report, sleep_ms
from holdfast.runtime.sockets import listen
from holdfast.settings.apply import keep_time, prepare, use_certificate
from holdfast.settings.model import NotSaved
from holdfast.settings.store import let_go

_RENEW_MS = const(60000)  # from one try to the next
# Of monitors.store, which is not loaded without one of them.
_MONITORS = ("monitors.json", "monitors.new", "monitors.old")
_MONITORS_BEGIN = b'{"monitors":1'


def begin(app, listeners, tasks):
    """Listen, and begin what goes on for ever: both are added to these. OSError when the address
    cannot be had.
    """
    host, port = app.network.address()
    tls = app.settings.tls
    secure = tls is not None and use_certificate(app)
    plain = not secure or tls[2]
    # While the loop is busy as many may come as there are places: lwIP resets those for whom it
    # has none in this queue.
    backlog = app.server.connections.limit
    # A module that nobody can reach is worth less than one that is reached without TLS.
    try:
        if plain:
            _listen(app, listen(host, port, backlog), None, listeners, tasks)
        if secure:
            listener = listen(host, app.tls_place[0], backlog)
            _listen(app, listener, app.gate, listeners, tasks)
    except OSError as error:
        app.network.refused(error)
        raise
    if not plain and tls[2] is None:
        text = "HTTP is not served: settings.tls.http is not there; true serves it beside HTTPS"
        if not app.book("known", TLS, text):
            app.log.add(TLS, text, app.clock.now())
    for loop in (app.server.reap, app.keep, app.store.save):
        tasks.append(asyncio.create_task(for_ever(loop)))
    prepare(app)
    _wake_monitors(app)
    keep_time(app)
    now = app.clock.now()
    if app.store.earlier is not None:
        for text in app.store.earlier:
            app.log.add(SETTINGS, text, now)
        tasks.append(asyncio.create_task(_renew(app)))
    if app.store.trying is not None:
        app.trial.method("resume")(now)
    app.events.set(app.module.ready, True, now)
    if secure:
        print("ready https://%s:%d" % (host, app.tls_place[0]))
    tasks.append(asyncio.create_task(for_ever(app.supervise, port if plain else None)))
    forget("holdfast.runtime.sockets")
    forget("holdfast.settings.apply")
    let_go()


async def _renew(app):
    """Save settings of 0.1.0 in the format of this version: the log then tells of them once."""
    while app.store.earlier is not None:
        try:
            await app.store.change(lambda document: None)
            app.store.earlier = None
        except (NotSaved, MemoryError):
            await sleep_ms(_RENEW_MS)


def _listen(app, listener, gate, listeners, tasks):
    listeners.append(listener)
    tasks.append(asyncio.create_task(for_ever(app.server.accept, listener, gate)))


def _wake_monitors(app):
    """Monitors that are in flash go on; the module does, whatever they are like."""
    try:
        for name in _MONITORS:
            data = app.store.storage.read(name)
            if data is not None:
                # A file of none, as the last one that was removed leaves it, wakes nobody.
                if b"\n[" in data or not data.startswith(_MONITORS_BEGIN):
                    app.keeper.method("start")()
                return
    except Exception as error:
        report(error)
