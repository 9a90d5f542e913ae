"""Session tokens for WebSockets, `GET /axis-cgi/wssession.cgi` (VAPIX Event streaming over
WebSocket).

A browser cannot do Digest on a WebSocket; it fetches a token with Digest and opens the WebSocket
with `?wssession=<token>`.

A token is valid for 15 seconds and opens one stream: the page gives it a lifetime, and speaks of
"the WebSocket connection URL". It is used up by the answer 101 alone; any other answer (400, 426,
503) leaves it as it is. A second stream takes another token, as every client known to us does: the
token stands in an address, which proxies log, and is worth nothing there once it was used.
"""

from micropython import const

from holdfast.wire.http import Response
from holdfast.wire.query import parameter

_VALID_MS = const(15000)
_TOKENS_KEPT = const(8)  # more are never waiting; the oldest gives way
# 15 digits: some clients read the token as a JSON number, and 2^53 is as far as those are exact.
_DIGITS = const(10**15)


class TokenService:
    """Issues and redeems tokens; random_bytes: a function(n) of cryptographic quality."""

    def __init__(self, random_bytes):
        self._random_bytes = random_bytes
        self._tokens = []  # (token, account, expires_at), oldest first

    def get(self, caller, request, now):
        """Answer with a new token, as bare digits."""
        token = self.issue(caller.account, now).encode()
        return Response(200, token, "text/plain", ("Cache-Control: no-store",))

    def issue(self, account, now):
        number = int.from_bytes(self._random_bytes(8), "big") % (_DIGITS - _DIGITS // 10)
        token = str(number + _DIGITS // 10)
        if len(self._tokens) == _TOKENS_KEPT:
            self._tokens.pop(0)
        self._tokens.append((token, account, now + _VALID_MS))
        return token

    def redeem(self, query, now, spend=False):
        """The account that the token in a query was issued to, None when it is unknown, used,
        old. spend: from now on it is used.
        """
        token = parameter(query, "wssession")
        for i, (known, account, expires_at) in enumerate(self._tokens):
            if known == token:
                if spend:
                    self._tokens.pop(i)
                return account if now < expires_at else None
        return None
