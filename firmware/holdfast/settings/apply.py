"""Puts changed settings into force. Loaded for the start and for a change, and let go again."""

import asyncio

from holdfast.core.log import SETTINGS, TLS
from holdfast.runtime.memory import load
from holdfast.settings.model import SettingsError


def adopt(app, settings, now, by):
    """The settings were changed: what counts at once is put into force, see settings.changes.
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
    prepare(app)
    if settings.time != app.time:
        app.time = settings.time
        keep_time(app)
    app.tls = settings.tls
    if app.tls is not None and app.gate is not None:
        use_certificate(app)  # whoever comes from now on gets the new certificate
    if by is not None:
        app.log.add(SETTINGS, "by " + by, now)


def _known(accounts):
    """Who is known as what: a login that began as something else is over."""
    return [(account.name, account.role, account.md5, account.sha256) for account in accounts]


def prepare(app):
    """Load what sends notifications as soon as a rule may: not when a master is lost."""
    rules = app.module.rules
    if app.module.links is not None or rules is not None and rules.notifies:
        app.outbound.method("begin")(rules)


def keep_time(app):
    """Ask the server that settings name for the time, from now on."""
    if app.timekeeper is not None:
        app.timekeeper.cancel()
        app.timekeeper = None
    if app.time is not None:
        keeper = load("holdfast.client.ntp", "TimeKeeper")
        keeper = keeper(app.clock, app.module.random_bytes, app.timed)
        app.timekeeper = asyncio.create_task(keeper.run(app.time))


def use_certificate(app):
    """Have the certificate and key in use that settings name; False when they cannot be."""
    try:
        files = app.store.files(app.tls)
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
