"""Digest libraries and clients of other languages, as they are published: Node's from npm, Ruby's
from Debian. Over HTTP and HTTPS; the scripts that call them are in clients/.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from axis.device import AxisDevice
from axis.models.configuration import Configuration
from test_e2e_monitors import TOKENS, Api
from test_e2e_tls import Secure

from boards import ANSWER_S, LOST_TOPIC, ROOT, settings

CLIENTS = Path(__file__).parent / "clients"
BUILD = ROOT / "build" / "clients"
PROGRAM_S = 60  # a Node or a Ruby with its libraries, on a loaded machine
NPM = (
    "request",
    "postman-request",
    "urllib",
    "digest-fetch",
    "@mhoc/axios-digest-auth",
    "@mreal/digest-auth",
    "needle",
)
GEMS = ("httparty", "httpclient", "curb", "mechanize", "net_http_digest_auth")
REQUIRED = {"net_http_digest_auth": "net/http/digest_auth"}


def missing(what):
    """Skip, but never quietly where the tests are to be complete."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def node():
    """The folder of the Node scripts, with what they need from npm beside them."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("no node or no npm on this machine")
    source = CLIENTS / "node"
    lock = (source / "package-lock.json").read_bytes()
    folder = BUILD / hashlib.sha256(lock).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # workers side by side
        for path in source.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        if not (folder / "done").exists():
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            result = subprocess.run(command, cwd=folder, capture_output=True, check=False)
            if result.returncode:
                missing("npm cannot install: " + result.stderr.decode()[-300:])
            (folder / "done").touch()
    return folder


@pytest.fixture(params=["http", "https"])
def module(request, make_board, tmp_path):
    """A board with both, and the address to be used."""
    secure = Secure(make_board, tmp_path, monitors={"tokens": TOKENS}).start()
    secure.address = secure.url if request.param == "https" else secure.board.url
    return secure


def run(command, folder, trusted=None):
    """The JSON that a program prints."""
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    if trusted is not None:
        environment["NODE_EXTRA_CA_CERTS"] = environment["SSL_CERT_FILE"] = str(trusted)
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def did_all(module, told):
    """Every request was answered, and the output has moved."""
    assert told["statuses"] == [200, 200, 200], told
    assert json.loads(told["last"])["data"]["items"][4]["state"] == "closed"
    assert module.board.level(4) == 1


@pytest.mark.parametrize("library", NPM)
def test_digest_libraries_of_npm(node, module, library):
    command = ["node", "digest.js", library, module.address, "root", "pass"]
    did_all(module, run(command, node, module.trusted))


@pytest.mark.parametrize("library", GEMS)
def test_digest_libraries_of_ruby(module, library):
    name = REQUIRED.get(library, library)
    there = (
        shutil.which("ruby")
        and not subprocess.run(
            ["ruby", "-e", "require '%s'" % name], capture_output=True, check=False
        ).returncode
    )
    if not there:
        missing("no ruby with %s on this machine" % name)
    command = ["ruby", "digest.rb", library, module.address, "root", "pass"]
    did_all(module, run(command, CLIENTS / "ruby", module.trusted))


def test_camstreamerlib_does_what_it_can_do(node, start):
    """All that version 1 has for ports and parameters; it speaks plain HTTP alone."""
    board = start(settings(), "--connections", 5)
    told = run(["node", "camstreamer.js", board.host, str(board.port), "root", "pass"], node)
    assert told["brand"]["root.Brand.Brand"] == "Holdfast"
    assert list(told["network"].values()) == ["02:48:4F:4C:44:46"]
    assert (told["set"], told["on"], told["isOn"]) == ("OK", "", True)
    assert told["events"] is True and told["many"] == 4
    assert board.level(4) == 1


def test_a_stream_as_camstreamerlib_opens_it(node, module):
    """Credentials in the clear first, then Digest without an algorithm; three at once over TLS.
    permessage-deflate is offered and declined (RFC 7692 section 5.1).
    """
    command = ["node", "stream.js", module.address, "root", "pass", LOST_TOPIC]
    reply, event, extensions = run(command, node, module.trusted)
    assert extensions["offered"].startswith("permessage-deflate") and extensions["taken"] is None
    assert reply["data"] == {} and reply["method"] == "events:configure"
    notification = event["params"]["notification"]
    assert (notification["topic"], notification["message"]["data"]) == (LOST_TOPIC, {"lost": "0"})


PINGS = {
    "python": """
import sys, urllib.request
def ping(end, data=None):
    with urllib.request.urlopen(sys.argv[1] + end, data, timeout=8) as answer:
        assert answer.read() == b"OK"
ping("/start"); ping("", b"all done"); ping("/fail", "100% \\u00e9".encode("latin-1"))
""",
    "node": """
const url = process.argv[1];
const ping = async (end, body) => {
  const answer = await fetch(url + end, body ? { method: "POST", body } : {});
  if (await answer.text() !== "OK") throw new Error(answer.status);
};
ping("/start").then(() => ping("", "all done")).then(() => ping("/fail", "100% \\u00e9"));
""",
    "ruby": """
require "net/http"
url = ARGV[0]
ok = lambda { |answer| raise answer.code unless answer.body == "OK" }
ok.(Net::HTTP.get_response(URI(url + "/start")))
ok.(Net::HTTP.post(URI(url), "all done"))
ok.(Net::HTTP.post(URI(url + "/fail"), "100% caf\\xE9".b))
""",
    "sh": """
set -e
curl -fsS -m 10 --retry 5 -o /dev/null "$0/start"
curl -fsS -m 10 --retry 5 -o /dev/null --data-raw "all done" "$0"
printf 'caf\\351 100%%' | curl -fsS -m 10 -o /dev/null --data-binary @- "$0/3"
""",
}
FLAGS = {"python": ["python3", "-c"], "node": ["node", "-e"], "ruby": ["ruby", "-e"]}


@pytest.mark.parametrize("language", PINGS)
def test_a_job_pings_in_every_language(module, language):
    """Start, success with a message, failure with a message that is hard to read."""
    program = FLAGS.get(language, ["sh", "-c"])
    if shutil.which(program[0]) is None:
        missing("no %s on this machine" % program[0])
    api = Api(module.board)
    made = api.create("job", 3600)
    address = module.address + "/ping/" + made["id"]
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environment["NODE_EXTRA_CA_CERTS"] = environment["SSL_CERT_FILE"] = str(module.trusted)
    environment["CURL_CA_BUNDLE"] = str(module.trusted)
    result = subprocess.run(
        [*program, PINGS[language], address],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert [row["result"] for row in api.events(made["id"])] == ["run", "tick", "fail"]
    assert api.events(made["id"])[1]["message"] == "all done"
    assert api.state(made["id"]) == "down"


def test_the_clients_are_pinned_and_their_lock_names_no_host():
    wanted = json.loads((CLIENTS / "node" / "package.json").read_text())["dependencies"]
    lock = json.loads((CLIENTS / "node" / "package-lock.json").read_text())
    for name, version in wanted.items():
        assert version[0].isdigit(), name
        assert lock["packages"]["node_modules/" + name]["version"] == version
    assert "resolved" not in json.dumps(lock)
    assert set(NPM) < set(wanted)


def test_a_password_that_is_wrong_is_refused_in_every_library(node, module):
    command = ["node", "digest.js", "needle", module.address, "root", "wrong"]
    assert 200 not in run(command, node, module.trusted)["statuses"]
    assert requests.get(module.board.url + "/holdfast/status", timeout=ANSWER_S).status_code == 401


def test_axis_opens_an_output(module):
    """Home Assistant's library, which asks for many things at once."""
    address = urlsplit(module.address)

    async def work():
        async with httpx.AsyncClient(trust_env=False, verify=False) as session:
            config = Configuration(
                session,
                address.hostname,
                username="root",
                password="pass",
                port=address.port,
                web_proto=address.scheme,
            )
            device = AxisDevice(config)
            await device.vapix.initialize()
            assert len(device.vapix.ports.values()) == 8
            await device.vapix.ports.close("4")

    asyncio.run(work())
    assert module.board.level(4) == 1
