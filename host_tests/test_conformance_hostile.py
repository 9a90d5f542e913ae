"""Peers that no good client would be; see conformance.py."""

import os
import struct
import time

import pytest
from websockets.exceptions import ConnectionClosed

from boards import HEARTBEAT, status_of

PATIENCE_S = 12  # for an answer, or the end of the connection
BEAT = b"POST " + HEARTBEAT.encode() + b" HTTP/1.1\r\nHost: device\r\n"


def refused(device, data):
    """That bytes are answered with an error or the end of the connection; others are served."""
    status = status_of(device.exchange(data, PATIENCE_S))
    assert status is None or 400 <= status < 600, status
    assert "data" in device.ports("getPorts")


def test_endless_head(device):
    """A head or an address without an end is answered or cut off, and others are served"""
    refused(device, b"GET / HTTP/1.1\r\nHost: device\r\nX: " + b"a" * 300000)
    refused(device, b"GET /" + b"a" * 300000)


def test_huge_body(device):
    """A body of 10 GB is refused before it comes, one of brackets alone when it is there"""
    refused(device, BEAT + b"Content-Length: 10000000000\r\n\r\n")
    refused(device, BEAT + b"Content-Length: 4000\r\n\r\n" + b"[" * 4000)


def test_garbage(device):
    """Bytes that are no HTTP, and a request with two lengths, are answered or cut off"""
    refused(device, os.urandom(200).replace(b"\r", b"-") + b"\r\n\r\n")
    refused(device, BEAT + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")


def test_newcomer(device):
    """Six connections with half a request each do not keep a newcomer out"""
    idle = [device.raw() for _ in range(6)]
    for sock in idle:
        sock.sendall(BEAT + b"Content-Le")
    before = time.monotonic()
    assert "data" in device.ports("getPorts")
    assert time.monotonic() - before < PATIENCE_S and idle


def test_huge_message(device):
    """A WebSocket message of a megabyte is refused, or the stream closed"""
    stream = device.open_stream()
    try:
        stream.send("x" * 1000000)
        assert '"error"' in stream.recv(PATIENCE_S)
    except ConnectionClosed:
        pass
    assert "data" in device.ports("getPorts")


def test_unmasked_frame(device):
    """A WebSocket frame that is not masked ends the stream"""
    stream = device.open_stream()
    sock = stream.socket
    sock.sendall(b"\x81" + struct.pack("B", 2) + b"{}")
    with pytest.raises(ConnectionClosed):
        stream.recv(PATIENCE_S)
