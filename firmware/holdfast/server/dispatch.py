"""From a request to an answer: the route's row, who is calling, may they, and the handler.

A route is a row `(path, methods, lowest role, service, name)`, and `service.method(name)` is its
handler(caller, request, now), which returns a Response, or a coroutine that does where flash is
changed. The first row, that of the heartbeat, has a function(caller, request, now) for a service.
A row that takes other logins beside Digest names what knows them, too: `service.method(name)` is
then a function(caller, request) for the account.
Whatever goes wrong inside is answered without detail.
"""

from micropython import const

from holdfast.core.accounts import ANYONE, BY_TOKEN
from holdfast.runtime.memory import forget, load
from holdfast.runtime.portable import report
from holdfast.wire.digest import Memory, Refused
from holdfast.wire.http import HttpError, Response, reason

# What is taken from who has not logged in: bytes of a body, and commas and brackets in it, which
# are about as many as a JSON text has values, or XML has tags.
_BODY_BYTES = const(512)
_BODY_ITEMS = const(64)
# .. but here: a device without any account takes its first settings from anybody, and any other
# device looks at none of them before the login.
_SETTINGS = "/holdfast/settings"

TOKEN_PATH = "/vapix/ws-data-stream"  # the one where a session token does instead of Digest
_REFUSED_LOGINS = const(3)  # then the connection ends
_RETRY_AFTER_S = const(5)  # told with 503: by then an idle connection has given way

# Loaded for some requests only, and let go with the services.
_RARE = (
    "wire.origin",
    "wire.rarejson",
    "wire.chunked",
    "wire.target",
    "vapix.fault",
    "server.body",
)


class Caller:
    """Who is at the other end of a connection."""

    secure = False  # it speaks TLS
    refused = 0  # logins of this connection that were

    def __init__(self):
        self.account = None  # of the last request, None when that came without credentials
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

    def method(self, name):
        """A method of the service, to be called at once: who calls has no frame of ours below."""
        if self.made is None:
            self.made = load(self._module, self._name)(*self._arguments)
        return getattr(self.made, name)


class Passing(Lazy):
    """A service that is made anew when it is called, and let go with its code as soon as its own
    `rest()` says that it is not needed any more.
    """

    def rest(self):
        """Let go of what is not needed any more."""
        if self.made is not None and self.made.rest():
            self.made = None
            forget(self._module)
        if self.made is None:
            for name in _RARE:
                forget("holdfast." + name)


class Dispatcher:
    """By rows: `first`, for which nothing is loaded late, and those that `services` has,
    a Passing whose `rows(path)` gives those of a path.

    redeem: a function(query, now) for the account whose session token the query has, or None.
    refusals: the Lazy of server.refusals, which is told of Digest credentials and tokens that are
    no good; from then on its `delay(connection, now)` gives for how many ms no login of that
    connection is looked at.
    """

    def __init__(self, first, services, authenticator, redeem, refusals):
        self.delay = None  # a function(connection, now) once logins were refused; see below
        self.names = ()  # of the module, for browsers; see wire.origin
        self.hostname = ""
        self._first = first
        self._services = services
        self._authenticator = authenticator
        self._redeem = redeem
        self._refusals = refusals

    def answer(self, connection, request, now, shed):
        """Return the Response to a request of connection.caller; of a handler that is a coroutine
        something to be awaited, which gives it.

        shed: a function(connection) that makes memory at the expense of another connection; what
        could not be done without is then tried once more. A second MemoryError comes through for a
        heartbeat; other requests are told to come again.
        """
        caller = connection.caller
        try:
            route = self._first
            if request.path != route[0] or request.method not in route[1]:
                route = self._route(request)
            # A token comes from the page that asks, not from the browser: any page may have one.
            if route[2] != BY_TOKEN:
                self._check_origin(request)
            if self.delay is not None and request.authorization is not None:
                self._check_delay(connection, now)
            identified = tried = False
            # No function for the second try: its frame would lie below each handler.
            while True:
                try:
                    # Once: these credentials are used, a second look would refuse them.
                    if not identified:
                        self._identify(caller, request, now, route)
                        identified = True
                        tried = False
                        if caller.account is not None and caller.account.role < route[2]:
                            raise HttpError(403)
                    if route is self._first:
                        return route[3](caller, request, now)
                    response = route[3].method(route[4])(caller, request, now)
                    break
                except MemoryError:
                    if tried and route is self._first:
                        raise
                    if tried:
                        # What it needed is free in a moment, when nothing on the stack holds it.
                        raise HttpError(503)
                    tried = True
                    shed(connection)
            if not isinstance(response, Response):
                return self._finish(response, route, connection, request, now, shed)
            if response.status == 401 and route[2] == BY_TOKEN:
                self._note(connection, request, now, b"bearer ")
            return response
        except Refused as refused:
            if not refused.stale:
                self._note(connection, request, now, refused.scheme)
            return self._challenge(now, refused.stale)
        except MemoryError:
            raise
        except Exception as error:
            return self._failed(error, now)

    async def _finish(self, waiting, route, connection, request, now, shed):
        """Await the answer of a handler that is a coroutine; as `answer` else."""
        try:
            try:
                return await waiting
            except MemoryError:
                shed(connection)
            try:
                return await route[3].method(route[4])(connection.caller, request, now)
            except MemoryError:
                raise HttpError(503)
        except Exception as error:
            return self._failed(error, now)

    def _failed(self, error, now):
        """The answer where a handler raised this."""
        if isinstance(error, HttpError):
            if error.status == 401:
                return self._challenge(now, False, error.json)
            return error_response(error)
        report(error)
        return refusal(500)

    def rest(self):
        """Let go of the services that nobody has called since this was asked last."""
        self._services.rest()

    def _check_delay(self, connection, now):
        """HttpError while no login of a connection is looked at."""
        wait_ms = self.delay(connection, now)
        if wait_ms:
            raise HttpError(429, retry_s=wait_ms // 1000 + 1)

    def _check_origin(self, request):
        """HttpError for what another site's page may ask for."""
        headers = request.headers
        if "user-agent" in headers or "origin" in headers or "sec-fetch-site" in headers:
            load("holdfast.wire.origin", "check")(request, self.names, self.hostname)

    def _note(self, connection, request, now, scheme):
        value = request.authorization
        if value is not None and value[: len(scheme)].lower() == scheme:
            self._refusals.method("note")(connection, value, now)
            self.delay = self._refusals.made.delay
            connection.caller.refused += 1
            if connection.caller.refused >= _REFUSED_LOGINS:
                request.keep_alive = False  # the next one takes a connection of its own

    def _challenge(self, now, stale, json=None):
        challenges = self._authenticator.challenges(now, stale)
        lines = ["WWW-Authenticate: " + challenge for challenge in challenges]
        if json is not None:
            return Response(401, json.encode(), "application/json", lines)
        return refusal(401, lines)

    def _route(self, request):
        """The row of a request that is not the first's; HttpError 404 or 405."""
        method = request.method
        if request.path == self._first[0]:
            rows = (self._first,)
        else:
            rows = self._services.method("rows")(request.path)
        if not rows:
            authorization = request.authorization
            if authorization is not None and authorization[:6].lower() == b"basic ":
                # A client that tries Basic first goes on with it unless it is asked for Digest.
                raise Refused()
            raise HttpError(404)
        if method == "HEAD":
            method = "GET"
        allowed = []
        for row in rows:
            if method in row[1]:
                return row
            allowed.extend(row[1])
        raise HttpError(405, ", ".join(allowed))

    def _identify(self, caller, request, now, route):
        """Note whose request it is, None for anyone's; Refused."""
        account = None
        authorization = request.authorization
        if route[2] == BY_TOKEN:
            pass  # its service looks
        elif authorization is None and route[2] == ANYONE:
            _limit(request)
        elif "wssession" in request.query and request.path == TOKEN_PATH:
            account = self._redeem(request.query, now)
            if account is None:
                raise Refused()
        elif authorization is None:
            raise Refused()
        elif len(route) > 5 and authorization[:7].lower() != b"digest ":
            account = route[3].method(route[5])(caller, request)
        else:
            account = self._authenticator.check(
                authorization, request.method, request.target, now, caller.memory
            )
        caller.account = account


def _limit(request):
    """Refuse what is too much for who has not logged in, and a POST of nothing: many clients send
    their body once they are told to log in, curl --digest; others send all of it before.
    """
    body = request.body
    if request.method == "POST" and not body and not request.query:
        raise Refused()
    if request.path != _SETTINGS and (
        len(body) > _BODY_BYTES
        or body.count(b",") + body.count(b"[") + body.count(b"{") + body.count(b"<") > _BODY_ITEMS
    ):
        raise Refused()


def error_response(error):
    """The answer to an HttpError."""
    lines = []
    if error.status == 405:
        lines.append("Allow: " + error.allow)
    elif error.retry_s or error.status == 503:
        lines.append("Retry-After: %d" % (error.retry_s or _RETRY_AFTER_S))
    if error.json is not None:
        return Response(error.status, error.json.encode(), "application/json", lines)
    return refusal(error.status, lines)


def refusal(status, lines=()):
    """A plain answer that says no more than its status."""
    return Response(status, (reason(status) + "\n").encode(), "text/plain", lines)
