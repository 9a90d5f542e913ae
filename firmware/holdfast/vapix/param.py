"""Parameters, `/axis-cgi/param.cgi` (VAPIX Parameter management): what the module is, and how its
ports are configured, as lines `root.Group.Name=value`.

Nothing is stored here: every value is computed from what it is about when somebody asks. An update
changes the settings, so it outlives a restart; all parameters of one request are changed together
or not at all.

Groups are taken in upper and lower case. The friendly name, `Network.UPnP.FriendlyName` and
`Network.Bonjour.FriendlyName` (one name, under both because tools set both), is the module's name
in its settings.
"""

from binascii import crc32

from micropython import const

from holdfast.core.accounts import READ_SYSTEM_SENSITIVE, WRITE_SYSTEM
from holdfast.core.port import STATES
from holdfast.core.text import MAX_NAME, by_whom, printable
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.vapix.access import require
from holdfast.vapix.identity import Device
from holdfast.wire.http import HttpError, Response
from holdfast.wire.query import field, form, matches

# Of one list.
_MAX_GROUPS = const(16)
_MAX_WILDCARDS = const(8)
_MAX_TEXT = const(1024)  # characters of all groups
# Parameters that one list may look at: the loop waits meanwhile. All of them are about 100.
_MAX_LOOKS = const(320)

# Fields of a request that are no parameters.
_NO_PARAMETERS = ("action", "usergroup", "responseformat", "responsecharset")
_FRIENDLY = ("Network.UPnP.FriendlyName", "Network.Bonjour.FriendlyName")


class Parameters:
    """Lists and updates. about: the arguments of identity.Device; store: of the settings; address:
    a function() that gives the address of the network, or None; hostname: one for the host name.
    """

    def __init__(self, module, store, about, address, hostname):
        self._module = module
        self._store = store
        self._device = Device(*about)
        self._address = address
        self._hostname = hostname

    async def handle(self, caller, request, now):
        """Answer one request, an empty one with everything; HttpError 403 for an update by
        anybody but an administrator.
        """
        fields = form(request)
        action = field(fields, "action")
        # One client loses its query when it is asked for Digest, and then means this.
        if action == "list" or not fields:
            return self._list(caller.account.role, field(fields, "group"))
        elif action == "update":
            require(caller, WRITE_SYSTEM)
            text = await self._update(fields, by_whom(caller, request.path))
        else:
            text = "# Error: the action must be list or update\n"
        return Response(200, text.encode(), "text/plain")

    # -- list -------------------------------------------------------------------------------------

    def _list(self, role, groups):
        """The answer: the lines of all groups asked for, in the order they were asked for; of all
        without.
        """
        if not groups:
            groups = "*"
        count = groups.count("*") + groups.count("?")
        if groups.count(",") >= _MAX_GROUPS or len(groups) > _MAX_TEXT or count > _MAX_WILDCARDS:
            return _too_many()
        asked = []
        for group in groups.split(","):
            group = group.strip(" \t\r\n")
            if group not in asked:
                asked.append(group)
        left = _MAX_LOOKS
        for group in asked:
            for _ in self._rows(role, _patterns(group)):
                left -= 1
                if left < 0:
                    return _too_many()
        return Response(200, lambda: self._lines(role, asked), "text/plain")

    def _lines(self, role, groups):
        """The lines of these groups. A parameter is told once, in however many of them it is: no
        request makes an answer longer than the whole list.
        """
        told = set() if len(groups) > 1 else None
        for group in groups:
            patterns = _patterns(group)
            found = False
            for name, value in self._rows(role, patterns):
                if len(patterns) > 1 and not _in_group(patterns, name):
                    continue
                found = True
                if told is not None:
                    # Of a name its checksum: no two of them have the same.
                    check = crc32(name.encode()) >> 2
                    if check in told:
                        continue
                    told.add(check)
                yield "root.%s=%s\n" % (name, value)
            if not found:
                yield "# Error: Error -1 getting param in group '%s'\n" % _shown(group)
            yield ""

    def _rows(self, role, patterns):
        """(name, value) of the parameters a role may see, one by one: of those top groups, and
        those ports, that the patterns are about.
        """
        device = self._device
        top = patterns[0]
        ports = self._module.ports
        outputs = len(self._module.outputs)
        if matches(top, "brand"):
            yield "Brand.Brand", device.brand
            yield "Brand.ProdFullName", device.product_full
            yield "Brand.ProdNbr", device.product_number
            yield "Brand.ProdShortName", device.product_short
            yield "Brand.ProdType", device.product_type
            yield "Brand.ProdVariant", device.product_variant
            yield "Brand.WebURL", device.web_url
        if matches(top, "ioport"):
            for port in ports:
                if len(patterns) == 1 or matches(patterns[1], "i%d" % port.index):
                    for name, value in _port(port):
                        yield "IOPort.I%d.%s" % (port.index, name), value
        if matches(top, "input"):
            yield "Input.NbrOfInputs", "%d" % (len(ports) - outputs)
        if matches(top, "network"):
            for name in _FRIENDLY:
                yield name, self._module.name
            host = self._hostname()
            yield "Network.HostName", host
            yield "Network.VolatileHostName.HostName", host
            serial = device.serial
            pairs = [serial[at : at + 2] for at in range(0, len(serial), 2)]
            yield "Network.eth0.IPAddress", self._address() or ""
            yield "Network.eth0.MACAddress", ":".join(pairs)
        if matches(top, "output"):
            yield "Output.NbrOfOutputs", "%d" % outputs
        if not matches(top, "properties"):
            return
        yield "Properties.API.GPIO.GPIO", "yes"
        yield "Properties.API.GPIO.Version", "1.0"
        yield "Properties.API.HTTP.Version", "3"
        yield "Properties.API.Heartbeat.Heartbeat", "yes"
        yield "Properties.API.Heartbeat.Version", "1.0"
        # Metadata is the event stream over RTSP, which is not here; clients want to be told so.
        yield "Properties.API.Metadata.Metadata", "no"
        yield "Properties.API.Metadata.Version", "1.0"
        yield "Properties.ApiDiscovery.ApiDiscovery", "yes"
        yield "Properties.Firmware.BuildDate", device.build_date
        yield "Properties.Firmware.BuildNumber", "0"  # nobody counts builds
        yield "Properties.Firmware.Version", device.version
        yield "Properties.System.HardwareID", device.hardware_id
        yield "Properties.System.SerialNumber", device.serial
        if role >= READ_SYSTEM_SENSITIVE:
            yield "Properties.System.Architecture", device.architecture
            yield "Properties.System.Soc", device.soc
            yield "Properties.System.SocSerialNumber", device.soc_serial

    # -- update -----------------------------------------------------------------------------------

    async def _update(self, fields, by):
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
            await self._store.change(edit, by)
        except SettingsError:
            for name, value in fields:
                if name not in _NO_PARAMETERS:
                    return _refused(name, value)
        except NotSaved as error:
            raise HttpError(503, retry_s=error.retry_s)
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
            if candidate.id == parts[1][1:]:
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


def _too_many():
    return Response(200, b"# Error: too many groups\n", "text/plain")


def _patterns(group):
    """The parts of a group, in lower case."""
    patterns = _bare(group.lower()).split(".")
    return ["*"] if patterns == ["root"] else patterns


def _bare(name):
    """A name without the `root.` that may stand before it."""
    return name[5:] if name.startswith("root.") else name


def _port(port):
    """(name, value) of the parameters of one port."""
    active = STATES[1 - port.normal]
    yield "Configurable", "no"
    yield "Direction", "output" if port.output else "input"
    yield "Usage", port.usage
    if port.output:
        yield "Output.Active", active
        yield "Output.Button", "none"
        yield "Output.DelayTime", "0"
        yield "Output.Mode", "bistable"
        yield "Output.Name", port.name
        yield "Output.PulseTime", "0"
    else:
        yield "Input.Name", port.name
        yield "Input.Trig", active


def _in_group(patterns, name):
    """True when a parameter is, or is below, the group whose names are like these patterns, which
    are in lower case.
    """
    parts = name.lower().split(".")
    if len(patterns) > len(parts):
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
