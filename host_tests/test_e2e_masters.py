"""What a loss does for whom, from outside: settings of a version before, rules on a loss."""

import hashlib
import json

from boards import ANSWER_S, account, output, settings, wait_for


def of_0_1_0(config):
    """A settings file as version 0.1.0 wrote it: with a checksum, and no format."""
    data = json.dumps(config, indent=1, sort_keys=True)[:-1].rstrip().encode()
    return data + b',\n "checksum": "%s"\n}\n' % hashlib.sha256(data).hexdigest().encode()


def log(board, *kinds):
    """The texts of the event log, of these kinds."""
    with board.session() as root:
        answer = root.get(board.url + "/holdfast/log?limit=64", timeout=ANSWER_S).json()
    return [row["text"] for row in answer["entries"] if row["kind"] in kinds]


def test_settings_of_a_version_before_keep_their_locks_and_what_changed_is_told_once(
    make_board, tmp_path
):
    """The module writes them anew by itself, so that the next start has nothing to tell."""
    data = tmp_path / "data"
    data.mkdir()
    ports = {"4": output("door"), "5": output(locked=False), "6": {"power_on": "closed"}}
    old = settings(ports, [account("door", realm="Holdfast")])
    (data / "settings.json").write_bytes(of_0_1_0(old))
    board = make_board(None, "--data", data).start()
    told = [text for text in log(board, "settings") if "0.1.0" in text]
    assert told == [
        "those of 0.1.0: outputs without a fallback are not locked at a loss any more: 6, 7",
        "those of 0.1.0: masters of outputs are lost 60 s after a start without heartbeat: door",
    ]
    master = board.master("door")
    master.beat(60000)
    with board.session() as root:
        drill = {"master": "door"}
        assert root.post(board.url + "/holdfast/drill", json=drill, timeout=ANSWER_S).ok
    assert "locked" in master.set(p4="closed")["error"]["message"]
    assert "error" not in master.set(p5="closed")
    wait_for(lambda: b'"format": 2' in (data / "settings.json").read_bytes(), what="the format")
    with board.session() as root:
        rows = root.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()["ports"]
    assert [rows[port].get("fallback", {}).get("locked") for port in "456"] == [True, False, None]
    assert board.stop() == 0
    board = make_board(None, "--data", data).start()
    again = [text for text in log(board, "settings") if "0.1.0" in text]
    assert again in ([], told)  # what the life before has told may stand in flash
