"""HTTP/1.1 requests into bytes, the status out of a reply, for a client that wants no more (RFC
9112).

One request for each connection: what the reply says behind its first line is nobody's business
here, and "Connection: close" tells the receiver so.
"""

from binascii import b2a_base64

from micropython import const

HEAD_BYTES = const(1024)  # of a reply, interim ones included, until its status is known


class BadReply(ValueError):
    """What came back is no HTTP."""


def request(host, port, target, body, login="", password=""):
    """A POST of `body` (bytes) as plain text, or a GET without one, as bytes.

    target: path and query, printable ASCII without blanks. login, password: for Basic (RFC 7617),
    sent without being asked; none with an empty login.
    """
    lines = [
        "%s %s HTTP/1.1" % ("POST" if body else "GET", target),
        "Host: " + (host if port == 80 else "%s:%d" % (host, port)),
        "User-Agent: Holdfast",
        "Connection: close",
    ]
    if login:
        credentials = ("%s:%s" % (login, password)).encode()
        lines.append("Authorization: Basic " + b2a_base64(credentials).decode().strip())
    if body:
        lines.append("Content-Type: text/plain; charset=utf-8")
        lines.append("Content-Length: %d" % len(body))
    lines.append("\r\n")
    return "\r\n".join(lines).encode() + body


def status(data):
    """The status in the first bytes of a reply, None when more are needed; BadReply."""
    while True:
        # "HTTP/1.1 200": the reason behind it may be missing.
        if not b"HTTP/1.".startswith(data[:7]):
            raise BadReply("no HTTP")
        if len(data) < 13:
            return None
        digits = data[9:12]
        if data[8:9] != b" " or not digits.isdigit() or data[12:13] not in (b" ", b"\r", b"\n"):
            raise BadReply("no status")
        number = int(digits)
        if number >= 200:
            return number
        # An interim reply, 100 Continue say: the final one follows (RFC 9110 section 15.2).
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        data = data[end + 4 :]
