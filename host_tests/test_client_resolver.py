"""Who is asked for a name; what is said over UDP: test_e2e_exchange.py, test_wire_dns.py."""

import asyncio

from holdfast.client import resolver
from holdfast.runtime.portable import again

SERVER = ("192.168.0.1", 53)


class Mute:
    """A socket that nobody answers."""

    def sendto(self, data, place):
        pass

    def recvfrom(self, size):
        raise OSError(11)

    def close(self):
        pass


class Subject:
    """A resolver of a network that has the name servers `servers` by now."""

    def __init__(self):
        self.servers = []
        self.asked = []
        self.at = 0
        self.resolver = resolver.Resolver(lambda: self.servers, self.now, lambda size: b"\1\2")

    def now(self):
        self.at += resolver.WAIT_MS // 2
        return self.at

    def asking(self, address, port):
        self.asked.append((address, port))
        return Mute(), (address, port)

    def resolve(self):
        before = resolver.asking
        resolver.asking = self.asking
        try:
            return asyncio.run(self.resolver.resolve("a.example"))
        finally:
            resolver.asking = before
            again()


def test_servers_that_the_network_comes_to_have_later_are_asked():
    """The first heartbeat may be due before the network is there, with its servers."""
    subject = Subject()
    assert subject.resolve() is None and subject.asked == []
    subject.servers = [SERVER]
    assert subject.resolve() is None and subject.asked == [SERVER] * resolver.TRIES
    subject.servers = [("192.168.0.2", 53)]
    subject.resolve()
    assert subject.asked[-1] == ("192.168.0.2", 53)
