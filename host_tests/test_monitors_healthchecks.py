"""healthchecks.io's addresses: every one they document, and what they answer to bad ones."""

import hashlib

from holdfast.core.checkins import COMPLETE, DOWN, FAIL, LOG, RUN, TICK, UP
from holdfast.core.monitors import PER_MINUTE
from holdfast.core.tokens import OPERATOR, PING
from holdfast.monitors.healthchecks import Healthchecks, is_uuid, slug
from watching import Life

TOKENS = tuple(
    [
        (name, role, hashlib.sha256(name.encode()).digest())
        for name, role in (("key", PING), ("op", OPERATOR))
    ]
)
RUN_A = "9f8ff8b3-9c0a-4f8e-8d0e-1b1d6d0a0001"


class Asked:
    def __init__(self, target, body=b"", method="GET"):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.body = body
        self.headers = {}
        self.authorization = None


class Loaded:
    def __init__(self, keeper):
        self.made = keeper

    def method(self, name):
        return getattr(self.made, name)


class Pinged:
    """Monitors and who answers for them."""

    def __init__(self):
        self.life = Life()
        self.subject = Healthchecks(Loaded(self.life.keeper), lambda: TOKENS)

    def ping(self, target, body=b"", method=None):
        """(status, text) as the services' table has it."""
        method = method or ("POST" if body else "GET")
        asked = Asked("/ping/" + target, body, method)
        handler = ("by_uuid", "by_two", "by_three")[asked.path.rstrip("/").count("/") - 2]
        self.response = getattr(self.subject, handler)(None, asked, self.life.clock.at)
        return self.response.status, self.response.body.decode()

    def last(self, monitor):
        return self.life.events(monitor, 1)[0]


OK = (200, "OK")


def test_every_address_of_a_uuid():
    pinged = Pinged()
    job = pinged.life.create()
    for end, result, status, state in (
        ("", TICK, None, UP),
        ("/start", RUN, None, UP),
        ("/fail", FAIL, None, DOWN),
        ("/log", LOG, None, DOWN),
        ("/0", COMPLETE, 0, UP),
        ("/1", FAIL, 1, DOWN),
        ("/255", FAIL, 255, DOWN),
        ("/000", COMPLETE, 0, UP),
        ("/007", FAIL, 7, DOWN),
        ("/0000000255", FAIL, 255, DOWN),
        ("/FAIL", FAIL, None, DOWN),
        ("/fail/", FAIL, None, DOWN),
        ("/0/", COMPLETE, 0, UP),
    ):
        for method in ("GET", "HEAD", "POST"):
            pinged.life.clock.at += 1000
            assert pinged.ping(job.id + end, b"", method) == OK
            told = pinged.last(job)
            assert (told[2], told[4], job.state) == (result, status, state)
        assert "Ping-Body-Limit: 48" in pinged.response.lines
        assert "Access-Control-Allow-Origin: *" in pinged.response.lines
    assert pinged.ping(job.id.upper()) == OK


def test_every_address_of_a_slug():
    pinged = Pinged()
    job = pinged.life.create("Database Backup")
    for end, result in (("", TICK), ("/start", RUN), ("/fail", FAIL), ("/log", LOG), ("/3", FAIL)):
        for key in ("key", "op"):  # who may more may this, too
            assert pinged.ping(key + "/database-backup" + end) == OK
            assert pinged.last(job)[2] == result
    assert pinged.ping("nobody/database-backup") == (404, "not found")
    assert pinged.ping("key/database") == (404, "not found")
    assert pinged.ping("key/Database-Backup") == (400, "invalid url format")
    assert pinged.ping("key/database-backup/what") == (400, "invalid url format")
    pinged.life.create("database backup", service_id="other")
    before = pinged.life.events(job)
    assert pinged.ping("key/database-backup/fail") == (409, "ambiguous slug")
    assert pinged.life.events(job) == before


def test_slugs_of_names():
    for name, wanted in (
        ("Database Backup", "database-backup"),
        ("  a -- b  ", "a-b"),
        ("Köln (2)", "koln-2"),
        ("Tür 1", "tur-1"),
        ("TU\u0308R Ž ß Łódź", "tur-z--odz".replace("--", "-")),
        ("Дверь", ""),
        ("a_b-c", "a_b-c"),
        ("_x-", "x"),
        ("!", ""),
    ):
        assert slug(name) == wanted, name


def test_bad_addresses_change_nothing():
    pinged = Pinged()
    job = pinged.life.create()
    for target, answer in (
        ("x", (400, "invalid url format")),
        (job.id[:-1], (400, "invalid url format")),
        (job.id.replace("-", "x"), (400, "invalid url format")),
        (job.id + "/256", (400, "invalid url format")),
        (job.id + "/-1", (400, "invalid url format")),
        (job.id + "/done", (400, "invalid url format")),
        (job.id + "?rid=7", (400, "invalid uuid format")),
        (job.id + "?rid=", (400, "invalid uuid format")),
        (job.id + "?rid=%ff", (400, "invalid uuid format")),
        (RUN_A, (404, "not found")),
        (RUN_A + "/fail", (404, "not found")),
    ):
        assert pinged.ping(target) == answer, target
    assert pinged.life.events(job) == []


def test_what_is_a_uuid():
    assert is_uuid(RUN_A) and is_uuid(RUN_A.upper())
    for text in ("", RUN_A + "0", RUN_A[:-1] + "g", RUN_A.replace("-", "0"), "-" * 36):
        assert not is_uuid(text)


def test_a_run_id_pairs_start_and_end_in_either_case():
    pinged = Pinged()
    job = pinged.life.create()
    assert pinged.ping(job.id + "/start?rid=" + RUN_A) == OK
    pinged.life.clock.at += 1500
    assert pinged.ping(job.id + "?rid=" + RUN_A.upper()) == OK
    assert pinged.last(job)[3] == 1500


def test_a_body_is_the_message_and_is_cut():
    pinged = Pinged()
    job = pinged.life.create()
    for body, message in (
        (b"hello", b"hello"),
        (b"two\nlines\r\n", b"two lines"),
        (b"x" * 4000, b"x" * 48),
        ("\xe4".encode() * 60, "\xe4".encode() * 24),
        (b"x" + "\xe4".encode() * 60, b"x" + "\xe4".encode() * 23),
        (b"\xff\xfe\x00", b""),
    ):
        assert pinged.ping(job.id, body) == OK
        assert pinged.last(job)[5] == message, body
    pinged.ping(job.id, b"not read", "GET")
    assert pinged.last(job)[5] == b""


def test_create_makes_a_monitor_with_their_defaults_once():
    pinged = Pinged()
    assert pinged.ping("key/nightly") == (404, "not found")
    assert pinged.ping("key/nightly?create=0") == (404, "not found")
    assert pinged.ping("nobody/nightly?create=1") == (404, "not found")
    assert pinged.ping("key/Nightly?create=1") == (400, "invalid url format")
    assert pinged.ping("key/nightly?create=1&rid=x") == (400, "invalid uuid format")
    assert pinged.life.names() == []
    assert pinged.ping("key/nightly?create=1") == (201, "Created")
    (job,) = pinged.life.keeper.engine.all
    assert (job.name, job.service, job.state) == ("nightly", "key", UP)
    assert (job.interval_ms, job.grace_ms) == (86400000, 3600000)
    assert pinged.ping("key/nightly?create=1") == OK
    assert pinged.life.names() == ["nightly"]
    for i in range(31):
        assert pinged.ping("key/n%d/start?create=1" % i)[0] == 201
    assert pinged.ping("key/onemore?create=1")[0] == 409
    pinged.life.store.quiet_now = False
    pinged.life.keeper.engine.all.pop()
    assert pinged.ping("key/onemore?create=1")[0] == 503


def test_create_finds_again_what_it_has_made():
    for name in ("web--db", "-x", "x_", "-", "__", "a", "0"):
        pinged = Pinged()
        statuses = [pinged.ping("key/%s?create=1" % name)[0] for _ in range(3)]
        assert statuses == [201, 200, 200], name
        assert pinged.ping("key/%s/fail" % name) == OK
        assert pinged.life.names() == [name]
    for name in ("Web-db", "t%C3%BCr", "a.b", "a%20b", "%"):
        pinged = Pinged()
        assert pinged.ping("key/%s?create=1" % name)[0] == 400, name
        assert pinged.life.names() == []


def test_a_name_that_is_a_slug_comes_before_the_slug_of_a_name():
    pinged = Pinged()
    other = pinged.life.create("Web -- DB")
    assert pinged.ping("key/web-db") == OK
    assert pinged.last(other)[2] == TICK
    made = pinged.life.create("web-db")
    assert pinged.ping("key/web-db/fail") == OK
    assert (made.state, other.state) == (DOWN, UP)
    door = pinged.life.create("Tür 1")
    assert pinged.ping("key/tur-1/fail?create=1") == OK
    assert door.state == DOWN


def test_no_message_loses_a_ping():
    pinged = Pinged()
    job = pinged.life.create()
    for body in (b"100%", b"caf\xe9", b"{broken", b"\xff\xfe{\x00", b"\xef\xbb\xbf", b"\0" * 4096):
        pinged.ping(job.id)
        assert pinged.ping(job.id + "/fail", body) == OK
        assert job.state == DOWN
    assert pinged.ping(job.id + "?rid=%s&x=100%%" % RUN_A) == OK


def test_too_many_pings_say_when_to_come_again():
    pinged = Pinged()
    job = pinged.life.create()
    for _ in range(PER_MINUTE):
        assert pinged.ping(job.id) == OK
    assert pinged.ping(job.id) == (429, "rate limited")
    assert "Retry-After: 60" in pinged.response.lines


def test_a_module_without_monitors_knows_none():
    subject = Healthchecks(Loaded(None), lambda: ())
    assert subject.by_uuid(None, Asked("/ping/" + RUN_A), 0).status == 404
    assert subject.by_two(None, Asked("/ping/key/slug?create=1"), 0).status == 404
