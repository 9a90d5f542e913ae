"""VAPIX clients that nobody here wrote, unmodified and through their public interface: the package
`axis`, as Home Assistant uses it, and the command line of `ax-devil-device-api`.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import httpx
import pytest
import requests
from ax_devil_device_api import Client, DeviceConfig
from ax_devil_device_api.utils.errors import FeatureError
from axis.device import AxisDevice
from axis.errors import Unauthorized
from axis.models.configuration import Configuration
from axis.models.port_management import PortConfiguration
from axis.models.pwdgrp_cgi import SecondaryGroup

from boards import ANSWER_S, LOST_TOPIC, STATUS, account, configure, output, settings, wait_for

SERIAL = "02484F4C4446"
PROGRAM_S = 30  # a Python with click and requests, on a loaded machine
COMMAND = Path(sys.executable).parent / "ax-devil-device-api"


def axis(board, work, name="root", password="pass"):
    """Run work(device), a coroutine, with a device of the package `axis`."""

    async def run():
        async with httpx.AsyncClient(trust_env=False) as session:
            config = Configuration(
                session, board.host, username=name, password=password, port=board.port
            )
            return await work(AxisDevice(config))

    return asyncio.run(run())


def test_axis_initializes_as_home_assistant_does(start):
    ports = {"0": {"name": "Door contact", "usage": "Door"}, "4": output(name="Strike")}
    board = start(settings(ports))

    async def work(device):
        vapix = device.vapix
        await vapix.initialize()
        assert vapix.serial_number == SERIAL
        assert vapix.product_number == "Simulated"
        assert vapix.product_type == "I/O module"
        assert vapix.firmware_version == vapix.basic_device_info["0"].firmware_version != ""
        properties = vapix.params.property_handler["0"]
        assert properties.system_serial_number == SERIAL
        assert properties.firmware_version == vapix.firmware_version
        assert not properties.ptz and properties.embedded_development == "0.0"
        assert not vapix.applications.initialized
        assert not vapix.mqtt.supported
        for api in (vapix.basic_device_info, vapix.io_port_management, vapix.users):
            assert api.supported
        items = vapix.ports.values()
        assert [item.id for item in items] == [str(i) for i in range(8)]
        assert [item.direction for item in items] == ["input"] * 4 + ["output"] * 4
        assert (vapix.ports["0"].name, vapix.ports["0"].usage) == ("Door contact", "Door")
        assert vapix.ports["4"].name == "Strike"
        await vapix.load_user_groups()
        assert vapix.access_rights is SecondaryGroup.ADMIN

    axis(board, work)


def test_axis_finds_every_parameter_group_it_knows(board):
    async def work(device):
        vapix = device.vapix
        await vapix.initialize_param_cgi()
        assert vapix.params.brand_handler["0"].brand == "Holdfast"
        found = vapix.params.io_port_handler
        assert (found["0"].name, found["0"].input_trigger) == ("Input 0", "closed")
        assert (found["4"].name, found["4"].output_active) == ("Output 4", "closed")
        assert not vapix.params.ptz_handler.initialized

    axis(board, work)


def test_axis_opens_and_closes_outputs(board):
    async def work(device):
        ports = device.vapix.io_port_management
        await device.vapix.initialize_api_discovery()
        await ports.close("4")
        assert board.levels() == "1000"
        await ports.set_ports(
            [PortConfiguration("5", state="closed"), PortConfiguration("4", state="open")]
        )
        assert board.levels() == "0100"
        await ports.update()
        assert ports["5"].state == "closed" and ports["4"].state == "open"
        assert "1.1" in await ports.get_supported_versions()

    axis(board, work, "door")


@pytest.mark.parametrize("name", ["door", "guest"])
def test_axis_gets_along_with_less_than_an_administrator(board, name):
    async def work(device):
        vapix = device.vapix
        await vapix.initialize()
        assert vapix.serial_number == SERIAL
        assert len(vapix.ports) == 8
        assert vapix.basic_device_info.initialized == (name == "door")
        await vapix.load_user_groups()
        return vapix.access_rights

    rights = SecondaryGroup.OPERATOR if name == "door" else SecondaryGroup.VIEWER
    assert axis(board, work, name) is rights


def test_axis_makes_changes_and_removes_users(board):
    async def work(device):
        users = device.vapix.users
        await users.create(
            "lift", pwd="password-one", sgrp=SecondaryGroup.OPERATOR_PTZ, comment="Lift"
        )
        assert (await users.list())["lift"].privileges is SecondaryGroup.OPERATOR
        await users.modify("lift", pwd="password-two", sgrp=SecondaryGroup.VIEWER)
        assert (await users.list())["lift"].privileges is SecondaryGroup.VIEWER
        await users.modify("lift", sgrp=SecondaryGroup.ADMIN)
        assert (await users.list())["lift"].privileges is SecondaryGroup.ADMIN
        await users.delete("lift")
        assert "lift" not in await users.list()

    axis(board, work)


def test_axis_lists_event_instances(board):
    async def work(device):
        instances = device.vapix.event_instances
        await device.vapix.initialize_event_instances()
        assert instances.initialized
        lost = instances["tns1:Device/tnsaxis:Monitor/Heartbeat"]
        assert lost.stateful and lost.data["@Name"] == "lost"
        assert "tns1:Device/Trigger/Relay" in instances

    axis(board, work)


def test_axis_asks_for_credentials_that_hold(board):
    async def work(device):
        with pytest.raises(Unauthorized):
            await device.vapix.users.list()

    axis(board, work, "root", "wrong")


# -- ax-devil-device-api --------------------------------------------------------------------------


def devil(board, *arguments, credentials=("root", "pass")):
    """Run the command line; its output, without colours."""
    command = [str(COMMAND), "--device-ip", board.host, "--port", str(board.port)]
    command += ["--protocol", "http"]
    if credentials:
        command += ["--device-username", credentials[0], "--device-password", credentials[1]]
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    result = subprocess.run(
        command + list(arguments),
        input="y\n",  # it asks whether plain HTTP is meant
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    text = re.sub("\x1b\\[[0-9;]*m", "", result.stdout + result.stderr)
    return result.returncode, text


def test_devil_reads_the_parameters(board):
    status, text = devil(board, "device", "info")
    assert status == 0, text
    assert "model: Holdfast Simulated" in text
    assert "product_type: I/O module" in text
    assert "serial_number: " + SERIAL in text
    assert "ptz_support: []" in text
    assert "unknown" not in text


def test_devil_reads_the_device_information(board):
    status, text = devil(board, "device", "info-auth")
    assert status == 0 and "Brand: Holdfast" in text and "Architecture: unix" in text, text
    status, text = devil(board, "device", "info-no-auth", credentials=None)
    assert status == 0 and "SerialNumber: " + SERIAL in text, text
    assert "Architecture" not in text


def test_devil_finds_the_device_healthy_and_ready(board):
    status, text = devil(board, "device", "health")
    assert status == 0 and "healthy" in text and "not" not in text, text
    status, text = devil(board, "systemready", "check", credentials=None)
    assert status == 0 and "System is ready!" in text, text
    assert "needsetup: no" in text and "bootid: " in text
    status, text = devil(board, "systemready", "versions", credentials=None)
    assert status == 0 and "1.1" in text, text


def test_devil_is_told_that_there_is_no_mqtt_and_goes_on(board):
    """The library says so; its command line then stumbles over any answer that is not JSON."""
    config = DeviceConfig.http(board.host, "root", "pass", port=board.port)
    with Client(config) as client:
        # It first tries Basic, and keeps to what is not answered with 401: log in, then ask.
        assert client.device.check_health()
        for ask in (client.mqtt_client.get_state, client.mqtt_client.activate):
            with pytest.raises(FeatureError, match="HTTP 404"):
                ask()
        assert client.device.check_health()
    status, text = devil(board, "mqtt", "status")
    assert status != 0 and "MQTT operation failed: HTTP 404" in text, text


# -- curl -----------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_curl_with_digest_posts_what_needs_an_account(board):
    """It sends nothing at first, and the body only with an answer to the challenge."""
    call = '{"apiVersion": "1.0", "method": "getAllProperties"}'
    for path, data, wanted in (
        ("basicdeviceinfo.cgi", call, '"SerialNumber":"%s"' % SERIAL),
        ("param.cgi", "action=list&group=Input", "root.Input.NbrOfInputs=4"),
        ("pwdgrp.cgi", "action=get", 'admin="root"'),
    ):
        command = ["curl", "--silent", "--noproxy", "*", "--digest", "--user", "root:pass"]
        command += ["--max-time", "%d" % ANSWER_S, "--data", data, board.url + "/axis-cgi/" + path]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert wanted in result.stdout, (path, result.stdout)


# -- what is listed is there ----------------------------------------------------------------------


def test_every_api_that_is_listed_has_its_address(board):
    from holdfast.vapix.apidiscovery import APIS

    url = board.url + "/axis-cgi/apidiscovery.cgi"
    call = {"apiVersion": "1.0", "context": "c", "method": "getApiList"}
    listed = requests.post(url, json=call, timeout=ANSWER_S).json()["data"]["apiList"]
    assert [row["id"] for row in listed] == [row[0] for row in APIS]
    for identifier, _, _, path in APIS:
        with board.session() as session:
            answer = session.get(board.url + path, timeout=ANSWER_S)
        assert answer.status_code != 404, identifier


def test_the_versions_that_are_listed_are_answered(board):
    from holdfast.vapix.apidiscovery import APIS

    for identifier, version, _, path in APIS:
        if identifier in ("event-streaming-over-websocket", "param-cgi", "user-management"):
            continue  # no request of these has a version, or it is in a stream
        with board.session() as session:
            call = {"context": "c", "method": "getSupportedVersions"}
            answer = session.post(board.url + path, json=call, timeout=ANSWER_S).json()
            assert version in answer["data"]["apiVersions"], identifier
            call = {"apiVersion": version, "method": "none"}
            answer = session.post(board.url + path, json=call, timeout=ANSWER_S).json()
            assert answer["error"]["code"] in (2102, 2004), identifier  # not that of the version
    version = {row[0]: row[1] for row in APIS}["event-streaming-over-websocket"]
    with board.open_stream() as stream:
        assert configure(stream, LOST_TOPIC, apiVersion=version)["data"] == {}


def test_only_post_is_refused_with_its_code(board):
    for path in ("/axis-cgi/apidiscovery.cgi", "/axis-cgi/basicdeviceinfo.cgi"):
        answer = requests.get(board.url + path, timeout=ANSWER_S)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert answer.json()["error"]["code"] == 2002


def test_the_boot_id_is_of_one_start_only(make_board):
    def ask(board):
        call = {"apiVersion": "1.0", "method": "systemready"}
        url = board.url + "/axis-cgi/systemready.cgi"
        return requests.post(url, json=call, timeout=ANSWER_S).json()["data"]

    board = make_board(settings()).start()
    first = ask(board)
    wait_for(lambda: int(ask(board)["uptime"]) > int(first["uptime"]))
    assert ask(board)["bootid"] == first["bootid"]
    board.stop()
    again = make_board(settings()).start()
    assert ask(again)["bootid"] != first["bootid"]


def test_parameters_are_set_and_survive_a_restart(make_board, tmp_path):
    data = ("--data", tmp_path / "flash")
    url = "/axis-cgi/param.cgi"
    board = make_board(settings(), *data).start()
    with board.session() as session:
        form = "action=update&root.IOPort.I4.Output.Name=Strike&Network.UPnP.FriendlyName=East"
        answer = session.post(board.url + url, data=form, timeout=ANSWER_S)
        assert answer.text == "OK"
        answer = session.get(
            board.url + url, params={"action": "list", "group": "*.UPnP"}, timeout=ANSWER_S
        )
        assert answer.text == "root.Network.UPnP.FriendlyName=East\n"
    board.stop()
    board = make_board(settings(), *data).start()
    status = board.master().status()
    assert (status["name"], status["ports"][4]["name"]) == ("East", "Strike")


def test_a_realm_may_be_of_all_that_settings_let_it_be(start):
    """Clients parse the challenge in their own ways, and hash what they make of it."""
    for realm in (" !#$%&'()*+,-./;<=>?@[]^_`{|}~", "0=9,Az, nonce=x"):
        board = start(
            {"realm": realm, "accounts": [account("root", "administrator", realm=realm)]}
        )
        with httpx.Client(trust_env=False, auth=httpx.DigestAuth("root", "pass")) as client:
            assert client.get(board.url + STATUS).status_code == 200
        with board.session() as session:
            assert session.get(board.url + STATUS, timeout=ANSWER_S).status_code == 200
        passwords = urllib.request.HTTPPasswordMgr()
        passwords.add_password(realm, board.url, "root", "pass")
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPDigestAuthHandler(passwords)
        )
        with opener.open(board.url + STATUS, timeout=ANSWER_S) as answer:
            assert answer.status == 200
        if shutil.which("curl"):
            command = ["curl", "--silent", "--noproxy", "*", "--digest", "--user", "root:pass"]
            command += ["--fail", board.url + STATUS]
            assert subprocess.run(command, timeout=ANSWER_S, check=False).returncode == 0
