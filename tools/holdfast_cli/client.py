"""A module on the network: requests with Digest, event streams, and their failures in plain words.

Everything goes over one kept connection, because a Pico W has five; a stream takes one more.
"""

import contextlib
import json
import re
import ssl
import time
from urllib.parse import quote, urlsplit

import httpx

from holdfast_cli.problems import FAILED, REFUSED, SETTINGS, STRANGER, UNREACHABLE, USAGE, Problem

STATUS = "/holdfast/status"
UPLINKS = "/holdfast/uplinks"
SETTINGS_PATH = "/holdfast/settings"
PART_BYTES = 4096  # a request's body, see docs/limits.md
TIMEOUT_S = 10
_BUSY_TRIES = 8  # a module that cannot write to flash now can in a moment
_BUSY_PAUSE_S = 0.5
_BACK_S = 90  # for a module that starts again: Wi-Fi takes its time
_LOOK_S = 0.3
_PING_S = 5  # a stream that answers no ping for so long is not live


def address(text):
    """The URL of what a person calls a module: 192.168.1.20, north.local:8080, https://..."""
    url = text if "://" in text else "http://" + text
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.path.strip("/") or parts.query or re.search(r"\s", text):
        raise Problem("%s is no address: write 192.168.1.20 or https://192.168.1.20" % text, USAGE)
    return "%s://%s" % (parts.scheme, parts.netloc)


def tls(trust, insecure):
    """The TLS context for an HTTPS module.

    trust: a file with the module's own certificate, or that of who signed it, PEM or DER. A name
    is not asked for then: a module is called by its address, and the certificate is known anyway.
    """
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif trust:
        try:
            data = open(trust, "rb").read()  # noqa: SIM115 read at once
            text = data.decode() if data.startswith(b"-----BEGIN") else None
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=text or data)
        except OSError as error:
            raise Problem(
                "%s: %s" % (trust, error.strerror or "is no certificate"), USAGE
            ) from None
        except ValueError:
            raise Problem("%s is no certificate" % trust, USAGE) from None
    return context


class Module:
    """One module, as one of its accounts. A context manager: it closes what it opened."""

    def __init__(self, url, user, password, trust=None, insecure=False):
        self.url = address(url)
        self.user, self.password = user, password
        self.trust, self.insecure = trust, insecure
        self.retry_after = False
        self._context = tls(trust, insecure) if self.url.startswith("https") else True
        self._http = httpx.Client(
            base_url=self.url,
            auth=httpx.DigestAuth(user, password) if user is not None else None,
            verify=self._context,
            trust_env=False,
            timeout=TIMEOUT_S,
            headers={"User-Agent": "holdfast"},
        )

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.close()

    def close(self):
        self._http.close()

    def request(self, method, path, fine=(200,), **more):
        """One request; the response when its status is `fine`, else a Problem."""
        for _ in range(_BUSY_TRIES):
            try:
                answer = self._http.request(method, path, **more)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                raise self._unreachable(error) from None
            if answer.status_code != 503 or 503 in fine:
                break
            time.sleep(_BUSY_PAUSE_S)
        if answer.status_code in fine:
            return answer
        raise self._problem(answer)

    def post(self, url, data, headers, timeout):
        """As requests.post, over the kept connection; OSError when nobody answers."""
        try:
            return self._http.post(url, content=data, headers=headers, timeout=timeout)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise OSError(self._unreachable(error).text) from None

    def _unreachable(self, error):
        text = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return Problem(
                "the certificate of %s is not one that is trusted here; "
                "name its file with --trust" % self.url,
                REFUSED,
            )
        if isinstance(error, httpx.TimeoutException):
            return Problem(
                "%s does not answer within %d s: is it on, is that its address?"
                % (self.url, TIMEOUT_S),
                UNREACHABLE,
            )
        if isinstance(error, (httpx.RemoteProtocolError, httpx.DecodingError)):
            if "disconnected" in text:
                return Problem("%s closed the connection" % self.url, UNREACHABLE)
            return Problem("what answers at %s does not speak HTTP" % self.url, STRANGER)
        if "SSL" in text or "ssl" in text:
            return Problem("%s does not speak TLS: try http://" % self.url, STRANGER)
        reason = re.sub(r"^\[Errno -?\d+\] ", "", text) or type(error).__name__
        return Problem("%s cannot be reached: %s" % (self.url, reason), UNREACHABLE)

    def _problem(self, answer):
        status = answer.status_code
        if status == 401:
            return Problem("%s: wrong user or password for %s" % (self.url, self.user), REFUSED)
        if status == 403:
            text = "%s may not do that at %s: it takes an account with more rights"
            return Problem(text % (self.user, self.url), REFUSED)
        if status == 404:
            return Problem("%s answers, but it is no Holdfast" % self.url, STRANGER)
        try:
            error = answer.json()["error"]
            text = (
                "%s: %s" % (error["key"], error["problem"]) if error["key"] else error["problem"]
            )
            return Problem("%s: %s" % (self.url, text), SETTINGS if status == 400 else FAILED)
        except (ValueError, KeyError, TypeError):
            return Problem("%s answers %d %s" % (self.url, status, answer.reason_phrase))

    def json(self, method, path, body=None, **more):
        """One request whose answer is a JSON object."""
        if body is not None:
            more["content"] = json.dumps(body)
        answer = self.request(method, path, **more)
        try:
            value = answer.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Problem("%s answers, but it is no Holdfast" % self.url, STRANGER)
        return value

    def status(self):
        """What `/holdfast/status` says."""
        status = self.json("GET", STATUS)
        if not {"name", "version", "ports", "masters", "trips"} <= set(status):
            raise Problem("%s answers, but it is no Holdfast" % self.url, STRANGER)
        return status

    def identity(self):
        """The properties that anybody may know: product, serial number, ..."""
        call = {"apiVersion": "1.0", "method": "getAllUnrestrictedProperties"}
        answer = self.json("POST", "/axis-cgi/basicdeviceinfo.cgi", call)
        return answer.get("data", {}).get("propertyList", {})

    def uplinks(self):
        """What `/holdfast/uplinks` says."""
        return self.json("GET", UPLINKS)

    def outputs(self):
        """What each output does at whatever may happen: rows of the module's truth table."""
        return self.json("GET", "/holdfast/outputs")["outputs"]

    def settings(self, secrets=False):
        """(bytes, tag, document) of the settings. secrets: with them, which a module gives over
        https alone; else `*` is in their place.
        """
        whole = secrets and self.url.startswith("https")
        answer = self.request("GET", SETTINGS_PATH + ("?secrets=1" if whole else ""))
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Problem("%s answers, but it is no Holdfast" % self.url, STRANGER)
        for mark in ("checksum", "format"):  # of the document as it is sent
            document.pop(mark, None)
        return answer.content, answer.headers.get("ETag", ""), document

    def put_settings(self, data, tag=None):
        """Replace the settings by a sealed document (bytes); what waits for the next start."""
        headers = {"If-Match": tag} if tag else {}
        answer = None
        for start in range(0, len(data), PART_BYTES):
            part = data[start : start + PART_BYTES]
            if len(data) > PART_BYTES:
                where = (start, start + len(part) - 1, len(data))
                headers["Content-Range"] = "bytes %d-%d/%d" % where
            answer = self.request("PUT", SETTINGS_PATH, (200, 202), content=part, headers=headers)
        return answer.json().get("next_start", [])

    def patch_settings(self, patch, tag=None, trial=False):
        """Merge a patch into the settings; what waits for the next start. trial: it goes back
        unless it is confirmed.
        """
        headers = {"If-Match": tag} if tag else {}
        data = json.dumps(patch).encode()
        if len(data) > PART_BYTES:
            raise Problem("that is more than one request may carry; use `holdfast restore`")
        path = SETTINGS_PATH + ("?trial=1" if trial else "")
        answer = self.request("PATCH", path, content=data, headers=headers)
        return answer.json().get("next_start", [])

    def confirm(self, keep):
        """Settings on trial are kept, or taken back; False when there are none."""
        body = json.dumps({"keep": keep})
        answer = self.request("POST", "/holdfast/confirm", (200, 409), content=body)
        return answer.status_code == 200

    def restart(self, wait=True):
        """Have the module start again; its answer comes before it does. wait: until it is back;
        for how long it was away, in s.
        """
        before = self.status()["events"]["epoch"]
        began = time.monotonic()
        answer = self.request("POST", "/holdfast/restart", (202, 501), content=b"{}")
        if answer.status_code == 501:
            raise Problem("%s cannot restart itself; switch it off and on" % self.url)
        if wait and not self.came_back(before, _BACK_S):
            text = "%s has not come back within %d s: look at its lamp, and at its network"
            if self.url.startswith("http://"):
                text += "; with tls in its settings it may serve https alone"
            raise Problem(text % (self.url, _BACK_S), UNREACHABLE)
        return time.monotonic() - began

    def came_back(self, before, seconds):
        """Wait until a module that starts again answers here; False when it does not. before: the
        epoch of its events, which a start changes.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(_LOOK_S)
            with contextlib.suppress(Problem):
                if self.status()["events"]["epoch"] != before:
                    return True
        return False

    def heartbeat(self, duration_ms):
        """Send a heartbeat; the SessionId."""
        body = {"axhbt:Heartbeat": {"Duration": duration_ms}}
        return self.json("POST", "/vapix/axhbt", body)["SessionId"]

    def set_ports(self, states):
        """Set outputs, {id: "open" or "closed"}; why the module refused, None when it did not."""
        ports = [{"port": port, "state": state} for port, state in sorted(states.items())]
        call = {"apiVersion": "1.0", "method": "setPorts", "params": {"ports": ports}}
        answer = self.json("POST", "/axis-cgi/io/portmanagement.cgi", call)
        return answer["error"]["message"] if "error" in answer else None

    def release(self, master):
        """A lost master is not awaited any more."""
        self.json("POST", "/holdfast/release", {"master": master})

    def bypass(self, port, ms):
        """No loss moves an output for so many ms; 0 ends that."""
        answer = self.request(
            "POST",
            "/holdfast/bypass",
            (200, 404, 409),
            content=json.dumps({"port": port, "for": ms}),
        )
        if answer.status_code == 404:
            raise Problem("%s has no port %s" % (self.url, port))
        if answer.status_code == 409:
            why = "is no output" if ms else "is not bypassed, or is no output"
            raise Problem("port %s %s" % (port, why))

    def stream(self, topics, since="", epoch=None):
        """An open event stream with numbered events: (stream, data of the configure reply)."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        token = self.request("GET", "/axis-cgi/wssession.cgi").text.strip()
        url = "ws%s/vapix/ws-data-stream?sources=events&since=%s" % (self.url[4:], since)
        if epoch is not None:
            url += "&epoch=" + quote(epoch)
        url += "&wssession=" + quote(token)
        context = self._context if isinstance(self._context, ssl.SSLContext) else None
        try:
            stream = connect(
                url,
                proxy=None,
                ssl=context,
                open_timeout=TIMEOUT_S,
                close_timeout=1,
                ping_interval=_PING_S,
                ping_timeout=_PING_S,
            )
            filters = [{"topicFilter": topic} for topic in topics]
            call = {"apiVersion": "1.0", "method": "events:configure"}
            call["params"] = {"eventFilterList": filters}
            stream.send(json.dumps(call))
            reply = json.loads(stream.recv(TIMEOUT_S))
        except (OSError, ValueError, WebSocketException) as error:
            text = "%s: no event stream: %s" % (self.url, error or type(error).__name__)
            raise Problem(text, UNREACHABLE) from None
        if "data" not in reply:
            raise Problem("%s: no event stream: %s" % (self.url, reply.get("error")))
        return stream, reply["data"]


def event(text):
    """(topic, source or None, value, number or None, timestamp in ms) of one `events:notify`."""
    said = json.loads(text)["params"]["notification"]
    content = said["message"]
    source = list(content["source"].values())
    data = list(content["data"].values())
    number = said.get("number")
    return said["topic"], source[0] if source else None, data[0], number, said["timestamp"]
