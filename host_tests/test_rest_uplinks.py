"""What is told of uplinks, and what is not."""

import json

from holdfast.rest.uplinks import UplinksService
from makers import Asked, Caller, module, whole
from test_settings_schema_uplinks import AIRNODE_LINK, ALL, KEY, UNIFI_LINK, changed


def told(one, now=0):
    answer = UplinksService(one).get(Caller(), Asked(), now)
    assert answer.status == 200
    return json.loads(whole(answer))


def test_without_uplinks_there_is_nothing_to_tell():
    assert told(module()) == {"now": 0, "links": [], "inbound": None}


def test_links_are_told():
    one = module(uplinks={"links": ALL, "inbound": {"path": "/a"}})
    platform = one.links.links[0]
    one.links.settle(platform, platform.row, 500, "", 70)
    answer = told(one, 100)
    assert [row["kind"] for row in answer["links"]] == [
        "unifi",
        "airnode",
        "pinghome",
        "healthchecks",
    ]
    row = answer["links"][0]
    assert (row["up"], row["why"], row["status"], row["last"]) == (False, "answered 500", 500, 70)
    assert (row["failed"], row["failed_in_a_row"], row["sent"]) == (1, 1, 0)
    assert row["receiver"] == "http://platform.example:80"
    assert row["queue"] == {"waiting": 0, "delivered": 0, "refused": 0, "dropped": 0}
    assert answer["links"][1]["queue"] is None
    assert answer["inbound"] == {"up": None, "since": None, "count": 0, "last": None}


def test_no_secret_is_told():
    link = changed(UNIFI_LINK, url="http://a/path-secret?b", login="login-x", password="secret-x")
    one = module(uplinks={"links": [link, changed(AIRNODE_LINK, api_key="secret-key")]})
    text = whole(UplinksService(one).get(Caller(), Asked(), 0)).decode()
    for secret in ("secret", "login-x", KEY[:16], KEY[-16:], str(int(KEY, 16))[:16]):
        assert secret not in text


def test_who_fell_silent_is_down_in_the_answer_at_once():
    one = module(uplinks={"inbound": {"path": "/a", "within": 1}})
    one.links.heard(10)
    assert told(one, 1009)["inbound"] == {"up": True, "since": 10, "count": 1, "last": 10}
    assert told(one, 1011)["inbound"] == {"up": False, "since": 1010, "count": 1, "last": 10}


def test_a_disabled_link_is_told_as_such():
    one = module(uplinks={"links": [changed(UNIFI_LINK, enabled=False), AIRNODE_LINK]})
    rows = told(one, 5)["links"]
    assert [row["enabled"] for row in rows] == [False, True]
    assert (rows[0]["up"], rows[0]["why"], rows[0]["next"]) == (False, "disabled", None)
