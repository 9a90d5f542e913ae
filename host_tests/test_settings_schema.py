"""Settings: one pure function that names the bad key."""

from claims import raises
from holdfast.core.port import CLOSED, HOLD, OPEN
from holdfast.core.text import printable
from holdfast.settings.schema import SettingsError, check, parts
from makers import WIRING, account, settings

_OUTPUT = "settings.ports.2"

# (settings, the key that is named)
BAD = (
    ([], "settings"),
    (None, "settings"),
    ({"colour": 1}, "settings.colour"),
    ({"name": 7}, "settings.name"),
    ({"name": "x" * 33}, "settings.name"),
    ({"name": "a\nb"}, "settings.name"),
    ({"name": "a\u2028b"}, "settings.name"),
    ({"ports": {"2": {"usage": "a\x9bb"}}}, _OUTPUT + ".usage"),
    ({"realm": 'a"b'}, "settings.realm"),
    ({"realm": "T\xfcr Werk 2"}, "settings.realm"),
    ({"realm": "a\x7f"}, "settings.realm"),
    ({"realm": ""}, "settings.realm"),
    ({"accounts": {}}, "settings.accounts"),
    ({"accounts": [1]}, "settings.accounts[0]"),
    ({"accounts": [account("")]}, "settings.accounts[0].name"),
    ({"accounts": [account("a b")]}, "settings.accounts[0].name"),
    ({"accounts": [account("\xe9")]}, "settings.accounts[0].name"),
    ({"accounts": [account("\u0661")]}, "settings.accounts[0].name"),
    ({"accounts": [account("a"), account("a")]}, "settings.accounts[1].name"),
    ({"accounts": [account("a", "anyone")]}, "settings.accounts[0].role"),
    ({"accounts": [account("a", "king")]}, "settings.accounts[0].role"),
    ({"accounts": [account("a", "viewer", 5)]}, "settings.accounts[0].first_heartbeat_within"),
    ({"accounts": [account("a", "operator", 0)]}, "settings.accounts[0].first_heartbeat_within"),
    ({"accounts": [{"name": "a", "role": "viewer"}]}, "settings.accounts[0].md5"),
    ({"heartbeat": {"shortest": 0}}, "settings.heartbeat.shortest"),
    ({"heartbeat": {"shortest": True}}, "settings.heartbeat.shortest"),
    ({"heartbeat": {"longest": "9"}}, "settings.heartbeat.longest"),
    ({"heartbeat": {"longest": 1 << 29}}, "settings.heartbeat.longest"),
    ({"heartbeat": {"shortest": 10, "longest": 9}}, "settings.heartbeat.shortest"),
    ({"ports": {"4": {}}}, "settings.ports.4"),
    ({"ports": {"0": {"power_on": "open"}}}, "settings.ports.0.power_on"),
    ({"ports": {"2": {"normal": "shut"}}}, _OUTPUT + ".normal"),
    ({"ports": {"2": {"normal": "hold"}}}, _OUTPUT + ".normal"),
    ({"ports": {"2": {"closed_level": 2}}}, _OUTPUT + ".closed_level"),
    ({"ports": {"2": {"fallback": []}}}, _OUTPUT + ".fallback"),
    ({"ports": {"2": {"fallback": {"master": "z"}}}}, _OUTPUT + ".fallback.master"),
    ({"ports": {"2": {"fallback": {"steps": []}}}}, _OUTPUT + ".fallback.steps"),
    ({"ports": {"2": {"fallback": {"on_return": "x"}}}}, _OUTPUT + ".fallback.on_return"),
    ({"ports": {"2": {"fallback": {"locked": 1}}}}, _OUTPUT + ".fallback.locked"),
)

# (steps, the key that is named below `steps`)
BAD_STEPS = (
    ([{"state": "opn"}], "[0].state"),
    ([{"after": -1}], "[0].after"),
    ([{"after": 1.5}], "[0].after"),
    ([{}, {}], "[1].after"),
    ([{"state": "hold", "pulse": 5}], "[0].pulse"),
    ([{"pulse": 0}], "[0].pulse"),
    ([{"pulse": 50}, {"after": 50}], "[1].after"),
    ([{"after": i} for i in range(9)], ""),
)


def test_a_text_of_settings_shows_as_it_is_wherever_it_is_told():
    for codes in ((0, 32), (127, 160), (0x61C, 0x61D), (0x200E, 0x2010)):
        for code in range(*codes):
            assert not printable(chr(code)) and not printable("T\xfcr " + chr(code) + " 2"), code
    for codes in ((0x2028, 0x202F), (0x2066, 0x206A)):
        for code in range(*codes):
            assert not printable("a" + chr(code)), code
    for code in (
        32,
        126,
        160,
        0x0700,
        0x61B,
        0x61D,
        0x200D,
        0x2010,
        0x2027,
        0x202F,
        0x2065,
        0x206A,
    ):
        assert printable("a" + chr(code) + "\xe4"), code
    for text in ("", "Tür 2", "門", "\U0001f6aa", "\xc2\x80"[:1] + "\u20ac"):
        assert printable(text), text


def test_every_bad_key_is_named():
    for data, key in BAD:
        error = raises(SettingsError, check, data, WIRING)
        assert error.key == key, (data, error)
        assert str(error).startswith(key + ": ")


def test_every_bad_step_is_named():
    for steps, key in BAD_STEPS:
        data = {"ports": {"2": {"fallback": {"steps": steps}}}}
        error = raises(SettingsError, check, data, WIRING)
        assert error.key == _OUTPUT + ".fallback.steps" + key, (steps, error)


def test_a_hash_must_be_hex_of_its_length():
    for key, value in (("md5", "0" * 31), ("md5", "g" * 32), ("sha256", "0" * 32), ("md5", 5)):
        row = account("a")
        row[key] = value
        error = raises(SettingsError, check, {"accounts": [row]}, WIRING)
        assert error.key == "settings.accounts[0]." + key


def test_there_are_at_most_so_many_accounts():
    accounts = [account("a%d" % i) for i in range(17)]
    assert raises(SettingsError, check, {"accounts": accounts}, WIRING).key == "settings.accounts"
    check({"accounts": accounts[1:]}, WIRING)


def test_nothing_at_all_means_safe_defaults_and_nobody_to_log_in():
    defaults = check({}, WIRING)
    assert defaults.accounts == ()
    assert (defaults.shortest_ms, defaults.longest_ms) == (500, 86400000)
    assert [row.output for row in defaults.ports] == [False, False, True, True]
    output = defaults.ports[2]
    assert (output.normal, output.power_on, output.closed_level) == (OPEN, OPEN, 1)
    fallback = output.fallback
    assert fallback.steps == ((0, OPEN),)
    assert (fallback.master, fallback.restore, fallback.locked) == (None, False, False)


def test_a_pulse_becomes_two_steps():
    steps = [{"state": "hold"}, {"after": 10, "state": "closed", "pulse": 5}, {"after": 16}]
    row = settings({"2": {"fallback": {"steps": steps}}}).ports[2]
    assert row.fallback.steps == ((0, HOLD), (10, CLOSED), (15, OPEN), (16, OPEN))


def test_a_fallback_may_name_a_master():
    row = settings({"2": {"fallback": {"master": "b"}}}).ports[2]
    assert row.fallback.master == "b"


def test_a_viewer_is_no_master():
    data = {"2": {"fallback": {"master": "v"}}}
    assert raises(SettingsError, settings, data).key == _OUTPUT + ".fallback.master"


def test_hashes_are_taken_in_either_case():
    row = account("a")
    row["md5"] = "A" * 32
    assert check({"accounts": [row]}, WIRING).accounts[0].md5 == b"a" * 32


MOST_MS = 536870911  # 6.2 days: what a board's ticks can tell

# (how to put a value into settings, values that are taken, values that are not)
LIMITS = (
    (lambda v: {"heartbeat": {"longest": v}}, (1, MOST_MS), (0, MOST_MS + 1)),
    (lambda v: {"heartbeat": {"shortest": v}}, (1, 86400000), (0, 86400001)),
    (lambda v: {"heartbeat": {"shortest": v, "longest": 9}}, (1, 9), (0, 10)),
    (lambda v: {"name": v}, ("", "x" * 32), ("x" * 33, None)),
    (lambda v: {"accounts": [account("a", "operator", v)]}, (1, MOST_MS), (0, MOST_MS + 1, True)),
    (lambda v: {"ports": {"0": {"debounce": v}}}, (0, 10000), (-1, 10001)),
    (lambda v: {"ports": {"2": {"closed_level": v}}}, (0, 1), (-1, 2)),
    (lambda v: {"ports": {"2": {"power_on": v}}}, ("open", "closed"), ("hold", 0)),
    (lambda v: {"ports": {"2": {"normal": v}}}, ("open", "closed"), ("hold", 0)),
    (lambda v: steps([{"after": v}]), (0, MOST_MS), (-1, MOST_MS + 1)),
    (lambda v: steps([{"pulse": v}]), (1, MOST_MS), (0, MOST_MS + 1)),
    (lambda v: steps([{"after": i} for i in range(v)]), (1, 8), (0, 9)),
    (lambda v: steps([{"after": 2 * i, "pulse": 1} for i in range(v)]), (1, 4), (5,)),
    (lambda v: {"accounts": [account("a%d" % i) for i in range(v)]}, (0, 16), (17,)),
)


def steps(rows):
    return {"ports": {"2": {"fallback": {"steps": rows}}}}


def test_every_limit_holds_to_the_last_value():
    for made, good, bad in LIMITS:
        for value in good:
            check(made(value), WIRING)
        for value in bad:
            raises(SettingsError, check, made(value), WIRING)


def test_every_value_of_a_port_arrives_and_what_is_not_said_has_its_default():
    row = settings({"2": {"normal": "closed", "power_on": "closed", "closed_level": 0}}).ports[2]
    assert (row.normal, row.power_on, row.closed_level, row.debounce_ms) == (CLOSED, CLOSED, 0, 0)
    assert [port.name for port in settings().ports] == [
        "Input 0",
        "Input 1",
        "Output 2",
        "Output 3",
    ]
    fallback = settings({"2": {"fallback": {"on_return": "restore", "locked": True}}}).ports[2]
    assert (fallback.fallback.restore, fallback.fallback.locked) == (True, True)
    row = settings({"0": {"debounce": 7}}).ports
    assert (row[0].debounce_ms, row[1].debounce_ms, row[0].fallback) == (7, 0, None)


def test_an_operator_and_an_administrator_are_masters():
    for master in ("a", "b"):
        settings({"2": {"fallback": {"master": master}}})
    rows = settings(accounts=[account("a", "operator", 5), account("b", "administrator", 6)])
    assert [row.first_heartbeat_within_ms for row in rows.accounts] == [5, 6]


TOGGLE = {
    "template": "com.axis.action.fixed.io.toggle",
    "parameters": {"port": "2", "state": "high", "duration": ""},
}
RULE = {"action": "1", "start": {"topic": "tns1:Device/tnsaxis:IO/Port"}}


def test_the_parts_that_few_have_are_checked_where_they_are_and_arrive():
    none = settings()
    assert (none.rules, none.uplinks, none.network, none.tokens) == ((), (), None, ())
    rule = {"action": "1", "start": {"topic": "tns1:Device/tnsaxis:IO/Port"}}
    assert len(settings(actions={"1": TOGGLE}, rules={"1": rule}).rules) == 1
    # Each of the two alone is looked at, too.
    raises(SettingsError, settings, rules={"1": rule})
    raises(SettingsError, settings, actions={"1": {"template": "unknown"}})
    every = settings(
        uplinks={"inbound": {"path": "/a"}},
        network={"kind": "ethernet", "dns": ["192.0.2.1"]},
        monitors={"tokens": [{"name": "t", "role": "ping", "sha256": "0" * 64}]},
        tls={"http": False},
        time={"server": "192.0.2.2"},
    )
    assert every.uplinks == ((), ("/a", 0, (200, "application/json", b"{}")), "")
    assert (every.network[0], every.dns) == ("ethernet", (("192.0.2.1", 53),))
    assert [row[0] for row in every.tokens] == ["t"]
    assert every.tls == ("tls.crt", "tls.key", False)
    assert every.time == ("192.0.2.2", 123)


def test_an_unknown_key_is_told_with_those_that_are_known():
    error = raises(SettingsError, check, {"ports": {"0": {"colour": 1}}}, WIRING)
    assert error.problem == "unknown key; known are: name, usage, normal, closed_level, debounce"
    error = raises(SettingsError, check, {"ports": {"0": {}}}, ())
    assert error.problem == "unknown key; known are: nothing"


def test_every_character_of_a_realm_that_a_client_might_read_otherwise_is_refused():
    for realm in ("", 'a"', "a\\", "a:", "a\x7f", "\u00fc"):
        error = raises(SettingsError, check, {"realm": realm}, WIRING)
        assert error.key == "settings.realm", realm
    for realm in ("~", " ", "a~b!"):
        assert check({"realm": realm}, WIRING).realm == realm


def test_a_level_may_be_said_where_the_wiring_has_the_other():
    rows = settings({"2": {"closed_level": 0}, "3": {"closed_level": 1}}).ports
    assert [row.closed_level for row in rows] == [1, 0, 0, 1]
    for level in (-1, 2, None, True):
        error = raises(SettingsError, settings, {"3": {"closed_level": level}})
        assert error.key == "settings.ports.3.closed_level"


def test_steps_are_a_list():
    for bad in ({"state": "open"}, {}, "open", 5, None, True):
        error = raises(SettingsError, settings, {"2": {"fallback": {"steps": bad}}})
        assert error.key == _OUTPUT + ".fallback.steps", bad


def test_a_check_stops_after_each_part_that_takes_long():
    """Accounts, then each port, then each of the parts that few have, then the settings. Rules:
    the actions, each rule, and all together.
    """
    uplinks = {"inbound": {"path": "/a"}}
    tokens = {"tokens": [{"name": "t", "role": "ping", "sha256": "0" * 64}]}
    for data, count in (
        ({}, 1 + 4),
        ({"actions": {"1": TOGGLE}}, 3 + 4),
        ({"actions": {"1": TOGGLE}, "rules": {"1": RULE, "2": RULE}}, 5 + 4),
        ({"uplinks": uplinks}, 2 + 4),
        ({"monitors": tokens}, 2 + 4),
        ({"uplinks": uplinks, "monitors": tokens, "tls": {}, "time": {}}, 3 + 4),
    ):
        found = list(parts(data, WIRING))
        assert found[:-1] == [None] * count, data
        assert found[-1].name == "Holdfast"


def masters(heartbeat, ports=None, accounts=None):
    """What settings say of masters: (named, needed, return_after, stagger)."""
    data = {"accounts": accounts or [account("a"), account("b"), account("v", "viewer")]}
    data["ports"] = ports or {}
    data["heartbeat"] = heartbeat
    found = check(data, WIRING)
    return found.named, found.needed, found.return_after, found.stagger_ms


def test_whose_heartbeat_counts_has_defaults():
    assert masters({}) == ({}, None, 1, 0)
    assert masters({"masters": ["a"]}) == ({"a": 60000}, None, 1, 0)
    assert masters({"masters": ["b", "a"], "first_within": 5, "needed": "any"})[:2] == (
        {"a": 5, "b": 5},
        1,
    )
    assert masters({"masters": ["a", "b"], "needed": 2, "return_after": 100})[1:3] == (2, 100)
    assert masters({"masters": ["a"], "needed": "all", "stagger": 60000})[1:] == (None, 1, 60000)


def test_an_output_and_a_first_heartbeat_name_masters_too():
    own = {"2": {"fallback": {"master": "b"}}, "3": {"fallback": {"master": "any"}}}
    assert masters({"first_within": 7}, own)[0] == {"b": 7}
    rows = [account("a", within=9), account("b")]
    assert masters({"masters": ["a", "b"], "first_within": 7}, None, rows)[0] == {"a": 9, "b": 7}


def test_what_is_wrong_with_masters_is_named():
    for heartbeat, key, words in (
        ({"masters": "a"}, "masters", "must be a list of accounts"),
        ({"masters": ["v"]}, "masters", "must be accounts that may actuate: a, b"),
        ({"masters": [["a"]]}, "masters", "must be accounts that may actuate: a, b"),
        ({"masters": ["a", "a"]}, "masters", "has a twice"),
        ({"needed": 1}, "needed", "from 1 to that of the named masters (0)"),
        ({"masters": ["a"], "needed": 2}, "needed", "(1)"),
        ({"masters": ["a"], "needed": 0}, "needed", "(1)"),
        ({"masters": ["a"], "needed": True}, "needed", "(1)"),
        ({"masters": ["a"], "needed": "some"}, "needed", "must be all, any, or a number"),
        ({"first_within": 0}, "first_within", "from 1 to"),
        ({"return_after": 0}, "return_after", "from 1 to 100"),
        ({"return_after": 101}, "return_after", "from 1 to 100"),
        ({"stagger": -1}, "stagger", "from 0 to 60000"),
        ({"stagger": 60001}, "stagger", "from 0 to 60000"),
    ):
        error = raises(SettingsError, masters, heartbeat)
        assert error.key == "settings.heartbeat." + key, heartbeat
        assert words in error.problem, (heartbeat, error.problem)
    error = raises(SettingsError, masters, {"masters": ["a"]}, None, [account("v", "viewer")])
    assert error.problem == "must be accounts that may actuate: none"
