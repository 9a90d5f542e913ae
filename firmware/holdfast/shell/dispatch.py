"""From a request to an answer: the route's row, who is calling, may they, and the handler.

A route is a row `(path, method, lowest role, handler, takes_token)`; a handler is a
function(caller, request, now) that returns a Response. Whatever goes wrong inside a handler is
answered without detail.
"""

from micropython import const

from holdfast.core.accounts import ANYONE
from holdfast.shell.heap import forget, load
from holdfast.shell.portable import report
from holdfast.wire.digest import Memory, Refused
from holdfast.wire.http import HttpError, Response, reason

_RETRY_AFTER_S = const(5)  # told with 503: by then an idle connection has given way


class Caller:
    """Who is at the other end of a connection."""

    def __init__(self):
        self.account = None  # of the last request, None when that came without credentials
        self.session = None  # the heartbeat session this connection last fed
        self.memory = Memory()


class Lazy:
    """A service that is imported and made at its first call; until then it costs its row alone.

    On a board that loads code from flash the first call waits some 10 ms for each KB of code, so
    nothing on the path of a heartbeat is lazy.
    """

    def __init__(self, module, name, *arguments):
        self.made = None
        self._module = module
        self._name = name
        self._arguments = arguments

    def handler(self, method):
        """A handler for a route's row."""

        def handle(*arguments):
            if self.made is None:
                self.made = load(self._module, self._name)(*self._arguments)
            return getattr(self.made, method)(*arguments)

        return handle


class Passing(Lazy):
    """A service without a state of its own: made anew when it is called, and let go with its code
    when nobody has called it for a while. What one client asks once at its start does not fill the
    heap for ever.

    also: modules that no other service uses, let go together with its own.
    """

    def __init__(self, module, name, *arguments, also=()):
        super().__init__(module, name, *arguments)
        self._also = also
        self._used = False  # since the reaper looked last

    def handler(self, method):
        handle = super().handler(method)

        def use(*arguments):
            self._used = True
            return handle(*arguments)

        return use

    def rest(self):
        """Let go, unless it was called since this was asked last."""
        if self.made is not None and not self._used:
            self.made = None
            forget(self._module)
            for module in self._also:
                forget(module)
        self._used = False


class Dispatcher:
    """Answers requests by the rows of a table.

    redeem: a function(query, now) for the account whose session token the query has, or None.
    passing: the services that may be let go.
    """

    def __init__(self, routes, authenticator, redeem, passing=()):
        self._authenticator = authenticator
        self._redeem = redeem
        self._passing = passing
        self._routes = {}
        for route in routes:
            self._routes[route[0]] = self._routes.get(route[0], ()) + (route,)

    def answer(self, connection, request, now, shed):
        """Return the Response to a request of connection.caller.

        shed: a function(connection) that makes memory at the expense of another connection; what
        could not be done without is then tried once more, and a second MemoryError comes through.
        """
        caller = connection.caller
        try:
            route = self._route(request)
            # Where anyone may call, some operations still ask who it is.
            if route[2] == ANYONE and request.authorization is None:
                caller.account = None
            else:
                try:
                    caller.account = self._account(caller, request, now, route[4])
                except MemoryError:
                    shed(connection)
                    caller.account = self._account(caller, request, now, route[4])
                if caller.account.role < route[2]:
                    raise HttpError(403)
            try:
                return route[3](caller, request, now)
            except MemoryError:
                # Not the whole: these credentials are used, a second look would refuse them.
                shed(connection)
                return route[3](caller, request, now)
        except Refused as refused:
            return self._challenge(now, refused.stale)
        except HttpError as error:
            return self._challenge(now) if error.status == 401 else error_response(error)
        except MemoryError:
            raise
        except Exception as error:
            report(error)
            return refusal(500)

    def rest(self):
        """Let go of every service that was not called since this was asked last."""
        for service in self._passing:
            service.rest()

    def _challenge(self, now, stale=False):
        challenges = self._authenticator.challenges(now, stale)
        return refusal(401, ["WWW-Authenticate: " + challenge for challenge in challenges])

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
        if takes_token and "wssession" in request.query:
            account = self._redeem(request.query, now)
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
        lines.append("Retry-After: %d" % _RETRY_AFTER_S)
    if error.json is not None:
        return Response(error.status, error.json.encode(), "application/json", lines)
    return refusal(error.status, lines)


def refusal(status, lines=()):
    """A plain answer that says no more than its status."""
    return Response(status, (reason(status) + "\n").encode(), "text/plain", lines)
