"""The firmware against the stubs of each port: what a board does not have is found here."""

import shutil

import interpreters
import pytest
import typecheck

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


@pytest.mark.parametrize("port", typecheck.PORTS)
def test_a_call_that_a_port_does_not_have_is_found_and_the_firmware_has_none(tmp_path, port):
    """One look at the firmware and what is planted there: a look takes seconds."""
    firmware = tmp_path / "firmware"
    shutil.copytree(interpreters.FIRMWARE, firmware, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (code, _) in PLANTED.items():
        text = "import machine\n\n\ndef function():\n    " + code.replace("\n", "\n    ") + "\n"
        (firmware / "holdfast" / "hal" / (name + ".py")).write_text(text)
    count, lines = typecheck.check(port, firmware)
    planted = [name for name in PLANTED if name.startswith(port)]
    assert count == len(typecheck.files(port, interpreters.FIRMWARE)) + len(planted)
    for name, (_, wanted) in PLANTED.items():
        about = [line for line in lines if line.startswith("holdfast/hal/%s.py:" % name)]
        if wanted is None or name not in planted:
            assert about == [], about
        else:
            assert wanted in " ".join(about), (name, about)
    places = tuple("holdfast/hal/%s.py:" % name for name in planted)
    assert [line for line in lines if not line.startswith(places)] == []
