"""Accounts, `/axis-cgi/pwdgrp.cgi` (VAPIX System settings): add, update, remove, get.

A change is one of the settings: saved first, then in force, for kept connections and event streams
too. Passwords are hashed here and forgotten. On a device that was never set up anyone may make the
first account, which must be an administrator's; from then on this is for administrators.

The texts of success and of the general errors are the vendor's, because clients look for them; an
error that somebody can do something about says what it is. All stand in a `<body>`, where one
client needs them and the others do not mind.

What the caller may do, `/axis-cgi/usergroup.cgi`: the account's name, and under it its groups.
There is no vendor document of it; this is what a published client reads.
"""

import hashlib
from binascii import hexlify

from micropython import const

from holdfast.core.accounts import ADMINISTRATOR, OPERATOR, REALM, ROLES, VIEWER
from holdfast.core.text import MAX_NAME, by_whom, printable
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.vapix.access import require
from holdfast.wire.http import HttpError, Response
from holdfast.wire.query import field, form

_MIN_PASSWORD = const(8)
_MAX_PASSWORD = const(64)
# The vendor takes letters and digits, up to 14; settings take these too, up to MAX_NAME.
_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

_SET_UP = "Error: initial admin user must be created first."
_NO_ACTION = "Error: action operation type."
_MALFORMED = "Error: malformed action operation, %s."
_BAD_NAME = "Error: account user name."
_BAD_PASSWORD = "Error: account password."  # it needs 8 to 64 characters
_BAD_GROUPS = "Error: account groups."
_LAST = "Error: %s is the last administrator."
_AWAITED = "Error: the fallback of a port names %s as its master."
_FULL = "Error: there is no room for another account."
_OTHER = "Error: consult the system log file."


class Accounts:
    """Changes and lists accounts.

    about: of vapix.identity, the board first. accounts: a function() for the accounts in force.
    """

    def __init__(self, store, about, accounts):
        self._store = store
        self._serial = about[0].SERIAL
        self._accounts = accounts

    async def handle(self, caller, request, now):
        """Answer one request; HttpError 401, 403 for whom may not, 503 when it cannot be saved
        now.
        """
        first = caller.account is None and self._store.fresh
        if not first:
            require(caller, ADMINISTRATOR)
        fields = form(request)
        action = field(fields, "action")
        if first and (action != "add" or _role(_field(fields, "sgrp", "")) != ADMINISTRATOR):
            return _page(_SET_UP, 401)
        if action == "get":
            return Response(200, self._list().encode(), "text/plain")
        if not action:
            return _page(_NO_ACTION)
        if action not in ("add", "update", "remove"):
            return _page(_MALFORMED % (action if printable(action) else "?"))
        return _page(await self._change(action, fields, first, by_whom(caller, request.path)))

    def _list(self):
        """Group by group who is in it. Nobody is in ptz; clients require the line."""
        lines = []
        for group, role in (("admin", ADMINISTRATOR), ("operator", OPERATOR), ("viewer", VIEWER)):
            names = [account.name for account in self._accounts() if account.role >= role]
            lines.append('%s="%s"\n' % (group, ",".join(names)))
        lines.append('ptz=""\n')
        names = [account.name for account in self._accounts()]
        lines.append('digusers="%s"\n' % ",".join(names))
        return "".join(lines)

    async def _change(self, action, fields, first, by):
        """Do what is asked and return the text of the answer."""
        name = field(fields, "user") or ""
        if not name or len(name) > MAX_NAME or name.strip(_NAME):
            return _BAD_NAME
        if (self._role_of(name) is None) != (action == "add"):
            return _BAD_NAME
        password = role = None
        if action != "remove":
            # What is not sent in an update stays as it is; a new account needs both.
            default = "" if action == "add" else None
            password = _field(fields, "pwd", default)
            if password is not None and not _acceptable(password):
                return _BAD_PASSWORD
            groups = _field(fields, "sgrp", default)
            role = None if groups is None else _role(groups)
            if role is None and groups is not None:
                return _BAD_GROUPS
        if action != "update" or password is not None or role is not None:
            try:
                await self._store.change(self._edit(action, name, password, role, first), by)
            except Refused as refused:
                return refused.text
            except SettingsError as error:
                if error.key == "settings.accounts":
                    return _FULL
                return _AWAITED % name if error.key.endswith("fallback.master") else _OTHER
            except NotSaved as error:
                raise HttpError(503, retry_s=error.retry_s)
        done = {"add": "Created", "update": "Modified", "remove": "Removed"}[action]
        return "%s account %s." % (done, name)

    def _role_of(self, name):
        """The role of an account, None when there is none of this name."""
        for account in self._accounts():
            if account.name == name:
                return account.role
        return None

    def _edit(self, action, name, password, role, first):
        """What is to be done to the settings, as a function(document). Others may have made a
        change since it was asked for: whether it may be done is looked at there.
        """

        def edit(document):
            if first and not self._store.fresh:
                raise HttpError(401)
            accounts = document.setdefault("accounts", [])
            if not accounts:
                # No other module's: a hash that was read there opens nothing here.
                document.setdefault("realm", "%s %s" % (REALM, self._serial))
            row = None
            others = 0  # who are administrators
            for known in accounts:
                if known["name"] == name:
                    row = known
                elif known["role"] == ROLES[ADMINISTRATOR]:
                    others += 1
            if (row is None) != (action == "add"):
                raise Refused(_BAD_NAME)
            if row is None:
                row = {"name": name}
                accounts.append(row)
            loses = action == "remove" or role not in (None, ADMINISTRATOR)
            if row.get("role") == ROLES[ADMINISTRATOR] and not others and loses:
                raise Refused(_LAST % name)
            if action == "remove":
                accounts.remove(row)
            if password is not None:
                secret = ("%s:%s:%s" % (name, document.get("realm", REALM), password)).encode()
                row["md5"] = hexlify(hashlib.md5(secret).digest()).decode()
                row["sha256"] = hexlify(hashlib.sha256(secret).digest()).decode()
            if role is not None:
                row["role"] = ROLES[role]
                if role < OPERATOR:
                    row.pop("first_heartbeat_within", None)  # no master, so not awaited

        return edit


class Refused(Exception):
    """A change that may not be made; `text` is the answer."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text


def _field(fields, name, default):
    value = field(fields, name)
    return default if value is None else value


def _acceptable(password):
    return _MIN_PASSWORD <= len(password) <= _MAX_PASSWORD and printable(password)


def _role(groups):
    """The role of a colon list like "viewer:operator:admin", in any order; None for no role.

    ptz is taken and means nothing: there is no camera to be moved.
    """
    role = None
    for group in groups.split(":"):
        found = {"viewer": VIEWER, "operator": OPERATOR, "admin": ADMINISTRATOR}.get(group)
        if found is None and group != "ptz":
            return None
        if found is not None and (role is None or found > role):
            role = found
    return role


def _page(text, status=200):
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    page = "<html><head><title>Accounts</title></head><body>%s</body></html>\n" % text
    return Response(status, page.encode(), "text/html")


# By role: each group holds the rights of the ones behind it.
_GROUPS = ("", "viewer", "operator viewer", "admin operator viewer")


class UserGroup:
    """Tells callers about themselves."""

    def get(self, caller, request, now):
        """Answer with two lines."""
        account = caller.account
        text = "%s\n%s\n" % (account.name, _GROUPS[account.role])
        return Response(200, text.encode(), "text/plain")
