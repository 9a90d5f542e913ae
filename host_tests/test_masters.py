"""Whose heartbeat counts: the same few histories each time, through the module and its model.

test_property_module.py takes many more, and other ones; these are quick enough to be asked of each
change of the core. CPython only: the model's dicts keep their order.
"""

from makers import account
from model import Pair

HISTORIES = 20  # of each of WORLDS
FACTS = 20
PULSE = [{"after": 0, "state": "closed", "pulse": 7}, {"after": 14, "state": "open"}]
LATE = [{"after": 0, "state": "hold"}, {"after": 9, "state": "closed"}]
WORLDS = (
    {},
    {"return_after": 2, "stagger": 7},
    {"masters": ["a", "b"], "first_within": 30},
    {"masters": ["a", "b"], "needed": "any", "return_after": 2},
    {"masters": ["a", "b", "c"], "needed": 2, "stagger": 7},
    {"masters": ["a"], "first_within": 9, "return_after": 3},
)


class Chance:
    """Numbers that look random and are the same on every interpreter."""

    def __init__(self, seed):
        self.value = seed * 7919 + 1

    def __call__(self, limit):
        self.value = (self.value * 1103515245 + 12345) % (1 << 31)
        return (self.value >> 8) % limit


def world(number, own):
    """Settings; own: output 3 has a master of its own, where masters are named."""
    heartbeat = dict(WORLDS[number], shortest=1)
    master = "b" if own and "masters" in heartbeat else "any"
    ports = {
        "1": {"fallback": {"steps": PULSE, "on_return": "restore"}},
        "2": {"power_on": "closed", "fallback": {"steps": LATE, "locked": True}},
        "3": {"fallback": {"master": master, "steps": PULSE, "on_return": "restore"}},
    }
    accounts = [account(name) for name in "abc"]
    return {"accounts": accounts, "ports": ports, "heartbeat": heartbeat}


def fact(chance):
    """What happens next, as Pair.do takes it."""
    kind = chance(20)
    master = "abc"[chance(3)]
    port = 1 + chance(3)
    if kind < 10:
        return "beat", master, 1 + chance(40)
    if kind < 13:
        return "command", port, chance(2)
    if kind == 13:
        return "play", port, ((1, 1 + chance(20)), (0, 1)), chance(2) == 0
    if kind < 16:
        return "release", ("a", "b", "c", "")[chance(4)]
    if kind == 16:
        return "bypass", port, None if chance(3) == 0 else 1 + chance(60)
    if kind == 17:
        return "drill", master
    if kind == 18:
        return ("fail",)
    return "restart", chance(2) == 0, chance(2) == 0


def histories(number):
    for seed in range(HISTORIES):
        chance = Chance(seed * 31 + number)
        start = (0, (1 << 30) - 40)[chance(2)]
        pair = Pair(world(number, chance(2) == 0), start, chance(2) == 0)
        for _ in range(FACTS):
            pair.wait(chance(40))
            pair.do(*fact(chance))


def test_there_is_one_heartbeat_where_nobody_is_named():
    histories(0)


def test_it_returns_with_so_many_heartbeats_and_outputs_one_after_the_other():
    histories(1)


def test_all_of_the_named_masters_are_needed():
    histories(2)


def test_any_of_the_named_masters_is_needed():
    histories(3)


def test_two_of_three_named_masters_are_needed():
    histories(4)


def test_one_master_is_named_and_has_to_return():
    histories(5)
