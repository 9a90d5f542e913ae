"""Others' heartbeats: which request is one."""

import hashlib
from binascii import b2a_base64, hexlify

from claims import raises
from holdfast.core.accounts import ACTUATE, Account
from holdfast.uplink.inbound import InboundService
from holdfast.wire.digest import Authenticator, Memory, Refused
from holdfast.wire.http import HttpError
from makers import Asked, Caller, module


def subject():
    one = module(uplinks={"inbound": {"path": "/api/beat", "within": 1}})
    return one, InboundService(one, None, None)


def test_a_marked_post_is_answered_200_and_counted():
    one, service = subject()
    answer = service.post(Caller(), Asked(headers={"x-snd-eb-heartbeat": "1"}), 5)
    assert answer.status == 200
    inbound = one.links.inbound
    assert (inbound.count, inbound.last_at, inbound.up) == (1, 5, True)


def test_another_post_is_refused_and_not_counted():
    one, service = subject()
    for headers in ({}, {"x-snd-eb-heartbeat": "0"}, {"x-snd-eb-heartbeat": ""}):
        assert raises(HttpError, service.post, Caller(), Asked(headers=headers), 5).status == 400
    assert one.links.inbound.count == 0


def test_the_reply_is_what_the_settings_say():
    reply = {"status": 202, "type": "text/plain", "body": "thank you"}
    one = module(uplinks={"inbound": {"path": "/api/beat", "reply": reply}})
    answer = InboundService(one, None, None).post(
        Caller(), Asked(headers={"x-snd-eb-heartbeat": "1"}), 5
    )
    assert (answer.status, answer.content_type, answer.body) == (202, "text/plain", b"thank you")


# -- logins ---------------------------------------------------------------------------------------

PASSWORD = "p:\u00e4ss w\u00f6rd"
TOKENS = [(role, i, hashlib.sha256(role.encode()).digest()) for i, role in enumerate("pvo")]


def login(value, secure=True, name="door", password=PASSWORD):
    """(account or the exception, caller) for an Authorization value."""
    secret = ("%s:Holdfast:%s" % (name, password)).encode()
    hashed = [hexlify(make(secret).digest()) for make in (hashlib.md5, hashlib.sha256)]
    account = Account(name, ACTUATE, *hashed)
    service = InboundService(None, Authenticator("Holdfast", [account], bytes), lambda: TOKENS)
    caller = Caller()
    caller.secure = secure
    caller.memory = Memory()
    caller.memory.account = account  # logged in by Digest before
    request = Asked()
    request.authorization = value
    try:
        return service.account(caller, request), caller
    except (Refused, HttpError) as error:
        return error, caller


def basic(name, password, scheme=b"Basic "):
    return scheme + b2a_base64(("%s:%s" % (name, password)).encode()).strip()


def test_basic_is_taken_over_tls_with_the_password_of_the_account():
    for scheme in (b"Basic ", b"basic ", b"BASIC "):
        account, _ = login(basic("door", PASSWORD, scheme))
        assert (account.name, account.role) == ("door", ACTUATE)


def test_basic_that_does_not_hold_is_refused_as_a_guess():
    for value in (
        basic("door", "pass"),
        basic("door", PASSWORD + " "),
        basic("Door", PASSWORD),
        basic("", ""),
        basic("nobody", PASSWORD),
        b"Basic ",
        b"Basic \xff",
        b"Basic YQ",  # no whole base64
        b"Basic ZG9vcg==",  # no colon
        b"Basic " + b2a_base64(b"door:\xff\xfe").strip(),
        b"Basic " + b2a_base64(b"\xff:pass").strip(),
    ):
        refused, caller = login(value)
        assert isinstance(refused, Refused), value
        assert (refused.stale, refused.scheme) == (False, b"basic ")
        # Or whoever has one login could guess another as fast as he likes.
        assert caller.memory.account is None


def test_without_tls_basic_is_not_looked_at_and_the_answer_says_why():
    for value in (basic("door", PASSWORD), basic("door", "x"), b"Basic "):
        refused, caller = login(value, secure=False)
        assert isinstance(refused, HttpError) and refused.status == 401
        assert "https" in refused.json and "Bearer" in refused.json
        assert caller.memory.account is not None


def test_every_token_of_monitors_may_check_in_with_tls_or_without():
    for role in "pvo":
        for secure in (False, True):
            account, _ = login(b"Bearer " + role.encode(), secure)
            assert (account.name, account.role) == (role, ACTUATE)
    for value in (b"Bearer x", b"Bearer ", b"bearer \xff", b"Bearer P", b"Bearer p p"):
        refused, caller = login(value)
        assert isinstance(refused, Refused) and refused.scheme == b"bearer "
        assert caller.memory.account is None


def test_no_other_scheme_is_taken():
    for value in (b"Negotiate abc", b"x", b"Basic", b"Bearer", b"Basicdoor", b"Token p"):
        refused, _ = login(value)
        assert isinstance(refused, Refused), value
        assert refused.scheme == b"digest "  # which counts no guess
