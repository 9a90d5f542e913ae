"""Whose loss does what, from outside: an earlier version's settings, rules, bypassed outputs."""

import contextlib
import hashlib
import json
import re
import threading
import time

import pytest
import zeep
from test_e2e_restart import killed
from test_e2e_soap import SERVICES, WSDL

from boards import (
    ANSWER_S,
    LOST_TOPIC,
    STATUS,
    Watch,
    account,
    output,
    settings,
    silent,
    until,
    wait_for,
)


def of_0_1_0(config):
    """A settings file as version 0.1.0 wrote it: with a checksum, and no format."""
    data = json.dumps(config, indent=1, sort_keys=True)[:-1].rstrip().encode()
    return data + b',\n "checksum": "%s"\n}\n' % hashlib.sha256(data).hexdigest().encode()


def log(board, *kinds):
    """The texts of the event log, of these kinds."""
    with board.session() as root:
        answer = root.get(board.url + "/holdfast/log?limit=64", timeout=ANSWER_S).json()
    return [row["text"] for row in answer["entries"] if row["kind"] in kinds]


def test_settings_of_a_version_before_keep_their_locks_and_what_changed_is_told_once(
    make_board, tmp_path
):
    """The module writes them anew by itself, so that the next start has nothing to tell."""
    data = tmp_path / "data"
    data.mkdir()
    ports = {"4": output("door"), "5": output(locked=False), "6": {"power_on": "closed"}}
    old = settings(ports, [account("door", realm="Holdfast")])
    (data / "settings.json").write_bytes(of_0_1_0(old))
    board = make_board(None, "--data", data).start()
    told = [text for text in log(board, "settings") if "0.1.0" in text]
    assert told == [
        "those of 0.1.0: outputs without a fallback are not locked at a loss any more: 6, 7",
        "those of 0.1.0: masters of outputs are lost 60 s after a start without heartbeat: door",
    ]
    master = board.master("door")
    master.beat(60000)
    with board.session() as root:
        drill = {"master": "door"}
        assert root.post(board.url + "/holdfast/drill", json=drill, timeout=ANSWER_S).ok
    assert "locked" in master.set(p4="closed")["error"]["message"]
    assert "error" not in master.set(p5="closed")
    wait_for(lambda: b'"format": 2' in (data / "settings.json").read_bytes(), what="the format")
    with board.session() as root:
        rows = root.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()["ports"]
    assert [rows[port].get("fallback", {}).get("locked") for port in "456"] == [True, False, None]
    assert board.stop() == 0
    board = make_board(None, "--data", data).start()
    again = [text for text in log(board, "settings") if "0.1.0" in text]
    assert again in ([], told)  # what the life before has told may stand in flash


# -- the vendor's recipe: a rule on the loss, and wanted states when the session is another one ---

ACCOUNTS_ALONE = {"accounts": settings()["accounts"]}
DURATION_MS = 800
ACTION = "http://www.axis.com/vapix/ws/action1"
CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
ITEM_FILTER = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
CONTENT = 'boolean(//SimpleItem[@Name="lost" and @Value="1"])'
# As node-soap makes them: everything with the prefix of the service, which is declared again.
NODE_SOAP = (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="%%s" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:tns="%s" '
    'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"><soap:Body>%%s</soap:Body></soap:Envelope>'
) % ACTION
NODE_ACTION = (
    '<tns:AddActionConfiguration xmlns:tns="%s"><tns:NewActionConfiguration><tns:Name>Siren'
    "</tns:Name><tns:TemplateToken>com.axis.action.fixed.io.toggle</tns:TemplateToken>"
    '<tns:Parameters><tns:Parameter Name="port" Value="5"></tns:Parameter><tns:Parameter '
    'Name="state" Value="high"></tns:Parameter><tns:Parameter Name="duration" Value="0">'
    "</tns:Parameter></tns:Parameters></tns:NewActionConfiguration></tns:AddActionConfiguration>"
) % ACTION
NODE_RULE = (
    '<tns:AddActionRule xmlns:tns="%s"><tns:NewActionRule><tns:Name>Lost</tns:Name><tns:Enabled>'
    'true</tns:Enabled><tns:Conditions><tns:Condition><wsnt:TopicExpression Dialect="%s">%s'
    '</wsnt:TopicExpression><wsnt:MessageContent Dialect="%s">boolean(//SimpleItem[@Name='
    "&quot;lost"
    "&quot; and @Value=&quot;1&quot;])</wsnt:MessageContent></tns:Condition></tns:Conditions>"
    "<tns:PrimaryAction>%%s</tns:PrimaryAction></tns:NewActionRule></tns:AddActionRule>"
) % (ACTION, CONCRETE, LOST_TOPIC, ITEM_FILTER)


@contextlib.contextmanager
def rules_of(board, version=12):
    """A zeep proxy of the action service, as root."""
    with board.session() as session:
        transport = zeep.Transport(session=session, operation_timeout=ANSWER_S)
        client = zeep.Client(str(WSDL / "action.wsdl"), transport=transport)
        (binding,) = [name for name in client.wsdl.bindings if name.endswith("Soap%d" % version)]
        yield client.create_service(binding, board.url + SERVICES)


def add_rule(rules, port, template="com.axis.action.unlimited.io.toggle"):
    """A rule on the loss that sets a port, by zeep."""
    parameters = [{"Name": "port", "Value": port}, {"Name": "state", "Value": "high"}]
    action = {"Name": "x", "TemplateToken": template, "Parameters": {"Parameter": parameters}}
    lost = {
        "TopicExpression": {"_value_1": LOST_TOPIC, "Dialect": CONCRETE},
        "MessageContent": {"_value_1": CONTENT, "Dialect": ITEM_FILTER},
    }
    rule = {
        "Name": "Lost",
        "Enabled": True,
        "Conditions": {"Condition": [lost]},
        "PrimaryAction": rules.AddActionConfiguration(action),
    }
    return rules.AddActionRule(rule)


@pytest.mark.parametrize("version", [12, 11])
def test_the_recipe_by_zeep_moves_the_port_with_nothing_but_accounts_set(start, version):
    board = start(ACCOUNTS_ALONE)
    with rules_of(board, version) as rules:
        assert add_rule(rules, "5").isdigit()
    door = board.master("door")
    with Watch(board, 5) as watch:
        door.beat(DURATION_MS)
        due = door.sent_at + DURATION_MS / 1000
        assert watch.next(5, 1, due - 0.01) >= due
        door.beat(60000)
        watch.next(5, 0, due)
    assert board.levels() == "0000"


@pytest.mark.parametrize(
    ("space", "kind"),
    [
        ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8"),
        ("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8"),
    ],
)
def test_the_recipe_in_the_shapes_of_node_soap(start, space, kind):
    board = start(ACCOUNTS_ALONE)
    with board.session() as session:

        def call(body, name):
            headers = {"Content-Type": kind, "SOAPAction": '"%s/%s"' % (ACTION, name)}
            data = NODE_SOAP % (space, body)
            url = board.url + SERVICES
            answer = session.post(url, data, headers=headers, timeout=ANSWER_S)
            assert answer.status_code == 200, answer.text
            return re.search(r"<aa:(?:Configuration|Rule)ID>(\d+)<", answer.text)[1]

        call(NODE_RULE % call(NODE_ACTION, "AddActionConfiguration"), "AddActionRule")
    door = board.master("door")
    with Watch(board, 5) as watch:
        door.beat(DURATION_MS)
        due = door.sent_at + DURATION_MS / 1000
        assert watch.next(5, 1, due - 0.01) >= due


def test_a_rule_that_a_lock_makes_useless_is_a_fault_that_names_the_port(start):
    board = start(settings({"5": output(locked=True), "6": output(locked=False)}))
    with rules_of(board) as rules:
        with pytest.raises(zeep.exceptions.Fault) as caught:
            add_rule(rules, "5")
        said = "port 5 is locked while a master is lost; set ports.5.fallback.locked to false"
        assert said in caught.value.message
        (name,) = [part.tag for part in caught.value.detail]
        assert name == "{%s}InvalidActionConfigurationFault" % ACTION
        assert not rules.GetActionRules()
        # It is the lock that is in the way: without it the same rule is taken, ..
        assert add_rule(rules, "6").isdigit()
        # .. and with that rule the lock is refused.
        with board.session() as root:
            body = {"ports": {"6": {"fallback": {"locked": True}}}}
            answer = root.patch(board.url + "/holdfast/settings", json=body, timeout=ANSWER_S)
        assert answer.status_code == 409
        error = answer.json()["error"]
        assert error["key"] == "settings.rules.1"
        assert "rule Lost" in error["problem"] and "port 6 is locked" in error["problem"]


class Client(threading.Thread):
    """The vendor's pseudo-code: wanted port states whenever the session is another one."""

    def __init__(self, board, name, port):
        super().__init__(daemon=True)
        self.board = board
        self.master = name
        self.port = port
        self.sessions = []
        self.over = threading.Event()
        self.start()

    def run(self):
        master = self.board.master(self.master)  # here: requests' Digest belongs to its thread
        while not self.over.is_set():
            session = master.beat(DURATION_MS)
            if not self.sessions or session != self.sessions[-1]:
                assert "error" not in master.set(**{self.port: "closed"})
                self.sessions.append(session)
            self.over.wait(DURATION_MS / 4000)
        master.close()

    def stop(self):
        self.over.set()
        self.join()


def test_two_clients_set_wanted_port_states_when_the_session_is_another_one(start):
    """Neither's silence alone is a loss; both's is, and then each finds that it must set anew."""
    board = start(ACCOUNTS_ALONE)
    with rules_of(board) as rules:
        add_rule(rules, "6")
    door, vms = Client(board, "door", "p4"), Client(board, "vms", "p5")
    wait_for(lambda: board.levels() == "1100", what="the wanted states")
    door.stop()
    until(time.monotonic() + 2 * DURATION_MS / 1000)
    assert board.levels() == "1100" and not board.master().status()["lost"]
    assert len(vms.sessions) == 1
    vms.stop()
    wait_for(lambda: board.levels() == "0010", what="the loss")
    again = [Client(board, "door", "p4"), Client(board, "vms", "p5")]
    wait_for(lambda: board.levels() == "1100", what="the wanted states, set anew")
    wait_for(lambda: all(client.sessions for client in again), what="their sessions")
    ids = [client.sessions[-1] for client in (door, vms, *again)]
    assert len(set(ids)) == 4
    for client in again:
        client.stop()
        assert len(client.sessions) == 1
    assert board.master().status()["trips"]["count"] == 1


def test_a_technicians_one_heartbeat_beside_a_living_master_changes_nothing(start):
    board = start(settings({"4": output(power_on="closed")}))
    with (
        board.subscribed({"topicFilter": LOST_TOPIC}, replay=1) as stream,
        Watch(board, 4) as watch,
    ):
        door = board.master("door")
        door.beat(60000)
        root = board.master()
        root.beat(300)
        began = root.sent_at
        until(began + 1)
        status = root.status()
        assert {row["master"]: row["is"] for row in status["masters"]} == {
            "root": "over",
            "door": "alive",
            "vms": "idle",
        }
        assert (status["lost"], status["trips"]["count"]) == (False, 0)
        assert "error" not in door.set(p5="closed")
        assert watch.since(4, began) == [] and board.levels() == "1100"
        silent(stream)


# -- a restart ------------------------------------------------------------------------------------


def awaiting(within_ms):
    heartbeat = {"shortest": 1, "masters": ["door"], "first_within": within_ms}
    return settings({"4": output(power_on="closed")}, heartbeat=heartbeat)


def test_after_a_start_a_named_master_that_is_dead_is_lost_after_first_within(make_board):
    board = make_board(awaiting(2000)).start()
    assert board.levels() == "1000"
    with Watch(board, 4) as watch:
        fell = watch.next(4, 0, 0)
    assert fell - board.began >= 2
    status = board.master("vms").status()
    assert (status["lost"], status["needed"]) == (True, "all")
    (row,) = [row for row in status["masters"] if row["master"] == "door"]
    assert (row["is"], row["counts"]) == ("lost", True)
    assert row["why"].startswith("no heartbeat since the start (power on)")
    # Who is not named is answered, and restores nothing.
    board.master("vms").beat(60000)
    assert board.master().status()["lost"] and board.level(4) == 0


def test_after_a_start_a_named_master_that_lives_is_not_lost(start):
    board = start(awaiting(2000))
    door = board.master("door")
    with Watch(board, 4) as watch:
        began = time.monotonic()
        door.beat(60000)
        until(board.began + 3)
        assert watch.since(4, began) == []
    status = door.status()
    assert (status["lost"], status["trips"]["count"]) == (False, 0)


# -- bypass ---------------------------------------------------------------------------------------


def bypass(board, port, ms, name="root"):
    """What `/holdfast/bypass` answers: (status, JSON or None)."""
    with board.session(name) as session:
        body = {"port": port, "for": ms}
        answer = session.post(board.url + "/holdfast/bypass", json=body, timeout=ANSWER_S)
    return answer.status_code, answer.json() if answer.status_code in (200, 422) else None


def bypassed(board):
    """{port: ms left} of the outputs that are bypassed, as the status has them."""
    with board.session() as root:
        told = root.get(board.url + STATUS, timeout=ANSWER_S).json()
    rows = [row for row in told["ports"] if row["bypassed_until"] is not None]
    return {row["port"]: row["bypassed_until"] - told["now"] for row in rows}


def lose(board, master="door", duration_ms=100):
    """A master's last heartbeat, and the loss after it."""
    door = board.master(master)
    door.beat(duration_ms)
    wait_for(lambda: board.master().status()["lost"], what="the loss")
    return door


def test_a_bypassed_output_is_moved_by_nobody_but_whoever_commands_it(start):
    """Locked or not; and when the bypass ends, the loss that is still there counts."""
    ports = {"4": output(power_on="closed", locked=True), "5": output(power_on="closed")}
    board = start(settings(ports))
    status, told = bypass(board, "4", 900000)
    assert status == 200 and told["port"] == "4"
    assert 890000 < bypassed(board)["4"] <= 900000
    door = lose(board)
    wait_for(lambda: board.levels() == "1000", what="the fallback of the other")
    for state, level in (("open", 0), ("closed", 1)):
        assert "error" not in door.set(p4=state)
        assert board.level(4) == level
    assert bypass(board, "4", 0) == (200, {"port": "4", "bypassed_until": None})
    wait_for(lambda: board.levels() == "0000", what="the fallback")
    assert "locked" in door.set(p4="closed")["error"]["message"]
    assert bypassed(board) == {}
    told = log(board, "bypass")
    assert told == ["port 4: for 900 s, by root", "port 4: ended by root"]


def test_a_bypass_ends_by_itself_and_that_is_told(start):
    board = start(settings({"4": output(power_on="closed")}))
    assert bypass(board, "4", 1500)[0] == 200
    lose(board)
    assert board.level(4) == 1
    wait_for(lambda: board.level(4) == 0, what="the fallback after the bypass")
    wait_for(lambda: "port 4: ended by itself" in log(board, "bypass"), what="its end in the log")
    assert bypassed(board) == {}


def test_who_may_bypass_what(start):
    board = start(settings({"4": output(power_on="closed")}))
    for name, status in (("door", 403), ("guest", 403)):
        assert bypass(board, "4", 1000, name)[0] == status
    for port, ms, status in (
        ("9", 1000, 404),
        ("0", 1000, 409),  # an input
        ("4", 0, 409),  # nothing to end
        ("4", 8 * 3600000 + 1, 422),
        ("4", -1, 422),
        ("4", "1", 400),
        ("4", True, 400),
        (4, 1000, 400),
    ):
        assert bypass(board, port, ms)[0] == status, (port, ms)
    with board.session() as root:
        for body, status in ({"port": "4"}, 400), ({"port": "4", "for": 1, "by": "me"}, 422):
            answer = root.post(board.url + "/holdfast/bypass", json=body, timeout=ANSWER_S)
            assert answer.status_code == status, body
    assert bypassed(board) == {} and log(board, "bypass") == []


def test_a_bypass_goes_on_after_a_restart_and_after_a_crash(make_board, tmp_path):
    """To its true end: the simulated board knows the time of day."""
    data = tmp_path / "data"
    config = settings({"4": output(power_on="closed"), "5": output(power_on="closed")})
    board = make_board(config, "--data", data).start()
    assert bypass(board, "4", 900000)[0] == 200
    began = time.monotonic()
    assert board.stop() == 0
    board = make_board(config, "--data", data).start()
    assert abs(bypassed(board)["4"] - (900 - (time.monotonic() - began)) * 1000) < 3000
    assert any("port 4: goes on for 8" in text for text in log(board, "bypass"))
    lose(board)
    wait_for(lambda: board.levels() == "1000", what="the fallback of the other")
    assert bypass(board, "4", 0)[0] == 200
    assert board.stop() == 0
    board = make_board(config, "--data", data).start()
    assert bypassed(board) == {}
    assert bypass(board, "5", 900000)[0] == 200
    killed(board)
    board = make_board(config, "--data", data).start()
    assert board.levels() == "0000"  # the first levels after a crash are those of the fallback
    assert list(bypassed(board)) == ["5"]
    assert "error" not in board.master("door").set(p5="closed")
    assert board.level(5) == 1
    # What is left of a file that was damaged is no bypass.
    assert board.stop() == 0
    path = data / "bypass"
    path.write_bytes(path.read_bytes().replace(b"5", b"4", 1))
    board = make_board(config, "--data", data).start()
    assert bypassed(board) == {}
    wait_for(lambda: not path.exists(), what="the end of the file")
    assert "its file was damaged: nothing is bypassed" in log(board, "bypass")
