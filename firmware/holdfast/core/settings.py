"""What a module is told, as plain values; core.check makes them out of a settings file."""

from micropython import const

MAX_NAME = const(32)  # characters of a name or usage, whoever sets it


def printable(text):
    """True for a text that looks the same wherever it is told, as names and usages must: no
    control character (C0, DEL, C1), no line separator (U+2028, U+2029), and nothing that turns the
    direction of what follows (Unicode's Bidi_Control).
    """
    data = text.encode()  # a text's characters would all become names that are kept
    if not data or min(data) >= 32 and max(data) < 127:
        return True
    last = 0  # the three bytes up to this one
    for byte in data:
        last = (last << 8 | byte) & 0xFFFFFF
        if (
            byte < 32
            or byte == 127
            or 0xC280 <= last & 0xFFFF < 0xC2A0  # C1
            or last & 0xFFFF == 0xD89C  # U+061C
            or 0xE2808E <= last <= 0xE2808F  # U+200E, U+200F
            or 0xE280A8 <= last <= 0xE280AE  # U+2028 to U+202E
            or 0xE281A6 <= last <= 0xE281A9  # U+2066 to U+2069
        ):
            return False
    return True


class SettingsError(ValueError):
    """`key` is the path of the bad key, `problem` what is wrong with it."""

    condition = False  # of core.rulecheck's ConditionError, whose code is let go when it is raised

    def __init__(self, key, problem):
        super().__init__("%s: %s" % (key, problem))
        self.key = key
        self.problem = problem


class NotSaved(Exception):
    """A change could not be written to flash, and so is not made; the text says why. retry_s: when
    it may be tried again, None for soon.
    """

    def __init__(self, problem, retry_s=None):
        super().__init__(problem)
        self.retry_s = retry_s


class OnTrial(NotSaved):
    """Nothing is changed while other settings are on trial."""

    def __init__(self):
        super().__init__("other settings are on trial; confirm them or take them back first")


class PortSettings:
    """One port as configured; see core.port for the meanings."""

    def __init__(self, name, usage, output, normal, closed_level, power_on, fallback, debounce_ms):
        self.name = name
        self.usage = usage
        self.output = output
        self.normal = normal
        self.closed_level = closed_level
        self.power_on = power_on
        self.fallback = fallback
        self.debounce_ms = debounce_ms


class Settings:
    """Everything a module is told; see README "Settings".

    network: (kind, ssid, key, hostname, country, (address, netmask, gateway, dns)), see
    core.networkcheck; None for what the board does without.
    """

    network = None

    tokens = ()  # rows of core.monitorcheck

    login = (True, ())  # of core.logincheck

    def __init__(self, name, realm, accounts, ports, shortest_ms, longest_ms, rules):
        self.name = name
        self.realm = realm
        self.accounts = accounts
        self.ports = ports
        self.shortest_ms = shortest_ms
        self.longest_ms = longest_ms
        self.rules = rules  # rows of core.rulecheck
        self.uplinks: tuple = ()  # (links, inbound, certificate) of core.uplinkcheck
        self.dns = ()  # of core.networkcheck
        self.tls = None  # of core.tlscheck
        self.time = None  # of core.timecheck
