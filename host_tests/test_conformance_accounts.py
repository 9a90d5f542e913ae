"""Who may come in, and as what; see conformance.py."""

import json
import secrets

import pytest
import requests
from conformance import ACCOUNTS, challenge, credentials

from boards import ANSWER_S, HEARTBEAT, PORTS, VENDOR_BEAT

GET_PORTS = json.dumps({"apiVersion": "1.0", "method": "getPorts"})


def asked(device):
    """The challenge of a 401, on a connection that ends then: a small device has five."""
    with device.stranger() as session:
        answer = device.call("POST", PORTS, GET_PORTS, session=session)
    assert answer.status_code == 401
    return challenge(answer)


def status(device, authorization):
    """What a request with this Authorization is answered with."""
    headers = {"Authorization": authorization}
    with device.stranger() as session:
        answer = device.call("POST", PORTS, GET_PORTS, session=session, headers=headers)
    return answer.status_code


def answered(device, found, **options):
    value = credentials(found, "POST", PORTS, device.name, device.password, **options)
    return status(device, value)


def test_challenge(device):
    """Whoever comes without credentials is asked for Digest with MD5 and qop auth"""
    found = asked(device)
    assert found and found["realm"] and found["nonce"] and "auth" in found["qop"].split(",")


def test_wrong_credentials(device):
    """A wrong password, an unknown name or a nonce of somebody's own is refused"""
    assert answered(device, asked(device)) == 200
    value = credentials(asked(device), "POST", PORTS, device.name, secrets.token_hex(8))
    assert status(device, value) == 401
    value = credentials(asked(device), "POST", PORTS, "kit" + secrets.token_hex(3), "pass")
    assert status(device, value) == 401
    assert answered(device, dict(asked(device), nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093")) == 401


def test_basic(device):
    """Basic, sent unasked as some clients do, is answered with 401 and a Digest challenge"""
    session = device.stranger()
    session.auth = requests.auth.HTTPBasicAuth(device.name, "not the password")
    answer = device.call("POST", PORTS, GET_PORTS, session=session)
    assert answer.status_code == 401 and challenge(answer)


def test_nonce_again(device):
    """A nonce serves many requests with rising nc, some out of order, also when newer are out"""
    found = asked(device)
    asked(device)
    for count in (1, 2, 4, 3, 5, 9):
        assert answered(device, found, count=count) == 200, count


@pytest.mark.parametrize("algorithm", ["", ', algorithm="MD5"'])
def test_algorithm(device, algorithm):
    """Credentials may leave the algorithm out, or quote it"""
    assert answered(device, asked(device), algorithm=algorithm) == 200


def test_groups(device):
    """pwdgrp.cgi tells the administrator who is in which group"""
    text = device.call("GET", ACCOUNTS + "?action=get").text
    for group in ("admin", "operator", "viewer", "ptz"):
        assert group + "=" in text, text
    assert device.name in text


@pytest.fixture
def account(device):
    """A function(groups) that makes an account: a session for it. It is removed in the end."""
    device.needs("ACCOUNTS")
    name = "kit" + secrets.token_hex(3)
    password = secrets.token_hex(6)

    def make(groups):
        answer = change(device, action="add", user=name, pwd=password, grp="users", sgrp=groups)
        assert answer.status_code == 200, answer.text
        assert "Created account %s." % name in answer.text, answer.text
        return device.session(name, password)

    yield make
    change(device, action="remove", user=name)
    with device.session(name, password) as session:
        assert session.post(device.url + PORTS, GET_PORTS, timeout=ANSWER_S).status_code == 401


def change(device, **form):
    answer = device.call("POST", ACCOUNTS, form)
    assert answer.status_code == 200, answer.text
    return answer


def test_viewer(device, account):
    """A viewer made with pwdgrp.cgi may look, not set or beat, and is gone when removed"""
    viewer = account("viewer")
    assert viewer.post(device.url + PORTS, GET_PORTS, timeout=ANSWER_S).status_code == 200
    body = json.dumps({"apiVersion": "1.0", "method": "setPorts", "params": {"ports": []}})
    answer = viewer.post(device.url + PORTS, body, timeout=ANSWER_S)
    assert answer.status_code in (401, 403) or answer.json()["error"]["code"] == 2105
    answer = viewer.post(device.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S)
    assert answer.status_code in (400, 401, 403, 404) and "SessionId" not in answer.text


def test_operator(device, account):
    """An operator may send heartbeats"""
    device.needs("HEARTBEATS")
    device.offers_heartbeat()
    operator = account("operator:viewer")
    assert device.beat(5000, operator) == device.beat(5000, operator)
    device.end_heartbeats(operator)
