"""Which name servers there may be."""

from claims import raises
from holdfast.core.settings import SettingsError
from makers import settings


def test_servers_have_an_address_and_perhaps_a_port():
    assert settings().dns == ()
    assert settings(network={}).dns == ()
    dns = ["192.0.2.1", "127.0.0.1:5353"]
    assert settings(network={"dns": dns}).dns == (("192.0.2.1", 53), ("127.0.0.1", 5353))


def test_what_is_no_server_is_named():
    for bad in ("dns.example", "192.0.2", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:x", "", 1):
        error = raises(SettingsError, settings, network={"dns": ["192.0.2.1", bad]})
        assert error.key == "settings.network.dns[1]", bad
    for bad in ("192.0.2.1", ["192.0.2.1"] * 4, {}, None):
        assert raises(SettingsError, settings, network={"dns": bad}).key == "settings.network.dns"
    assert raises(SettingsError, settings, network=[]).key == "settings.network"
    assert raises(SettingsError, settings, network={"dsn": []}).key == "settings.network.dsn"
