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
from holdfast.core.accounts import ACTUATE, BY_TOKEN, ROLES
from holdfast.runtime.memory import borrow, forget, load

# Before a service is loaded so much of the heap is made free, if others can be let go for it: the
# largest takes 16 KB, its longest answer 10, and loading needs some of it in one piece.
_ROOM_BYTES = const(48 * 1024)

# A line each: path, methods, lowest role (token: the service asks for one itself), and the service
# with its method. `*` in a path stands for a part that varies: the service takes it from there. In
# a few texts, because a tuple a row takes three times the heap.
ROWS = (
    "\n"
    "/vapix/services POST anyone soap.post\n"
    "/vapix/axgpio POST anyone axgpio.post\n"
    "/vapix/ws-data-stream GET viewer streaming.get\n"
    "/axis-cgi/wssession.cgi GET,POST viewer tokens.get\n"
    "/axis-cgi/io/portmanagement.cgi POST viewer ports.post\n"
    "/axis-cgi/io/port.cgi GET,POST viewer port_cgi.ports\n"
    "/axis-cgi/io/virtualinput.cgi GET,POST operator port_cgi.manual_trigger\n"
    "/axis-cgi/virtualinput/activate.cgi GET,POST operator virtual.activate\n"
    "/axis-cgi/virtualinput/deactivate.cgi GET,POST operator virtual.deactivate\n"
    "/axis-cgi/virtualinput/getschemaversions.cgi GET operator virtual.schemas\n"
    "/axis-cgi/apidiscovery.cgi GET,POST anyone discovery.post\n"
    "/axis-cgi/basicdeviceinfo.cgi GET,POST anyone information.post\n"
    "/axis-cgi/param.cgi GET,POST viewer parameters.handle\n"
    "/axis-cgi/systemready.cgi POST anyone ready.post\n"
    "/axis-cgi/time.cgi POST viewer time.post\n"
    "/axis-cgi/usergroup.cgi GET viewer group.get\n"
    "/axis-cgi/pwdgrp.cgi GET,POST anyone users.handle\n",
    "\n"
    "/holdfast/status GET viewer status.get\n"
    "/holdfast/outputs GET viewer outputs.get\n"
    "/holdfast/uplinks GET viewer uplinks.get\n"
    "/holdfast/masters GET viewer status.masters\n"
    "/holdfast/drill POST administrator status.drill\n"
    "/holdfast/release POST administrator status.release\n"
    "/holdfast/bypass POST administrator status.bypass\n"
    "/holdfast/log GET operator log.get\n"
    "/holdfast/settings GET administrator settings.get\n"
    "/holdfast/settings PUT anyone settings.put\n"
    "/holdfast/settings PATCH anyone settings.patch\n"
    "/holdfast/restart POST administrator restart.post\n"
    "/holdfast/confirm POST administrator confirm.post\n"
    "/ GET anyone page.get\n"
    "/holdfast/page.css GET anyone page.get\n"
    "/holdfast/page.js GET anyone page.get\n"
    "/v1/heartbeat POST token pinghome.create\n"
    "/v1/heartbeat DELETE token pinghome.remove_many\n",
)
PATTERNS = (
    "\n"
    "/ping/* GET,POST token healthchecks.by_uuid\n"
    "/ping/*/* GET,POST token healthchecks.by_two\n"
    "/ping/*/*/* GET,POST token healthchecks.by_three\n"
    "/v1/heartbeat/* GET token pinghome.one\n"
    "/v1/heartbeat/* POST token pinghome.check_in\n"
    "/v1/heartbeat/* PUT token pinghome.change\n"
    "/v1/heartbeat/* DELETE token pinghome.remove\n"
    "/v1/heartbeat/*/events GET token pinghome.events\n"
    "/v1/heartbeat/*/statistic GET token pinghome.statistic\n"
    "/v1/service/*/heartbeats GET token pinghome.listed\n"
)

_MOST_PARTS = const(
    6
)  # of a path that is split: more than any of them has, and a slash at its end

# A line each: service, module, class, and what it is made with, by the names that Services and the
# app have.
SERVICES = (
    "\n"
    "soap vapix.soap SoapService module services\n"
    "axgpio vapix.gpio GpioService module store\n"
    "aev vapix.eventinstances EventInstances events\n"
    "aa vapix.action ActionService store\n"
    "ports vapix.portmanagement PortManagement module store\n"
    "port_cgi vapix.portcgi PortCgi module monitors\n"
    "virtual vapix.virtualinput VirtualInputService module\n"
    "discovery vapix.apidiscovery ApiDiscovery\n"
    "information vapix.basicdeviceinfo BasicDeviceInfo about\n"
    "parameters vapix.param Parameters module store about address hostname\n"
    "ready vapix.systemready SystemReady module store boot\n"
    "time vapix.time TimeService clock\n"
    "group vapix.pwdgrp UserGroup\n"
    "users vapix.pwdgrp Accounts store about accounts\n"
    "uplinks rest.uplinks UplinksService module\n"
    "outputs rest.outputs OutputsService module\n"
    "inbound uplink.inbound InboundService module authenticator monitor_tokens\n"
    "log rest.log LogService log log_reader boot\n"
    "pinghome monitors.pinghome Pinghome keeper monitor_tokens\n"
    "healthchecks monitors.healthchecks Healthchecks keeper monitor_tokens\n"
    "restart rest.restart RestartService restart\n"
    "settings rest.settings SettingsService store trial gate log\n"
    "status rest.status StatusService module version notified facts keeper store\n"
    "page rest.page PageService borrow store\n"
    "confirm rest.confirm ConfirmService trial\n"
)
# These keep something in mind: the app has them.
_LISTENERS = ("streaming", "tokens")

_WORDS = "core.checkins"  # of the engine, too, where there are monitors
_ENGINE = "holdfast.core.monitors"

# Used by these services alone, and let go with the last of them.
_SHARED = (
    "\n"
    "wire.xml soap axgpio aev aa\n"
    "vapix.access soap axgpio ports port_cgi information parameters users\n"
    "vapix.earlier discovery information\n"
    "vapix.identity information parameters\n"
    "settings.schema_rules aa\n"
    "core.topics aev aa pinghome settings\n"
    "settings.address aa\n"
    "settings.schema aa settings\n"
    "core.text aa axgpio ports parameters users settings confirm pinghome healthchecks\n"
    "monitors.check_in pinghome healthchecks\n"
    "core.tokens pinghome healthchecks inbound\n"
    "core.checkins pinghome healthchecks\n"
    "wire.date pinghome time\n"
    "vapix.reply ready time\n"
    "settings.secrets settings aa\n"
    "rest.json status confirm uplinks outputs\n"
    "core.truth outputs\n"
    "core.blocked status\n"
    "core.reconfigure status\n"
    "settings.documents settings\n"
    "settings.saving settings\n"
    "settings.format settings\n"
)


def _lines(text, word):
    """The words of every line that begins with this one."""
    found = []
    start = "\n" + word + " "
    at = text.find(start)
    while at >= 0:
        end = text.find("\n", at + 1)
        found.append(text[at + 1 : end].split(" "))
        at = text.find(start, end)
    return found


def _like(pattern, parts):
    """True when the parts of a path are those of a pattern."""
    if len(pattern) != len(parts):
        return False
    for wanted, part in zip(pattern, parts):
        if wanted != part and (wanted != "*" or not part):
            return False
    return True


def _role(name):
    return BY_TOKEN if name == "token" else ROLES.index(name)


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
        rows = _lines(ROWS[0], path) or _lines(ROWS[1], path)
        if not rows:
            parts = path.split("/", _MOST_PARTS)
            if not parts[-1]:
                parts.pop()  # a slash at the end means nothing to those who check in
            rows = [row.split(" ") for row in PATTERNS.split("\n")]
            rows = [row for row in rows if _like(row[0].split("/"), parts)]
        if not rows and path == self._inbound_path():
            return [(path, ("POST",), ACTUATE, self, "inbound.post", "inbound.account")]
        return [(path, row[1].split(","), _role(row[2]), self, row[3]) for row in rows]

    def _inbound_path(self):
        """Where others' heartbeats come, None when none are wanted."""
        links = self._app.module.links
        return None if links is None or links.inbound is None else links.inbound.path

    def method(self, name):
        """The method of `service.method`; the service is made when it is not there."""
        service, _, method = name.partition(".")
        if service in _LISTENERS:
            return getattr(self._app, service).method(method)
        made = self._made.get(service)
        if service in self._used:
            self._used.remove(service)
        self._used.append(service)
        if made is None:
            made = self._made[service] = self._make(*_lines(SERVICES, service)[0][1:])
        return getattr(made, method)

    def _make(self, module, name, *arguments):
        self._make_room()
        values = []
        for key in arguments:
            values.append(getattr(self if hasattr(self, key) else self._app, key))
        return load("holdfast." + module, name)(*values)

    def accounts(self):
        """All accounts, as of now."""
        return self._app.settings.accounts

    def monitor_tokens(self):
        """The tokens for monitors, as of now."""
        return self._app.settings.tokens

    def hostname(self):
        """That the network knows; "" where MicroPython has its own for the board."""
        return self._app.dispatcher.hostname

    def address(self):
        """Where the network is reached, as text; None without a network."""
        return self._app.address

    def facts(self):
        """What else is told of the module: the epoch of its events, what to add to its time for
        UTC or 0, until when settings are on trial, the signal of Wi-Fi in dBm, and what is wrong
        with TLS, None for none; how often the alarm was made anew, how many writes of settings
        were refused because there were too many, and whether memory is short.
        """
        app = self._app
        trial = app.trial.made
        return (
            hexlify(app.boot[:8]).decode(),
            app.clock.epoch_ms(),
            None if trial is None else trial.until,
            app.network.signal(),
            app.tls_trouble,
            app.alarms,
            app.store.refused,
            app.scarce,
        )

    def log_reader(self):
        """What reads the event log: `find` and `entries` of storage.log_files, its storage, and a
        function() for what to add to the module's time for UTC. Called by whoever asks, from a
        shallow stack.
        """
        app = self._app
        find = load("holdfast.storage.log_files", "find")
        entries = borrow("holdfast.storage.log_files", "entries")
        return find, entries, app.store.storage, app.clock.epoch_ms

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
            forget("holdfast." + _lines(SERVICES, name)[0][1])
        for row in _SHARED.split("\n")[1:-1]:
            module, *users = row.split(" ")
            used = module == _WORDS and _ENGINE in sys.modules
            if not used and not [user for user in users if user in self._made]:
                forget("holdfast." + module)
