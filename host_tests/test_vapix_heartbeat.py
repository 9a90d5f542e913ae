"""`POST /vapix/axhbt`: what a heartbeat may look like, and what it gets."""

from claims import raises
from holdfast.core.reconfigure import reconfigure
from holdfast.vapix.fault import Fault
from holdfast.vapix.heartbeat import HeartbeatService, duration
from holdfast.wire.json import loads
from makers import Asked, Caller, account, module, settings

VENDOR = b'{  "axhbt:Heartbeat":{    "Duration": 10000,  }}'  # as printed in the vendor's document


def asked(value):
    return b'{"axhbt:Heartbeat":{"Duration":' + value + b"}}"


def test_the_vendors_own_example_is_understood():
    assert duration(VENDOR, 1, 86400000) == 10000


def test_a_string_of_digits_is_a_duration():
    assert duration(asked(b'"10000"'), 1, 86400000) == 10000


def test_the_prefix_of_the_command_does_not_matter():
    for command in ("Heartbeat", "hb:Heartbeat"):
        assert duration(b'{"%s":{"Duration":5}}' % command.encode(), 1, 10) == 5


def test_the_limits_are_the_settings():
    assert duration(asked(b"5"), 5, 7) == 5
    assert duration(asked(b"7"), 5, 7) == 7
    for value in (b"4", b"8"):
        raises(Fault, duration, asked(value), 5, 7)


def test_everything_else_gets_a_fault_that_says_why():
    for body, subcode in (
        (b"", "ter:WellFormed"),
        (b"nonsense", "ter:WellFormed"),
        (b'{"axhbt:Heartbeat" {"Duration" 5}}', "ter:WellFormed"),
        (asked(b"1e400"), "ter:WellFormed"),
        (asked(b"1" * 400), "ter:WellFormed"),
        (asked(b'"\\ud800"'), "ter:WellFormed"),
        (b"[" * 4000, "ter:WellFormed"),
        (b"[]", "ter:TagMismatch"),
        (b"{}", "ter:TagMismatch"),
        (b"5", "ter:TagMismatch"),
        (b'{"axhbt:Heartbeat":{"Duration":5},"x":1}', "ter:TagMismatch"),
        (b'{"axhbt:Heartbeats":{"Duration":5}}', "ter:TagMismatch"),
        (b'{"axhbt:Heartbeat":5}', "ter:TagMismatch"),
        (b'{"axhbt:Heartbeat":{}}', "ter:InvalidArgs"),
        (b'{"axhbt:Heartbeat":{"duration":5}}', "ter:InvalidArgs"),
        (asked(b"null"), "ter:InvalidArgVal"),
        (asked(b"true"), "ter:InvalidArgVal"),
        (asked(b"1.5"), "ter:InvalidArgVal"),
        (asked(b"5.0"), "ter:InvalidArgVal"),
        (asked(b'"5.0"'), "ter:InvalidArgVal"),
        (asked(b'""'), "ter:InvalidArgVal"),
        (asked(b'"+5"'), "ter:InvalidArgVal"),
        (asked(b'"1_0"'), "ter:InvalidArgVal"),
        (asked('"\u0665"'.encode()), "ter:InvalidArgVal"),
        (asked(b'"' + b"1" * 400 + b'"'), "ter:InvalidArgVal"),
        (asked(b"[5]"), "ter:InvalidArgVal"),
        (asked(b"0"), "ter:InvalidArgVal"),
        (asked(b"-1"), "ter:InvalidArgVal"),
        (asked(b"86400001"), "ter:InvalidArgVal"),
    ):
        fault = raises(Fault, duration, body, 1, 86400000)
        code = loads(fault.json.encode())["Fault"]["Code"]
        assert code["Value"] == "env:Sender"
        assert code["Subcode"]["Value"] == subcode, body


def test_a_heartbeat_feeds_the_session_of_its_master():
    subject = module()
    service = HeartbeatService(subject)
    caller = Caller("b")
    answer = service.post(caller, Asked(VENDOR), 5)
    assert loads(answer.body) == {"SessionId": subject.session("b").id}
    assert subject.session("b").expires_at == 10006
    assert subject.session("a").id is None
    assert answer.session is subject.session("b")


def test_a_bad_duration_changes_nothing():
    subject = module()
    service = HeartbeatService(subject)
    service.post(Caller(), Asked(asked(b"100")), 0)
    raises(Fault, service.post, Caller(), Asked(asked(b"0")), 50)
    assert subject.session("a").expires_at == 101
    assert subject.session("a").beats == 1


def test_the_answer_is_the_same_object_while_the_session_lives():
    service = HeartbeatService(module())
    first = service.post(Caller(), Asked(asked(b"100")), 0)
    assert service.post(Caller(), Asked(asked(b"200")), 50) is first
    after = service.post(Caller(), Asked(asked(b"100")), 500)
    assert after is not first
    assert after.body != first.body


def test_what_is_remembered_of_bodies_never_changes_their_meaning():
    subject = module()
    service = HeartbeatService(subject)
    for _ in range(2):
        for value in (100, 200, 300, 400, 500, 600, 100):
            service.post(Caller(), Asked(asked(b"%d" % value)), 0)
            assert subject.session("a").duration_ms == value


def test_answers_to_masters_that_are_gone_are_not_kept_for_ever():
    subject = module()
    service = HeartbeatService(subject)
    for number in range(40):
        name = "m%d" % number
        reconfigure(
            subject, settings(accounts=[account(name), account("b", "administrator")]), number
        )
        for master in (name, "b"):
            service.post(Caller(master), Asked(asked(b"1000")), number)
    assert len(service._answers) <= 3
