"""No answer takes more of the heap than LIMIT bytes of a board to make, whatever its length.

The board holds as many of everything as settings may, with the longest names; see answers.py.
"""

import json
import os
import subprocess
from pathlib import Path

import interpreters
import pytest
from plain import compile_plain
from test_budget import SOAP, request

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.alone

LIMIT = 8 * 1024
TOO_LITTLE = 256  # for any answer
HEAP = "1200k"
LIMIT_S = 600
MONITORS = 8
CHECK_INS = 60
CALL = '{"apiVersion":"1.0","method":"%s","params":{}}'


def cases():
    """(name, who asks, the request but for its login)."""
    for path in ("status", "outputs", "uplinks", "masters", "log", "log?limit=64&since=0"):
        yield path, "administrator", request("GET", "/holdfast/" + path)
    for path in ("/", "/holdfast/page.css", "/holdfast/page.js"):
        yield path, "administrator", request("GET", path)
    for operation in (
        "GetEventInstances",
        "GetPortList",
        "GetActionTemplates",
        "GetServiceCapabilities",
        "Nonsense",
    ):
        text = SOAP % ("<%s/>" % operation)
        yield operation, "administrator", request("POST", "/vapix/services", text)
    for group in ("*", "root.IOPort", "Properties,IOPort"):
        target = "/axis-cgi/param.cgi?action=list&group=" + group
        yield "param " + group, "administrator", request("GET", target)
    manage = "/axis-cgi/io/portmanagement.cgi"
    yield "getPorts", "viewer", request("POST", manage, CALL % "getPorts")
    for path, method in (("apidiscovery", "getApiList"), ("basicdeviceinfo", "getAllProperties")):
        yield method, "operator", request("POST", "/axis-cgi/%s.cgi" % path, CALL % method)
    yield "axgpio", "operator", request("POST", "/vapix/axgpio", '{"axgpio:GetPortList":{}}')
    yield "accounts", "administrator", request("GET", "/axis-cgi/pwdgrp.cgi?action=get")
    target = "/axis-cgi/io/port.cgi?check=" + ",".join("123456" * 10)
    yield "port.cgi", "viewer", request("GET", target)
    yield "monitors", "token", request("GET", "/v1/service/s/heartbeats")
    for path in ("events", "statistic?interval=1h"):
        yield path, "token", request("GET", "/v1/heartbeat/@id/" + path)


def made():
    """Monitors and their check-ins, before the cases."""
    for i in range(MONITORS):
        body = '{"service_id":"s","name":"%02d%s","interval":60,"grace":60}' % (i, "n" * 40)
        yield "make", "token", request("POST", "/v1/heartbeat", body)
    for i in range(CHECK_INS):
        target = "/v1/heartbeat/@id?result=tick&message=%02d" % i + "n" * 46
        yield "make", "token", request("POST", target)


def told(micropython, *arguments):
    """{name: (status, bytes of the answer, what was found)} of one run."""
    lines = []
    for name, who, data in [*made(), *cases()]:
        lines.append(json.dumps({"name": name, "who": who, "bytes": data}))
    result = subprocess.run(
        [micropython, "-X", "heapsize=" + HEAP, str(HERE / "answers.py"), *arguments],
        input="\n".join(lines) + "\n",
        env=dict(os.environ, MICROPYPATH=":".join([".frozen", str(compile_plain()), str(HERE)])),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    found = {}
    for line in result.stdout.splitlines():
        if line.count("\t") == 3:
            name, *figures = line.split("\t")
            found[name] = [int(figure) for figure in figures]
    assert list(found) == [name for name, _, _ in cases()], result.stdout
    return found


def test_every_answer_is_made_with_little_of_the_heap(micropython):
    scale = interpreters.word_bytes(micropython) // 4
    found = told(micropython, str(LIMIT * scale))
    assert {status for status, _, _ in found.values()} == {200, 400}, found
    assert [name for name, (_, _, fits) in found.items() if not fits] == []
    # The longest are longer than that: what is measured is no answer that fits anyway.
    assert max(count for _, count, _ in found.values()) > LIMIT


def test_with_next_to_nothing_none_is_made(micropython):
    found = told(micropython, str(TOO_LITTLE))
    assert [name for name, (_, _, fits) in found.items() if fits] == []
