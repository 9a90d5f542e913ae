"""What of settings is secret: not shown, and kept by a `*` in its place."""

from claims import raises
from holdfast.settings.model import SettingsError
from holdfast.settings.schema import check
from holdfast.settings.secrets import hide, keep
from holdfast.wire.dump import dumps
from holdfast.wire.json import loads
from makers import WIRING, account

NOTIFICATION = "com.axis.action.fixed.notification.http"
KEY = "%064x" % 0x5EC2E7
ORDER = (
    "message parameters upload_url login password proxy_host proxy_port proxy_login "
    "proxy_password qos"
)


def full():
    """Settings with every kind of secret, and the texts that are secret."""
    told = dict.fromkeys(ORDER.split(" "), "")
    told.update(upload_url="http://192.0.2.1/a?k=s-query", login="s-login", password="s-pass")
    links = [
        {"name": "one", "kind": "unifi", "url": "http://192.0.2.1/", "token": "s-token"},
        {"name": "two", "kind": "unifi", "url": "http://192.0.2.1/", "password": "s-two"},
        {"name": "air", "kind": "airnode", "url": "http://192.0.2.1/", "private_key": KEY},
    ]
    links[1].update(login="public", headers={"X-Key": "s-header"})
    links[2]["api_key"] = "s-api"
    document = {
        "accounts": [dict(account("a", "administrator"), md5="a" * 32, sha256="b" * 64)],
        "network": {"ssid": "attic", "key": "s-wifi-key"},
        "uplinks": {"links": links},
        "monitors": {"tokens": [{"name": "ci", "role": "viewer", "sha256": "c" * 64}]},
        "actions": {"7": {"template": NOTIFICATION, "parameters": told}},
    }
    check(document, WIRING)
    secrets = ["a" * 32, "b" * 64, "s-wifi-key", "s-token", "s-two", "s-header", KEY, "s-api"]
    return document, secrets + ["c" * 64, "s-query", "s-login", "s-pass"]


def copied(document):
    return loads(dumps(document).encode(), -1)


def test_nothing_secret_is_shown_and_all_of_it_is_kept():
    document, secrets = full()
    shown = copied(document)
    hide(shown)
    text = dumps(shown)
    for secret in secrets:
        assert secret in dumps(document) and secret not in text, secret
    assert text.count('"*"') == len(secrets) - 1 and '"http://192.0.2.1/a?*"' in text
    assert "attic" in text and "public" in text
    keep(document, shown)
    assert shown == document


def test_what_was_never_secret_stays_as_it_is():
    document = {"accounts": [account("a", "administrator")], "network": {"ssid": "x", "key": ""}}
    hide(document)
    assert document["network"]["key"] == ""
    url = {"actions": {"1": {"parameters": {"upload_url": "http://x/a", "password": ""}}}}
    shown = copied(url)
    hide(shown)
    assert shown == url
    for odd in (
        {"accounts": 3, "network": [], "uplinks": {"links": {}}, "monitors": None},
        {"accounts": [3, {"md5": "*"}, {"name": 3, "md5": "*"}], "actions": {"1": []}},
        {"uplinks": {"links": [{"name": "x", "headers": "*"}]}, "network": {"key": 3}},
    ):
        before = copied(odd)
        keep({}, odd)
        assert odd == before


def test_where_nothing_is_there_the_key_is_named():
    document, _ = full()
    hidden = copied(document)
    hide(hidden)
    for keys, path in (
        (("accounts",), "accounts[0].md5"),
        (("network",), "network.key"),
        (("uplinks",), "uplinks.links[0].token"),
        (("monitors",), "monitors.tokens[0].sha256"),
        (("actions",), "actions.7.parameters.login"),
    ):
        before = copied(document)
        for key in keys:
            del before[key]
        error = raises(SettingsError, keep, before, copied(hidden))
        assert error.key == "settings." + path
    # By name, whatever the place in the list; and never another kind of secret.
    moved = copied(hidden)
    moved["uplinks"]["links"].reverse()
    keep(document, moved)
    assert moved["uplinks"]["links"][2]["token"] == "s-token"
    for change in ({"name": "four"}, {"password": "*", "token": ""}):
        other = copied(hidden)
        other["uplinks"]["links"][0].update(change)
        assert "links[0]" in raises(SettingsError, keep, document, other).key
    other = copied(hidden)
    other["actions"] = {"8": other["actions"]["7"]}
    assert "actions.8" in raises(SettingsError, keep, document, other).key
    other = copied(hidden)
    other["actions"]["7"]["parameters"]["upload_url"] = "http://192.0.2.9/a?*"
    assert "upload_url" in raises(SettingsError, keep, document, other).key
    other = copied(hidden)
    other["uplinks"]["links"][1]["headers"] = {"X-Other": "*"}
    assert "headers.X-Other" in raises(SettingsError, keep, document, other).key


def test_a_secret_that_is_an_asterisk_stays_one():
    document = {"network": {"ssid": "x", "key": "*"}}
    shown = copied(document)
    hide(shown)
    keep(document, shown)
    assert shown == document
