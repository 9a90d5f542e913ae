"""What a person runs on a PC: the reference controller on both interpreters, the demo, account
rows.
"""

import hashlib
import json
import subprocess
import sys

import interpreters
import pytest

from boards import ROOT, settings, wait_for

MASTER = str(ROOT / "tools" / "master.py")


@pytest.fixture(params=("cpython", "micropython"))
def client(request):
    """The interpreter that runs the controller."""
    if request.param == "cpython":
        return sys.executable
    return request.getfixturevalue("micropython")


def control(client, board, *options, user="door", password="pass", **more):
    command = [client, MASTER, board.url, user, password, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, **more)


def test_a_controller_beats_and_applies_what_it_wants(board, client):
    done = control(client, board, "--want", "4=closed", "--beats", "3", "--interval", "50")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len([line for line in lines if "answered in" in line]) == 3
    assert len([line for line in lines if "set: 4=closed" in line]) == 1
    assert board.level(4) == 1


def test_a_controller_notices_a_changed_session_and_applies_its_wishes_again(board, client):
    options = ("--want", "4=closed", "--beats", "3", "--interval", "1500", "--duration", "600")
    done = control(client, board, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("the session is a new one") == 2
    assert done.stdout.count("set: 4=closed") == 3
    wait_for(lambda: board.level(4) == 0, what="the fallback after the last beat")


def test_a_controller_says_what_is_wrong(board, client):
    done = control(client, board, "--beats", "1", password="wrong")
    assert (done.returncode, done.stdout) == (2, "master: wrong user or password\n")
    done = control(client, board, "--beats", "1", user="guest")
    assert done.returncode == 2
    assert "may not send heartbeats" in done.stdout
    done = control(client, board, "--want", "4=ajar")
    assert done.returncode == 2
    assert "4=ajar" in done.stdout


def test_a_controller_goes_on_when_nobody_answers(make_board, client):
    board = make_board(settings())
    board.start()
    board.stop()
    done = control(client, board, "--beats", "2", "--interval", "50")
    assert done.returncode == 1
    assert done.stdout.count("no answer") == 2


def test_the_demo_shows_beats_loss_pins_events_and_return(tmp_path):
    picture = tmp_path / "demo.svg"
    command = [sys.executable, str(ROOT / "tools" / "demo.py"), "--svg", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    story = [
        "ready http://",
        "gpio4 is 0",
        "beat 1: session",
        "gpio4 is 1",
        "the controller dies",
        "gpio4 is 0",
        "the controller comes back",
        "gpio4 is 1",
        "no heartbeat for 1500 ms",
    ]
    at = 0
    for step in story:
        at = done.stdout.find(step, at)
        assert at >= 0, "%s is missing or out of order in:\n%s" % (step, done.stdout)
    cause = "no heartbeat for 1500 ms"
    event = 'tns1:Device/tnsaxis:Monitor/Heartbeat {"lost": "1", "cause": "%s"}' % cause
    assert event in done.stdout
    assert picture.read_text().startswith("<svg")


def test_a_token_is_shown_once_and_its_row_holds_the_hash():
    command = [sys.executable, str(ROOT / "tools" / "monitor_token.py"), "cron", "ping"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    token = made.stderr.strip().rpartition(" ")[2]
    row = json.loads(made.stdout)
    assert row["sha256"] == hashlib.sha256(token.encode()).hexdigest()
    assert (row["name"], row["role"]) == ("cron", "ping") and token not in made.stdout
    given = subprocess.run(
        [*command, "--stdin"], input=token + "\n", capture_output=True, text=True, check=True
    )
    assert json.loads(given.stdout) == row
    assert subprocess.run([*command, "--stdin"], input="\n", text=True, check=False).returncode


def test_an_account_row_holds_hashes_and_no_password():
    command = [sys.executable, str(ROOT / "tools" / "account.py"), "door", "operator"]
    done = subprocess.run(command, input="secret-1\n", capture_output=True, text=True, timeout=30)
    row = json.loads(done.stdout)
    assert row["md5"] == hashlib.md5(b"door:Holdfast:secret-1").hexdigest()
    assert row["sha256"] == hashlib.sha256(b"door:Holdfast:secret-1").hexdigest()
    assert "secret" not in done.stdout
    for short in ("\n", "seven77\n"):
        done = subprocess.run(command, input=short, capture_output=True, text=True, timeout=30)
        assert (done.returncode, "8 characters or more" in done.stderr) == (1, True), done


def test_every_file_compiles_for_a_board():
    command = [sys.executable, str(ROOT / "tools" / "cross.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    compiled = interpreters.BUILD / "firmware" / "holdfast" / "core" / "module.mpy"
    assert compiled.read_bytes()[:2] == b"M\x06"


def test_without_micropython_the_board_runs_under_cpython_and_says_so(tmp_path):
    code = (
        "import sys; sys.path.insert(0, %r); import interpreters, simulate;"
        "interpreters.micropython = lambda: None;"
        "print(simulate.interpreter(simulate.parse([]), None)[0] == [sys.executable, '-u'])"
    ) % str(ROOT / "tools")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert "running under CPython" in done.stdout
    assert done.stdout.splitlines()[-1] == "True"
