"""Our requests and credentials against h11, requests and httpx, and against ourselves without
memory (CPython only, random).

What we take must mean the same to h11: where a request ends is what smuggling is about. We take
nothing that it refuses, but for
1. empty lines before a request,
2. VT and FF in a value nobody reads, and in Authorization,
3. white space between a chunk's size and its extension,
4. nonsense as the value of a trailer field.
"""

import os
import re

import h11
import httpx
import requests
from holdfast.wire.buffer import ReceiveBuffer
from holdfast.wire.digest import NONCES_KEPT, Memory, Refused
from holdfast.wire.http import BODY_BYTES, HEAD_BYTES, HttpError, RequestReader, Response
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.auth import HTTPDigestAuth
from test_wire_digest import GET, NOW, URI, USUAL, WITHOUT_QOP, credentials, fresh, server
from test_wire_http import PENDING, drain, fed, seen

TIMES = 20 if "HOLDFAST_NIGHTLY" in os.environ else 1
TOKEN = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=8)
SPACE = st.sampled_from(["", " ", "\t", "  ", " \t "])
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
KEPT = ("content-type", "connection", "origin", "upgrade", "sec-websocket-version")
CUTS = st.lists(st.integers(0, 6000), max_size=12)


@st.composite
def spelled(draw, name):
    """A field name in any mixture of cases."""
    return "".join(draw(st.sampled_from([one.lower(), one.upper()])) for one in name)


@st.composite
def heads(draw):
    """One client's head: (request line, fields before, fields behind, what they mean)."""
    method = draw(st.sampled_from(["GET", "POST"]) | TOKEN)
    target = "/" + draw(st.text("abc/?&=%20:;,@", max_size=20))
    minor = draw(st.sampled_from([1, 1, 1, 0]))
    meant = {}
    lines = []
    for name, value in draw(
        st.lists(
            st.tuples(st.sampled_from(KEPT) | TOKEN.map(lambda token: "x" + token), PRINTABLE),
            max_size=6,
            unique_by=lambda field: field[0].lower(),
        )
    ):
        value = value.strip()
        if name in KEPT:
            meant[name] = value
        lines.append(draw(spelled(name)) + ":" + draw(SPACE) + value + draw(SPACE))
    if minor or draw(st.booleans()):
        meant["host"] = draw(st.sampled_from(["", "h", "192.168.0.90:80", "[::1]"]))
        lines.append(draw(spelled("host")) + ":" + draw(SPACE) + meant["host"])
    lines = draw(st.permutations(lines))
    at = draw(st.integers(0, len(lines)))
    connection = [part.strip() for part in meant.get("connection", "").lower().split(",")]
    keep_alive = minor == 1 and "close" not in connection
    if not minor:
        meant.pop("upgrade", None)  # it cannot be upgraded (RFC 9110 section 7.8)
    line = "%s %s HTTP/1.%d" % (method, target, minor)
    return line, lines[:at], lines[at:], (method, target, keep_alive, meant, minor)


@st.composite
def framings(draw, minor):
    """A body: (fields, bytes on the wire, bytes meant)."""
    kind = draw(st.sampled_from(["none", "length", "chunked"] if minor else ["none", "length"]))
    if kind == "none":
        return {}, b"", b""
    unit = draw(st.binary(max_size=40) | st.sampled_from([b"\r\n\r\n", b"GET / HTTP/1.1\r\n"]))
    body = (unit * draw(st.sampled_from([1] * 12 + [5] * 4 + [100])))[:BODY_BYTES]
    if kind == "length":
        zeros = "0" * draw(st.integers(0, 3))
        return {"content-length": zeros + str(len(body))}, body, body
    wire = b""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(body) - 1)), max_size=5)) | {len(body)})
    start = 0
    for end in cuts:
        if start < end <= len(body):
            size = draw(st.sampled_from([b"%x", b"%X", b"0%x", b"%08x"])) % (end - start)
            extension = draw(st.sampled_from([b"", b";a", b';a="b;c"', b" ", b"; a = b"]))
            wire += size + extension + b"\r\n" + body[start:end] + b"\r\n"
            start = end
    wire += draw(st.sampled_from([b"0", b"000", b"0;x"])) + b"\r\n"
    wire += draw(st.sampled_from([b"", b"X: y\r\n", b"Content-Length: 7\r\nA:\r\n"])) + b"\r\n"
    return {"transfer-encoding": draw(spelled("chunked"))}, wire, body


@st.composite
def conversations(draw, empty_lines=True):
    """Requests of a few clients in one stream: (bytes, what `seen` must say of each)."""
    clients = draw(st.lists(heads(), min_size=1, max_size=2))
    framed = [draw(framings(head[3][4])) for head in clients]
    stream = b""
    expected = []
    for _ in range(draw(st.integers(1, 6))):
        which = draw(st.integers(0, len(clients) - 1))
        line, before, behind, (method, target, keep_alive, meant, minor) = clients[which]
        fields, wire, body = framed[which]
        if draw(st.integers(0, 3)) == 0:
            fields, wire, body = draw(framings(minor))
        lines = [line] + before
        authorization = None
        if draw(st.integers(0, 3)):
            authorization = draw(PRINTABLE | st.sampled_from(["Digest x", "/", "Host: h"])).strip()
            lines.append("Authorization: " + authorization)
        lines += ["%s: %s" % field for field in fields.items()] + behind
        if empty_lines:
            stream += b"\r\n" * draw(st.sampled_from([0, 0, 0, 1, 2]))
        stream += "\r\n".join(lines + ["", ""]).encode() + wire
        path, _, query = target.partition("?")
        headers = sorted({**meant, **fields}.items())
        value = authorization.encode() if authorization else None
        expected.append((method, target, path, query, keep_alive, headers, value, body))
    return stream, expected


def pieces(stream, cuts):
    """The stream, cut."""
    ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[start:end] for start, end in zip(ends, ends[1:])]


def forgetful(stream):
    """What `fed` must give: every request read by a reader that has never seen another."""
    got = []
    rest = stream
    while rest:
        reader = RequestReader(ReceiveBuffer(HEAD_BYTES))
        request = None
        while request is None and rest:
            count = min(len(reader.buffer.space()), len(rest))
            reader.buffer.feed(rest[:count])
            rest = rest[count:]
            try:
                request = reader.next()
            except HttpError as error:
                return got + [error.status]
        if request is None:
            return got + ([PENDING] if reader.pending() else [])
        got.append(seen(request))
        rest = reader.buffer.unload() + rest
    return got


def by_h11(stream):
    """(method, target, fields, body) of each request, as far as h11 takes them."""
    got = []
    while stream := re.sub(rb"\A(?:\r\n)+", b"", stream):
        peer = h11.Connection(h11.SERVER)
        body = b""
        try:
            peer.receive_data(stream)
            request = peer.next_event()
            while not isinstance(event := peer.next_event(), h11.EndOfMessage):
                if not isinstance(event, h11.Data):
                    return got
                body += event.data
        except h11.RemoteProtocolError:
            return got
        fields = {}
        for name, value in request.headers:
            fields.setdefault(name.decode(), []).append(value)
        got.append((request.method, request.target, fields, body))
        stream = peer.trailing_data[0]
    return got


# Differences 2, 3 and 4 are possible.
ODD = re.compile(rb"[\x0b\x0c]|[0-9A-Fa-f][ \t]+;|\r\n0+[ \t]*(;[^\r]*)?\r\n[^\r]")


def check_against_h11(stream, ours):
    """Each request of ours is one of h11's."""
    if ODD.search(stream):
        return
    theirs = by_h11(stream)
    requests_ = [request for request in ours if isinstance(request, tuple)]
    assert len(theirs) >= len(requests_)
    for mine, (method, target, fields, body) in zip(requests_, theirs):
        assert mine[0].encode() == method
        if target.startswith(b"/"):
            assert mine[1].encode() == target
        for name, value in mine[5]:
            texts = [text.decode().replace("\t", " ") for text in fields[name]]
            # h11 writes what it has understood of these in lower case.
            assert value.lower() == ",".join(texts).lower()
        assert (mine[6] or b"") == fields.get("authorization", [b""])[0]
        assert mine[7] == body


@settings(max_examples=300 * TIMES, deadline=None)
@given(conversations(), CUTS)
def test_what_was_meant_is_what_is_read(conversation, cuts):
    stream, expected = conversation
    assert fed([stream]) == expected
    assert fed(pieces(stream, cuts)) == expected
    assert fed([stream[at : at + 1] for at in range(len(stream))]) == expected
    assert forgetful(stream) == expected
    check_against_h11(stream, expected)
    assert ODD.search(stream) or len(by_h11(stream)) == len(expected)


BYTES = st.sampled_from([bytes([byte]) for byte in b"\r\n\0\t :;,/0a=%-+_?\x0b\x7f\x80"]) | (
    st.binary(min_size=1, max_size=1)
)
BITS = BYTES | st.sampled_from(
    [
        b"\r\n",
        b"\r\n\r\n",
        b"\n\n",
        b"Content-Length: 1\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Authorization: x\r\n",
        b"0\r\n\r\n",
        b"chunked",
        b"HTTP/1.1",
        b" HTTP/1.0",
    ]
)
MUTATIONS = st.lists(
    st.tuples(st.integers(0, 6000), st.sampled_from(["set", "insert", "delete", "twice"]), BITS),
    max_size=4,
)


def mutated(stream, mutations):
    for at, kind, bits in mutations:
        at %= len(stream) + 1
        if kind == "set":
            stream = stream[:at] + bits + stream[at + len(bits) :]
        elif kind == "insert":
            stream = stream[:at] + bits + stream[at:]
        elif kind == "delete":
            stream = stream[:at] + stream[at + len(bits) :]
        else:
            stream = stream[:at] + stream[max(0, at - 30) :]
    return stream


@settings(max_examples=600 * TIMES, deadline=None)
@given(conversations(), MUTATIONS, CUTS)
def test_whatever_comes_is_read_alike_in_any_cut_and_without_memory(conversation, mutations, cuts):
    stream = mutated(conversation[0], mutations)
    got = fed([stream])
    assert fed(pieces(stream, cuts)) == got
    assert fed([stream[at : at + 1] for at in range(len(stream))]) == got
    assert forgetful(stream) == got
    check_against_h11(stream, got)


GRAMMAR = st.lists(
    st.sampled_from(
        [
            b"GET / HTTP/1.1\r\n",
            b"POST http://h?/ HTTP/1.1\r\n",
            b"GET",
            b" ",
            b"/",
            b"HTTP/1.0",
            b"Host: h\r\n",
            b"Host:",
            b"Authorization: Digest x\r\n",
            b"Authorization:",
            b"Content-Length: 4\r\n",
            b"Content-Length: 4097\r\n",
            b"Content-Length:",
            b"Transfer-Encoding: chunked\r\n",
            b"Expect: 100-continue\r\n",
            b"Connection: close\r\n",
            b"\r\n",
            b"\r\n\r\n",
            b"\r",
            b"\n",
            b"4\r\nabcd\r\n",
            b"0\r\n\r\n",
            b"4;x=\r\n",
            b"a" * 900,
            b"\xff\x00",
        ]
    ),
    max_size=40,
)


@settings(max_examples=600 * TIMES, deadline=None)
@given(GRAMMAR, CUTS)
def test_pieces_of_grammar_in_any_order_are_read_alike_too(parts, cuts):
    stream = b"".join(parts)
    got = fed([stream])
    assert fed(pieces(stream, cuts)) == got
    assert forgetful(stream) == got
    check_against_h11(stream, got)


@settings(max_examples=200 * TIMES, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), CUTS, conversations(), MUTATIONS), max_size=4))
def test_connections_that_share_a_block_do_not_see_each_other(turns):
    buffer = ReceiveBuffer(HEAD_BYTES)
    alone = [b"", b"", b""]
    got = [[], [], []]
    rests = [b"", b"", b""]
    readers = [RequestReader(buffer) for _ in range(3)]
    for which, cuts, (stream, _), mutations in turns:
        stream = mutated(stream, mutations)
        alone[which] += stream
        for piece in pieces(stream, cuts):
            while piece:
                buffer.load(rests[which])
                count = min(len(buffer.space()), len(piece))
                buffer.feed(piece[:count])
                piece = piece[count:]
                drain(readers[which], got[which])
                rests[which] = buffer.unload()
    for which in range(3):
        expected = fed([alone[which]])
        assert got[which] == [one for one in expected if one != PENDING]


# -- credentials ----------------------------------------------------------------------------------


def challenged(authenticator, only=None):
    """The 401 of a server, as bytes; `only` one algorithm."""
    lines = []
    for challenge in authenticator.challenges(NOW):
        if only is None or "algorithm=%s," % only in challenge:
            lines.append("WWW-Authenticate: " + challenge)
    return Response(401, lines=lines)


def let_in(authenticator, value, method="POST", target=URI, memory=None):
    return authenticator.check(value.encode(), method, target, NOW, memory or Memory()).name


def test_requests_gets_in():
    for algorithm in ("MD5", "SHA-256"):
        authenticator = server()
        client = HTTPDigestAuth("root", "pass")
        client.init_per_thread_state()
        challenge = [one for one in authenticator.challenges(NOW) if algorithm + "," in one][0]
        client._thread_local.chal = requests.utils.parse_dict_header(challenge[len("Digest ") :])
        memory = Memory()
        for _ in range(5):
            value = client.build_digest_header("POST", "http://h" + URI)
            assert let_in(authenticator, value, memory=memory) == "root"


def test_httpx_gets_in():
    for algorithm in (None, "MD5", "SHA-256"):
        authenticator = server()
        client = httpx.DigestAuth("root", "pass")
        memory = Memory()
        for turn in range(5):
            request = httpx.Request("POST", "http://h" + URI)
            flow = client.auth_flow(request)
            request = next(flow)
            if turn == 0:
                assert "Authorization" not in request.headers
                head = challenged(authenticator, algorithm)
                fields = [tuple(line.split(": ", 1)) for line in head.lines]
                request = flow.send(httpx.Response(401, headers=fields, request=request))
            value = request.headers["Authorization"]
            assert let_in(authenticator, value, memory=memory) == "root"


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from(["root", "viewer", "boot"]),
        "password": st.sampled_from(["pass", "other"]),
        "method": st.sampled_from(["GET", "PUT"]),
        "uri": st.sampled_from([URI, URI + "x", "/vapix/ws-data-stream"]),
        "algorithm": st.sampled_from(["MD5", "SHA-256"]),
        "cnonce": st.text('ab", \\=x', max_size=9),
        "qop": st.sampled_from(["auth", None]),
        "form": st.sampled_from(
            [
                USUAL,
                WITHOUT_QOP,
                USUAL.replace('cnonce="%(cnonce)s"', "cnonce=%(cnonce)s"),
                USUAL.replace(", ", " ").replace("nc=%(nc)s", 'nc="%(nc)s"'),
            ]
        ),
    },
)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),  # connection
        st.integers(0, 3),  # nonce
        st.integers(1, 50),  # nc
        st.just({}) | CHANGES,
        st.sampled_from(["GET", "GET", "GET", "PUT"]),
        st.sampled_from([URI, URI, URI, URI + "x"]),
        st.just([]) | MUTATIONS,
        st.sampled_from([0, 0, 0, 1000, 600_000]),  # ms that pass
    ),
    max_size=40,
)


def judged(authenticator, value, method, target, now, memory):
    try:
        return authenticator.check(value, method, target, now, memory).name
    except Refused as refused:
        return refused.stale


@settings(max_examples=400 * TIMES, deadline=None)
@given(STEPS)
def test_a_memory_never_changes_the_verdict(steps):
    remembers, forgets = server(), server()
    nonces = [fresh(remembers) for _ in range(4)]
    assert [fresh(forgets) for _ in range(4)] == nonces and len(nonces) <= NONCES_KEPT
    memories = [Memory(), Memory()]
    now = NOW
    for connection, which, nc, changed, method, target, mutations, passed in steps:
        now += passed
        parts = {"nonce": nonces[which], "nc": nc, "method": GET, **changed}
        value = mutated(credentials(**parts), mutations)
        expected = judged(forgets, value, method, target, now, Memory())
        assert judged(remembers, value, method, target, now, memories[connection]) == expected
