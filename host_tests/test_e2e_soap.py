"""SOAP through the wire: a client that nobody here wrote, fed with our WSDL files, and others."""

import json
import random
import re
import threading
from xml.etree import ElementTree

import pytest
import requests
import zeep
from requests.auth import HTTPDigestAuth

from boards import ANSWER_S, ROOT, From, notification, output, settings, wait_for

SERVICES = "/vapix/services"
GPIO = "/vapix/axgpio"
WSDL = ROOT / "docs" / "wsdl"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = {SOAP12: "application/soap+xml; charset=utf-8", SOAP11: "text/xml; charset=utf-8"}
AEV = "{http://www.axis.com/vapix/ws/event1}"
AXGPIO = "{http://www.axis.com/vapix/ws/AxisGPIO}"
ITEM = AEV + "SimpleItemInstance"
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

# As the vendor prints it: a prefix that is not declared (VAPIX Heartbeat service API).
VENDOR_BEAT = (
    '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope'
    ' xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:SOAP-ENC="http://www.w3.org/2003/05/soap-encoding"'
    ' xmlns:axgpio="http://www.axis.com/vapix/ws/Heartbeat"'
    ' xmlns="http://www.axis.com/vapix/ws/Heartbeat">  <SOAP-ENV:Header></SOAP-ENV:Header>'
    "  <SOAP-ENV:Body>    <axhbt:Heartbeat>      <axhbt:Duration>10000</axhbt:Duration>"
    "    </axhbt:Heartbeat>  </SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
# A published client leaves out the blanks between declarations, another has the default namespace.
INSTANCES = (
    '<Envelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="http://www.w3.org/2003/05/soap-envelope">'
    '<Body><GetEventInstances xmlns="http://www.axis.com/vapix/ws/event1"></GetEventInstances>'
    "</Body></Envelope>",
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
    '<s:Body xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
    '<GetEventInstances xmlns="http://www.axis.com/vapix/ws/event1"/></s:Body></s:Envelope>',
)


@pytest.fixture
def soap(board):
    """A function(name of a WSDL file, SOAP version 11 or 12, account) that gives a zeep proxy."""
    sessions = []

    def soap(name, version=12, account="root"):
        session = requests.Session()
        session.trust_env = False
        session.auth = HTTPDigestAuth(account, "pass")
        sessions.append(session)
        transport = zeep.Transport(session=session, operation_timeout=ANSWER_S)
        client = zeep.Client(str(WSDL / (name + ".wsdl")), transport=transport)
        (binding,) = [n for n in client.wsdl.bindings if n.endswith("Soap%d" % version)]
        return client.create_service(binding, board.url + SERVICES)

    yield soap
    for session in sessions:
        session.close()


versions = pytest.mark.parametrize("version", [12, 11])


def envelope(body, space=SOAP12, header=""):
    text = '<s:Envelope xmlns:s="%s">%s<s:Body>%s</s:Body></s:Envelope>'
    return text % (space, header, body)


def post(board, text, name="root", **headers):
    with board.session(name) as session:
        return session.post(board.url + SERVICES, text, timeout=ANSWER_S, headers=headers)


def fault_of(answer, space=SOAP12):
    """The Fault in an answer, which must be of the version of its question."""
    assert answer.headers["Content-Type"] == TYPES[space]
    fault = ElementTree.fromstring(answer.content).find("{%s}Body/{%s}Fault" % (space, space))
    assert fault is not None, answer.text
    return fault


def subcodes(fault):
    return [value.text for value in fault.iter("{%s}Value" % SOAP12)][1:]


# -- heartbeats -----------------------------------------------------------------------------------


def test_the_vendors_example_is_a_heartbeat(board):
    answer = post(board, VENDOR_BEAT, "door", **{"Content-Type": "text/xml"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TYPES[SOAP12]
    # As printed, prefixes and all, because clients look for it by text.
    found = re.search(
        "<SOAP-ENV:Body><axhbt:HeartbeatResponse><axhbt:SessionId>(%s)</axhbt:SessionId>"
        "</axhbt:HeartbeatResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>" % UUID4,
        answer.text,
    )
    assert found, answer.text
    root = ElementTree.fromstring(answer.content)
    session = root.find(".//{http://www.axis.com/vapix/ws/Heartbeat}SessionId")
    assert session.text == found[1]


def test_soap_and_json_feed_the_same_session(board, soap):
    master = board.master("door")
    session = master.beat(10000)
    for version in (12, 11):
        heartbeat = soap("heartbeat", version, "door")
        assert [heartbeat.Heartbeat(Duration=10000 + i) for i in range(6)] == [session] * 6
    assert master.beat(10000) == session


def test_a_soap_heartbeat_that_stops_is_a_lost_master(start, soap):
    board = start(settings({"4": output(steps=[{"after": 0, "state": "closed"}])}))
    first = post(board, VENDOR_BEAT.replace("10000", "300"), "door")
    assert first.status_code == 200 and board.level(4) == 0
    wait_for(lambda: board.level(4) == 1)
    again = post(board, VENDOR_BEAT, "door")
    pattern = "<axhbt:SessionId>(.*)</axhbt:SessionId>"
    assert re.search(pattern, again.text)[1] != re.search(pattern, first.text)[1]


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "1e3", "+5", "abc", "86400001", "9" * 99])
def test_a_bad_duration_is_a_fault_and_no_heartbeat(board, value):
    text = VENDOR_BEAT.replace("10000", value)
    answer = post(board, text, "door")
    assert answer.status_code == 400
    assert subcodes(fault_of(answer)) == ["ter:InvalidArgVal"]
    masters = board.master().status()["masters"]
    assert {row["session"] for row in masters} == {None}


# -- events ---------------------------------------------------------------------------------------


def declared(tree, path=()):
    """{topic: element} of a TopicSet; topics by local names."""
    found = {}
    for child in tree:
        if child.tag.startswith(AEV):
            continue
        here = (*path, child.tag.rpartition("}")[2])
        if child.get("{http://docs.oasis-open.org/wsn/t-1}topic") == "true":
            found["/".join(here)] = child
        found.update(declared(child, here))
    return found


def emitted(board):
    """{topic by local names: {values of the source}} of all that a stream tells at its start."""
    found = {}
    with board.subscribed("//.") as stream:
        try:
            while True:
                topic, source, _ = notification(stream, 0.5)
                topic = "/".join(step.rpartition(":")[2] for step in topic.split("/"))
                found.setdefault(topic, set()).add(source)
        except TimeoutError:
            return found


@versions
def test_what_is_declared_is_what_is_emitted(board, soap, version):
    tree = soap("event", version, "guest").GetEventInstances()
    tree = ElementTree.fromstring(zeep.wsdl.utils.etree_to_string(tree))
    topics = declared(tree)
    told = emitted(board)
    assert set(topics) == set(told)
    for topic, sources in told.items():
        values = {value.text for value in topics[topic].iterfind("*/%sSourceInstance//*" % AEV)}
        assert {value for value in values if value} == sources - {None}


def test_the_heartbeat_is_declared_as_the_vendor_declares_it(board):
    answer = post(board, INSTANCES[1])
    compact = re.sub(r"\s*(/?>)\s*", r"\1", answer.text)
    assert (
        '<tnsaxis:Monitor aev:NiceName="Monitor"><Heartbeat wstop:topic="true"'
        ' aev:NiceName="Heartbeat"><aev:MessageInstance aev:isProperty="true"><aev:DataInstance>'
        '<aev:SimpleItemInstance aev:NiceName="Heartbeat lost" Type="xsd:boolean" Name="lost"'
        ' isPropertyState="true"/></aev:DataInstance></aev:MessageInstance></Heartbeat>'
        "</tnsaxis:Monitor>"
    ) in compact
    assert compact.count("<tns1:Device ") == 1


@pytest.mark.parametrize("text", INSTANCES)
def test_the_requests_of_published_clients(board, text):
    answer = post(board, text, "guest", SOAPAction="http://www.axis.com/vapix/ws/event1/Get")
    assert answer.status_code == 200 and "wstop:TopicSet" in answer.text


# -- ports ----------------------------------------------------------------------------------------


@versions
def test_ports_are_listed_piece_by_piece(board, soap, version):
    gpio = soap("gpio", version, "door")
    assert gpio.GetServiceCapabilities().MaxLimit == 1000
    whole = gpio.GetPortList()
    assert whole.NextStartReference is None
    assert [port.PortId for port in whole.Port] == list("01234567")
    first, last = whole.Port[0], whole.Port[7]
    assert (first.SupportedModes, first.CurrentMode) == (["DigitalInput"], "DigitalInput")
    assert (first.CurrentState, first.Active, first.OutputProperties) == ("open", False, None)
    assert (last.SupportedModes, last.CurrentMode) == (["RelayOutput"], "RelayOutput")
    assert (last.OutputProperties.NiceName, last.OutputProperties.ActiveState) == (
        "Output 7",
        "closed",
    )
    reference, found = None, []
    for _ in range(3):
        part = gpio.GetPortList(Limit=3, StartReference=reference)
        found += part.Port
        reference = part.NextStartReference
    assert found == whole.Port and reference is None
    assert gpio.GetPort(PortId=["7", "9", "0"]) == [first, last]


@versions
def test_a_port_is_set_and_moves_its_wire(board, soap, version):
    gpio = soap("gpio", version)
    ports = [{"PortId": "4", "Active": True}, {"PortId": "6", "Active": "true"}]
    assert gpio.SetPort(Port=ports) == ["4", "6"]
    assert board.levels() == "1010"
    assert [port.Active for port in gpio.GetPort(PortId=["4", "5", "6"])] == [True, False, True]
    gpio.SetPort(Port=[{"PortId": "4", "Active": False}])
    assert board.levels() == "0010"


def test_what_get_port_gives_set_port_takes(board, soap):
    """The vendor's pseudocode: get a port, change a field, send all of it back."""
    gpio = soap("gpio")
    contact, siren = gpio.GetPort(PortId=["0", "5"])
    contact.InputProperties.NiceName = "Türkontakt"
    siren.OutputProperties.NiceName = "Siren <1>"
    assert gpio.SetPort(Port=[contact, siren]) == ["0", "5"]
    again = gpio.GetPort(PortId=["0", "5"])
    assert again == [contact, siren]


def test_names_and_normal_states_are_settings(make_board, tmp_path):
    board = make_board(settings(), "--data", tmp_path / "data").start()
    call = {
        "axgpio:SetPort": {
            "Port": [
                {"PortId": "4", "OutputProperties": {"NiceName": "Lock", "ActiveState": "open"}},
                {"PortId": "1", "InputProperties": {"ActiveState": "open"}},
            ]
        }
    }
    with board.session() as session:
        answer = session.post(board.url + GPIO, json.dumps(call), timeout=ANSWER_S)
    assert (answer.status_code, answer.json()) == (200, {"PortId": ["4", "1"]})
    assert board.level(4) == 1  # inactive before and after: the circuit flips
    rows = board.master().ports("getPorts")["data"]["items"]
    assert (rows[4]["name"], rows[4]["normalState"]) == ("Lock", "closed")
    assert rows[1]["normalState"] == "closed"
    saved = json.loads((tmp_path / "data" / "settings.json").read_text())["ports"]
    assert saved == {"1": {"normal": "closed"}, "4": {"name": "Lock", "normal": "closed"}}


def test_json_and_soap_say_the_same(board, soap):
    def gpio(call, name="door"):
        with board.session(name) as session:
            answer = session.post(board.url + GPIO, json.dumps(call), timeout=ANSWER_S)
        return answer.status_code, answer.json()

    assert gpio({"axgpio:GetServiceCapabilities": {}}) == (
        200,
        {"Capabilities": {"MaxLimit": "1000"}},
    )
    status, listed = gpio({"axgpio:GetPortList": {"Limit": "1"}})
    assert status == 200 and listed["NextStartReference"] == "1"
    soaped = soap("gpio").GetPortList(Limit=1)
    plain = zeep.helpers.serialize_object(soaped.Port[0], dict)
    plain = {name: value for name, value in plain.items() if value is not None}
    assert listed["Port"] == [plain]
    assert gpio({"axgpio:GetPort": {"PortId": ["0"]}}) == (200, {"Port": [plain]})
    assert gpio({"axgpio:GetPort": {"PortId": ["x"]}}) == (200, {"Port": []})
    status, answer = gpio({"axgpio:GetPortList": {"StartReference": "x"}})
    code = answer["Fault"]["Code"]
    assert status == 400 and code["Subcode"]["Value"] == "ter:InvalidArgVal"
    assert code["Subcode"]["Subcode"]["Value"] == "ter:InvalidStartReference"


def test_what_the_wiring_has_not_is_refused(board, soap):
    gpio = soap("gpio")
    for row, subcode in (
        ({"PortId": "9", "Active": True}, "InvalidArgVal"),
        ({"PortId": "0", "Active": True}, "InvalidArgVal"),
        ({"PortId": "4", "CurrentMode": "DigitalInput"}, "InvalidArgVal"),
        ({"PortId": "0", "CurrentMode": "SupervisedInput"}, "InvalidArgVal"),
        ({"PortId": "0", "SupervisedInput": {"Triggers": []}}, "InvalidArgVal"),
        ({"PortId": "4", "OutputProperties": {"NiceName": "x" * 33}}, "InvalidArgVal"),
        ({"PortId": "4", "OutputProperties": {"ActiveState": "cut"}}, "InvalidArgVal"),
    ):
        good = {"PortId": "7", "Active": True, "OutputProperties": {"NiceName": "N"}}
        with pytest.raises(zeep.exceptions.Fault) as caught:
            gpio.SetPort(Port=[good, row])
        assert caught.value.subcodes[0].localname == subcode, row
        # All or nothing.
        assert board.levels() == "0000"
        assert gpio.GetPort(PortId=["7"])[0].OutputProperties.NiceName == "Output 7"
    with pytest.raises(zeep.exceptions.Fault) as caught:
        gpio.GetPortList(StartReference="99")
    assert [code.localname for code in caught.value.subcodes] == [
        "InvalidArgVal",
        "InvalidStartReference",
    ]


def test_a_locked_port_stays(start, board):
    board = start(settings({"4": output(steps=[{"after": 0, "state": "closed"}])}))
    board.master("door").beat(100)
    wait_for(lambda: board.level(4) == 1)
    body = "<SetPort><Port><PortId>4</PortId><Active>0</Active></Port></SetPort>"
    answer = post(board, envelope(body))
    assert answer.status_code == 400 and "locked" in answer.text
    assert board.level(4) == 1


# -- who may --------------------------------------------------------------------------------------

BODIES = {
    "Heartbeat": ("<Heartbeat><Duration>1000</Duration></Heartbeat>", "root door"),
    "GetEventInstances": ("<GetEventInstances/>", "root door guest"),
    "GetServiceCapabilities": ("<GetServiceCapabilities/>", "root door guest"),
    "GetPortList": ("<GetPortList/>", "root door"),
    "GetPort": ("<GetPort/>", "root door"),
    "SetPort": ("<SetPort><Port><PortId>4</PortId></Port></SetPort>", "root"),
    "GetActionRules": ("<GetActionRules/>", "root door"),
    "RemoveActionRule": ("<RemoveActionRule><RuleID>1</RuleID></RemoveActionRule>", "root"),
}


def test_every_operation_has_its_access_class(board):
    for number, (operation, (body, names)) in enumerate(BODIES.items()):
        for name in ("root", "door", "guest"):
            status = post(board, envelope(body), name).status_code
            assert (status != 403) == (name in names.split()), (operation, name)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(board.url + SERVICES, envelope(body), timeout=ANSWER_S)
        if operation == "GetServiceCapabilities":
            assert answer.status_code == 200
        else:
            assert answer.status_code == 401 and "Digest" in answer.headers["WWW-Authenticate"]
        # Wrong credentials are refused even where none would do.
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", From("127.0.0.%d" % (100 + number)))
            wrong = {"Authorization": 'Digest username="root", realm="x", nonce="x", uri="/"'}
            answer = session.post(
                board.url + SERVICES, envelope(body), timeout=ANSWER_S, headers=wrong
            )
        assert answer.status_code in (400, 401), operation


# -- faults ---------------------------------------------------------------------------------------

BAD = {
    "no XML": "Duration=10000",
    "empty": "",
    "JSON": '{"axhbt:Heartbeat": {"Duration": 10000}}',
    "cut off": VENDOR_BEAT[:-10],
    "document type": "<!DOCTYPE a [<!ENTITY b 'c'>]>" + envelope("<GetPort/>"),
    "no envelope": "<GetPort/>",
    "no body": '<s:Envelope xmlns:s="%s"/>' % SOAP12,
    "empty body": envelope(""),
    "unknown operation": envelope("<MakeTea/>"),
    "deep": "<a>" * 500 + "</a>" * 500,
    "wide": envelope("<a/>" * 900),
    "not UTF-8": envelope("<GetPort>\xff</GetPort>").encode("latin-1"),
}


@pytest.mark.parametrize("space", [SOAP12, SOAP11], ids=["1.2", "1.1"])
def test_what_is_no_request_gets_a_fault(board, space):
    for what, text in BAD.items():
        if space == SOAP11:
            if SOAP12 not in str(text) or what in ("cut off", "not UTF-8", "document type"):
                continue  # the version cannot be known
            text = text.replace(SOAP12, SOAP11)
        answer = post(board, text)
        assert answer.status_code == 400, what
        fault = fault_of(answer, space)
        if space == SOAP12:
            code = fault.find("{%s}Code/{%s}Value" % (space, space))
            assert code.text == "SOAP-ENV:Sender"
            assert subcodes(fault)[0].startswith("ter:")
            assert fault.find("{%s}Reason/{%s}Text" % (space, space)).text
        else:
            assert fault.find("faultcode").text == "SOAP-ENV:Client"
            assert fault.find("faultstring").text


@versions
def test_zeep_understands_our_faults(soap, version):
    with pytest.raises(zeep.exceptions.Fault) as caught:
        soap("heartbeat", version).Heartbeat(Duration=0)
    assert "Duration" in caught.value.message
    with pytest.raises(zeep.exceptions.Fault):
        soap("action", version).RemoveActionRule(RuleID="7")


def test_headers_that_must_be_understood_are_not(board):
    header = '<s:Header><Security s:mustUnderstand="%s">x</Security></s:Header>'
    body = "<GetEventInstances/>"
    assert post(board, envelope(body, header=header % "0")).status_code == 200
    answer = post(board, envelope(body, header=header % "1"))
    code = fault_of(answer).find("{%s}Code/{%s}Value" % (SOAP12, SOAP12))
    assert code.text == "SOAP-ENV:MustUnderstand"


# -- action rules ---------------------------------------------------------------------------------


@versions
def test_a_rule_is_made_shown_works_and_goes(start, version, tmp_path):
    free = output(steps=[{"after": 0, "state": "hold"}], locked=False)
    board = start(settings({"5": free}))
    session = board.session()
    transport = zeep.Transport(session=session, operation_timeout=ANSWER_S)
    client = zeep.Client(str(WSDL / "action.wsdl"), transport=transport)
    (binding,) = [n for n in client.wsdl.bindings if n.endswith("Soap%d" % version)]
    rules = client.create_service(binding, board.url + SERVICES)
    tokens = [row.TemplateToken for row in rules.GetActionTemplates()]
    token = "com.axis.action.unlimited.io.toggle"
    assert token in tokens
    parameters = [{"Name": "port", "Value": "5"}, {"Name": "state", "Value": "high"}]
    configuration = rules.AddActionConfiguration(
        {"Name": "Siren", "TemplateToken": token, "Parameters": {"Parameter": parameters}}
    )
    dialect = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
    content = 'boolean(//SimpleItem[@Name="lost" and @Value="1"])'
    lost = {
        "TopicExpression": {
            "_value_1": "tns1:Device/tnsaxis:Monitor/Heartbeat",
            "Dialect": dialect,
        },
        "MessageContent": {
            "_value_1": content,
            "Dialect": "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter",
        },
    }
    rule = rules.AddActionRule(
        {
            "Name": "No master",
            "Enabled": True,
            "Conditions": {"Condition": [lost]},
            "PrimaryAction": configuration,
        }
    )
    assert configuration.isdigit() and rule.isdigit()
    (row,) = rules.GetActionConfigurations()
    assert (row.ConfigurationID, row.Name, row.TemplateToken) == (configuration, "Siren", token)
    assert {p.Name: p.Value for p in row.Parameters.Parameter} == {"port": "5", "state": "high"}
    (row,) = rules.GetActionRules()
    assert (row.RuleID, row.Name, row.Enabled, row.PrimaryAction, row.StartEvent) == (
        rule,
        "No master",
        True,
        configuration,
        None,
    )
    (condition,) = row.Conditions.Condition
    assert condition.MessageContent._value_1 == content
    board.master("door").beat(100)
    wait_for(lambda: board.level(5) == 1)
    assert not rules.GetRecipientTemplates() and not rules.GetRecipientConfigurations()
    with pytest.raises(zeep.exceptions.Fault):
        rules.RemoveActionConfiguration(configuration)
    rules.RemoveActionRule(rule)
    rules.RemoveActionConfiguration(configuration)
    assert not rules.GetActionRules() and not rules.GetActionConfigurations()
    session.close()


# -- anything at all ------------------------------------------------------------------------------


def test_any_bytes_get_an_answer(board):
    """Mutated requests, the same ones each time; a traceback in the log fails the test."""
    chance = random.Random(7)
    seeds = [VENDOR_BEAT, *INSTANCES]
    seeds += [envelope(body) for body, _ in BODIES.values()]
    bits = [
        b"<",
        b">",
        b"/",
        b"&amp;",
        b"&#0;",
        b"]]>",
        b"<!--",
        b"\x00",
        b"\xff",
        b'"',
        b"=",
        b"1",
    ]
    with board.session() as session:
        for _ in range(150):
            data = bytearray(chance.choice(seeds).encode())
            for _ in range(chance.randint(1, 4)):
                start = chance.randrange(len(data))
                data[start : start + chance.choice((0, 0, 1, 5, 40))] = chance.choice(bits)
            for path in (SERVICES, GPIO):
                answer = session.post(board.url + path, bytes(data), timeout=ANSWER_S)
                assert answer.status_code in (200, 400), (answer.status_code, bytes(data))
    assert board.master().status()


def test_soap_never_holds_up_a_heartbeat(board):
    """The largest answers to two clients, while a master beats."""
    stop = threading.Event()

    def ask():
        with board.session("guest") as session:
            while not stop.is_set():
                session.post(board.url + SERVICES, INSTANCES[1], timeout=ANSWER_S)

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    try:
        master = board.master("door")
        sessions = {master.beat(1000) for _ in range(100)}
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert len(sessions) == 1
