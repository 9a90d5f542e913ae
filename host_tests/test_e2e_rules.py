"""Action rules on the wires: events in, ports and notifications out, never in fallback's way."""

import contextlib
import http.server
import re
import socket
import threading
import time
import xml.etree.ElementTree

import pytest

from boards import (
    ANSWER_S,
    LOST_TOPIC,
    PORT_TOPIC,
    VIRTUAL_TOPIC,
    Figures,
    Watch,
    output,
    settings,
    until,
    wait_for,
)

BEAT_MS = 1000
LATE_S = 2  # beside other tests; how late the fallback is, test_e2e_fallback measures
LOST = {"topic": LOST_TOPIC, "content": 'boolean(//SimpleItem[@Name="lost" and @Value="1"])'}
FREE = output(steps=[{"after": 0, "state": "hold"}], locked=False)  # a port that rules may have


def port_is(port, value):
    content = 'boolean(//SimpleItem[@Name="port" and @Value="%s"]) and '
    content += 'boolean(//SimpleItem[@Name="state" and @Value="%s"])'
    return {"topic": PORT_TOPIC, "content": content % (port, value)}


def fixed(port, state="high", duration=""):
    parameters = {"port": port, "state": state, "duration": duration}
    return {"template": "com.axis.action.fixed.io.toggle", "parameters": parameters}


def lasting(port, state="high"):
    parameters = {"port": port, "state": state}
    return {"template": "com.axis.action.unlimited.io.toggle", "parameters": parameters}


def notification(url, message="", **more):
    parameters = dict.fromkeys(("proxy_host", "proxy_port", "proxy_login", "proxy_password"), "")
    parameters.update(login="", password="", parameters="", qos="0")
    parameters.update(upload_url=url, message=message, **more)
    return {"template": "com.axis.action.fixed.notification.http", "parameters": parameters}


def rule(action, *conditions, start=None, **more):
    row = {"action": action, "conditions": list(conditions), **more}
    if start is not None:
        row["start"] = start
    return row


def config(actions, rules, ports=None, **more):
    """Settings with actions and rules numbered from 1."""
    return settings(
        dict.fromkeys("4567", FREE) if ports is None else ports,
        actions={str(i): action for i, action in enumerate(actions, 1)},
        rules={str(i): row for i, row in enumerate(rules, 1)},
        **more,
    )


def told(master, number=0):
    return master.status()["rules"][number]


# -- ports ----------------------------------------------------------------------------------------


def test_the_natural_heartbeat_rule(start):
    """Whoever configures an Axis I/O module writes this one (VAPIX Heartbeat service API)."""
    board = start(config([lasting("4")], [rule("1", LOST)]))
    master = board.master("door")
    with Watch(board, 4) as watch:
        master.beat(BEAT_MS)
        due = master.sent_at + BEAT_MS / 1000
        assert watch.next(4, 1, due - 0.01) - due < LATE_S
        master.beat(60000)
        watch.next(4, 0, due)
    assert told(master)["fired"] == 2


def test_a_rule_cannot_keep_a_locked_port_from_its_fallback(start):
    """It is refused and counted; the port goes where its fallback says, on time."""
    ports = {"4": output(locked=True), "5": FREE}
    board = start(config([lasting("4"), lasting("5")], [rule("1", LOST), rule("2", LOST)], ports))
    master = board.master("door")
    master.beat(BEAT_MS)
    due = master.sent_at + BEAT_MS / 1000
    master.set(p4="closed")
    with Watch(board, 4, 5) as watch:
        assert watch.next(4, 0, due - 0.05) - due < LATE_S
        watch.next(5, 1, due)
        until(due + 0.5)
        assert [level for _, level in watch.since(4, due)] == [0]
    assert [row["refused"] for row in master.status()["rules"]] == [1, 0]
    assert board.levels() == "0100"


def test_an_input_makes_a_pulse(start):
    board = start(config([fixed("6", duration="1")], [rule("1", start=port_is(0, 1))]))
    with Watch(board, 6) as watch:
        pressed = board.drive(0, 1)
        on = watch.next(6, 1, pressed)
        assert on - pressed < LATE_S
        board.drive(0, 0)
        assert 0.2 < watch.next(6, 0, on) - on < 4
        assert len(watch.since(6, pressed)) == 2


def test_a_sequence_is_played(start):
    parameters = {"port": "6", "sequence": "high:600,low:600,high:0"}
    action = {"template": "com.holdfast.action.fixed.io.sequence", "parameters": parameters}
    board = start(config([action], [rule("1", start=port_is(0, 1))]))
    with Watch(board, 6) as watch:
        pressed = board.drive(0, 1)
        wait_for(lambda: len(watch.since(6, pressed)) == 3)
        on, off, again = [when for when, _ in watch.since(6, pressed)]
        assert 0.2 < off - on < 3 and 0.2 < again - off < 3
    assert board.levels() == "0010"


def test_disabled_rules_do_nothing(start):
    board = start(config([fixed("6")], [rule("1", start=port_is(0, 1), enabled=False)]))
    with board.subscribed(PORT_TOPIC, replay=8) as stream:
        board.drive(0, 1)
        stream.recv(ANSWER_S)  # the module has seen it
    assert board.levels() == "0000"
    assert board.master().status()["rules"] == []


def test_rules_that_chase_each_other_are_stopped_and_say_so(start):
    """And who watches over the outputs never waits for them."""
    rules = [rule("1", start=port_is(5, 0)), rule("2", start=port_is(5, 1))]
    board = start(config([fixed("5", "high"), fixed("5", "low")], rules, {"4": {}, "5": FREE}))
    master = board.master("door")
    master.beat(BEAT_MS)
    due = master.sent_at + BEAT_MS / 1000
    master.set(p4="closed", p5="closed")
    with Watch(board, 4) as watch:
        assert watch.next(4, 0, due - 0.05) - due < LATE_S
    rows = master.status()["rules"]
    assert any(row["resting"] for row in rows)
    assert all(row["fired"] <= 21 for row in rows) and sum(row["missed"] for row in rows) >= 1
    before = board.content(5)
    master.beat(60000)
    assert board.content(5) == before


# -- over SOAP ------------------------------------------------------------------------------------

SERVICES = "/vapix/services"
ACTION = "http://www.axis.com/vapix/ws/action1"
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:aa="%s" '
    'xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics" '
    'xmlns:tnsaxis="http://www.axis.com/2009/event/topics"><soap:Body><aa:%s>%s</aa:%s>'
    "</soap:Body></soap:Envelope>"
)


def ask(board, operation, inner="", name="root"):
    """One operation; (status, text of the answer). The answer is well-formed."""
    body = ENVELOPE % (ACTION, operation, inner, operation)
    headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
    with board.session(name) as session:
        answer = session.post(board.url + SERVICES, body.encode(), headers=headers, timeout=5)
    if answer.headers["Content-Type"].startswith("application/soap+xml"):
        xml.etree.ElementTree.fromstring(answer.content)
    return answer.status_code, answer.text


def add(board, operation, inner):
    """The id of what was added."""
    status, text = ask(board, operation, inner)
    assert status == 200, text
    return re.search(r"<aa:(?:ConfigurationID|RuleID)>(\d+)</aa:", text)[1]


def new_configuration(action):
    rows = ['<aa:Parameter Name="%s" Value="%s"/>' % row for row in action["parameters"].items()]
    return (
        "<aa:NewActionConfiguration><aa:Name>Test</aa:Name><aa:TemplateToken>%s"
        "</aa:TemplateToken><aa:Parameters>%s</aa:Parameters></aa:NewActionConfiguration>"
    ) % (action["template"], "".join(rows))


def new_event(name, row):
    return (
        '<aa:%s><wsnt:TopicExpression Dialect="http://docs.oasis-open.org/wsn/t-1/TopicExpression/'
        'Concrete">%s</wsnt:TopicExpression><wsnt:MessageContent Dialect="http://www.onvif.org/'
        'ver10/tev/messageContentFilter/ItemFilter">%s</wsnt:MessageContent></aa:%s>'
    ) % (name, row["topic"], row["content"], name)


def new_rule(action, *conditions, start=None, enabled="true"):
    inner = "" if start is None else new_event("StartEvent", start)
    rows = "".join([new_event("Condition", row) for row in conditions])
    if rows:
        inner += "<aa:Conditions>%s</aa:Conditions>" % rows
    return (
        "<aa:NewActionRule><aa:Name>Test</aa:Name><aa:Enabled>%s</aa:Enabled>%s"
        "<aa:PrimaryAction>%s</aa:PrimaryAction></aa:NewActionRule>"
    ) % (enabled, inner, action)


def test_a_rule_added_over_soap_works_at_once_and_after_a_restart(make_board, tmp_path):
    options = ("--data", tmp_path / "flash")
    board = make_board(settings({"4": FREE}), *options).start()
    action = add(board, "AddActionConfiguration", new_configuration(lasting("4")))
    number = add(board, "AddActionRule", new_rule(action, LOST))
    for _ in range(2):
        master = board.master("door")
        with Watch(board, 4) as watch:
            master.beat(BEAT_MS)
            lost = watch.next(4, 1, master.sent_at)
            master.beat(60000)
            watch.next(4, 0, lost)
        assert told(master)["rule"] == number
        board.stop()
        board = make_board(settings({"4": FREE}), *options).start()


def test_a_removed_rule_stops(start):
    board = start(settings({"4": FREE, "5": FREE}))
    action = add(board, "AddActionConfiguration", new_configuration(lasting("4")))
    number = add(board, "AddActionRule", new_rule(action, port_is(0, 1)))
    board.drive(0, 1)
    wait_for(lambda: board.levels() == "1000")
    status, text = ask(
        board, "RemoveActionConfiguration", "<aa:ConfigurationID>1</aa:ConfigurationID>"
    )
    assert status == 400 and "<aa:ActionConfigurationIsInUseFault>" in text
    assert ask(board, "RemoveActionRule", "<aa:RuleID>%s</aa:RuleID>" % number)[0] == 200
    assert board.levels() == "0000"  # what it held is let go
    with board.subscribed(PORT_TOPIC, replay=8) as stream:
        for level in (0, 1):
            board.drive(0, level)
            stream.recv(ANSWER_S)
    assert board.levels() == "0000"
    status, _ = ask(
        board, "RemoveActionConfiguration", "<aa:ConfigurationID>1</aa:ConfigurationID>"
    )
    assert status == 200
    assert "<aa:ActionRules></aa:ActionRules>" in ask(board, "GetActionRules")[1]


def test_rules_are_told_as_clients_read_them(start):
    board = start(settings({"4": FREE}))
    add(board, "AddActionConfiguration", new_configuration(lasting("4")))
    add(board, "AddActionRule", new_rule("1", LOST, enabled="false"))
    status, text = ask(board, "GetActionConfigurations", name="door")
    assert status == 200
    found = re.findall(r'<aa:Parameter Value="(.*?)" Name="(.*?)">', text)
    assert found == [("4", "port"), ("high", "state")]
    status, text = ask(board, "GetActionRules", name="door")
    assert status == 200
    root = xml.etree.ElementTree.fromstring(text)
    space = {"aa": ACTION, "wsnt": "http://docs.oasis-open.org/wsn/b-2"}
    (row,) = root.findall(".//aa:ActionRule", space)
    assert row.findtext("aa:RuleID", None, space) == "1"
    assert row.findtext("aa:Enabled", None, space) == "false"
    path = "aa:Conditions/aa:Condition/wsnt:"
    assert row.findtext(path + "TopicExpression", None, space) == LOST_TOPIC
    assert row.findtext(path + "MessageContent", None, space) == LOST["content"]
    assert 'TopicExpression Dialect="http://docs.oasis-open.org/wsn/t-1/' in text
    assert ask(board, "GetActionTemplates", name="door")[1].count("<aa:ActionTemplate>") == 4


def test_faults_are_named_as_the_vendor_names_them(start):
    board = start(settings({"4": FREE}))
    add(board, "AddActionConfiguration", new_configuration(lasting("4")))
    many = {"topic": "tns1:Device//.", "content": LOST["content"]}
    status, text = ask(board, "AddActionRule", new_rule("1", many))
    assert status == 400
    assert (
        "<SOAP-ENV:Fault>" in text and "<SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value>" in text
    )
    assert "<SOAP-ENV:Detail><aa:InvalidConditionFilterFault>" in text
    assert "<aa:ActionRules></aa:ActionRules>" in ask(board, "GetActionRules")[1]


@pytest.mark.parametrize("name, reads, writes", [("root", 1, 1), ("door", 1, 0), ("guest", 0, 0)])
def test_who_may(start, name, reads, writes):
    board = start(settings({"4": FREE}))
    for operation in ("GetActionRules", "GetActionConfigurations", "GetActionTemplates"):
        assert (ask(board, operation, name=name)[0] == 200) is bool(reads), operation
    answer = ask(board, "AddActionConfiguration", new_configuration(lasting("4")), name=name)
    assert (answer[0] == 200) is bool(writes)
    assert (answer[0] in (401, 403, 400)) is not bool(writes)


# -- notifications --------------------------------------------------------------------------------


class Receiver:
    """An HTTP server; `got` are (time, method, target, headers, body)."""

    def __init__(self, answers=()):
        self.got = []
        receiver = self
        answers = list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.got.append(
                    (time.monotonic(), self.command, self.path, self.headers, body.decode())
                )
                self.send_response(answers.pop(0) if answers else 200)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/notify" % self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def receiver(*answers):
    subject = Receiver(answers)
    try:
        yield subject
    finally:
        subject.close()


def notified(master):
    told = master.status()["notifications"]
    return told["sent"], told["failed"], told["waiting"]


def test_a_loss_is_told_to_a_receiver(start):
    with receiver() as there:
        more = {"parameters": "who=door", "login": "us", "password": "secret"}
        actions = [notification(there.url, "Tür ohne Master", **more), notification(there.url)]
        board = start(config(actions, [rule("1", LOST), rule("2", LOST)]))
        master = board.master("door")
        master.beat(BEAT_MS)
        due = master.sent_at + BEAT_MS / 1000
        wait_for(lambda: len(there.got) == 2)
        when, method, target, headers, body = there.got[0]
        assert when - due < ANSWER_S
        assert (method, target, body) == ("POST", "/notify?who=door", "Tür ohne Master")
        assert headers["Authorization"] == "Basic dXM6c2VjcmV0"
        assert headers.get_content_type() == "text/plain"
        _, method, target, headers, body = there.got[1]
        assert (method, target, body) == ("GET", "/notify", "")
        assert "Authorization" not in headers
        wait_for(lambda: notified(master) == (2, 0, 0))


def test_what_a_receiver_could_not_take_comes_again(start):
    """Though the rules are others meanwhile."""
    with receiver(503) as there:
        board = start(config([notification(there.url, "a")], [rule("1", start=port_is(0, 1))]))
        board.drive(0, 1)
        wait_for(lambda: there.got)
        assert ask(board, "RemoveActionRule", "<aa:RuleID>1</aa:RuleID>")[0] == 200
        wait_for(lambda: len(there.got) == 2)
        assert 0.5 < there.got[1][0] - there.got[0][0] < 5
        wait_for(lambda: notified(board.master()) == (1, 0, 0))


def test_what_a_receiver_refuses_does_not(start):
    with receiver(404) as there:
        board = start(config([notification(there.url, "a")], [rule("1", start=port_is(0, 1))]))
        board.drive(0, 1)
        wait_for(lambda: notified(board.master()) == (0, 1, 0))


def dead(stack):
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def silent(stack):
    """Somebody listens and never says a word."""
    sock = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return sock.getsockname()[1]


def unreachable(stack):
    """Connections are never made: who listens has no place for them."""
    sock = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(sock.getsockname())
    return sock.getsockname()[1]


def server(stack, talk):
    """Somebody who talks in their own way: talk(socket)."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                sock = listener.accept()[0]
                threading.Thread(target=answer, args=(sock,), daemon=True).start()

    def answer(sock):
        with sock, contextlib.suppress(OSError):
            talk(sock)

    threading.Thread(target=serve, daemon=True).start()
    stack.callback(listener.shutdown, socket.SHUT_RDWR)
    return listener.getsockname()[1]


def dripping(stack):
    def talk(sock):
        while True:
            sock.sendall(b"H")
            time.sleep(0.05)

    return server(stack, talk)


def flooding(stack):
    def talk(sock):
        while True:
            sock.sendall(b"HTTP/1.1 200 OK\r\n" * 4096)

    return server(stack, talk)


def babbling(stack):
    return server(stack, lambda sock: sock.sendall(b"220 mail ready\r\n"))


def resetting(stack):
    return server(stack, lambda sock: None)


BAD = [dead, silent, unreachable, dripping, flooding, babbling, resetting]


@pytest.mark.alone
@pytest.mark.nightly("cpython")
@pytest.mark.parametrize("kind", BAD, ids=[kind.__name__ for kind in BAD])
def test_a_bad_receiver_delays_nobody(start, kind):
    """Heartbeats and fallback are on time, and what waits is bounded."""
    with contextlib.ExitStack() as stack:
        url = "http://127.0.0.1:%d/" % kind(stack)
        rules = [rule("1", start={"topic": VIRTUAL_TOPIC}), rule("1", start=port_is(0, 1))]
        rules += [rule("1", start=port_is(0, 0)), rule("1", LOST)]
        ports = {"4": output("door", locked=False)}
        board = start(config([notification(url, "x" * 256)], rules, ports), "--heap", "150k")
        master = board.master("door")
        other = board.master("vms")
        took = []
        late = []
        with Watch(board, 4) as watch:
            for i in range(6):
                board.drive(0, 1 - i % 2)
                master.beat(300)
                due = master.sent_at + 0.3
                master.set(p4="closed")
                for _ in range(20):
                    other.beat(60000)
                    took.append(other.latency)
                late.append(watch.next(4, 0, due - 0.05) - due)
        sent, failed, waiting = notified(master)
        assert waiting <= 8 and sent + failed + waiting >= 11
        if kind is not flooding:
            assert sent == 0
        assert Figures(took).within(200), str(Figures(took))
        assert Figures(late).within(100), str(Figures(late))
