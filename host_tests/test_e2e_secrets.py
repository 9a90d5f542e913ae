"""Secrets of the settings: not on the wire over plain HTTP, kept by `*`, whole over TLS alone."""

import copy
import json
import socket
import threading

import certificates
import pytest
import requests
from holdfast.routes import ROWS
from requests.auth import HTTPDigestAuth
from simulate import free_port

from boards import ANSWER_S, account, settings

SETTINGS = "/holdfast/settings"
SECRETS = "/holdfast/settings?secrets=1"
SERVICES = "/vapix/services"
NOTIFICATION = "com.axis.action.fixed.notification.http"
ASK = '<aa:GetActionConfigurations xmlns:aa="http://www.axis.com/vapix/ws/action1"/>'
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>%s</s:Body>'
    "</s:Envelope>"
)


def planted():
    """Settings, and every secret in them."""
    told = dict.fromkeys(("message", "parameters", "proxy_host", "proxy_port", "proxy_login"), "")
    told.update(proxy_password="", qos="0", login="s-login-7", password="s-password-7")
    told["upload_url"] = "http://127.0.0.1:9/a?key=s-query-7"
    url = "http://127.0.0.1:9/b"
    links = [
        {"name": "one", "kind": "unifi", "url": url, "token": "s-token-7"},
        {"name": "two", "kind": "unifi", "url": url, "login": "us", "password": "s-link-7"},
        {"name": "air", "kind": "airnode", "url": url, "private_key": "%064x" % 0x5EC2E7},
    ]
    links[1]["headers"] = {"X-Key": "s-header-7"}
    links[2]["api_key"] = "s-api-key-7"
    for link in links:
        link["cycle" if link["kind"] == "airnode" else "frequency"] = 86400
    config = settings(
        network={"ssid": "attic", "key": "s-wifi-key-7"},
        uplinks={"links": links},
        monitors={"tokens": [{"name": "ci", "role": "viewer", "sha256": "7e" * 32}]},
        actions={"1": {"template": NOTIFICATION, "parameters": told}},
        tls={"http": True},
    )
    secrets = [row[key] for row in config["accounts"][:2] for key in ("md5", "sha256")]
    secrets += ["s-login-7", "s-password-7", "s-query-7", "s-token-7", "s-link-7", "s-header-7"]
    secrets += ["s-api-key-7", "%064x" % 0x5EC2E7, "s-wifi-key-7", "7e" * 32]
    return config, [secret.encode() for secret in secrets]


class Wire:
    """A way to a board's port, with all that comes back over it kept."""

    def __init__(self, board):
        self.seen = bytearray()
        self._there = (board.host, board.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near = self._listener.accept()[0]
                far = socket.create_connection(self._there)
            except OSError:
                return
            for source, target in ((near, far), (far, near)):
                arguments = (source, target, source is far)
                threading.Thread(target=self._carry, args=arguments, daemon=True).start()

    def _carry(self, source, target, keep):
        try:
            while data := source.recv(65536):
                if keep:
                    self.seen += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._listener.close()


class Place:
    """A board with planted secrets, over HTTP and HTTPS."""

    def __init__(self, make_board, folder, config):
        data = folder / "flash"
        self.trusted = certificates.install(data)
        port = free_port("127.0.0.1")
        options = ("--data", data, "--tls-port", port, "--connections", 12)
        self.board = make_board(config, *options).start()
        self.http, self.https = self.board.url, "https://127.0.0.1:%d" % port

    def ask(self, method, path, over=None, user="root", **more):
        with requests.Session() as session:
            session.trust_env = False
            session.auth = HTTPDigestAuth(user, "pass")
            session.verify = str(self.trusted)
            return session.request(method, (over or self.http) + path, timeout=ANSWER_S, **more)

    def whole(self):
        """The document in force, secrets and all."""
        answer = self.ask("GET", SECRETS, self.https)
        assert answer.status_code == 200
        return answer

    def patch(self, patch, **more):
        return self.ask("PATCH", SETTINGS, json=patch, **more)


@pytest.fixture
def place(make_board, tmp_path):
    return Place(make_board, tmp_path, planted()[0])


def plain(answer):
    document = answer.json()
    return {key: document[key] for key in document if key not in ("checksum", "format")}


def test_no_get_over_http_puts_a_secret_on_the_wire(place):
    config, secrets = planted()
    assert plain(place.whole()) == config
    wire = Wire(place.board)
    try:
        count = 0
        for row in (ROWS[0] + ROWS[1]).split("\n"):
            path, methods = (row.split(" ") + [""])[:2]
            if "GET" not in methods.split(",") or path == "/vapix/ws-data-stream":
                continue
            for query in ("", "?secrets=1", "?action=list", "?action=get"):
                place.ask("GET", path + query, wire.url)
                count += 1
        assert place.ask("GET", SETTINGS, wire.url).json()["network"]["key"] == "*"
        for user in ("root", "door"):
            body = (ENVELOPE % ASK).encode()
            answer = place.ask("POST", SERVICES, wire.url, user, data=body)
            assert 'Value="*" Name="password"' in answer.text
        assert place.patch({"name": "Gate"}, over=wire.url).status_code == 200
    finally:
        wire.close()
    assert count > 40 and len(wire.seen) > 20000
    assert [secret for secret in secrets if secret in wire.seen] == []
    # The same look at what comes over TLS finds every one.
    found = place.whole().content
    assert [secret for secret in secrets if secret not in found] == []
    answer = place.ask("POST", SERVICES, place.https, data=(ENVELOPE % ASK).encode())
    assert 'Value="s-password-7" Name="password"' in answer.text


def test_what_is_read_can_be_put_back_and_nothing_is_lost(place):
    before = plain(place.whole())
    # As it was written by hand: the first change gives it the module's own form.
    read = place.ask("GET", SETTINGS)
    headers = {"If-Match": read.headers["ETag"]}
    answer = place.ask("PUT", SETTINGS, data=read.content, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"next_start": []})
    assert plain(place.whole()) == before
    assert place.patch({"name": "Gate"}).status_code == 200
    sealed = place.whole()
    read = place.ask("GET", SETTINGS)
    assert read.headers["ETag"] == sealed.headers["ETag"]
    # In parts, too, which end with the checksum of what is sent.
    for start in range(0, len(read.content), 512):
        part = read.content[start : start + 512]
        there = "bytes %d-%d/%d" % (start, start + len(part) - 1, len(read.content))
        answer = place.ask("PUT", SETTINGS, data=part, headers={"Content-Range": there})
    assert (answer.status_code, answer.json()) == (200, {"next_start": []})
    assert place.whole().content == sealed.content


def test_one_account_is_changed_and_the_others_keep_their_hashes(place):
    config = planted()[0]
    rows = place.ask("GET", SETTINGS).json()["accounts"]
    changed = account("vms", password="other")
    rows = [changed if row["name"] == "vms" else row for row in reversed(rows)]
    assert place.patch({"accounts": rows}).status_code == 200
    for row in plain(place.whole())["accounts"]:
        (old,) = [old for old in config["accounts"] if old["name"] == row["name"]]
        assert row == (changed if row["name"] == "vms" else old)
    assert place.ask("GET", "/holdfast/status", user="guest").status_code == 200
    assert place.ask("GET", "/holdfast/status", user="vms").status_code == 401


def test_a_secret_goes_to_nobody_else(place):
    before = place.whole().content
    shown = place.ask("GET", SETTINGS).json()
    for key, change in (
        ("accounts[0].md5", lambda new: new["accounts"][0].update(name="boss")),
        ("uplinks.links[0].token", lambda new: new["uplinks"]["links"][0].update(name="x")),
        ("monitors.tokens[0].sha256", lambda new: new["monitors"]["tokens"][0].update(name="x")),
        (
            "actions.2.parameters.login",
            lambda new: new.update(actions={"2": new["actions"]["1"]}),
        ),
        (
            "actions.1.parameters.upload_url",
            lambda new: new["actions"]["1"]["parameters"].update(upload_url="http://other/?*"),
        ),
    ):
        new = copy.deepcopy(shown)
        del new["checksum"]
        change(new)
        for answer in (place.ask("PUT", SETTINGS, json=new), place.patch(new)):
            assert answer.status_code == 400, answer.text
            assert answer.json()["error"]["key"] == "settings." + key
    assert place.whole().content == before


def test_a_backup_is_for_administrators_over_tls_and_is_logged(place):
    refused = place.ask("GET", SECRETS)
    assert (refused.status_code, refused.json()["error"]["problem"]) == (
        403,
        "secrets are given over https, or a cable, alone",
    )
    for user, status in (("door", 403), ("guest", 403), ("nobody", 401)):
        assert place.ask("GET", SECRETS, place.https, user).status_code == status
    assert place.ask("GET", SETTINGS, place.https).json()["network"]["key"] == "*"
    entries = place.ask("GET", "/holdfast/log").json()["entries"]
    assert "settings" not in [row["kind"] for row in entries]
    place.whole()
    (row,) = [
        row
        for row in place.ask("GET", "/holdfast/log").json()["entries"]
        if row["kind"] == "settings"
    ]
    assert row["text"] == "secrets read by root with /holdfast/settings"


def put_in_parts(session, url, document):
    """PUT a document of more than a body's 4 KB in parts; the answer to the last."""
    for start in range(0, len(document), 2048):
        part = document[start : start + 2048]
        headers = {
            "Content-Range": "bytes %d-%d/%d" % (start, start + len(part) - 1, len(document))
        }
        answer = session.put(url, data=part, headers=headers, timeout=ANSWER_S)
    return answer


def test_a_backup_over_tls_is_restored_on_another_module(make_board, tmp_path, place):
    assert place.patch({"name": "Gate"}).status_code == 200
    backup = place.whole().content
    other = make_board(settings(), "--data", tmp_path / "other").start()
    there = place.ask("GET", SETTINGS).content
    with other.session() as session:
        # Without its secrets it is of no use there.
        answer = session.put(other.url + SETTINGS, data=there, timeout=ANSWER_S)
        assert answer.status_code == 400
        assert answer.json()["error"]["key"] == "settings.network.key"
        answer = put_in_parts(session, other.url + SETTINGS, backup)
    # Its certificate is a file, which has to be there first.
    assert answer.status_code == 400 and "settings.tls" in answer.text
    certificates.install(tmp_path / "other")
    with other.session() as session:
        answer = put_in_parts(session, other.url + SETTINGS, backup)
    assert answer.status_code == 200, answer.text
    assert (tmp_path / "other" / "settings.json").read_bytes() == backup
    assert json.loads(backup)["network"]["key"] == "s-wifi-key-7"
