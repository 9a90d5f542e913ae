"""The stream of port.cgi?monitor=."""

from claims import raises
from holdfast.vapix.portmonitor import PortMonitors
from holdfast.wire.buffer import ReceiveBuffer
from holdfast.wire.http import HttpError
from makers import module


class Bench:
    """A module and one monitor of these ports, counted from 1."""

    def __init__(self, *numbers):
        self.module = module()
        self.monitors = PortMonitors()
        self.woken = 0
        self.stream = self.open(*numbers)

    def open(self, *numbers):
        ports = [(number, self.module.ports[number - 1]) for number in numbers]
        self.answer = self.monitors.get(ports)
        self.service = self.answer.service
        stream = self.service.open(0)
        stream.wake = self.wake
        return stream

    def wake(self):
        self.woken += 1

    def change(self, index, level, now):
        self.module.input(index, level, now)
        self.module.tell(now)
        self.monitors.publish(self.module.events.take())

    def read(self, now=0):
        parts = []
        part = self.stream.next(now)
        while part is not None:
            parts.append(part)
            part = self.stream.next(now)
        return b"".join(parts)


def part(text):
    return b"Content-Type: text/plain\r\n\r\n%s\r\n--ioboundary\r\n" % text


def test_the_answer_has_no_length_and_ends_with_the_connection():
    head = Bench(1).answer.encode(True)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: multipart/x-mixed-replace; boundary=ioboundary\r\n" in head
    assert b"Connection: close\r\n" in head and b"Content-Length" not in head


def test_the_state_comes_first_and_then_changes_of_these_ports():
    bench = Bench(1)
    assert bench.read() == b"--ioboundary\r\n" + part(b"1I:L")
    bench.change(1, 0, 5)
    assert bench.read() == b""
    bench.change(0, 1, 6)
    bench.change(0, 0, 7)
    assert bench.read() == part(b"1I:/") + part(b"1I:\\")
    assert bench.woken == 2


def test_outputs_have_their_letter():
    bench = Bench(3, 4)
    assert bench.read() == b"--ioboundary\r\n" + part(b"3O:L") + part(b"4O:L")


def test_an_empty_part_comes_after_15_s_without_another():
    bench = Bench(1)
    bench.read(10000)
    assert not bench.stream.tick(24999)
    assert bench.read(24999) == b""
    assert not bench.stream.tick(25000)
    assert bench.read(25000) == part(b"")


def test_who_does_not_read_is_closed():
    bench = Bench(1)
    for i in range(40):
        bench.change(0, 1 - i % 2, i)
    assert bench.stream.closing
    assert bench.stream.next(50) is None
    assert bench.stream.tick(50)


def test_there_are_only_so_many_and_a_closed_one_makes_room():
    bench = Bench(1)
    for _ in range(3):
        bench.open(1)
    raises(HttpError, bench.open, 1)
    bench.service.close(bench.stream)
    bench.service.close(bench.stream)
    bench.open(1)
    raises(HttpError, bench.open, 1)


def test_what_the_peer_sends_is_dropped():
    bench = Bench(1)
    buffer = ReceiveBuffer(16)
    buffer.feed(b"anything")
    bench.stream.listen(buffer)
    bench.stream.read(0)
    assert len(buffer) == 0
