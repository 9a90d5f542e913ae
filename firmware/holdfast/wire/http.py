"""HTTP/1.1 requests out of bytes, responses into bytes (RFC 9110, RFC 9112), for a small server.

Strategy: a head is looked for as a whole (`find` of the empty line, in C) and parsed once. A
client that keeps its connection sends the same head again and again, but for the Authorization
value, so the reader remembers what stood before and behind that value: when both are byte for byte
the same, the request is the same, and nothing is parsed. A body that is all there is taken in one
piece. "Made only of these characters" is asked as `not text.strip(these)`, which is C, too.

Where the RFCs leave a choice, what two servers could read in two ways is refused: a bare CR or LF,
both framings at once, fields given twice. A bad request raises HttpError with the status to
answer; the connection is not usable afterwards.
"""

from micropython import const

# The size of a connection's buffer, and so of the longest head: Digest credentials are about 350
# bytes, a browser's head 700 to 1100 with them.
HEAD_BYTES = const(2048)
TARGET_BYTES = const(1024)  # longer: 414
MAX_HEADERS = const(40)  # browsers send up to 20
_MAX_TOKENS = const(64)  # of a field that is a list
# The largest body anybody needs to send: setPorts for all ports, a configure with many filters.
BODY_BYTES = const(4096)

# Status codes and their phrases (RFC 9110 section 15, RFC 6585), in one text: a dict of them takes
# three times the heap.
_REASONS = (
    "100 Continue,101 Switching Protocols,200 OK,201 Created,202 Accepted,204 No Content,"
    "304 Not Modified,"
    "400 Bad Request,401 Unauthorized,403 Forbidden,404 Not Found,405 Method Not Allowed,"
    "408 Request Timeout,409 Conflict,412 Precondition Failed,413 Content Too Large,"
    "414 URI Too Long,415 Unsupported Media Type,417 Expectation Failed,421 Misdirected Request,"
    "422 Unprocessable Content,426 Upgrade Required,"
    "429 Too Many Requests,431 Request Header Fields Too Large,500 Internal Server Error,"
    "501 Not Implemented,503 Service Unavailable,505 HTTP Version Not Supported,"
)

# Where a longer body is cut and not refused: the output of a job that checks in.
_CUT = ("/ping/", "/v1/heartbeat/")

# In every answer: browsers take it for nothing else than it says, and show it in no frame.
_ALWAYS = "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY"

_NO_CONTENT = const(204)  # nor has it a length (RFC 9110 section 8.6)
_NOT_MODIFIED = const(304)  # its length would be that of what is not sent

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# What a method or a field name is made of (RFC 9110 section 5.6.2), the usual characters first.
_TOKEN = b"etaoinsrhldcumfpgwybvkxjqz-ETAOINSRHLDCUMFPGWYBVKXJQZ0123456789!#$%&'*+.^_`|~"
# What a host with its port is made of (RFC 3986 sections 3.2.2 and 3.2.3), and the @ of "Host:
# root:pass@192.168.0.90", which HTTP does not allow and the vendor prints (VAPIX Heartbeat service
# API, both requests). Nobody reads the value.
_HOST = "0123456789.:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-[]_~%!$&'()*+,;=@"
# Everything from space to tilde, for the values that are read.
_PRINTABLE = b"0123456789abcdefghijklmnopqrstuvwxyz-/. ,:;=?&ABCDEFGHIJKLMNOPQRSTUVWXYZ" + (
    b"!\"#$%'()*+<>@[\\]^_`{|}~"
)
_BROWSER = b"Mozilla/"  # what all of them have said for thirty years
HEX = b"0123456789abcdefABCDEF"

# The only fields anybody here reads; the others are checked and dropped.
_KEPT = (
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "expect",
    "host",
    "if-match",
    "if-none-match",
    "origin",
    "referer",
    "sec-fetch-site",
    "sec-websocket-key",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
    "x-snd-eb-heartbeat",
)
# Of these all that anybody asks is whether a browser has sent them.
_PRESENT = ("accept-language", "upgrade-insecure-requests")
# Given twice, these make a request ambiguous (RFC 9112 sections 3.2 and 6.3).
_ONCE = ("content-length", "host", "sec-websocket-key", "transfer-encoding")


class HttpError(Exception):
    """A request that cannot be served; `status` is the answer, `allow` the methods of a 405,
    `retry_s` when it may come again, None for soon.
    """

    def __init__(self, status, allow=None, retry_s=None):
        super().__init__(status)
        self.status = status
        self.allow = allow
        self.retry_s = retry_s
        self.json = None  # the body of the answer, where the API has something to say


class Request:
    """One request. `target` is as sent, `path` and `query` its parts, `headers` lower case names.

    `length`: bytes of the body, -1 for chunked. The same object serves again when the next head on
    the connection is the same; only `authorization` and `body` differ then. Nobody keeps it beyond
    the answer. `minor`: of its HTTP version.
    """

    minor = 1

    def __init__(self, method, target, keep_alive, headers, length):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        if "%" in self.path:
            from holdfast.wire.target import plain

            self.path = plain(self.path)
        self.keep_alive = keep_alive
        self.headers = headers
        self.length = length
        self.authorization = None  # bytes as sent, or None
        self.authorization_at = 0  # where it stands in the head
        self.body = b""


class RequestReader:
    """Requests out of a ReceiveBuffer, which is as large as the longest head may be.

    `pending()` says whether part of a request is there. `expects_continue` is True while a client
    waits for "100 Continue".
    """

    def __init__(self, buffer, body_limit=BODY_BYTES):
        self.buffer = buffer
        self.expects_continue = False
        self._body_limit = body_limit
        self._prefix = None  # of the last head, up to the Authorization value
        self._suffix = None  # ... and behind it
        self._request = None
        self._in_body = False
        self._lost = False  # part of a body, for want of memory
        self._parser = self._parse()

    def next(self):
        """Return the next Request, or None when it takes more bytes; then the buffer has space.

        Raises HttpError. After that all that arrives is dropped, and the result is always None.
        After a MemoryError it may be called again; one within a body comes again.
        """
        buffer = self.buffer
        if buffer.start == buffer.end and not self._in_body:
            return None  # as after every request of a client that waits for its answer
        if self._parser is None:
            self._parser = self._parse()
        try:
            return next(self._parser)
        except StopIteration:
            if self._lost:
                raise MemoryError
            buffer.start = buffer.end = 0
            return None
        except MemoryError:
            # Nothing of a request is taken out of the buffer before all of it could be. The parser
            # is made anew when it is needed: there may be no room for it now.
            if self._in_body:
                self._lost = True
            else:
                self._parser = None
            raise

    def pending(self):
        """True when a request has begun and is not complete."""
        return self._in_body or self.buffer.end > self.buffer.start

    def _parse(self):
        """The grammar as a generator: yields None for "more bytes", or a complete Request."""
        buffer = self.buffer
        data = buffer.data
        while True:
            scanned = buffer.start
            while True:
                # Empty lines before a request (RFC 9112 section 2.2).
                while data[buffer.start] == 13 and self._skip_line_end():
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
            length = request.length
            excess = max(0, length - self._body_limit)
            length -= excess
            have = buffer.end - end
            if 0 < length <= have:
                request.body = bytes(buffer.view[end : end + length])
                buffer.start = end + length
            else:
                buffer.start = end
            if length < 0 or length > have:
                self._in_body = True
                self.expects_continue = have == 0 and "expect" in request.headers
                body = bytearray()
                if length > 0:
                    yield from self.take(body, length)
                else:
                    yield from self._chunks(body, request.path.startswith(_CUT))
                request.body = bytes(body)
                body = None  # nothing is kept while nothing arrives
                self._in_body = self.expects_continue = False
            if excess:
                self._in_body = True
                yield from self.buffer.drop(excess)
                self._in_body = False
            if buffer.start == buffer.end:
                buffer.start = buffer.end = 0
            yield request

    def _skip_line_end(self):
        """Drop a CRLF at the front; False when there is none."""
        buffer = self.buffer
        if buffer.end - buffer.start < 2 or buffer.data[buffer.start + 1] != 10:
            return False
        buffer.start += 2
        if buffer.start == buffer.end:
            buffer.start = buffer.end = 0
        return True

    def _refuse_early(self, scanned):
        """Look at an unfinished head: refuse what can never become one."""
        buffer = self.buffer
        data = buffer.data
        if data.find(b"\n\n", scanned, buffer.end) >= 0:
            raise HttpError(400)
        if buffer.end - buffer.start == len(data):
            raise HttpError(431 if 0 <= data.find(b"\r\n") <= TARGET_BYTES else 414)

    def _head(self, start, end):
        """The Request whose head is data[start:end]: the last one again, or a new one."""
        buffer = self.buffer
        prefix = self._prefix
        if prefix is not None:
            data = buffer.data
            value = start + len(prefix)
            value_end = end - len(self._suffix)
            if (
                value < value_end
                and data.startswith(prefix, start)
                and data.startswith(self._suffix, value_end)
            ):
                authorization = bytes(buffer.view[value:value_end])
                # Whatever ends a line, or is not part of the value, is for the parser to see.
                if (
                    b"\n" not in authorization
                    and b"\r" not in authorization
                    and b"\0" not in authorization
                    and authorization[0] > 32
                    and authorization[-1] > 32
                ):
                    self._request.authorization = authorization
                    return self._request
        self._prefix = None
        head = bytes(buffer.view[start:end])
        self._request = request = parse_head(head)
        if request.length > self._body_limit and not request.path.startswith(_CUT):
            raise HttpError(413)
        authorization = request.authorization
        if authorization is not None:
            self._prefix = head[: request.authorization_at]
            self._suffix = head[request.authorization_at + len(authorization) :]
        return request

    def take(self, body, length):
        """Append `length` bytes to `body` as they come, so that no more is kept than was sent."""
        buffer = self.buffer
        while True:
            start = buffer.start
            count = min(buffer.end - start, length)
            body.extend(buffer.view[start : start + count])
            buffer.start = start + count
            length -= count
            if not length:
                return
            buffer.compact()
            yield None
            self.expects_continue = False

    def _chunks(self, body, cut):
        from holdfast.wire.chunked import take_chunks

        return take_chunks(self, body, self._body_limit, cut)


def parse_head(head):
    """Return the Request of a complete head (bytes, with the empty line), or raise HttpError."""
    lines = head.split(b"\r\n")
    ends = len(lines) - 1
    # What RFC 9110 section 5.5 calls dangerous. Other control characters are refused where a value
    # is read; in Authorization it is the reader's business.
    if b"\0" in head or head.count(b"\r") != ends or head.count(b"\n") != ends:
        raise HttpError(400)
    method, target, minor = _request_line(lines[0])
    if ends - 2 > MAX_HEADERS:
        raise HttpError(431)
    headers = {}
    authorization = None
    authorization_at = 0
    at = len(lines[0]) + 2
    for i in range(1, ends - 1):
        line = lines[i]
        name, value = field(line)
        if name == "authorization":
            if authorization is not None:
                raise HttpError(400)
            authorization = value
            authorization_at = at + line.find(value, len(name) + 1)
        elif name == "user-agent":
            if _BROWSER in value:  # all that anybody asks; it may be long, and hold any byte
                headers[name] = ""
        elif name in _PRESENT:
            headers["accept-language"] = ""
        elif name == "referer" and value.strip(_PRINTABLE):
            pass  # an address with other characters, which no browser sends, is nobody's
        elif name in headers:
            if name in _ONCE:
                raise HttpError(400)
            headers[name] += "," + _text(value.replace(b"\t", b" "))
        elif name in _KEPT:
            headers[name] = _text(value.replace(b"\t", b" "))
        at += len(line) + 2
    if minor == 0:
        # RFC 9112 section 6.1, RFC 9110 section 10.1.1
        if "transfer-encoding" in headers:
            raise HttpError(400)
        headers.pop("expect", None)
        headers.pop("upgrade", None)
    elif "host" not in headers or headers["host"].strip(_HOST):
        raise HttpError(400)
    if not headers.get("expect", "-"):
        del headers["expect"]  # an empty list expects nothing
    elif headers.get("expect", "100-continue").lower() != "100-continue":
        raise HttpError(417)
    keep_alive = minor > 0 and not has_token(headers.get("connection", "").lower(), "close")
    request = Request(method, target, keep_alive, headers, _body_length(headers))
    if minor == 0:
        request.minor = 0
    request.authorization = authorization or None
    request.authorization_at = authorization_at
    return request


def _request_line(line):
    """Return (method, target, minor version) (RFC 9112 section 3)."""
    parts = line.split(b" ")
    if len(parts) != 3:
        raise HttpError(400)
    method, target, version = parts
    if len(target) > TARGET_BYTES:
        raise HttpError(414)
    digits = version[5:6] + version[7:]
    if version[:5] != b"HTTP/" or version[6:7] != b"." or len(digits) != 2 or not digits.isdigit():
        raise HttpError(400)
    if version[5] != 49:
        raise HttpError(505)
    if not _token(method):
        raise HttpError(400)
    if target[:1] != b"/" or target.strip(_PRINTABLE):
        from holdfast.wire.target import origin_form

        target = origin_form(target)
    target = _text(target)
    # A later minor version is served as the last known one (RFC 9110 section 2.5).
    return method.decode(), target, 0 if version[7] == 48 else 1


def field(line):
    """The name, in lower case, and the value, in bytes, of a field line."""
    # No white space before the colon, no folded lines (RFC 9112 sections 5.1 and 5.2).
    name, colon, value = line.partition(b":")
    if not colon or not _token(name):
        raise HttpError(400)
    return name.lower().decode(), value.strip(b" \t")


def _body_length(headers):
    """Bytes of the body, -1 for chunked (RFC 9112 section 6.3)."""
    coding = headers.get("transfer-encoding")
    length = headers.get("content-length")
    if coding is not None:
        if length is not None or not coding.lower().endswith("chunked"):
            raise HttpError(400)
        if len(coding) != 7:
            raise HttpError(501)
        return -1
    if length is None:
        return 0
    if not all_digits(length):
        raise HttpError(400)
    if not all_digits(length, 9):
        raise HttpError(413)
    return int(length)


def _text(data):
    """Printable ASCII bytes as text; anything else is a bad request."""
    if data.strip(_PRINTABLE):
        raise HttpError(400)
    return data.decode()


def _token(data):
    return len(data) > 0 and not data.strip(_TOKEN)


def all_digits(text, most=4096):
    """True for decimal ASCII digits only; int() alone takes "+1", " 1" and "1_0". most: of them,
    zeros in front not counted.
    """
    return len(text) > 0 and not text.strip("0123456789") and len(text.lstrip("0")) <= most


def has_token(value, token):
    """True when a comma separated field value (lower case) has this token; HttpError for more
    commas than any client sends.
    """
    if value.count(",") > _MAX_TOKENS:
        raise HttpError(400)
    return token in [part.strip() for part in value.split(",")]


def reason(status):
    """The status code with its phrase: "404 Not Found"."""
    start = _REASONS.find("%d " % status)
    return _REASONS[start : _REASONS.find(",", start)]


class Response:
    """An answer: status, content type, body, extra head lines as texts "Name: value".

    body: bytes, or for whatever may be long a function() that gives an iterator of texts or bytes,
    which are made while it is sent: there may be no hole of its size in the heap. Empty ones pass
    the turn on; see server.body. length: of such a body, None where that is not known. chunked:
    its end is told by the chunked coding (RFC 9112 section 7.1).

    converse: the module of server/ that goes on with the connection when the head is sent, as a
    stream of `service`. endless: it has no end. spend: a function() for the moment at which it is
    certain that this answer is sent. session: of core.session, when the request fed it.
    """

    converse = None
    endless = False
    spend = None
    length = None
    chunked = False
    service = None
    session = None
    _encoded = None
    _date = b""

    def __init__(self, status, body: object = b"", content_type=None, lines=()):
        self.status = status
        self.body = body
        self.content_type = content_type
        self.lines = lines

    def encode(self, keep_alive, head_only=False, date=b""):
        """The bytes to send, of a body that is not bytes the head alone; kept, because what a
        heartbeat is told stays the same for a session. date: the field line `Date` with its end,
        always as long; empty when the time is not known.
        """
        encoded = self._encoded
        if encoded is not None and keep_alive and not head_only:
            if date is self._date:
                return encoded
            if len(date) == len(self._date):
                # In place, which takes no memory. Whoever is still sent this one gets that date.
                at = encoded.find(b"\n") + 1
                encoded[at : at + len(date)] = self._date = date
                return encoded
        body = self.body
        whole = isinstance(body, bytes)
        length = len(body) if whole else self.length
        parts = [_ALWAYS]
        if self.content_type:
            parts.append("Content-Type: " + self.content_type)
        parts.extend(self.lines)
        if self.converse is None:
            if self.chunked:
                parts.append("Transfer-Encoding: chunked")
            elif length is not None and self.status not in (_NO_CONTENT, _NOT_MODIFIED):
                parts.append("Content-Length: %d" % length)
            if not keep_alive:
                parts.append("Connection: close")
        parts.append("\r\n")
        start = "HTTP/1.1 %s\r\n" % reason(self.status)
        encoded = start.encode() + date + "\r\n".join(parts).encode()
        if head_only or not whole:
            return encoded
        encoded += body
        if keep_alive:
            self._encoded = encoded = bytearray(encoded)
            self._date = date
        return encoded
