"""HTTP/1.1 requests out of bytes, responses into bytes (RFC 9110, RFC 9112), for a small server.

Strategy: a head is looked for as a whole (`find` of the empty line, in C) and parsed once. A client that
keeps its connection sends the same head again and again, but for the Authorization value, so the
reader remembers what stood before and behind that value: when both are byte for byte the same, the
request is the same, and nothing is parsed. Bodies up to the size of the buffer are taken in one piece.

A bad request raises HttpError with the status to answer; the connection is not usable afterwards.
"""

from holdfast.wire.utf8 import utf8

# A request head: Digest credentials are about 350 bytes, a browser's head 700 to 1100 with them.
HEAD_BYTES = 2048
TARGET_BYTES = 1024  # longer: 414
MAX_HEADERS = 40  # browsers send up to 20
# The largest body anybody needs to send: setPorts for all ports, a configure with many filters.
BODY_BYTES = 4096
CHUNK_LINE_BYTES = 64  # chunk size and extensions
TRAILER_BYTES = 512

REASONS = {
    100: "Continue",
    101: "Switching Protocols",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    411: "Length Required",
    413: "Content Too Large",
    414: "URI Too Long",
    417: "Expectation Failed",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# RFC 9110 section 5.6.2: what a method or a field name is made of.
_TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# The only fields anybody here reads; the others are checked and dropped.
_KEPT = (
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "origin",
    "sec-websocket-key",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
)
# Two different values of these make a request ambiguous (RFC 9112 sections 3.2 and 6.3).
_ONCE = ("authorization", "content-length", "host", "sec-websocket-key", "transfer-encoding")


class HttpError(Exception):
    """A request that cannot be served; `status` is the answer, `allow` the methods of a 405."""

    def __init__(self, status, allow=None):
        super().__init__(status)
        self.status = status
        self.allow = allow


class Request:
    """One request. `target` is as sent, `path` and `query` its parts, `headers` lower case names.

    The same object serves again when the next head on the connection is the same; only
    `authorization` and `body` differ then. Nobody keeps it beyond the answer.
    """

    def __init__(self, method, target, keep_alive, headers):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.keep_alive = keep_alive
        self.headers = headers
        self.authorization = None  # bytes as sent, or None
        self.authorization_at = 0  # where it stands in the head
        self.body = b""


class RequestReader:
    """Requests out of a ReceiveBuffer of at least HEAD_BYTES.

    `next()` returns a Request, or None when more bytes are needed; `pending()` says whether part of
    a request is there. `expects_continue` is True while a client waits for "100 Continue".
    """

    def __init__(self, buffer, body_limit=BODY_BYTES):
        self.buffer = buffer
        self.expects_continue = False
        self._body_limit = body_limit
        self._prefix = None  # of the last head, up to the Authorization value
        self._suffix = None  # ... and behind it
        self._request = None
        self._in_body = False
        self._parser = self._parse()

    def next(self):
        return next(self._parser)

    def pending(self):
        """True when a request has begun and is not complete."""
        return self._in_body or len(self.buffer) > 0

    def _parse(self):
        """The grammar as a generator: yields None for "more bytes, please", or a complete Request."""
        buffer = self.buffer
        data = buffer.data
        while True:
            scanned = buffer.start
            while True:
                while data[buffer.start] == 13 and data[buffer.start : buffer.start + 2] == b"\r\n":
                    if len(buffer) < 2:
                        break
                    buffer.start += 2  # empty lines before a request (RFC 9112 section 2.2)
                    scanned = buffer.start
                end = data.find(b"\r\n\r\n", scanned, buffer.end)
                if end >= 0:
                    end += 4
                    break
                self._refuse_early(scanned)
                buffer.compact()
                scanned = max(0, buffer.end - 3)
                yield None
            request = self._head(buffer.start, end)
            buffer.start = end
            length = self._length(request)
            if length == 0:
                request.body = b""
            elif 0 < length <= len(buffer):
                request.body = bytes(buffer.view[end : end + length])
                buffer.start = end + length
            else:
                self._in_body = True
                self.expects_continue = "expect" in request.headers and not len(buffer)
                if length > 0:
                    request.body = yield from self._sized(length)
                else:
                    request.body = yield from self._chunked()
                self._in_body = self.expects_continue = False
            if buffer.start == buffer.end:
                buffer.start = buffer.end = 0
            yield request

    def _refuse_early(self, scanned):
        """Look at an unfinished head: refuse what can never become one."""
        buffer = self.buffer
        data = buffer.data
        if data.find(b"\n\n", scanned, buffer.end) >= 0:
            raise HttpError(400)
        if len(buffer) >= HEAD_BYTES:
            line_end = data.find(b"\r\n", buffer.start, buffer.end)
            raise HttpError(431 if 0 <= line_end - buffer.start <= TARGET_BYTES else 414)

    def _head(self, start, end):
        """The Request whose head is data[start:end]: the last one again, or a new one."""
        prefix = self._prefix
        if prefix is not None:
            view = self.buffer.view
            value = start + len(prefix)
            value_end = end - len(self._suffix)
            if (
                value < value_end
                and view[start:value] == prefix
                and view[value_end:end] == self._suffix
            ):
                authorization = bytes(view[value:value_end])
                if b"\r" not in authorization and b"\n" not in authorization:
                    self._request.authorization = authorization
                    return self._request
        self._prefix = None
        head = bytes(self.buffer.view[start:end])
        if len(head) > HEAD_BYTES:
            raise HttpError(431)
        self._request = request = parse_head(head)
        if request.authorization is not None:
            self._prefix = head[: request.authorization_at]
            self._suffix = head[request.authorization_at + len(request.authorization) :]
        return request

    def _length(self, request):
        """Bytes of the body, -1 for chunked (RFC 9112 section 6.3)."""
        headers = request.headers
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if coding is not None:
            if length is not None:
                raise HttpError(400)
            if coding.lower() != "chunked":
                raise HttpError(501)
            return -1
        if length is None:
            return 0
        if not all_digits(length):
            raise HttpError(400)
        if len(length) > 9 or int(length) > self._body_limit:
            raise HttpError(413)
        return int(length)

    def _sized(self, length):
        """Take `length` bytes as they come."""
        body = bytearray(length)
        yield from self._into(body, 0, length)
        return bytes(body)

    def _into(self, body, have, length):
        """Fill body[have:have + length]; waiting for more when the buffer is empty."""
        buffer = self.buffer
        length += have
        while True:
            count = min(len(buffer), length - have)
            body[have : have + count] = buffer.view[buffer.start : buffer.start + count]
            buffer.start += count
            have += count
            if have == length:
                return
            buffer.compact()
            yield None
            self.expects_continue = False

    def _line(self, limit):
        """Take a line of up to `limit` bytes, without its end."""
        buffer = self.buffer
        while True:
            end = buffer.data.find(b"\r\n", buffer.start, buffer.end)
            if end >= 0 and end - buffer.start <= limit:
                line = bytes(buffer.view[buffer.start : end])
                buffer.start = end + 2
                return line
            if end >= 0 or len(buffer) > limit + 1:
                raise HttpError(400)
            buffer.compact()
            yield None
            self.expects_continue = False

    def _chunked(self):
        """Take a chunked body (RFC 9112 section 7.1); trailer fields are dropped."""
        body = b""
        while True:
            line = yield from self._line(CHUNK_LINE_BYTES)
            size = _hex(line.split(b";")[0].strip())
            if len(body) + size > self._body_limit:
                raise HttpError(413)
            if size == 0:
                break
            piece = bytearray(size)
            yield from self._into(piece, 0, size)
            body += bytes(piece)
            if (yield from self._line(0)):
                raise HttpError(400)
        left = TRAILER_BYTES
        while True:
            line = yield from self._line(left)
            if not line:
                return body
            left -= len(line)


def parse_head(head):
    """Return the Request of a complete head (bytes up to and with the empty line), or raise HttpError."""
    lines = head.split(b"\r\n")
    method, target, keep_alive, version = _request_line(lines[0])
    if len(lines) - 3 > MAX_HEADERS:
        raise HttpError(431)
    headers = {}
    authorization = None
    authorization_at = at = 0
    for i in range(1, len(lines) - 2):
        at += len(lines[i - 1]) + 2
        name, colon, value = lines[i].partition(b":")
        # No white space before the colon, no folded lines (RFC 9112 sections 5.1 and 5.2).
        name = _text(name)
        if not colon or not _token(name):
            raise HttpError(400)
        name = name.lower()
        value = value.strip(b" \t")
        _printable(value)
        if name not in _KEPT:
            continue
        if name == "authorization":
            if authorization is not None:
                raise HttpError(400)
            authorization = value
            authorization_at = at + lines[i].find(value, len(name))
            continue
        value = _text(value)
        if name in headers:
            if name in _ONCE and headers[name] != value:
                raise HttpError(400)
            if name not in _ONCE:
                value = headers[name] + "," + value
        headers[name] = value
    if version == 1 and "host" not in headers:
        raise HttpError(400)
    connection = headers.get("connection", "").lower()
    if has_token(connection, "close"):
        keep_alive = False
    expect = headers.get("expect")
    if expect is not None and expect.lower() != "100-continue":
        raise HttpError(417)
    request = Request(method, target, keep_alive, headers)
    request.authorization = authorization or None
    request.authorization_at = authorization_at
    return request


def _request_line(line):
    """Return (method, target, keep-alive by default, minor version) (RFC 9112 section 3)."""
    parts = line.split(b" ")
    if len(parts) != 3:
        raise HttpError(400)
    method, target, version = parts
    if len(target) > TARGET_BYTES:
        raise HttpError(414)
    if not version.startswith(b"HTTP/") or len(version) != 8:
        raise HttpError(400)
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise HttpError(505)
    method = _text(method)
    target = _text(target)
    if not _token(method) or not target:
        raise HttpError(400)
    if not target.startswith("/"):
        # absolute-form, which every server must accept (RFC 9112 section 3.2.2)
        lower = target.lower()
        if not lower.startswith("http://") and not lower.startswith("https://"):
            raise HttpError(400)
        slash = target.find("/", 8)
        target = "/" if slash < 0 else target[slash:]
    minor = 1 if version == b"HTTP/1.1" else 0
    return method, target, minor == 1, minor


def _text(data):
    """ASCII bytes as text; anything else is a bad request."""
    for byte in data:
        if byte > 126 or byte < 32:
            raise HttpError(400)
    return data.decode()


def _printable(data):
    """Refuse control characters in a field value (RFC 9110 section 5.5)."""
    for byte in data:
        if (byte < 32 and byte != 9) or byte == 127:
            raise HttpError(400)


def _token(text):
    if not text:
        return False
    for character in text:
        if character not in _TOKEN:
            return False
    return True


def all_digits(text):
    """True for decimal ASCII digits only; int() alone takes "+1", " 1" and "1_0"."""
    if not text:
        return False
    for character in text:
        if not "0" <= character <= "9":
            return False
    return True


def _hex(data):
    """A chunk size; int() alone takes "+1", "0x1" and "1_0"."""
    if not 0 < len(data) <= 8:
        raise HttpError(400)
    for byte in data:
        if byte not in b"0123456789abcdefABCDEF":
            raise HttpError(400)
    return int(data, 16)


def has_token(value, token):
    """True when a comma separated field value (lower case) has this token."""
    for part in value.split(","):
        if part.strip() == token:
            return True
    return False


def parameters(query):
    """The parameters of a query or a form as a list of (name, value), percent-decoded; HttpError 400."""
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote(name), unquote(value)))
    return pairs


def parameter(query, name):
    """The first value of a parameter, None when it is not there."""
    for key, value in parameters(query):
        if key == name:
            return value
    return None


def unquote(text):
    """Percent-decode (RFC 3986 section 2.1), "+" as space; HttpError 400 when that is not UTF-8."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    parts = text.split("%")
    data = bytearray(parts[0].encode())
    for part in parts[1:]:
        if len(part) < 2:
            raise HttpError(400)
        data.append(_hex(part[:2].encode()))
        data.extend(part[2:].encode())
    try:
        return utf8(data)
    except ValueError:
        raise HttpError(400)


class Response:
    """An answer: status, content type, body (bytes) and extra head lines, `"Name: value"` texts."""

    def __init__(self, status, body=b"", content_type=None, lines=()):
        self.status = status
        self.body = body
        self.content_type = content_type
        self.lines = lines
        self._encoded = None

    def encode(self, keep_alive, head_only=False):
        """The bytes to send. Kept, because a heartbeat's answer stays the same for a whole session."""
        if self._encoded is not None and keep_alive and not head_only:
            return self._encoded
        parts = ["HTTP/1.1 %d %s" % (self.status, REASONS[self.status])]
        if self.content_type:
            parts.append("Content-Type: " + self.content_type)
        parts.extend(self.lines)
        if self.status != 101:
            parts.append("Content-Length: %d" % len(self.body))
            if not keep_alive:
                parts.append("Connection: close")
        parts.append("\r\n")
        encoded = "\r\n".join(parts).encode()
        if head_only:
            return encoded
        encoded += self.body
        if keep_alive:
            self._encoded = encoded
        return encoded
