"""portmanagement.cgi: ports read and set, partial failures, both shapes of params."""

from claims import raises
from holdfast.vapix.portmanagement import PortManagement
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked, Caller, module


def call(subject, method, params=None, role=2, version='"apiVersion":"1.0",', now=5):
    body = '{%s"context":"c","method":"%s"' % (version, method)
    body += ',"params":%s}' % params if params else "}"
    answer = PortManagement(subject).post(Caller("a", role), Asked(body), now)
    assert answer.status == 200
    return loads(answer.body)


def set_ports(subject, items, **more):
    return call(subject, "setPorts", '{"ports":[%s]}' % items, **more)


def test_get_ports_tells_every_key_that_real_clients_need():
    subject = module({"2": {"name": 'Door "A"', "usage": "Door", "power_on": "closed"}})
    answer = call(subject, "getPorts", role=1)
    assert (answer["apiVersion"], answer["context"], answer["method"]) == ("1.0", "c", "getPorts")
    data = answer["data"]
    assert data["numberOfPorts"] == 4
    assert data["items"][2] == {
        "port": "2",
        "state": "closed",
        "configurable": False,
        "usage": "Door",
        "direction": "output",
        "name": 'Door "A"',
        "normalState": "open",
    }
    assert [item["direction"] for item in data["items"]] == ["input"] * 2 + ["output"] * 2


def test_set_ports_moves_the_pin_and_lists_what_changed():
    subject = module()
    answer = set_ports(subject, '{"port":"2","state":"closed"},{"port":"3"}')
    assert answer["data"] == {"ports": ["2"]}
    assert subject.levels[2] == 1


def test_the_bare_list_and_a_number_as_port_are_understood():
    subject = module()
    answer = call(subject, "setPorts", '[{"port":2,"state":"closed"}]')
    assert answer["data"] == {"ports": ["2"]}


def test_every_property_can_be_set():
    subject = module()
    port = subject.ports[3]
    set_ports(
        subject,
        '{"port":"3","usage":"Siren","name":"Roof","direction":"output",'
        '"normalState":"closed","state":"open"}',
    )
    assert (port.usage, port.name, port.normal, port.state) == ("Siren", "Roof", 1, 0)


def test_normal_state_is_set_before_state():
    subject = module()
    set_ports(subject, '{"port":"2","state":"open","normalState":"closed"}')
    assert subject.ports[2].state == 0
    assert subject.ports[2].active()


def test_a_partial_failure_names_port_and_property_and_the_rest_is_done():
    subject = module()
    items = '{"port":"2","state":"ajar","name":"N"},{"port":"0","state":"closed"}'
    error = set_ports(subject, items)["error"]
    assert error["code"] == 2104
    assert error["details"] == {"port": "2", "propertyName": "state"}
    assert [failure["details"]["port"] for failure in error["errors"]] == ["2", "0"]
    assert subject.ports[2].name == "N"


def test_a_locked_port_is_told_as_such_and_does_not_move():
    subject = module()
    subject.heartbeat("a", 100, 0)
    error = set_ports(subject, '{"port":"2","state":"closed"}', now=500)["error"]
    assert error["code"] == 2201
    assert "locked" in error["message"]
    assert subject.levels[2] == 0


def test_a_request_without_port_fails_whole():
    subject = module()
    error = set_ports(subject, '{"port":"2","state":"closed"},{"state":"closed"}')["error"]
    assert error["code"] == 2103
    assert subject.levels[2] == 0


def test_bad_requests_get_the_code_of_the_vendors_table():
    for params, code in (
        ("{}", 2103),
        ('{"ports":5}', 2104),
        ('{"ports":[5]}', 2104),
        ('{"ports":[{"port":"9","state":"open"}]}', 2104),
        ('{"ports":[{"port":true,"state":"open"}]}', 2104),
        ('{"ports":[{"port":"2","state":1}]}', 2104),
        ('{"ports":[{"port":"2","direction":"input"}]}', 2104),
        ('{"ports":[{"port":"2","name":"%s"}]}' % ("x" * 33), 2104),
        ('{"ports":[{"port":"2","usage":"\\n"}]}', 2104),
        ("[" + ",".join(['{"port":"2"}'] * 257) + "]", 2107),
    ):
        assert call(module(), "setPorts", params)["error"]["code"] == code, params[:60]


def test_an_unknown_method_and_no_params_have_their_codes():
    assert call(module(), "makeTea")["error"]["code"] == 2102
    assert call(module(), "setPorts")["error"]["code"] == 2103


def test_supported_versions_need_no_version():
    answer = call(module(), "getSupportedVersions", version="")
    assert answer["data"] == {"apiVersions": ["1.1"]}


def test_a_viewer_may_look_and_not_set():
    subject = module()
    error = raises(HttpError, set_ports, subject, '{"port":"2","state":"closed"}', role=1)
    assert error.status == 403
    assert subject.levels[2] == 0
