"""The page's files: who gets them, under which headers, in which pieces."""

from claims import raises
from holdfast.core.accounts import Account
from holdfast.rest.page import PageService
from holdfast.wire.http import HttpError
from makers import Asked, Caller

ROWS = (
    ("/", "text/html", "aa", 5, 0, 1),
    ("/holdfast/page.js", "text/javascript", "bb", 9, 1, 2),
)
PARTS = {"part0": (b"abc", b"de"), "part1": (b"1234", b"56"), "part2": (b"789",)}


class Modules:
    """What is borrowed, and how often."""

    def __init__(self):
        self.borrowed = []

    def __call__(self, module, name):
        module = module.split(".")[-1]
        self.borrowed.append(module)
        return ROWS if (module, name) == ("index", "ROWS") else PARTS[module]


class Store:
    def __init__(self, fresh=False):
        self.fresh = fresh


def ask(path="/", account=True, fresh=False, modules=None, **headers):
    caller = Caller()
    caller.account = Account("v", 1, b"", b"") if account else None
    request = Asked(method="GET", headers=headers)
    request.path = path
    return PageService(modules or Modules(), Store(fresh)).get(caller, request, 0)


def has(answer, line):
    return [one for one in answer.lines if one.startswith(line)]


def test_a_file_comes_in_its_pieces_and_a_piece_is_fetched_when_it_is_sent():
    modules = Modules()
    answer = ask("/holdfast/page.js", modules=modules)
    assert answer.encode(True).count(b"\r\nContent-Type: text/javascript\r\n") == 1
    assert b"Content-Length: 9\r\n" in answer.encode(True)
    assert modules.borrowed == ["index"]
    pieces = answer.body()
    assert next(pieces) == b"1234"
    assert modules.borrowed == ["index", "part1"]
    assert list(pieces) == [b"56", b"789"]


def test_the_page_asks_who_it_is_but_on_a_fresh_device():
    assert raises(HttpError, ask, account=False).status == 401
    assert ask(account=False, fresh=True).status == 200
    # What belongs to it says nothing of the module.
    assert ask("/holdfast/page.js", account=False).status == 200


def test_a_browser_that_has_it_is_told_so():
    for known in ('"aa"', 'W/"aa"', '"xx", "aa"', "*"):
        answer = ask(**{"if-none-match": known})
        assert answer.status == 304
        assert b"Content-Length" not in answer.encode(True)
        assert has(answer, 'ETag: "aa"')
    assert ask(**{"if-none-match": '"bb"'}).status == 200


def test_nothing_foreign_runs_in_it_or_frames_it():
    answer = ask()
    (policy,) = has(answer, "Content-Security-Policy: ")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for line in (b"X-Content-Type-Options: nosniff", b"X-Frame-Options: DENY"):
        assert answer.encode(True).count(b"\r\n" + line + b"\r\n") == 1
    assert has(answer, "Referrer-Policy: same-origin")
    assert has(answer, "Content-Encoding: gzip")
    assert has(answer, "Cache-Control: no-cache")
    assert has(ask("/holdfast/page.js"), "Cache-Control: max-age=31536000, immutable")
    assert has(ask(**{"if-none-match": '"aa"'}), "Content-Security-Policy: ")


def test_what_is_not_there_is_not_found():
    assert raises(HttpError, ask, "/holdfast/page.css").status == 404
