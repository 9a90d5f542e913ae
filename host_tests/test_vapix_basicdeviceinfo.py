"""basicdeviceinfo.cgi: all properties for operators, fewer for strangers."""

from claims import raises
from devices import Board, stranger
from holdfast.vapix.basicdeviceinfo import BasicDeviceInfo
from holdfast.vapix.identity import PROPERTIES, RESTRICTED
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked, Caller

ABOUT = (Board(), "1.2.3", "Nov 24 2026")


def call(method, caller=None, params="", version="1.3"):
    body = '{"apiVersion":"%s","context":"c","method":"%s"%s}' % (version, method, params)
    answer = BasicDeviceInfo(ABOUT).post(caller or Caller(), Asked(body), 0)
    return loads(answer.body)


def test_an_operator_is_told_everything():
    properties = call("getAllProperties")["data"]["propertyList"]
    assert set(properties) == {name for name, _ in PROPERTIES}
    assert properties["SerialNumber"] == "0200000000AB"
    assert properties["Version"] == "1.2.3"
    assert properties["Brand"] == "Holdfast"


def test_every_version_clients_send_is_echoed():
    for version in ("1.0", "1.1", "1.2", "1.3"):
        answer = call("getAllProperties", version=version)
        assert (answer["apiVersion"], answer["context"]) == (version, "c")
    assert call("getAllProperties", version="2.0")["error"]["code"] == 2003
    versions = call("getSupportedVersions", stranger())["data"]["apiVersions"]
    assert versions == ["1.0", "1.1", "1.2", "1.3"]


def test_a_stranger_is_told_what_is_not_restricted():
    properties = call("getAllUnrestrictedProperties", stranger())["data"]["propertyList"]
    assert set(properties) == {name for name, _ in PROPERTIES} - set(RESTRICTED)


def test_a_stranger_is_asked_to_log_in_and_a_viewer_refused():
    named = ',"params":{"propertyList":["Brand"]}'
    for method in ("getAllProperties", "getProperties"):
        assert raises(HttpError, call, method, stranger(), named).status == 401
        assert raises(HttpError, call, method, Caller("v", 1), named).status == 403


def test_some_properties():
    named = ',"params":{"propertyList":["Soc","Brand","Brand"]}'
    properties = call("getProperties", params=named)["data"]["propertyList"]
    assert properties == {"Brand": "Holdfast", "Soc": "none"}


def test_bad_calls_have_their_codes():
    assert call("getTea")["error"]["code"] == 2004
    for params, code in (
        ("", 4002),
        (',"params":{}', 4002),
        (',"params":[]', 4002),
        (',"params":{"propertyList":"Brand"}', 1000),
        (',"params":{"propertyList":["Tea"]}', 1000),
        (',"params":{"propertyList":[5]}', 1000),
        (',"params":{"propertyList":[%s]}' % ",".join(['"Soc"'] * 65), 1000),
    ):
        assert call("getProperties", params=params)["error"]["code"] == code, params
