"""apidiscovery.cgi: what is listed is what is there."""

from devices import stranger
from holdfast.routes import ROWS
from holdfast.vapix import apidiscovery, basicdeviceinfo, portmanagement, systemready
from holdfast.vapix.apidiscovery import APIS, ApiDiscovery
from holdfast.wire.json import loads
from makers import Asked


def call(params="", method="getApiList"):
    body = '{"apiVersion":"1.0","context":"c","method":"%s"%s}' % (method, params)
    return loads(ApiDiscovery().post(stranger(), Asked(body), 0).body)


def listed(params):
    return [row["id"] for row in call(',"params":' + params)["data"]["apiList"]]


def test_every_api_is_listed_with_every_member_clients_need():
    rows = call()["data"]["apiList"]
    assert [row["id"] for row in rows] == sorted([row[0] for row in APIS])
    for row in rows:
        assert set(row) == {"id", "version", "name", "docLink", "status"}
        assert row["version"][:2] == "1." and row["name"] and row["status"] == "official"


def test_the_versions_are_those_of_the_handlers():
    versions = {row[0]: row[1] for row in APIS}
    assert versions["basic-device-info"] == basicdeviceinfo.VERSION
    assert versions["io-port-management"] == portmanagement.VERSION
    assert versions["systemready"] == systemready.VERSION
    supported = call(method="getSupportedVersions")["data"]["apiVersions"]
    assert versions["api-discovery"] in supported


def test_filters_are_patterns_and_nothing_found_is_no_error():
    assert listed("{}") == [row[0] for row in APIS]
    assert listed('{"id":"param-cgi"}') == ["param-cgi"]
    assert listed('{"id":"*-cgi"}') == ["param-cgi"]
    assert listed('{"id":"system?eady","version":"1.*"}') == ["systemready"]
    assert listed('{"version":"1.3"}') == ["basic-device-info"]
    assert listed('{"id":"mqtt-client"}') == []
    assert listed('{"id":"*","version":"2.0"}') == []
    assert listed('{"id":""}') == []


def test_bad_calls_have_their_codes():
    assert call(method="getTea")["error"]["code"] == 2004
    longest = '{"id":"%s"}' % ("*" * 40)
    assert listed(longest) == [row[0] for row in APIS]
    for params in ("[]", '"id"', '{"id":5}', '{"version":null}', longest.replace("*", "**")):
        assert call(',"params":' + params)["error"]["code"] == 1000, params


def test_what_is_listed_has_a_row_and_what_has_none_is_not():
    paths = [row.split(" ")[0] for row in "".join(ROWS).split("\n")]
    for identifier, _, _, path in APIS:
        assert path in paths, identifier
    assert len({row[3] for row in APIS}) == len(APIS)


def test_an_id_is_listed_once():
    assert len({row[0] for row in apidiscovery.APIS}) == len(APIS)
