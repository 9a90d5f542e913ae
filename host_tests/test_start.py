"""The first half of the start: settings that are there, missing or broken, and the pins."""

import json

from holdfast.core.settings import Settings
from holdfast.start import load_settings

from boards import account

WIRING = ((0, "input", 1), (4, "output", 1))


class Storage:
    def __init__(self, data):
        self.data = data

    def read(self, name):
        assert name == "settings.json"
        return self.data


def load(data):
    return load_settings(Storage(data), WIRING)


def test_good_settings_are_taken():
    data = json.dumps({"name": "N", "accounts": [account("a")]}).encode()
    settings = load(data)
    assert isinstance(settings, Settings)
    assert (settings.name, settings.accounts[0].name) == ("N", "a")


def test_missing_or_broken_settings_are_safe_defaults_and_said_aloud(capsys):
    broken = json.dumps({"name": "N", "accounts": [account("a")]}).encode()
    for data, said in (
        (None, "there is no settings.json"),
        (b"", "not JSON"),
        (broken[:-1], "not JSON"),
        (b'{"ports": {"0": {"fallback": {}}}}', "settings.ports.0.fallback"),
    ):
        settings = load(data)
        assert settings.accounts == ()
        assert settings.ports[1].fallback.steps == ((0, 0),)
        output = capsys.readouterr().out
        assert said in output
        assert "safe defaults" in output


def test_settings_cut_at_any_byte_are_whole_or_safe(capsys):
    data = json.dumps({"name": "N", "accounts": [account("a")]}).encode()
    for end in range(len(data)):
        settings = load(data[:end])
        assert settings.accounts == ()
    capsys.readouterr()
