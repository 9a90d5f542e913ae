"""From a request to an answer: the route's row, who is calling, may they, and the handler.

A route is a row `(path, method, lowest role, handler, takes_token)`; a handler is a function(caller,
request, now) that returns a Response. Whatever goes wrong inside a handler is answered without detail.
"""

from holdfast.core.accounts import ANYONE
from holdfast.shell.portable import report
from holdfast.vapix.fault import Fault, json_fault
from holdfast.wire.digest import Memory, Refused
from holdfast.wire.http import REASONS, HttpError, Response, parameter

RETRY_AFTER_S = 5  # told with 503: by then an idle connection has given way


class Caller:
    """Who is at the other end of a connection."""

    def __init__(self):
        self.account = None  # of the last request that was authenticated
        self.session = None  # the heartbeat session this connection last fed
        self.memory = Memory()


class Dispatcher:
    """Answers requests by the rows of a table."""

    def __init__(self, routes, authenticator, tokens):
        self._authenticator = authenticator
        self._tokens = tokens
        self._routes = {}
        for route in routes:
            self._routes[route[0]] = self._routes.get(route[0], ()) + (route,)

    def answer(self, caller, request, now):
        """Return the Response. MemoryError comes through: the server knows what to do about it."""
        try:
            route = self._route(request)
            if route[2] > ANYONE:
                caller.account = self._account(caller, request, now, route[4])
                if caller.account.role < route[2]:
                    raise HttpError(403)
            return route[3](caller, request, now)
        except Refused as refused:
            challenges = self._authenticator.challenges(now, refused.stale)
            return refusal(401, ["WWW-Authenticate: " + challenge for challenge in challenges])
        except HttpError as error:
            return error_response(error)
        except Fault as fault:
            return json_fault(fault)
        except MemoryError:
            raise
        except Exception as error:
            report(error)
            return refusal(500)

    def _route(self, request):
        rows = self._routes.get(request.path)
        if rows is None:
            raise HttpError(404)
        method = request.method
        for row in rows:
            if row[1] == method or (row[1] == "GET" and method == "HEAD"):
                return row
        raise HttpError(405, ", ".join([row[1] for row in rows]))

    def _account(self, caller, request, now, takes_token):
        if takes_token:
            token = parameter(request.query, "wssession")
            if token is not None:
                account = self._tokens.redeem(token, now)
                if account is None:
                    raise Refused()
                return account
        if request.authorization is None:
            raise Refused()
        return self._authenticator.check(
            request.authorization, request.method, request.target, now, caller.memory
        )


def error_response(error):
    """The answer to an HttpError."""
    lines = []
    if error.status == 405:
        lines.append("Allow: " + error.allow)
    elif error.status == 503:
        lines.append("Retry-After: %d" % RETRY_AFTER_S)
    return refusal(error.status, lines)


def refusal(status, lines=()):
    """A plain answer that says no more than its status."""
    return Response(status, ("%d %s\n" % (status, REASONS[status])).encode(), "text/plain", lines)
