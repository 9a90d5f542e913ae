"""What follows when the network goes and comes: the log, names, uplinks; 200 times in a row."""

import asyncio
import sys

from holdfast.client.http import Exchange
from holdfast.core.log import BURST, HOUR_MS, NETWORK, REFILL_MS, Log
from holdfast.hal.link import Link
from holdfast.rest.log import NAMES
from holdfast.runtime.network import changed

HOME = "10.0.0.9"


class Outbound:
    def __init__(self):
        self.reached = []

    def reachable(self, now):
        self.reached.append(now)


def told(log):
    return [entry[4] for entry in log.books[1].waiting]


def test_it_tells_what_happened_and_for_how_long():
    log, outbound = Log(), Outbound()
    changed(log, outbound, None, HOME, None, 5000)
    assert told(log) == []  # that is how a module starts
    assert outbound.reached == [5000]
    changed(log, outbound, HOME, None, 5000, 65000)
    assert outbound.reached == [5000]
    changed(log, outbound, None, HOME, 65000, 100000)
    changed(log, outbound, HOME, "10.0.0.77", 100000, 200000)
    assert told(log) == [
        "down, was 10.0.0.9",
        "up, 10.0.0.9, after 35 s",
        "10.0.0.77 instead of 10.0.0.9",
    ]
    assert [entry[3] for entry in log.books[1].waiting] == [NETWORK] * 3
    assert outbound.reached == [5000, 100000, 200000]


def test_a_first_address_that_was_long_in_coming_is_told():
    log = Log()
    changed(log, None, None, HOME, None, 3 * HOUR_MS)
    assert told(log) == ["up, 10.0.0.9, after 10800 s"]


class Interface:
    """An interface that is there or not; `air`: its address."""

    air = HOME

    def start(self):
        pass

    join = leave = stop = start

    def address(self):
        return self.air


def test_a_network_that_comes_and_goes_200_times_wears_no_flash():
    """As the app does it: a look every 250 ms, the log written when it is due."""
    log, outbound, interface = Log(), Outbound(), Interface()
    link = Link(interface, lambda ms: True)
    state = [None, None]
    flaps = writes = now = 0

    def run(ms):
        nonlocal now, writes
        end = now + ms
        while now < end:
            now += 250
            address = link.step(now, None)
            if address != state[0]:
                before, since = state
                state[:] = address, now
                changed(log, outbound, before, address, since, now)
            book = log.due(now)
            if book is not None:
                assert book.index == 1
                book.left -= 1
                book.wrote(len(book.waiting))
                writes += 1

    run(5000)
    for flaps in range(1, 201):
        interface.air = None
        run(3000)
        assert state[0] is None
        interface.air = "10.0.%d.9" % flaps
        run(5000)
        assert state[0] == interface.air
    assert link.losses == 200 and len(outbound.reached) == 201
    hours = now // HOUR_MS + 1
    # Four are told, the others counted when the hour is over.
    assert log.number <= 5 * hours
    assert writes <= BURST[1] + now // REFILL_MS[1]
    log.turn(now + HOUR_MS)
    assert told(log)[-1] == "396 more of these within an hour"
    assert NAMES[NETWORK] == "network"


class Resolver:
    """Keeps what it was told first, as the real one does for an hour."""

    def __init__(self, servers, now, random_bytes):
        self.servers = servers
        self.kept = None

    async def resolve(self, name):
        self.kept = self.kept or self.servers()[0][0]
        return self.kept

    def failed(self, name, address):
        pass


class Module:
    Resolver = Resolver


def test_names_that_the_last_network_told_are_forgotten():
    servers = [("10.0.0.1", 53)]
    exchange = Exchange(lambda: 0, None, 0, None, lambda: servers, None, lambda: "", None)
    name = "holdfast.client.resolver"
    real = sys.modules.get(name)
    sys.modules[name] = Module
    try:
        assert asyncio.run(exchange._resolve("a.example")) == "10.0.0.1"
        servers[0] = ("192.168.7.1", 53)
        assert asyncio.run(exchange._resolve("a.example")) == "10.0.0.1"
        exchange.forget()
        assert asyncio.run(exchange._resolve("a.example")) == "192.168.7.1"
    finally:
        del sys.modules[name]
        if real is not None:
            sys.modules[name] = real
