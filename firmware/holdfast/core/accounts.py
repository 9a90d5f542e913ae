"""Who may do what: accounts, their roles, and the access classes of the ONVIF default policy."""

from micropython import const

# In place of a role: the service asks for a token or a secret address itself.
BY_TOKEN = const(-1)
# Roles, each holding the rights of the ones below it.
ANYONE = const(0)
VIEWER = const(1)
OPERATOR = const(2)
ADMINISTRATOR = const(3)
ROLES = ("anyone", "viewer", "operator", "administrator")
REALM = "Holdfast"  # what hashes are made with where settings name no realm

# Access classes (ONVIF Core, default access policy) as the lowest role that has them.
PRE_AUTH = const(ANYONE)
READ_SYSTEM = const(VIEWER)
READ_SYSTEM_SENSITIVE = const(OPERATOR)
ACTUATE = const(OPERATOR)
WRITE_SYSTEM = const(ADMINISTRATOR)


class Account:
    """One account. `md5` and `sha256` are H(name:realm:password) as hex bytes, not the password.

    `first_heartbeat_within_ms`: after a restart this master counts as lost when it does not call
    within that time; None when it may stay away.
    """

    def __init__(self, name, role, md5, sha256, first_heartbeat_within_ms=None):
        self.name = name
        self.role = role
        self.md5 = md5
        self.sha256 = sha256
        self.first_heartbeat_within_ms = first_heartbeat_within_ms
