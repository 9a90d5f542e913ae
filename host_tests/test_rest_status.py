"""What the module tells about itself."""

from claims import raises
from holdfast.core.events import VIRTUAL_INPUT
from holdfast.core.reconfigure import bypass, release
from holdfast.rest.status import StatusService
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked, Caller, account, module, whole


def status(subject, now, *more):
    answer = StatusService(subject, "1.2.3", *more).get(Caller(), Asked(), now)
    return loads(whole(answer))


def test_a_fresh_module_tells_masters_and_ports():
    told = status(module(), 7)
    assert (told["version"], told["now"], told["lost"]) == ("1.2.3", 7, False)
    assert [master["master"] for master in told["masters"]] == ["a", "b"]
    assert told["masters"][0]["session"] is None
    assert [port["why"] for port in told["ports"]] == ["input", "input", "power on", "power on"]
    assert told["trips"] == {"count": 0, "worst_lateness_ms": 0, "latest": []}


def test_a_loss_is_told_with_its_reason():
    subject = module({"2": {"fallback": {"locked": True}}})
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


def test_the_masters_alone_are_told_with_when_they_began_and_were_heard():
    subject = module()
    subject.heartbeat("a", 100, 5)
    subject.heartbeat("a", 100, 50)
    told = loads(whole(StatusService(subject, "1").masters(Caller(), Asked(), 60)))
    assert sorted(told) == ["bypassed", "lost", "masters", "needed", "now"]
    master = told["masters"][0]
    assert (master["began"], master["last"], master["lost_at"]) == (5, 50, None)
    assert master == status(subject, 60)["masters"][0]
    subject.act(151)
    subject.tell(151)
    master = status(subject, 200)["masters"][0]
    assert (master["began"], master["last"], master["lost_at"]) == (None, 50, 151)


def standing(subject, now):
    subject.act(now)
    subject.tell(now)
    return [master["is"] for master in status(subject, now)["masters"]]


def test_what_a_master_is_has_one_word():
    accounts = [account("a", within=5000), account("b", "administrator", within=50)]
    subject = module(accounts=accounts, heartbeat={"shortest": 1, "return_after": 2})
    assert standing(subject, 0) == ["awaited", "awaited"]
    subject.heartbeat("a", 100, 10)
    assert standing(subject, 51) == ["alive", "lost"]
    release(subject, "b", 60)
    assert standing(subject, 61) == ["alive", "released"]  # though it was never heard
    assert standing(subject, 111) == ["lost", "released"]
    release(subject, "a", 120)
    assert standing(subject, 121) == ["released", "released"]
    subject.heartbeat("a", 100, 130)
    assert standing(subject, 131) == ["alive", "released"]
    subject.act(231)
    subject.heartbeat("a", 100, 240)
    assert standing(subject, 240) == ["returning", "released"]
    subject.heartbeat("a", 100, 250)
    assert standing(subject, 250) == ["alive", "released"]


def test_of_one_heartbeat_a_session_may_end_without_a_loss():
    subject = module()
    assert standing(subject, 0) == ["idle", "idle"]
    subject.heartbeat("a", 1000, 0)
    subject.heartbeat("b", 100, 0)
    assert standing(subject, 101) == ["alive", "over"]
    assert standing(subject, 1001) == ["lost", "over"]


def test_a_port_tells_for_whose_loss_it_is_in_its_fallback():
    heartbeat = {"shortest": 1, "masters": ["a", "b"]}
    subject = module({"2": {"fallback": {"master": "a"}}}, heartbeat=heartbeat)

    def ports(now):
        subject.act(now)
        subject.tell(now)
        return [(row["lost"], row["why"]) for row in status(subject, now)["ports"]]

    assert ports(0) == [([], "input")] * 2 + [([], "power on")] * 2
    subject.heartbeat("a", 100, 0)
    subject.heartbeat("b", 100, 50)
    assert ports(101)[2:] == [(["a"], "fallback"), (["a"], "fallback")]
    subject.command(subject.ports[3], 1, "b", 110)
    assert ports(111)[2:] == [(["a"], "fallback"), (["a"], "command")]
    assert ports(151)[2:] == [(["a"], "fallback"), (["a", "b"], "fallback")]
    # The one that came first is back; what the other holds stays in its fallback.
    subject.heartbeat("a", 100000, 160)
    assert ports(160)[2:] == [([], "fallback"), (["b"], "fallback")]
    release(subject, "b", 170)
    assert ports(170)[2:] == [([], "fallback"), ([], "fallback")]
    subject.fail(180)
    assert ports(180)[2][0] == ["a", ""]


def test_what_restores_an_output_is_told():
    subject = module({"2": {"fallback": {"on_return": "restore"}}})
    for now, end in ((0, "restore"), (1000, "release")):
        subject.heartbeat("a", 100, now)
        subject.act(now + 101)
        subject.tell(now + 101)
        if end == "release":
            release(subject, "a", now + 200)
        else:
            subject.heartbeat("a", 100, now + 200)
            subject.act(now + 200)
        assert status(subject, now + 200)["ports"][2]["why"] == end
        release(subject, "a", now + 900)


def suggested(subject, now):
    return status(subject, now)["masters"][0]["suggested_ms"]


def test_a_duration_is_suggested_when_enough_was_seen():
    subject = module(heartbeat={"longest": 60000})
    now = 0
    subject.heartbeat("a", 20000, now)
    for count in range(100):
        assert suggested(subject, now) is None, count
        now += 300
        subject.heartbeat("a", 20000, now)
    # Three periods, and not less: a heartbeat that is lost makes no loss.
    assert suggested(subject, now) == 1000
    now += 2000
    subject.heartbeat("a", 20000, now)
    assert suggested(subject, now) == 2600  # 30 % above the longest pause
    subject.act(now + 20001)
    subject.tell(now + 20001)
    assert suggested(subject, now + 20001) is None  # it is lost
    subject.heartbeat("a", 20000, now + 21000)
    assert suggested(subject, now + 21000) is None  # another session


def test_a_duration_is_suggested_after_an_hour_of_few_heartbeats():
    subject = module(heartbeat={"longest": 2000000})
    for now in range(0, 3600000, 400000):
        subject.heartbeat("a", 2000000, now)
        assert suggested(subject, now) is None
    subject.heartbeat("a", 2000000, 3600000)
    assert suggested(subject, 3600000) == 1200100
    subject.longest_ms = 1000000
    assert suggested(subject, 3600000) is None  # none that the module takes is long enough


def test_ports_tell_their_direction_and_what_comes_next():
    steps = [{"after": 0, "state": "closed", "pulse": 300}]
    subject = module({"2": {"fallback": {"steps": steps}}, "1": {"normal": "closed"}})
    subject.heartbeat("a", 100, 0)
    subject.act(101)
    subject.tell(101)
    ports = status(subject, 102)["ports"]
    assert [port["direction"] for port in ports] == ["input"] * 2 + ["output"] * 2
    assert [port["active"] for port in ports] == [False, True, True, False]
    assert [port["next"] for port in ports] == [None, None, 401, None]


def test_who_asks_the_heap_and_what_the_app_knows_are_told():
    subject = module()
    subject.events.remember()
    subject.heartbeat("a", 100, 0)
    subject.act(101)
    subject.tell(101)
    told = status(
        subject, 200, lambda: (0, 0, 0), lambda: ("abc", 1000, None, None, None, 0, 0, False)
    )
    assert told["caller"] == {"name": "a", "role": "operator"}
    assert told["events"] == {"epoch": "abc", "number": 1, "kept": 1}
    assert told["epoch_ms"] == 1000
    assert "trial" not in told
    heap = told["heap"]
    assert heap is None or heap["free"] + heap["used"] > 10000
    told = status(
        subject, 200, lambda: (0, 0, 0), lambda: ("abc", 1000, 900, None, None, 0, 0, False)
    )
    assert told["trial"] == {"left_ms": 700}
    service = StatusService(subject, "1", facts=lambda: ("abc", 1000, 900, None, None))
    assert loads(whole(service.masters(Caller(), Asked(), 300)))["trial"] == {"left_ms": 600}


def test_a_drill_is_a_loss_that_says_so_and_ends_with_the_next_heartbeat():
    subject = module()
    subject.heartbeat("a", 10000, 0)
    service = StatusService(subject, "1")
    assert service.drill(Caller(), Asked('{"master":"a"}'), 500).status == 202
    subject.act(500)
    subject.tell(502)
    told = status(subject, 600)
    assert told["lost"] and told["ports"][2]["why"] == "fallback"
    assert told["trips"]["latest"] == [{"master": "a", "due": 500, "moved": 502, "why": "a drill"}]
    assert raises(HttpError, service.drill, Caller(), Asked('{"master":"a"}'), 600).status == 409
    subject.heartbeat("a", 100, 700)
    subject.tell(700)
    assert not subject.lost
    # The next loss is a real one again.
    subject.act(900)
    subject.tell(900)
    assert status(subject, 900)["trips"]["latest"][1]["why"] == "no heartbeat for 100 ms"


def test_a_drill_of_nobody_is_refused():
    service = StatusService(module(), "1")
    for body, code in (("{", 400), ("{}", 400), ('{"master":""}', 404), ('{"master":"z"}', 404)):
        assert raises(HttpError, service.drill, Caller(), Asked(body), 0).status == code


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
        {"2": {"fallback": {"master": "a", "locked": True}}},
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
    subject.rules.react(subject.events.take(), 150)
    told = status(subject, 150, lambda: (1, 2, 3))
    assert told["rules"] == [
        {
            "rule": "7",
            "name": 'Lost "a"',
            "fired": 1,
            "missed": 0,
            "refused": 1,
            "resting": False,
            "blocked": "port 2 is locked while a is lost",
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
    subject.rules.react(subject.events.take(), 5)
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
    more = (lambda: (0, 0, 0), lambda: ("", 0, None, None, None, 0, 0, False), keeper)
    assert "monitors" not in status(module(), 0, *more)
    keeper.made = keeper
    told = {"count": 3, "down": 1, "events_lost": 20, "files_set_aside": 2}
    assert status(module(), 0, *more)["monitors"] == told


def test_the_signal_of_wifi_is_told_where_there_is_one():
    for signal, wanted in ((-61, {"rssi": -61}), (None, None)):
        facts = ("ab", 0, None, signal, None, 0, 0, False)
        told = status(module(), 0, lambda: (0, 0, 0), lambda facts=facts: facts)
        assert told.get("network") == wanted


def test_what_is_wrong_with_tls_is_told_and_only_that():
    assert "tls" not in status(module(), 0)
    trouble = "HTTP is served instead: settings.tls.key: is of RSA"
    told = status(
        module(), 0, lambda: (0, 0, 0), lambda: ("ab", 0, None, None, trouble, 0, 0, False)
    )
    assert told["tls"] == {"trouble": trouble}


def test_what_was_mended_or_refused_is_told_when_there_is_some():
    quiet = ("ab", 0, None, None, None, 0, 0, False)
    told = status(module(), 0, lambda: (0, 0, 0), lambda: quiet)
    assert not [key for key in ("alarm", "settings", "scarce") if key in told]
    facts = ("ab", 0, None, None, None, 2, 3, True)
    told = status(module(), 0, lambda: (0, 0, 0), lambda: facts)
    assert (told["alarm"], told["settings"]) == ({"made_anew": 2}, {"refused": 3})
    assert told["scarce"] is True


def test_who_counts_how_many_are_needed_and_why_one_is_lost_is_told():
    def told(**heartbeat):
        heartbeat["shortest"] = 1
        subject = module(heartbeat=heartbeat)
        subject.heartbeat("a", 100, 0)
        subject.act(200)
        subject.tell(200)
        said = status(subject, 200)
        masters = [(row["is"], row["counts"], row["why"]) for row in said["masters"]]
        return said["needed"], said["lost"], masters

    silent = ("lost", True, "no heartbeat for 100 ms")
    assert told() == ("one", True, [silent, ("idle", True, None)])
    both = {"masters": ["a", "b"]}
    awaited = ("awaited", True, None)
    assert told(**both) == ("all", True, [silent, awaited])
    assert told(needed="any", **both) == (1, False, [silent, awaited])
    assert told(needed=2, **both) == (2, True, [silent, awaited])
    assert told(masters=["b"]) == ("all", False, [("over", False, None), awaited])


def test_an_output_that_is_bypassed_says_until_when():
    subject = module()
    bypass(subject, subject.ports[2], 5000, "b", 0)
    rows = status(subject, 10)["ports"]
    assert [row["bypassed_until"] for row in rows] == [None, None, 5000, None]
    told = loads(whole(StatusService(subject, "1").masters(Caller(), Asked(), 60)))
    assert told["bypassed"] == {"2": 5000}


def test_who_was_released_and_is_lost_in_a_drill_is_not_released_afterwards():
    """Nobody is named: the next heartbeat of anybody ends the loss."""
    subject = module()
    subject.heartbeat("a", 100, 0)
    subject.tell(0)
    subject.act(200)
    release(subject, "a", 200)
    assert [master["is"] for master in status(subject, 200)["masters"]] == ["released", "idle"]
    service = StatusService(subject, "1")
    service.drill(Caller(), Asked('{"master":"a"}'), 300)
    subject.heartbeat("b", 100, 400)
    assert [master["is"] for master in status(subject, 400)["masters"]] == ["over", "alive"]
