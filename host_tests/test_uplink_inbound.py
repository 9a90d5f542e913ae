"""Others' heartbeats: which request is one."""

from claims import raises
from holdfast.uplink.inbound import InboundService
from holdfast.wire.http import HttpError
from makers import Asked, Caller, module


def subject():
    one = module(uplinks={"inbound": {"path": "/api/beat", "within": 1}})
    return one, InboundService(one)


def test_a_marked_post_is_answered_200_and_counted():
    one, service = subject()
    answer = service.post(Caller(), Asked(headers={"x-snd-eb-heartbeat": "1"}), 5)
    assert answer.status == 200
    inbound = one.links.inbound
    assert (inbound.count, inbound.last_at, inbound.up) == (1, 5, True)


def test_another_post_is_refused_and_not_counted():
    one, service = subject()
    for headers in ({}, {"x-snd-eb-heartbeat": "0"}, {"x-snd-eb-heartbeat": ""}):
        assert raises(HttpError, service.post, Caller(), Asked(headers=headers), 5).status == 400
    assert one.links.inbound.count == 0


def test_the_reply_is_what_the_settings_say():
    reply = {"status": 202, "type": "text/plain", "body": "thank you"}
    one = module(uplinks={"inbound": {"path": "/api/beat", "reply": reply}})
    answer = InboundService(one).post(Caller(), Asked(headers={"x-snd-eb-heartbeat": "1"}), 5)
    assert (answer.status, answer.content_type, answer.body) == (202, "text/plain", b"thank you")
