"""Every kind of odd input at every door where input enters.

A door is an address with a value in it. Whatever kind of value, body or request comes, there are
two good ends: it is refused, with a 4xx or the error of that API, and nothing has changed; or it
is answered as done, and done is exactly what was asked for. A success that did nothing, a refusal
that did something, and a 5xx are none. Some kinds must be refused everywhere, some taken
everywhere.

A path that the module answers and that is no door here fails the last test.
"""

import http.client
import json
import re
import socket
import urllib.parse

import pytest
from holdfast import routes
from test_e2e_monitors import TOKENS

from boards import ANSWER_S, STREAM, Credentials, configure, settings

NUMBER = 10000
# (kind, as JSON, as text): all of them stand for 10000 or for nothing.
NUMBERS = (
    ("plain", "10000", "10000"),
    ("text for a number", '"10000"', "10000"),
    ("leading zeros", "0010000", "0010000"),
    ("a padded text", '"0010000"', "0010000"),
    ("a float", "10000.0", "10000.0"),
    ("an exponent", "1e4", "1e4"),
    ("a boolean", "true", "true"),
    ("null", "null", "null"),
    ("nothing", '""', ""),
    ("a list", "[10000]", "[10000]"),
    ("a blank before", '" 10000"', " 10000"),
    ("a Unicode blank", '"10000\\u3000"', "10000\u3000"),
    ("a no-break space", '"\\u00a010000"', "\u00a010000"),
    ("a plus", '"+10000"', "+10000"),
    ("an underscore", '"10_000"', "10_000"),
    (
        "digits of another script",
        '"\u0661\u0660\u0660\u0660\u0660"',
        "\u0661\u0660\u0660\u0660\u0660",
    ),
    ("hexadecimal", '"0x2710"', "0x2710"),
    ("negative", "-10000", "-10000"),
    ("huge", "1" + "0" * 40, "1" + "0" * 40),
    ("huge by exponent", "1e999", "1e999"),
)
REFUSED_NUMBERS = ("a boolean", "a list", "a plus", "an underscore", "digits of another script")
REFUSED_NUMBERS += ("hexadecimal", "negative", "huge", "huge by exponent", "a Unicode blank")

# (kind, text, True where every door must take it, False where every door must refuse it)
TEXTS = (
    ("plain", "Strike", True),
    ("an umlaut", "T\u00fcr 1", None),
    ("a percent sign", "100%", None),
    ("markup", '<a & "b">', None),
    ("a Unicode blank", "a\u3000b", None),
    ("U+0001", "a\x01b", False),
    ("a line feed", "a\nb", False),
    ("NUL", "a\x00b", False),
    ("DEL", "a\x7fb", False),
    ("C1", "a\u009bb", False),
    ("NEL", "a\u0085b", False),
    ("a line separator", "a\u2028b", False),
    ("a paragraph separator", "a\u2029b", False),
    ("right to left", "a\u202eb", False),
    ("an isolate", "a\u2067b", False),
    ("an Arabic mark", "a\u061cb", False),
    ("too long", "x" * 300, False),
)

# (kind, function(body) -> body, headers, True where it must be done as if it were plain)
BODIES = (
    ("a BOM", lambda body: b"\xef\xbb\xbf" + body, {}, None),
    ("UTF-16", lambda body: body.decode().encode("utf-16"), {}, None),
    ("bad UTF-8", lambda body: body[:-1] + b"\xff" + body[-1:], {}, None),
    ("cut short", lambda body: body[:-1], {}, None),
    ("something behind it", lambda body: body + b"\x01}", {}, None),
    ("nothing", lambda body: b"", {}, None),
    ("null", lambda body: b"null", {}, None),
    ("in a list", lambda body: b"[" + body + b"]", {}, None),
    ("as a text", lambda body: json.dumps(body.decode()).encode(), {}, None),
    ("NUL", lambda body: body + b"\0", {}, None),
    ("nested", lambda body: b'{"a":' * 100 + body + b"}" * 100, {}, None),
    ("too long", lambda body: body + b" " * 70000, {}, None),
    ("of another type", lambda body: body, {"Content-Type": "image/png"}, None),
    ("of no type", lambda body: body, {"Content-Type": None}, None),
    ("a type with parameters", lambda body: body, {"Content-Type": "{}; charset=utf-8"}, True),
    ("chunked", lambda body: body, {"Transfer-Encoding": "chunked"}, True),
)


class Answer:
    def __init__(self, status, body, headers):
        self.status = status
        self.body = body
        self.headers = headers

    def refused(self):
        """A 4xx, or what the APIs have for an error with 200."""
        if 400 <= self.status < 500:
            return True
        assert 200 <= self.status < 400, (self.status, self.body)
        text = self.body
        return (
            text.startswith("# Error")
            or "<ErrorCode>" in text
            or re.search(r"<body>Error", text) is not None
            or re.search(r'"error":\{', text) is not None
        )


class Client:
    """Requests as bytes, so that each may be as odd as it likes."""

    def __init__(self, board):
        self.board = board
        self.credentials = Credentials(board.url, "root")

    def ask(self, door, target=None, body=None, change=(), version="HTTP/1.1", case=str):
        """One request at a door; headers: changed, None for one that is left out."""
        target = door.target if target is None else target
        body = door.body if body is None else body
        headers = {"Host": "module", "Connection": "close"}
        if body:
            headers["Content-Type"] = door.kind
        if door.token is None:
            headers["Authorization"] = self.credentials.header(door.method, target)
        elif door.token:
            headers["Authorization"] = "Bearer " + door.token
        headers.update(door.headers)
        chunked = False
        for name, value in dict(change).items():
            chunked = chunked or name == "Transfer-Encoding"
            if value is None:
                headers.pop(name, None)
            elif name in headers or name != "Content-Type":
                headers[name] = value.replace("{}", door.kind)
        if chunked:
            half = len(body) // 2
            parts = [part for part in (body[:half], body[half:]) if part]
            body = b"".join(b"%04x\r\n%s\r\n" % (len(part), part) for part in parts)
            body += b"0\r\n\r\n"
        elif body or door.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = "%d" % len(body)
        lines = ["%s %s %s" % (door.method, target, version)]
        lines += ["%s: %s" % (case(name), value) for name, value in headers.items()]
        data = "\r\n".join([*lines, "", ""]).encode() + body
        with socket.create_connection((self.board.host, self.board.port), ANSWER_S) as sock:
            try:
                sock.sendall(data)
            except ConnectionError:
                pass  # it has refused already
            answer = http.client.HTTPResponse(sock, method=door.method)
            answer.begin()
            text = answer.read().decode(errors="replace")
        return Answer(answer.status, text, answer.headers)

    def get(self, target, token=None):
        return self.ask(Door("GET", target, token=token))


class Door:
    """One way in. value: what of it is odd, "number", "text" or None; `fill` puts one there.

    is_so(client, answer, wanted): has the module done, or told, what was asked? For a door that
    changes something `before` brings the module to where it has not.
    """

    def __init__(self, method, target, body=b"", kind="application/json", **more):
        self.method = method
        self.target = target
        self.body = body if isinstance(body, bytes) else body.encode()
        self.kind = kind
        self.token = more.pop("token", None)
        self.headers = more.pop("headers", {})
        self.value = more.pop("value", None)
        self.plain = more.pop("plain", None)  # the value that stands there
        self.is_so = more.pop("is_so", lambda client, answer, wanted: answer.status == 200)
        self.before = more.pop("before", lambda client: None)
        self.carrier = more.pop("carrier", "json")
        self.path = more.pop("path", target.partition("?")[0])
        assert not more, more

    def filled(self, json_text, text):
        """(target, body) with another value."""
        target, body = self.target, self.body.decode()
        if self.carrier == "json":
            body = body.replace("@", json_text)
        elif self.carrier == "xml":
            for old, new in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
                text = text.replace(old, new)
            body = body.replace("@", text)
        else:
            target = target.replace("@", urllib.parse.quote(text, safe=""))
            body = body.replace("@", urllib.parse.quote_plus(text))
        return target, body.encode()


def envelope(inner):
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>%s</s:Body>'
        "</s:Envelope>" % inner
    )


FORM = "application/x-www-form-urlencoded"
SOAP = "application/soap+xml"
CALL = '{"apiVersion":"1.0","context":"c","method":"%s","params":%s}'


# -- what has been done ---------------------------------------------------------------------------


def status(client):
    return json.loads(client.get("/holdfast/status").body)


def duration(client, answer, wanted):
    root = [row for row in status(client)["masters"] if row["master"] == "root"][0]
    return root["duration_ms"] == wanted


def beat_shortly(client):
    body = '{"axhbt:Heartbeat":{"Duration":60000}}'
    assert client.ask(Door("POST", "/vapix/axhbt", body)).status == 200


def name_of(index):
    def is_so(client, answer, wanted):
        return status(client)["ports"][index]["name"] == wanted

    return is_so


def unnamed(index):
    def before(client):
        body = '{"ports":{"%d":{"name":"before"}}}' % index
        assert client.ask(Door("PATCH", "/holdfast/settings", body)).status == 200

    return before


def closed(index):
    def is_so(client, answer, wanted):
        return client.board.level(index) == 1

    return is_so


def opened(client):
    rows = ",".join('{"port":"%d","state":"open"}' % index for index in range(4, 8))
    body = CALL % ("setPorts", '{"ports":[%s]}' % rows)
    answer = client.ask(Door("POST", "/axis-cgi/io/portmanagement.cgi", body))
    assert '"data"' in answer.body and client.board.levels() == "0000"


def virtual(topic):
    """Is virtual input 3, or manual trigger 3, on?"""

    def is_so(client, answer, wanted):
        with client.board.open_stream() as stream:
            content = 'boolean(//SimpleItem[@Name="port" and @Value="3"])'
            row = {"topicFilter": "tns1:Device/tnsaxis:IO/" + topic, "contentFilter": content}
            configure(stream, row)
            message = json.loads(stream.recv(ANSWER_S))
        return list(message["params"]["notification"]["message"]["data"].values()) == ["1"]

    return is_so


def not_virtual(client):
    client.get("/axis-cgi/virtualinput/deactivate.cgi?schemaversion=1&port=3")
    client.get("/axis-cgi/io/virtualinput.cgi?action=3:%5C")


def has_data(client, answer, wanted):
    return '"data":{' in answer.body


def made(client):
    """Monitors as they are before each request: one of a known name."""
    for row in monitors(client):
        client.ask(Door("DELETE", "/v1/heartbeat/" + row["id"], token="YOUR_TOKEN"))
    fields = {"service_id": "s", "name": "job", "interval": 60}
    answer = client.ask(Door("POST", "/v1/heartbeat", json.dumps(fields), token="YOUR_TOKEN"))
    assert answer.status == 201, answer.body
    client.monitor = json.loads(answer.body)["id"]


def monitors(client):
    return json.loads(client.get("/v1/service/s/heartbeats", "YOUR_TOKEN").body)["data"]


def one_monitor(key, name=None):
    def is_so(client, answer, wanted):
        rows = [row for row in monitors(client) if name is None or row["name"] == name]
        return wanted in [row[key] for row in rows]

    return is_so


def down(client, answer, wanted):
    return [row["state"] for row in monitors(client)] == ["down"]


def up(client, answer, wanted):
    return [row["state"] for row in monitors(client)] == ["up"]


def accounts(client):
    return client.get("/axis-cgi/pwdgrp.cgi?action=get").body


def has_account(client, answer, wanted):
    return '"root,%s"' % wanted in accounts(client) or ',%s"' % wanted in accounts(client)


def no_account(client):
    client.get("/axis-cgi/pwdgrp.cgi?action=remove&user=Strike")


def configured(key):
    def is_so(client, answer, wanted):
        document = json.loads(client.get("/holdfast/settings").body)
        rows = document.get(key, {}).values()
        return wanted in [row.get("name") for row in rows]

    return is_so


def no_actions(client):
    parameters = {"port": "7", "state": "low", "duration": ""}
    action = {"template": "com.axis.action.fixed.io.toggle", "parameters": parameters}
    document = json.loads(client.get("/holdfast/settings").body)
    document.pop("checksum", None)
    document["actions"] = {"1": action}
    document.pop("rules", None)
    answer = client.ask(Door("PUT", "/holdfast/settings", json.dumps(document)))
    assert answer.status == 200, answer.body


def lost(client, answer, wanted):
    return status(client)["lost"] is True


def alive(client):
    body = '{"axhbt:Heartbeat":{"Duration":60000}}'
    assert client.ask(Door("POST", "/vapix/axhbt", body)).status == 200


def drilled(client):
    alive(client)
    client.ask(Door("POST", "/holdfast/drill", '{"master":"root"}'))


def released(client, answer, wanted):
    return status(client)["lost"] is False


def not_bypassed(client):
    answer = client.ask(Door("POST", "/holdfast/bypass", '{"port":"4","for":0}'))
    assert answer.status in (200, 409), answer.body


def bypassed(client, answer, wanted):
    (row,) = [row for row in status(client)["ports"] if row["port"] == "4"]
    return row["bypassed_until"] is not None


def on_trial(client):
    answer = client.ask(Door("PATCH", "/holdfast/settings?trial=1", '{"name":"tried"}'))
    assert answer.status in (200, 409), answer.body


def kept(client, answer, wanted):
    return answer.body == '{"kept":true}' and "trial" not in status(client)


def named(client, answer, wanted):
    return status(client)["name"] == wanted


def nameless(client):
    assert client.ask(Door("PATCH", "/holdfast/settings", '{"name":"before"}')).status == 200


MONITOR = "/v1/heartbeat/{id}"
GPIO = "/vapix/axgpio"
PORTS = "/axis-cgi/io/portmanagement.cgi"
SERVICES = "/vapix/services"
TOPIC = '<c:TopicExpression xmlns:c="x">tns1:Device/tnsaxis:Monitor/Heartbeat</c:TopicExpression>'
PUT_NAME = '{"name":"@","accounts":%s}' % json.dumps(settings()["accounts"])
READ = [
    Door("GET", "/holdfast/status"),
    Door("GET", "/holdfast/uplinks"),
    Door("GET", "/holdfast/masters"),
    Door("GET", "/holdfast/outputs"),
    Door("GET", "/"),
    Door("GET", "/holdfast/page.css"),
    Door("GET", "/holdfast/page.js"),
    Door("GET", "/axis-cgi/usergroup.cgi"),
    Door("GET", "/axis-cgi/wssession.cgi"),
    Door("GET", "/axis-cgi/virtualinput/getschemaversions.cgi"),
    Door("GET", "/holdfast/settings"),
    Door("GET", "/axis-cgi/param.cgi?action=list&group=Input"),
    Door("GET", "/axis-cgi/pwdgrp.cgi?action=get"),
    Door("GET", "/holdfast/log?limit=@", value="number", carrier="form"),
    Door("GET", "/axis-cgi/io/port.cgi?check=5"),
    Door("POST", "/axis-cgi/apidiscovery.cgi", CALL % ("getApiList", "{}"), is_so=has_data),
    Door("POST", "/axis-cgi/systemready.cgi", CALL % ("systemready", "{}"), is_so=has_data),
    Door("POST", "/axis-cgi/time.cgi", CALL % ("getAll", "{}"), is_so=has_data),
    Door(
        "POST",
        "/axis-cgi/basicdeviceinfo.cgi",
        CALL % ("getAllProperties", "{}"),
        is_so=has_data,
    ),
    Door(
        "POST",
        "/api/beat",
        b"",
        headers={"x-snd-eb-heartbeat": "1"},
        path="inbound",
    ),
]
# A board each: what is saved has a budget, and a door may take all of it.
GROUPS = {
    "reading": READ,
    "heartbeats": [
        Door(
            "POST",
            "/vapix/axhbt",
            '{"axhbt:Heartbeat":{"Duration":@}}',
            value="number",
            is_so=duration,
            before=beat_shortly,
        ),
        Door(
            "POST",
            SERVICES,
            envelope("<Heartbeat><Duration>@</Duration></Heartbeat>"),
            SOAP,
            value="number",
            carrier="xml",
            is_so=duration,
            before=beat_shortly,
        ),
        Door(
            "POST",
            "/holdfast/drill",
            '{"master":"root"}',
            is_so=lost,
            before=alive,
        ),
        Door(
            "POST",
            "/holdfast/release",
            '{"master":"root"}',
            is_so=released,
            before=drilled,
        ),
        Door(
            "POST",
            "/holdfast/bypass",
            '{"port":"4","for":60000}',
            is_so=bypassed,
            before=not_bypassed,
        ),
    ],
    "commands": [
        Door(
            "POST",
            PORTS,
            CALL % ("setPorts", '{"ports":[{"port":"4","state":"closed"}]}'),
            is_so=closed(4),
            before=opened,
        ),
        Door(
            "POST",
            PORTS,
            CALL % ("setStateSequence", '{"port":"4","sequence":[{"state":"closed","time":@}]}'),
            value="number",
            is_so=closed(4),
            before=opened,
        ),
        Door(
            "POST",
            GPIO,
            '{"axgpio:SetPort":{"Port":[{"PortId":"5","Active":true}]}}',
            is_so=closed(5),
            before=opened,
        ),
        Door(
            "POST",
            SERVICES,
            envelope("<SetPort><Port><PortId>6</PortId><Active>true</Active></Port></SetPort>"),
            SOAP,
            is_so=closed(6),
            before=opened,
            carrier="xml",
        ),
        Door("GET", "/axis-cgi/io/port.cgi?action=5:/", is_so=closed(4), before=opened),
        Door(
            "GET",
            "/axis-cgi/io/port.cgi?action=5:/@/",
            value="number",
            carrier="form",
            is_so=closed(4),
            before=opened,
        ),
        Door(
            "POST",
            "/axis-cgi/io/port.cgi",
            "action=6%3A%2F",
            FORM,
            carrier="form",
            is_so=closed(5),
            before=opened,
        ),
        Door(
            "GET",
            "/axis-cgi/virtualinput/activate.cgi?schemaversion=1&port=3&duration=@",
            value="number",
            carrier="form",
            is_so=virtual("VirtualInput"),
            before=not_virtual,
        ),
        Door(
            "GET",
            "/axis-cgi/virtualinput/deactivate.cgi?schemaversion=1&port=3",
            is_so=lambda *facts: not virtual("VirtualInput")(*facts),
            before=lambda client: client.get(
                "/axis-cgi/virtualinput/activate.cgi?schemaversion=1&port=3"
            ),
        ),
        Door(
            "GET",
            "/axis-cgi/io/virtualinput.cgi?action=3:/@%5C",
            value="number",
            carrier="form",
            is_so=virtual("VirtualPort"),
            before=not_virtual,
        ),
    ],
    "names of ports": [
        Door(
            "POST",
            PORTS,
            CALL % ("setPorts", '{"ports":[{"port":"4","name":"@"}]}'),
            value="text",
            is_so=name_of(4),
            before=unnamed(4),
        ),
    ],
    "names by axgpio": [
        Door(
            "POST",
            GPIO,
            '{"axgpio:SetPort":{"Port":[{"PortId":"5","OutputProperties":{"NiceName":"@"}}]}}',
            value="text",
            is_so=name_of(5),
            before=unnamed(5),
        ),
    ],
    "names by parameters": [
        Door(
            "GET",
            "/axis-cgi/param.cgi?action=update&root.IOPort.I6.Output.Name=@",
            value="text",
            carrier="form",
            is_so=name_of(6),
            before=unnamed(6),
        ),
    ],
    "names by a form": [
        Door(
            "POST",
            "/axis-cgi/param.cgi",
            "action=update&Network.UPnP.FriendlyName=Strike",
            FORM,
            carrier="form",
            is_so=named,
            before=nameless,
        ),
    ],
    "accounts": [
        Door(
            "GET",
            "/axis-cgi/pwdgrp.cgi?action=add&user=@&pwd=a-long-one&grp=users&sgrp=viewer",
            value="text",
            carrier="form",
            is_so=has_account,
            before=no_account,
        ),
        Door(
            "POST",
            "/axis-cgi/pwdgrp.cgi",
            "action=add&user=Strike&pwd=a-long-one&grp=users&sgrp=viewer",
            FORM,
            carrier="form",
            is_so=has_account,
            before=no_account,
        ),
    ],
    "settings": [
        Door(
            "PATCH",
            "/holdfast/settings",
            '{"name":"@"}',
            value="text",
            is_so=named,
            before=nameless,
        ),
    ],
    "settings whole": [
        Door(
            "PUT",
            "/holdfast/settings",
            PUT_NAME,
            value="text",
            is_so=named,
            before=nameless,
        ),
    ],
    "settings on trial": [
        Door("POST", "/holdfast/confirm", '{"keep":true}', is_so=kept, before=on_trial),
    ],
    "actions": [
        Door(
            "POST",
            SERVICES,
            envelope(
                "<AddActionConfiguration><NewActionConfiguration><Name>@</Name><TemplateToken>"
                "com.axis.action.fixed.io.toggle</TemplateToken><Parameters>"
                '<Parameter Name="port" Value="4"/><Parameter Name="state" Value="low"/>'
                '<Parameter Name="duration" Value=""/></Parameters></NewActionConfiguration>'
                "</AddActionConfiguration>"
            ),
            SOAP,
            value="text",
            carrier="xml",
            is_so=configured("actions"),
            before=no_actions,
        ),
    ],
    "rules": [
        Door(
            "POST",
            SERVICES,
            envelope(
                "<AddActionRule><NewActionRule><Name>@</Name><Enabled>true</Enabled><StartEvent>"
                "%s</StartEvent><PrimaryAction>1</PrimaryAction></NewActionRule></AddActionRule>"
                % TOPIC
            ),
            SOAP,
            value="text",
            carrier="xml",
            is_so=configured("rules"),
            before=no_actions,
        ),
    ],
    "monitors": [
        Door(
            "POST",
            "/v1/heartbeat",
            '{"service_id":"s","name":"@"}',
            token="YOUR_TOKEN",
            value="text",
            is_so=one_monitor("name"),
            before=made,
        ),
        Door(
            "POST",
            "/v1/heartbeat",
            '{"service_id":"s","name":"other","interval":@}',
            token="YOUR_TOKEN",
            value="number",
            is_so=one_monitor("interval", "other"),
            before=made,
        ),
        Door(
            "PUT",
            MONITOR,
            '{"name":"@"}',
            token="YOUR_TOKEN",
            value="text",
            is_so=one_monitor("name"),
            before=made,
        ),
        Door(
            "PUT",
            MONITOR,
            '{"grace":@}',
            token="YOUR_TOKEN",
            value="number",
            is_so=one_monitor("grace"),
            before=made,
        ),
        Door(
            "PUT",
            MONITOR,
            '{"wait_for_first":true}',
            token="YOUR_TOKEN",
            is_so=lambda client, answer, wanted: monitors(client)[0]["wait_for_first"],
            before=made,
        ),
        Door(
            "DELETE",
            MONITOR,
            token="YOUR_TOKEN",
            is_so=lambda client, answer, wanted: not monitors(client),
            before=made,
        ),
        Door(
            "DELETE",
            "/v1/heartbeat?id={id}",
            token="YOUR_TOKEN",
            is_so=lambda client, answer, wanted: not monitors(client),
            before=made,
        ),
        Door(
            "GET",
            "/v1/service/s/heartbeats?limit=@",
            token="YOUR_TOKEN",
            value="number",
            carrier="form",
            before=made,
            path="/v1/service/*/heartbeats",
        ),
        Door(
            "GET",
            MONITOR + "/events?limit=@",
            token="YOUR_TOKEN",
            value="number",
            carrier="form",
            before=made,
            path="/v1/heartbeat/*/events",
        ),
        Door(
            "GET",
            MONITOR + "/statistic?interval=1h",
            token="YOUR_TOKEN",
            before=made,
            path="/v1/heartbeat/*/statistic",
        ),
    ],
    "check-ins": [
        Door(
            "POST",
            MONITOR,
            '{"result":"fail"}',
            token="",
            carrier="check-in",
            is_so=down,
            before=made,
        ),
        Door(
            "POST",
            MONITOR,
            "result=fail&message=x",
            FORM,
            token="",
            carrier="text",
            is_so=down,
            before=made,
        ),
        Door("GET", MONITOR + "?result=fail", token="", is_so=down, before=made),
        Door("GET", MONITOR + "?result=fail", token="YOUR_TOKEN", is_so=down, before=made),
        Door(
            "GET",
            MONITOR,
            token="YOUR_TOKEN",
            headers={"Host": "data-gateway.lan"},
            is_so=up,
            before=made,
        ),
        Door("GET", "/ping/{id}", token="", is_so=up, before=made, path="/ping/*"),
        Door("GET", "/ping/{id}/fail", token="", is_so=down, before=made, path="/ping/*/*"),
        Door(
            "POST",
            "/ping/{id}/1",
            "broken",
            "text/plain",
            token="",
            is_so=down,
            before=made,
            path="/ping/*/*",
        ),
        Door(
            "POST",
            "/ping/your-ping-key/job/fail",
            "broken",
            "text/plain",
            token="",
            is_so=down,
            before=made,
            path="/ping/*/*/*",
        ),
    ],
}
# At these the body decides nothing: whatever it is, the request counts.
ANY_BODY = ("/ping/",)
# A form cut short is another form, a check-in without a body another check-in, as is any text.
MEANINGLESS = {
    "form": ("cut short", "nothing"),
    "check-in": ("nothing",),
    "text": ("cut short", "nothing", "null"),
}
# Doors of the table of services that the groups above cannot try by a request and an answer.
ELSEWHERE = {
    "/vapix/ws-data-stream": "test_odd_configurations_of_a_stream",
    "/holdfast/restart": "it takes no value: test_e2e_restart.py",
}
CASES = [(group, door) for group in GROUPS for door in GROUPS[group]]


def check(client, door, wanted, must, what, **request):
    """One odd request. must: True it is done, False it is refused, None either."""
    door.before(client)
    fixed = {}
    for key in ("target", "body"):
        value = request.get(key)
        if value is None:
            value = getattr(door, key)
        if "{id}" in (value if isinstance(value, str) else value.decode("latin-1")):
            fixed[key] = (
                value.replace("{id}", client.monitor)
                if isinstance(value, str)
                else value.replace(b"{id}", client.monitor.encode())
            )
        else:
            fixed[key] = value
    answer = client.ask(door, **{**request, **fixed})
    story = (what, door.method, fixed["target"][:200], fixed["body"][:300], answer.body[:300])
    if answer.refused():
        assert must is not True, ("refused", answer.status, story)
        changes = door.method != "GET" or door.is_so.__name__ != "<lambda>"
        if changes and door not in READ and door.is_so not in (duration,):
            assert not door.is_so(client, answer, wanted), ("refused, but done", story)
    else:
        assert must is not False, ("taken", answer.status, story)
        assert door.is_so(client, answer, wanted), ("not done", answer.status, story)


def plainly(door):
    """(target, body, what is wanted) of an ordinary request."""
    if door.value == "number":
        return (*door.filled("10000", "10000"), NUMBER)
    if door.value == "text":
        return (*door.filled("Strike", "Strike"), "Strike")
    return door.target, door.body, "Strike"


@pytest.fixture
def doors(start):
    """A board for these kinds, and a client of it."""
    board = start(
        settings(monitors={"tokens": TOKENS}, uplinks={"inbound": {"path": "/api/beat"}}),
        "--connections",
        12,
    )
    return Client(board)


@pytest.mark.parametrize("group", GROUPS)
def test_every_kind_at_every_door(doors, group):
    client = doors
    for door in GROUPS[group]:
        target, body, wanted = plainly(door)
        request = {"target": target, "body": body}
        check(client, door, wanted, True, "plain", **request)
        check(client, door, wanted, True, "headers in capitals", case=str.upper, **request)
        check(client, door, wanted, True, "headers in small letters", case=str.lower, **request)
        check(client, door, wanted, True, "HTTP/1.0", version="HTTP/1.0", **request)
        path, mark, query = target.partition("?")
        slash = True if path.startswith("/ping/") else None if path.startswith("/v1/") else False
        if path != "/":
            again = {"target": path + "/" + mark + query, "body": body}
            check(client, door, wanted, slash, "a slash at the end", **again)
            again = {"target": path.replace("/", "/%", 1) + mark + query, "body": body}
            check(client, door, wanted, False, "a bad escape in the path", **again)
        if path.strip("/") and "{id}" not in path:
            again = {"target": path.upper() + mark + query, "body": body}
            check(client, door, wanted, False, "a path in capitals", **again)
        if door.value == "number":
            for kind, json_text, text in NUMBERS:
                must = {"plain": True}.get(kind)
                if kind in REFUSED_NUMBERS:
                    must = False
                number = dict(zip(("target", "body"), door.filled(json_text, text)))
                check(client, door, NUMBER, must, kind, **number)
        if door.value == "text":
            for kind, text, must in TEXTS:
                if "pwdgrp" in door.target and must is None:
                    must = False  # an account's name is letters and digits
                escaped = json.dumps(text, ensure_ascii=False)[1:-1]
                named = dict(zip(("target", "body"), door.filled(escaped, text)))
                check(client, door, text, must, kind, **named)
        if body:
            for kind, change, headers, must in BODIES:
                if kind in MEANINGLESS.get(door.carrier, ()):
                    continue
                if door.target.startswith(ANY_BODY):
                    must = True
                again = {"target": target, "body": change(body), "change": headers}
                check(client, door, wanted, must, "a body: " + kind, **again)


def test_odd_configurations_of_a_stream(doors):
    """The one door that is no request and answer: every message gets a reply, and the stream goes
    on.
    """
    plain = json.loads(CALL % ("events:configure", '{"eventFilterList":[{"topicFilter":""}]}'))
    with doors.board.open_stream() as stream:
        for text, code in (
            ("\ufeff" + json.dumps(plain), None),
            ("", 2101),
            ("null", 2101),
            ("[%s]" % json.dumps(plain), 2101),
            (json.dumps(plain)[:-1], 2101),
            (json.dumps({**plain, "apiVersion": 1.0}), 2104),
            (json.dumps({**plain, "method": True}), 2104),
            (json.dumps({**plain, "context": 5}), 2104),
            (json.dumps({**plain, "params": [plain["params"]]}), 2104),
            (json.dumps({**plain, "Params": 1, "params": None}), 2103),  # none are there
            (json.dumps(plain), 0),
        ):
            stream.send(text)
            while True:
                told = json.loads(stream.recv(ANSWER_S))
                if told["method"] != "events:notify":
                    break
            found = told["error"]["code"] if "error" in told else 0
            assert found == code or code is None and found in (0, 2101), (text, told)
    for query in ("sources=", "Sources=events", "sources=events%00", "source=events", "sources=a"):
        target = STREAM.partition("?")[0] + "?" + query
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        door = Door("GET", target, headers=upgrade)
        assert doors.ask(door).status == 400, query


def test_every_door_of_the_module_is_tried():
    """A new row of the table of services is a door without kinds until it stands above."""
    tried = set(ELSEWHERE)
    for _, door in CASES:
        tried.add(door.path.replace("{id}", "*"))
    rows = "".join(routes.ROWS) + routes.PATTERNS
    doors = {line.split(" ")[0] for line in rows.split("\n") if line}
    assert doors - tried == set()
    assert tried - doors == {"/vapix/axhbt", "inbound"}
    methods = set()
    for _, door in CASES:
        methods.add((door.method, door.path.replace("{id}", "*")))
    for line in rows.split("\n"):
        if line:
            path, allowed = line.split(" ")[:2]
            for method in allowed.split(","):
                missing = (method, path) not in methods and path not in ELSEWHERE
                assert not missing or (method, path) in SAME, (method, path)


# Methods that the same handler takes alike.
SAME = {
    ("POST", "/axis-cgi/wssession.cgi"),
    ("POST", "/axis-cgi/io/virtualinput.cgi"),
    ("POST", "/axis-cgi/virtualinput/activate.cgi"),
    ("POST", "/axis-cgi/virtualinput/deactivate.cgi"),
    ("GET", "/axis-cgi/apidiscovery.cgi"),
    ("GET", "/axis-cgi/basicdeviceinfo.cgi"),
    ("POST", "/ping/*"),
    ("GET", "/ping/*/*/*"),
}
