"""No request and no change of settings nests so many frames that a chip's stack ends.

A Pico W has 8 KB of C stack. The alarm's interrupt takes 1,160 bytes of them wherever it meets the
program, so a program that keeps to 5,800 loses no tick of it. `make emulator` measures bytes on
an emulated chip, and takes its time. This counts frames on CPython instead (depth.py) and reckons
with what fits the emulator's figures of 75 requests (settings with steps, a rule, six accounts):
1,704 bytes below the first frame of a task, 247 for a call, 253 for a generator or coroutine that
is resumed, 184 for a comprehension, 691 for a module that is loaded, 1,513 for an access to flash.
The standard error is 185 bytes, less than one call; the figures are too low by more than that for
the requests in BESIDE, which need so much more below their last frame.
"""

import json
import os
import socket
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import certificates
import depth
import interpreters
import pytest
from costs import PASSWORD, TOKEN, _account
from holdfast import routes
from rp2040 import image

HERE = Path(__file__).resolve().parent
LIMIT_S = 400
LIMIT = 5800
BESIDE = {"log": 820, "pwdgrp get": 720, "settings": 360, "stream": 300}
ALARM_CALLS = 3  # that 1,160 bytes stand for
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LIST = "[" * 16 + "]" * 16
XML = "<a>" * 15 + "</a>" * 15
WHO = {"": "root", "token": "token", "none": None}


@pytest.fixture(scope="module")
def asked():
    """trial_requests, what the client on the emulated chip asks for."""
    sys.path.insert(0, str(image.HERE / "boards" / image.BOARD))
    try:
        import trial_requests
    finally:
        sys.path.pop(0)
    return trial_requests


def case(name, method, path, body, who, more="Connection: close\r\n"):
    head = "%s %s HTTP/1.1\r\nHost: 192.168.0.90\r\n%s" % (method, path, more)
    if body:
        kinds = {"{": "application/json", "<": "application/soap+xml"}
        head += "Content-Type: %s\r\n" % kinds.get(body[0], "text/plain")
        head += "Content-Length: %d\r\n" % len(body.encode())
    return {"name": name, "who": who, "bytes": head + "\r\n" + body}


@pytest.fixture(scope="module")
def deepest(asked, tmp_path_factory):
    """{name: (status, bytes, frames)} of every request, every change, and turns."""
    settings = json.loads(asked.SETTINGS % "")
    settings["accounts"] = [_account(*row) for row in asked.ACCOUNTS]
    hashed = depth.sha256_text(TOKEN)
    known = settings["monitors"]["tokens"][0]["sha256"]
    settings["monitors"]["tokens"][0]["sha256"] = hashed
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    url = "http://127.0.0.1:%d/x" % port
    settings["uplinks"]["links"] = [
        {"name": "u", "kind": "healthchecks", "url": url, "interval": 60}
    ]
    settings["tls"] = {"http": True}
    folder = tmp_path_factory.mktemp("tls")
    certificates.install(folder)
    files = {name: (folder / name).read_bytes().hex() for name in ("tls.crt", "tls.key")}
    cases = []
    for name, method, path, body, login in asked.reads() + asked.changes():
        if body == "@":
            body = json.dumps(dict(settings, name="Put ~"), separators=(",", ":"))
        path, body = path.replace("~", "1"), body.replace("~", "1").replace(known, hashed)
        body = body.replace(asked.UPLINK, url)
        more = "Connection: close\r\n"
        if name == "stream":
            more = UPGRADE
        elif name == "inbound":
            more += "x-snd-eb-heartbeat: 1\r\n"
        cases.append(case(name, method, path, body, WHO[login], more))
    status = case("status over TLS", "GET", "/holdfast/status", "", "root")
    cases.append(dict(status, tls=True))
    inbound = next(row for row in asked.reads() if row[0] == "inbound")
    basic = b64encode(("root:" + PASSWORD).encode()).decode()
    for name, value in (("Basic", basic), ("Bearer", TOKEN)):
        more = "Connection: close\r\nx-snd-eb-heartbeat: 1\r\nAuthorization: %s %s\r\n"
        more %= name, value
        cases.append(dict(case("inbound " + name, *inbound[1:4], None, more), tls=True))
    for row in "".join(routes.ROWS).split("\n"):
        path, methods, role = (row.split(" ") + ["", ""])[:3]
        for method in methods.split(","):
            if method in ("POST", "PUT", "PATCH") and "restart" not in path:
                body = XML if path == "/vapix/services" else LIST
                who = "token" if role == "token" else "root"
                cases.append(case("nested %s %s" % (method, path), method, path, body, who))
    cases += [{"name": name} for name in depth.TURNS]
    lines = [{"settings": settings, "files": files, "uplink": port}, *cases]
    environment = dict(os.environ, PYTHONPATH=":".join([*interpreters.IMPORTS, str(HERE)]))
    result = subprocess.run(
        [sys.executable, str(HERE / "depth.py")],
        input="\n".join(json.dumps(line) for line in lines) + "\n",
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "WRONG" not in result.stderr, result.stderr[-3000:]
    told = [json.loads(line) for line in result.stdout.split("\n") if line[:1] == "{"]
    assert [row["name"] for row in told] == [row["name"] for row in cases], result.stderr[-3000:]
    return {row["name"]: (row["status"], row["bytes"], row["frames"]) for row in told}


def test_every_row_of_the_service_table_is_asked_for(asked):
    paths = {}
    for _, method, path, _, _ in asked.reads() + asked.changes():
        paths.setdefault(path.partition("?")[0], set()).add(method)
    for row in ("".join(routes.ROWS) + routes.PATTERNS).split("\n"):
        if row and row.split(" ")[0] != "/holdfast/restart":  # which ends the module
            wanted, methods = row.split(" ")[:2]
            like = [path for path in paths if routes._like(wanted.split("/"), path.split("/"))]
            methods = set(methods.split(","))
            assert [path for path in like if paths[path] & methods], row


def test_every_request_of_the_client_is_answered_well(deepest, asked):
    for name, _, _, _, _ in asked.reads() + asked.changes():
        assert deepest[name][0] in (101, 200, 201, 202), (name, deepest[name])
    for name in ("status over TLS", "inbound Basic", "inbound Bearer"):
        assert deepest[name][0] == 200, name


def test_none_goes_deeper_than_the_stack_of_a_chip_has_room_for(deepest):
    over = []
    for name, (_, count, frames) in deepest.items():
        if name != "alarm" and count + BESIDE.get(name, 0) > LIMIT:
            over.append("%s: %d bytes\n    %s" % (name, count, "\n    ".join(frames)))
    assert not over, "\n".join(over)


def test_the_alarm_takes_no_more_frames_than_its_interrupt_was_measured_with(deepest):
    frames = deepest["alarm"][2]
    assert frames[0] == "runtime/hard_fallback.py:check" and "hal/pins.py:force" in frames
    assert len(frames) <= ALARM_CALLS, frames


def nested(depth_left, leaf):
    return nested(depth_left - 1, leaf) if depth_left else leaf()


async def awaited(depth_left, leaf):
    if depth_left:
        return await awaited(depth_left - 1, leaf)
    return leaf()


def folded(depth_left):
    return folded(depth_left - 1) if depth_left else None


def measured(work):
    """Bytes and frames of work(), of functions of this file."""
    kinds = {"nested": "call", "awaited": "resumed", "leaf": "flash", "folded": "comprehension"}
    meter = depth.Meter(lambda frame: kinds.get(frame.f_code.co_name))
    meter.start()
    try:
        work()
    finally:
        meter.stop()
    return meter.bytes, len(meter.frames)


def leaf():
    return None


def test_frames_are_counted_whatever_they_are():
    assert measured(lambda: nested(4, int)) == (1704 + 5 * 247, 5)
    assert measured(lambda: nested(4, leaf)) == (1704 + 5 * 247 + 1513, 6)

    def wait():
        with pytest.raises(StopIteration):
            awaited(2, lambda: nested(1, leaf)).send(None)

    assert measured(wait) == (1704 + 3 * 253 + 2 * 247 + 1513, 6)


def test_the_depth_that_the_first_release_had_is_over_the_limit():
    """Version 0.1.0 changed the steps of a fallback 27 frames from the loop: two coroutines, 19
    calls and 6 list comprehensions, from the connection to the text of the settings. The emulator
    measured 8,116 bytes.
    """

    def wait():
        with pytest.raises(StopIteration):
            awaited(1, lambda: nested(18, lambda: folded(5))).send(None)

    count, frames = measured(wait)
    assert frames == 27
    assert 7900 < count < 8200


def test_calls_more_than_a_change_makes_now_are_over_the_limit(deepest):
    """The limit is no more than a few calls away: it notices them."""
    count = deepest["PATCH fallback.steps"][1]
    assert count + 2 * depth.BYTES["call"] > LIMIT
