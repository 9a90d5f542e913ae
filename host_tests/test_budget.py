"""What any request may cost: the dearest that search and thought have found, for each endpoint and
each parser, in heartbeats. See costs.py.

Nobody's request keeps the loop to itself for longer than LIMIT heartbeats, and a stranger's for
longer than STRANGERS, though a machine that is busy measures some more. A row of the service table
without a case fails.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from holdfast.routes import PATTERNS, ROWS
from plain import compile_plain

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.alone

LIMIT = 50
STRANGERS = 10
HEAP = "1200k"
TRIES = 6  # others use this machine, too
LIMIT_S = 600
BODY = 4096


def request(method, target, body="", headers=(), chunked=False):
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: 192.168.0.90", *headers]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif method != "GET":
        lines.append("Content-Length: %d" % len(body.encode()))
    return "\r\n".join(lines) + "\r\n\r\n" + body


def fill(begin, one, end, size=BODY):
    """As many of one as there is room for."""
    return begin + one * ((size - len((begin + end).encode())) // len(one.encode())) + end


def names(count, form):
    return "".join(form % i for i in range(count))


JSON = {
    "lists": ("[", "[],", "1]"),
    "objects": ("[", '{"a":{}},', "1]"),
    "nested": ("[", "[" * 13 + "]" * 13 + ",", "1]"),
    "escapes": ('"', "\\u00e9", '"'),
    "short escapes": ('"', "\\n", '"'),
    "quotes": ('"', '\\"', '"'),
    "backslashes": ('"', "\\\\", '"'),
    "escaped strings": ("[", '"\\n",', "1]"),
    "pairs": ('"', "\\ud83d\\ude00", '"'),
    "digits": ("[", "1,", "1]"),
    "floats": ("[", "1e1,", "1]"),
    "blanks": ("", " ", "1"),
    "letters": ('"', "é", '"'),
    "members": ("{", '"aa":1,', '"b":1}'),
}
XML = {
    "elements": ("<Envelope>", "<a/>", "</Envelope>"),
    "pairs": ("<Envelope>", "<a></a>", "</Envelope>"),
    "references": ("<Envelope>", "&lt;", "</Envelope>"),
    "characters": ("<Envelope>", "&#9;", "</Envelope>"),
    "comments": ("<Envelope>", "a<!---->", "</Envelope>"),
    "instructions": ("<Envelope>", "<?a?>", "</Envelope>"),
    "CDATA": ("<Envelope>", "<![CDATA[a]]>", "</Envelope>"),
    "letters": ("<Envelope>", "é", "</Envelope>"),
    "line ends": ("<Envelope>", "\r", "</Envelope>"),
    "name": ("<", "a", "/>"),
    "dots": ("<a", ".", "/>"),
    "blanks": ("<Envelope", " ", "/>"),
}
ACTION = (
    '"%d":{"name":"@@","template":"com.axis.action.fixed.io.toggle",'
    '"parameters":{"port":"4","state":"high","duration":"1"}}'
)
RULE = (
    '"%d":{"name":"@@","action":"1","start":{"topic":"'
    + "|".join("tns1:Device/tnsaxis:IO/Port%d" % i for i in range(10))
    + '","content":"boolean(//SimpleItem[@Name=\\"port\\" and @Value=\\"2\\"])"}}'
)
CHANGES = {
    "name": '"time":null',
    "actions": '"actions":{%s}' % ",".join(ACTION % i for i in range(1, 17)),
    "rules": '"rules":{%s}' % ",".join(RULE % i for i in range(1, 9)),
    "ports": '"ports":{%s}' % ",".join('"%d":{"name":"@@","usage":"@@"}' % i for i in range(6)),
    "of nothing": ",".join('"a%d":null' % i for i in range(330)),
}
SOAP = '<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body>%s</Body></Envelope>'
GUESS = 'Authorization: Digest username="root", realm="Holdfast", %s'


def cases():
    """(name, who asks, the request but for its login)."""
    yield "monitors", "", ""  # 32 of them are made
    for shape, parts in JSON.items():
        text = fill(*parts)
        yield "json " + shape, "operator", request("POST", "/axis-cgi/systemready.cgi", text)
        for path in ("apidiscovery", "basicdeviceinfo", "systemready"):
            short = fill(*parts, size=512)
            yield (
                "json of strangers %s %s" % (shape, path),
                None,
                request("POST", "/axis-cgi/%s.cgi" % path, short),
            )
    for shape in ("escaped strings", "digits", "lists", "objects"):
        text = fill(*JSON[shape])
        for path in ("/vapix/axhbt", "/vapix/axgpio", "/axis-cgi/io/portmanagement.cgi"):
            yield "json %s %s" % (path, shape), "administrator", request("POST", path, text)
        yield "json monitors " + shape, "token", request("POST", "/v1/heartbeat", text)
        yield "json confirm " + shape, "administrator", request("POST", "/holdfast/confirm", text)
        yield "json drill " + shape, "administrator", request("POST", "/holdfast/drill", text)
        yield "json release " + shape, "administrator", request("POST", "/holdfast/release", text)
        yield "json bypass " + shape, "administrator", request("POST", "/holdfast/bypass", text)
    for shape, parts in XML.items():
        yield "xml " + shape, "viewer", request("POST", "/vapix/services", fill(*parts))
        short = fill(*parts, size=490)
        short = short.replace("Envelope", "GetServiceCapabilities", 1) + " "
        yield "xml of strangers " + shape, None, request("POST", "/vapix/services", short)
    attributes = "<Envelope " + names(250, 'a%03d........="" ')[: BODY - 20] + "/>"
    yield "xml attributes", "viewer", request("POST", "/vapix/services", attributes)
    several = fill("<Envelope>", "<a " + names(30, 'a%02d="" ') + "/>", "</Envelope>")
    yield "xml attributes of many", "viewer", request("POST", "/vapix/services", several)
    for operation in (
        "GetEventInstances",
        "GetPortList",
        "GetActionRules",
        "GetActionConfigurations",
        "GetActionTemplates",
        "GetServiceCapabilities",
        "Heartbeat",
    ):
        text = SOAP % ("<%s/>" % operation)
        yield "soap " + operation, "administrator", request("POST", "/vapix/services", text)
    ports = SOAP % ("<SetPort>" + "<Port><PortId>5</PortId></Port>" * 64 + "</SetPort>")
    yield "soap SetPort", "administrator", request("POST", "/vapix/services", ports)
    groups = (
        "*",
        "*.*.*,*.*.*",
        "*.*.*,*.?*.*,?*.*.*",
        "*," * 8,
        "root," * 15,
        "IOPort.I?.*,IOPort.I*.*,IOPort.*.*,IOPort.I?.?*",
        "*" * 8,
        "a" * 900,
        "*a*a*a*a*a*a*a*a",
        ",".join("Properties.A%d" % i for i in range(16)),
        ",".join("IOPort.I%d.O" % (i % 6) + "x" * i for i in range(16)),
    )
    param = "/axis-cgi/param.cgi"
    for group in groups:
        yield (
            "param " + group[:24],
            "viewer",
            request("GET", param + "?action=list&group=" + group),
        )
    many = "&".join("a%d=b" % i for i in range(64))
    for row in ROWS[0].split("\n")[1:-1] + ROWS[1].split("\n")[1:-1] + PATTERNS.split("\n")[1:-1]:
        path, methods, role, _ = row.split(" ")
        who = {"token": "token"}.get(role, "administrator")
        for method in methods.split(","):
            if method in ("PUT", "PATCH", "DELETE") or "restart" in path:
                continue
            for query in ("", "?" + many):
                yield (
                    "%s %s %s" % (method, path, query[:4]),
                    who,
                    request(method, path.replace("*", "x") + query),
                )
            if role in ("anyone", "token"):
                yield "%s %s of strangers" % (method, path), None, request(method, path)
    forms = {
        "escapes": "%41" * 1365,
        "fields of escapes": "&".join(["%41=" + "%41" * 19] * 64),
        "letters": "%C3%A9" * 682,
        "fields": "&".join("a%d=%d" % (i, i) for i in range(64)),
    }
    for shape, text in forms.items():
        yield "form " + shape, "viewer", request("POST", param, text)
    port = "/axis-cgi/io/port.cgi"
    yield (
        "port actions",
        "operator",
        request("POST", port, "&".join(["action=5:/1\\1/1\\1/"] * 64)),
    )
    yield "port steps", "operator", request("POST", port, "action=5:" + "/1\\1" * 15 + "/")
    yield (
        "port checks",
        "viewer",
        request("POST", port, "&".join(["check=" + "5," * 9 + "5"] * 64)),
    )
    trigger = "&".join(["action=6:/20\\"] * 64)
    yield "triggers", "operator", request("POST", "/axis-cgi/io/virtualinput.cgi", trigger)
    call = '{"apiVersion":"1.1","method":"%s","params":%s}'
    manage = "/axis-cgi/io/portmanagement.cgi"
    for count in (51, 60, 85):
        items = '{"ports":[%s]}' % ",".join(['{"port":"5","state":"open"}'] * count)
        text = call % ("setPorts", items)
        yield "setPorts %d" % count, "operator", request("POST", manage, text)
    bad = '{"ports":[%s]}' % ",".join(['{"port":"5","name":1,"state":1,"direction":1}'] * 48)
    yield "setPorts in vain", "operator", request("POST", manage, call % ("setPorts", bad))
    steps = '{"port":"5","sequence":[%s]}' % ",".join(['{"state":"open","time":100}'] * 64)
    yield "sequence", "operator", request("POST", manage, call % ("setStateSequence", steps))
    yield "getPorts", "viewer", request("POST", manage, call % ("getPorts", "{}"))
    like = call % ("getApiList", '{"id":"%s","version":"%s"}' % ("*?" * 32, "*?" * 32))
    yield "patterns", None, request("POST", "/axis-cgi/apidiscovery.cgi", like)
    listed = call % ("getProperties", '{"propertyList":[%s]}' % ",".join(['"WebURL"'] * 64))
    yield "properties", "operator", request("POST", "/axis-cgi/basicdeviceinfo.cgi", listed)
    gpio = '{"axgpio:SetPort":{"Port":[%s]}}' % ",".join(['{"PortId":"5","Active":true}'] * 64)
    yield "axgpio SetPort", "administrator", request("POST", "/vapix/axgpio", gpio)
    yield "axgpio list", "operator", request("POST", "/vapix/axgpio", '{"axgpio:GetPortList":{}}')
    for shape, headers in {
        "fields": ["A%d: b" % i for i in range(39)],
        "fields given twice": ["Connection: " + "a," * 10] * 39,
        "tokens": ["Connection: " + "," * 1800],
        "origin": ["Origin: http://" + "@" * 1800],
        "credentials": [
            "Authorization: Digest " + ",".join("%s=1" % ("a" * i) for i in range(1, 55))
        ],
        "commas": ["Authorization: Digest " + "," * 1900],
        "long credentials": [GUESS % ('cnonce="' + "a" * 1800 + '"')],
        "bearer": ["Authorization: Bearer " + "a" * 1900],
        "language": [
            "User-Agent: Mozilla/5.0",
            "Accept-Language: en",
            "Referer: http://a" + "/" * 900,
        ],
    }.items():
        yield "head " + shape, None, request("GET", "/holdfast/status", headers=headers)
        yield "head nowhere " + shape, None, request("GET", "/nothing", headers=headers)
    opening = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    opening.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    for sources in ("," * 600, "a," * 300, "%2C" * 200):
        target = "/vapix/ws-data-stream?sources=" + sources
        yield "sources " + sources[:3], "viewer", request("GET", target, headers=opening)
    for path in (
        "/" * 1000,
        "/ping/" + "a/" * 400,
        "/v1/heartbeat/" + "%41" * 300,
        "/" + "%2F" * 300,
    ):
        yield "path " + path[:20], None, request("GET", path)
    ready = "/axis-cgi/systemready.cgi"
    chunks = "1\r\na\r\n" * 1000 + "0\r\n\r\n"
    yield "chunks of strangers", None, request("POST", ready, chunks, chunked=True)
    yield (
        "chunks",
        "viewer",
        request("POST", ready, "1\r\na\r\n" * 4000 + "0\r\n\r\n", chunked=True),
    )
    trailers = "0\r\n" + "a:\r\n" * 126 + "\r\n"
    yield "trailers", None, request("POST", ready, trailers, chunked=True)
    yield "dropped", None, request("POST", "/ping/x", "a" * 20000)
    yield "empty lines", None, "\r\n" * 1000 + request("GET", "/")
    yield "listed", "token", request("GET", "/v1/service/s/heartbeats")
    ids = "&".join(["id=" + ",".join("a" * 7)] * 60)
    yield "removed", "token", request("DELETE", "/v1/heartbeat?" + ids)
    yield "settings", "administrator", request("PATCH", "/holdfast/settings", fill(*JSON["lists"]))
    yield (
        "settings too",
        "administrator",
        request("PUT", "/holdfast/settings", fill(*JSON["digits"])),
    )
    # Changes that are made, of the largest document there may be.
    for key, text in CHANGES.items():
        change = '{"name":"@@",%s}' % text
        yield "settings " + key, "administrator", request("PATCH", "/holdfast/settings", change)
    for text in ("parts", "parts of conditions"):
        yield "settings in " + text, "administrator", text


# Rows that cases() has by name, because their methods change or end something.
BY_NAME = {
    "/holdfast/settings": ("settings", "settings too"),
    "/holdfast/restart": (),  # an answer of a few bytes, and no input
    "/v1/heartbeat": ("removed",),
    "/v1/heartbeat/*": ("json monitors lists",),
}


def measured(micropython, wanted):
    """{name: (who, status, cost)} of one run."""
    lines = []
    for name, who, data in wanted:
        lines.append(json.dumps({"name": name, "who": who, "bytes": data}))
    path = ":".join([".frozen", str(compile_plain()), str(HERE)])
    result = subprocess.run(
        [micropython, "-X", "heapsize=" + HEAP, str(HERE / "costs.py")],
        input="\n".join(lines) + "\n",
        env=dict(os.environ, MICROPYPATH=path),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    found = {}
    for line in result.stdout.splitlines():
        if line.count("\t") == 2:
            name, status, cost = line.split("\t")
            found[name] = int(status), float(cost)
    return found


def test_no_request_costs_more_than_its_budget(micropython):
    wanted = list(cases())
    who = {name: asker for name, asker, _ in wanted}
    best = {}
    for _ in range(TRIES):
        for name, (status, cost) in measured(micropython, wanted).items():
            assert status < 500 or status == 503, (name, status)
            best[name] = min(cost, best.get(name, cost))
        dear = {name: cost for name, cost in best.items() if cost > _limit(name, who[name])}
        if not dear:
            break
        wanted = [case for case in wanted if case[0] in dear or case[0] == "monitors"]
    for role in (None, "viewer", "operator", "administrator", "token"):
        rows = sorted(((cost, name) for name, cost in best.items() if who[name] == role))[-5:]
        print(
            role or "strangers", ", ".join("%s %.0f" % (name, cost) for cost, name in rows[::-1])
        )
    assert not dear, sorted(dear.items())
    assert len(best) == len(who) - 1


def _limit(name, who):
    return STRANGERS if who is None else LIMIT


def test_every_row_of_the_service_table_has_a_case():
    known = [name for name, _, _ in cases()]
    assert len(known) == len(set(known)), [name for name in known if known.count(name) > 1]
    for row in "".join(ROWS).split("\n") + PATTERNS.split("\n"):
        if not row:
            continue
        path, methods, _, _ = row.split(" ")
        for method in methods.split(","):
            named = [name for name in known if name.startswith("%s %s " % (method, path))]
            assert named or path in BY_NAME, row
    for wanted in BY_NAME.values():
        assert set(wanted) <= set(known)
