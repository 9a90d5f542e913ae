"""The `network` of the settings: what is taken, and which key is named when it is not."""

from claims import raises
from holdfast.settings.model import SettingsError
from holdfast.settings.schema_network import _hex, _is_label
from makers import settings

WIFI = {"kind": "wifi", "ssid": "Yard", "key": "long enough"}
FIXED = {"address": "10.0.0.9", "netmask": "255.255.255.0", "gateway": "10.0.0.1"}


def with_(base, **more):
    row = dict(base)
    row.update(more)
    return {key: value for key, value in row.items() if value is not None}


def test_without_it_there_is_none():
    assert settings().network is None


def test_wifi_and_ethernet_with_and_without_a_fixed_address():
    assert settings(network=WIFI).network == ("wifi", "Yard", "long enough", "", "", None)
    row = with_(WIFI, hostname="gate-1", country="SE", **FIXED)
    assert settings(network=row).network[3:] == (
        "gate-1",
        "SE",
        ("10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1"),
    )
    row = with_(FIXED, kind="ethernet", dns=["9.9.9.9"])
    assert settings(network=row).network == (
        "ethernet",
        "",
        "",
        "",
        "",
        ("10.0.0.9", "255.255.255.0", "10.0.0.1", "9.9.9.9"),
    )
    assert settings(network=with_(WIFI, key="")).network[2] == ""  # an open network
    assert settings(network=with_(WIFI, key="aB" * 32)).network[2] == "aB" * 32


def test_a_bad_key_is_named():
    fixed = with_(WIFI, **FIXED)
    for key, row in (
        ("", []),
        ("kind", with_(WIFI, kind="token ring")),
        ("ssid", {"kind": "wifi"}),
        ("ssid", with_(WIFI, ssid="\u00e4" * 17)),
        ("ssid", with_(WIFI, ssid=7)),
        ("key", with_(WIFI, key="short")),
        ("key", with_(WIFI, key="g" * 64)),
        ("key", with_(WIFI, key="a" * 65)),
        ("key", {"kind": "ethernet", "key": "something"}),
        ("ssid", {"kind": "ethernet", "ssid": "Yard"}),
        ("pass", with_(WIFI, **{"pass": "x"})),
        ("hostname", with_(WIFI, hostname="a.b")),
        ("hostname", with_(WIFI, hostname="-a")),
        ("hostname", with_(WIFI, hostname="\u00e5")),
        ("country", with_(WIFI, country="se")),
        ("country", with_(WIFI, country="SWE")),
        ("netmask", with_(fixed, netmask=None)),
        ("netmask", with_(fixed, netmask="255.0.255.0")),
        ("netmask", with_(fixed, netmask="0.0.0.0")),
        ("netmask", with_(fixed, netmask="255.255.255.255")),
        ("address", with_(fixed, address="10.0.0.0")),
        ("address", with_(fixed, address="10.0.0.255")),
        ("address", with_(fixed, address="224.0.0.9")),
        ("address", with_(fixed, address="10.0.0.09")),
        ("address", with_(fixed, address="10.0.0.256")),
        ("address", with_(fixed, address="10.0.0")),
        ("address", with_(fixed, address="10.0.0.9.1")),
        ("address", with_(fixed, address="10.0.0.\u0663")),
        ("address", with_(fixed, address="gate.example")),
        ("gateway", with_(fixed, gateway="10.0.1.1")),
        ("gateway", with_(fixed, gateway="10.0.0.9")),
        ("dns", with_(fixed, dns="")),
        ("dns[0]", with_(fixed, dns=[""])),
    ):
        error = raises(SettingsError, settings, network=row)
        assert error.key == "settings.network" + ("." + key if key else ""), (row, error.key)


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


def test_every_length_holds_to_the_last():
    for key, good, bad in (
        ("ssid", ("a", "x" * 32, "\u00e4" * 16), ("x" * 33,)),
        ("key", ("x" * 8, "x" * 63, "0aF9" * 16), ("x" * 7, "x" * 64, "x" * 65)),
        ("hostname", ("", "a", "x" * 32, "az-AZ-09", "z", "0"), ("x" * 33, "a-", "-", "a_b")),
        ("country", ("", "SE"), ("S", "Se", "S1")),
    ):
        for value in good:
            assert value in settings(network=with_(WIFI, **{key: value})).network
        for value in bad:
            error = raises(SettingsError, settings, network=with_(WIFI, **{key: value}))
            assert error.key == "settings.network." + key


def test_without_a_kind_it_is_wifi():
    assert settings(network={"ssid": "Yard"}).network[:2] == ("wifi", "Yard")


def test_which_masks_and_hosts_there_are():
    for mask, address, gateway in (
        ("255.255.255.252", "10.0.0.1", "10.0.0.2"),  # the smallest network with two hosts
        ("255.0.0.0", "1.0.0.1", "1.0.0.2"),
        ("128.0.0.0", "223.0.0.1", "223.0.0.2"),
    ):
        row = with_(WIFI, address=address, netmask=mask, gateway=gateway)
        assert settings(network=row).network[5][:3] == (address, mask, gateway)
    for key, row in (
        (
            "netmask",
            with_(WIFI, address="10.0.0.2", netmask="255.255.255.254", gateway="10.0.0.3"),
        ),
        ("address", with_(WIFI, address="0.0.0.1", netmask="255.0.0.0", gateway="0.0.0.2")),
        ("address", with_(WIFI, address="224.0.0.1", netmask="255.0.0.0", gateway="224.0.0.2")),
        ("address", with_(WIFI, address="10.0.0.0001", netmask="255.0.0.0", gateway="10.0.0.2")),
        ("gateway", with_(WIFI, address="10.0.0.1", netmask="255.0.0.0", gateway="10.0.0.256")),
    ):
        assert raises(SettingsError, settings, network=row).key == "settings.network." + key


def test_the_first_of_three_servers_is_the_one_of_a_fixed_address():
    dns = ["9.9.9.9", "8.8.8.8", "7.7.7.7"]
    row = settings(network=with_(WIFI, dns=dns, **FIXED))
    assert row.network[5][3] == "9.9.9.9" and len(row.dns) == 3


def test_the_answer_is_yes_or_no():
    for text in ("a b", "a.b", "\u00e4"):
        assert _is_label(text) is False
    assert _hex("0aF") is True and _hex("0g") is False


def test_time_a_server_is_an_address_with_or_without_a_port():
    assert settings().time is None
    assert settings(time={}).time is None
    assert settings(time={"server": "192.168.0.1"}).time == ("192.168.0.1", 123)
    assert settings(time={"server": "192.168.0.1:8123"}).time == ("192.168.0.1", 8123)


def test_time_bad_ones_are_named():
    for text in ("pool.ntp.org", "1.2.3", "1.2.3.256", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536"):
        error = raises(SettingsError, settings, time={"server": text})
        assert error.key == "settings.time.server"
    for text in ("1.2.3.+4", "1.2.3.", "::1", 5, "1.2.3.4:1:2"):
        raises(SettingsError, settings, time={"server": text})
