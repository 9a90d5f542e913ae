"""What a device tells about itself, and to whom; see conformance.py."""

import re

from conformance import BASIC_INFO, DISCOVERY, PARAM, READY, USER_GROUP

from boards import configure

ALL = (
    "Architecture Brand BuildDate HardwareID ProdFullName ProdNbr ProdShortName ProdType "
    "ProdVariant SerialNumber Soc SocSerialNumber Version WebURL"
)
BRAND = ("Brand", "ProdFullName", "ProdNbr", "ProdShortName", "ProdType", "WebURL")
NEEDED = ("API.HTTP.Version", "Firmware.Version", "Firmware.BuildDate", "System.SerialNumber")
RESTRICTED = {"Architecture", "Soc", "SocSerialNumber"}


def info(device, method, session=None):
    answer = device.json(BASIC_INFO, {"method": method}, session=session)
    return answer["data"]["propertyList"]


def test_discovery(device):
    """The list of APIs is for everybody, and says id, version and name of each"""
    apis = device.apis()
    for row in apis.values():
        assert re.fullmatch(r"\d+\.\d+", row["version"]) and row["name"], row
    assert "api-discovery" in apis
    call = {"method": "getApiList", "params": {"id": "no-such-api"}}
    answer = device.json(DISCOVERY, call, session=device.stranger())
    assert answer["data"]["apiList"] == []  # an empty list, not an error


def test_discovery_is_true(device):
    """What it offers it lists: ports and event streams, with versions it answers to"""
    apis = device.apis()
    for name in ("io-port-management", "event-streaming-over-websocket"):
        if name not in apis:
            device.not_offered(name)
    version = apis["io-port-management"]["version"]
    assert "data" in device.ports("getPorts", apiVersion=version)
    stream = device.open_stream()
    version = apis["event-streaming-over-websocket"]["version"]
    assert "data" in configure(stream, "tns1:Device//.", apiVersion=version)


def test_basic_info(device):
    """basicdeviceinfo tells all 14 properties to those who log in"""
    found = info(device, "getAllProperties")
    assert set(found) == set(ALL.split())
    assert all(isinstance(value, str) for value in found.values())
    assert re.fullmatch(r"[0-9A-F]{12}", found["SerialNumber"])


def test_unrestricted_info(device):
    """basicdeviceinfo tells strangers 11 of them, and not Architecture, Soc and SocSerialNumber"""
    found = info(device, "getAllUnrestrictedProperties", device.stranger())
    assert set(found) == set(ALL.split()) - RESTRICTED
    body = '{"apiVersion": "1.0", "method": "getAllProperties"}'
    answer = device.call("POST", BASIC_INFO, body, session=device.stranger())
    assert answer.status_code == 401 or "error" in answer.json()
    assert "SocSerialNumber" not in answer.text


def test_param_list(device):
    """param.cgi lists groups, with or without root., by GET and by POST whatever its type"""
    for group in ("Brand", "root.Brand"):
        found = device.parameters(group)
        for name in BRAND:
            assert found["root.Brand." + name]
    assert set(device.parameters("Brand,Properties.Firmware")) > set(device.parameters("Brand"))
    plain = {"Content-Type": "text/plain"}
    answer = device.call("POST", PARAM, "action=list&group=root.Brand", headers=plain)
    assert answer.status_code == 200 and "root.Brand.Brand=" in answer.text


def test_param_properties(device):
    """param.cgi has the properties that clients stop without"""
    found = device.parameters("Properties")
    for name in NEEDED:
        assert found["root.Properties." + name]


def test_param_unknown(device):
    """param.cgi answers 200 and # Error for a group that is not there"""
    answer = device.call("GET", PARAM + "?action=list&group=NoSuchGroup")
    assert answer.status_code == 200 and answer.text.startswith("# Error")


def test_param_strangers(device):
    """param.cgi is not for strangers"""
    target = PARAM + "?action=list&group=Properties"
    assert device.call("GET", target, session=device.stranger()).status_code == 401


def test_serial_number(device):
    """The serial number is the same wherever it is told"""
    serial = device.parameters("Properties.System")["root.Properties.System.SerialNumber"]
    assert info(device, "getAllProperties")["SerialNumber"] == serial


def test_system_ready(device):
    """systemready tells everybody that the device is ready"""
    call = {"method": "systemready", "params": {"timeout": 0}}
    answer = device.json(READY, call, session=device.stranger())
    assert answer["data"]["systemready"] == "yes"
    assert answer["data"]["needsetup"] in ("yes", "no")


def test_user_group(device):
    """usergroup.cgi tells who is logged in, and the groups"""
    lines = device.call("GET", USER_GROUP).text.splitlines()
    assert lines[0].strip() == device.name
    assert "viewer" in lines[1].split()
