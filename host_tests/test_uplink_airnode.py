"""What an Airnode heartbeat says, to the byte, and how it is signed."""

import json

from claims import raises
from holdfast.core.notifications import NoAnswer
from holdfast.uplink.airnode import heartbeat, payload, signed

KEY = 0xB25C7DB31FEED9122727BF0939DC769A96564B2DE4C4726D035B36ECF1E5B364
FIELDS = ("2209100913", "aws", "aws40207f25", "us-east-1")
URLS = ("https://a.example/v1/1", "https://b.example/v1/2", "https://c.example/v1/3")


class Link:
    receiver = (False, "192.0.2.1", 80)
    target = "/heartbeats"
    details = ("secret api key", KEY, "prod", "local", "", "", "", "", "")


def done(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_the_payload_is_as_the_reference_marshals_it():
    assert payload(FIELDS + URLS, 1661582891, "") == (
        '{"timestamp":1661582891,"stage":"2209100913","cloud_provider":"aws",'
        '"deployment_id":"aws40207f25","region":"us-east-1",'
        '"http_gateway_url":"https://a.example/v1/1",'
        '"http_signed_data_gateway_url":"https://b.example/v1/2",'
        '"oev_gateway_url":"https://c.example/v1/3"}'
    )


def test_what_there_is_not_is_left_out():
    assert payload(("prod", "local", "", "r", "", "", "x"), 7, "02484F4C4446") == (
        '{"timestamp":7,"stage":"prod","cloud_provider":"local","deployment_id":"local4f4c4446",'
        '"oev_gateway_url":"x"}'
    )


def test_a_personal_message_is_signed_as_eth_account_s_documents_show():
    """eth-account, "Sign a Message": its key, its message, its signature."""
    assert done(signed(KEY, "I\u2665SF".encode())) == (
        "0xe6ca9bba58c88611fad66a6ce8f996908195593807c4b38bd528d2cff09d4eb3"
        "3e5bfbbf4d3e39b1a2fd816a7680c19ebebaf3a141b239934ad43cb33fcec8ce1c"
    )


def test_the_body_carries_the_payload_as_a_text_and_its_signature():
    data = done(heartbeat(Link(), 1661582891, "02484F4C4446"))
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /heartbeats HTTP/1.1\r\nHost: 192.0.2.1\r\n")
    assert b"\r\nairnode-heartbeat-api-key: secret api key\r\n" in head
    assert b"\r\nContent-Type: application/json\r\n" in head
    body = json.loads(body)
    assert sorted(body) == ["payload", "signature"] and isinstance(body["payload"], str)
    assert body["payload"] == payload(Link.details[2:], 1661582891, "02484F4C4446")
    assert body["signature"] == done(signed(KEY, body["payload"].encode()))
    assert len(body["signature"]) == 132 and body["signature"][-2:] in ("1b", "1c")


def test_without_the_time_there_is_no_heartbeat():
    assert "time" in str(raises(NoAnswer, done, heartbeat(Link(), None, "")))


def test_others_have_their_turn_between_short_steps():
    """Some 400 of them: 24 for each block of the hash, one for each bit of the number."""
    steps = heartbeat(Link(), 1661582891, "02484F4C4446")
    count = 0
    try:
        while True:
            next(steps)
            count += 1
    except StopIteration:
        pass
    assert count > 24 * 2 + 256
