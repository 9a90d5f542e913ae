"""What an uplink may be, and that a bad key is named without telling secrets."""

from claims import raises
from holdfast.core.uplinks import AIRNODE, HEALTHCHECKS, PINGHOME, UNIFI
from holdfast.settings.model import SettingsError
from holdfast.settings.schema_uplinks import _printable
from makers import settings

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
UNIFI_LINK = {"name": "platform", "kind": "unifi", "url": "http://platform.example/beat"}
AIRNODE_LINK = {"name": "proof", "kind": "airnode", "url": "http://192.0.2.1:81/", "api_key": "k"}
AIRNODE_LINK["private_key"] = "0x" + KEY
PINGHOME_LINK = {"name": "home", "kind": "pinghome", "url": "http://192.0.2.2/v1/heartbeat/7"}
HEALTHCHECKS_LINK = {"name": "hc", "kind": "healthchecks", "url": "http://192.0.2.3/uuid"}
ALL = [UNIFI_LINK, AIRNODE_LINK, PINGHOME_LINK, HEALTHCHECKS_LINK]
ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"


def changed(link, **more):
    row = dict(link)
    row.update(more)
    return row


def links(*rows, **more):
    return settings(uplinks=dict(more, links=list(rows))).uplinks[0]


def refused(key, *rows, **more):
    error = raises(SettingsError, links, *rows, **more)
    assert error.key == "settings.uplinks." + key, error
    return error


def test_without_uplinks_there_are_none():
    assert settings().uplinks == ()
    assert settings(uplinks={}).uplinks == ((), None, "")


def test_each_kind_has_its_defaults():
    rows = links(*ALL)
    assert [row[0] for row in rows] == [UNIFI, AIRNODE, PINGHOME, HEALTHCHECKS]
    assert [row[4] for row in rows] == [300000, 60000, 60000, 60000]
    assert rows[0][1:4] == ("platform", (False, "platform.example", 80), "/beat")
    assert [row[5] for row in rows] == [()] * 4
    assert [row[6] for row in rows] == ["all", "none", "none", "none"]
    assert [row[8] for row in rows] == [True] * 4
    assert rows[0][7] == ("", "", "", (), "{}")
    assert rows[1][7] == ("k", int(KEY, 16), "prod", "local", "", "", "", "", "")
    assert rows[2][7] == ("tick", "")
    assert rows[3][7] == ("",)


def test_everything_can_be_said():
    more = {"frequency": 10, "success": [200, 409], "pauses": "all", "login": "me"}
    more.update(password="s:ecret", body="", headers={"X-B": "2", "x-a": "1 2"})
    row = links(changed(UNIFI_LINK, **more))[0]
    assert row[4:7] == (10000, (200, 409), "all")
    assert row[7] == ("me", "s:ecret", "", ("X-B: 2", "x-a: 1 2"), "")
    more = {"cycle": 5, "stage": "s", "cloud_provider": "aws", "deployment_id": "d", "region": "r"}
    more.update(http_gateway_url="a", http_signed_data_gateway_url="b", oev_gateway_url="c")
    row = links(changed(AIRNODE_LINK, private_key=KEY.upper(), **more))[0]
    assert row[7][1:] == (int(KEY, 16), "s", "aws", "d", "r", "a", "b", "c")
    row = links(changed(PINGHOME_LINK, interval=1, result="fail", message="\u00fc"))[0]
    assert (row[4], row[7]) == (1000, ("fail", "\u00fc"))


def test_https_needs_a_certificate():
    secure = changed(UNIFI_LINK, url="https://platform.example/")
    assert "certificate" in refused("links[0].url", secure).problem
    assert links(secure, certificate="ca.pem")[0][2] == (True, "platform.example", 443)
    for bad in ("../ca", "a/b", "a b", "\u00e4", 1):
        refused("certificate", certificate=bad)


def test_bad_keys_are_named():
    for key, bad in (
        ("name", ("", "a b", 1, "x" * 33)),
        ("kind", ("Unifi", "", None, 1, [])),
        ("url", ("", "ftp://a/", "http://a/" + "b" * 256, None)),
        ("frequency", (0, -1, 86401, "300", True)),
        ("success", (200, [199], [600], [True], ["200"], [200] * 9)),
        ("pauses", ("some", None)),
        ("login", ("a:b", "\u00e4", "a\nb", 1)),
        ("token", ("\u00e4", "x" * 257)),
        ("headers", ([], {str(i): "" for i in range(9)})),
        ("body", (1, "a\nb", "x" * 257)),
        ("cycle", (60,)),
    ):
        for value in bad:
            refused("links[0]." + key, changed(UNIFI_LINK, **{key: value}))
    refused("links[0].token", changed(UNIFI_LINK, login="a", token="b"))
    refused("links[1].name", UNIFI_LINK, UNIFI_LINK)
    refused("links[0].name", changed(UNIFI_LINK, name="inbound"))
    refused("links", *[changed(UNIFI_LINK, name=str(i)) for i in range(5)])
    refused("links[0]", 7)
    refused("links[0].kind", {})
    refused("links[0].kind", changed(UNIFI_LINK, kind="unify"))
    for key, value in (("result", "ok"), ("interval", 0), ("pauses", "own")):
        refused("links[0]." + key, changed(PINGHOME_LINK, **{key: value}))


def test_a_header_is_one_line_and_none_of_ours():
    for name in ("", "a b", "a:", "\u00e4", "x" * 65, "Host", "authorization", "Content-Length"):
        refused("links[0].headers." + name, changed(UNIFI_LINK, headers={name: "x"}))
    mark = "x-snd-eb-heartbeat"
    refused("links[0].headers." + mark, changed(UNIFI_LINK, headers={mark: "0"}))
    for value in ("a\r\nB: c", "\u00e4", 1, "x" * 257):
        refused("links[0].headers.X", changed(UNIFI_LINK, headers={"X": value}))


def test_a_private_key_is_on_the_curve_and_never_in_a_message():
    odd = ("-" + KEY[1:], KEY[1:] + "_", "0x" + KEY[2:])
    for bad in ("", "0" * 64, ORDER, KEY[1:], KEY + "0", "g" * 64, 7, None) + odd:
        error = refused("links[0].private_key", changed(AIRNODE_LINK, private_key=bad))
        assert KEY[1:] not in str(error)
    refused("links[0].api_key", changed(AIRNODE_LINK, api_key=""))
    refused("links[0].api_key", changed(AIRNODE_LINK, api_key="a\nb"))


def test_others_are_heard_at_a_path():
    more = {"inbound": {"path": "/api/x_snd_eb/unifi/incident"}}
    reply = 200, "application/json", b"{}"
    assert settings(uplinks=more).uplinks == ((), (more["inbound"]["path"], 0, reply), "")
    more["inbound"]["within"] = 600
    assert settings(uplinks=more).uplinks[1][1] == 600000
    for bad in ("", "a", "/a b", "/a?b", "/\u00e4", "/" * 257, None):
        refused("inbound.path", inbound={"path": bad})
    refused("inbound.within", inbound={"path": "/a", "within": -1})
    refused("inbound.from", inbound={"path": "/a", "from": 1})


def test_every_bound_holds_to_the_last():
    for key, good, bad in (
        ("frequency", (1, 86400), (0, 86401)),
        ("success", ([200, 599], [], [200] * 8), ([199], [600], [True], [200] * 9)),
        ("login", ("", "x" * 256, " ~"), ("x" * 257, "\x7f")),
        ("body", ("", "x" * 256), ("x" * 257,)),
        ("headers", ({"X%d" % i: "x" * 256 for i in range(8)}, {"x" * 64: " ~"}), ()),
    ):
        for value in good:
            assert links(changed(UNIFI_LINK, **{key: value}))
        for value in bad:
            assert refused("links[0]." + key, changed(UNIFI_LINK, **{key: value}))
    nine = {"X%d" % i: "" for i in range(9)}
    refused("links[0].headers", changed(UNIFI_LINK, headers=nine))
    assert len(links(*[changed(UNIFI_LINK, name="n%d" % i) for i in range(4)])) == 4
    refused("links", *[changed(UNIFI_LINK, name="n%d" % i) for i in range(5)])
    for stage in ("", "x" * 64):
        assert links(changed(AIRNODE_LINK, stage=stage))[0][7][2] == stage
    refused("links[0].stage", changed(AIRNODE_LINK, stage="x" * 65))


def test_a_private_key_is_from_one_to_one_less_than_the_order():
    for number in (1, int(ORDER, 16) - 1):
        assert links(changed(AIRNODE_LINK, private_key="%064x" % number))[0][7][1] == number
    for number in (0, int(ORDER, 16)):
        refused("links[0].private_key", changed(AIRNODE_LINK, private_key="%064x" % number))


def test_others_may_be_silent_for_ever_or_for_a_day():
    for within in (0, 1, 86400):
        inbound = {"path": "/!~", "within": within}
        assert settings(uplinks={"inbound": inbound}).uplinks[1][:2] == ("/!~", within * 1000)
    refused("inbound.within", inbound={"path": "/a", "within": 86401})


def test_the_answer_is_yes_or_no():
    assert _printable(" ~") is True and _printable("\x1f") is False


def test_every_kind_can_be_disabled():
    for link in ALL:
        assert links(changed(link, enabled=False))[0][8] is False
        for bad in (0, "no", None):
            refused("links[0].enabled", changed(link, enabled=bad))
    # It is checked all the same.
    refused("links[0].url", changed(UNIFI_LINK, enabled=False, url=""))


def test_the_reply_to_others_is_of_a_few_kinds_short_and_printable():
    def reply(**more):
        return settings(uplinks={"inbound": {"path": "/a", "reply": more}}).uplinks[1][2]

    for status in (200, 201, 202):
        assert reply(status=status) == (status, "application/json", b"{}")
    assert reply(status=204) == reply(status=204, body="") == (204, None, b"")
    assert reply(type="text/plain", body="\u00fc" * 256) == (
        200,
        "text/plain",
        ("\u00fc" * 256).encode(),
    )
    assert reply(body="") == (200, None, b"")
    for key, bad in (
        ("status", (199, 203, 205, 302, 404, "200", True)),
        ("type", ("\u00e4", "a\r\nb: c", "x" * 257, 1)),
        ("body", ("a\nb", "x" * 257, {}, None)),
        ("headers", ({},)),
    ):
        for value in bad:
            refused("inbound.reply." + key, inbound={"path": "/a", "reply": {key: value}})
    refused("inbound.reply.body", inbound={"path": "/a", "reply": {"status": 204, "body": "x"}})
    refused("inbound.reply", inbound={"path": "/a", "reply": "ok"})
