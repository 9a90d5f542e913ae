"""Answers that are made while they are sent: in blocks, framed, whole or not at all."""

import sys

from holdfast.runtime import portable
from holdfast.server import body as bodies
from holdfast.server.body import Block
from holdfast.wire.http import HttpError, Response
from test_server_server import Subject, Wire, played, until

ASK = b"%s /%s HTTP/1.%d\r\nHost: a\r\n\r\n"


def chunked(data):
    """The bytes of a chunked body; None when it has no end, or goes on behind it."""
    body = b""
    while True:
        size, end, data = data.partition(b"\r\n")
        if not end:
            return None
        count = int(size, 16)
        if data[count : count + 2] != b"\r\n":
            return None
        if not count:
            return body if data == b"\r\n" else None
        assert len(size) + count + 4 <= 1024  # of one write
        body += data[:count]
        data = data[count + 2 :]


class Said(list):
    """What a peer has said; it says no more then."""

    def pop(self, index):
        if not self:
            raise EOFError
        return super().pop(index)


class Answers(Subject):
    """A server whose answers are these texts; `sheds` counts how often memory was made."""

    def __init__(self, texts):
        super().__init__(Response(200))
        self.texts = texts
        self.sheds = 0
        self.server.shed = self.shed

    def shed(self, connection):
        self.sheds += 1

    def answer(self, connection, request, now, shed):
        return Response(200, lambda: iter(self.texts()), "text/plain")


def answered(texts, method=b"GET", minor=1, subject=None):
    """(head, body, closed) of an answer."""
    subject = subject or Answers(texts)
    wire = Wire()
    wire.data = Said([ASK % (method, b"", minor)])
    wire.full = False

    async def scenario():
        connection = subject.come(wire)
        await until(lambda: connection.last_at == 1 or wire.closed)
        subject.closed = wire.closed
        connection.end()
        await until(lambda: wire.closed)

    subject.at = 1
    played(scenario)
    head, _, body = wire.taken.partition(b"\r\n\r\n")
    return head + b"\r\n", body, subject.closed


def test_a_block_takes_texts_of_any_length_and_loses_no_byte():
    for size in (1, 2, 7, 500, 1011, 1012, 1013, 2024, 2025, 5000):
        for text in ("x" * size, b"\xc3\xa9" * (size // 2 + 1)):
            block = Block(lambda t=text: iter([t, "", t, "y"]), None)
            taken = b""
            turns = 0
            while not block.over:
                if block.fill():
                    taken += bytes(block.chunk())
                else:
                    turns += 1
            data = text if isinstance(text, bytes) else text.encode()
            assert chunked(taken) == data + data + b"y"
            assert turns == 1


def test_what_fits_into_a_block_is_sent_whole_with_its_length():
    for count in (0, 1, 1011):
        head, body, closed = answered(lambda n=count: ["x" * n])
        assert b"\r\nContent-Length: %d\r\n" % count in head and b"chunked" not in head
        assert body == b"x" * count and not closed


def test_a_longer_one_is_chunked_and_the_connection_is_kept():
    for count in (1013, 2024, 10000):
        head, body, closed = answered(lambda n=count: ["x" * n])
        assert b"\r\nTransfer-Encoding: chunked\r\n" in head and b"Content-Length" not in head
        assert chunked(body) == b"x" * count and not closed


def test_before_http_1_1_the_end_of_the_connection_is_the_end_of_the_body():
    head, body, closed = answered(lambda: ["x" * 5000], minor=0)
    assert b"chunked" not in head and b"Content-Length" not in head
    assert b"\r\nConnection: close\r\n" in head
    assert body == b"x" * 5000 and closed
    head, body, _ = answered(lambda: ["x" * 500], minor=0)
    assert b"\r\nContent-Length: 500\r\n" in head and body == b"x" * 500


def test_a_length_that_is_known_is_told_however_long_the_answer_is():
    class Known(Answers):
        def answer(self, connection, request, now, shed):
            response = super().answer(connection, request, now, shed)
            response.length = 5000
            return response

    for minor in (0, 1):
        head, body, _ = answered(None, minor=minor, subject=Known(lambda: ["x" * 5000]))
        assert b"\r\nContent-Length: 5000\r\n" in head and b"chunked" not in head
        assert body == b"x" * 5000


def test_head_is_answered_with_the_head_of_get_and_no_more():
    for count in (500, 5000):
        for minor in (0, 1):
            got, _, closed = answered(lambda n=count: ["x" * n], minor=minor)
            asked = answered(lambda n=count: ["x" * n], b"HEAD", minor)
            assert asked == (got, b"", closed)


def quietly(function, *arguments):
    """What a function gives; what it has reported."""
    reports = []
    before = bodies.report, sys.modules["holdfast.server.server"].report
    bodies.report = sys.modules["holdfast.server.server"].report = reports.append
    try:
        return function(*arguments), reports
    finally:
        bodies.report, sys.modules["holdfast.server.server"].report = before


def breaking(after, error):
    def texts():
        yield "x" * after
        raise error

    return texts


def test_one_that_breaks_before_it_is_begun_is_an_error_like_any_other():
    for error, status in ((ValueError("a"), b"500"), (HttpError(409), b"409")):
        (head, _, _), reports = quietly(answered, breaking(100, error))
        assert head.startswith(b"HTTP/1.1 %s " % status)
        assert len(reports) == (status == b"500")


def test_one_that_breaks_in_the_middle_ends_the_connection_without_an_end():
    for error in (ValueError("a"), HttpError(409), MemoryError(), OSError(5)):
        (head, body, closed), reports = quietly(answered, breaking(3000, error))
        assert head.startswith(b"HTTP/1.1 200 ") and closed
        assert chunked(body) is None and b"HTTP/1.1" not in body
        assert len(reports) == isinstance(error, (ValueError, OSError))


def failing(left):
    def texts():
        yield "x" * 400
        left[0] -= 1
        if left[0] >= 0:
            raise MemoryError
        yield "x" * 100

    return texts


def test_without_memory_it_is_begun_once_more_and_then_refused():
    for fails, status, count in ((1, b"200", 500), (2, b"503", None)):
        subject = Answers(failing([fails]))
        head, body, _ = answered(None, subject=subject)
        assert head.startswith(b"HTTP/1.1 %s " % status)
        assert subject.sheds == 1
        assert count is None or body == b"x" * count


def test_a_module_that_changes_meanwhile_is_told_as_json():
    """Between any two texts ports get other names, masters are lost and restored."""
    from holdfast.rest.outputs import OutputsService
    from holdfast.rest.status import StatusService
    from holdfast.wire.json import loads
    from makers import Asked, Caller, module

    for service in (StatusService, OutputsService):
        for first in range(3):
            subject = module()
            made = [subject, "1"] if service is StatusService else [subject]
            parts = service(*made).get(Caller(), Asked(), 7).body()
            text = ""
            for i, part in enumerate(parts):
                text += part
                subject.ports[i % 4].name = '"%d"' % i
                if i % 3 == first:
                    subject.heartbeat("ab"[i % 2], 10, 10 * i)
                subject.act(10 * i)
                subject.tell(10 * i)
                subject.sessions.reverse()
            assert isinstance(loads(text.encode(), -1), dict)


def test_a_piece_is_one_write():
    block = Block(lambda: iter(["x" * 5000]), None)
    assert block.fill()
    assert len(block.data) == portable.PIECE_BYTES
    assert len(block.chunk()) == portable.PIECE_BYTES - len(b"0\r\n\r\n")
