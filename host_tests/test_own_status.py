"""What the module tells about itself."""

from claims import raises
from holdfast.core.events import VIRTUAL_INPUT
from holdfast.own.status import StatusService
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked, Caller, module


def status(subject, now, *more):
    return loads(StatusService(subject, "1.2.3", *more).get(Caller(), Asked(), now).body)


def test_a_fresh_module_tells_masters_and_ports():
    told = status(module(), 7)
    assert (told["version"], told["now"], told["lost"]) == ("1.2.3", 7, False)
    assert [master["master"] for master in told["masters"]] == ["a", "b"]
    assert told["masters"][0]["session"] is None
    assert [port["why"] for port in told["ports"]] == ["input", "input", "power on", "power on"]
    assert told["trips"] == {"count": 0, "worst_lateness_ms": 0, "latest": []}


def test_a_loss_is_told_with_its_reason():
    subject = module()
    subject.heartbeat("a", 100, 0)
    subject.act(150)
    subject.tell(152)
    told = status(subject, 200)
    assert told["lost"]
    assert told["masters"][0]["lost"]
    assert told["trips"] == {
        "count": 1,
        "worst_lateness_ms": 51,
        "latest": [{"master": "a", "due": 101, "moved": 152, "why": "no heartbeat for 100 ms"}],
    }
    port = told["ports"][2]
    assert (port["why"], port["who"], port["locked"]) == ("fallback", "a", True)


def test_time_left_counts_down():
    subject = module()
    subject.heartbeat("a", 100, 0)
    assert status(subject, 40)["masters"][0]["left_ms"] == 61


def test_a_release_is_told_and_done():
    subject = module()
    subject.heartbeat("a", 100, 0)
    subject.act(150)
    subject.tell(150)
    service = StatusService(subject, "1")
    service.release(Caller(), Asked('{"master":"a"}'), 200)
    subject.tell(200)
    assert not subject.lost


def test_a_release_of_nobody_is_refused():
    service = StatusService(module(), "1")
    for body, code in (("{", 400), ("[]", 400), ("{}", 400), ('{"master":"z"}', 404)):
        assert raises(HttpError, service.release, Caller(), Asked(body), 0).status == code


def test_rules_and_notifications_are_told():
    told = status(module(), 0)
    assert told["rules"] == []
    assert told["notifications"] == {"sent": 0, "failed": 0, "waiting": 0}
    toggle = {"port": "2", "state": "high"}
    subject = module(
        {"2": {"fallback": {"master": "a"}}},
        actions={"1": {"template": "com.axis.action.unlimited.io.toggle", "parameters": toggle}},
        rules={
            "7": {
                "name": 'Lost "a"',
                "action": "1",
                "conditions": [{"topic": "tns1:Device/tnsaxis:Monitor/Heartbeat"}],
            }
        },
    )
    subject.heartbeat("a", 100, 0)
    subject.act(150)
    subject.tell(150)
    subject.react(subject.events.take(), 150)
    told = status(subject, 150, lambda: (1, 2, 3))
    assert told["rules"] == [
        {
            "rule": "7",
            "name": 'Lost "a"',
            "fired": 1,
            "missed": 0,
            "refused": 1,
            "resting": False,
        }
    ]
    assert told["notifications"] == {"sent": 1, "failed": 2, "waiting": 3}


def test_a_rule_that_rests_says_so():
    parameters = {"port": "2", "state": "high", "duration": "0"}
    subject = module(
        actions={"1": {"template": "com.axis.action.fixed.io.toggle", "parameters": parameters}},
        rules={"1": {"action": "1", "start": {"topic": "tns1:Device/tnsaxis:IO/VirtualInput"}}},
    )
    for i in range(30):
        subject.switch(VIRTUAL_INPUT, 1, i % 2 == 0, None, 5)
    subject.react(subject.events.take(), 5)
    (rule,) = status(subject, 5)["rules"]
    assert (rule["fired"], rule["missed"], rule["resting"]) == (20, 10, True)
    (rule,) = status(subject, 60005)["rules"]
    assert rule["resting"] is False


def test_monitors_are_told_where_there_are_any():
    class Keeper:
        made = None

        def figures(self):
            return 3, 1, 20, 2

    keeper = Keeper()
    more = (lambda: (0, 0, 0), keeper)
    assert "monitors" not in status(module(), 0, *more)
    keeper.made = keeper
    told = {"count": 3, "down": 1, "events_lost": 20, "files_set_aside": 2}
    assert status(module(), 0, *more)["monitors"] == told
