"""The event log over the network, across restarts, and what it costs in flash."""

import time

import requests

from boards import ANSWER_S, From, Master, settings, wait_for

LOG = "/holdfast/log"


def log_of(board, query="", name="root"):
    with board.session(name) as session:
        answer = session.get(board.url + LOG + query, timeout=ANSWER_S)
    assert answer.status_code == 200, answer.status_code
    return answer.json()


def kinds(told):
    return [entry["kind"] for entry in told["entries"]]


def test_trips_logins_and_settings_are_told_and_survive_a_restart(make_board, tmp_path):
    data = tmp_path / "flash"
    board = make_board(settings(), "--data", data).start()
    with board.session("door", "wrong") as session:
        assert session.get(board.url + LOG, timeout=ANSWER_S).status_code == 401
    with board.session("not-an-account", "hunter2") as session:
        assert session.get(board.url + LOG, timeout=ANSWER_S).status_code == 401
    master = Master(board.host, board.port, "door")
    master.beat(100)
    wait_for(lambda: "trip" in kinds(log_of(board)), what="trip")
    master.beat(60000)
    with board.session() as session:
        query = "?action=update&IOPort.I0.Input.Name=Gate"
        answer = session.get(board.url + "/axis-cgi/param.cgi" + query, timeout=ANSWER_S)
        assert answer.text.strip() == "OK"
    told = log_of(board)
    assert kinds(told)[:1] == ["reset"]
    wanted = ["login refused", "login refused", "trip", "return", "settings"]
    assert kinds(told)[1:] == wanted
    texts = [entry["text"] for entry in told["entries"]]
    assert texts[0].startswith("power on, version ")
    assert texts[1] == "door, from 127.0.0.1"
    assert texts[2] == "no account's name, from 127.0.0.1"
    assert texts[5] == "by root with /axis-cgi/param.cgi"
    trip = told["entries"][3]
    assert 0 <= trip["at"] - trip["due"] < 1000
    assert abs(trip["time"] / 1000 - time.time()) < 60
    # It takes a while until it is written: a restart may be one of many.
    wait_for(lambda: log_of(board)["flash"]["writes"] > 0, 15, "write")
    saved = [entry for entry in log_of(board)["entries"] if entry["kind"] != "login refused"]
    master.close()
    assert board.stop() == 0
    again = make_board(settings(), "--data", data).start()
    after = log_of(again)
    assert after["boot"] != told["boot"]
    main = [entry for entry in after["entries"] if entry["kind"] != "login refused"]
    assert main[: len(saved)] == saved
    assert main[len(saved)]["kind"] == "reset"
    assert main[len(saved)]["number"] > saved[-1]["number"]
    assert after["flash"]["writes"] > 0


def test_viewers_may_not_read_it(board):
    with board.session("guest") as session:
        assert session.get(board.url + LOG, timeout=ANSWER_S).status_code == 403
    log_of(board, name="vms")


def test_heartbeats_write_nothing_to_flash(make_board, tmp_path):
    data = tmp_path / "flash"
    board = make_board(settings(), "--data", data).start()

    def files():
        return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in data.iterdir()}

    wait_for(lambda: log_of(board)["flash"]["writes"] == 1, 15, "the start in the log")
    before = files()
    master = Master(board.host, board.port, "door")
    for _ in range(2000):
        master.beat(60000)
    master.close()
    time.sleep(3)  # the log is looked at every second
    told = log_of(board)
    assert told["flash"]["writes"] == 1
    assert files() == before


def test_nothing_is_written_while_a_deadline_is_near(make_board, tmp_path):
    data = tmp_path / "flash"
    board = make_board(settings(), "--data", data).start()
    master = Master(board.host, board.port, "door")
    written = []
    master.keep_busy(12, lambda: written.append(log_of(board)["flash"]["writes"]))
    assert set(written) == {0}
    wait_for(lambda: log_of(board)["flash"]["writes"] > 0, 15, "write")
    master.close()


def test_guesses_of_passwords_do_not_fill_it(board):
    answers = []
    for _ in range(30):
        with board.session("root", "guess") as session:
            session.mount("http://", From("127.0.1.1"))
            answers.append(session.get(board.url + LOG, timeout=ANSWER_S).status_code)
    # More were looked at than are told, and the others had to wait.
    assert answers.count(401) > 4 and set(answers) == {401, 429}
    assert kinds(log_of(board)) == ["reset"] + ["login refused"] * 4 + ["logins delayed"]


def test_tokens_that_are_refused_are_told_like_logins_and_not_kept(board):
    for number in range(9):
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", From("127.0.1.%d" % (1 + number)))
            answer = session.get(
                board.url + "/v1/service/s/heartbeats",
                headers={"Authorization": "Bearer A-secret-of-another-module"},
                timeout=ANSWER_S,
            )
        assert answer.status_code == 401
    told = log_of(board)
    assert kinds(told) == ["reset"] + ["login refused"] * 4
    assert told["entries"][-1]["text"] == "a token, from 127.0.1.4"


def test_what_becomes_of_settings_on_trial_is_told_also_after_a_restart(make_board, tmp_path):
    board = make_board(settings(), "--data", tmp_path / "flash").start()
    change = {"ports": {"4": {"fallback": {"steps": [{"state": "closed"}]}}}}
    with board.session() as session:
        url = board.url + "/holdfast/"
        for keep in (False, None):
            answer = session.patch(url + "settings?trial=1", json=change, timeout=ANSWER_S)
            assert answer.status_code == 200, answer.text
            if keep is not None:
                session.post(url + "confirm", json={"keep": keep}, timeout=ANSWER_S)
        assert session.post(url + "restart", timeout=ANSWER_S).status_code == 202
    wait_for(lambda: len([line for line in board.lines if "ready" in line]) == 2, 20, "start")
    told = [entry["text"] for entry in log_of(board)["entries"] if entry["kind"] == "settings"]
    assert told == [
        "by root with /holdfast/settings",
        "by root with /holdfast/confirm",
        "on trial: taken back",
        "by root with /holdfast/settings",
        "on trial: taken back by a restart",
    ]


def test_an_operators_losses_push_no_other_masters_loss_out_of_log_and_trips(board):
    """Dozens of heartbeats with the least Duration there is, each a loss."""
    door, vms = board.master("door"), board.master("vms")
    door.beat(1)
    wait_for(lambda: door.status()["trips"]["count"], what="loss")
    for _ in range(40):
        vms.beat(1)
        time.sleep(0.005)
    wait_for(lambda: vms.status()["trips"]["count"] >= 30, what="losses")
    latest = [trip["master"] for trip in vms.status()["trips"]["latest"]]
    assert latest.count("door") == 1 and latest.count("vms") == len(latest) - 1 > 0
    texts = trips(board)
    assert texts[0] == "door: no heartbeat for 1 ms"
    assert len(texts) <= 1 + 12
    door.beat(1)
    wait_for(
        lambda: len([text for text in trips(board) if text.startswith("door")]) == 2,
        what="the next loss of the door's master in the log",
    )


def trips(board):
    return [entry["text"] for entry in log_of(board)["entries"] if entry["kind"] == "trip"]


def test_pages(board):
    with board.session("root", "guess") as session:
        session.get(board.url + LOG, timeout=ANSWER_S)
    first = log_of(board, "?since=0&limit=1")
    assert (first["entries"][0]["number"], first["more"]) == (1, True)
    second = log_of(board, "?since=1&limit=1")
    assert (second["entries"][0]["number"], second["more"]) == (2, False)
