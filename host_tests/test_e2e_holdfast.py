"""The `holdfast` command against the simulated board, as a user runs it: words and statuses."""

import contextlib
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
from holdfast import VERSION
from holdfast_cli import certificate as certificates

from boards import BLOCKED, account, output, settings, wait_for

# The command is the same whatever runs the firmware, and each call of it takes a while.
pytestmark = pytest.mark.nightly("cpython")

UNLOCKED = {"ports": {"5": {"fallback": {"locked": False}}}}

HOLDFAST = str(Path(sys.executable).parent / "holdfast")


def run(*arguments, password="pass", stdin="", seconds=90, **more):
    """The command as a user runs it: (status, standard output, standard error)."""
    environment = {**os.environ, "COLUMNS": "200", **more}
    if password is not None:
        environment["HOLDFAST_PASSWORD"] = password
    done = subprocess.run(
        [HOLDFAST, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert "a fault of this program" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


class Terminal:
    """The command on a pseudo-terminal; `screen()` is what a person sees, as text."""

    def __init__(self, *arguments, password="pass", rows=40, columns=110):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "HOLDFAST_PASSWORD": password}
        self.process = subprocess.Popen(
            [HOLDFAST, *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            # What a shell runs in its background ignores Ctrl-C, and so would what that starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(slave)
        self._data = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with contextlib.suppress(OSError):  # its other end is closed
            while True:
                select.select([self._master], [], [])
                data = os.read(self._master, 65536)
                if not data:
                    return
                self._data += data

    def screen(self):
        """The last picture: what came since the cursor went home last but one."""
        text = self._data.decode(errors="replace")
        pictures = text.split("\x1b[H")
        last = pictures[-1] if len(pictures) < 3 else pictures[-2] + pictures[-1]
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last)

    def shows(self, *words, seconds=15):
        wait_for(lambda: all(word in self.screen() for word in words), seconds, "%s" % (words,))

    def type(self, text):
        os.write(self._master, text.encode())

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._master)


@pytest.fixture
def terminal():
    """A function(*arguments) that gives the command on a terminal."""
    made = []

    def open_terminal(*arguments, **more):
        made.append(Terminal(*arguments, **more))
        return made[-1]

    yield open_terminal
    for one in made:
        if one.process.poll() is None:
            one.close()


# -- status, log, and what can be wrong -----------------------------------------------------------


def test_a_status_says_when_https_is_not_as_set(start):
    board = start(settings(tls={"http": True}))
    _, out, err = run("status", board.url)
    assert "no HTTPS as set: HTTP is served instead: settings.tls.certificate:" in out, out + err


def test_rules_that_a_lock_makes_useless_are_refused_and_those_at_a_start_are_told(
    start, tmp_path
):
    board = start(settings())
    document = json.loads(run("backup", "-", board.url)[1])
    document.pop("checksum", None)
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({**document, **BLOCKED}))
    status, out, err = run("restore", file, board.url, "--yes")
    assert (status, "  new: rules\n" in out) == (1, True), out + err
    words = "rule Siren would do nothing at a loss: port 5 is locked while a master is lost; "
    words += "set ports.5.fallback.locked to false first"
    assert "settings.rules.1: " + words in err
    board = start(settings(**BLOCKED))
    words = "rule 1, Siren, does nothing at a loss: port 5 is locked while a master is lost"
    status, out, err = run("status", board.url)
    assert (status, words in out) == (0, True), out + err
    # What is changed is another thing; the rule still does nothing.
    status, out, err = run("provision", board.url, "--name", "Gate")
    assert (status, words in err) == (0, True), out + err
    status, out, err = run("provision", "--file", file, "--name", "Gate")
    assert (status, words in err) == (0, True), out + err
    file.write_text(json.dumps({**document, **BLOCKED, **UNLOCKED}))
    for arguments in (
        ("restore", file, board.url, "--yes"),
        ("provision", "--file", file, "--name", "X"),
    ):
        status, out, err = run(*arguments)
        assert (status, "does nothing" in err) == (0, False), out + err
    assert "does nothing" not in run("status", board.url)[1]


def test_a_change_of_the_login_that_makes_it_leaves_rules_unseen_and_says_so(board):
    options = ("--account", "root:administrator")
    status, out, err = run("provision", board.url, *options, stdin="another one\n")
    assert (status, "saved, and in force" in out) == (0, True), out + err
    assert "note: rules were not looked at: " in err


def test_a_status_tells_uplinks_where_there_are_some(start):
    rows = [
        {"name": "platform", "kind": "unifi", "url": "http://127.0.0.1:1/", "frequency": 1},
        {"name": "off", "kind": "healthchecks", "url": "http://127.0.0.1:1/", "enabled": False},
    ]
    board = start(settings(uplinks={"links": rows}))
    wait_for(lambda: board.master().call("GET", "/holdfast/uplinks")[1]["links"][0]["failed"])
    status, out, err = run("status", board.url)
    assert status == 0, err
    lines = {line.split()[0]: line for line in out.splitlines() if line.split()}
    assert re.search(
        r"unifi +down .* 0 sent, \d+ failed +0 wait, 0 lost +no connection", lines["platform"]
    )
    assert re.search(r"healthchecks +disabled .* 0 sent, 0 failed", lines["off"])
    assert lines["off"].count("disabled") == 1


def test_a_status_tells_a_person_and_a_script(board):
    status, out, _ = run("status", board.url)
    assert status == 0
    assert "door" in out and "Output 4" in out and "not heard since the start" in out
    status, out, _ = run("status", board.url, "--json", "--user", "guest")
    assert (status, json.loads(out)["lost"]) == (0, False)
    with contextlib.closing(board.master("door")) as master:
        master.beat(50)
    wait_for(lambda: json.loads(run("status", board.url, "--json")[1])["lost"])
    status, out, _ = run("status", board.url)
    assert status == 1
    assert "LOST: door" in out and "no heartbeat for 50 ms" in out


def test_what_is_wrong_is_said_in_one_line(board, tmp_path):
    with socket.socket() as nobody, socket.socket() as stranger:
        nobody.bind(("127.0.0.1", 0))
        stranger.bind(("127.0.0.1", 0))
        stranger.listen(8)

        def mumble():
            with contextlib.suppress(OSError):
                while True:
                    peer = stranger.accept()[0]
                    peer.recv(65536)
                    peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
                    peer.close()

        threading.Thread(target=mumble, daemon=True).start()
        closed = "127.0.0.1:%d" % nobody.getsockname()[1]
        ssh = "127.0.0.1:%d" % stranger.getsockname()[1]
        https = board.url.replace("http", "https")
        for arguments, more, status, words in (
            (("status", closed), {}, 3, "cannot be reached: Connection refused"),
            (("status", ssh), {}, 6, "does not speak HTTP"),
            (("status", https), {}, (3, 6), ""),
            (("status", board.url), {"password": "wrong"}, 5, "wrong user or password for root"),
            (("status", board.url, "--user", "nobody"), {}, 5, "wrong user or password"),
            (("status", board.url), {"password": None}, 2, "there is no password of root"),
            (("backup", "-", board.url, "--user", "door"), {}, 5, "door may not do that"),
            (("status", "two words"), {}, 2, "is no address"),
            (("status", "http://x/path"), {}, 2, "is no address"),
            (("status", "ftp://x"), {}, 2, "is no address"),
            (("status", "http://[::1"), {}, 2, "is no address"),
            (("watch", closed), {}, 3, "cannot be reached"),
            (("master", closed, "--beats", "1"), {}, 3, "did not answer"),
            (("master", board.url, "--want", "4=ajar"), {}, 2, "4=ajar"),
            (("master", board.url, "--beats", "1", "-u", "guest"), {}, 5, "may not send"),
            (("status", board.url, "--trust", "/none"), {}, 0, ""),
            (("status", https, "--trust", "/none"), {}, 2, "No such file"),
            (("backup", tmp_path / "no" / "b", board.url), {}, 2, "No such file"),
            (("restore", tmp_path / "none", board.url), {}, 2, "No such file"),
            (("backup", "-"), {}, 2, "say the module's ADDRESS"),
            (("account", "door", "king"), {}, 2, "king is no role"),
            (("account", "door", "viewer"), {"password": None}, 2, "there is no password of door"),
            (("account", "door", "viewer"), {"password": "seven77"}, 2, "8 characters or more"),
            (("log", board.url, "--kind", "nonsense"), {}, 2, "there are: trip, return, release"),
            (("master", https, "--beats", "1", "--trust", "/none"), {}, 2, "No such file"),
            (("nonsense",), {}, 2, "No such command"),
            (("drill", board.url, "--report", "x.pdf"), {}, 2, ".md or a .html"),
        ):
            found, out, err = run(*arguments, **more)
            assert found in (status if isinstance(status, tuple) else (status,)), (arguments, err)
            assert words in err, (arguments, err)
            if arguments[0] != "nonsense" and found:
                assert err.count("\n") == 1, err


def test_the_log_of_a_module_that_has_none_and_of_one_that_has(board):
    status, _, err = run("log", board.url)
    assert (status, "has no event log" in err) == (1, True) or status == 0
    from holdfast_cli.log import parse, when

    entries = [{"number": 1, "at": 5000, "time": None, "kind": "trip", "text": "door"}]
    assert parse(json.dumps({"entries": entries}).encode()) == entries
    assert parse(b"\n".join(json.dumps(entry).encode() for entry in entries * 2)) == entries * 2
    assert when(entries[0]) == "start + 5 s"
    assert when({"time": 1700000000000}) == "2023-11-14T22:13:20.000Z"
    for bad in (b"nonsense", b"[1]", b'{"entries": 3}', b'{"entries": [3]}'):
        with pytest.raises(Exception, match="no event log"):
            parse(bad)


# -- settings -------------------------------------------------------------------------------------


def test_settings_go_to_a_file_and_come_back(board, tmp_path):
    file = tmp_path / "backup.json"
    status, out, _ = run("backup", file, board.url)
    assert (status, "4 accounts; keep it secret" in out) == (0, True)
    assert file.stat().st_mode & 0o777 == 0o600
    before = json.loads(file.read_text())
    del before["checksum"]  # who edits a backup takes it out
    changed = {**before, "name": "Other"}
    changed["ports"] = {"4": {"name": "Strike", "power_on": "closed"}}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(changed))
    status, _, err = run("restore", other, board.url)
    assert (status, "say --yes" in err) == (2, True), err
    status, out, err = run("restore", other, board.url, "--yes")
    for line in ('new: name "Other"', "new: ports.4"):
        assert "  %s\n" % line in out, out
    assert (status, "from the next start on: ports.4.power_on" in out) == (0, True), out + err
    said = json.loads(run("status", board.url, "--json")[1])
    assert (said["name"], said["ports"][4]["name"]) == ("Other", "Strike")
    assert board.level(4) == 0
    status, out, _ = run("restore", other, board.url)
    assert (status, out) == (0, "these are its settings: nothing changes\n")
    status, out, _ = run("restart", board.url)
    assert status == 0 and "it is back after" in out
    assert board.level(4) == 1  # the power-on state after the restart
    assert run("status", board.url)[0] == 0
    assert run("restore", file, board.url, "--yes")[0] == 0
    after = json.loads(run("backup", "-", board.url)[1])
    after.pop("checksum")
    assert after == before


def test_long_settings_go_in_parts(board, tmp_path):
    document = json.loads(run("backup", "-", board.url)[1])
    document.pop("checksum", None)
    document["accounts"] += [account("a%d" % i, "viewer") for i in range(12)]
    steps = [{"after": 1000 * i, "state": "closed", "pulse": 500} for i in range(4)]
    names = {str(i): {"name": "n" * 32, "usage": "u" * 32} for i in range(8)}
    document["ports"] = {
        port: {**row, "fallback": {"steps": steps}} if port >= "4" else row
        for port, row in names.items()
    }
    file = tmp_path / "long.json"
    file.write_text(json.dumps(document, indent=1))
    assert file.stat().st_size > 4096
    status, out, err = run("restore", file, board.url, "--yes")
    assert status == 0, out + err
    after = json.loads(run("backup", "-", board.url)[1])
    after.pop("checksum")
    for row in document["accounts"]:
        row.update(md5="*", sha256="*")
    assert after == document


def test_bad_settings_are_named_and_change_nothing(board, tmp_path):
    before = run("backup", "-", board.url)[1]
    file = tmp_path / "bad.json"
    for text, words in (
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        ('{"accounts": []}', "settings.accounts: must hold an administrator"),
        ('{"colour": 1, "accounts": %s}', "settings.colour: unknown key"),
        ('{"heartbeat": {"shortest": 1.5}}', "a number with a fraction"),
        ('{"name": "x", "checksum": "00"}', "checksum"),
    ):
        file.write_text(text.replace("%s", json.dumps([account("root", "administrator")])))
        status, _, err = run("restore", file, board.url, "--yes")
        assert (status, words in err) == (8, True), err
    assert run("backup", "-", board.url)[1] == before


def test_a_module_nobody_has_set_up_learns_hashes_alone(make_board, tmp_path):
    board = make_board({})
    board.start()
    seen = []
    with spied(board, seen) as url:
        arguments = ("provision", url, "--name", "Gate", "--account", "root:administrator")
        status, out, err = run(
            *arguments, "--account", "door:operator", stdin="hush-hush-1\nhush-hush-2\n"
        )
        assert status == 0, out + err
    sent = b"".join(seen)
    (realm,) = set(re.findall(rb'"realm": ?"([^"]+)"', sent))
    assert realm != b"Holdfast"  # no two modules share one
    assert hashlib.md5(b"root:%s:hush-hush-1" % realm).hexdigest().encode() in sent
    assert b"hush" not in sent
    assert run("status", board.url, password="hush-hush-1")[0] == 0
    said = json.loads(run("status", board.url, "--json", password="hush-hush-1")[1])
    assert said["name"] == "Gate"
    arguments = ("provision", board.url, "--account", "vms:operator", "--remove-account", "door")
    assert run(*arguments, password="hush-hush-1", stdin="hush-hush-3\n")[0] == 0
    document = json.loads(run("backup", "-", board.url, password="hush-hush-1")[1])
    assert [row["name"] for row in document["accounts"]] == ["root", "vms"]
    for more, words in (
        (("--remove-account", "root"), "nobody could administer"),
        (("--remove-account", "ghost"), "there is no account ghost"),
        (("--realm", "New"), "give these anew"),
        (("--account", "x:king"), "king is no role; write --account NAME:viewer"),
        (("--name", "x" * 40), "settings.name"),
        ((), "nothing to set"),
    ):
        status, _, err = run("provision", board.url, *more, password="hush-hush-1")
        assert status in (2, 8), err
        assert words in err, err


WIFI = {"HOLDFAST_WIFI_KEY": "a secret key"}


def network_of(board, password="pass"):
    with board.session("root", password) as root:
        return root.get(board.url + "/holdfast/settings", timeout=8).json().get("network")


def test_another_network_is_tried_and_kept_when_the_module_is_reached_there(make_board, tmp_path):
    board = make_board(settings(), "--data", tmp_path / "data", "--connections", 12).start()
    arguments = ("provision", board.url, "--wifi", "attic", "--hostname", "gate")
    status, out, err = run(*arguments, "--no-restart", **WIFI)
    assert (status, "on trial from the next start on" in out) == (0, True), out + err
    assert "holdfast confirm ADDRESS" in out
    assert network_of(board) is None
    status, _, err = run("confirm", board.url)
    assert (status, "no settings are on trial" in err) == (1, True), err
    # It waits for the start, and no other change drops it.
    status, _, err = run("provision", board.url, "--name", "Gate")
    assert (status, "other settings are on trial" in err) == (1, True), err
    assert run("confirm", board.url, "--take-back")[:2] == (0, "taken back\n")
    # It starts, is looked for and found, and so the network stays.
    status, out, err = run(*arguments, "--name", "Gate", **WIFI)
    assert status == 0, out + err
    assert out.startswith("saved, and in force\nit restarts, and is looked for at " + board.url)
    assert out.endswith("the network works, and is kept\n")
    assert network_of(board)["hostname"] == "gate"
    said = json.loads(run("status", board.url, "--json")[1])
    assert said["name"] == "Gate" and "trial" not in said
    status, out, err = run(*arguments, **WIFI)
    assert (status, out) == (0, "the network is as it was\n"), err


def test_a_trial_is_confirmed_or_taken_back_by_hand(board):
    path = board.url + "/holdfast/settings?trial=1"
    for options, said, locked in ((("--take-back",), "taken back", False), ((), "kept", True)):
        with board.session() as root:
            root.patch(path, json={"ports": {"5": {"fallback": {"locked": True}}}}, timeout=8)
        assert run("confirm", board.url, *options)[:2] == (0, said + "\n")
        with board.session() as root:
            rows = root.get(board.url + "/holdfast/outputs", timeout=8).json()["outputs"]
        assert [row["locked"] for row in rows if row["port"] == "5"] == [locked]


def test_a_module_nobody_has_set_up_gets_its_account_for_good_and_its_network_on_trial(
    make_board, tmp_path
):
    board = make_board({}, "--data", tmp_path / "data", "--connections", 12).start()
    arguments = ("--account", "root:administrator", "--wifi", "attic")
    status, out, err = run("provision", board.url, *arguments, password="long enough", **WIFI)
    assert (status, "the network works, and is kept" in out) == (0, True), out + err
    assert network_of(board, "long enough")["ssid"] == "attic"


@pytest.mark.nightly
def test_a_network_on_which_the_module_is_not_reached_goes_back(make_board, tmp_path):
    board = make_board(settings(), "--data", tmp_path / "data", "--connections", 12).start()
    fixed = ("--wifi", "attic", "--static", "127.0.0.9/8,127.0.0.1")
    status, out, err = run("provision", board.url, *fixed, seconds=240, **WIFI)
    assert (status, "the network was not changed: it is back" in err) == (1, True), out + err
    assert network_of(board) is None


@contextlib.contextmanager
def spied(board, seen):
    """The address of a wire to the board on which all that a PC sends is seen."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)

        def carry(source, target, note):
            with contextlib.suppress(OSError):
                while True:
                    data = source.recv(65536)
                    if note:
                        seen.append(data)
                    if not data:
                        break
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    near = listener.accept()[0]
                    far = socket.create_connection((board.host, board.port))
                    for pair in ((near, far, True), (far, near, False)):
                        threading.Thread(target=carry, args=pair, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield "http://127.0.0.1:%d" % listener.getsockname()[1]


def test_a_new_realm_needs_all_accounts_anew_and_counts_at_once(board):
    names = ("root", "door", "vms", "guest")
    roles = ("administrator", "operator", "operator", "viewer")
    options = [part for pair in zip(names, roles) for part in ("--account", "%s:%s" % pair)]
    arguments = ("provision", board.url, "--realm", "North", *options)
    status, out, err = run(*arguments, stdin="one-one-1\ntwo-two-2\nthree-three\nfour-four\n")
    assert status == 0, out + err
    assert run("status", board.url, password="one-one-1")[0] == 0
    assert run("status", board.url)[0] == 5
    status, out, _ = run("master", board.url, "-u", "door", "--beats", "1", password="two-two-2")
    assert status == 0, out


def test_two_new_modules_never_share_a_realm_and_one_that_has_accounts_keeps_its_own(tmp_path):
    realms = set()
    for i in range(2):
        file = tmp_path / ("%d.json" % i)
        options = ("provision", "--file", file)
        assert run(*options, "--account", "root:administrator", password="a password")[0] == 0
        made = json.loads(file.read_text())
        realms.add(made["realm"])
        secret = "root:%s:a password" % made["realm"]
        assert made["accounts"][0]["md5"] == hashlib.md5(secret.encode()).hexdigest()
        # Another account of the same module: its realm is as it was.
        assert run(*options, "--account", "door", password="a password")[0] == 0
        assert json.loads(file.read_text())["realm"] == made["realm"]
    assert len(realms) == 2
    # Hashes of settings that name none were made with the realm of all.
    del made["realm"]
    file.write_text(json.dumps(made))
    assert run(*options, "--account", "vms", password="a password")[0] == 0
    assert "realm" not in json.loads(file.read_text())


def test_a_settings_file_is_made_for_a_board(tmp_path):
    file = tmp_path / "settings.json"
    options = ("--file", file, "--name", "Gate", "--account", "root:administrator")
    status, out, err = run("provision", *options, password=None)
    assert (status, "there is no password of root" in err) == (2, True), err
    assert "HOLDFAST_PASSWORD_ROOT" in err and not file.exists()
    status, out, err = run("provision", *options, password=None, stdin="short\n")
    assert (status, "8 characters or more" in err, file.exists()) == (2, True, False), err
    status, out, err = run("provision", *options, password=None, stdin="long enough\n")
    assert status == 0, out + err
    assert json.loads(file.read_text())["name"] == "Gate"
    assert file.stat().st_mode & 0o777 == 0o600
    for variables in (
        {"password": "from outside"},
        {"HOLDFAST_PASSWORD_ROOT": "from outside", "password": "not this one"},
    ):
        status, out, err = run("provision", *options, **variables)
        assert status == 0, out + err
        made = json.loads(file.read_text())
        secret = "root:%s:from outside" % made["realm"]
        assert made["accounts"][0]["md5"] == hashlib.md5(secret.encode()).hexdigest()
    file.chmod(0o644)  # as an editor may have left it
    status, out, err = run("provision", "--file", file, "--name", "Yard", password=None)
    assert status == 0, out + err
    assert json.loads(file.read_text())["name"] == "Yard"
    assert file.stat().st_mode & 0o777 == 0o600


def test_certificates_are_p256_and_others_are_refused(tmp_path):
    status, out, err = run("certificate", "gate.local", "--address", "10.0.0.9", "--out", tmp_path)
    assert status == 0, err
    key = tmp_path / "gate.local.key.der"
    certificate = tmp_path / "gate.local.crt.der"
    assert key.stat().st_mode & 0o777 == 0o600
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    made = x509.load_der_x509_certificate(certificate.read_bytes())
    assert isinstance(made.public_key().curve, ec.SECP256R1)
    assert len(certificate.read_bytes()) < 700
    assert "fingerprint (SHA-256): " in out
    other = tmp_path / "rsa.pem"
    rsa_key = rsa.generate_private_key(65537, 2048)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    other.write_bytes(rsa_key.private_bytes(*pem, serialization.NoEncryption()))
    locked = tmp_path / "locked.pem"
    phrase = serialization.BestAvailableEncryption(b"x")
    locked.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(*pem, phrase))
    big = tmp_path / "big.pem"
    p384 = ec.generate_private_key(ec.SECP384R1())
    big.write_bytes(p384.private_bytes(*pem, serialization.NoEncryption()))
    run("certificate", "other", "--out", tmp_path)
    for name, words in (
        (other, "four seconds"),
        (locked, "has a passphrase"),
        (big, "secp384r1; a module takes P-256"),
        (tmp_path / "other.key.der", "does not belong to"),
        (certificate, "is no certificate or key"),
        (tmp_path / "none", "No such file"),
    ):
        options = ("--serial", "--certificate", certificate, "--key", name)
        status, _, err = run("provision", *options)
        assert (status in (2, 8), words in err) == (True, True), err


# -- watch ----------------------------------------------------------------------------------------


def test_watch_shows_ports_and_events_and_says_when_it_is_not_live(make_board, terminal):
    ports = {"4": {"name": "Strike", "fallback": {"locked": True}}}
    board = make_board(settings(ports), "--connections", 12, "--port", free())
    board.start()
    watch = terminal("watch", board.url)
    watch.shows(" LIVE ", "Strike", "not heard since the start", " 0 events")
    board.drive(0, 1)
    watch.shows("DigitalInput")
    with contextlib.closing(board.master("door")) as master:
        master.beat(60000)
        master.set(p4="closed")
        watch.shows("closed", "set by door")
        master.beat(300)
    watch.shows("Monitor/Heartbeat", "LOST: door", "fallback: door silent for", "locked")
    assert board.stop() == 0
    watch.shows("NOT LIVE", "as it was; no answer for", "Strike", "was lost")
    board.start()
    watch.shows(" LIVE ", "live again", "it was restarted")
    assert watch.close() == 0


def free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_watch_finds_out_that_a_module_hangs(board, terminal):
    watch = terminal("watch", board.url)
    watch.shows(" LIVE ")
    with board.frozen():
        watch.shows("NOT LIVE", seconds=40)
    watch.shows(" LIVE ", "live again", seconds=40)


def test_watch_misses_nothing_while_the_wire_is_cut(board, terminal):
    with wire(board) as (url, cut):
        watch = terminal("watch", url, "--topic", "tns1:Device/tnsaxis:IO/Port", rows=60)
        watch.shows(" LIVE ")
        cut()
        board.drive(1, 1)
        board.drive(2, 1)
        watch.shows("live again")
        watch.shows("IO/Port                1    1", "IO/Port                2    1")
        assert "events are missing" not in watch.screen()


@contextlib.contextmanager
def wire(board):
    """(address, cut): a wire to the board whose connections `cut()` ends, all of them."""
    ends = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)

        def carry(source, target):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    target.sendall(data)
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    near = listener.accept()[0]
                    far = socket.create_connection((board.host, board.port))
                    ends.extend((near, far))
                    for pair in ((near, far), (far, near)):
                        threading.Thread(target=carry, args=pair, daemon=True).start()

        def cut():
            for end in ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            ends.clear()

        threading.Thread(target=serve, daemon=True).start()
        yield "http://127.0.0.1:%d" % listener.getsockname()[1], cut


def test_watch_prints_lines_where_no_terminal_is(board):
    status, out, err = run("watch", board.url, "--seconds", "1")
    assert status == 0, err
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3}  Monitor/Heartbeat +0$", out, re.M), out


# -- drill ----------------------------------------------------------------------------------------

DRILLED = {
    "4": {"name": "Strike", **output("door", "restore", [{"after": 0, "state": "open"}])},
    "5": output("door", "hold", [{"state": "closed", "pulse": 400}], locked=False),
    "6": output("vms", steps=[{"state": "closed"}]),
    "7": output("any", "restore", [{"state": "hold"}, {"after": 300, "state": "closed"}]),
}


def test_a_drill_trips_measures_reports_and_puts_back(start, tmp_path):
    board = start(settings(DRILLED), "--connections", 12)
    with contextlib.closing(board.master("root")) as root:
        root.set(p4="closed", p6="closed")
    report = tmp_path / "report.md"
    arguments = ("drill", board.url, "--master", "door", "--duration", "400", "--yes")
    secret = {"HOLDFAST_MASTER_PASSWORD": "pass"}
    status, out, err = run(*arguments, "--report", report, **secret)
    assert status == 0, out + err
    assert "PASSED" in out
    late = [float(value) for value in re.findall(r"event (-?[\d.]+) ms after the deadline", out)]
    assert len(late) == 2 and all(0 <= value < 500 for value in late), out
    assert board.levels() == "1010"  # as before
    said = json.loads(run("status", board.url, "--json")[1])
    assert said["lost"] is False and said["trips"]["count"] == 2
    text = report.read_text()
    document = run("backup", "-", board.url)[1]
    assert hashlib.sha256(document.encode()).hexdigest() in text
    for words in (
        "| result | PASSED |",
        "| 4 Strike | open | of door: open; locked | as last commanded | open | open | open |",
        "of door: closed, open after 0.4 s; not locked | stays as it is",
        "of vms: closed; locked",
        "of any master: stays as it is, closed after 0.3 s; locked | as last commanded | open"
        " | open | open, closed after 0.3 s |",
        "| 4 Strike | closed | open | open | closed | closed |",
    ):
        assert words in text, text
    page = tmp_path / "report.html"
    status, out, err = run(*arguments, "--report", page, "--times", "1", **secret)
    assert status == 0, out + err
    assert "<td>4 Strike</td>" in page.read_text()


def test_a_drill_makes_outputs_move_and_one_that_showed_nothing_is_inconclusive(start, tmp_path):
    fallback = output(steps=[{"state": "closed"}])
    ports = {"4": fallback, "5": output("any", "restore"), "7": output(steps=[{"state": "hold"}])}
    board = start(settings(ports), "--connections", 12)
    report = tmp_path / "report.md"
    arguments = ("drill", board.url, "--duration", "300", "--yes", "--report", report)
    status, out, err = run(*arguments)
    assert (status, "PASSED" in out) == (0, True), out + err
    assert "5 Output 5: is open; of any master: open; locked; is set to closed first" in out
    assert "4 Output 4: is open; of any master: closed; locked\n" in out
    assert "not seen to move" not in out
    assert "| 5 Output 5 | open | open | open | closed | open |" in report.read_text()
    assert board.levels() == "0000"
    status, out, err = run(*arguments, "--as-it-is")
    assert (status, "INCONCLUSIVE" in out, "PASSED" in out) == (9, True, False), out + err
    assert "note: 5 Output 5 was not seen to move: that it falls back was not shown" in out
    assert "4 Output 4 was not" not in out and "first" not in out
    text = report.read_text()
    assert "| result | INCONCLUSIVE |" in text
    assert "| 5 Output 5 | open | open (INCONCLUSIVE: it did not move) | open |" in text


@pytest.mark.parametrize("heartbeat", ({}, {"masters": ["root", "door"], "needed": "any"}))
def test_a_drill_beside_a_master_that_is_enough_is_refused(start, heartbeat):
    board = start(settings(heartbeat={"shortest": 1, **heartbeat}), "--connections", 12)
    with contextlib.closing(board.master("door")) as door:
        door.beat(60000)
        status, out, err = run("drill", board.url, "--duration", "300", "--yes", "--times", "1")
        assert (status, "nothing is lost; stop it first" in err) == (9, True), out + err
        assert door.status()["trips"]["count"] == 0


def test_a_drill_of_a_master_that_moves_nothing_is_inconclusive(start):
    ports = {str(port): output("door") for port in range(4, 8)}
    board = start(settings(ports), "--connections", 12)
    status, out, err = run("drill", board.url, "--duration", "300", "--yes", "--times", "1")
    assert (status, "PASSED" in out) == (9, False), out + err
    assert "no output falls back with root: nothing was shown" in out
    assert "settings name other masters: heartbeats of root count for nothing" in out
    # What the fallback leaves as it is does not move either.
    holding = {"master": "door", "steps": [{"state": "hold"}]}
    with board.session() as root:
        patch = {"ports": {"4": {"fallback": dict(holding, master="root")}}}
        root.patch(board.url + "/holdfast/settings", json=patch, timeout=8)
    status, out, err = run("drill", board.url, "--duration", "300", "--yes", "--times", "1")
    assert (status, "INCONCLUSIVE" in out) == (9, True), out + err


def test_a_drill_finds_an_output_that_does_not_do_as_the_settings_say(start):
    """The fallback opens it, and a rule closes it again: nothing locks the port."""
    action = {"template": "com.axis.action.unlimited.io.toggle"}
    action["parameters"] = {"port": "4", "state": "high"}
    lost = {"topic": "tns1:Device/tnsaxis:Monitor/Heartbeat"}
    setup = settings(
        {"4": output(locked=False, steps=[{"state": "open"}])},
        actions={"1": action},
        rules={"1": {"action": "1", "conditions": [lost]}},
    )
    board = start(setup, "--connections", 12)
    status, out, _ = run("drill", board.url, "--duration", "300", "--yes")
    assert (status, "FAILED: not every output" in out) == (1, True), out


def test_a_drill_asks_first_and_touches_nothing_without_an_answer(board, terminal):
    status, _, err = run("drill", board.url)
    assert (status, "say --yes" in err) == (2, True), err
    asked = terminal("drill", board.url, "--duration", "300")
    asked.shows("Outputs will move. Go on?")
    asked.type("n\n")
    assert asked.process.wait(10) == 130
    said = json.loads(run("status", board.url, "--json")[1])
    assert said["trips"]["count"] == 0 and said["masters"][0]["beats"] == 0


def test_a_drill_that_would_prove_nothing_is_not_begun(board):
    for arguments, status, words in (
        (("--master", "ghost"), 8, "no account ghost"),
        (("--master", "guest"), 5, "guest is a viewer"),
        (("--user", "door"), 5, "door may not do that"),
    ):
        found, _, err = run("drill", board.url, "--yes", *arguments)
        assert (found, words in err) == (status, True), err
    with contextlib.closing(board.master("door")) as master:
        master.beat(60000)
        found, _, err = run("drill", board.url, "--yes", "--master", "door")
        assert (found, "door is beating" in err) == (1, True), err
        master.beat(20)
    wait_for(lambda: json.loads(run("status", board.url, "--json")[1])["lost"])
    found, _, err = run("drill", board.url, "--yes")
    assert (found, "lost already: door" in err) == (1, True), err


def test_a_drill_that_is_interrupted_puts_back(board, terminal):
    with contextlib.closing(board.master("root")) as root:
        root.set(p4="closed")
    drill = terminal("drill", board.url, "--yes", "--duration", "1500", "--times", "5")
    drill.shows("trip 1")
    drill.process.send_signal(signal.SIGINT)
    assert drill.process.wait(20) == 130
    wait_for(lambda: board.level(4) == 1, what="the output as it was")
    assert json.loads(run("status", board.url, "--json")[1])["lost"] is False


# -- others ---------------------------------------------------------------------------------------


def test_the_reference_controller_is_a_sub_command(board):
    arguments = ("master", board.url, "--user", "door", "--beats", "2", "--interval", "50")
    status, out, _ = run(*arguments, "--want", "4=closed")
    assert (status, out.count("answered in"), board.level(4)) == (0, 2, 1), out


def test_the_reference_controller_speaks_https_with_the_modules_own_certificate(
    make_board, tmp_path
):
    made = certificates.make("board", ["127.0.0.1"], 30)
    data = tmp_path / "data"
    data.mkdir()
    (data / "tls.crt").write_bytes(made.certificate)
    (data / "tls.key").write_bytes(made.key)
    port = free()
    board = make_board(
        settings(tls={"http": True}), "--data", data, "--tls-port", port, "--connections", 12
    )
    board.start()
    url = "https://127.0.0.1:%d" % port
    arguments = ("master", url, "--user", "door", "--beats", "2", "--interval", "50")
    status, out, err = run(*arguments, "--trust", data / "tls.crt", "--want", "4=closed")
    assert (status, out.count("answered in"), board.level(4)) == (0, 2, 1), out + err
    status, out, err = run(*arguments)
    assert (status, out.count("is not one that is trusted here")) == (3, 2), out + err
    assert run(*arguments, "--insecure")[0] == 0


def test_the_version_and_what_a_shell_completes(tmp_path):
    assert run("--version") == (0, "holdfast %s\n" % VERSION, "")
    script = tmp_path / "completion.bash"
    command = ["bash", "-c", "%s --show-completion > %s; true" % (HOLDFAST, script)]
    subprocess.run(command, timeout=60, check=True)  # it looks which shell that is
    for line, wanted in (
        (("holdfast", "st"), {"status"}),
        (("holdfast", "res"), {"restore", "restart"}),
        (("holdfast", "status", "--tr"), {"--trust"}),
    ):
        program = "source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _holdfast_completion %s"
        program += '; echo "${COMPREPLY[@]}"'
        program %= script, " ".join(line), len(line) - 1, HOLDFAST
        done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60)
        assert set(done.stdout.split()) == wanted, done


def test_a_module_restarts_when_told_to(board):
    status, _, err = run("restart", board.url, "--user", "door")
    assert (status, "door may not do that" in err) == (5, True), err
    ready = board.lines.count("ready " + board.url)
    status, out, err = run("restart", board.url)
    assert (status, bool(re.fullmatch(r"it is back after \d+\.\d s\n", out))) == (0, True), err
    assert board.lines.count("ready " + board.url) == ready + 1
    assert run("restart", board.url, "--no-wait")[1] == "it restarts\n"
    wait_for(lambda: board.lines.count("ready " + board.url) == ready + 2, 20, "another start")


def test_help_is_there_for_every_sub_command():
    out = run("--help")[1]
    names = re.findall(r"^  (\w+)  ", out, re.M)
    assert {"flash", "provision", "backup", "restore", "status", "watch", "master"} < set(names)
    assert {"drill", "log", "simulate"} < set(names)
    for name in names:
        status, out, _ = run(name, "--help")
        assert (status, "sage" in out) == (0, True), name


def test_time_is_not_lost_on_modules_that_are_not_there():
    began = time.monotonic()
    assert run("status", "127.0.0.1:9")[0] == 3
    assert time.monotonic() - began < 10


def test_an_output_is_bypassed_and_that_is_shown_and_ended(start):
    board = start(settings({"4": output(power_on="closed", locked=False)}))
    status, out, err = run("bypass", "4", "15m", board.url, "--yes")
    assert (status, out) == (0, "port 4 is bypassed for 15m; `holdfast bypass 4 0` ends it\n"), err
    shown = run("status", board.url)[1]
    (line,) = [line for line in shown.splitlines() if "bypassed" in line]
    assert line.startswith("4 ") and "left: no loss moves it" in line
    left = float(line.partition("bypassed, ")[2].partition(" s left")[0])
    assert 800 < left <= 900
    assert run("bypass", "4", "0", board.url)[0] == 0
    assert "bypassed" not in run("status", board.url)[1]
    for words, code, said in (
        (("4", "0"), 1, "is not bypassed"),
        (("0", "1h"), 1, "is no output"),
        (("9", "1h"), 1, "has no port 9"),
        (("4", "soon"), 2, "is no time"),
    ):
        status, out, err = run("bypass", *words, board.url, "--yes")
        assert (status, said in err) == (code, True), (words, err)
