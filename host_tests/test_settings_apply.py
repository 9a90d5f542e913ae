"""Changed settings put into force: by whom, in which order, and what waits for the next start."""

from claims import raises
from holdfast.core import reconfigure
from holdfast.settings.apply import apply
from holdfast.settings.changes import APPLIED, late
from makers import account, module, settings


class Part:
    """Writes down what it is asked for, in the list of all."""

    def __init__(self, told):
        self.told = told
        self.names = ()

    def reconfigure(self, realm, accounts, md5):
        self.told.append((realm, [account.name for account in accounts], md5))

    def dismiss(self, known):
        self.told.append(("dismiss", [row[0] for row in known]))

    def add(self, kind, text, now):
        self.told.append((text, now))


class Lent:
    made = 1


class Bench:
    """An application with a module of core, and parts that write down."""

    def __init__(self):
        self.told = []
        self.settings = settings()
        self.settings.network, self.settings.dns = "network", "dns"
        self.module = module()
        self.tokens = Lent()
        self.authenticator = self.server = self.dispatcher = self.log = Part(self.told)
        self.outbound = self.gate = self.timekeeper = self.asked_time = None


def full(module, settings, now):
    raise MemoryError


def named(name, ports=None, accounts=None):
    made = settings(ports, accounts)
    made.name = name
    made.realm = "Other"
    made.login = (False, ("a",))
    made.network, made.dns = "another network", "another dns"
    return made


def test_logins_come_first_then_the_module_and_the_log_says_who_did_it():
    app = Bench()
    apply(app, named("New", {"0": {"name": "Door"}}, [account("x")]), 7, "root with PATCH")
    assert app.told == [
        ("Other", ["x"], False),
        ("dismiss", ["x"]),
        ("by root with PATCH", 7),
    ]
    assert app.dispatcher.names == ("a",)
    assert (app.module.name, app.module.ports[0].name) == ("New", "Door")
    assert app.module.session("x") is not None


def test_who_asked_is_not_told_where_it_is_told_elsewhere():
    app = Bench()
    apply(app, named("New"), 7, None)
    assert [row for row in app.told if row[1] == 7] == []


def test_tokens_end_with_other_accounts_alone():
    app = Bench()
    apply(app, settings(), 0, None)
    assert app.tokens.made == 1
    apply(app, settings(None, [account("x")]), 0, None)
    assert app.tokens.made is None


def test_the_settings_in_force_are_in_one_place_and_the_network_waits_for_a_start():
    app = Bench()
    after = named("New", {"0": {"name": "Door"}})
    apply(app, after, 0, None)
    assert app.settings is after
    assert (after.network, after.dns) == ("network", "dns")
    assert after.ports == after.rules == ()  # the module has them


def test_when_memory_runs_out_nobody_who_is_gone_stays_and_the_same_call_goes_on():
    app = Bench()
    after = named("New", {"0": {"name": "Door"}}, [account("x")])
    core, reconfigure.reconfigure = reconfigure.reconfigure, full
    try:
        raises(MemoryError, apply, app, after, 0, "root")
    finally:
        reconfigure.reconfigure = core
    assert app.told == [("Other", ["x"], False), ("dismiss", ["x"])]
    assert app.tokens.made is None
    apply(app, after, 5, "root")
    assert app.module.ports[0].name == "Door"
    assert app.told[-1] == ("by root", 5)


# A change of each key that the table gives to the module, and what of the module shows it.
SHOWN = {
    "name": ({"name": "New"}, lambda it: it.name),
    "heartbeat.masters": ({"heartbeat": {"masters": ["a"]}}, lambda it: list(it.named)),
    "heartbeat.needed": (
        {"heartbeat": {"masters": ["a", "b"], "needed": 2}},
        lambda it: it.needed,
    ),
    "heartbeat.first_within": (
        {"heartbeat": {"masters": ["a"], "first_within": 5000}},
        lambda it: it.named.get("a"),
    ),
    "heartbeat.return_after": ({"heartbeat": {"return_after": 3}}, lambda it: it.return_after),
    "heartbeat.stagger": ({"heartbeat": {"stagger": 5}}, lambda it: it.stagger_ms),
    "ports.*.name": ({"ports": {"2": {"name": "New"}}}, lambda it: it.ports[2].name),
    "ports.*.usage": ({"ports": {"2": {"usage": "Door"}}}, lambda it: it.ports[2].usage),
    "ports.*.normal": ({"ports": {"2": {"normal": "closed"}}}, lambda it: it.ports[2].normal),
    "ports.*.debounce": ({"ports": {"0": {"debounce": 9}}}, lambda it: it.ports[0].debounce_ms),
    "ports.*.fallback": (
        {"ports": {"2": {"fallback": {"locked": True}}}},
        lambda it: it.ports[2].fallback.locked,
    ),
}
# .. and of those that wait.
WAITS = (
    ({"heartbeat": {"shortest": 600}}, lambda it: it.shortest_ms),
    ({"heartbeat": {"shortest": 1, "longest": 600}}, lambda it: it.longest_ms),
    ({"ports": {"2": {"closed_level": 0}}}, lambda it: it.ports[2].levels),
    ({"ports": {"2": {"power_on": "closed"}}}, lambda it: bytes(it.levels)),
)
ELSEWHERE = ("rules", "actions", "uplinks")  # test_core_rules.py, test_core_links.py


def changed(more):
    """(before, after): what of a module shows a change."""
    document, shown = more
    app = Bench()
    before = shown(app.module)
    heartbeat = dict({"shortest": 1}, **document.get("heartbeat", {}))
    after = settings(**dict(document, heartbeat=heartbeat))
    apply(app, after, 0, None)
    return before, shown(app.module)


def test_the_module_takes_over_what_the_table_says():
    keys = dict(APPLIED)["module"].split(" ")
    assert sorted(keys) == sorted(list(SHOWN) + list(ELSEWHERE))
    for key, more in SHOWN.items():
        before, after = changed(more)
        assert before != after, key


def test_the_module_takes_over_nothing_else():
    for more in WAITS:
        before, after = changed(more)
        assert before == after, more[0]
        assert late(more[0], False), more[0]
