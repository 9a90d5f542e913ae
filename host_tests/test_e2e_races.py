"""Several clients who change the settings of one module at the same time."""

import contextlib
import functools
import json
import threading

import pytest

from boards import ANSWER_S, STATUS, settings

SETTINGS = "/holdfast/settings"
PORTS = ("0", "2", "4", "6", "7")


@pytest.fixture
def board(start, tmp_path):
    return start(settings(), "--data", tmp_path / "data", "--connections", 12)


def at_once(*calls):
    """Call them all, each in a thread; their results in that order."""
    results = [None] * len(calls)
    together = threading.Barrier(len(calls))

    def run(index):
        together.wait(ANSWER_S)
        results[index] = calls[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def patch(board, value):
    with board.session() as root:
        return root.patch(board.url + SETTINGS, json=value, timeout=ANSWER_S)


def patched_at_once(board, values, query="", **headers):
    """The statuses of patches by as many clients, who are all connected before."""
    headers = {name.replace("_", "-"): headers[name] for name in headers}
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(board.session()) for _ in values]
        for client in clients:
            assert client.get(board.url + SETTINGS, timeout=ANSWER_S).status_code == 200

        def call(client, value):
            path = board.url + SETTINGS + query
            return client.patch(path, json=value, headers=headers, timeout=ANSWER_S).status_code

        pairs = zip(clients, values, strict=True)
        return at_once(*[functools.partial(call, *pair) for pair in pairs])


def document(board):
    with board.session() as root:
        return root.get(board.url + SETTINGS, timeout=ANSWER_S)


def test_changes_at_once_are_all_made_or_refused(board):
    values = [{"ports": {port: {"name": port}}} for port in PORTS]
    assert patched_at_once(board, values) == [200] * len(PORTS)
    assert document(board).json()["ports"] == {port: {"name": port} for port in PORTS}
    with board.session() as root:
        told = root.get(board.url + STATUS, timeout=ANSWER_S).json()["ports"]
    assert [port["name"] for port in told if port["port"] in PORTS] == list(PORTS)
    # Of those who have read the same, one changes it.
    tag = document(board).headers["ETag"]
    statuses = patched_at_once(board, [{"name": name} for name in "abcd"], If_Match=tag)
    assert sorted(statuses) == [200, 412, 412, 412]
    assert document(board).json()["name"] == "abcd"[statuses.index(200)]


def test_of_several_trials_at_once_one_begins_and_nothing_else_is_changed_meanwhile(board):
    statuses = patched_at_once(board, [{"name": name} for name in "abc"], "?trial=1")
    assert sorted(statuses) == [200, 409, 409]
    name = "abc"[statuses.index(200)]
    assert patch(board, {"name": "d"}).status_code == 409
    assert document(board).json()["name"] == name
    with board.session() as root:
        path = board.url + "/holdfast/confirm"
        for status in (200, 409):
            answer = root.post(path, json={"keep": True}, timeout=ANSWER_S)
            assert answer.status_code == status
    assert document(board).json()["name"] == name


def test_parts_of_two_documents_that_cross_make_neither_a_mixture(board):
    patch(board, {"name": "zero"})
    whole = document(board).content
    others = []
    for name in (b"long", b"loud"):
        patch(board, {"name": name.decode()})
        others.append(document(board).content)
    patch(board, {"name": "zero"})
    assert document(board).content == whole
    cut = others[0].index(b"lo")
    size = len(others[0])

    def put(root, data, start):
        span = "bytes %d-%d/%d" % (start, start + len(data) - 1, size)
        headers = {"Content-Range": span, "Content-Type": "application/json"}
        return root.put(board.url + SETTINGS, data, headers=headers, timeout=ANSWER_S).status_code

    with board.session() as first, board.session() as second:
        assert put(first, others[0][: cut + 3], 0) == 202
        assert put(second, others[1][: cut + 3], 0) == 202
        # The first one's end behind the second one's beginning.
        assert put(first, others[0][cut + 3 :], cut + 3) == 400
        assert put(second, others[1][cut + 3 :], cut + 3) == 409
    assert document(board).content == whole
    assert json.loads(whole)["name"] == "zero"
