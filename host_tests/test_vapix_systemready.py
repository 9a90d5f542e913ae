"""systemready.cgi: ready, needs setup, uptime, boot id."""

from devices import Running, stranger
from holdfast.vapix.systemready import SystemReady
from holdfast.wire.json import loads
from makers import Asked

READY = '{"apiVersion":"1.1","method":"systemready","params":{"timeout":20}}'


def ask(running, body=READY, now=0):
    subject = SystemReady(running.module, running.store, b"\1" * 16)
    return loads(subject.post(stranger(), Asked(body), now).body)


def test_a_module_that_serves_is_ready():
    running = Running()
    assert ask(running)["data"]["systemready"] == "no"
    running.module.events.set(running.module.ready, True, 0)
    assert ask(running)["data"]["systemready"] == "yes"


def test_uptime_is_in_seconds_and_the_boot_id_stays():
    data = ask(Running(), now=7_800_999)["data"]
    assert data["uptime"] == "7800"
    assert data["bootid"] == "01010101-0101-4101-8101-010101010101"


def test_a_fresh_device_needs_setup_and_a_broken_one_does_not():
    assert ask(Running())["data"]["needsetup"] == "no"
    assert ask(Running(files={}))["data"]["needsetup"] == "yes"
    assert ask(Running(files={"settings.json": b"{"}))["data"]["needsetup"] == "no"


def test_versions():
    answer = ask(Running(), '{"method":"getSupportedVersions"}')
    assert answer["data"]["apiVersions"] == ["1.0", "1.1"]


def test_bad_calls_have_their_codes():
    for body, code in (
        ("", 2101),
        ('{"method":"systemready"}', 2103),
        ('{"apiVersion":"2.0","method":"systemready"}', 2100),
        ('{"apiVersion":"1.0","method":"tea"}', 2102),
    ):
        assert ask(Running(), body)["error"]["code"] == code
