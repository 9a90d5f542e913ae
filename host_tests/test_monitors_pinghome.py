"""Pinghome's language: the document's requests, and what is answered when they are bad."""

import hashlib

from holdfast.core.checkins import LOG
from holdfast.core.monitors import PER_MINUTE
from holdfast.core.tokens import OPERATOR, PING, VIEWER
from holdfast.monitors.pinghome import Pinghome
from holdfast.wire.date import date_text
from holdfast.wire.json import loads
from makers import Caller, whole
from watching import EPOCH, Life

CALLER = Caller()

TOKENS = tuple(
    [
        (name, role, hashlib.sha256(name.encode()).digest())
        for name, role in (("op", OPERATOR), ("view", VIEWER), ("key", PING))
    ]
)
EXAMPLE = (
    '{"service_id":"6766163a-568d-47b4-a1fa-91a0957e06d4","name":"Pinghome","interval":60,'
    '"enabled":true}'
)
SERVICE = "6766163a-568d-47b4-a1fa-91a0957e06d4"


class Asked:
    def __init__(self, method, target, body="", token=None, host="10.0.0.9:8080"):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.body = body if isinstance(body, bytes) else body.encode()
        self.headers = {"host": host}
        self.authorization = None if token is None else ("Bearer " + token).encode()


class Loaded:
    """The keeper as a Lazy that has been used."""

    def __init__(self, keeper):
        self.made = keeper

    def method(self, name):
        return getattr(self.made, name, None)


def service(life=None):
    life = life or Life()
    return life, Pinghome(Loaded(life.keeper), lambda: TOKENS)


def done(response):
    """(status, JSON) of an answer, told in pieces or not."""
    return response.status, loads(whole(response), -1)


def ask(pair, name, method, target, body="", token="op", host="10.0.0.9:8080"):
    life, subject = pair
    request = Asked(method, target, body, token, host)
    return done(getattr(subject, name)(CALLER, request, life.clock.at))


def created(pair, body=EXAMPLE):
    status, answer = ask(pair, "create", "POST", "/v1/heartbeat", body)
    assert status == 201, answer
    return answer


def one(identifier, more=""):
    return "/v1/heartbeat/" + identifier + more


def test_the_documents_example_makes_a_monitor_and_tells_where_to_check_in():
    pair = service()
    answer = created(pair)
    assert answer["service_id"] == SERVICE and answer["name"] == "Pinghome"
    assert (answer["interval"], answer["grace"], answer["enabled"]) == (60, 0, True)
    assert answer["wait_for_first"] is False
    assert answer["expected_at"] == date_text(EPOCH + 60000)
    assert answer["state"] == "new" and answer["last_received_at"] is None
    assert answer["url"] == "http://10.0.0.9:8080/v1/heartbeat/" + answer["id"]
    assert answer["ping_url"] == "http://10.0.0.9:8080/ping/" + answer["id"]
    status, same = ask(pair, "one", "GET", one(answer["id"]), token="view")
    assert (status, same) == (200, answer)


def test_who_comes_over_tls_is_told_addresses_with_tls():
    life, subject = service()
    caller = Caller()
    caller.secure = True
    request = Asked("POST", "/v1/heartbeat", EXAMPLE, "op")
    answer = loads(subject.create(caller, request, life.clock.at).body)
    assert answer["url"] == "https://10.0.0.9:8080/v1/heartbeat/" + answer["id"]
    assert answer["ping_url"] == "https://10.0.0.9:8080/ping/" + answer["id"]


def test_a_change_is_confirmed_and_an_id_that_is_none_is_named():
    pair = service()
    identifier = created(pair)["id"]
    assert ask(pair, "change", "PUT", one(identifier), "{}")[1]["message"] == "updated"
    query = "/v1/heartbeat?id=%s&id=nobody" % identifier
    status, answer = ask(pair, "remove_many", "DELETE", query)
    assert status == 404 and answer["error"]["message"].endswith(" nobody")
    assert ask(pair, "remove_many", "DELETE", "/v1/heartbeat?id=,")[0] == 400


def test_success_is_another_word_for_complete():
    """As the document's text has it, not its list (Submit Heartbeat Event)."""
    pair = service()
    identifier = created(pair)["id"]
    status, answer = ask(pair, "check_in", "POST", one(identifier), '{"result": "success"}', None)
    assert status == 200 and answer["result"] == "complete"


def test_who_may():
    pair = service()
    identifier = created(pair)["id"]
    reads = (
        ("one", "GET", one(identifier)),
        ("events", "GET", one(identifier, "/events")),
        ("statistic", "GET", one(identifier, "/statistic")),
        ("listed", "GET", "/v1/service/x/heartbeats"),
    )
    writes = (
        ("create", "POST", "/v1/heartbeat"),
        ("change", "PUT", one(identifier)),
        ("remove", "DELETE", one(identifier)),
        ("remove_many", "DELETE", "/v1/heartbeat?id=" + identifier),
    )
    for name, method, target in reads + writes:
        for token in ("nobody", "", "Op", "é"):
            status, answer = ask(pair, name, method, target, "{}", token)
            assert status == 401 and answer["error"]["field"] == "Authorization", (name, token)
        assert ask(pair, name, method, target, "{}", "key")[0] == 403
    for name, method, target in writes:
        assert ask(pair, name, method, target, "{}", "view")[0] == 403
        if name != "one":
            assert ask(pair, name, method, target, "{}", None)[0] == 401
    request = Asked("POST", "/v1/heartbeat", "{}")
    for value in (b"Basic b3A6", b"bearer", b"Bearer \xff\xfe", b"Digest x"):
        request.authorization = value
        response = pair[1].create(CALLER, request, 0)
        assert response.status == 401
        assert response.lines[0].startswith("WWW-Authenticate: Bearer")
    request.authorization = b"bEaReR op"
    assert pair[1].create(CALLER, request, 0).status == 422


def test_bad_definitions_name_the_field():
    pair = service()
    for body, status, field in (
        ("", 400, "body"),
        ("[]", 400, "body"),
        ('{"name":', 400, "body"),
        (b"\xff", 400, "body"),
        ("{}", 422, "service_id"),
        ('{"service_id":"s"}', 422, "name"),
        ('{"service_id":"s","name":"n","interval":"60"}', 422, "interval"),
        ('{"service_id":"s","name":"n","interval":0}', 422, "interval"),
        ('{"service_id":"s","name":"n","grace":-1}', 422, "grace"),
        ('{"service_id":"s","name":"n","enabled":1}', 422, "enabled"),
        ('{"service_id":"s","name":"n","Interval":5}', 422, "Interval"),
    ):
        answer = ask(pair, "create", "POST", "/v1/heartbeat", body)
        assert answer[0] == status and answer[1]["error"]["field"] == field, (body, answer)
    created(pair)
    status, answer = ask(pair, "create", "POST", "/v1/heartbeat", EXAMPLE)
    assert status == 409 and answer["error"]["field"] == "name"
    assert len(pair[0].keeper.engine.all) == 1


def test_no_more_than_there_is_room_for():
    pair = service()
    for i in range(32):
        created(pair, '{"service_id":"s","name":"%d"}' % i)
    status, answer = ask(pair, "create", "POST", "/v1/heartbeat", EXAMPLE)
    assert status == 409 and answer["error"]["field"] == "id"


def test_flash_that_cannot_be_written_is_said_with_when_to_come_again():
    pair = service()
    pair[0].store.quiet_now = False
    response = pair[1].create(CALLER, Asked("POST", "/v1/heartbeat", EXAMPLE, "op"), 0)
    assert response.status == 503 and "Retry-After: 1" in response.lines


def test_the_documents_update():
    pair = service()
    identifier = created(pair)["id"]
    body = '{"name":"My heartbeat","service_id":"cc7e4e8b","methods":["GET"],"interval":90}'
    status, answer = ask(pair, "change", "PUT", one(identifier), body)
    assert status == 200 and answer["name"] == "My heartbeat" and answer["interval"] == 90
    assert answer["service_id"] == "cc7e4e8b" and answer["id"] == identifier
    status, answer = ask(pair, "change", "PUT", one(identifier), '{"enabled":false}')
    assert answer["state"] == "paused" and not answer["enabled"] and answer["interval"] == 90
    assert ask(pair, "change", "PUT", one(identifier), '{"interval":null}')[0] == 422
    assert ask(pair, "change", "PUT", one("x"), "{}")[0] == 404
    for field in ("Interval", "result", "id", "state"):
        status, answer = ask(pair, "change", "PUT", one(identifier), '{"%s":5}' % field)
        assert status == 422 and answer["error"]["field"] == field


def test_one_or_many_are_removed_or_none():
    pair = service()
    ids = [created(pair, '{"service_id":"s","name":"%d"}' % i)["id"] for i in range(6)]
    target = "/v1/heartbeat?id=%s&id=nobody" % ids[0]
    assert ask(pair, "remove_many", "DELETE", target)[0] == 404
    assert ask(pair, "remove_many", "DELETE", "/v1/heartbeat")[0] == 400
    assert len(pair[0].keeper.engine.all) == 6
    target = "/v1/heartbeat?id=%s&id=%s" % (ids[0], ids[1])
    status, answer = ask(pair, "remove_many", "DELETE", target)
    assert status == 200 and answer["ids"] == ids[:2]
    target = "/v1/heartbeat?id=%s,%s,%s" % (ids[2], ids[3].upper(), ids[2])
    assert ask(pair, "remove_many", "DELETE", target)[1]["ids"] == ids[2:4]
    assert ask(pair, "remove_many", "DELETE", "/v1/heartbeat?id%%5B%%5D=%s" % ids[4])[0] == 200
    assert ask(pair, "remove", "DELETE", one(ids[5]))[1] == {"message": "deleted", "ids": ids[5:]}
    assert ask(pair, "remove", "DELETE", one(ids[5]))[0] == 404
    assert ask(pair, "check_in", "POST", one(ids[5]))[0] == 404
    assert pair[0].keeper.engine.all == []


def test_a_services_monitors_page_by_page():
    pair = service()
    for i in range(7):
        created(pair, '{"service_id":"a b","name":"%d"}' % i)
    created(pair, '{"service_id":"other","name":"x"}')
    names = []
    for page in (1, 2, 3, 4):
        target = "/v1/service/a%%20b/heartbeats?page=%d&limit=3" % page
        status, answer = ask(pair, "listed", "GET", target)
        assert (status, answer["page"], answer["limit"], answer["total"]) == (200, page, 3, 7)
        names += [row["name"] for row in answer["data"]]
    assert names == ["0", "1", "2", "3", "4", "5", "6"]
    assert ask(pair, "listed", "GET", "/v1/service/none/heartbeats")[1]["data"] == []
    for query in ("page=0", "page=x", "limit=0", "limit=-1", "page=1.5", "limit="):
        target = "/v1/service/s/heartbeats?" + query
        status, answer = ask(pair, "listed", "GET", target)
        assert status == 422 and answer["error"]["field"] == query.partition("=")[0]


def test_check_ins_by_query_json_form_or_text():
    pair = service()
    identifier = created(pair)["id"]
    for method, query, body, result, message in (
        ("GET", "", "", "tick", ""),
        ("GET", "?result=tick&message=Tick%20event+sent", "", "tick", "Tick event sent"),
        ("GET", "?result=run", "", "run", ""),
        ("POST", "", '{"result":"complete","message":"done"}', "complete", "done"),
        ("POST", "", "result=fail&message=disk+full", "fail", "disk full"),
        ("POST", "?result=fail", "it said:\nno", "fail", "it said: no"),
        ("POST", "?result=tick&message=query", '{"result":"fail","message":"b"}', "tick", "query"),
        ("POST", "", "", "tick", ""),
        ("POST", "?message=%ff", "", "tick", "\ufffd"),
        ("GET", "", '{"result":"fail"}', "fail", ""),
        ("HEAD", "/?result=fail", "", "fail", ""),
    ):
        status, answer = ask(pair, "check_in", method, one(identifier, query), body, None)
        assert status == 200 and answer["result"] == result, answer
        told = ask(pair, "events", "GET", one(identifier, "/events?limit=1"))[1]["data"]
        assert (told[0]["result"], told[0]["message"]) == (result, message)
    for query, body, status, field in (
        ("?result=ok", "", 422, "result"),
        ("?result=log", "", 422, "result"),
        ("?result=", "", 422, "result"),
        ("", '{"result":1}', 422, "result"),
        ("", '{"message":[]}', 422, "message"),
        ("", "{", 400, "body"),
        ("", b"\xff\xfe", 400, "body"),
        ("?status=fail", "", 400, "status"),
    ):
        answer = ask(pair, "check_in", "POST", one(identifier, query), body, None)
        assert answer[0] == status and answer[1]["error"]["field"] == field, (query, body)
    assert ask(pair, "check_in", "GET", one("nobody"), "", None)[0] == 404


def test_a_get_with_a_token_reads_and_one_that_names_a_result_checks_in():
    pair = service()
    identifier = created(pair)["id"]
    assert "name" in ask(pair, "one", "GET", one(identifier), "", "view")[1]
    assert pair[0].keeper.engine.all[0].last_at is None
    assert ask(pair, "one", "GET", one(identifier), "", "wrong")[0] == 401
    assert pair[0].keeper.engine.all[0].last_at is None
    assert ask(pair, "one", "GET", one(identifier), "", None)[1]["result"] == "tick"
    for query, body in (("?result=fail", ""), ("?RESULT=fail", ""), ("", '{"result":"fail"}')):
        ask(pair, "one", "GET", one(identifier), "", None)
        answer = ask(pair, "one", "GET", one(identifier, query), body, "view")
        assert answer[1]["state"] == "down"


def test_on_the_documents_hosts_a_get_reads_or_checks_in_whatever_its_token():
    pair = service()
    identifier = created(pair)["id"]
    job = pair[0].keeper.engine.all[0]
    for host in ("data-gateway.api.pinghome.io", "Data-Gateway.lan:8080", "me@data-gateway.x"):
        for token in (None, "view", "key", "nobody"):
            status, answer = ask(pair, "one", "GET", one(identifier), "", token, host)
            assert (status, answer["result"]) == (200, "tick"), (host, token)
    answer = ask(pair, "one", "GET", one(identifier, "?result=fail"), "", "op", "data-gateway.x")
    assert answer[1]["state"] == "down" and job.counts[1] == 13
    for host in ("resource-query.api.pinghome.io", "RESOURCE-QUERY.lan", "resource-query.x:80"):
        for query in ("", "?result=tick"):
            for token in (None, "nobody"):
                answer = ask(pair, "one", "GET", one(identifier, query), "", token, host)
                assert answer[0] == 401 and answer[1]["error"]["field"] == "Authorization"
            assert ask(pair, "one", "GET", one(identifier, query), "", "view", host)[0] == 200
            assert ask(pair, "one", "GET", one(identifier, query), "", "key", host)[0] == 403
    assert job.counts[1] == 13
    # Any other name is as the address is; what only looks like them, too.
    for host in ("holdfast.lan", "data-gatewayx.lan", "x.resource-query.lan", "resource-query"):
        assert "name" in ask(pair, "one", "GET", one(identifier), "", "view", host)[1]
        assert ask(pair, "one", "GET", one(identifier), "", None, host)[1]["result"] == "tick"


def test_the_address_that_a_reader_is_told_is_one_that_checks_in():
    pair = service()
    identifier = created(pair)["id"]
    for host, told in (
        ("resource-query.lan:8080", "http://data-gateway.lan:8080"),
        ("data-gateway.lan", "http://data-gateway.lan"),
        ("10.0.0.9", "http://10.0.0.9"),
        ("resource-cmd.lan", "http://resource-cmd.lan"),
    ):
        answer = ask(pair, "change", "PUT", one(identifier), "{}", "op", host)[1]
        assert answer["url"] == told + "/v1/heartbeat/" + identifier
        assert answer["ping_url"] == told + "/ping/" + identifier
        host = answer["url"].split("/")[2]
        assert ask(pair, "one", "GET", one(identifier), "", None, host)[1]["result"] == "tick"
    request = Asked("PUT", one(identifier), "{}", "op")
    request.headers = {}
    answer = done(pair[1].change(CALLER, request, 0))[1]
    assert answer["url"] == "/v1/heartbeat/" + identifier


def test_who_waits_for_the_first_check_in_is_told_and_changed():
    pair = service()
    made = created(pair, '{"service_id":"s","name":"n","wait_for_first":true}')
    assert made["wait_for_first"] is True and made["expected_at"] is None
    pair[0].pass_ms(3600000, 60000)
    status, answer = ask(pair, "one", "GET", one(made["id"]))
    assert answer["state"] == "new" and answer["expected_at"] is None
    answer = ask(pair, "change", "PUT", one(made["id"]), '{"wait_for_first":false}')[1]
    assert answer["expected_at"] == date_text(EPOCH + 3660000)
    pair[0].pass_ms(60000)
    answer = ask(pair, "one", "GET", one(made["id"]))[1]
    assert (answer["state"], answer["expected_at"]) == ("down", None)
    told = ask(pair, "events", "GET", one(made["id"], "/events"))[1]["data"]
    assert [row["result"] for row in told] == ["missed"]
    status, answer = ask(pair, "change", "PUT", one(made["id"]), '{"wait_for_first":"no"}')
    assert status == 422 and answer["error"]["field"] == "wait_for_first"


def test_the_documents_counts_are_by_intervals():
    """View Heartbeat Statistics: 13 check-ins in one interval, and fails among them."""
    pair = service()
    identifier = created(pair, '{"service_id":"s","name":"n","interval":3600}')["id"]

    def counts():
        rows = ask(pair, "statistic", "GET", one(identifier, "/statistic"))[1]["data"]
        names = ("tick_count", "run_count", "fail_count", "complete_count")
        return [sum([row[name] for row in rows]) for name in names]

    assert counts() == [0, 0, 0, 0]
    for _ in range(13):
        ask(pair, "check_in", "GET", one(identifier), "", None)
    assert counts() == [1, 13, 0, 1]
    for _ in range(3):
        ask(pair, "check_in", "GET", one(identifier, "?result=fail"), "", None)
    assert counts() == [1, 16, 1, 0]
    pair[0].pass_ms(3 * 3600000, 60000)
    assert counts() == [3, 16, 3, 0]


def test_too_many_check_ins_say_when_to_come_again():
    pair = service()
    identifier = created(pair)["id"]
    pair[0].clock.at = 500
    for _ in range(PER_MINUTE):
        assert ask(pair, "check_in", "GET", one(identifier), "", None)[0] == 200
    response = pair[1].check_in(CALLER, Asked("GET", one(identifier)), 500)
    assert response.status == 429 and "Retry-After: 60" in response.lines


def test_events_by_number_and_after_a_time():
    pair = service()
    identifier = created(pair)["id"]
    life = pair[0]
    job = life.keeper.engine.all[0]
    for i in range(20):
        life.check_in(job, LOG, "%d" % i)
        life.pass_ms(1500)
    status, answer = ask(pair, "events", "GET", one(identifier, "/events?limit=10"))
    assert status == 200
    assert [row["message"] for row in answer["data"]] == [str(i) for i in range(10, 20)]
    after = ask(pair, "events", "GET", one(identifier, "/events"))[1]["data"][4]["received_at"]
    target = one(identifier, "/events?limit=2&last_received_at=" + after)
    answer = ask(pair, "events", "GET", target)[1]
    assert [row["message"] for row in answer["data"]] == ["5", "6"]
    target = one(identifier, "/events?last_received_at=2099-01-01")
    assert ask(pair, "events", "GET", target)[1]["data"] == []
    for query in ("limit=0", "limit=ten", "last_received_at=yesterday"):
        status, answer = ask(pair, "events", "GET", one(identifier, "/events?" + query))
        assert status == 422 and answer["error"]["field"] == query.partition("=")[0]


def test_statistics_in_buckets():
    pair = service()
    identifier = created(pair, '{"service_id":"s","name":"n","interval":3600,"grace":60}')["id"]
    life = pair[0]
    job = life.keeper.engine.all[0]
    for _ in range(50):
        life.check_in(job)
        life.pass_ms(3600000, 600000)
    status, answer = ask(pair, "statistic", "GET", one(identifier, "/statistic?interval=1h"))
    rows = answer["data"]
    assert status == 200 and answer["interval"] == "1h"
    assert sum([row["run_count"] for row in rows]) == 50
    assert sum([row["complete_count"] for row in rows]) == 50
    assert sum([row["tick_count"] for row in rows]) == 50
    assert rows[0]["received_at"] == date_text(EPOCH)
    for interval, most in (("3h", 18), ("12h", 6), ("1d", 4), ("3d", 2), ("7d", 2), ("30d", 2)):
        target = one(identifier, "/statistic?interval=" + interval)
        more = ask(pair, "statistic", "GET", target)[1]["data"]
        assert 0 < len(more) <= most
        for key in ("tick_count", "run_count", "fail_count", "complete_count"):
            assert sum([row[key] for row in more]) == sum([row[key] for row in rows])
    # A bucket begins where the range does, and the range ends before its end.
    target = one(identifier, "/statistic?interval=3h&start_date=%s&end_date=%s")
    target %= (rows[5]["received_at"], rows[11]["received_at"])
    some = ask(pair, "statistic", "GET", target)[1]["data"]
    assert [row["received_at"] for row in some] == [
        rows[5]["received_at"],
        rows[8]["received_at"],
    ]
    assert [row["run_count"] for row in some] == [3, 3]
    for query, field in (
        ("interval=2h", "interval"),
        ("interval=", "interval"),
        ("start_date=x", "start_date"),
        ("end_date=2022-13-01", "end_date"),
        ("start_date=2026-01-02&end_date=2026-01-01", "end_date"),
        ("interval=1h&start_date=2020-01-01", "start_date"),
    ):
        status, answer = ask(pair, "statistic", "GET", one(identifier, "/statistic?" + query))
        assert status == 422 and answer["error"]["field"] == field, query


def test_the_documents_statistics_address():
    pair = service()
    identifier = created(pair)["id"]
    query = "/statistic?interval=7d&start_date=2022-04-03T21:00:00Z&end_date=2022-04-03T22:04:00Z"
    status, answer = ask(pair, "statistic", "GET", one(identifier, query))
    assert (status, answer) == (200, {"interval": "7d", "data": []})


def test_guessed_time_is_said():
    life = Life(None, 0)
    pair = service(life)
    answer = created(pair)
    assert answer["estimated"] is True
    status, answer = ask(pair, "check_in", "GET", one(answer["id"]), "", None)
    assert answer["estimated"] is True and answer["received_at"] == "1970-01-01T00:00:00Z"
    told = ask(pair, "events", "GET", one(answer["id"], "/events"))[1]["data"]
    assert told[0]["estimated"] is True
    told = ask(pair, "statistic", "GET", one(answer["id"], "/statistic"))[1]["data"]
    assert told[0]["estimated"] is True


def test_a_module_without_monitors_knows_none():
    life = Life()
    subject = Pinghome(Loaded(None), lambda: TOKENS)
    pair = (life, subject)
    for name, method, target in (
        ("one", "GET", one("x")),
        ("check_in", "POST", one("x")),
        ("events", "GET", one("x", "/events")),
        ("remove_many", "DELETE", "/v1/heartbeat?id=x"),
    ):
        assert ask(pair, name, method, target)[0] == 404
    status, answer = ask(pair, "listed", "GET", "/v1/service/s/heartbeats")
    assert status == 200 and answer["data"] == []
