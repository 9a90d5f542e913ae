"""A reference door controller: keeps a Holdfast module alive, and what it does is all there is to
it.

    python tools/master.py http://127.0.0.1:8080 root pass --want 4=closed

Beats at an interval with a Duration over Digest. A changed SessionId means that the session was
lost in between: outputs may have fallen back, so the wanted port states are applied again (VAPIX
Heartbeat service API). Runs on CPython and on MicroPython, on the API that both `requests` have.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from binascii import hexlify

import requests

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Refused(Exception):
    """The module does not accept user and password, or the user's role."""


class Digest:
    """Digest credentials for one user (RFC 7616, qop=auth), a nonce used until there is a new."""

    def __init__(self, user, password):
        self._user = user
        self._password = password
        self._challenge = None
        self._count = 0

    def challenge(self, header):
        """Take the first challenge of a WWW-Authenticate value; there may be several in it."""
        first = header.split("Digest ")[1]
        self._challenge = {}
        for part in first.split(","):
            name, _, value = part.strip().partition("=")
            self._challenge[name] = value.strip('"')
        self._count = 0

    def credentials(self, method, uri):
        """The Authorization value of a request, None before the first challenge."""
        if self._challenge is None:
            return None
        algorithm = self._challenge.get("algorithm", "MD5")
        realm = self._challenge["realm"]
        nonce = self._challenge["nonce"]
        self._count += 1
        count = "%08x" % self._count
        cnonce = hexlify(os.urandom(8)).decode()

        def h(*parts):
            return hexlify(HASHES[algorithm](":".join(parts).encode()).digest()).decode()

        secret = h(self._user, realm, self._password)
        response = h(secret, nonce, count, cnonce, "auth", h(method, uri))
        return (
            'Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=%s, '
            'response="%s", qop=auth, nc=%s, cnonce="%s"'
        ) % (self._user, realm, nonce, uri, algorithm, response, count, cnonce)


class Module:
    """The module as a master sees it: two calls."""

    def __init__(self, url, user, password, timeout_s, post=None):
        """post: what sends, as requests.post does; errors of the network are OSErrors."""
        self._url = url
        self._digest = Digest(user, password)
        self._timeout_s = timeout_s
        # One kept connection where there is such a thing; micropython-lib's makes one for each
        # call.
        self._post = post
        if post is None:
            made = requests.Session() if hasattr(requests, "Session") else requests
            self._post = made.post

    def heartbeat(self, duration_ms):
        """Send a heartbeat and return the SessionId."""
        answer = self._call("/vapix/axhbt", {"axhbt:Heartbeat": {"Duration": duration_ms}})
        return answer["SessionId"]

    def set_ports(self, wanted):
        """Set port states, {port: "open" or "closed"}; return what the module says about it."""
        ports = [{"port": port, "state": state} for port, state in sorted(wanted.items())]
        answer = self._call(
            "/axis-cgi/io/portmanagement.cgi",
            {"apiVersion": "1.0", "method": "setPorts", "params": {"ports": ports}},
        )
        if "error" in answer:
            return "refused: " + answer["error"]["message"]
        return "set: " + ", ".join([port + "=" + wanted[port] for port in answer["data"]["ports"]])

    def _call(self, path, body):
        """POST with Digest, once more with the new challenge after a 401."""
        for _ in range(2):
            headers = {"Content-Type": "application/json"}
            credentials = self._digest.credentials("POST", path)
            if credentials:
                headers["Authorization"] = credentials
            response = self._post(
                self._url + path, data=json.dumps(body), headers=headers, timeout=self._timeout_s
            )
            try:
                status = response.status_code
                text = response.text
                if status == 401:
                    self._digest.challenge(header(response.headers, "www-authenticate"))
                    continue
            finally:
                response.close()
            if status == 403:
                raise Refused(
                    "this user may not send heartbeats; an operator or administrator may"
                )
            if status != 200:
                raise OSError("the module answers %d: %s" % (status, text.strip()))
            return json.loads(text)
        raise Refused("wrong user or password")


def header(headers, name):
    """A header's value whatever the case of its name; micropython-lib's are a plain dict."""
    for key in headers:
        if key.lower() == name:
            return headers[key]
    raise OSError("the answer has no " + name)


def say(text):
    """One line, with the time of day."""
    now = time.localtime()
    print("%02d:%02d:%02d %s" % (now[3], now[4], now[5], text))
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def run(module, duration_ms, interval_ms, wanted, beats):
    """Beat until `beats` are sent (0: without end); True when the last one was answered."""
    session = None
    sent = 0
    alive = False
    start = time.time_ns() // 1000000
    while True:
        sent += 1
        try:
            began = time.time_ns()
            answer = module.heartbeat(duration_ms)
            took_ms = (time.time_ns() - began) // 1000000
            alive = True
            say("beat %d: session %s, answered in %d ms" % (sent, answer, took_ms))
            if answer != session:
                if session is not None:
                    say("the session is a new one: it was lost, outputs may have fallen back")
                session = answer
                if wanted:
                    say(module.set_ports(wanted))
        except OSError as error:
            # requests' own exceptions are OSErrors, on both interpreters.
            alive = False
            say("beat %d: no answer: %s" % (sent, error))
        if sent == beats:
            return alive
        # Against the start, so that slow answers do not add up.
        pause_ms = start + sent * interval_ms - time.time_ns() // 1000000
        if pause_ms > 0:
            time.sleep(pause_ms / 1000)


def parse_wanted(text):
    """ "4=closed,5=open" as {port: state}."""
    wanted = {}
    for part in text.split(",") if text else []:
        port, _, state = part.partition("=")
        if state not in ("open", "closed"):
            raise ValueError("--want: %s: write it as 4=closed or 4=open" % part)
        wanted[port.strip()] = state
    return wanted


def main():
    parser = argparse.ArgumentParser(description="A reference door controller.")
    parser.add_argument("url", help="of the module, e.g. http://192.168.1.20")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--duration", default="10000", help="ms a heartbeat lasts")
    parser.add_argument("--interval", default="5000", help="ms between heartbeats")
    parser.add_argument("--want", default="", help="port states to hold, e.g. 4=closed,5=open")
    parser.add_argument("--beats", default="0", help="how many to send; 0: without end")
    options = parser.parse_args()
    duration_ms = int(options.duration)
    interval_ms = int(options.interval)
    timeout_s = max(1, min(interval_ms, duration_ms) // 1000)
    module = Module(options.url.rstrip("/"), options.user, options.password, timeout_s)
    try:
        wanted = parse_wanted(options.want)
        alive = run(module, duration_ms, interval_ms, wanted, int(options.beats))
    except Refused as error:
        print("master: %s" % error)
        sys.exit(2)
    except ValueError as error:
        print("master: %s" % error)
        sys.exit(2)
    except KeyboardInterrupt:
        return
    sys.exit(0 if alive else 1)


if __name__ == "__main__":
    main()
