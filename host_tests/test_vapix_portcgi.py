"""port.cgi and io/virtualinput.cgi: actions, checks, manual triggers."""

from claims import raises
from holdfast.vapix.portcgi import PortCgi
from holdfast.wire.http import HttpError
from makers import Asked, Caller, events, module, turn


class Monitors:
    def method(self, name):
        return lambda ports: (name, [(number, port.id) for number, port in ports])


def ask(subject, query, role=2, now=1000, method="GET", body=b"", name="ports"):
    asked = Asked(body, query=query, method=method)
    return getattr(PortCgi(subject, Monitors()), name)(Caller("a", role), asked, now)


def fine(subject, query, **more):
    answer = ask(subject, query, **more)
    assert answer.status == 200, answer.body
    return answer.body


def bad(query, **more):
    answer = ask(module(), query, **more)
    assert answer.status == 400, query
    assert answer.body.startswith(b"Error: ")


def test_an_action_sets_the_port_counted_from_one_and_answers_nothing():
    subject = module()
    assert fine(subject, "action=3:/") == b""
    assert subject.levels[2] == 1
    assert fine(subject, "action=3%3A%5C") == b""
    assert subject.levels[2] == 0
    assert fine(subject, "", method="POST", body=b"action=3%3a%2F\r\n") == b""
    assert subject.levels[2] == 1


def test_active_is_what_is_not_normal():
    subject = module({"2": {"normal": "closed", "power_on": "closed"}})
    fine(subject, "action=3:/")
    assert subject.levels[2] == 0


def test_an_action_with_waits_is_a_sequence():
    subject = module()
    fine(subject, "action=3:/300%5C500/")
    levels = []
    for now in (1000, 1299, 1300, 1799, 1800):
        turn(subject, now)
        levels.append(subject.levels[2])
    assert levels == [1, 1, 0, 0, 1]


def test_a_new_action_ends_the_sequence_of_the_last_one():
    subject = module()
    fine(subject, "action=3:/300%5C")
    fine(subject, "action=3:/900%5C", now=1100)
    turn(subject, 1999)
    assert subject.levels[2] == 1
    turn(subject, 2000)
    assert subject.levels[2] == 0


def test_an_action_without_a_wait_ends_one_too():
    subject = module()
    fine(subject, "action=3:/300%5C500/")
    fine(subject, "action=3:%5C", now=1100)
    turn(subject, 5000)
    assert subject.levels[2] == 0
    assert subject.ports[2].sequence is None


def test_nothing_of_a_bad_request_is_done():
    subject = module()
    for query in ("action=3:/&check=9", "action=3:/&action=4:x", "action=3:/&monitor=3"):
        assert ask(subject, query).status == 400
    assert subject.levels[2] == 0
    assert ask(subject, "action=1:/&action=9:/", name="manual_trigger").status == 400
    assert events(subject) == []


def test_several_things_can_be_asked_at_once():
    subject = module()
    assert fine(subject, "action=3:/&check=3&_=17&checkactive=3") == b"port3=1\nport3=active\n"


def test_a_monitor_has_no_head_of_its_own():
    assert raises(HttpError, ask, module(), "monitor=1", method="HEAD").status == 405


def test_without_a_number_it_is_port_one():
    bad("action=:/")  # port 1 is an input here
    subject = module(wiring=((1, "output", 1),))
    fine(subject, "action=:/")
    assert subject.levels[0] == 1


def test_checks_tell_circuits_activity_and_direction():
    subject = module({"0": {"normal": "closed"}}, levels=b"\x01\x01\x00\x01")
    assert fine(subject, "check=1,2,3", role=1) == b"port1=1\nport2=0\nport3=0\n"
    assert fine(subject, "checkactive=1,3", role=1) == b"port1=inactive\nport3=inactive\n"
    assert fine(subject, "checkdirection=1,%203", role=1) == b"port1=input\nport3=output\n"


def test_a_monitor_is_for_inputs_or_for_outputs():
    assert ask(module(), "monitor=1,2", role=1) == ("get", [(1, "0"), (2, "1")])
    assert ask(module(), "monitor=4", role=1) == ("get", [(4, "3")])
    bad("monitor=2,3")


def test_bad_requests_are_answered_with_a_reason():
    for query in (
        "action=",
        "action=3",
        "action=3:",
        "action=3:x",
        "action=3:300",
        "action=3:300/",
        "action=3:/%5C",
        "action=3:/300",
        "action=3:/1234567%5C",
        "action=x:/",
        "action=-3:/",
        "action=9:/",
        "action=0:/",
        "action=1:/",
        "action=3:" + "/1" * 33 + "/",
        "check=",
        "check=x",
        "check=5",
        "check=0",
        "check=1,,2",
        "check=" + "1," * 70 + "1",
        "more=1",
        "",
    ):
        bad(query)


def test_a_locked_port_is_told_as_such():
    subject = module({"2": {"fallback": {"locked": True}}})
    subject.heartbeat("a", 100, 0)
    answer = ask(subject, "action=3:/")
    assert (answer.status, answer.body) == (400, b"Error: port 3 is locked\n")


def test_a_viewer_moves_nothing():
    for name, query in (("ports", "action=3:/"), ("manual_trigger", "action=3:/")):
        assert raises(HttpError, ask, module(), query, role=1, name=name).status == 403


def test_a_manual_trigger_is_on_for_good_or_for_a_time():
    subject = module()
    trigger = "manual_trigger"
    assert fine(subject, "action=6:/", name=trigger) == b""
    assert events(subject) == [("VirtualPort", "6", "1", 1000)]
    fine(subject, "action=6:%5C", name=trigger, now=1500)
    assert events(subject) == [("VirtualPort", "6", "0", 1500)]
    fine(subject, "action=6:/2000%5C", name=trigger, now=2000)
    assert events(subject) == [("VirtualPort", "6", "1", 2000)]
    assert turn(subject, 3999) == []
    assert turn(subject, 4100) == [("VirtualPort", "6", "0", 4000)]
    for query in (
        "action=9:/",
        "action=0:/",
        "action=1:%5C500/",
        "action=1:/5/",
        "action=1:/5%5C5/",
        "x=1",
        "",
    ):
        bad(query, name=trigger)
