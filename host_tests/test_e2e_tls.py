"""HTTPS and WebSockets over TLS, with clients that nobody here wrote, and with bad peers."""

import contextlib
import hashlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import warnings

import certificates
import httpx
import pytest
import requests
from OpenSSL import SSL
from requests.auth import HTTPDigestAuth
from simulate import free_port
from websockets.sync.client import connect

from boards import (
    ANSWER_S,
    HEARTBEAT,
    LOST_TOPIC,
    STATUS,
    STREAM,
    Figures,
    Master,
    beat_body,
    closed_by_peer,
    configure,
    notification,
    output,
    receive,
    settings,
    wait_for,
)

LOG_S = 90  # until what the network causes is in flash: it waits for others a minute


class Secure:
    """A board with TLS, and how to reach it."""

    def __init__(self, make_board, folder, tls=None, install=True, **more):
        self.data = folder / "flash"
        if install:
            self.trusted = certificates.install(self.data)
        self.port = free_port("127.0.0.1")
        config = settings(tls={"http": True} if tls is None else tls, **more)
        options = ("--data", self.data, "--tls-port", self.port, "--connections", 8)
        self.board = make_board(config, *options)

    def start(self):
        self.board.start()
        return self

    def alone(self):
        """Start one that serves no HTTP."""
        self.board.launch()

        def serves():
            return any(line.startswith("ready https://") for line in self.board.lines)

        wait_for(serves, ANSWER_S, "ready line")
        return self

    @property
    def url(self):
        return "https://127.0.0.1:%d" % self.port

    def session(self, name="root"):
        session = requests.Session()
        session.trust_env = False
        session.auth = HTTPDigestAuth(name, "pass")
        session.verify = str(self.trusted)
        return session

    def context(self):
        return ssl.create_default_context(cafile=self.trusted)

    def get(self, path=STATUS):
        with self.session() as session:
            return session.get(self.url + path, timeout=ANSWER_S)

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), ANSWER_S)

    def wrapped(self):
        return self.context().wrap_socket(self.raw(), server_hostname="127.0.0.1")

    def name(self, name, user="root"):
        """Settings that name another certificate and key, as somebody sends them."""
        tls = {"tls": {"certificate": name + ".crt", "key": name + ".key"}}
        with self.board.session(user) as session:
            url = self.board.url + "/holdfast/settings"
            return session.patch(url, json=tls, timeout=ANSWER_S)

    def shown(self):
        """The certificate that a newcomer is shown, DER."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(self.raw()) as sock:
            return sock.getpeercert(True)

    def trouble(self):
        """What status and the log say of TLS: (text or None, texts)."""
        told = master_status(self).get("tls", {}).get("trouble")
        return told, [row["text"] for row in self.log()["entries"] if row["kind"] == "tls"]

    def log(self):
        with self.board.session() as session:
            return session.get(self.board.url + "/holdfast/log?limit=64", timeout=5).json()


def test_requests_and_httpx_are_served_over_tls_with_the_certificate_verified(
    make_board, tmp_path
):
    secure = Secure(make_board, tmp_path).start()
    with secure.session() as session:
        for _ in range(5):
            answer = session.post(secure.url + HEARTBEAT, data=beat_body(60000), timeout=ANSWER_S)
            assert answer.status_code == 200
            assert "SessionId" in answer.json()
    client = httpx.Client(
        verify=secure.context(), auth=httpx.DigestAuth("root", "pass"), trust_env=False
    )
    with client:
        for _ in range(3):
            answer = client.get(secure.url + STATUS, timeout=ANSWER_S)
            assert answer.status_code == 200
            assert answer.json()["masters"][0]["beats"] == 5
    # What takes many records, and what comes in many.
    with secure.session() as session:
        body = b"<x>" + b" " * 3000 + b"</x>"
        answer = session.post(secure.url + "/vapix/services", data=body, timeout=ANSWER_S)
        assert answer.status_code in (400, 500)
        answer = session.get(secure.url + "/axis-cgi/param.cgi?action=list", timeout=ANSWER_S)
        assert len(answer.content) > 2000


def test_a_monitor_that_is_made_over_tls_is_checked_in_with_over_tls(make_board, tmp_path):
    tokens = [{"name": "ci", "role": "operator", "sha256": hashlib.sha256(b"ci").hexdigest()}]
    secure = Secure(make_board, tmp_path, monitors={"tokens": tokens}).start()
    with secure.session() as session:
        session.auth = None
        fields = {"service_id": "s", "name": "job"}
        bearer = {"Authorization": "Bearer ci"}
        path = secure.url + "/v1/heartbeat"
        made = session.post(path, json=fields, headers=bearer, timeout=ANSWER_S).json()
        assert session.get(made["url"], timeout=ANSWER_S).json()["state"] == "up"
        assert session.get(made["ping_url"], timeout=ANSWER_S).text == "OK"


def test_event_streams_over_tls(make_board, tmp_path):
    secure = Secure(make_board, tmp_path).start()
    with secure.session() as session:
        token = session.get(secure.url + "/axis-cgi/wssession.cgi", timeout=ANSWER_S).text
    url = "wss://127.0.0.1:%d%s&wssession=%s" % (secure.port, STREAM, token)
    with connect(url, ssl=secure.context(), proxy=None, open_timeout=ANSWER_S) as stream:
        configure(stream, {"topicFilter": LOST_TOPIC})
        notification(stream)
        master = Master(secure.board.host, secure.board.port, "door")
        master.beat(100)
        message = json.loads(stream.recv(ANSWER_S))
        data = message["params"]["notification"]["message"]["data"]
        assert data == {"lost": "1", "cause": "no heartbeat for 100 ms"}
        master.close()


def test_many_small_requests_in_one_record_are_all_answered(make_board, tmp_path):
    """What is decrypted already no socket tells of."""
    secure = Secure(make_board, tmp_path).start()
    with secure.wrapped() as sock:
        sock.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        answer = b""
        while answer.count(b"HTTP/1.1 404") < 100:
            part = sock.recv(65536)
            assert part, answer.count(b"HTTP/1.1 404")
            answer += part


def test_plain_http_at_the_tls_port_is_told_so(make_board, tmp_path):
    secure = Secure(make_board, tmp_path).start()
    with secure.raw() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = receive(sock, ANSWER_S)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"speaks TLS" in answer
    assert secure.get().status_code == 200


def test_peers_that_are_silent_drip_or_speak_garbage_end_and_no_master_is_lost(
    make_board, tmp_path
):
    secure = Secure(make_board, tmp_path).start()
    stop, dripping = threading.Event(), threading.Event()
    answers = []

    def beat(url, name):
        """A master, over one kept connection."""
        with secure.session(name) as session:
            while not stop.is_set():
                answer = session.post(url + HEARTBEAT, data=beat_body(4000), timeout=ANSWER_S)
                answers.append((name, answer.json()["SessionId"]))
                stop.wait(0.2)

    def drip(sock):
        """A hello, byte by byte."""
        with contextlib.suppress(OSError):
            for byte in b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + bytes(200):
                sock.send(bytes([byte]))
                dripping.set()
                if stop.wait(0.05):
                    break

    threads = [
        threading.Thread(target=beat, args=(secure.url, "root")),
        threading.Thread(target=beat, args=(secure.board.url, "door")),
    ]
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: [thread.join() for thread in threads])
        stack.callback(stop.set)
        for thread in threads:
            thread.start()
        wait_for(lambda: len({name for name, _ in answers}) == 2, ANSWER_S, "both masters")
        silent = stack.enter_context(secure.raw())
        garbage = stack.enter_context(secure.raw())
        garbage.sendall(b"\x16\x03\x01\x00\x05hello")
        assert closed_by_peer(garbage, ANSWER_S)
        half = stack.enter_context(secure.raw())
        threads.append(threading.Thread(target=drip, args=(half,)))
        threads[-1].start()
        assert dripping.wait(ANSWER_S)
        before = len(answers)
        assert secure.get().status_code == 200  # does not wait for the dripping one to be over
        wait_for(lambda: len(answers) > before + 4, ANSWER_S, "masters that go on")
        for sock in (half, silent):
            assert closed_by_peer(sock, ANSWER_S)
    assert secure.get().status_code == 200
    assert len(set(answers)) == 2  # a session each, from the first beat to the last
    assert not master_status(secure)["lost"]


def test_a_client_of_the_wrong_version_is_refused_and_others_are_served(make_board, tmp_path):
    secure = Secure(make_board, tmp_path).start()
    context = secure.context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with contextlib.suppress(ssl.SSLError, ConnectionError):  # CPython's own speaks 1.3, too
        context.wrap_socket(secure.raw(), server_hostname="127.0.0.1").close()
    assert secure.get().status_code == 200


def test_the_places_for_tls_are_few_and_an_idle_one_gives_way(make_board, tmp_path):
    secure = Secure(make_board, tmp_path).start()
    with contextlib.ExitStack() as stack:
        idle = []
        for _ in range(4):
            sock = stack.enter_context(secure.wrapped())
            sock.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 404")
            idle.append(sock)
            time.sleep(0.3)
        for sock in idle[:2]:
            assert closed_by_peer(sock, ANSWER_S)
        assert secure.get().status_code == 200


def test_three_that_come_at_once_are_all_answered_though_there_are_two_places(
    make_board, tmp_path
):
    """As Home Assistant does: one waits for a place, and no connection is reset."""
    secure = Secure(make_board, tmp_path).start()
    for _ in range(3):
        together = threading.Barrier(3)
        statuses = []

        def come(together=together, statuses=statuses):
            with secure.session() as session:
                together.wait()
                statuses.append(session.get(secure.url + STATUS, timeout=ANSWER_S).status_code)

        threads = [threading.Thread(target=come) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 3


def test_a_list_over_tls_has_an_end_and_its_connection_is_kept(make_board, tmp_path):
    """In chunks, also where it is long; strict clients take what ends without for cut off."""
    tokens = [{"name": "ci", "role": "operator", "sha256": hashlib.sha256(b"ci").hexdigest()}]
    secure = Secure(make_board, tmp_path, monitors={"tokens": tokens}).start()
    bearer = {"Authorization": "Bearer ci"}
    with secure.wrapped() as sock:
        client = http.client.HTTPSConnection("127.0.0.1", secure.port, context=secure.context())
        client.sock = sock
        for i in range(12):
            made = json.dumps({"service_id": "s", "name": "job %d" % i})
            client.request("POST", "/v1/heartbeat", made, bearer)
            assert client.getresponse().read().startswith(b"{")
            client.request("GET", "/v1/service/s/heartbeats", None, bearer)
            answer = client.getresponse()
            assert len(json.loads(answer.read())["data"]) == i + 1
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert client.sock is sock
        # Before HTTP/1.1 there are no chunks.
        head = "GET /v1/service/s/heartbeats HTTP/1.0\r\nAuthorization: Bearer ci\r\n\r\n"
        sock.sendall(head.encode())
        head, _, body = receive(sock, ANSWER_S).partition(b"\r\n\r\n")
        assert b"chunked" not in head and b"Connection: close" in head
        assert len(json.loads(body)["data"]) == 12
    if shutil.which("wget"):
        command = ["wget", "-q", "-O", "-", "--tries=1", "--ca-certificate", str(secure.trusted)]
        command += ["--header", "Authorization: Bearer ci"]
        command.append(secure.url + "/v1/service/s/heartbeats")
        told = subprocess.run(command, capture_output=True, timeout=ANSWER_S, check=True).stdout
        assert len(json.loads(told)["data"]) == 12


@pytest.mark.parametrize("kind", ["rsa", "mixed", "garbage", "none"])
def test_without_a_usable_certificate_http_is_served_whatever_settings_say_and_it_is_told(
    make_board, tmp_path, kind
):
    secure = Secure(make_board, tmp_path, tls={"http": False}, install=False)
    certificates.install(secure.data, "rsa" if kind == "rsa" else "p256")
    if kind == "mixed":
        other = certificates.key_bytes(certificates.key(number=1))
        (secure.data / "tls.key").write_bytes(other)
    elif kind == "garbage":
        (secure.data / "tls.crt").write_bytes(bytes(range(256)))
    elif kind == "none":
        (secure.data / "tls.crt").unlink()
    secure.start()
    told, logged = secure.trouble()
    reason = {
        "rsa": "settings.tls.certificate: is of RSA",
        "mixed": "settings.tls.key: does not belong to the certificate",
        "garbage": "settings.tls.certificate: must be one certificate",
        "none": "settings.tls.certificate: there is no file tls.crt",
    }[kind]
    assert told.startswith("HTTP is served instead: " + reason)
    (text,) = logged
    assert told.startswith(text)  # what of it fits into the log
    assert reason in text
    assert "TLS cannot be had: " + reason in secure.board.log
    # What is wrong with the certificate keeps nobody from changing the rest.
    with secure.board.session() as session:
        url = secure.board.url + "/holdfast/settings"
        assert session.patch(url, json={"name": "Gate"}, timeout=ANSWER_S).status_code == 200
    # One that is good is named: nobody listens for TLS before the next start.
    certificates.install(secure.data, name="good")
    assert secure.name("good").json() == {"next_start": ["tls"]}


def test_another_certificate_is_for_newcomers_and_a_bad_one_for_nobody(make_board, tmp_path):
    secure = Secure(make_board, tmp_path).start()
    for name, kind, number in (("new", "p256", 1), ("slow", "rsa", 0), ("odd", "p384", 0)):
        certificates.install(secure.data, kind, number, name=name)
    before = (secure.data / "tls.crt").read_bytes()
    after = (secure.data / "new.crt").read_bytes()
    request = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    with secure.wrapped() as old:
        old.sendall(request)
        assert b" 404 " in old.recv(4096)
        assert old.getpeercert(True) == before
        assert secure.name("new").json() == {"next_start": []}
        assert secure.shown() == after
        old.sendall(request)  # goes on as it began
        assert b" 404 " in old.recv(4096)
        for name, reason in (("slow", "is of RSA"), ("odd", "curve"), ("gone", "no file")):
            answer = secure.name(name)
            assert answer.status_code == 400, answer.text
            assert reason in answer.text
            assert secure.shown() == after
        # Good when it was named, and bad when somebody has written over it.
        (secure.data / "new.key").write_bytes(b"\x30\x03abc")
        assert secure.name("new").status_code == 200
        assert secure.shown() == after
        told, logged = secure.trouble()
        assert told == (
            "the certificate before is used instead: settings.tls.key: is no private key"
        )
        assert logged == [told]
        assert secure.name("tls").status_code == 200
        assert secure.shown() == before
        assert secure.trouble()[0] is None
        old.sendall(request)
        assert b" 404 " in old.recv(4096)


def test_an_expired_certificate_is_the_clients_to_judge(make_board, tmp_path):
    secure = Secure(make_board, tmp_path, install=False)
    secure.trusted = certificates.install(secure.data, number=2, ends_in_days=-1)
    secure.start()
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        secure.wrapped()
    assert secure.shown() == (secure.data / "tls.crt").read_bytes()
    assert secure.trouble() == (None, [])


def test_old_versions_of_tls_are_refused(make_board, tmp_path):
    secure = Secure(make_board, tmp_path).start()
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = secure.context()
        context.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL itself would not even ask
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(secure.raw(), server_hostname="127.0.0.1")
    assert secure.get().status_code == 200


def test_a_client_that_wants_to_renegotiate_is_not_followed(make_board, tmp_path):
    secure = Secure(make_board, tmp_path).start()
    context = SSL.Context(SSL.TLSv1_2_METHOD)
    for _ in range(2):
        sock = secure.raw()
        client = SSL.Connection(context, sock)
        client.set_connect_state()
        sock.settimeout(None)
        client.do_handshake()
        assert client.renegotiate()
        with pytest.raises(SSL.Error):
            # The server says no, or nothing at all; either way this connection is over.
            client.do_handshake()
            client.send(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            while client.recv(4096):
                pass
        sock.close()
    assert secure.get().status_code == 200


@pytest.mark.parametrize("tls", [{}, {"http": False}])
def test_http_is_served_beside_tls_where_settings_say_so_alone(make_board, tmp_path, tls):
    secure = Secure(make_board, tmp_path, tls=tls).alone()
    assert secure.get().status_code == 200
    assert "ready http://" not in secure.board.log
    with pytest.raises(OSError):
        socket.create_connection((secure.board.host, secure.board.port), ANSWER_S)
    text = "HTTP is not served: settings.tls.http is not there; true serves it beside HTTPS"

    def told():
        entries = secure.get("/holdfast/log?limit=64").json()["entries"]
        return [row["text"] for row in entries if row["kind"] == "tls"]

    expected = [] if tls else [text]
    assert told() == expected
    # Once: a log that was kept has it, and another start does not add to it.
    kept = b"HTTP is not served"

    def in_flash():
        return any(kept in file.read_bytes() for file in secure.data.glob("log1.*"))

    if not tls:
        wait_for(in_flash, LOG_S, "the log in flash")
    assert secure.board.stop() == 0
    secure.board.lines.clear()
    secure.alone()
    assert told() == expected


@pytest.mark.alone
def test_fallback_is_on_time_while_handshakes_follow_each_other(make_board, tmp_path):
    ports = {"4": output(steps=[{"state": "closed"}])}
    secure = Secure(make_board, tmp_path, ports=ports).start()
    stop = threading.Event()
    count = []

    def shake():
        while not stop.is_set():
            with contextlib.suppress(OSError):
                secure.wrapped().close()
                count.append(1)

    thread = threading.Thread(target=shake)
    thread.start()
    late = []
    try:
        master = Master(secure.board.host, secure.board.port, "door")
        for i in range(10):
            master.beat(300)
            wait_for(lambda i=i: master_status(secure)["trips"]["count"] == i + 1)
            trip = master_status(secure)["trips"]["latest"][-1]
            late.append((trip["moved"] - trip["due"]) / 1000)
        assert secure.board.level(4) == 1
        master.close()
    finally:
        stop.set()
        thread.join()
    figures = Figures(late)
    text = "fallback with one handshake after another: %s, handshakes %d"
    print(text % (figures, len(count)))
    assert len(count) > 5
    assert figures.within(100)


def master_status(secure):
    with secure.board.session() as session:
        return session.get(secure.board.url + STATUS, timeout=ANSWER_S).json()
