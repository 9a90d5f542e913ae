"""From a request to an answer: rows, rights, trouble."""

import sys

from claims import raises
from holdfast.core.accounts import ACTUATE, ANYONE, BY_TOKEN, READ_SYSTEM, Account
from holdfast.runtime import memory
from holdfast.server import dispatch
from holdfast.server.dispatch import Dispatcher, Lazy, Passing
from holdfast.wire.digest import Refused
from holdfast.wire.http import HttpError, Response
from makers import Asked, Caller, module

OPERATOR = Account("o", 2, b"", b"")
VIEWER = Account("v", 1, b"", b"")


class Authenticator:
    """Lets in whoever `account` says, and counts how often it was asked."""

    def __init__(self, account):
        self.account = account
        self.checks = 0

    def check(self, *arguments):
        self.checks += 1
        if self.account is None:
            raise Refused(stale=True)
        return self.account

    def challenges(self, now, stale):
        return ("Digest stale=%s" % stale,)


class Connection:
    def __init__(self):
        self.caller = dispatch.Caller()


class Services:
    """The service behind all rows but the first; counts how often it may have let go."""

    def __init__(self, role, handler):
        self.role = role
        self.handler = handler
        self.rests = 0

    def method(self, name):
        return self.handler if name == "get" else self._rows

    def _rows(self, path):
        if path == "/y":
            return (
                ("/y", ("GET",), self.role, self, "get"),
                ("/y", ("PUT",), self.role, self, "get"),
            )
        return ()

    def rest(self):
        self.rests += 1


def redeem(query, now):
    return None


class Refusals:
    """The Lazy of server.refusals and what it makes, in one."""

    def __init__(self):
        self.told = []
        self.made = self

    def method(self, name):
        assert name == "note"
        return lambda *what: self.told.append(what[1:])

    def delay(self, connection, now):
        return 0


class Bench:
    def __init__(self, handler, account=OPERATOR, role=ACTUATE):
        self.authenticator = Authenticator(account)
        self.shed = []
        first = ("/x", ("POST", "PUT"), role, handler)
        self.refusals = Refusals()
        self.dispatcher = Dispatcher(
            first, Services(role, handler), self.authenticator, redeem, self.refusals
        )
        self.reports = []
        dispatch.report = self.reports.append

    def ask(self, method="POST", path="/x", query="", authorization=b"Digest", body=b"x"):
        request = Asked(body, method=method, query=query)
        request.path = path
        request.target = path
        request.authorization = authorization
        self.connection = Connection()
        self.connection.caller.account = VIEWER  # of an earlier request
        return self.dispatcher.answer(self.connection, request, 0, self.shed.append)


def fine(caller, request, now):
    return Response(200, b"fine")


def failing(error):
    def handler(caller, request, now):
        raise error

    return handler


def test_a_row_is_found_by_path_and_method():
    bench = Bench(fine)
    assert bench.ask().status == 200
    assert bench.ask("PUT").status == 200
    assert bench.ask(path="/z").status == 404
    assert bench.ask(path="/z", authorization=None).status == 404
    assert bench.ask(path="/z", authorization=b"Basic cm9vdDpwYXNz").status == 401
    assert bench.ask("HEAD", "/y").status == 200
    answer = bench.ask("DELETE")
    assert answer.status == 405
    assert answer.lines == ["Allow: POST, PUT"]
    assert bench.ask(path="/y").lines == ["Allow: GET, PUT"]


def test_a_refusal_carries_a_challenge():
    answer = Bench(fine, None).ask()
    assert answer.status == 401
    assert answer.lines == ["WWW-Authenticate: Digest stale=True"]


def test_a_role_below_the_rows_is_forbidden():
    assert Bench(fine, VIEWER).ask().status == 403
    assert Bench(fine, VIEWER, READ_SYSTEM).ask().status == 200


def test_a_row_for_anyone_asks_nobody_and_forgets_who_it_was():
    bench = Bench(fine, None, ANYONE)
    assert bench.ask(authorization=None).status == 200
    assert bench.authenticator.checks == 0
    assert bench.connection.caller.account is None


def test_a_row_for_anyone_challenges_a_client_that_sends_nothing_and_waits():
    bench = Bench(fine, OPERATOR, ANYONE)
    assert bench.ask(authorization=None, body=b"").status == 401
    assert bench.ask(authorization=None, body=b"", query="a=1").status == 200
    assert bench.ask(body=b"").status == 200


def test_strangers_send_little_or_log_in():
    bench = Bench(fine, OPERATOR, ANYONE)
    for body, status in (
        (b"x" * 512, 200),
        (b"x" * 513, 401),
        (b"," * 64, 200),
        (b"[" * 30 + b"," * 20 + b"{" * 15, 401),
    ):
        assert bench.ask(authorization=None, body=body).status == status
        assert bench.ask(body=body).status == 200


def test_a_row_for_anyone_checks_credentials_that_are_there():
    bench = Bench(fine, OPERATOR, ANYONE)
    assert bench.ask().status == 200
    assert bench.connection.caller.account is OPERATOR
    assert Bench(fine, None, ANYONE).ask().status == 401


def test_a_handler_that_asks_for_a_login_gets_a_challenge():
    answer = Bench(failing(HttpError(401)), None, ANYONE).ask(authorization=None)
    assert answer.status == 401
    assert answer.lines == ["WWW-Authenticate: Digest stale=False"]


def test_refused_credentials_and_tokens_are_told_and_nothing_else():
    told = []
    for role, account, handler, value in (
        (ACTUATE, OPERATOR, fine, b"Digest x"),
        (BY_TOKEN, None, fine, b"Bearer x"),
        (BY_TOKEN, None, no_token, None),
        (BY_TOKEN, None, no_token, b"Basic eDp4"),
        (BY_TOKEN, None, no_token, b"Bearer y"),
        (ACTUATE, OPERATOR, no_token, b"Bearer z"),
    ):
        bench = Bench(handler, account, role)
        bench.ask(path="/y", method="PUT", authorization=value)
        told += bench.refusals.told
        # Nobody's login is looked at later before one was refused.
        assert (bench.dispatcher.delay is None) == (not bench.refusals.told)
    assert told == [(b"Bearer y", 0)]


def no_token(caller, request, now):
    return Response(401, b"")


def test_a_bad_token_is_refused_whatever_else_is_there():
    bench = Bench(fine)
    path = dispatch.TOKEN_PATH
    services = bench.dispatcher._services
    services.method = {
        "rows": lambda path: ((path, ("GET",), 1, services, "get"),),
        "get": fine,
    }.__getitem__
    assert bench.ask("GET", path, query="wssession=1").status == 401
    assert bench.authenticator.checks == 0
    assert bench.ask("GET", path).status == 200
    assert bench.ask("GET", "/other", query="wssession=1").status == 200


def test_a_handlers_refusal_is_answered_and_its_bug_without_detail():
    assert Bench(failing(HttpError(404))).ask().status == 404
    bench = Bench(failing(ValueError("secret")))
    answer = bench.ask()
    assert answer.status == 500
    assert b"secret" not in answer.encode(True)
    assert len(bench.reports) == 1


def test_full_is_told_with_a_time_to_come_again():
    assert Bench(failing(HttpError(503))).ask().lines == ["Retry-After: 5"]


def test_out_of_memory_is_tried_once_more_with_the_same_credentials():
    left = [MemoryError()]

    def handler(caller, request, now):
        if left:
            raise left.pop()
        return fine(caller, request, now)

    bench = Bench(handler)
    assert bench.ask().status == 200
    assert bench.authenticator.checks == 1
    assert len(bench.shed) == 1


def test_out_of_memory_twice_is_the_servers_business():
    raises(MemoryError, Bench(failing(MemoryError())).ask)


def test_modules_of_micropython_need_no_look_for_a_file():
    kept = sys.modules.pop("binascii", None)
    memory.known()
    for name in ("binascii", "hashlib", "os", "struct"):
        assert name in sys.modules, name
    assert kept is None or sys.modules["binascii"] is kept


def test_a_lazy_service_is_made_at_its_first_call():
    lazy = Lazy("holdfast.vapix.wssession", "TokenService", lambda count: bytes(count))
    assert lazy.made is None
    assert lazy.method("redeem")("", 0) is None
    made = lazy.made
    assert made is not None
    lazy.method("redeem")("", 0)
    assert lazy.made is made


def test_out_of_memory_while_checking_who_calls_is_tried_once_more():
    bench = Bench(fine)
    check = bench.authenticator.check

    def full(*arguments):
        bench.authenticator.check = check
        raise MemoryError

    bench.authenticator.check = full
    assert bench.ask().status == 200
    assert len(bench.shed) == 1


class Told:
    """What the facts of an app are asked of."""

    made = None
    refused = 0

    def epoch_ms(self):
        return 0

    def signal(self):
        return None


def test_a_passing_service_is_let_go_with_its_code_when_nobody_calls():
    name = "holdfast.routes"
    app = Caller()
    app.module, app.notified, app.boot = module(), lambda: (0, 0, 0), bytes(16)
    app.keeper = app.tls_trouble = None
    app.alarms, app.store, app.scarce = 0, Told(), False
    app.clock, app.trial, app.network = Told(), Told(), Told()
    passing = Passing(name, "Services", app)
    bench = Bench(fine)
    dispatcher = Dispatcher(
        bench.dispatcher._first, passing, bench.authenticator, None, bench.refusals
    )
    bench.dispatcher = dispatcher
    for _ in range(2):
        assert bench.ask("GET", "/holdfast/status").status == 200
        assert bench.ask("GET", "/axis-cgi/usergroup.cgi").status == 200
        dispatcher.rest()
        assert len(passing.made._made) == 2  # they were called in between
        assert bench.ask("GET", "/axis-cgi/usergroup.cgi").status == 200
        dispatcher.rest()
        assert list(passing.made._made) == ["group"]
        assert name in sys.modules and "holdfast.rest.status" not in sys.modules
        dispatcher.rest()
        assert passing.made is None
        assert name not in sys.modules and "holdfast.vapix.pwdgrp" not in sys.modules
        dispatcher.rest()


def test_paths_with_parts_that_vary_find_their_rows():
    app = Caller()
    app.module = module()
    services = Passing("holdfast.routes", "Services", app)
    for path, names in (
        ("/v1/heartbeat", ["pinghome.create", "pinghome.remove_many"]),
        (
            "/v1/heartbeat/x",
            ["pinghome.one", "pinghome.check_in", "pinghome.change", "pinghome.remove"],
        ),
        ("/v1/heartbeat/x/events", ["pinghome.events"]),
        ("/v1/service/a%20b/heartbeats", ["pinghome.listed"]),
        ("/ping/x", ["healthchecks.by_uuid"]),
        ("/ping/x/y", ["healthchecks.by_two"]),
        ("/ping/x/y/z", ["healthchecks.by_three"]),
        ("/ping/", []),
        ("/ping/x/", ["healthchecks.by_uuid"]),
        ("/ping/x/y/z/0", []),
        ("/v1/heartbeat/", []),
        ("/v1/heartbeat/x/what", []),
        ("v1/heartbeat/x", []),
        ("/*", []),
    ):
        assert [row[4] for row in services.method("rows")(path)] == names, path


# -- other logins than Digest ---------------------------------------------------------------------


class Other(Services):
    """A row that takes other logins, too; `account` is a function(caller, request)."""

    def __init__(self, handler, account):
        super().__init__(ACTUATE, handler)
        self.account = account

    def method(self, name):
        return self.account if name == "account" else super().method(name)

    def _rows(self, path):
        return ((path, ("POST",), ACTUATE, self, "get", "account"),)


def other(account, authorization):
    bench = Bench(fine, VIEWER)
    bench.dispatcher._services = Other(fine, account)
    return bench, bench.ask(path="/beat", authorization=authorization)


def test_a_row_may_take_other_logins_and_its_role_holds_for_them():
    def account(role):
        return lambda caller, request: role

    assert other(account(OPERATOR), b"Basic x")[1].status == 200
    assert other(account(VIEWER), b"Bearer x")[1].status == 403
    # Digest is not its own.
    assert other(account(OPERATOR), b"Digest")[1].status == 200
    assert other(account(OPERATOR), b"Digest x")[1].status == 403
    assert other(account(OPERATOR), None)[1].status == 401


def test_another_login_that_is_refused_counts_as_a_guess_where_it_was_looked_at():
    for scheme, authorization, guesses in (
        (b"basic ", b"Basic x", 1),
        (b"bearer ", b"Bearer x", 1),
        (b"digest ", b"Other x", 0),
    ):
        bench, answer = other(failing_login(Refused(False, scheme)), authorization)
        assert answer.status == 401 and answer.lines == ["WWW-Authenticate: Digest stale=False"]
        assert len(bench.refusals.told) == guesses, authorization
    refused = HttpError(401)
    refused.json = '{"why": 1}'
    bench, answer = other(failing_login(refused), b"Basic x")
    assert (answer.status, answer.body) == (401, b'{"why": 1}')
    assert answer.lines == ["WWW-Authenticate: Digest stale=False"]
    assert bench.refusals.told == []


def failing_login(error):
    def account(caller, request):
        raise error

    return account
