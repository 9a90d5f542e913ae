"""HTTP/1.1 requests into bytes, the status out of a reply, for a client that wants no more (RFC
9112).

One request for each connection: what the reply says behind its first line is nobody's business
here, and "Connection: close" tells the receiver so.
"""

from binascii import b2a_base64

from micropython import const

HEAD_BYTES = const(1024)  # of a reply, interim ones included, until its status is known

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


class BadReply(ValueError):
    """What came back is no HTTP."""


def request(receiver, target, body, lines=(), kind=TEXT):
    """A POST of `body` (bytes), or a GET without one, as bytes.

    receiver: (secure, host, port), as settings.address makes it; target: path and query, printable
    ASCII without blanks; lines: further header lines; kind: the media type of the body.
    """
    secure, host, port = receiver
    head = [
        "%s %s HTTP/1.1" % ("POST" if body else "GET", target),
        "Host: " + (host if port == (443 if secure else 80) else "%s:%d" % (host, port)),
        "User-Agent: Holdfast",
        "Connection: close",
    ]
    head.extend(lines)
    if body:
        head.append("Content-Type: " + kind)
        head.append("Content-Length: %d" % len(body))
    head.append("\r\n")
    return "\r\n".join(head).encode() + body


def basic(login, password):
    """The header line that logs in without being asked (RFC 7617)."""
    credentials = ("%s:%s" % (login, password)).encode()
    return "Authorization: Basic " + b2a_base64(credentials).decode().strip()


def escaped(text):
    """A text as part of a query (RFC 3986 section 2.1)."""
    parts = []
    for byte in text.encode():
        if 48 <= byte <= 57 or 97 <= byte | 32 <= 122 or byte in b"-._~":
            parts.append(chr(byte))
        else:
            parts.append("%%%02X" % byte)
    return "".join(parts)


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
