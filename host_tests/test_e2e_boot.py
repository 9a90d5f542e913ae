"""How soon after the interpreter starts the outputs are safe, and how much later it serves."""

import subprocess
import sys
import time
import types

import interpreters
import pytest
from holdfast.core.crashloop import Restart

from boards import Figures

RUN = interpreters.ROOT / "boards" / "simulated" / "run.py"


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_outputs_are_safe_long_before_it_serves(tmp_path, runtime, record_property):
    """The wires of an earlier life stand at the other level; no network code is there yet, which
    test_house.py shows."""
    command = [sys.executable, "-u"]
    firmware = interpreters.FIRMWARE
    if runtime == "micropython":
        if interpreters.micropython() is None:
            pytest.skip("no MicroPython for this machine (set MICROPYTHON)")
        command = [interpreters.micropython()]
        firmware = interpreters.compile_firmware() or firmware
    safe, ready = [], []
    for i in range(5):
        pins = tmp_path / str(i)
        pins.mkdir()
        wire = pins / "gpio7"  # the last output
        wire.write_bytes(b"1")
        values = ["PINS=%s" % pins, "HOST=127.0.0.1", "PORT=0"]
        began = time.monotonic()
        board = subprocess.Popen(
            [*command, str(RUN), str(firmware), *values], stdout=subprocess.PIPE, text=True
        )
        try:
            while wire.read_bytes() != b"0":
                assert time.monotonic() < began + 10
                time.sleep(0.0002)
            safe.append(time.monotonic() - began)
            while "ready" not in board.stdout.readline():
                assert board.poll() is None
            ready.append(time.monotonic() - began)
        finally:
            board.kill()
            board.wait(5)
            board.stdout.close()
    safe, ready = Figures(safe), Figures(ready)
    text = "outputs safe p50 %.1f ms, serving p50 %.1f ms" % (safe.p50, ready.p50)
    record_property("start, " + runtime, text)
    print("\nstart, %s: %s" % (runtime, text))
    assert safe.max < ready.max


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_the_maintenance_jumper_keeps_the_application_from_starting(tmp_path, runtime):
    """Outputs are safe, nothing listens, and the start after it is no crash."""
    if runtime == "micropython" and interpreters.micropython() is None:
        pytest.skip("no MicroPython for this machine (set MICROPYTHON)")
    command = [sys.executable] if runtime == "cpython" else [interpreters.micropython()]
    jumper = tmp_path / "jumper"
    jumper.write_bytes(b"0")
    values = ["PINS=%s" % tmp_path, "DATA=%s" % tmp_path, "MAINTENANCE=%s" % jumper, "PORT=0"]
    result = subprocess.run(
        [*command, str(RUN), str(interpreters.FIRMWARE), *values],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "maintenance" in result.stdout and "ready" not in result.stdout
    assert [(tmp_path / ("gpio%d" % gpio)).read_bytes() for gpio in range(4, 8)] == [b"0"] * 4
    restart = Restart("watchdog", int((tmp_path / "retained").read_text(), 16))
    assert not restart.crashed and "maintenance" in restart.why


class Hal:
    """Ends as a chip does."""

    def __init__(self):
        self.resets = 0

    def maintenance(self, board):
        return False

    def ended(self, board):
        self.resets += 1


@pytest.mark.parametrize("error", [ImportError, MemoryError, KeyboardInterrupt, SystemExit])
def test_whatever_leaves_main_ends_in_a_reset_and_not_in_the_repl(monkeypatch, error):
    def live(board, hal, pins):
        raise error

    monkeypatch.setitem(sys.modules, "board", types.ModuleType("board"))
    life = types.ModuleType("holdfast.lifecycle")
    life.live = live
    monkeypatch.setitem(sys.modules, "holdfast.lifecycle", life)
    hal = Hal()
    program = (interpreters.FIRMWARE / "main.py").read_text()
    with pytest.raises(error):
        exec(program, {"__name__": "__main__", "hal": hal, "pins": None})
    assert hal.resets == 1
