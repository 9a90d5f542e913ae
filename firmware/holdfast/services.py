"""What the module answers beside heartbeats: the rows of its table, and the services behind them.

Loaded with the first request that is none. A service is made when it is asked for, and let go with
its code when nobody has asked for it for a while: what a client calls once, when it starts, is not
kept for ever, and what nobody calls costs nothing. So a service here only translates; what has to
be kept in mind is kept by core, by the settings, or by one of the listeners of the app.
"""

from holdfast.core.accounts import ACTUATE, PRE_AUTH, READ_SYSTEM, WRITE_SYSTEM
from holdfast.shell.heap import forget, load

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
    ("/holdfast/release", _POST, WRITE_SYSTEM, "status.release"),
)

# By service: module, class, and what it is made with, by the names of the app.
_SERVICES = {
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
    "status": ("holdfast.own.status", "StatusService", "module", "version", "notified"),
}
# These keep something in mind: the app has them.
_LISTENERS = ("streaming", "tokens")

# Used by these services alone, and let go with the last of them.
_SHARED = (
    ("holdfast.wire.xml", ("soap", "axgpio", "aev", "aa")),
    ("holdfast.vapix.earlier", ("discovery", "information", "ready")),
    ("holdfast.vapix.identity", ("information", "parameters")),
    ("holdfast.core.rulecheck", ("aa",)),
    ("holdfast.core.check", ("aa",)),
)


class Services:
    """app: whose attributes the services are made with."""

    def __init__(self, app):
        self._app = app
        self._made = {}
        self._used = []  # since `rest` was called last

    def rows(self, path):
        """The rows of a path, as the dispatcher's routes."""
        return [row[:3] + (self, row[3]) for row in ROWS if row[0] == path]

    def call(self, name, *arguments):
        """Call `service.method`."""
        service, _, method = name.partition(".")
        if service in _LISTENERS:
            return getattr(self._app, service).call(method, *arguments)
        made = self._made.get(service)
        if service not in self._used:
            self._used.append(service)
        if made is None:
            made = self._made[service] = self._make(*_SERVICES[service])
        return getattr(made, method)(*arguments)

    def _make(self, module, name, *arguments):
        app = self._app
        values = [self if key == "services" else getattr(app, key) for key in arguments]
        return load(module, name)(*values)

    def rest(self):
        """Forget the code of the services that were not called since this was asked last; True
        when none is left.
        """
        for service in list(self._made):
            if service not in self._used:
                del self._made[service]
                forget(_SERVICES[service][0])
        for module, users in _SHARED:
            for user in users:
                if user in self._made:
                    break
            else:
                forget(module)
        self._used = []
        return not self._made
