"""How soon after the interpreter starts the outputs are safe, and how much later it serves."""

import subprocess
import sys
import time

import interpreters
import pytest

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
