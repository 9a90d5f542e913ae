"""Settings are checked once, by one pure function that names the bad key.

`check(data, wiring)` takes what a JSON reader made of a settings file and the board's wiring, rows
`(gpio, direction, closed_level)`; it returns Settings or raises SettingsError. What is absent gets
the default that docs/settings.md states; a key nobody knows is an error, because it is a typing
mistake. Needed once, at the start, so nothing that stays may be defined here: the app lets this
module go and its code leaves the heap.
"""

from micropython import const

from holdfast.core.accounts import OPERATOR, REALM, ROLES, VIEWER, Account
from holdfast.core.port import CLOSED, HOLD, OPEN, STATES, Fallback, PortSettings
from holdfast.core.text import MAX_NAME, printable
from holdfast.settings.model import Settings, SettingsError

_MAX_ACCOUNTS = const(16)
_MAX_STEPS = const(8)  # of one fallback timeline, a pulse counts as two
# 2^29 ms = 6.2 days: half the period of ticks_ms on a board, the longest difference that can be
# told.
MAX_MS = const((1 << 29) - 1)
_SHORTEST_MS = const(500)  # of a Duration, where the settings say nothing
_DAY_MS = const(24 * 60 * 60 * 1000)
_MAX_DEBOUNCE_MS = const(10000)
_FIRST_WITHIN_MS = const(60000)
_MAX_RETURN_AFTER = const(100)
_MAX_STAGGER_MS = const(60000)
# What a name of an account is made of; "only of these" is asked as `not text.strip(these)`.
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

_KEYS = (
    "name",
    "realm",
    "accounts",
    "ports",
    "heartbeat",
    "actions",
    "rules",
    "uplinks",
    "network",
    "monitors",
    "tls",
    "time",
    "login",
)


_HEARTBEAT_KEYS = (
    "shortest",
    "longest",
    "masters",
    "needed",
    "first_within",
    "return_after",
    "stagger",
)


def check(data, wiring: tuple) -> Settings:
    """Return Settings, or raise SettingsError naming the bad key. Pure."""
    settings = None
    for found in parts(data, wiring):
        settings = found
    return settings


def parts(data, wiring: tuple):
    """As `check`, part by part: a generator that stops after each, and the last gives Settings."""
    keys = Keys(data, "settings", _KEYS)
    name = keys.text("name", "Holdfast")
    realm = keys.text("realm", REALM)
    if not realm or '"' in realm or "\\" in realm or ":" in realm or max(realm.encode()) > 126:
        # Clients disagree on the bytes of anything else, and then none of them can log in.
        raise SettingsError(
            keys.path("realm"), "must be printable ASCII without quote, backslash or colon"
        )
    accounts = _accounts(keys)
    yield
    heartbeat = keys.object("heartbeat", _HEARTBEAT_KEYS)
    longest_ms = heartbeat.integer("longest", _DAY_MS, 1, MAX_MS, "ms")
    shortest_ms = min(_SHORTEST_MS, longest_ms)
    shortest_ms = heartbeat.integer("shortest", shortest_ms, 1, longest_ms, "ms")
    ports = keys.object("ports", tuple(str(i) for i in range(len(wiring))))
    masters = tuple(account.name for account in accounts if account.role >= OPERATOR)
    rows = []
    for i, row in enumerate(wiring):
        rows.append(_port(ports, i, row, masters))
        yield
    rules = ()
    if keys.get("rules", None) or keys.get("actions", None):
        outputs = tuple(str(i) for i, row in enumerate(rows) if row.output)
        for found in _late("holdfast.settings.schema_rules", "rules")(keys, outputs):
            rules = found  # the last
            yield
    settings = Settings(name, realm, accounts, tuple(rows), shortest_ms, longest_ms, rules)
    _masters(settings, heartbeat, masters)
    if keys.get("uplinks", None) is not None:
        uplinks = _late("holdfast.settings.schema_uplinks", "uplinks")
        settings.uplinks = uplinks(keys.object("uplinks", ("certificate", "inbound", "links")))
        yield
    if keys.get("network", None) is not None:
        network = _late("holdfast.settings.schema_network", "network")
        settings.network, settings.dns = network(keys)
    if keys.get("monitors", None) is not None:
        settings.tokens = _late("holdfast.settings.schema_monitors", "tokens")(keys)
        yield
    if keys.get("tls", None) is not None:
        tls = _late("holdfast.settings.schema_access", "tls")
        settings.tls = tls(keys.object("tls", ("certificate", "key", "http")))
    if keys.get("time", None) is not None:
        server = _late("holdfast.settings.schema_network", "time_server")
        settings.time = server(keys.object("time", ("server",)))
    if keys.get("login", None) is not None:
        login = _late("holdfast.settings.schema_access", "login")
        settings.login = login(keys.object("login", ("md5", "names")))
    yield settings


def _late(module, name):
    """What checks a part that few have. Imported by a text: the names in an import statement are
    kept in the heap whether it is executed or not.
    """
    return getattr(__import__(module, None, None, (name,)), name)


class Keys:
    """A JSON object with a path; every getter checks type and range and names the bad key."""

    def __init__(self, data, path, known):
        if not isinstance(data, dict):
            raise SettingsError(path, "must be an object")
        for key in data:
            if key not in known:
                known = ", ".join(known) or "nothing"
                raise SettingsError("%s.%s" % (path, key), "unknown key; known are: " + known)
        self._data = data
        self._path = path

    def path(self, key: str) -> str:
        return "%s.%s" % (self._path, key)

    def get(self, key: str, default):
        return self._data.get(key, default)

    def object(self, key: str, known: tuple) -> "Keys":
        return Keys(self._data.get(key, {}), self.path(key), known)

    def text(self, key: str, default: str | None, limit: int = MAX_NAME) -> str:
        value = self._data.get(key, default)
        if not isinstance(value, str) or len(value) > limit:
            raise SettingsError(self.path(key), "must be text of up to %d characters" % limit)
        if not printable(value):
            problem = "must not hold control characters, line separators or marks of direction"
            raise SettingsError(self.path(key), problem)
        return value

    def integer(self, key, default, low, high, unit=""):
        """unit: what is counted, for whoever is told."""
        value = self._data.get(key, default)
        if value is default:
            return value
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            problem = "must be an integer from %d to %d%s" % (low, high, unit and ", in " + unit)
            raise SettingsError(self.path(key), problem)
        return value

    def boolean(self, key: str, default: bool) -> bool:
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise SettingsError(self.path(key), "must be true or false")
        return value

    def choice(self, key: str, default: str | None, choices: tuple) -> int:
        """One of `choices` (texts), as its index."""
        value = self._data.get(key, default)
        if not isinstance(value, str) or value not in choices:
            raise SettingsError(self.path(key), "must be one of: " + ", ".join(choices))
        return choices.index(value)

    def hex(self, key: str, digits: int) -> str:
        """So many hex digits, in lower case."""
        value = self._data.get(key)
        value = value.lower() if isinstance(value, str) else ""
        if len(value) != digits or value.strip("0123456789abcdef"):
            raise SettingsError(self.path(key), "must be %d hex digits" % digits)
        return value

    def items(self, key: str, limit: int, what: str = "") -> list:
        """A list of up to so many. what: they are, for whoever is told."""
        value = self._data.get(key, [])
        if not isinstance(value, list) or len(value) > limit:
            raise SettingsError(self.path(key), "must be a list of up to %d%s" % (limit, what))
        return value

    def rows(self, key: str, limit: int, what: str, known: tuple):
        """As `items`, of objects: a generator of their Keys."""
        for i, row in enumerate(self.items(key, limit, what)):
            yield Keys(row, "%s[%d]" % (self.path(key), i), known)


_ACCOUNT_KEYS = ("name", "role", "md5", "sha256", "first_heartbeat_within")


def _accounts(keys):
    accounts = []
    for row in keys.rows("accounts", _MAX_ACCOUNTS, " accounts", _ACCOUNT_KEYS):
        account = _account(row)
        if account.name in [other.name for other in accounts]:
            raise SettingsError(row.path("name"), "is there twice")
        accounts.append(account)
    return tuple(accounts)


def _account(keys):
    name = keys.text("name", "")
    if not name or name.strip(_LETTERS):
        raise SettingsError(keys.path("name"), "must be letters, digits, dot, dash, underscore")
    role = VIEWER + keys.choice("role", None, ROLES[VIEWER:])
    within = keys.integer("first_heartbeat_within", None, 1, MAX_MS, "ms")
    if within is not None and role < OPERATOR:
        raise SettingsError(
            keys.path("first_heartbeat_within"), "is for operator and administrator"
        )
    md5 = keys.hex("md5", 32).encode()
    return Account(name, role, md5, keys.hex("sha256", 64).encode(), within)


def _masters(settings, keys, accounts):
    """Whose heartbeat counts: who is named by `masters`, by an output or for the first time."""
    names = keys.get("masters", [])
    path = keys.path("masters")
    if not isinstance(names, list):
        raise SettingsError(path, "must be a list of accounts that may actuate")
    within_ms = keys.integer("first_within", _FIRST_WITHIN_MS, 1, MAX_MS, "ms")
    named = {}
    for name in names:
        if name not in accounts:
            known = ", ".join(accounts) or "none"
            raise SettingsError(path, "must be accounts that may actuate: " + known)
        if name in named:
            raise SettingsError(path, "has %s twice" % name)
        named[name] = within_ms
    for port in settings.ports:
        if port.fallback is not None and port.fallback.master is not None:
            named[port.fallback.master] = within_ms
    for account in settings.accounts:
        if account.first_heartbeat_within_ms is not None:
            named[account.name] = account.first_heartbeat_within_ms
    settings.named = named
    needed = keys.get("needed", "all")
    if needed == "any":
        settings.needed = 1
    elif needed != "all":
        if (
            not isinstance(needed, int)
            or isinstance(needed, bool)
            or not 1 <= needed <= len(named)
        ):
            problem = "must be all, any, or a number from 1 to that of the named masters (%d)"
            raise SettingsError(keys.path("needed"), problem % len(named))
        settings.needed = needed
    settings.return_after = keys.integer("return_after", 1, 1, _MAX_RETURN_AFTER)
    settings.stagger_ms = keys.integer("stagger", 0, 0, _MAX_STAGGER_MS, "ms")


_OUTPUT_KEYS = ("name", "usage", "normal", "closed_level", "power_on", "fallback")
_INPUT_KEYS = ("name", "usage", "normal", "closed_level", "debounce")


def _port(ports, index, row, masters):
    output = row[1] == "output"
    keys = ports.object(str(index), _OUTPUT_KEYS if output else _INPUT_KEYS)
    name = keys.text("name", "%s %d" % ("Output" if output else "Input", index))
    usage = keys.text("usage", "")
    normal = keys.choice("normal", "open", STATES[:2])
    closed_level = keys.integer("closed_level", row[2], 0, 1)
    power_on = OPEN
    fallback = None
    debounce_ms = 0
    if output:
        power_on = keys.choice("power_on", "open", STATES[:2])
        fallback = _fallback(keys, masters)
    else:
        debounce_ms = keys.integer("debounce", 0, 0, _MAX_DEBOUNCE_MS, "ms")
    return PortSettings(name, usage, output, normal, closed_level, power_on, fallback, debounce_ms)


def _fallback(port, masters):
    keys = port.object("fallback", ("master", "steps", "on_return", "locked"))
    master = keys.get("master", "any")
    if master == "any":
        master = None
    elif master not in masters:
        known = "any, " + ", ".join(masters)
        raise SettingsError(keys.path("master"), "must be an account that may actuate: " + known)
    steps = _steps(keys.get("steps", [{}]), keys.path("steps"))
    restore = keys.choice("on_return", "hold", ("hold", "restore")) == 1
    return Fallback(master, steps, restore, keys.boolean("locked", False))


def _steps(data, path):
    """Compile the timeline: `((offset_ms, state), ...)`; a pulse ends with a step of its own."""
    if not isinstance(data, list) or not data:
        raise SettingsError(path, "must be a list of one or more steps")
    steps = []
    for i, row in enumerate(data):
        keys = Keys(row, "%s[%d]" % (path, i), ("after", "state", "pulse"))
        after = keys.integer("after", 0, 0, MAX_MS, "ms")
        state = keys.choice("state", "open", STATES)
        pulse = keys.integer("pulse", None, 1, MAX_MS, "ms")
        if steps and after <= steps[-1][0]:
            raise SettingsError(keys.path("after"), "must be later than the step before has ended")
        steps.append((after, state))
        if pulse is not None:
            if state == HOLD:
                raise SettingsError(keys.path("pulse"), "needs a state open or closed")
            steps.append((after + pulse, OPEN if state == CLOSED else CLOSED))
    if len(steps) > _MAX_STEPS:
        raise SettingsError(path, "must come to at most %d changes" % _MAX_STEPS)
    return tuple(steps)
