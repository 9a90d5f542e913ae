"""What the module tells about itself."""

from claims import raises
from holdfast.own.status import StatusService
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked, Caller, module


def status(subject, now):
    return loads(StatusService(subject, "1.2.3").get(Caller(), Asked(), now).body)


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
