"""Session tokens for WebSockets."""

from holdfast.vapix.wssession import TokenService
from makers import Asked, Caller, Numbers

CALLER = Caller()


def issue(service, now=0):
    return service.get(CALLER, Asked(), now).body.decode()


def query(token):
    return "sources=events&wssession=" + token


def test_a_token_is_good_once():
    service = TokenService(Numbers())
    token = issue(service)
    assert service.redeem(query(token), 0) is CALLER.account
    assert service.redeem(query(token), 14999) is CALLER.account  # nothing was opened yet
    assert service.redeem(query(token), 14999, True) is CALLER.account
    assert service.redeem(query(token), 14999) is None


def test_a_token_is_good_for_15_seconds():
    service = TokenService(Numbers())
    assert service.redeem(query(issue(service)), 15000) is None


def test_a_token_is_exact_as_a_json_number():
    for random in (lambda n: bytes(n), lambda n: b"\xff" * n):
        token = TokenService(random).issue(CALLER.account, 0)
        assert len(token) == 15
        assert int(token) < 1 << 53
        assert token[0] != "0"


def test_strangers_and_nothing_are_nobody():
    service = TokenService(Numbers())
    issue(service)
    assert service.redeem(query("123456789012345"), 0) is None
    assert service.redeem(query(""), 0) is None


def test_the_oldest_token_gives_way():
    service = TokenService(Numbers())
    tokens = [issue(service) for _ in range(9)]
    assert len(set(tokens)) == 9
    assert service.redeem(query(tokens[0]), 0) is None
    assert service.redeem(query(tokens[1]), 0) is CALLER.account


def test_an_answer_is_not_to_be_kept():
    answer = TokenService(Numbers()).get(CALLER, Asked(), 0)
    assert b"Cache-Control: no-store" in answer.encode(True)
