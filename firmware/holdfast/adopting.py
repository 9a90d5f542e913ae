"""Puts settings into force: when the module begins to serve, and when they were changed. Loaded
for each of these and let go again.
"""

import asyncio

from micropython import const

from holdfast.app import for_ever
from holdfast.core.log import SETTINGS, TLS
from holdfast.core.settings import NotSaved, SettingsError
from holdfast.shell.heap import forget, load
from holdfast.shell.portable import report, sleep_ms
from holdfast.shell.sockets import listen

_RENEW_MS = const(60000)  # from one try to the next
# Of shell.keeping, which is not loaded without one of them.
_MONITORS = ("monitors.json", "monitors.new", "monitors.old")
_MONITORS_BEGIN = b'{"monitors":1'


def begin(app, listeners, tasks):
    """Listen, and begin what goes on for ever: both are added to these. OSError when the address
    cannot be had.
    """
    host, port = app.network.address()
    secure = app.tls is not None and _secure(app)
    plain = not secure or app.tls[2]
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
    if not plain and app.tls[2] is None:
        text = "HTTP is not served: settings.tls.http is not there; true serves it beside HTTPS"
        if not app.book("known", TLS, text):
            app.log.add(TLS, text, app.clock.now())
    for loop in (app.server.reap, app.keep, app.store.save):
        tasks.append(asyncio.create_task(for_ever(loop)))
    _prepare(app)
    _wake_monitors(app)
    keep_time(app)
    now = app.clock.now()
    if app.store.earlier is not None:
        for text in app.store.earlier:
            app.log.add(SETTINGS, text, now)
        tasks.append(asyncio.create_task(_renew(app)))
    if app.store.trying is not None:
        app.trial.method("resume")(now)
    app.module.ready(True, now)
    if secure:
        print("ready https://%s:%d" % (host, app.tls_place[0]))
    tasks.append(asyncio.create_task(for_ever(app.supervise, port if plain else None)))
    forget("holdfast.shell.sockets")


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


def adopt(app, settings, now, by):
    """The settings were changed: what counts at once is put into force, see core.waiting.
    by: who did it with what, None where that is told elsewhere.
    """
    # Who may come in first: should memory run out after that, nobody who is gone stays.
    accounts = settings.accounts
    if _known(accounts) != _known(app.accounts):
        app.tokens.made = None  # tokens of accounts that are gone
    app.accounts = accounts
    # The hashes are made with it.
    app.authenticator.realm = settings.realm
    app.about = app.about[:3] + (settings.realm,)
    app.authenticator.adopt(accounts)
    app.authenticator.md5, app.dispatcher.names = settings.login
    app.monitor_tokens = settings.tokens
    app.uplinks = settings.uplinks
    app.server.dismiss(_known(accounts))
    app.module.name = settings.name
    app.module.adopt(settings, now)
    _prepare(app)
    if settings.time != app.time:
        app.time = settings.time
        keep_time(app)
    app.tls = settings.tls
    if app.tls is not None and app.gate is not None:
        _secure(app)  # whoever comes from now on gets the new certificate
    if by is not None:
        app.log.add(SETTINGS, "by " + by, now)


def _known(accounts):
    """Who is known as what: a login that began as something else is over."""
    return [(account.name, account.role, account.md5, account.sha256) for account in accounts]


def _prepare(app):
    """Load what sends notifications as soon as a rule may: not when a master is lost."""
    rules = app.module.rules
    if app.module.links is not None or rules is not None and rules.notifies:
        app.outbound.method("begin")(rules)


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


def keep_time(app):
    """Ask the server that settings name for the time, from now on."""
    if app.timekeeper is not None:
        app.timekeeper.cancel()
        app.timekeeper = None
    if app.time is not None:
        keeper = load("holdfast.shell.timekeeping", "TimeKeeper")
        keeper = keeper(app.clock, app.module.random_bytes, app.timed)
        app.timekeeper = asyncio.create_task(keeper.run(app.time))


def _secure(app):
    """Have the certificate and key in use that settings name; False when they cannot be."""
    try:
        files = app.store.files(app.tls)
        if app.gate is None:
            make = load("holdfast.shell.secure", "Gate")
            stall_ms = app.about[0].TLS_STALL_MS
            app.gate = make(app.server, app.tls_place[1], files, app.quiet, stall_ms)
        else:
            app.gate.use(files)
        app.tls_trouble = None
        return True
    except (SettingsError, OSError, ValueError, MemoryError) as error:
        print("holdfast: TLS cannot be had: %s" % error)
        ours = isinstance(error, SettingsError)  # no other text reaches the network
        app.tls_trouble = "%s instead: %s" % (
            "HTTP is served" if app.gate is None else "the certificate before is used",
            error if ours else "settings.tls: the certificate is not accepted",
        )
        app.log.add(TLS, app.tls_trouble, app.clock.now())
        return False
