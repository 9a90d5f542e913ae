"""Actions and rules in settings: compiled, or refused with the name of the bad key."""

from claims import raises
from holdfast.core.rules import FOLLOW, NOTIFY, PLAY, SET
from holdfast.settings.model import SettingsError
from holdfast.settings.schema_rules import MAX_ACTIONS, MAX_CONDITIONS, MAX_RULES
from makers import settings

TOPIC = "tns1:Device/tnsaxis:IO/Port"
FIXED = "com.axis.action.fixed.io.toggle"
HTTP = "com.axis.action.fixed.notification.http"
HTTP_PARAMETERS = {
    "message": "hello",
    "parameters": "",
    "upload_url": "http://192.0.2.7:8080/a?b=1",
    "login": "me",
    "password": "secret",
    "proxy_host": "",
    "proxy_port": "",
    "proxy_login": "",
    "proxy_password": "",
    "qos": "",
}


def changed(row, **more):
    row = dict(row)
    row.update(more)
    return row


ACTION = {"template": FIXED, "parameters": {"port": "2", "state": "high", "duration": "0"}}
RULE = {"action": "1", "start": {"topic": TOPIC}}


def rows(action=ACTION, rule=RULE):
    return settings(actions={"1": action}, rules={"1": rule}).rules


def parameters(**more):
    return changed(ACTION, parameters=changed(ACTION["parameters"], **more))


def http(**more):
    return {"template": HTTP, "parameters": changed(HTTP_PARAMETERS, **more)}


def refused(key, action=ACTION, rule=RULE):
    error = raises(SettingsError, rows, action, rule)
    assert error.key == "settings." + key, error.key
    return error


def test_an_action_is_compiled_by_its_template():
    assert rows()[0][4] == (SET, 2, True)
    assert rows(parameters(state="low"))[0][4] == (SET, 2, False)
    assert rows(parameters(duration=""))[0][4] == (SET, 2, True)
    pulse = rows(parameters(duration="5"))[0][4]
    assert pulse == (PLAY, 2, ((True, 5000), (False, 0)))
    unlimited = {"template": "com.axis.action.unlimited.io.toggle"}
    unlimited["parameters"] = {"port": "3", "state": "low"}
    rule = {"action": "1", "conditions": [{"topic": TOPIC}]}
    assert rows(unlimited, rule)[0][4] == (FOLLOW, 3, False)
    sequence = {"template": "com.holdfast.action.fixed.io.sequence"}
    sequence["parameters"] = {"port": "3", "sequence": "high:500, low:200,high"}
    assert rows(sequence)[0][4] == (PLAY, 3, ((True, 500), (False, 200), (True, 0)))


def test_a_notification_goes_to_an_address_or_a_name():
    receiver = (False, "192.0.2.7", 8080)
    assert rows(http())[0][4] == (NOTIFY, receiver, "/a?b=1", "hello", "me", "secret")
    assert rows(http(parameters="c=2"))[0][4][2] == "/a?b=1&c=2"
    action = rows(http(parameters="c=2", upload_url="http://Receiver.example"))[0][4]
    assert action[1:3] == ((False, "receiver.example", 80), "/?c=2")
    bad = ("http://192.0.2/", "http://192.0.2.7/a b", "http://192.0.2.7/\u00e9", "http://", "")
    for url in bad:
        refused("actions.1.parameters.upload_url", http(upload_url=url))
    refused("actions.1.parameters.parameters", http(parameters="a b"))
    refused("actions.1.parameters.proxy_host", http(proxy_host="192.0.2.1"))


def test_a_notification_goes_over_tls_when_there_is_a_certificate_to_verify_with():
    action = http(upload_url="https://192.0.2.7/")
    refused("actions.1.parameters.upload_url", action)
    more = {"actions": {"1": action}, "rules": {"1": RULE}}
    row = settings(uplinks={"certificate": "ca.pem"}, **more).rules[0]
    assert row[4][1] == (True, "192.0.2.7", 443)


def test_a_rule_is_compiled_with_its_defaults():
    (identifier, name, start, conditions, action) = rows()[0]
    assert (identifier, name, conditions) == ("1", "Rule 1", ())
    assert start[1] is None and len(start) == 2
    assert rows(ACTION, changed(RULE, enabled=False)) == ()
    assert settings(actions={"1": ACTION}).rules == ()


def test_rules_come_in_the_order_of_their_numbers():
    rules = {number: changed(RULE, name=number) for number in ("10", "2", "1")}
    names = [row[1] for row in settings(actions={"1": ACTION}, rules=rules).rules]
    assert names == ["1", "2", "10"]


def test_bad_keys_are_named():
    refused("actions.1.template", changed(ACTION, template="x"))
    refused("actions.1.template", changed(ACTION, template=5))
    refused("actions.1.parameters.port", parameters(port="0"))  # an input
    refused("actions.1.parameters.port", parameters(port="9"))
    refused("actions.1.parameters.state", parameters(state="1"))
    refused("actions.1.parameters.duration", parameters(duration="-1"))
    refused("actions.1.parameters.duration", parameters(duration="86401"))
    refused("actions.1.parameters.duration", parameters(duration=5))
    refused("actions.1.parameters.more", parameters(more=""))
    refused("actions.1.extra", changed(ACTION, extra=1))
    refused("rules.1.action", ACTION, changed(RULE, action="2"))
    refused("rules.1.action", ACTION, changed(RULE, action=1))
    refused("rules.1.action", ACTION, {"start": {"topic": TOPIC}})
    refused("rules.1.start", ACTION, {"action": "1"})
    refused("rules.1.start.topic", ACTION, changed(RULE, start={"topic": "||"}))
    refused("rules.1.start.content", ACTION, changed(RULE, start={"content": "boolean("}))
    refused("rules.1.enabled", ACTION, changed(RULE, enabled="yes"))
    refused("rules.1.conditions", ACTION, changed(RULE, conditions={}))
    many = [{"topic": TOPIC}] * (MAX_CONDITIONS + 1)
    refused("rules.1.conditions", ACTION, changed(RULE, conditions=many))
    for name, limit in (("actions", MAX_ACTIONS), ("rules", MAX_RULES)):
        table = {"actions": {"1": ACTION}, "rules": {"1": RULE}}
        row = table[name]["1"]
        table[name] = {str(i): row for i in range(1, limit + 2)}
        assert raises(SettingsError, settings, **table).key == "settings." + name
        for identifier in ("", "x", "-1", "1234567"):
            table[name] = {"1": row, identifier: row}
            error = raises(SettingsError, settings, **table)
            assert error.key == "settings.%s.%s" % (name, identifier)


def test_a_sequence_is_bounded():
    for text in ("", "up:5", "high:x", "high:65536", ",".join(["high:1"] * 17)):
        action = {"template": "com.holdfast.action.fixed.io.sequence"}
        action["parameters"] = {"port": "2", "sequence": text}
        refused("actions.1.parameters.sequence", action)


def test_a_condition_asks_for_one_topic():
    for topic in (
        "//.",
        "",
        "tns1:Device/tnsaxis:IO//.",
        "tns1:Nothing",
        TOPIC + "|" + TOPIC + "s",
    ):
        rule = {"action": "1", "conditions": [{"topic": topic}]}
        if topic.endswith("s"):
            assert rows(ACTION, rule)
            continue
        error = refused("rules.1.conditions[0].topic", ACTION, rule)
        assert error.condition


def test_an_action_that_lasts_needs_a_condition():
    unlimited = {"template": "com.axis.action.unlimited.io.toggle"}
    unlimited["parameters"] = {"port": "3", "state": "low"}
    refused("rules.1.conditions", unlimited)


def test_the_bounds_are_told_to_clients_and_hold_to_the_last():
    assert (MAX_ACTIONS, MAX_RULES, MAX_CONDITIONS) == (16, 16, 8)
    actions = {str(i): ACTION for i in range(1, 17)}
    rules = {str(i): RULE for i in range(1, 17)}
    assert len(settings(actions=actions, rules=rules).rules) == 16
    conditions = [{"topic": TOPIC}] * 8
    assert len(rows(ACTION, changed(RULE, conditions=conditions))[0][3]) == 8
    assert settings(actions={"999999": ACTION}, rules={"999999": changed(RULE, action="999999")})


def sequence(text):
    action = {"template": "com.holdfast.action.fixed.io.sequence"}
    action["parameters"] = {"port": "2", "sequence": text}
    return action


def test_times_hold_to_the_last_second_of_a_day_and_the_last_ms_of_a_step():
    assert rows(parameters(duration="86400"))[0][4][2] == ((True, 86400000), (False, 0))
    refused("actions.1.parameters.duration", parameters(duration="86401"))
    assert rows(sequence("high:65535"))[0][4][2] == ((True, 65535),)
    assert len(rows(sequence(",".join(["high:1"] * 16)))[0][4][2]) == 16
    # Zeros in front, as far as they are bounded.
    assert rows(parameters(duration="000000005"))[0][4][2][0] == (True, 5000)
    refused("actions.1.parameters.duration", parameters(duration="0000000005"))


def test_texts_are_bounded_and_the_name_of_an_action_is_looked_at():
    long = "x" * 256
    assert rows(http(message=long))[0][4][3] == long
    refused("actions.1.parameters.message", http(message=long + "x"))
    assert rows(changed(ACTION, name=long))
    for name in (5, "a\nb", long + "x"):
        refused("actions.1.name", changed(ACTION, name=name))


def test_the_query_of_a_notification_is_of_printable_ascii():
    for text in ("!", "~", "a=!~"):
        assert rows(http(parameters=text))[0][4][2] == "/a?b=1&" + text
    for text in (" ", "#", "\x7f"):
        assert raises(SettingsError, rows, http(parameters=text))


def test_a_login_has_no_colon():
    refused("actions.1.parameters.login", http(login="a:b"))


def test_a_start_may_be_any_of_several_events():
    assert rows(ACTION, changed(RULE, start={"topic": "tns1:Device//."}))
