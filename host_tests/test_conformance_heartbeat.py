"""Heartbeats, as any device with the Heartbeat service has them; see conformance.py."""

import json
import time

import pytest
from conformance import SHORT_MS, Event

from boards import ANSWER_S, HEARTBEAT, VENDOR_BEAT, until

LOST = "tns1:Device/tnsaxis:Monitor/Heartbeat"
LATE_S = 0.8  # what the network and a loaded machine may add to a Duration
DURATION_S = 1.2  # no heartbeat of a loaded machine comes so late


def next_lost(stream):
    """The next value of `lost`, and when it came."""
    found = Event(stream.recv(ANSWER_S))
    assert found.topic == "Device/Monitor/Heartbeat" and not found.source
    return found.data["lost"], time.monotonic()


def test_property(device):
    """The parameters Properties.API.Heartbeat tell that there are heartbeats"""
    device.offers_heartbeat()
    properties = device.parameters("Properties.API.Heartbeat")
    assert properties["root.Properties.API.Heartbeat.Heartbeat"] == "yes"
    assert properties["root.Properties.API.Heartbeat.Version"] == "1.0"


def test_strangers(device):
    """A heartbeat without credentials is refused"""
    device.offers_heartbeat()
    answer = device.call("POST", HEARTBEAT, VENDOR_BEAT, session=device.stranger())
    assert answer.status_code == 401 and "SessionId" not in answer.text


def test_vendors_body(master):
    """A heartbeat is taken just as the vendor prints it, trailing comma and all"""
    answer = master.call("POST", HEARTBEAT, VENDOR_BEAT)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert list(answer.json()) == ["SessionId"] and answer.json()["SessionId"]


def test_session_stays(master):
    """The SessionId stays the same while heartbeats come in time"""
    assert len({master.beat(5000) for _ in range(5)}) == 1


def test_session_changes(master):
    """The SessionId is another one after the Duration is over"""
    first = master.beat(SHORT_MS)
    time.sleep(SHORT_MS / 1000 + 0.05)
    assert master.beat(5000) != first


@pytest.mark.parametrize("bad", [{}, {"Duration": "soon"}, {"Duration": -1}, {"Duration": None}])
def test_bad_durations(device, bad):
    """A heartbeat without a Duration that makes sense is refused"""
    device.offers_heartbeat()
    answer = device.call("POST", HEARTBEAT, json.dumps({"axhbt:Heartbeat": bad}))
    assert answer.status_code >= 400 or "SessionId" not in answer.text


def test_bad_durations_change_nothing(master):
    """A heartbeat that is refused neither ends the session nor lengthens it"""
    first = master.beat(round(DURATION_S * 1000))
    began = time.monotonic()
    for bad in ({}, {"Duration": "soon"}, {"Duration": -1}):
        master.call("POST", HEARTBEAT, json.dumps({"axhbt:Heartbeat": bad}))
    until(began + DURATION_S / 2)
    for bad in ({"Duration": "60000 ms"}, {"Duration": [60000]}):
        master.call("POST", HEARTBEAT, json.dumps({"axhbt:Heartbeat": bad}))
    until(began + DURATION_S + LATE_S)
    assert master.beat(5000) != first


def test_lost_on_time(master):
    """The event `lost` is "1" when the Duration is over, not before, and "0" with the next one"""
    stream = master.open_stream()
    master.beat(5000)
    master.state(LOST, stream=stream)
    sent = time.monotonic()
    master.beat(round(DURATION_S * 1000))
    answered = time.monotonic()
    lost, when = next_lost(stream)
    assert lost == "1"
    assert sent + DURATION_S <= when <= answered + DURATION_S + LATE_S
    master.beat(5000)
    assert next_lost(stream)[0] == "0"


def test_silence_while_alive(master):
    """No event comes while heartbeats come in time"""
    master.beat(5000)
    stream = master.open_stream()
    master.state(LOST, stream=stream)
    for _ in range(4):
        master.beat(round(DURATION_S * 1000))
        time.sleep(DURATION_S / 4)
    master.beat(5000)
    assert master.events(stream) == []


def test_only_heartbeats_count(master):
    """Other requests of the master do not keep its session alive"""
    stream = master.open_stream()
    master.beat(5000)
    master.state(LOST, stream=stream)
    master.beat(round(DURATION_S * 1000))
    end = time.monotonic() + DURATION_S
    while time.monotonic() < end:
        master.ports("getPorts")
    assert next_lost(stream)[0] == "1"
