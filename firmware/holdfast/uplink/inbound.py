"""A heartbeat that a Unifi integration sends to the module (Unifi, Inbound Heartbeat Messages): a
POST with `x-snd-eb-heartbeat: 1` to the path in the settings, by an account that may actuate, or
with a token for monitors.

ServiceNow knows no Digest. So at this path alone Basic (RFC 7617) is taken, over TLS, and Bearer
(RFC 6750), as it is for monitors. A heartbeat is a check-in, and every token may check in: the
role `ping` is enough, which may do little else. Digest stays, and is all that a 401 asks for: a
client that knows it never sends a password.
"""

from binascii import a2b_base64, unhexlify

from holdfast.core.accounts import ACTUATE, Account
from holdfast.core.tokens import token_row
from holdfast.uplink import MARK
from holdfast.wire.digest import Refused
from holdfast.wire.http import HttpError, Response

_BASIC = b"basic "
_BEARER = b"bearer "
_PLAIN = (
    '{"error":{"key":"","problem":"Basic is taken over https alone: '
    'use https, or Digest, or a Bearer token"}}'
)


class InboundService:
    """Notes that the other side is alive. authenticator: of wire.digest; tokens: a function() that
    gives the rows of settings.schema_monitors.
    """

    def __init__(self, module, authenticator, tokens):
        self._module = module
        self._authenticator = authenticator
        self._tokens = tokens

    def account(self, caller, request):
        """Whose login it is, if it is no Digest: an Account, for a token one of its name that may
        actuate. Refused; HttpError 401 for Basic without TLS, which is not even looked at.
        """
        value = request.authorization
        if value[: len(_BEARER)].lower() == _BEARER:
            row = self._found(caller, self._tokens(), value[len(_BEARER) :].strip(), _BEARER)
            return Account(row[0], ACTUATE, b"", b"")
        if value[: len(_BASIC)].lower() != _BASIC:
            raise Refused()
        if not caller.secure:
            error = HttpError(401)
            error.json = _PLAIN
            raise error
        try:
            name, _, password = a2b_base64(value[len(_BASIC) :]).partition(b":")
        except ValueError:
            name = password = b""
        account = self._authenticator.account(name)
        # Somebody's name takes as long to refuse as nobody's.
        row = (account, None, bytes(32) if account is None else unhexlify(account.sha256))
        secret = b":".join((name, self._authenticator.realm.encode(), password))
        self._found(caller, (row,), secret, _BASIC)
        return account

    def _found(self, caller, rows, secret, scheme):
        """The row of a secret; Refused. Whoever guesses is no one who is logged in."""
        caller.memory.account = None
        try:
            row = token_row(rows, secret.decode())
        except UnicodeError:
            row = None
        if row is None or row[0] is None:
            raise Refused(False, scheme)
        return row

    def post(self, caller, request, now):
        """The reply of the settings; HttpError 400 for what is no heartbeat."""
        if request.headers.get(MARK) != "1":
            raise HttpError(400)
        self._module.act(now)
        self._module.tell(now)
        self._module.links.heard(now)
        status, kind, body = self._module.links.inbound.reply
        return Response(status, body, kind)
