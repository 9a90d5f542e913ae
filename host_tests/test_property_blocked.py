"""Random settings and histories on a board whose loop is blocked every now and then: its pins show
the fallback in time all the same, and not too soon. CPython only, because hypothesis is.
"""

import os

from holdfast.core.module import Module
from holdfast.hal.clock import Clock
from holdfast.runtime.hard_fallback import MARGIN_MS, Alarm
from holdfast.runtime.ticker import Ticker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model import WIRING, Pair
from test_property_module import documents, histories
from test_runtime_hard_fallback import Wires

NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
HISTORIES = 20_000 if NIGHTLY else 1_000
PERIOD = 1 << 30  # of the ticks
TICK_MS = 10


class Board(Pair):
    """A module with its ticker and its alarm on pins; `start`: ticks at the start."""

    telling = False  # to Wires

    def __init__(self, document, start):
        self.time = self.zero = start
        super().__init__(document)

    def make(self, start):
        levels = bytes([1 - row.closed_level for row in self.rows.ports])
        clock = Clock(self.ticks_ms, self.ticks_diff)
        module = Module(self.rows, levels, self.random_bytes, start)
        self.pins = Wires(self, levels, WIRING)
        self.alarm = Alarm(module, clock, self.pins)
        self.changes = []
        self.ticker = Ticker(
            module, clock, self.pins, None, self.changes.extend, None, TICK_MS, self.alarm
        )
        return module

    def ticks_ms(self):
        return self.time % PERIOD

    def ticks_diff(self, end, start):
        return (end - start + PERIOD // 2) % PERIOD - PERIOD // 2

    def turn(self):
        self.time = self.zero + self.now
        assert self.ticker.turn() == self.now
        self.compare(self.changes)
        self.changes.clear()
        assert all(self.pins.levels[p.index] == p.levels[p.state] for p in self.module.outputs)

    def block(self, ms):
        """The loop stands still, the timer does not: pins move as outputs have to, at most a
        margin and a tick later, and no sooner.
        """
        outputs = self.model.outputs
        seen = [self.states()]
        # Sequences and returns that are still to come are not what this is about.
        watched = [
            index
            for index, output in outputs.items()
            if not output.sequence and output.return_at is None
        ]
        ends = {index: output.bypassed_until for index, output in outputs.items()}
        for passed in range(1, ms + 1):
            self.model.advance(self.now + passed)
            seen.append(self.states())
            # A bypass that ends while a loss is on waits for the loop.
            watched = [i for i in watched if ends[i] is None or outputs[i].began != ends[i]]
            self.time = self.zero + self.now + passed
            if self.time % TICK_MS == 0:
                self.alarm.check()
                wanted = seen[max(0, passed - MARGIN_MS)]
                for index in watched:
                    port = self.module.ports[index]
                    assert self.pins.levels[index] == port.levels[wanted[index]], (index, passed)
        self.now += ms
        self.turn()

    def states(self):
        return {index: output.state for index, output in self.model.outputs.items()}

    def restart(self, goes_on, crashed):
        """Not here: the clock is the board's."""


@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(
    st.booleans().flatmap(documents),
    histories,
    st.lists(st.integers(0, 150), min_size=20, max_size=20),
    st.sampled_from((0, PERIOD // 2 - 40, PERIOD - 40)),
)
def test_pins_show_the_fallback_though_the_loop_is_blocked(document, history, blocks, start):
    board = Board(document, start)
    board.turn()
    for (pause, fact), ms in zip(history, blocks):
        board.wait(pause)
        board.do(*fact)
        board.block(ms)
