"""The `login` of the settings."""

from claims import raises
from holdfast.settings.model import SettingsError
from makers import settings


def test_what_is_read():
    assert settings().login == (True, ())
    assert settings(login={}).login == (True, ())
    assert settings(login={"md5": False}).login == (False, ())
    names = ["Door7.plant.example", "io"]
    assert settings(login={"names": names}).login == (True, ("door7.plant.example", "io"))


def test_what_is_refused():
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


def test_the_limits_themselves_are_taken():
    names = ["a" * 64, "b", "c", "0-9.z"]
    assert settings(login={"names": names}).login == (True, tuple(names))
