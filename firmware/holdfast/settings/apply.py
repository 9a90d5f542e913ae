"""Puts changed settings into force. Loaded for the start and for a change, and let go again."""

import asyncio

from holdfast.core.log import SETTINGS, TLS
from holdfast.runtime.memory import load
from holdfast.settings.changes import APPLIED
from holdfast.settings.model import SettingsError


def apply(app, settings, now: int, by: str | None) -> None:
    """Put changed settings into force. by: who changed them with what, None where that is told
    elsewhere. When memory runs out, the same call goes on with what was not done.
    """
    # Who may come in first: should memory run out after that, nobody who is gone stays.
    if _known(settings.accounts) != _known(app.settings.accounts):
        app.tokens.made = None  # tokens of accounts that are gone
    # The network's wait for the next start, as settings.changes says of whatever nobody applies.
    settings.network, settings.dns = app.settings.network, app.settings.dns
    app.settings = settings
    steps = {
        "logins": _logins,
        "module": _module,
        "sender": _sender,
        "clock": _clock,
        "certificate": _certificate,
    }
    for name, _ in APPLIED:
        steps[name](app, now)
    if by is not None:
        app.log.add(SETTINGS, "by " + by, now)
    # The module has taken what it needs of these. Last: after this no call goes on.
    settings.ports = settings.rules = ()


def _logins(app, now):
    settings = app.settings
    md5, app.dispatcher.names = settings.login
    app.authenticator.reconfigure(settings.realm, settings.accounts, md5)
    app.server.dismiss(_known(settings.accounts))


def _module(app, now):
    from holdfast.core.reconfigure import reconfigure

    reconfigure(app.module, app.settings, now)


def _sender(app, now):
    prepare(app)


def _clock(app, now):
    if app.settings.time != app.asked_time:
        keep_time(app)


def _certificate(app, now):
    if app.settings.tls is not None and app.gate is not None:
        use_certificate(app)  # whoever comes from now on gets the new certificate


def _known(accounts):
    """Who is known as what: a login that began as something else is over."""
    return [(account.name, account.role, account.md5, account.sha256) for account in accounts]


def prepare(app) -> None:
    """Load what sends notifications as soon as a rule may: not when a master is lost."""
    rules = app.module.rules
    if app.module.links is not None or rules is not None and rules.notifies:
        app.outbound.method("begin")(rules)


def keep_time(app) -> None:
    """Ask the server that settings name for the time, from now on."""
    if app.timekeeper is not None:
        app.timekeeper.cancel()
        app.timekeeper = None
    server = app.settings.time
    if server is not None:
        keeper = load("holdfast.client.ntp", "TimeKeeper")
        keeper = keeper(app.clock, app.module.random_bytes, app.timed)
        app.timekeeper = asyncio.create_task(keeper.run(server))
    app.asked_time = server


def use_certificate(app) -> bool:
    """Have the certificate and key in use that settings name; False when they cannot be."""
    try:
        files = load("holdfast.settings.tls_files", "files")(app.store.storage, app.settings.tls)
        if app.gate is None:
            make = load("holdfast.server.tls", "Gate")
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
