"""axgpio: ports in the shape of an I/O module, in JSON and in SOAP."""

from claims import raises
from holdfast.vapix.fault import Fault
from holdfast.vapix.gpio import GpioService
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from holdfast.wire.xml import parse
from makers import Asked, Caller, Store, finished, module, whole


class Bench:
    def __init__(self, ports=None):
        self.module = module(ports)
        self.store = Store(self.module)
        self.service = GpioService(self.module, self.store)

    def json(self, operation, fields="{}", role=3, now=1000):
        body = '{"axgpio:%s":%s}' % (operation, fields)
        self.store.now = now
        answer = finished(self.service.post(Caller("b", role), Asked(body), now))
        assert (answer.status, answer.content_type) == (200, "application/json")
        return loads(whole(answer))

    def refused(self, operation, fields):
        return raises(Fault, self.json, operation, fields).subcode

    def xml(self, method, inner="", now=1000):
        element = parse(('<a:X xmlns:a="urn:x">%s</a:X>' % inner).encode())
        self.store.now = now
        text = finished(getattr(self.service, method)(Caller("b", 3), element, now))
        text = text if isinstance(text, str) else "".join(text())
        return parse(('<r xmlns:axgpio="urn:x">%s</r>' % text).encode())


def test_capabilities_are_as_the_vendor_prints_them_and_for_everybody():
    bench = Bench()
    assert bench.json("GetServiceCapabilities") == {"Capabilities": {"MaxLimit": "1000"}}
    stranger = Caller()
    stranger.account = None
    for operation, status in (("GetServiceCapabilities", 200), ("GetPortList", 401)):
        asked = Asked('{"axgpio:%s":{}}' % operation)
        try:
            assert finished(bench.service.post(stranger, asked, 0)).status == status
        except HttpError as error:
            assert error.status == status


def test_a_port_is_told_with_everything_it_is():
    bench = Bench({"2": {"name": "Strike", "usage": "Door", "power_on": "closed"}})
    ports = bench.json("GetPortList")["Port"]
    assert [port["PortId"] for port in ports] == ["0", "1", "2", "3"]
    assert ports[2] == {
        "PortId": "2",
        "SupportedModes": ["RelayOutput"],
        "PortUsage": "Door",
        "CurrentMode": "RelayOutput",
        "CurrentState": "closed",
        "Active": True,
        "OutputProperties": {"NiceName": "Strike", "ActiveState": "closed"},
    }
    assert ports[0]["CurrentMode"] == "DigitalInput"
    assert ports[0]["InputProperties"] == {"NiceName": "Input 0", "ActiveState": "closed"}


def test_a_list_comes_in_pieces():
    bench = Bench()
    seen = []
    reference = ""
    for _ in range(4):
        part = bench.json("GetPortList", '{"Limit":"3","StartReference":"%s"}' % reference)
        seen += [port["PortId"] for port in part["Port"]]
        reference = part.get("NextStartReference")
        if reference is None:
            break
    assert seen == ["0", "1", "2", "3"]
    assert bench.json("GetPortList", '{"Limit":1}')["NextStartReference"] == "1"
    fields = '{"Limit":"00000000001","StartReference":"0000000000"}'
    assert bench.json("GetPortList", fields)["NextStartReference"] == "1"
    for limit in ('"x"', "-1", "true", "[]", "{}", "1.5", '"1e1"', '"1001"', '"0"', "0"):
        fields = '{"Limit":%s}' % limit
        assert bench.refused("GetPortList", fields) == "ter:InvalidArgVal", limit
    for reference in ('"x"', '"99"', "5", '"1000000000"', "[]", "{}", "false"):
        fields = '{"StartReference":%s}' % reference
        subcode = bench.refused("GetPortList", fields)
        assert subcode == "ter:InvalidArgVal/ter:InvalidStartReference", reference


def test_unknown_ids_are_left_out():
    bench = Bench()
    answer = bench.json("GetPort", '{"PortId":["3","9","0"]}')
    assert [port["PortId"] for port in answer["Port"]] == ["0", "3"]
    assert bench.refused("GetPort", "{}") == "ter:InvalidArgs"


def test_set_port_moves_the_output():
    bench = Bench()
    assert bench.json("SetPort", '{"Port":[{"PortId":"2","Active":true}]}') == {"PortId": ["2"]}
    assert bench.module.levels[2] == 1
    assert bench.module.ports[2].who == "b"
    bench.json("SetPort", '{"Port":[{"PortId":"2","Active":"false"}]}')
    assert bench.module.levels[2] == 0
    assert bench.store.count == 0


def test_set_port_saves_names_and_the_active_state():
    bench = Bench()
    row = '{"PortId":"2","OutputProperties":{"NiceName":"N","ActiveState":"open"},"Active":true}'
    bench.json("SetPort", '{"Port":[%s]}' % row)
    assert bench.store.saved["ports"] == {"2": {"name": "N", "normal": "closed"}}
    port = bench.module.ports[2]
    assert port.active() and port.state == 0
    bench.json("SetPort", '{"Port":[%s]}' % row)
    assert bench.store.count == 1
    row = '{"PortId":"0","InputProperties":{"NiceName":"Contact"},"CurrentMode":"DigitalInput"}'
    bench.json("SetPort", '{"Port":[%s]}' % row)
    assert bench.module.ports[0].name == "Contact"


def test_one_bad_row_and_nothing_is_changed():
    good = '{"PortId":"2","Active":true}'
    for bad in (
        "5",
        "{}",
        '{"PortId":"9"}',
        '{"PortId":"0","Active":true}',
        '{"PortId":"2","Active":"yes"}',
        '{"PortId":"2","CurrentMode":"DigitalInput"}',
        '{"PortId":"2","SupervisedInput":{}}',
        '{"PortId":"2","InputProperties":{}}',
        '{"PortId":"2","OutputProperties":{"Other":"x"}}',
        '{"PortId":"2","OutputProperties":{"NiceName":5}}',
        '{"PortId":"2","OutputProperties":{"NiceName":"%s"}}' % ("x" * 33),
        '{"PortId":"2","OutputProperties":{"ActiveState":"ajar"}}',
        '{"PortId":"2","OutputProperties":[]}',
    ):
        bench = Bench()
        assert bench.refused("SetPort", '{"Port":[%s,%s]}' % (good, bad)) == "ter:InvalidArgVal"
        assert bench.module.levels[2] == 0
    for fields in ("{}", '{"Port":[]}', '{"Port":5}'):
        assert bench.refused("SetPort", fields) == "ter:InvalidArgs"
    many = '{"Port":[%s]}' % ",".join([good] * 65)
    assert bench.refused("SetPort", many) == "ter:InvalidArgs/ter:TooManyItems"


def test_what_was_got_can_be_sent_back():
    """The vendor's pseudocode: get a port, change a field, set all of it."""
    bench = Bench()
    for port in bench.xml("get_port_list").all("Port"):
        inner = "".join([_as_text(child) for child in port.children])
        done = bench.xml("set_port", "<Port>%s</Port>" % inner)
        assert done.child("PortId").text == port.child("PortId").text
    assert bench.store.count == 0


def test_what_can_only_be_read_moves_nothing_and_says_so():
    bench = Bench()
    for row in (
        '{"PortId":"2","CurrentState":"closed"}',
        '{"PortId":"2","CurrentState":"shorted"}',
        '{"PortId":"2","CurrentState":null}',
        '{"PortId":"2","Active":false,"CurrentState":"closed"}',
        '{"PortId":"0","CurrentState":"closed"}',
        '{"PortId":"2","PortUsage":"Door"}',
        '{"PortId":"2","active":true}',
        '{"PortId":"2","State":"closed"}',
    ):
        fields = '{"Port":[%s]}' % row
        assert bench.refused("SetPort", fields) == "ter:InvalidArgVal", row
        assert bench.module.ports[2].state == 0
    for row in (
        '{"PortId":"2","CurrentState":"open"}',
        '{"PortId":"2","CurrentState":"open","Active":true}',
        '{"PortId":"2","CurrentState":"closed","Active":true}',
        '{"PortId":"2","CurrentState":"open","Active":false,"PortUsage":""}',
    ):
        assert bench.json("SetPort", '{"Port":[%s]}' % row) == {"PortId": ["2"]}, row
    assert bench.module.ports[2].state == 0
    inner = "<Port><PortId>2</PortId><CurrentState>closed</CurrentState></Port>"
    assert raises(Fault, bench.xml, "set_port", inner).subcode == "ter:InvalidArgVal"


def _as_text(element):
    inner = "".join([_as_text(child) for child in element.children]) or element.text
    return "<%s>%s</%s>" % (element.name, inner, element.name)


def test_any_elements_get_an_answer_or_a_fault():
    bench = Bench()
    for method, inner in (
        ("set_port", ""),
        ("set_port", "<Port/>"),
        ("set_port", "<Port>2</Port>"),
        ("set_port", "<Port><PortId><b/></PortId></Port>"),
        ("set_port", "<Port><PortId>2</PortId><Active><b>1</b></Active></Port>"),
        ("set_port", "<Port><PortId>2</PortId><OutputProperties>x</OutputProperties></Port>"),
        ("get_port_list", "<Limit><b/></Limit>"),
        ("get_port_list", "<StartReference><b>1</b></StartReference>"),
    ):
        assert raises(Fault, bench.xml, method, inner).status == 400, (method, inner)
    assert bench.module.levels[2] == 0


def test_what_cannot_be_done_now_is_told():
    bench = Bench({"2": {"fallback": {"locked": True}}})
    bench.module.heartbeat("a", 100, 0)
    row = '{"Port":[{"PortId":"2","Active":true}]}'
    assert "locked" in raises(Fault, bench.json, "SetPort", row).reason
    bench = Bench()
    bench.store.full = True
    row = '{"Port":[{"PortId":"2","OutputProperties":{"NiceName":"N"}}]}'
    fault = raises(Fault, bench.json, "SetPort", row)
    assert (fault.status, fault.subcode) == (500, "ter:Action")


def test_rights_are_those_of_the_operation():
    bench = Bench()
    for operation, fields, role in (
        ("GetPortList", "{}", 2),
        ("GetPort", '{"PortId":[]}', 2),
        ("SetPort", '{"Port":[{"PortId":"2"}]}', 3),
    ):
        bench.json(operation, fields, role)
        assert raises(HttpError, bench.json, operation, fields, role - 1).status == 403


def test_what_is_no_request_is_a_fault():
    bench = Bench()
    for body in ("", "[]", "{}", "5", '{"a":{},"b":{}}', '{"axgpio:MakeTea":{}}', '{"GetPort":5}'):
        asked = bench.service.post(Caller(role=3), Asked(body), 0)
        error = raises(Fault, finished, asked)
        assert error.status == 400


def test_soap_says_the_same():
    bench = Bench({"2": {"name": "A & B"}})
    # An attribute, as the vendor prints it.
    told = bench.xml("get_service_capabilities").child("Capabilities")
    assert told.attributes == {"MaxLimit": "1000"}
    listed = bench.xml("get_port_list", "<a:Limit>3</a:Limit>")
    assert listed.child("NextStartReference").text == "3"
    ports = listed.all("Port")
    assert [port.child("PortId").text for port in ports] == ["0", "1", "2"]
    assert ports[2].child("OutputProperties").child("NiceName").text == "A & B"
    assert ports[2].child("Active").text == "false"
    found = bench.xml("get_port", "<a:PortId> 3 </a:PortId><a:PortId>9</a:PortId>")
    assert [port.child("PortId").text for port in found.all("Port")] == ["3"]
    row = "<a:PortId>3</a:PortId><a:Active>true</a:Active>"
    row += "<a:OutputProperties><a:NiceName>Siren</a:NiceName></a:OutputProperties>"
    done = bench.xml("set_port", "<a:Port>%s</a:Port>" % row)
    assert [child.text for child in done.all("PortId")] == ["3"]
    assert bench.module.ports[3].active() and bench.module.ports[3].name == "Siren"
    assert raises(Fault, bench.xml, "set_port").subcode == "ter:InvalidArgs"
