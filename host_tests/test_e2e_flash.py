"""`holdfast flash` and everything else over a cable, as a user runs it, on a MicroPython behind a
pseudo-terminal: its raw REPL is the real one. docs/architecture.md says what a chip alone shows.
"""

import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

import interpreters
import pytest
from repl import ReplBoard

from boards import BLOCKED, ROOT, wait_for

HOLDFAST = str(Path(sys.executable).parent / "holdfast")
BOARD = '''"""A board for tests."""
NAME = "TEST_BOARD"
HAL = "test"
DATA = ""
PORTS = ((10, "input", 1), (12, "output", 1))
'''


def run(*arguments, stdin="", **environment):
    """The command as a user runs it: (status, standard output, standard error)."""
    environment = {**os.environ, **environment}
    done = subprocess.run(
        [HOLDFAST, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def boards_folder(tmp_path, monkeypatch):
    """A folder of wirings of one's own, with one of them."""
    folder = tmp_path / "boards"
    (folder / "TEST_BOARD").mkdir(parents=True)
    (folder / "TEST_BOARD" / "board.py").write_text(BOARD)
    monkeypatch.setenv("HOLDFAST_BOARDS", str(folder))
    return folder


@pytest.fixture
def cable(micropython, tmp_path, boards_folder):
    """A function(**options) that gives a board on a cable."""
    made = []

    def plug(**options):
        made.append(ReplBoard(micropython, tmp_path / ("cable%d" % len(made)), **options))
        return made[-1]

    yield plug
    for board in made:
        board.close()


def wanted():
    """{path: sha256} of what a flashed board holds."""
    folder = interpreters.compile_firmware()
    files = {"/board.py": BOARD.encode()}
    for path in folder.rglob("*"):
        name = "/" + path.relative_to(folder).as_posix()
        if path.suffix in (".mpy", ".py") and name not in (
            "/holdfast/hal/cable.mpy",
            "/holdfast/hal/simulated.mpy",
            "/holdfast/hal/rp2.mpy",
            "/holdfast/hal/esp32.mpy",
            "/holdfast/runtime/portable_cpython.mpy",
        ):
            files[name] = path.read_bytes()
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def there(board):
    return {
        "/" + path.relative_to(board.flash).as_posix(): digest(path)
        for path in board.flash.rglob("*")
        if path.is_file() and path.name != ".machine"
    }


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_board_gets_the_firmware_whole_and_starts_it(cable):
    board = cable()
    status, out, err = run("flash", "--port", board.port)
    assert status == 0, out + err
    assert there(board) == wanted()
    count = len(wanted())
    assert "%d files written and verified, 0 unchanged, 0 removed" % count in out
    wait_for(lambda: board.hard_resets == 1, what="the reset at the end")


def test_what_is_there_stays_what_is_stale_goes_settings_are_left_alone(cable):
    board = cable()
    assert run("flash", "--port", board.port, "--no-reset")[0] == 0
    assert board.hard_resets == 0
    kept = {"settings.json": b"{}", "settings.old": b"{ }", "log": b"x", "lib/other.mpy": b"M"}
    stale = ("holdfast/gone.mpy", "holdfast/old/x.mpy", "lib/holdfast/app.mpy", "main.py")
    for name, data in kept.items():
        (board.flash / name).parent.mkdir(exist_ok=True)
        (board.flash / name).write_bytes(data)
    for name in stale:
        (board.flash / name).parent.mkdir(parents=True, exist_ok=True)
        (board.flash / name).write_bytes(b"print('old')\n")
    untouched = board.flash / "holdfast" / "app.mpy"
    before = untouched.stat().st_mtime_ns
    status, out, _ = run("flash", "--port", board.port, "--check", "--no-reset")
    assert status == 1
    assert "would write /main.py" in out and "would remove /holdfast/gone.mpy" in out
    assert (board.flash / "holdfast/gone.mpy").exists()
    status, out, err = run("flash", "--port", board.port)
    assert status == 0, out + err
    assert "1 files written and verified, %d unchanged, 3 removed" % (len(wanted()) - 1) in out
    left = {"/" + name: hashlib.sha256(data).hexdigest() for name, data in kept.items()}
    assert there(board) == {**wanted(), **left}
    assert untouched.stat().st_mtime_ns == before
    assert not (board.flash / "holdfast" / "old").exists()
    assert not (board.flash / "lib" / "holdfast").exists()
    status, out, _ = run("flash", "--port", board.port, "--check")
    assert status == 0, out


def test_a_running_application_is_interrupted_and_its_watchdog_fed(cable, tmp_path):
    folder = tmp_path / "cable0" / "flash"
    folder.mkdir(parents=True)
    main = "import sys, time\nsys.modules['holdfast.app'] = 1\nopen('/running', 'w').close()\n"
    main += "while True:\n    time.sleep_ms(10)\n"
    (folder / "main.py").write_text(main)
    board = cable(main=True)
    wait_for(lambda: (folder / "running").exists(), what="the application")
    status, out, err = run("flash", "--port", board.port)
    assert status == 0, out + err
    assert board.told()[:3] == ["WDT 8000", "Timer 1000", "feed"]
    assert (folder / "main.py").read_bytes() == (ROOT / "firmware" / "main.py").read_bytes()


def test_a_board_without_a_running_application_gets_no_watchdog(cable):
    board = cable()
    assert run("flash", "--port", board.port, "--no-reset")[0] == 0
    assert board.told() == []


def test_a_cable_pulled_in_the_middle_leaves_no_mixture_that_starts(cable, tmp_path):
    board = cable()
    (board.flash / "main.py").write_text("print('the old one')\n")
    board.cut_after = 60000
    status, _, err = run("flash", "--port", board.port)
    assert status == 3, err
    assert "does not answer any more" in err
    assert not (board.flash / "main.py").exists()
    assert not list(board.flash.rglob("main.py.new"))
    whole = there(board)
    half = [name for name in whole if name in wanted() and whole[name] != wanted()[name]]
    assert half == []  # each file is the old one, or the new one
    again = cable()
    for path in list(board.flash.rglob("*")):
        if path.is_file():
            target = again.flash / path.relative_to(board.flash)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    status, out, err = run("flash", "--port", again.port)
    assert status == 0, out + err
    assert there(again) == wanted()


def test_unsuitable_boards_are_told_so(cable):
    for options, words in (
        ({"version": (1, 26, 1, "")}, "MicroPython 1.26.1; Holdfast needs 1.27 or later"),
        ({"name": "circuitpython"}, "runs circuitpython; Holdfast needs MicroPython"),
        ({"build": "OTHER_BOARD"}, "for which there is nothing in boards/"),
        ({"mpy": 5}, "loads .mpy files of version 5, mpy-cross here makes 6"),
    ):
        board = cable(**options)
        status, _, err = run("flash", "--port", board.port)
        assert words in err, err
        assert status == (6 if "name" in options else 7)
        assert there(board) == {}


def test_the_wrong_board_is_refused_and_a_build_of_ones_own_is_not(cable, boards_folder):
    (boards_folder / "SECOND").mkdir()
    (boards_folder / "SECOND" / "board.py").write_text(BOARD + 'BUILD = "TEST_BOARD"\n')
    (boards_folder / "THIRD").mkdir()
    (boards_folder / "THIRD" / "board.py").write_text(BOARD)
    board = cable()
    status, _, err = run("flash", "--port", board.port)
    assert (status, "which of these wirings it has: SECOND, TEST_BOARD" in err) == (7, True), err
    status, _, err = run("flash", "--port", board.port, "--board", "THIRD")
    assert (status, "this is a TEST_BOARD" in err and "not a THIRD" in err) == (7, True), err
    status, _, err = run("flash", "--port", board.port, "--board", "NONE_SUCH")
    assert (status, "there is no board NONE_SUCH" in err) == (7, True), err
    assert run("flash", "--port", board.port, "--board", "SECOND", "--check")[0] == 1
    own = cable(build="MY_BUILD")
    assert run("flash", "--port", own.port, "--board", "SECOND", "--check")[0] == 1
    variant = cable(build="THIRD-OTA")
    assert run("flash", "--port", variant.port, "--check")[0] == 1


def test_ports_without_a_board_are_told_so(cable, tmp_path):
    status, _, err = run("flash", "--port", "/dev/ttyNONE")
    assert (status, "there is no serial port /dev/ttyNONE" in err) == (3, True), err
    no_port = tmp_path / "file"
    no_port.write_text("")
    status, _, err = run("flash", "--port", no_port)
    assert (status, "is no serial port" in err) == (3, True), err
    status, _, err = run("flash", "--port", cable(deaf=True).port)
    assert (status, "no MicroPython answers" in err and "maintenance" in err) == (4, True), err


def test_without_any_board_there_is_nothing_to_flash():
    code = "from holdfast_cli import board, main; board.ports = lambda: %s; main.main()"
    for there, status, words in (
        ("[]", 3, "no board found"),
        ("[('/dev/a', 'Board A'), ('/dev/b', 'Board B')]", 3, "/dev/b  Board B"),
    ):
        command = [sys.executable, "-c", code % there, "flash"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status
        assert words in done.stderr, done.stderr


def test_a_port_that_somebody_else_has_is_busy(cable):
    board = cable()
    lock = "import fcntl, sys; f = open(%r); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True)"
    code = lock % board.port + "; sys.stdin.read()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        status, _, err = run("flash", "--port", board.port)
        other.stdin.close()
    assert (status, "is in use by another program" in err) == (4, True), err


def test_a_port_may_be_a_url_of_pyserial(cable):
    board = cable()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        url = "socket://127.0.0.1:%d" % listener.getsockname()[1]
        threading.Thread(target=carry, args=(listener, board.port), daemon=True).start()
        options = ("--serial", "--port", url, "--no-restart")
        account = ("--account", "root:administrator")
        status, out, err = run("provision", *options, *account, stdin="password\n")
    assert status == 0, out + err
    assert json.loads((board.flash / "settings.json").read_text())["accounts"][0]["name"] == "root"
    status, _, err = run("flash", "--port", url)
    assert (status, "cannot be opened" in err) == (3, True), err


def carry(listener, device):
    """One connection to a serial device, as ser2net makes it."""
    peer = listener.accept()[0]
    with peer, open(os.open(device, os.O_RDWR | os.O_NOCTTY), "r+b", buffering=0) as port:
        while True:
            ready, _, _ = select.select([peer, port], [], [])
            if port in ready:
                peer.sendall(port.read(4096))
            if peer in ready:
                data = peer.recv(4096)
                if not data:
                    return
                port.write(data)


def test_firmware_that_does_not_fit_is_refused_before_anything_is_touched(cable):
    board = cable(free=100)
    status, _, err = run("flash", "--port", board.port)
    assert (status, "the firmware does not fit" in err) == (1, True), err
    assert "400 KB of flash are free" in err
    assert there(board) == {}


def test_a_full_flash_is_told_so(cable):
    board = cable(full=5)
    status, _, err = run("flash", "--port", board.port)
    assert (status, "the flash of the board is full" in err) == (1, True), err
    assert not (board.flash / "main.py").exists()


def test_settings_go_over_the_cable_checked_and_hashed(cable):
    board = cable()
    options = ("--serial", "--port", board.port, "--name", "Gate", "--account", "door:operator")
    status, _, err = run("provision", *options, stdin="secret-1\n")
    assert (status, "nobody could administer it" in err) == (8, True), err
    assert there(board) == {}
    options += ("--account", "root:administrator", "--no-restart")
    status, out, err = run("provision", *options, stdin="secret-1\nother-one\n")
    assert status == 0, out + err
    text = (board.flash / "settings.json").read_text()
    document = json.loads(text)
    assert document["name"] == "Gate"
    assert [row["name"] for row in document["accounts"]] == ["door", "root"]
    assert document["realm"] != "Holdfast"  # no two modules share one
    login = "door:%s:secret-1" % document["realm"]
    assert document["accounts"][0]["md5"] == hashlib.md5(login.encode()).hexdigest()
    assert "secret" not in text and "other" not in text
    from holdfast.settings.format import document as read

    read(text.encode())  # its checksum is right
    options = ("--serial", "--port", board.port, "--name", "North")
    assert run("provision", *options)[0] == 0
    wait_for(lambda: board.hard_resets == 1, what="the restart")
    assert json.loads((board.flash / "settings.old").read_text())["name"] == "Gate"
    changed = json.loads((board.flash / "settings.json").read_text())
    assert changed["accounts"] == document["accounts"]


def test_settings_come_and_go_back_over_the_cable(cable, tmp_path):
    board = cable()
    file = tmp_path / "backup.json"
    status, _, err = run("backup", file, "--serial", "--port", board.port)
    assert (status, "no settings on the board" in err) == (1, True), err
    options = ("--serial", "--port", board.port)
    account = ("--account", "root:administrator")
    assert run("provision", *options, "--name", "Gate", *account, stdin="password\n")[0] == 0
    assert run("backup", file, *options)[0] == 0
    assert file.read_bytes() == (board.flash / "settings.json").read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    bad = tmp_path / "bad.json"
    bad.write_text('{"ports": {"1": {"power_on": "ajar"}}}')
    status, _, err = run("restore", bad, *options, "--yes")
    assert (status, "settings.ports.1.power_on" in err) == (8, True), err
    (board.flash / "settings.json").write_text("{}")
    status, out, err = run("restore", file, *options, "--yes")
    assert (status, err) == (0, ""), err
    assert "  new: accounts.root\n" in out
    assert (board.flash / "settings.json").read_bytes() == file.read_bytes()
    # A rule that does nothing is told of, here as over the network.
    words = "note: rule 1, Siren, does nothing at a loss: port 1 is locked while a master is lost"
    ruled = {**json.loads(file.read_text()), **BLOCKED}
    ruled.pop("checksum")
    text = json.dumps(ruled).replace('"port": "5"', '"port": "1"')
    bad.write_text(text.replace('{"5": {"fallback"', '{"1": {"fallback"'))
    for arguments in (("restore", bad, "--yes"), ("provision", "--name", "Gate")):
        status, _, err = run(*arguments, *options)
        assert (status, words in err) == (0, True), err


def test_a_certificate_and_its_key_are_files_on_the_board(cable, tmp_path):
    assert run("certificate", "gate.local", "--out", tmp_path)[0] == 0
    made = tmp_path / "gate.local.crt.der", tmp_path / "gate.local.key.der"
    options = ("--certificate", made[0], "--key", made[1], "--account", "root:administrator")
    status, _, err = run("provision", "127.0.0.1", *options, stdin="password\n")
    assert (status, "add --serial" in err) == (2, True), err
    board = cable()
    options += ("--serial", "--port", board.port, "--no-restart")
    status, out, err = run("provision", *options, stdin="password\n")
    assert status == 0, out + err
    document = json.loads((board.flash / "settings.json").read_text())
    assert document["tls"] == {"certificate": "tls.crt", "key": "tls.key"}
    found = [(board.flash / name).read_bytes() for name in ("tls.crt", "tls.key")]
    assert found == [path.read_bytes() for path in made]
    # The module takes them.
    from holdfast.wire.certificate import der, examine

    examine(der(found[0], False), der(found[1], True))
