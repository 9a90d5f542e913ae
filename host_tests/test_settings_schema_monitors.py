"""`monitors` of the settings: tokens, and what is wrong with them."""

from claims import raises
from holdfast.core.tokens import OPERATOR, PING
from holdfast.settings.model import SettingsError
from makers import settings

DIGEST = "0123456789abcdefABCDEF" + "0" * 42


def tokens(*rows):
    return settings(monitors={"tokens": list(rows)}).tokens


def test_tokens_are_rows_of_name_role_and_hash():
    rows = tokens(
        {"name": "ci", "role": "operator", "sha256": DIGEST},
        {"name": "cron", "role": "ping", "sha256": "f" * 64},
    )
    assert rows[0][:2] == ("ci", OPERATOR) and rows[1] == ("cron", PING, b"\xff" * 32)
    assert rows[0][2][:4] == b"\x01\x23\x45\x67" and len(rows[0][2]) == 32


def test_without_them_there_are_none():
    assert settings().tokens == ()
    assert settings(monitors={}).tokens == ()


def test_the_bad_key_is_named():
    good = {"name": "a", "role": "ping", "sha256": DIGEST}
    for key, rows in (
        ("settings.monitors.tokens[0].name", [dict(good, name="")]),
        ("settings.monitors.tokens[1].name", [good, good]),
        ("settings.monitors.tokens[0].role", [dict(good, role="administrator")]),
        ("settings.monitors.tokens[0].role", [{"name": "a", "sha256": DIGEST}]),
        ("settings.monitors.tokens[0].sha256", [dict(good, sha256="0" * 63)]),
        ("settings.monitors.tokens[0].sha256", [dict(good, sha256="g" * 64)]),
        ("settings.monitors.tokens[0].sha256", [{"name": "a", "role": "ping"}]),
        ("settings.monitors.tokens[0].token", [dict(good, token="plain")]),
        ("settings.monitors.tokens", [good] * 9),
    ):
        assert raises(SettingsError, tokens, *rows).key == key
    assert raises(SettingsError, settings, monitors=[]).key == "settings.monitors"
    assert raises(SettingsError, settings, monitors={"x": 1}).key == "settings.monitors.x"


def test_there_may_be_eight():
    rows = [{"name": "t%d" % i, "role": "viewer", "sha256": DIGEST} for i in range(8)]
    assert len(tokens(*rows)) == 8
