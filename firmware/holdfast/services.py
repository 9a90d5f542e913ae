"""What the module answers beside heartbeats: the rows of its table, and the services behind them.

Loaded with the first request that is none. A service is made when it is asked for, and let go with
its code when nobody has asked for it for a while: what a client calls once, when it starts, is not
kept for ever, and what nobody calls costs nothing. So a service here only translates; what has to
be kept in mind is kept by core, by the settings, or by one of the listeners of the app.
"""

import gc
import sys
from binascii import hexlify

from micropython import const

from holdfast import VERSION
from holdfast.core.accounts import (
    ACTUATE,
    BY_TOKEN,
    PRE_AUTH,
    READ_SYSTEM,
    READ_SYSTEM_SENSITIVE,
    WRITE_SYSTEM,
)
from holdfast.shell.heap import borrow, forget, load

# Before a service is loaded so much of the heap is made free, if others can be let go for it: the
# largest takes 16 KB, its longest answer 10, and loading needs some of it in one piece.
_ROOM_BYTES = const(48 * 1024)

_GET = ("GET",)
_POST = ("POST",)
_BOTH = ("GET", "POST")

# Path, methods, lowest role, and the service with its method.
ROWS = (
    ("/vapix/services", _POST, PRE_AUTH, "soap.post"),
    ("/vapix/axgpio", _POST, PRE_AUTH, "axgpio.post"),
    ("/vapix/ws-data-stream", _GET, READ_SYSTEM, "streaming.get"),
    ("/axis-cgi/wssession.cgi", _BOTH, READ_SYSTEM, "tokens.get"),
    ("/axis-cgi/io/portmanagement.cgi", _POST, READ_SYSTEM, "ports.post"),
    ("/axis-cgi/io/port.cgi", _BOTH, READ_SYSTEM, "port_cgi.ports"),
    ("/axis-cgi/io/virtualinput.cgi", _BOTH, ACTUATE, "port_cgi.manual_trigger"),
    ("/axis-cgi/virtualinput/activate.cgi", _BOTH, ACTUATE, "virtual.activate"),
    ("/axis-cgi/virtualinput/deactivate.cgi", _BOTH, ACTUATE, "virtual.deactivate"),
    ("/axis-cgi/virtualinput/getschemaversions.cgi", _GET, ACTUATE, "virtual.schemas"),
    ("/axis-cgi/apidiscovery.cgi", _BOTH, PRE_AUTH, "discovery.post"),
    ("/axis-cgi/basicdeviceinfo.cgi", _BOTH, PRE_AUTH, "information.post"),
    ("/axis-cgi/param.cgi", _BOTH, READ_SYSTEM, "parameters.handle"),
    ("/axis-cgi/systemready.cgi", _POST, PRE_AUTH, "ready.post"),
    ("/axis-cgi/usergroup.cgi", _GET, READ_SYSTEM, "group.get"),
    ("/axis-cgi/pwdgrp.cgi", _BOTH, PRE_AUTH, "users.handle"),
    ("/holdfast/status", _GET, READ_SYSTEM, "status.get"),
    ("/holdfast/uplinks", _GET, READ_SYSTEM, "uplinks.get"),
    ("/holdfast/masters", _GET, READ_SYSTEM, "status.masters"),
    ("/holdfast/drill", _POST, WRITE_SYSTEM, "status.drill"),
    ("/holdfast/release", _POST, WRITE_SYSTEM, "status.release"),
    ("/holdfast/log", _GET, READ_SYSTEM_SENSITIVE, "log.get"),
    ("/v1/heartbeat", _POST, BY_TOKEN, "pinghome.create"),
    ("/v1/heartbeat", ("DELETE",), BY_TOKEN, "pinghome.remove_many"),
    ("/holdfast/settings", _GET, WRITE_SYSTEM, "settings.get"),
    ("/holdfast/settings", ("PUT",), PRE_AUTH, "settings.put"),
    ("/holdfast/settings", ("PATCH",), PRE_AUTH, "settings.patch"),
    ("/holdfast/restart", _POST, WRITE_SYSTEM, "restart.post"),
)

# The same for paths with parts that vary: `*` stands for one. The service takes it from the path.
PATTERNS = (
    ("/ping/*", _BOTH, BY_TOKEN, "healthchecks.by_uuid"),
    ("/ping/*/*", _BOTH, BY_TOKEN, "healthchecks.by_two"),
    ("/ping/*/*/*", _BOTH, BY_TOKEN, "healthchecks.by_three"),
    ("/v1/heartbeat/*", _GET, BY_TOKEN, "pinghome.one"),
    ("/v1/heartbeat/*", _POST, BY_TOKEN, "pinghome.check_in"),
    ("/v1/heartbeat/*", ("PUT",), BY_TOKEN, "pinghome.change"),
    ("/v1/heartbeat/*", ("DELETE",), BY_TOKEN, "pinghome.remove"),
    ("/v1/heartbeat/*/events", _GET, BY_TOKEN, "pinghome.events"),
    ("/v1/heartbeat/*/statistic", _GET, BY_TOKEN, "pinghome.statistic"),
    ("/v1/service/*/heartbeats", _GET, BY_TOKEN, "pinghome.listed"),
    ("/holdfast/confirm", _POST, WRITE_SYSTEM, "confirm.post"),
    ("/", _GET, PRE_AUTH, "page.get"),
    ("/holdfast/page.css", _GET, PRE_AUTH, "page.get"),
    ("/holdfast/page.js", _GET, PRE_AUTH, "page.get"),
)

# By service: module, class, and what it is made with, by the names that Services and the app have.
SERVICES = {
    "soap": ("holdfast.vapix.soap", "SoapService", "module", "services"),
    "axgpio": ("holdfast.vapix.gpio", "GpioService", "module", "store"),
    "aev": ("holdfast.vapix.eventinstances", "EventInstances", "events"),
    "aa": ("holdfast.vapix.action", "ActionService", "store"),
    "ports": ("holdfast.vapix.portmanagement", "PortManagement", "module", "store"),
    "port_cgi": ("holdfast.vapix.portcgi", "PortCgi", "module", "monitors"),
    "virtual": ("holdfast.vapix.virtualinput", "VirtualInputService", "module"),
    "discovery": ("holdfast.vapix.apidiscovery", "ApiDiscovery"),
    "information": ("holdfast.vapix.basicdeviceinfo", "BasicDeviceInfo", "about"),
    "parameters": ("holdfast.vapix.param", "Parameters", "module", "store", "about"),
    "ready": ("holdfast.vapix.systemready", "SystemReady", "module", "store", "boot"),
    "group": ("holdfast.vapix.usergroup", "UserGroup"),
    "users": ("holdfast.vapix.pwdgrp", "Accounts", "store", "realm", "accounts"),
    "uplinks": ("holdfast.own.uplinks", "UplinksService", "module"),
    "inbound": ("holdfast.uplink.inbound", "InboundService", "module"),
    "log": ("holdfast.own.log", "LogService", "log", "read_log", "boot"),
    "pinghome": ("holdfast.monitors.pinghome", "Pinghome", "keeper", "monitor_tokens"),
    "healthchecks": (
        "holdfast.monitors.healthchecks",
        "Healthchecks",
        "keeper",
        "monitor_tokens",
    ),
    "restart": ("holdfast.own.restart", "RestartService", "restart"),
    "settings": ("holdfast.own.settings", "SettingsService", "store", "trial"),
    "status": (
        "holdfast.own.status",
        "StatusService",
        "module",
        "version",
        "notified",
        "facts",
        "keeper",
    ),
    "page": ("holdfast.own.page", "PageService", "borrow", "store"),
    "confirm": ("holdfast.own.confirm", "ConfirmService", "trial"),
}
# These keep something in mind: the app has them.
_LISTENERS = ("streaming", "tokens")

_WORDS = "holdfast.core.checkins"  # of the engine, too, where there are monitors
_ENGINE = "holdfast.core.monitors"

# Used by these services alone, and let go with the last of them.
_SHARED = (
    ("holdfast.wire.xml", ("soap", "axgpio", "aev", "aa")),
    ("holdfast.vapix.earlier", ("discovery", "information")),
    ("holdfast.vapix.identity", ("information", "parameters")),
    ("holdfast.core.rulecheck", ("aa",)),
    ("holdfast.core.address", ("aa",)),
    ("holdfast.core.check", ("aa",)),
    ("holdfast.monitors.answers", ("pinghome", "healthchecks")),
    ("holdfast.core.tokens", ("pinghome", "healthchecks")),
    (_WORDS, ("pinghome", "healthchecks")),
    ("holdfast.wire.date", ("pinghome",)),
    ("holdfast.core.waiting", ("settings",)),
    ("holdfast.core.wear", ("log",)),
    ("holdfast.shell.documents", ("settings",)),
)


def _like(pattern, parts):
    """True when the parts of a path are those of a pattern."""
    if len(pattern) != len(parts):
        return False
    for wanted, part in zip(pattern, parts):
        if wanted != part and (wanted != "*" or not part):
            return False
    return True


class Services:
    """app: whose attributes the services are made with, beside those here."""

    def __init__(self, app):
        self.version = VERSION
        self.borrow = borrow
        self.services = self  # for the one that calls others
        self._app = app
        self._made = {}
        self._used = []  # since `rest` was called last

    def rows(self, path):
        """The rows of a path, as the dispatcher's routes."""
        rows = [row for row in ROWS if row[0] == path]
        if not rows:
            parts = path.split("/")
            rows = [row for row in PATTERNS if _like(row[0].split("/"), parts)]
        if not rows and path == self._inbound_path():
            rows = [(path, _POST, ACTUATE, "inbound.post")]
        return [row[:3] + (self, row[3]) for row in rows]

    def _inbound_path(self):
        """Where others' heartbeats come, None when none are wanted."""
        links = self._app.module.links
        return None if links is None or links.inbound is None else links.inbound.path

    def call(self, name, *arguments):
        """Call `service.method`."""
        service, _, method = name.partition(".")
        if service in _LISTENERS:
            return getattr(self._app, service).call(method, *arguments)
        made = self._made.get(service)
        if service in self._used:
            self._used.remove(service)
        self._used.append(service)
        if made is None:
            made = self._made[service] = self._make(*SERVICES[service])
        return getattr(made, method)(*arguments)

    def _make(self, module, name, *arguments):
        self._make_room()
        values = []
        for key in arguments:
            values.append(getattr(self if hasattr(self, key) else self._app, key))
        return load(module, name)(*values)

    def realm(self):
        """What password hashes are made with, as of now."""
        return self._app.about[3]

    def accounts(self):
        """All accounts, as of now."""
        return self._app.accounts

    def monitor_tokens(self):
        """The tokens for monitors, as of now."""
        return self._app.monitor_tokens

    def facts(self):
        """What else is told of the module: the epoch of its events, what to add to its time for
        UTC or 0, until when settings are on trial, and the signal of Wi-Fi in dBm, None for none.
        """
        app = self._app
        trial = app.trial.made
        return (
            hexlify(app.boot[:8]).decode(),
            app.clock.epoch_ms(),
            None if trial is None else trial.until,
            app.network.signal(),
        )

    def read_log(self, since, limit):
        """The rows of the event log; see shell.logbook."""
        return self._app.book("entries", since, limit, self._app.clock.epoch_ms())

    def _make_room(self):
        """Let go of services until there is room for one more, those that nobody has called for a
        while first. Now, while the stack is short: the collector takes what is there for pointers.
        """
        gc.collect()
        while self._made and hasattr(gc, "mem_free") and gc.mem_free() < _ROOM_BYTES:
            names = [name for name in self._made if name not in self._used] + self._used
            self._let_go([name for name in names if name in self._made][:1])
            gc.collect()

    def rest(self):
        """Forget the code of the services that were not called since this was asked last; True
        when none is left.
        """
        self._let_go([name for name in self._made if name not in self._used])
        self._used = []
        return not self._made

    def _let_go(self, names):
        """Forget these services, and what only they need."""
        for name in names:
            del self._made[name]
            forget(SERVICES[name][0])
        for module, users in _SHARED:
            for user in users:
                if user in self._made:
                    break
            else:
                if module != _WORDS or _ENGINE not in sys.modules:
                    forget(module)
