"""Rules that have no effect at the loss that triggers them: which, who is told, and refused."""

from holdfast.core.blocked import blocked
from holdfast.core.log import Log
from holdfast.core.reconfigure import reconfigure
from holdfast.settings.model import SettingsError
from holdfast.settings.schema_rules import refuse
from makers import module, settings

LOST = "tns1:Device/tnsaxis:Monitor/Heartbeat"
PORT = "tns1:Device/tnsaxis:IO/Port"
FREE = {"2": {"fallback": {"locked": False}}}
LOCKING = {"2": {"fallback": {"locked": True}}}
FOLLOW = {
    "template": "com.axis.action.unlimited.io.toggle",
    "parameters": {"port": "2", "state": "high"},
}
PULSE = {
    "template": "com.axis.action.fixed.io.toggle",
    "parameters": {"port": "2", "state": "high", "duration": "1"},
}
NOTIFY = {
    "template": "com.axis.action.fixed.notification.http",
    "parameters": {
        "message": "lost",
        "upload_url": "http://192.0.2.1/",
        "parameters": "",
        "login": "",
        "password": "",
        "proxy_host": "",
        "proxy_port": "",
        "proxy_login": "",
        "proxy_password": "",
        "qos": "",
    },
}
ANY = "port 2 is locked while a master is lost"


def lost(value=None):
    if value is None:
        return {"topic": LOST}
    text = 'boolean(//SimpleItem[@Name="lost" and @Value="%s"])' % value
    return {"topic": LOST, "content": text}


def rows(rule, action):
    return {"actions": {"1": action}, "rules": {"1": dict({"name": "R", "action": "1"}, **rule)}}


def told(rule, action=FOLLOW, ports=None):
    subject = module(ports or LOCKING, **rows(rule, action))
    return blocked(subject, subject.rules.rules[0])


def test_what_a_loss_triggers_on_a_port_that_is_locked_then_has_no_effect():
    """The rule that controllers make."""
    assert told({"conditions": [lost(1)]}) == ANY
    assert told({"conditions": [lost()]}) == ANY  # without content: the active state
    assert told({"start": lost(1)}, PULSE) == ANY
    assert told({"start": {"topic": PORT}, "conditions": [{"topic": PORT}, lost(1)]}) == ANY
    everything = {"topic": "tns1:Device/tnsaxis:Monitor//."}
    assert told({"start": dict(lost(1), topic=everything["topic"])}, PULSE) == ANY


def test_the_master_that_the_fallback_names_is_named():
    ports = {"2": {"fallback": {"master": "a", "locked": True}}}
    assert told({"conditions": [lost(1)]}, ports=ports) == "port 2 is locked while a is lost"


def test_a_rule_has_an_effect_where_another_master_is_named_than_that_of_the_port():
    ports = {"2": {"fallback": {"locked": True, "master": "a"}}}
    rule = rows({"conditions": [lost(1)]}, FOLLOW)
    subject = module(ports, heartbeat={"shortest": 1, "masters": ["b"]}, **rule)
    assert blocked(subject, subject.rules.rules[0]) is None
    subject.heartbeat("a", 1000, 0)
    subject.heartbeat("b", 100, 0)
    subject.act(101)
    subject.tell(101)
    assert subject.lost and subject.rules.react(subject.events.take(), 101)
    assert (subject.ports[2].why, subject.rules.rules[0].refused) == ("command", 0)


def test_what_has_an_effect_is_not_blamed():
    assert told({"conditions": [lost(1)]}, ports=FREE) is None
    assert told({"conditions": [lost(1)]}, NOTIFY) is None
    assert told({"conditions": [lost(0)]}) is None
    assert told({"conditions": [{"topic": PORT}]}) is None
    # At every change of it, so at the return, too.
    assert told({"start": lost()}, PULSE) is None


def texts(subject):
    return [entry[4] for book in subject.log.books for entry in book.waiting]


def test_the_log_tells_when_settings_make_such_a_rule_and_not_again():
    subject = module()
    subject.log = Log()
    rule = rows({"conditions": [lost(1)]}, FOLLOW)
    wanted = [ANY + ", so then it does nothing: rule R"]
    reconfigure(subject, settings(FREE, **rule), 0)
    assert texts(subject) == []
    reconfigure(subject, settings(LOCKING, **rule), 1)
    assert texts(subject) == wanted
    reconfigure(subject, settings(dict(LOCKING, **{"3": {"name": "Other"}}), **rule), 2)
    assert texts(subject) == wanted
    reconfigure(subject, settings(FREE, **rule), 3)
    reconfigure(subject, settings(LOCKING, **rule), 4)
    assert texts(subject) == wanted * 2


def test_the_log_tells_what_a_lock_has_refused_and_why():
    subject = module(LOCKING, **rows({"conditions": [lost(1)]}, FOLLOW))
    subject.log = Log()
    subject.heartbeat("a", 100, 0)
    subject.act(101)
    subject.tell(101)
    subject.rules.react(subject.events.take(), 101)
    assert texts(subject)[-1] == "port 2 is locked, refused: rule R"
    assert subject.rules.rules[0].refused == 1


def refused(subject, changed):
    """What `refuse` says of changed settings: (key, problem), None where it takes them."""
    try:
        refuse(subject, changed)
    except SettingsError as error:
        assert error.useless
        return error.key, error.problem
    return None


LOCKED = {"2": {"fallback": {"locked": True}}}
RULE = rows({"conditions": [lost(1)]}, FOLLOW)
SAID = (
    "settings.rules.1",
    "rule R would do nothing at a loss: %s; set ports.2.fallback.locked to false first" % ANY,
)


def test_a_change_that_makes_a_rule_useless_is_refused_whichever_part_does_so():
    assert refused(module(LOCKED), settings(LOCKED, **RULE)) == SAID
    assert refused(None, settings(LOCKED, **RULE)) == SAID
    assert refused(module(FREE, **RULE), settings(LOCKED, **RULE)) == SAID
    # Together, too; and the action that a rule has had before may come to move a locked port.
    assert refused(module(FREE), settings(LOCKED, **RULE)) == SAID
    elsewhere = dict(FOLLOW, parameters={"port": "3", "state": "high"})
    there = dict(LOCKED, **{"3": {"fallback": {"locked": False}}})
    moved = module(there, **rows({"conditions": [lost(1)]}, elsewhere))
    assert refused(moved, settings(there, **RULE)) == SAID


def test_what_is_useless_already_keeps_nobody_from_other_changes():
    subject = module(LOCKED, **RULE)
    assert refused(subject, settings(LOCKED, name="Other", **RULE)) is None
    assert refused(subject, settings(FREE, **RULE)) is None
    assert refused(subject, settings(LOCKED)) is None
    named = {"2": {"fallback": {"locked": True, "master": "a"}}}
    assert refused(subject, settings(named, **RULE)) is None
    # .. but from another one like it.
    two = rows({"conditions": [lost(1)]}, FOLLOW)
    two["rules"]["2"] = dict(two["rules"]["1"], name="S")
    assert refused(subject, settings(LOCKED, **two))[0] == "settings.rules.2"
    off = rows({"conditions": [lost(1)], "enabled": False}, FOLLOW)
    assert refused(module(LOCKED), settings(LOCKED, **off)) is None
