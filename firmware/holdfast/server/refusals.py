"""Logins that were refused: counted, logged, and slowed down by address. Loaded with the first."""

from binascii import a2b_base64

from holdfast.core.guesses import FIRST_MS, FREE, Guesses
from holdfast.core.log import DELAY, LOGIN
from holdfast.runtime.portable import address_text
from holdfast.wire.digest import Refused, parameter, parse


class Refusals:
    """module: its log, its counts, its sessions. authenticator: knows the accounts."""

    def __init__(self, module, authenticator):
        self._module = module
        self._authenticator = authenticator
        self._guesses = Guesses()

    def note(self, connection, authorization, now):
        """A login was refused. A name that nobody has may be a password, and a token may be one of
        another module: neither reaches the log.
        """
        self._module.logins[0] += 1
        address = address_text(connection.peer)
        log = self._module.log
        # The first delay of an address; who goes on is not told again until it was forgotten.
        if self._guesses.wrong(address, now) == FIRST_MS and log.admits(DELAY, now):
            log.put(DELAY, "from %s, after %d that were refused" % (address, FREE + 1), now)
        if log.admits(LOGIN, now):
            who = "a token"
            if authorization[:7].lower() != b"bearer ":
                account = self._authenticator.account(named(authorization))
                who = "no account's name" if account is None else account.name
            log.put(LOGIN, "%s, from %s" % (who, address), now)

    def delay(self, connection, now):
        """For how many ms no login of a connection is looked at: not for who is logged in, nor
        from where a living session was fed last.
        """
        if connection.caller.memory.account is not None:
            return 0
        address = address_text(connection.peer)
        for session in self._module.sessions:
            alive = session.expires_at is not None and session.peer is not None
            if alive and address_text(session.peer) == address:
                return 0
        wait_ms = self._guesses.wait(address, now)
        if wait_ms:
            self._module.logins[1] += 1
        return wait_ms


def named(value):
    """The user name in credentials, as bytes, whether they hold or not; empty for none."""
    try:
        if value[:6].lower() == b"basic ":
            return a2b_base64(value[6:]).partition(b":")[0]
        return parameter(parse(value), "username", b"")
    except (Refused, ValueError):
        return b""
