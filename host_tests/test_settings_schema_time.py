"""The settings of the time."""

from claims import raises
from holdfast.settings.model import SettingsError
from makers import settings


def test_a_server_is_an_address_with_or_without_a_port():
    assert settings().time is None
    assert settings(time={}).time is None
    assert settings(time={"server": "192.168.0.1"}).time == ("192.168.0.1", 123)
    assert settings(time={"server": "192.168.0.1:8123"}).time == ("192.168.0.1", 8123)


def test_bad_ones_are_named():
    for text in ("pool.ntp.org", "1.2.3", "1.2.3.256", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536"):
        error = raises(SettingsError, settings, time={"server": text})
        assert error.key == "settings.time.server"
    for text in ("1.2.3.+4", "1.2.3.", "::1", 5, "1.2.3.4:1:2"):
        raises(SettingsError, settings, time={"server": text})
