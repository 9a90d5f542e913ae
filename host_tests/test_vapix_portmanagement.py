"""portmanagement.cgi: ports read and set, partial failures, both shapes of params."""

from claims import raises
from holdfast.vapix.portmanagement import PortManagement
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked, Caller, Store, finished, module, turn, whole


def call(subject, method, params=None, role=2, version='"apiVersion":"1.0",', now=5, store=None):
    body = '{%s"context":"c","method":"%s"' % (version, method)
    body += ',"params":%s}' % params if params else "}"
    store = store or Store(subject)
    store.now = now
    answer = finished(PortManagement(subject, store).post(Caller("a", role), Asked(body), now))
    assert answer.status == 200
    return loads(whole(answer))


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
    subject = module({"2": {"fallback": {"locked": True}}})
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


# -- what is saved --------------------------------------------------------------------------------


def test_names_and_normal_states_are_saved_in_one_write_and_only_what_differs():
    subject = module()
    store = Store(subject)
    item = '{"port":"2","name":"N","usage":"Door","normalState":"closed","state":"open"}'
    assert set_ports(subject, item, store=store)["data"] == {"ports": ["2"]}
    assert store.saved["ports"] == {"2": {"name": "N", "usage": "Door", "normal": "closed"}}
    for again in (item, '{"port":"3","state":"closed"}', '{"port":"0","name":"Input 0"}'):
        assert "data" in set_ports(subject, again, store=store)
    assert store.count == 1


def test_of_two_values_for_the_same_the_last_counts():
    subject = module()
    store = Store(subject)
    for last in ("Output 2", "Z"):
        items = '{"port":"2","name":"A"},{"port":"2","name":"%s"}' % last
        assert set_ports(subject, items, store=store)["data"] == {"ports": ["2"]}
        assert subject.ports[2].name == last
    assert store.count == 1


def test_what_cannot_be_saved_is_told_and_the_state_is_set_all_the_same():
    subject = module()
    store = Store(subject)
    store.full = True
    items = '{"port":"2","name":"N","state":"closed"}'
    error = set_ports(subject, items, store=store)["error"]
    assert (error["code"], error["details"]["propertyName"]) == (1100, "name")
    assert subject.ports[2].name == "Output 2"
    assert subject.levels[2] == 1


def test_a_bad_value_does_not_keep_the_good_ones_from_being_saved():
    subject = module()
    store = Store(subject)
    items = '{"port":"2","name":5,"usage":"Siren"},{"port":"3","normalState":"ajar"}'
    error = set_ports(subject, items, store=store)["error"]
    assert [row["details"]["propertyName"] for row in error["errors"]] == ["name", "normalState"]
    assert store.saved["ports"] == {"2": {"usage": "Siren"}}


def test_a_locked_output_keeps_its_normal_state():
    subject = module({"2": {"fallback": {"locked": True}}})
    store = Store(subject)
    subject.heartbeat("a", 100, 0)
    error = set_ports(subject, '{"port":"2","normalState":"closed"}', now=500, store=store)[
        "error"
    ]
    assert error["code"] == 2201
    assert store.count == 0


# -- setStateSequence -----------------------------------------------------------------------------


def sequence(subject, params, **more):
    return call(subject, "setStateSequence", params, **more)


STEPS = '[{"state":"closed","time":100},{"state":"open","time":50},{"state":"closed","time":0}]'


def test_a_sequence_answers_at_once_and_its_last_state_stays():
    subject = module()
    answer = sequence(subject, '{"port":2,"sequence":%s}' % STEPS, now=1000)
    assert answer["data"] == {"port": "2"}
    levels = []
    for now in (1000, 1099, 1100, 1149, 1150, 9000):
        turn(subject, now)
        levels.append(subject.levels[2])
    assert levels == [1, 1, 0, 0, 1, 1]


def test_a_second_sequence_is_refused_while_one_runs():
    subject = module()
    sequence(subject, '{"port":"2","sequence":%s}' % STEPS, now=1000)
    assert (
        sequence(subject, '{"port":"2","sequence":%s}' % STEPS, now=1100)["error"]["code"] == 2200
    )
    assert "data" in sequence(subject, '{"port":"3","sequence":%s}' % STEPS, now=1100)
    assert "data" in sequence(subject, '{"port":"2","sequence":%s}' % STEPS, now=1150)


def test_a_state_set_meanwhile_is_overridden_by_the_next_step():
    subject = module()
    sequence(subject, '{"port":"2","sequence":%s}' % STEPS, now=1000)
    set_ports(subject, '{"port":"2","state":"open"}', now=1010)
    assert subject.levels[2] == 0
    turn(subject, 1150)
    assert subject.levels[2] == 1


def test_a_new_normal_state_ends_a_sequence():
    subject = module()
    sequence(subject, '{"port":"2","sequence":%s}' % STEPS, now=1000)
    set_ports(subject, '{"port":"2","normalState":"closed"}', now=1010)
    before = subject.levels[2]
    turn(subject, 5000)
    assert subject.levels[2] == before
    assert subject.ports[2].sequence is None


def test_a_loss_ends_a_sequence_and_a_locked_port_begins_none():
    subject = module({"2": {"fallback": {"locked": True}}})
    subject.heartbeat("a", 100, 1000)
    steps = '[{"state":"closed","time":1000},{"state":"open","time":0}]'
    sequence(subject, '{"port":"2","sequence":%s}' % steps, now=1050)
    turn(subject, 1101)
    assert subject.levels[2] == 0
    answer = sequence(subject, '{"port":"2","sequence":%s}' % steps, now=1200)
    assert answer["error"]["code"] == 2201
    turn(subject, 3000)
    assert subject.levels[2] == 0


def test_bad_sequences_have_their_codes():
    for params, code in (
        ("{}", 2103),
        ('"2"', 2103),
        ('{"port":"2"}', 2103),
        ('{"port":"9","sequence":%s}' % STEPS, 2104),
        ('{"port":"0","sequence":%s}' % STEPS, 2104),
        ('{"port":"2","sequence":[]}', 2104),
        ('{"port":"2","sequence":{}}', 2104),
        ('{"port":"2","sequence":[5]}', 2104),
        ('{"port":"2","sequence":[{"time":5}]}', 2103),
        ('{"port":"2","sequence":[{"state":"open"}]}', 2103),
        ('{"port":"2","sequence":[{"state":"ajar","time":5}]}', 2104),
        ('{"port":"2","sequence":[{"state":"open","time":65536}]}', 2104),
        ('{"port":"2","sequence":[{"state":"open","time":-1}]}', 2104),
        ('{"port":"2","sequence":[{"state":"open","time":true}]}', 2104),
        ('{"port":"2","sequence":[{"state":"open","time":1.5}]}', 2104),
        ('{"port":"2","sequence":[%s]}' % ",".join(['{"state":"open","time":1}'] * 65), 2107),
    ):
        assert sequence(module(), params)["error"]["code"] == code, params


def test_a_viewer_begins_no_sequence():
    subject = module()
    params = '{"port":"2","sequence":%s}' % STEPS
    assert raises(HttpError, sequence, subject, params, role=1).status == 403
