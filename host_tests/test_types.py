"""The firmware against the stubs of each port: what a board does not have is found here."""

import shutil

import interpreters
import pytest
import typecheck


@pytest.mark.parametrize("port", typecheck.PORTS)
def test_the_firmware_calls_nothing_that_a_port_does_not_have(port):
    count, lines = typecheck.check(port, interpreters.FIRMWARE)
    assert lines == []
    assert count == len(typecheck.files(port, interpreters.FIRMWARE))


# By the name of a file of hal/: code, and what the checker must say of it.
PLANTED = {
    "rp2_no_such_method": ("machine.Pin(2).blink()", '"blink" for class "Pin"'),
    "rp2_no_such_function": ("machine.explode()", '"explode" is not a known attribute of module'),
    "rp2_wrong_argument": ("machine.WDT(timeout='long')", '"timeout"'),
    "rp2_too_many": ("machine.unique_id(1)", "Expected 0 positional arguments"),
    "rp2_other_ports_module": ("import esp32", '"esp32" could not be resolved'),
    "rp2_cpythons": ("import time\ntime.monotonic_ns()", '"monotonic_ns" is not a known'),
    "rp2_fine": ("machine.Pin(2, machine.Pin.OUT, value=0).on()", None),
    "esp32_other_ports_module": ("import rp2", '"rp2" could not be resolved'),
    "esp32_fine": ("import esp32\nesp32.raw_temperature()", None),
}


@pytest.mark.parametrize("port", ("rp2", "esp32"))
def test_a_call_that_a_board_does_not_have_is_found(tmp_path, port):
    firmware = tmp_path / "firmware"
    shutil.copytree(interpreters.FIRMWARE, firmware, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (code, _) in PLANTED.items():
        text = "import machine\n\n\ndef function():\n    " + code.replace("\n", "\n    ") + "\n"
        (firmware / "holdfast" / "hal" / (name + ".py")).write_text(text)
    _, lines = typecheck.check(port, firmware)
    for name, (_, wanted) in PLANTED.items():
        about = [line for line in lines if line.startswith("holdfast/hal/%s.py:" % name)]
        if wanted is None or not name.startswith(port):
            assert about == [], about
        else:
            assert wanted in " ".join(about), (name, about)
    assert not [line for line in lines if not line.startswith("holdfast/hal/" + port)]
