"""Who may do what: every path of the service table, with every method, for every role, written in
many ways; a whole module in one process. Run by test_matrix.py on both interpreters.

    micropython matrix.py

Prints what was let in though it should not be, or ended in a 5xx; then how many were tried.
"""

from binascii import b2a_base64

import wholeboard
from costs import PASSWORD, TOKEN, Bench, Connection, full_settings
from holdfast.routes import PATTERNS, ROWS
from holdfast.wire.dump import dumps
from holdfast.wire.http import HttpError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get")
ROLES = (None, "viewer", "operator", "administrator", "token")
# What services for anyone, and for a token or an address, do without a login.
PUBLIC = (
    "/vapix/services",
    "/vapix/axgpio",
    "/axis-cgi/apidiscovery.cgi",
    "/axis-cgi/basicdeviceinfo.cgi",
    "/axis-cgi/systemready.cgi",
    "/holdfast/page.css",
    "/holdfast/page.js",
)
LOWEST = {
    "/": "viewer",
    "/holdfast/settings": "administrator",
    "/axis-cgi/pwdgrp.cgi": "administrator",
}
INBOUND = "/api/beat"  # where Basic over TLS, and a token, do instead of Digest
MARK = "x-snd-eb-heartbeat: 1\r\n"


def basic(name, password=PASSWORD):
    return "Basic " + b2a_base64(("%s:%s" % (name, password)).encode()).decode().strip()


# (Authorization, is it good at INBOUND without TLS, and with it) of logins that are no Digest.
LOGINS = (
    (basic("administrator"), False, True),
    (basic("operator"), False, True),
    (basic("viewer"), False, False),
    (basic("administrator", "wrong"), False, False),
    (basic("nobody"), False, False),
    ("Bearer " + TOKEN, True, True),
    ("Bearer wrong", False, False),
    ("Bearer " + PASSWORD, False, False),
    ("Negotiate " + PASSWORD, False, False),
)


def ways(path):
    """A path, and other ways to write it or something like it."""
    middle = len(path) // 2
    yield path
    yield path + "?x=1"
    yield path + "/"
    yield path + "//"
    yield path + ";x"
    yield path + "%00"
    yield path + "%20"
    yield path + "."
    yield path.upper()
    yield "/" + path
    yield path.replace("/", "//")
    yield path.replace("/", "%2f")
    yield "/x/.." + path
    yield "/." + path
    yield path[:middle] + "%%%02x" % ord(path[middle : middle + 1] or "/") + path[middle + 1 :]
    yield "http://192.168.0.90" + path
    yield "http://x" + path + "#y"


def rows():
    """(path, lowest role) of the table, anybody's as None."""
    for line in (ROWS[0] + ROWS[1] + PATTERNS).split("\n"):
        if line:
            path, _, role, _ = line.split(" ")
            role = LOWEST.get(path, role)
            yield path.replace("*", "x"), None if path in PUBLIC else role


def allowed(lowest, who):
    """May somebody of this role be let in where that is the lowest?"""
    if lowest is None:
        return True
    if lowest == "token":
        return who == "token"
    return (
        who
        in ("viewer", "operator", "administrator")[
            ("viewer", "operator", "administrator").index(lowest) :
        ]
    )


def ask(bench, method, target, who):
    """The status of a request without a body."""
    head = "%s %s HTTP/1.1\r\nHost: 192.168.0.90\r\n\r\n" % (method, target)
    return answered(bench, bench.request({"who": who, "bytes": head}))


def answered(bench, data, secure=False):
    """The status of the answer to a request (bytes)."""
    bench.app.dispatcher.delay = None
    connection = Connection()
    connection.caller.secure = secure
    try:
        connection.reader.buffer.feed(data)
        request = connection.reader.next()
        answer = bench.app.dispatcher.answer(connection, request, bench.now(), _shed)
        if hasattr(answer, "send"):
            try:
                answer.send(None)
                answer.close()
                return 202  # it began to do something
            except StopIteration as stop:
                answer = stop.value
        return answer.status
    except HttpError as error:
        return error.status


def _shed(connection):
    raise MemoryError


def script(app):
    bench = Bench(app)
    app.restart = lambda: True
    count = 0
    let_in = dict.fromkeys(ROLES, 0)
    for path, lowest in rows():
        for target in ways(path):
            for method in METHODS:
                for who in ROLES:
                    count += 1
                    status = ask(bench, method, target, who)
                    let_in[who] += status < 400
                    if status >= 500 or (status < 400 and not allowed(lowest, who)):
                        print("WRONG %s %s by %s: %d" % (method, target, who, status))
    for target in ways(INBOUND):
        for method in METHODS:
            for who in ROLES:
                count += 1
                status = ask(bench, method, target, who)
                if status < 400 or status >= 500:
                    print("WRONG %s %s by %s: %d" % (method, target, who, status))
    count += others(bench)
    for who in ROLES:
        print("let in %s %d" % (who, let_in[who]))
    print("tried %d" % count)


def others(bench):
    """Try logins that are no Digest everywhere; how many were tried. Only a heartbeat at INBOUND
    lets them in, and a token where tokens do.
    """
    count = 0
    for path, lowest in list(rows()) + [(INBOUND, "inbound")]:
        for target in ways(path) if path == INBOUND else (path,):
            for method in METHODS:
                for login, plain, secure in LOGINS:
                    for over_tls in (False, True):
                        count += 1
                        head = (
                            "%s %s HTTP/1.1\r\nHost: 192.168.0.90\r\nAuthorization: %s\r\n%s\r\n"
                        )
                        data = (head % (method, target, login, MARK)).encode()
                        status = answered(bench, data, over_tls)
                        good = lowest is None or (lowest == "token" and login[-16:] == TOKEN)
                        if lowest == "inbound":
                            good = (secure if over_tls else plain) and method == "POST"
                            if good and target == path and status != 200:
                                print("WRONG %s is not taken: %d" % (login, status))
                        if status >= 500 or (status < 400 and not good):
                            print("WRONG %s %s with %s: %d" % (method, target, login, status))
    return count


def main():
    settings = full_settings()
    settings["uplinks"] = {"inbound": {"path": INBOUND}}
    flash = wholeboard.Flash({"settings.json": dumps(settings).encode()})
    hal = wholeboard.Hal(flash)
    hal.live(script)
    for error in hal.reports:
        print("WRONG", repr(error))


if __name__ == "__main__":
    main()
