"""The way out: names, TLS, receivers that are bad in every way, and what none of them may cost."""

import time

import pytest
from receivers import Authority, addresses, name_server, receiver
from test_e2e_uplinks import KEY, config, link, unifi

from boards import Figures, Watch, output, wait_for

NAME = "platform.example"


def named(there, *servers, scheme="http", **more):
    """Settings with one uplink, by name."""
    url = "%s://%s:%d/beat" % (scheme, NAME, there.port)
    network = {"dns": [server.address for server in servers]}
    return config([unifi(url)], network=network, **more)


def why(board):
    """What is wrong with the link, once something is; settled by the first try."""
    wait_for(lambda: link(board)["failed"], 30, "a failure")
    return link(board)["why"]


# -- names ----------------------------------------------------------------------------------------


def test_a_name_is_asked_for_once_and_kept(start):
    with receiver() as there, name_server(lambda _, q: [addresses(q, "127.0.0.1")]) as names:
        start(named(there, names))
        request = there.wait(4)
        assert request.headers["host"] == "%s:%d" % (NAME, there.port)
        assert names.asked == [NAME]


def test_an_address_that_nobody_is_at_gives_way_to_the_next(start):
    def answer(_, query):
        return [addresses(query, "127.0.0.2", "127.0.0.1")]

    with receiver() as there, name_server(answer) as names:
        board = start(named(there, names))
        there.wait(1, 20)
        wait_for(lambda: link(board)["up"])


def test_strangers_are_not_listened_to(start):
    """Another number, another question, a loop of pointers, garbage; then the answer."""

    def answer(_, query):
        good = addresses(query, "127.0.0.1")
        number = bytes((query[0] ^ 1, query[1]))
        other = query[:12] + b"\x05other" + query[12 + 1 + len("platform") :]
        loop = query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:]
        loop += b"\xc0" + bytes((len(query),)) + b"\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2"
        return [
            addresses(query, "127.0.0.2", number=number),
            addresses(other, "127.0.0.2"),
            loop,
            b"",
            query[:11],
            good,
        ]

    with receiver() as there, name_server(answer) as names:
        board = start(named(there, names))
        there.wait(1)
        wait_for(lambda: link(board)["up"])


@pytest.mark.parametrize("flags", [b"\x81\x83", b"\x81\x82", b"\x81\x85"])
def test_a_name_that_nobody_knows(start, flags):
    """NXDOMAIN, SERVFAIL, REFUSED; the next heartbeat asks anew."""
    with receiver() as there, name_server(lambda _, q: [addresses(q, flags=flags)]) as names:
        board = start(named(there, names))
        assert why(board) == "no address is known for the name"
        names.answer = lambda _, query: [addresses(query, "127.0.0.1")]
        there.wait(1, 20)


@pytest.mark.alone
def test_a_silent_server_gives_way_to_the_next_and_delays_nobody(start):
    with (
        receiver() as there,
        name_server(lambda *_: []) as silent,
        name_server(lambda _, q: [addresses(q, "127.0.0.1")]) as names,
    ):
        board = start(named(there, silent, names))
        master = board.master("door")
        wait_for(lambda: silent.asked, 15)
        took = []
        while not there.got:
            master.beat(2000)
            took.append(master.latency)
        # A step of asking takes up to 5 s; nobody else waits for it.
        assert Figures(took).within(100), str(Figures(took))
        assert names.asked


# -- TLS ------------------------------------------------------------------------------------------


def secured(flash, authority, form):
    """A flash folder with what is trusted, and settings of uplinks that name it."""
    flash.mkdir()
    (flash / "trusted").write_bytes(authority.der if form == "der" else authority.pem)
    return {"uplinks": {"certificate": "trusted"}}


@pytest.mark.parametrize("form", ["der", "pem"])
def test_a_trusted_receiver(make_board, tmp_path, form):
    authority = Authority()
    flash = tmp_path / "flash"
    more = secured(flash, authority, form)
    with (
        receiver(context=authority.context(NAME)) as there,
        name_server(lambda _, q: [addresses(q, "127.0.0.1")]) as names,
    ):
        setup = named(there, names, scheme="https", **more)
        board = make_board(setup, "--data", flash).start()
        there.wait(2, 20)
        wait_for(lambda: link(board)["up"])


@pytest.mark.parametrize("wrong", ["authority", "name", "expired", "none", "plain", "silent"])
def test_whom_nobody_vouches_for_gets_nothing(make_board, tmp_path, wrong):
    authority = Authority()
    other = Authority()
    flash = tmp_path / "flash"
    more = secured(flash, authority, "der")
    context = {
        "authority": other.context(NAME),
        "name": authority.context("elsewhere.example"),
        "expired": authority.context(NAME, days=-1),
        "plain": None,
    }.get(wrong, authority.context(NAME))
    if wrong == "none":
        (flash / "trusted").unlink()
    with (
        receiver("silent" if wrong == "silent" else 200, context=context) as there,
        name_server(lambda _, q: [addresses(q, "127.0.0.1")]) as names,
    ):
        setup = named(there, names, scheme="https", **more)
        board = make_board(setup, "--data", flash).start()
        if wrong == "silent":
            assert why(board) == "no answer in time"
        elif wrong == "none":
            assert why(board) == "there is no file of uplinks.certificate"
        else:
            assert why(board).startswith("TLS ")
            time.sleep(0.2)
        assert there.got == []
        assert not link(board)["up"]


# -- receivers ------------------------------------------------------------------------------------


def drip(sock, _):
    """A byte now and then, for ever."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 100000:
        sock.sendall(bytes((byte,)))
        time.sleep(0.5)


def flood(sock, _):
    """An answer without an end."""
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        sock.sendall(b"x" * 65536)


def hold(sock, _):
    """No answer until the module goes."""
    while sock.recv(1):
        pass


BAD = {
    "drips": (drip, "no answer in time"),
    "says nothing": (hold, "no answer in time"),
    "500": (500, "answered 500"),
    "half an answer": (b"HTTP/1.1 20", "no whole answer"),
    "not HTTP": (b"220 mail.example ESMTP\r\n\r\n", "the answer is not HTTP"),
    # The status is all that anybody asks, and that has come.
    "endless head": (b"HTTP/1.1 503 X\r\nX: " + b"a" * 100000, "answered 503"),
    "floods": (flood, ""),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_what_is_wrong_with_a_receiver_is_told(start, kind):
    answer, told = BAD[kind]
    with receiver(answer) as there:
        board = start(three(there))
        wait_for(lambda: all(row["sent"] + row["failed"] for row in rows(board)), 40, "tries")
        wait_for(lambda: told in [row["why"] for row in rows(board)], 40, told)
        # A receiver that drips or floods sees the module's end only when it says more.
        if kind not in ("drips", "floods"):
            assert there.most_open == 1


@pytest.mark.alone
@pytest.mark.nightly("cpython")
@pytest.mark.parametrize("kind", list(BAD))
def test_the_fallback_is_on_time_whoever_is_called(start, kind):
    with receiver(BAD[kind][0]) as there:
        setup = three(there)
        setup["ports"]["4"] = output("door", power_on="closed", on_return="restore")
        board = start(setup)
        master = board.master("door")
        there.wait(1)
        late = []
        with Watch(board, 4) as watch:
            while len(late) < 15:
                master.beat(100)
                due = master.answered_at + 0.1
                late.append(watch.next(4, 0, master.sent_at) - due)
                master.beat(1000)
                watch.next(4, 1, master.sent_at)
        figures = Figures(late)
        print("%s: fallback late: %s" % (kind, figures))
        assert figures.within(100), late


def three(there):
    """Settings with three links to a receiver; one signs."""
    links = [unifi(there.url, name="a"), unifi(there.url, name="b")]
    links.append({"name": "c", "kind": "airnode", "url": there.url, "cycle": 1, "api_key": "k"})
    links[2]["private_key"] = KEY
    return config(links)


def rows(board):
    """What the board says of each link."""
    status, answer = board.master().call("GET", "/holdfast/uplinks")
    assert status == 200
    return answer["links"]
