"""Who guesses is slowed down, and nobody else; from outside."""

import http.client
import time

import requests
from requests.auth import HTTPDigestAuth

from boards import ANSWER_S, HEARTBEAT, STATUS, settings

GUESSES = 40


def digest_value(board, password="guess", name="root"):
    """An Authorization value for GET of the status, right but for the password."""
    auth = HTTPDigestAuth(name, password)
    auth.init_per_thread_state()
    answer = requests.get(board.url + STATUS, timeout=ANSWER_S)
    challenge = answer.headers["WWW-Authenticate"].split(", Digest ")[0].removeprefix("Digest ")
    auth._thread_local.chal = requests.utils.parse_dict_header(challenge)
    return auth.build_digest_header("GET", board.url + STATUS)


def test_three_refused_logins_end_a_connection(make_board):
    board = make_board(settings()).start()
    connection = http.client.HTTPConnection(board.host, board.port, timeout=ANSWER_S)
    ends = []
    for _ in range(3):
        connection.request("GET", STATUS, headers={"Authorization": digest_value(board)})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 401
        ends.append(answer.will_close)
    assert ends == [False, False, True]


def test_guesses_are_slowed_down_and_the_right_password_waits_its_turn(make_board):
    board = make_board(settings()).start()
    guess = digest_value(board)
    statuses = []
    for _ in range(GUESSES):
        answer = requests.get(board.url + STATUS, headers={"Authorization": guess}, timeout=8)
        statuses.append(answer.status_code)
    assert statuses[:5] == [401] * 5
    assert 429 in statuses
    assert int(answer.headers["Retry-After"]) >= 1 or answer.status_code == 401
    # Whoever has the password gets in when the delay is over, and is looked at no sooner.
    for _ in range(100):
        answer = board.session("root").get(board.url + STATUS, timeout=ANSWER_S)
        if answer.status_code == 200:
            break
        assert answer.status_code == 429
        time.sleep(0.2)
    logins = answer.json()["logins"]
    assert logins["refused"] >= 5 and logins["delayed"] >= 1


def test_the_log_tells_once_when_an_address_is_slowed_down(make_board):
    board = make_board(settings()).start()
    guess = digest_value(board, name="hunter2")
    for _ in range(GUESSES):
        requests.get(board.url + STATUS, headers={"Authorization": guess}, timeout=ANSWER_S)
    for _ in range(100):
        answer = board.session("root").get(board.url + "/holdfast/log", timeout=ANSWER_S)
        if answer.status_code == 200:
            break
        time.sleep(0.2)
    told = [row["text"] for row in answer.json()["entries"] if row["kind"] == "logins delayed"]
    assert told == ["from 127.0.0.1, after 6 that were refused"]
    assert "hunter2" not in answer.text


def test_a_living_master_is_never_kept_waiting(make_board):
    """Not even one that takes a connection for each heartbeat, at the address that guesses."""
    board = make_board(settings()).start()
    body = '{"axhbt:Heartbeat":{"Duration":60000}}'

    def beat():
        with board.session("door") as session:
            return session.post(board.url + HEARTBEAT, body, timeout=ANSWER_S).status_code

    assert beat() == 200
    guess = digest_value(board)
    for _ in range(GUESSES):
        answer = requests.get(board.url + STATUS, headers={"Authorization": guess}, timeout=8)
        assert answer.status_code == 401
    assert beat() == 200
