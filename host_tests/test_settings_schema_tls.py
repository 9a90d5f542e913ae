"""The settings of TLS."""

from claims import raises
from holdfast.settings.model import SettingsError
from makers import settings


def test_defaults_and_names():
    assert settings().tls is None
    # HTTP is not served beside it unless settings say so; the start tells of that.
    assert settings(tls={}).tls == ("tls.crt", "tls.key", None)
    assert settings(tls={"http": True}).tls[2] is True
    row = {"certificate": "a.der", "key": "b.der", "http": False}
    assert settings(tls=row).tls == ("a.der", "b.der", False)


def test_bad_ones_are_named():
    for row, key in (
        ({"certificate": "../x"}, "certificate"),
        ({"certificate": ""}, "certificate"),
        ({"certificate": ".x"}, "certificate"),
        ({"key": "settings.json"}, "key"),
        ({"key": "log0.1"}, "key"),
        ({"key": "tls.crt"}, "key"),
        ({"key": "x" * 33}, "key"),
        ({"key": 5}, "key"),
        ({"http": "no"}, "http"),
        ({"http": None}, "http"),
        ({"port": 5}, "port"),
    ):
        assert raises(SettingsError, settings, tls=row).key == "settings.tls." + key
    assert raises(SettingsError, settings, tls=[]).key == "settings.tls"


def test_a_name_may_be_32_characters_long():
    assert settings(tls={"key": "x" * 32}).tls[1] == "x" * 32
