"""Checks `uplinks` of the settings.

    "uplinks": {
      "certificate": "uplinks.pem",
      "inbound": {"path": "/api/unifi/heartbeat", "within": 600,
                  "reply": {"status": 202, "type": "text/plain", "body": "thank you"}},
      "links": [
        {"name": "platform", "kind": "unifi", "url": "https://platform.example/api/heartbeat",
         "frequency": 300, "login": "module", "password": "secret"}
      ]
    }

Makes `(links, inbound, certificate)`: rows for core.uplinks, None or `(path, within_ms, reply)`
with the reply as `(status, content type, body)`, and the name of a file in flash or "". Loaded
when there are any, let go with settings.schema.
"""

from micropython import const

from holdfast.core.uplinks import AIRNODE, HEALTHCHECKS, INBOUND, KINDS, PINGHOME, UNIFI
from holdfast.settings.address import MAX_URL, url
from holdfast.settings.model import SettingsError
from holdfast.settings.schema import Keys

_MAX_LINKS = const(4)
_HEX = "0123456789abcdef"
_MAX_TEXT = const(256)
_MAX_HEADERS = const(8)
_MAX_STATUSES = const(8)
_DAY_S = const(24 * 60 * 60)
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of wire.secp256k1

_COMMON = ("name", "kind", "url", "success", "enabled")
# By kind: how its interval is called, its default in s, and its other keys.
_MORE = const(2)
_ROWS = (
    ("frequency", 300, ("pauses", "login", "password", "token", "headers", "body")),
    (
        "cycle",
        60,
        ("api_key", "private_key", "stage", "cloud_provider", "deployment_id", "region")
        + ("http_gateway_url", "http_signed_data_gateway_url", "oev_gateway_url"),
    ),
    ("interval", 60, ("result", "message")),
    ("interval", 60, ("message",)),
)
PAUSES = ("all", "own", "none")
_REPLIES = (200, 201, 202, 204)
_RESULTS = ("tick", "run", "complete", "fail")
_TOKEN = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"  # RFC 9110 section 5.6.2
# These are the client's own, or follow from other keys.
_RESERVED = (
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "authorization",
    "user-agent",
    "x-snd-eb-heartbeat",
)


def uplinks(keys) -> tuple:
    """All of `uplinks`, see above; SettingsError."""
    certificate = keys.text("certificate", "")
    if certificate.strip("._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"):
        raise SettingsError(keys.path("certificate"), "must be the name of a file in flash")
    inbound = None
    if keys.get("inbound", None) is not None:
        inbound = _inbound(keys.object("inbound", ("path", "within", "reply")))
    rows = []
    for i, data in enumerate(keys.items("links", _MAX_LINKS)):
        path = "%s[%d]" % (keys.path("links"), i)
        row = _link(data, path, bool(certificate))
        if row[1] in [other[1] for other in rows] + [INBOUND]:
            raise SettingsError(path + ".name", "is there twice, or is taken")
        rows.append(row)
    return tuple(rows), inbound, certificate


def _inbound(keys):
    path = keys.text("path", "", _MAX_TEXT)
    for character in path:
        if not "!" <= character <= "~" or character in "?#%":
            path = ""
    if path[:1] != "/":
        raise SettingsError(keys.path("path"), "must be a path of printable ASCII")
    within_ms = keys.integer("within", 0, 0, _DAY_S, "s") * 1000
    reply = keys.object("reply", ("status", "type", "body"))
    status = reply.integer("status", 200, 200, 204)
    if status not in _REPLIES:
        raise SettingsError(reply.path("status"), "must be 200, 201, 202 or 204")
    kind = _ascii(reply, "type", "application/json")
    # Without content a 204 has no type either (RFC 9110 section 15.3.5).
    body = reply.text("body", "" if status == 204 else "{}", _MAX_TEXT)
    if status == 204 and body:
        raise SettingsError(reply.path("body"), "must be empty: 204 has no content")
    return path, within_ms, (status, kind if body else None, body.encode())


def _link(data, path, certificate):
    # Which keys it may have, its kind says.
    kind = Keys(data, path, data).choice("kind", None, KINDS)
    interval, default_s, more = _ROWS[kind]
    keys = Keys(data, path, _COMMON + (interval,) + more)
    name = keys.text("name", "")
    if not name or " " in name:
        raise SettingsError(keys.path("name"), "must be there, without blanks")
    receiver, target = url(keys, "url", keys.text("url", "", MAX_URL), certificate)
    interval_ms = keys.integer(interval, default_s, 1, _DAY_S, "s") * 1000
    pauses = PAUSES[keys.choice("pauses", "all", PAUSES)] if kind == UNIFI else "none"
    success = keys.items("success", _MAX_STATUSES, " statuses")
    for status in success:
        if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
            raise SettingsError(keys.path("success"), "must hold statuses from 200 to 599")
    details = {
        UNIFI: _unifi,
        AIRNODE: _airnode,
        PINGHOME: _pinghome,
        HEALTHCHECKS: _healthchecks,
    }[kind](keys)
    enabled = keys.boolean("enabled", True)
    return kind, name, receiver, target, interval_ms, tuple(success), pauses, details, enabled


def _unifi(keys):
    """`(login, password, token, lines, body)`."""
    login, password, token = [_ascii(keys, key) for key in ("login", "password", "token")]
    if ":" in login:
        # It ends the name (RFC 7617 section 2).
        raise SettingsError(keys.path("login"), "must not have a colon")
    if login and token:
        raise SettingsError(keys.path("token"), "is for Bearer, login for Basic: give one of them")
    headers = keys.get("headers", {})
    if not isinstance(headers, dict) or len(headers) > _MAX_HEADERS:
        raise SettingsError(keys.path("headers"), "must be an object of up to %d" % _MAX_HEADERS)
    lines = []
    for name in sorted(headers):
        value = headers[name]
        path = keys.path("headers") + "." + name
        if not name or len(name) > 64 or name.lower().strip(_TOKEN):
            raise SettingsError(path, "is no name of a header")
        if name.lower() in _RESERVED:
            raise SettingsError(path, "is made by the module itself")
        if not isinstance(value, str) or len(value) > _MAX_TEXT or not _printable(value):
            raise SettingsError(path, "must be printable ASCII")
        lines.append("%s: %s" % (name, value))
    return login, password, token, tuple(lines), keys.text("body", "{}", _MAX_TEXT)


def _airnode(keys):
    """`(api_key, private_key, stage, cloud_provider, deployment_id, region, http, signed, oev)`.

    private_key: an int.
    """
    text = keys.get("private_key", None)
    digits = text[2:] if isinstance(text, str) and text[:2] == "0x" else text
    number = 0
    if isinstance(digits, str) and len(digits) == 64 and not digits.lower().strip(_HEX):
        number = int(digits, 16)
    if not 0 < number < _ORDER:
        # What it is does not belong into a message.
        raise SettingsError(keys.path("private_key"), "must be a key of 64 hex digits")
    api_key = _ascii(keys, "api_key")
    if not api_key:
        raise SettingsError(keys.path("api_key"), "must be there")
    fields = []
    for name, default in (("stage", "prod"), ("cloud_provider", "local"), ("deployment_id", "")):
        fields.append(keys.text(name, default, 64))
    for name in _ROWS[AIRNODE][_MORE][5:]:
        fields.append(keys.text(name, "", MAX_URL))
    return (api_key, number) + tuple(fields)


def _pinghome(keys):
    """`(result, message)`."""
    result = _RESULTS[keys.choice("result", "tick", _RESULTS)]
    return result, keys.text("message", "", _MAX_TEXT)


def _healthchecks(keys):
    """`(message,)`."""
    return (keys.text("message", "", _MAX_TEXT),)


def _ascii(keys, key, default=""):
    text = keys.text(key, default, _MAX_TEXT)
    if not _printable(text):
        raise SettingsError(keys.path(key), "must be printable ASCII")
    return text


def _printable(text):
    for character in text:
        if not " " <= character <= "~":
            return False
    return True
