"""Parameters, `/axis-cgi/param.cgi` (VAPIX Parameter management): what the module is, and how its
ports are configured, as lines `root.Group.Name=value`.

Nothing is stored here: every value is computed from what it is about when somebody asks. An update
changes the settings, so it outlives a restart; all parameters of one request are changed together
or not at all.

The friendly name, `Network.UPnP.FriendlyName` and `Network.Bonjour.FriendlyName` (one name, under
both because tools set both), is the module's name in its settings.
"""

from micropython import const

from holdfast.core.accounts import READ_SYSTEM_SENSITIVE, WRITE_SYSTEM
from holdfast.core.port import STATES
from holdfast.core.settings import MAX_NAME, NotSaved, SettingsError, printable
from holdfast.vapix.access import require
from holdfast.vapix.identity import Device
from holdfast.wire.http import HttpError, Response, all_digits
from holdfast.wire.query import field, form, matches

_MAX_PATTERNS = const(32)  # groups of one list
_MAX_PARTS = const(8)  # names in a group; the longest parameter has five

# Fields of a request that are no parameters.
_NO_PARAMETERS = ("action", "usergroup", "responseformat", "responsecharset")
_FRIENDLY = ("Network.UPnP.FriendlyName", "Network.Bonjour.FriendlyName")


class Parameters:
    """Lists and updates. about: the arguments of identity.Device; store: of the settings."""

    def __init__(self, module, store, about):
        self._module = module
        self._store = store
        self._device = Device(*about)

    def handle(self, caller, request, now):
        """Answer one request, an empty one with everything; HttpError 403 for an update by
        anybody but an administrator.
        """
        fields = form(request)
        action = field(fields, "action")
        # One client loses its query when it is asked for Digest, and then means this.
        if action == "list" or not fields:
            text = self._list(caller.account.role, field(fields, "group"))
        elif action == "update":
            require(caller, WRITE_SYSTEM)
            text = self._update(fields, now)
        else:
            text = "# Error: the action must be list or update\n"
        return Response(200, text.encode(), "text/plain")

    # -- list -------------------------------------------------------------------------------------

    def _list(self, role, groups):
        """The lines of all groups asked for, in the order they were asked for; of all without."""
        rows = self._rows(role)
        if groups is None or groups == "":
            return "".join(["root.%s=%s\n" % row for row in rows])
        groups = groups.split(",")
        if len(groups) > _MAX_PATTERNS:
            return "# Error: too many groups\n"
        lines = []
        for group in groups:
            group = group.strip()
            patterns = _bare(group).split(".")
            if group == "root":
                patterns = ["*"]
            found = [row for row in rows if _in_group(patterns, row[0])]
            if found:
                lines.extend(["root.%s=%s\n" % row for row in found])
            else:
                lines.append("# Error: Error -1 getting param in group '%s'\n" % _shown(group))
        return "".join(lines)

    def _rows(self, role):
        """(name, value) of every parameter a role may see."""
        device = self._device
        rows = [
            ("Brand.Brand", device.brand),
            ("Brand.ProdFullName", device.product_full),
            ("Brand.ProdNbr", device.product_number),
            ("Brand.ProdShortName", device.product_short),
            ("Brand.ProdType", device.product_type),
            ("Brand.ProdVariant", device.product_variant),
            ("Brand.WebURL", device.web_url),
        ]
        ports = self._module.ports
        for port in ports:
            group = "IOPort.I%d." % port.index
            active = STATES[1 - port.normal]
            rows.append((group + "Configurable", "no"))
            rows.append((group + "Direction", "output" if port.output else "input"))
            rows.append((group + "Usage", port.usage))
            if port.output:
                rows.append((group + "Output.Active", active))
                rows.append((group + "Output.Button", "none"))
                rows.append((group + "Output.DelayTime", "0"))
                rows.append((group + "Output.Mode", "bistable"))
                rows.append((group + "Output.Name", port.name))
                rows.append((group + "Output.PulseTime", "0"))
            else:
                rows.append((group + "Input.Name", port.name))
                rows.append((group + "Input.Trig", active))
        outputs = len(self._module.outputs)
        rows.append(("Input.NbrOfInputs", "%d" % (len(ports) - outputs)))
        for name in _FRIENDLY:
            rows.append((name, self._module.name))
        rows.append(("Output.NbrOfOutputs", "%d" % outputs))
        # Metadata is the event stream over RTSP, which is not here; clients want to be told so.
        for name in (
            "GPIO.GPIO=yes",
            "GPIO.Version=1.0",
            "HTTP.Version=3",
            "Heartbeat.Heartbeat=yes",
            "Heartbeat.Version=1.0",
            "Metadata.Metadata=no",
            "Metadata.Version=1.0",
        ):
            name, _, value = name.partition("=")
            rows.append(("Properties.API." + name, value))
        rows.append(("Properties.ApiDiscovery.ApiDiscovery", "yes"))
        rows.append(("Properties.Firmware.BuildDate", device.build_date))
        rows.append(("Properties.Firmware.BuildNumber", "0"))  # nobody counts builds
        rows.append(("Properties.Firmware.Version", device.version))
        rows.append(("Properties.System.HardwareID", device.hardware_id))
        rows.append(("Properties.System.SerialNumber", device.serial))
        if role >= READ_SYSTEM_SENSITIVE:
            rows.append(("Properties.System.Architecture", device.architecture))
            rows.append(("Properties.System.Soc", device.soc))
            rows.append(("Properties.System.SocSerialNumber", device.soc_serial))
        return rows

    # -- update -----------------------------------------------------------------------------------

    def _update(self, fields, now):
        changes = []  # (port number as text or "", key of the settings, value)
        for name, value in fields:
            if name in _NO_PARAMETERS:
                continue
            change = self._change(_bare(name), value)
            if change is None:
                return _refused(name, value)
            changes.append(change)
        if not changes:
            return "# Error: no parameter to set\n"

        def edit(document):
            for port, key, value in changes:
                row = document
                if port:
                    row = document.setdefault("ports", {}).setdefault(port, {})
                row[key] = value

        try:
            self._store.change(edit, now)
        except SettingsError:
            for name, value in fields:
                if name not in _NO_PARAMETERS:
                    return _refused(name, value)
        except NotSaved:
            raise HttpError(503)
        return "OK"

    def _change(self, name, value):
        """What a parameter means in the settings, None when it cannot be set to this."""
        if name in _FRIENDLY:
            return ("", "name", value) if _name(value) else None
        parts = name.split(".")
        if parts[0] != "IOPort" or len(parts) < 3 or parts[1][:1] != "I":
            return None
        port = None
        for candidate in self._module.ports:
            if all_digits(parts[1][1:]) and candidate.id == parts[1][1:]:
                port = candidate
        if port is None:
            return None
        what = ".".join(parts[2:])
        direction = "Output." if port.output else "Input."
        if what == "Usage":
            return (port.id, "usage", value) if _name(value) else None
        if what == direction + "Name":
            return (port.id, "name", value) if _name(value) else None
        if what == ("Output.Active" if port.output else "Input.Trig") and value in STATES[:2]:
            return port.id, "normal", STATES[1 - STATES.index(value)]
        return None


def _bare(name):
    """A name without the `root.` that may stand before it."""
    return name[5:] if name.startswith("root.") else name


def _in_group(patterns, name):
    """True when a parameter is, or is below, the group whose names are like these patterns."""
    parts = name.split(".")
    if not len(patterns) <= min(len(parts), _MAX_PARTS):
        return False
    for pattern, part in zip(patterns, parts):
        if not matches(pattern, part):
            return False
    return True


def _name(value):
    return len(value) <= MAX_NAME and printable(value)


def _shown(text):
    """What somebody sent, fit for one line of an answer."""
    return text if printable(text) else "?"


def _refused(name, value):
    return "# Error: Error setting '%s' to '%s'!\n" % (_shown(_bare(name)), _shown(value))
