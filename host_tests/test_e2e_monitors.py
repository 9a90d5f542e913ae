"""Monitors on simulated boards: real clients, documented requests, restarts, rules."""

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import requests
from fuzz import Mutator

from boards import (
    ANSWER_S,
    Figures,
    Master,
    Watch,
    exchange,
    notification,
    output,
    settings,
    wait_for,
)

TOPIC = "tns1:Device/tnsholdfast:Monitor/State"
DOCUMENTED = Path(__file__).parent / "documented_pings.txt"


def token(name, role):
    return {"name": name, "role": role, "sha256": hashlib.sha256(name.encode()).hexdigest()}


TOKENS = [
    token("YOUR_TOKEN", "operator"),
    token("reader", "viewer"),
    token("your-ping-key", "ping"),
]


def configured(**more):
    return settings({"4": output("door")}, monitors={"tokens": TOKENS}, **more)


class Api:
    """Pinghome's clients, with `httpx`."""

    def __init__(self, board, bearer="YOUR_TOKEN"):
        headers = {"Authorization": "Bearer " + bearer}
        self.client = httpx.Client(
            base_url=board.url, headers=headers, timeout=ANSWER_S, trust_env=False
        )

    def create(self, name="job", interval=60, **more):
        fields = {"service_id": "s", "name": name, "interval": interval, **more}
        answer = self.client.post("/v1/heartbeat", json=fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def state(self, identifier):
        return self.client.get("/v1/heartbeat/" + identifier).json()["state"]

    def counts(self, identifier):
        """Intervals, check-ins, failed, successful; of all that is kept."""
        answer = self.client.get("/v1/heartbeat/%s/statistic" % identifier)
        names = ("tick_count", "run_count", "fail_count", "complete_count")
        return [sum(row[name] for row in answer.json()["data"]) for name in names]

    def events(self, identifier, **query):
        answer = self.client.get("/v1/heartbeat/%s/events" % identifier, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@pytest.fixture
def watched(start, tmp_path):
    """A running board with tokens, and flash that outlives it."""
    return start(configured(), "--data", str(tmp_path / "flash"), "--connections", 12)


def ping(board, path, **more):
    return requests.get(board.url + "/ping/" + path, timeout=ANSWER_S, **more)


def test_a_monitors_life_with_httpx_and_requests(watched):
    api = Api(watched)
    made = api.create("Nightly", 1, grace=1, wait_for_first=True)
    identifier = made["id"]
    assert made["url"] == "%s/v1/heartbeat/%s" % (watched.url, identifier)
    assert api.state(identifier) == "new"
    assert requests.get(made["url"], timeout=ANSWER_S).json()["state"] == "up"
    assert requests.get(made["ping_url"], timeout=ANSWER_S).text == "OK"
    wait_for(lambda: api.state(identifier) == "late", what="late")
    wait_for(lambda: api.state(identifier) == "down", what="down")
    assert [row["result"] for row in api.events(identifier)] == ["tick", "tick", "missed"]
    first, second, third = (row["received_at"] for row in api.events(identifier))
    assert first < second < third
    # It became true two seconds after the last check-in, to the millisecond.
    began, ended = (another_date(text) for text in (second, third))
    assert ended - began == 2000
    answer = api.client.get("/v1/heartbeat/%s/statistic?interval=1h" % identifier).json()
    assert sum(row["run_count"] for row in answer["data"]) == 2
    answer = api.client.put("/v1/heartbeat/" + identifier, json={"enabled": False})
    assert answer.json()["state"] == "paused"
    assert requests.get(made["ping_url"], timeout=ANSWER_S).text == "OK"
    assert api.state(identifier) == "paused"
    assert api.events(identifier)[-1]["result"] == "ignored"
    assert api.client.delete("/v1/heartbeat/" + identifier).status_code == 200
    assert requests.get(made["ping_url"], timeout=ANSWER_S).status_code == 404


def test_a_job_that_never_checks_in_is_late_and_down_and_one_that_is_waited_for_is_not(
    watched, start, tmp_path
):
    api = Api(watched)
    waiting = api.create("waiting", 1, wait_for_first=True)
    never = api.create("never", 1, grace=1)
    wait_for(lambda: api.state(never["id"]) == "late", what="late")
    wait_for(lambda: api.state(never["id"]) == "down", what="down")
    (missed,) = api.events(never["id"])
    assert missed["result"] == "missed"
    began, ended = (another_date(text) for text in (never["since"], missed["received_at"]))
    assert ended - began == 2000
    assert api.counts(never["id"])[2] >= 1
    # After a restart, too, from what was kept.
    slow = api.create("slow", 3)
    for child in watched.processes():
        os.kill(child, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        watched.ended(5)
    again = start(configured(), "--data", str(tmp_path / "flash"), "--connections", 12)
    api = Api(again)
    wait_for(lambda: api.state(slow["id"]) == "down", what="down after a restart")
    assert api.state(waiting["id"]) == "new"
    assert api.events(waiting["id"]) == [] and api.counts(waiting["id"]) == [0, 0, 0, 0]


def test_intervals_are_counted_and_not_check_ins(watched):
    api = Api(watched)
    hour = None
    while hour != datetime.now().hour:  # what was counted in an hour that is over stays
        hour = datetime.now().hour
        made = api.create("job of %d" % hour, 86400)
        with requests.Session() as session:
            for _ in range(13):
                session.get(made["url"], timeout=ANSWER_S)
        before = api.counts(made["id"])
        for _ in range(3):
            ping(watched, made["id"] + "/fail")
        after = api.counts(made["id"])
    assert (before, after) == ([1, 13, 0, 1], [1, 16, 1, 0])


@pytest.mark.parametrize("more", [(), ("-A", "Mozilla/5.0"), ("-A", "axios/1.7")])
def test_the_documents_hosts_tell_a_check_in_from_a_read(watched, more):
    """Names that lead to the module, as a company's DNS has them; not from a browser."""
    made = Api(watched).create()

    def get(host, path, *arguments):
        name = "%s:%d" % (host, watched.port)
        command = ["curl", "--silent", "--noproxy", "*", "--max-time", "%d" % ANSWER_S, *more]
        command += ["--connect-to", "%s:%s:%d" % (name, watched.host, watched.port)]
        command += [*arguments, "--write-out", "\n%{http_code}", "http://" + name + path]
        told, _, code = subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.rpartition("\n")
        return int(code), json.loads(told)

    path = "/v1/heartbeat/" + made["id"]
    bearer = ("-H", "Authorization: Bearer reader")
    for domain in (".api.pinghome.io", ".lan", ".example.com"):
        for arguments in ((), bearer):
            status, answer = get("data-gateway" + domain, path, *arguments)
            assert (status, answer["result"]) == (200, "tick")
        status, answer = get("resource-query" + domain, path)
        assert (status, answer["error"]["field"]) == (401, "Authorization")
        status, answer = get("resource-query" + domain, path, *bearer)
        assert (status, answer["name"], answer["state"]) == (200, "job", "up")
        assert answer["url"].startswith("http://data-gateway%s:" % domain)
        assert get("monitors" + domain, path, *bearer)[1]["name"] == "job"
        assert get("monitors" + domain, path)[1]["result"] == "tick"
    assert Api(watched).counts(made["id"])[1] == 9


def another_date(text):
    """ms of UTC, by another implementation than ours."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_bad_requests_over_the_wire(watched):
    api = Api(watched)
    made = api.create()
    for method, path, headers, body, status in (
        ("POST", "/v1/heartbeat", {"Authorization": "Bearer no"}, "{}", 401),
        ("POST", "/v1/heartbeat", {"Authorization": "Bearer reader"}, "{}", 403),
        ("POST", "/v1/heartbeat", {}, "{", 400),
        ("POST", "/v1/heartbeat", {}, '{"service_id":"s","name":"job"}', 409),
        ("POST", "/v1/heartbeat", {}, '{"service_id":"s","name":"x","interval":0}', 422),
        ("GET", "/v1/heartbeat/nobody", {}, None, 404),
        ("GET", "/v1/heartbeat/%s/events?limit=x" % made["id"], {}, None, 422),
        ("GET", "/v1/heartbeat", {}, None, 405),
        ("PATCH", "/v1/heartbeat/" + made["id"], {}, None, 405),
        ("GET", "/v1/heartbeat/", {}, None, 404),
        ("GET", "/v1/heartbeat/%s/what" % made["id"], {}, None, 404),
        ("GET", "/ping/", {}, None, 404),
        ("GET", "/ping/a/b/c/d", {}, None, 404),
    ):
        answer = api.client.request(method, path, headers=headers, content=body)
        assert answer.status_code == status, (method, path, answer.text)
        if status in (400, 401, 403, 409, 422):
            assert answer.json()["error"]["field"]
    refused = api.client.get("/v1/service/s/heartbeats", headers={"Authorization": ""})
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    answer = exchange(
        watched,
        b"GET /v1/heartbeat/%s/events HTTP/1.0\r\n"
        b"Authorization: Bearer reader\r\n\r\n" % made["id"].encode(),
    )
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"data": []}


def test_a_long_output_of_a_job_is_cut_and_not_refused(watched):
    made = Api(watched).create()
    for size in (100, 4096, 4097, 300000):
        body = b"%d " % size + b"x" * size
        with requests.Session() as session:  # what follows on the connection is read aright
            answer = session.post(made["ping_url"] + "/fail", data=body, timeout=ANSWER_S)
            assert (answer.status_code, answer.text) == (200, "OK")
            assert session.get(made["ping_url"], timeout=ANSWER_S).text == "OK"
        told = Api(watched).events(made["id"])[-2]
        assert told["result"] == "fail" and told["message"].startswith("%d x" % size)
        assert len(told["message"]) == 48
    refused = requests.post(watched.url + "/v1/heartbeat", data=b"x" * 5000, timeout=ANSWER_S)
    assert refused.status_code == 413


def documented():
    """The commands of the documents: (heading, shell command)."""
    for block in DOCUMENTED.read_text().split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip()]
        if lines and not lines[0].startswith("##"):
            yield lines[0].lstrip("# "), "\n".join(lines[1:])


@pytest.mark.parametrize("command", [c for _, c in documented()], ids=[h for h, _ in documented()])
def test_documented_commands_run_unchanged_but_for_the_address(watched, command, tmp_path):
    """As they print them; hc-ping.com becomes the board, ids an id; Pinghome's names stay."""
    api = Api(watched)
    made = api.create("Database Backup", 60)
    changes = [
        ("https://hc-ping.com", watched.url + "/ping"),
        ("your-uuid-here", made["id"]),
        ("HEARTBEAT_ID", made["id"]),
    ]
    lines = ['noproxy = "*"']
    for name in ("resource-cmd", "resource-query", "statistic-query", "data-gateway"):
        name += ".api.pinghome.io"
        changes.append(("https://" + name, "http://%s:%d" % (name, watched.port)))
        lines.append('connect-to = "%s::%s:%d"' % (name, watched.host, watched.port))
    for old, new in changes:
        command = command.replace(old, new)
    (tmp_path / ".curlrc").write_text("\n".join(lines))
    result = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "CURL_HOME": str(tmp_path)},
    )
    assert result.returncode == 0, (command, result.stdout, result.stderr)
    failed = ('"error"', "not found", "invalid", "Unauthorized")
    assert result.stdout and not any(word in result.stdout for word in failed), result.stdout


def test_a_killed_module_loses_no_definition_and_at_most_a_batch(watched, start, tmp_path):
    api = Api(watched)
    kept = api.create("kept", 3600)
    requests.get(kept["ping_url"] + "/fail", timeout=ANSWER_S)
    flash = tmp_path / "flash"
    # The first check-in changed the state, and that is soon in flash.
    wait_for((flash / "standing.bin").exists, 10, "how monitors stand in flash")
    gone = api.create("gone")
    changed = api.create("before")
    assert api.client.delete("/v1/heartbeat/" + gone["id"]).status_code == 200
    answer = api.client.put("/v1/heartbeat/" + changed["id"], json={"name": "after"})
    assert answer.status_code == 200
    for child in watched.processes():
        os.kill(child, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        watched.ended(5)
    again = start(configured(), "--data", str(flash), "--connections", 12)
    api = Api(again)
    rows = api.client.get("/v1/service/s/heartbeats").json()["data"]
    assert {row["name"]: row["id"] for row in rows} == {
        "kept": kept["id"],
        "after": changed["id"],
    }
    assert api.state(kept["id"]) == "down"
    assert [row["result"] for row in api.events(kept["id"])] == ["fail"]
    assert requests.get(kept["ping_url"].replace(watched.url, again.url), timeout=5).text == "OK"


def test_damaged_files_are_set_aside_and_the_module_serves(make_board, tmp_path):
    flash = tmp_path / "flash"
    flash.mkdir()
    for name in ("monitors.json", "standing.bin", "events.0", "hours.3"):
        (flash / name).write_bytes(b"\xa5" * 300)
    board = make_board(configured(), "--data", str(flash)).start()
    assert "monitors.json: damaged, set aside" in board.log
    made = Api(board).create()
    assert requests.get(made["ping_url"], timeout=ANSWER_S).text == "OK"
    assert board.master("door").beat(1000)
    told = wait_for(
        lambda: (
            (board.master().status()["monitors"]["files_set_aside"] >= 2)
            and board.master().status()["monitors"]
        )
    )
    assert (told["count"], told["down"], told["events_lost"]) == (1, 0, 0)


# What curl sends of it: (arguments, "URL" for the monitor's address; body; status; state).
CURLED = (
    (["--data-binary", "@-", "URL"], b'\xef\xbb\xbf{"result":"fail"}', 200, "down"),
    (["-d", '[{"result":"fail"}]', "URL"], b"", 400, "up"),
    (["-d", '"fail"', "URL"], b"", 200, "down"),
    (["-d", '{"Result":"fail"}', "URL"], b"", 200, "down"),
    (["-d", '{"status":"fail"}', "URL"], b"", 400, "up"),
    (["-d", "%72esult=fail", "URL"], b"", 200, "down"),
    (["URL?result=fail&message=100%"], b"", 200, "down"),
    (["URL?result=fail&message=caf%E9"], b"", 200, "down"),
    (["URL?result=fail&message=caf\u00e9"], b"", 200, "down"),
    (["-d", "result=fail&message=disk+100%+full", "URL"], b"", 200, "down"),
    (["-d", '{"result":"fail","message":123}', "URL"], b"", 200, "down"),
    (["-d", "{broken", "URL?result=fail"], b"", 200, "down"),
    (["-d", "{broken", "URL"], b"", 400, "up"),
    (["-X", "GET", "-d", '{"result":"fail"}', "URL"], b"", 200, "down"),
    (["-F", "result=fail", "URL"], b"", 415, "up"),
    (["-F", "message=x", "URL?result=fail"], b"", 200, "down"),
    (["-H", "Content-Encoding: gzip", "--data-binary", "@-", "URL"], b"\x1f\x8b\0", 415, "up"),
    (["-d", "result=fail", "--data-urlencode", "message=50% & more=1", "URL"], b"", 200, "down"),
    (["-d", "result=success", "-d", "result=fail", "URL"], b"", 200, "down"),
    (["--http1.0", "-d", "result=fail", "URL/"], b"", 200, "down"),
    (["-H", "Transfer-Encoding: chunked", "-d", "result=fail", "URL"], b"", 200, "down"),
    (
        ["-H", "Transfer-Encoding: chunked", "--data-binary", "@-", "URL?result=fail"],
        b"x" * 9000,
        200,
        "down",
    ),
    (["--data-binary", "@-", "URL"], b"result=fail&message=" + b"x" * 9000, 200, "down"),
    (["-T", "-", "-X", "POST", "PING/fail"], b"%" * 9000, 200, "down"),
    (["-d", "caf\u00e9 100%", "PING/1"], b"", 200, "down"),
    (["-H", "Content-Type: application/json", "-d", "{broken", "PING/fail/"], b"", 200, "down"),
    (["-I", "PING/FAIL"], b"", 200, "down"),
    (["PING/007"], b"", 200, "down"),
    (["PING/"], b"", 200, "up"),
    (["PING/256"], b"", 400, "up"),
)


def test_a_fail_is_neither_lost_nor_taken_for_a_success(watched):
    """Shapes that jobs are known to have sent, by the client that they sent them with."""
    api = Api(watched)
    made = api.create("job", 3600)
    for arguments, body, status, state in CURLED:
        requests.get(made["ping_url"], timeout=ANSWER_S)
        assert api.state(made["id"]) == "up"
        command = ["curl", "--silent", "--noproxy", "*", "--max-time", "%d" % ANSWER_S]
        command += ["--write-out", "\n%{http_code}"]
        for argument in arguments:
            command.append(argument.replace("URL", made["url"]).replace("PING", made["ping_url"]))
        result = subprocess.run(command, input=body, capture_output=True, check=False)
        text, _, code = result.stdout.decode().rpartition("\n")
        assert (int(code), api.state(made["id"])) == (status, state), (arguments, text)
        if status != 200 and "PING" not in arguments[-1]:
            assert json.loads(text)["error"]["field"], arguments


def test_a_slug_made_by_a_ping_is_found_by_the_next(watched):
    api = Api(watched)
    for name in ("web--db", "-x", "x_"):
        path = "your-ping-key/%s?create=1" % name
        assert [ping(watched, path).status_code for _ in range(3)] == [201, 200, 200]
    door = api.create("T\u00fcr 1")
    assert ping(watched, "your-ping-key/tur-1/fail").text == "OK"
    assert api.state(door["id"]) == "down"


def test_a_field_that_nobody_knows_is_named_and_changes_nothing(watched):
    api = Api(watched)
    made = api.create("job", 60)
    for body in ({"Interval": 5}, {"interval": 5, "grce": 9}, {"state": "up"}):
        answer = api.client.put("/v1/heartbeat/" + made["id"], json=body)
        assert answer.status_code == 422 and answer.json()["error"]["field"] in body
        assert answer.json()["error"]["field"] != "interval"
        assert api.client.get("/v1/heartbeat/" + made["id"]).json()["interval"] == 60


def test_listeners_see_monitors_come_change_and_go(watched):
    api = Api(watched)
    api.create("before")
    with watched.subscribed({"topicFilter": TOPIC}, replay=1) as stream:
        made = api.create("job")
        assert notification(stream) == (TOPIC, "job", "new")
        ping(watched, made["id"])
        assert notification(stream) == (TOPIC, "job", "up")
        ping(watched, made["id"] + "/9")
        assert notification(stream) == (TOPIC, "job", "down")
        assert made["id"] not in json.dumps(api.client.get("/holdfast/status").text)
        api.client.delete("/v1/heartbeat/" + made["id"])
        assert notification(stream) == (TOPIC, "job", "removed")
    with watched.subscribed({"topicFilter": TOPIC}) as stream:
        assert notification(stream) == (TOPIC, "before", "new")
        again = api.create("job")
        assert notification(stream) == (TOPIC, "job", "new")
        ping(watched, again["id"])
        assert notification(stream) == (TOPIC, "job", "up")


def test_event_instances_list_the_monitors(watched):
    Api(watched).create("a <job>")
    body = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
        '<GetEventInstances xmlns="http://www.axis.com/vapix/ws/event1"/></s:Body></s:Envelope>'
    )
    with watched.session() as session:
        answer = session.post(watched.url + "/vapix/services", data=body, timeout=ANSWER_S)
    assert answer.status_code == 200
    tree = ElementTree.fromstring(answer.content)
    state = tree.find(".//{urn:holdfast:event:topics}Monitor/State")
    values = [node.text for node in state.iter() if node.tag.endswith("}Value")]
    assert values == ["a <job>"]


DOWN = 'boolean(//SimpleItem[@Name="monitor" and @Value="job"])'
DOWN += ' and boolean(//SimpleItem[@Name="state" and @Value="down"])'


def test_a_missed_check_in_closes_a_port_and_the_next_one_opens_it(start):
    lamp = {
        "template": "com.axis.action.unlimited.io.toggle",
        "parameters": {"port": "5", "state": "high"},
    }
    rule = {"action": "1", "conditions": [{"topic": TOPIC, "content": DOWN}]}
    board = start(configured(actions={"1": lamp}, rules={"1": rule}))
    made = Api(board).create("job", 1, wait_for_first=True)
    with Watch(board, 5) as watch:
        began = time.monotonic()
        ping(board, made["id"])
        lit = watch.next(5, 1, began)
        assert 1.0 <= lit - began < ANSWER_S
        ping(board, made["id"])
        dark = watch.next(5, 0, lit)
        again = watch.next(5, 1, dark)
        assert again - dark > 0.5  # a second, but both are seen late on a busy machine
        Api(board).client.delete("/v1/heartbeat/" + made["id"])
        watch.next(5, 0, again)


def test_a_missed_check_in_is_notified(start):
    heard = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        names = ("parameters", "login", "password", "proxy_host", "proxy_port", "proxy_login")
        empty = dict.fromkeys(names + ("proxy_password", "qos"), "")
        url = "http://127.0.0.1:%d/" % server.server_port
        action = {
            "template": "com.axis.action.fixed.notification.http",
            "parameters": {**empty, "upload_url": url, "message": "the job is missing"},
        }
        rule = {"action": "1", "conditions": [{"topic": TOPIC, "content": DOWN}]}
        board = start(configured(actions={"1": action}, rules={"1": rule}))
        made = Api(board).create("job", 1, wait_for_first=True)
        ping(board, made["id"])
        wait_for(lambda: heard, 10, "notification")
        assert heard == ["the job is missing"]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.alone
def test_a_fallback_is_on_time_beside_32_monitors_that_check_in_and_are_read(start):
    board = start(configured(), "--connections", 12)
    api = Api(board)
    made = [api.create("job %d" % i, 1 + i % 3) for i in range(32)]
    assert (
        api.client.post("/v1/heartbeat", json={"service_id": "s", "name": "x"}).status_code == 409
    )
    ended = threading.Event()

    def hammer():
        with requests.Session() as session:
            while not ended.is_set():
                for row in made:
                    with contextlib.suppress(requests.RequestException):
                        session.get(row["ping_url"], timeout=ANSWER_S)
                    if ended.is_set():
                        return

    def read():
        reader = Api(board, "reader")
        while not ended.is_set():
            with contextlib.suppress(httpx.HTTPError):
                reader.client.get("/v1/service/s/heartbeats")
                reader.events(made[3]["id"])

    threads = [threading.Thread(target=job, daemon=True) for job in (hammer, read)]
    for thread in threads:
        thread.start()
    late = []
    try:
        master = Master(board.host, board.port, "door")
        for _ in range(5):
            master.beat(5000)
            assert "error" not in master.set(p4="closed")
            with Watch(board, 4) as watch:
                master.beat(300)
                fell = watch.next(4, 0, master.sent_at)
                late.append(fell - master.sent_at - 0.3)
    finally:
        ended.set()
        for thread in threads:
            thread.join(ANSWER_S)
    print("fallback beside 32 monitors: %s" % Figures(late))
    assert min(late) >= 0 and Figures(late).within(100), late


NEARLY = (
    (b"POST", b"/v1/heartbeat", b'{"service_id":"s","name":"n","interval":60,"grace":5}'),
    (b"PUT", b"/v1/heartbeat/ID", b'{"name":"m","interval":1,"enabled":true}'),
    (b"GET", b"/v1/heartbeat/ID?result=fail&message=a%20b", b""),
    (b"POST", b"/v1/heartbeat/ID", b'{"result":"complete","message":"done"}'),
    (b"GET", b"/v1/heartbeat/ID/events?limit=10&last_received_at=2023-03-27T09:57:54Z", b""),
    (b"GET", b"/v1/heartbeat/ID/statistic?interval=7d&start_date=2022-04-03T21:00:00Z", b""),
    (b"GET", b"/v1/service/s/heartbeats?page=1&limit=50", b""),
    (b"DELETE", b"/v1/heartbeat?id=ID&id=x,y", b""),
    (b"POST", b"/ping/ID/start?rid=9f8ff8b3-9c0a-4f8e-8d0e-1b1d6d0a0001", b"output"),
    (b"POST", b"/ping/your-ping-key/slug/7?create=1", b"\xff\xfe output"),
)
BITS = (
    b"%",
    b"%00",
    b"%ff",
    b"&",
    b"=",
    b"/",
    b"\\",
    b'"',
    b"null",
    b"[]",
    b"{",
    b"..",
    b"+",
    b":",
)


def test_requests_that_are_nearly_right_are_answered_and_cost_nothing(watched):
    api = Api(watched)
    made = api.create("kept")
    master = Master(watched.host, watched.port, "door")
    session = master.beat(60000)
    identifier = made["id"].encode()
    mutators = [
        (method, Mutator([target], BITS, i), Mutator([body or b"x"], BITS, i))
        for i, (method, target, body) in enumerate(NEARLY)
    ]
    seen = set()
    client = http.client.HTTPConnection(watched.host, watched.port, timeout=ANSWER_S)
    for i in range(len(NEARLY) * 60):
        method, targets, bodies = mutators[i % len(NEARLY)]
        path = targets.next().replace(b"ID", identifier)[:900]
        safe = "".join(chr(b) if 33 <= b < 127 and b != 35 else "%%%02x" % b for b in path)
        headers = {"Authorization": "Bearer YOUR_TOKEN"}
        try:
            client.request(method.decode(), safe or "/", bodies.next(), headers)
            answer = client.getresponse()
            answer.read()
            seen.add(answer.status)
        except (http.client.HTTPException, ConnectionError):
            client.close()
    client.close()
    known = {200, 201, 400, 401, 403, 404, 405, 409, 414, 422, 429, 503}
    assert seen <= known, seen
    assert {200, 400, 404, 422} <= seen
    assert master.beat(60000) == session
    assert master.status()["lost"] is False
