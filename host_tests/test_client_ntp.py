"""The log says why there is no time, once for each reason."""

import asyncio

from holdfast.client.ntp import FIRST_MS, LONGEST_MS, TimeKeeper
from holdfast.wire.sntp import BadReply


class Clock:
    def __init__(self):
        self.utc = 0

    def epoch_ms(self):
        return self.utc

    def set(self, utc):
        step = utc - self.utc
        self.utc = utc
        return step


def asked(*outcomes):
    """What is noted while a server answers so, one question after the other."""
    notes = []
    keeper = TimeKeeper(Clock(), None, notes.append)
    waiting = list(outcomes)

    async def exchange(host, port):
        outcome = waiting.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    keeper._exchange = exchange
    goes_on = [asyncio.run(keeper.ask(("10.0.0.1", 123))) for _ in outcomes]
    return notes, goes_on, keeper


def test_a_reason_is_told_once_and_another_one_again():
    silent, unsure = BadReply("no answer within 2 s"), BadReply("the server is not synchronized")
    network = OSError(101)
    notes, goes_on, keeper = asked(silent, silent, unsure, unsure, network, network, silent)
    assert notes == [
        "no time: no answer within 2 s (10.0.0.1)",
        "no time: the server is not synchronized (10.0.0.1)",
        "no time: the network does not reach it (10.0.0.1)",
        "no time: no answer within 2 s (10.0.0.1)",
    ]
    assert goes_on == [True] * 7
    assert keeper.pause_ms == min(FIRST_MS << 7, LONGEST_MS)


def test_after_an_answer_the_same_reason_is_told_anew():
    notes, _, keeper = asked(BadReply("why"), 1800000000000, BadReply("why"))
    assert notes == ["no time: why (10.0.0.1)", "set by 10.0.0.1", "no time: why (10.0.0.1)"]
    assert keeper.pause_ms == LONGEST_MS


def test_a_refusal_ends_it():
    notes, goes_on, _ = asked(BadReply("the server refuses", b"DENY"))
    assert notes == ["no time: the server refuses, and is not asked again (10.0.0.1)"]
    assert goes_on == [False]


def test_a_name_without_an_address_is_a_reason():
    notes = []

    async def nothing(host):
        return None

    keeper = TimeKeeper(Clock(), None, notes.append, nothing)
    assert asyncio.run(keeper.ask(("ntp.example", 123)))
    assert notes == ["no time: no address is known for the name (ntp.example)"]
