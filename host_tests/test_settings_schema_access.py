"""The settings of TLS and of logins."""

from claims import raises
from holdfast.settings.model import SettingsError
from makers import settings


def test_tls_defaults_and_names():
    assert settings().tls is None
    # HTTP is not served beside it unless settings say so; the start tells of that.
    assert settings(tls={}).tls == ("tls.crt", "tls.key", None)
    assert settings(tls={"http": True}).tls[2] is True
    row = {"certificate": "a.der", "key": "b.der", "http": False}
    assert settings(tls=row).tls == ("a.der", "b.der", False)


def test_tls_bad_ones_are_named():
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


def test_tls_a_name_may_be_32_characters_long():
    assert settings(tls={"key": "x" * 32}).tls[1] == "x" * 32


def test_login_what_is_read():
    assert settings().login == (True, ())
    assert settings(login={}).login == (True, ())
    assert settings(login={"md5": False}).login == (False, ())
    names = ["Door7.plant.example", "io"]
    assert settings(login={"names": names}).login == (True, ("door7.plant.example", "io"))


def test_login_what_is_refused():
    for login, key in (
        ({"md5": 0}, "settings.login.md5"),
        ({"names": "a"}, "settings.login.names"),
        ({"names": ["a"] * 5}, "settings.login.names"),
        ({"names": ["a", ""]}, "settings.login.names[1]"),
        ({"names": ["a:80"]}, "settings.login.names[0]"),
        ({"names": ["http://a"]}, "settings.login.names[0]"),
        ({"names": [7]}, "settings.login.names[0]"),
        ({"names": ["a" * 65]}, "settings.login.names[0]"),
        ({"sha256": True}, "settings.login.sha256"),
    ):
        assert raises(SettingsError, settings, login=login).key == key


def test_login_the_limits_themselves_are_taken():
    names = ["a" * 64, "b", "c", "0-9.z"]
    assert settings(login={"names": names}).login == (True, tuple(names))
