"""What a module is told, as plain values; settings.schema makes them out of a document."""


class SettingsError(ValueError):
    """`key` is the path of the bad key, `problem` what is wrong with it."""

    condition = (
        False  # of settings.schema_rules's ConditionError, whose code is let go when it is raised
    )
    useless = False  # .. of settings.schema_rules' Useless

    def __init__(self, key, problem):
        super().__init__("%s: %s" % (key, problem))
        self.key = key
        self.problem = problem


class NotSaved(Exception):
    """A change could not be written to flash, and so is not made; the text says why. retry_s: when
    it may be tried again, None for soon. trial: because other settings are on trial.
    """

    def __init__(self, problem, retry_s=None, trial=False):
        super().__init__(problem)
        self.retry_s = retry_s
        self.trial = trial


class Settings:
    """Everything a module is told; see docs/settings.md.

    network: (kind, ssid, key, hostname, country, (address, netmask, gateway, dns)), see
    settings.schema_network; None for what the board does without.
    """

    network = None

    tokens = ()  # rows of settings.schema_monitors

    login = (True, ())  # of settings.schema_access

    # Whose heartbeat counts, see core.module.
    named: dict = {}  # ms from the start in which a master must call, by its account
    needed = None  # so many of the named ones, None for all
    return_after = 1  # heartbeats in time, before a lost master is restored
    stagger_ms = 0  # between two outputs that return

    def __init__(self, name, realm, accounts, ports, shortest_ms, longest_ms, rules):
        self.name = name
        self.realm = realm
        self.accounts = accounts
        self.ports = ports
        self.shortest_ms = shortest_ms
        self.longest_ms = longest_ms
        self.rules = rules  # rows of settings.schema_rules
        self.uplinks: tuple = ()  # (links, inbound, certificate) of settings.schema_uplinks
        self.dns = ()  # of settings.schema_network
        self.tls = None  # of settings.schema_access
        self.time = None  # of settings.schema_network
