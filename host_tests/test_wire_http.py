"""What a request may look like and may not (RFC 9110, RFC 9112), at every cut of the stream.

Streams go through `outcome`, which feeds them whole, cut at every byte and byte by byte, and wants
the same requests, the same status, the same thing left over.
"""

from claims import raises
from holdfast.wire.buffer import ReceiveBuffer
from holdfast.wire.chunked import CHUNK_LINE_BYTES, TRAILER_BYTES
from holdfast.wire.http import (
    BODY_BYTES,
    HEAD_BYTES,
    MAX_HEADERS,
    TARGET_BYTES,
    HttpError,
    RequestReader,
    Response,
    all_digits,
    has_token,
    parse_head,
)

PENDING = "pending"  # at the end of an outcome: part of a request is there
HOST = b"Host: a\r\n"
END = b"\r\n"


def seen(request):
    """All that a Request says."""
    return (
        request.method,
        request.target,
        request.path,
        request.query,
        request.keep_alive,
        sorted(request.headers.items()),
        request.authorization,
        request.body,
    )


def drain(reader, got):
    """Collect what the reader has; False after an error. It must stop, whatever it reads."""
    for _ in range(3000):
        try:
            request = reader.next()
        except HttpError as error:
            got.append(error.status)
            return False
        if request is None:
            assert len(reader.buffer.space()) > 0
            return True
        got.append(seen(request))
    raise AssertionError("no end")


def fed(chunks, limit=BODY_BYTES, size=HEAD_BYTES):
    """The requests in these chunks, then the status of an error or PENDING."""
    reader = RequestReader(ReceiveBuffer(size), limit)
    buffer = reader.buffer
    got = []
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            count = min(len(chunk) - at, len(buffer.space()))
            buffer.feed(chunk[at : at + count])
            at += count
            if not drain(reader, got):
                return got
    if reader.pending():
        got.append(PENDING)
    return got


def outcome(stream, limit=BODY_BYTES, size=HEAD_BYTES):
    """What `fed` gives for the stream, however it is cut."""
    whole = fed([stream], limit, size)
    for cut in range(1, len(stream)):
        assert fed([stream[:cut], stream[cut:]], limit, size) == whole, (cut, stream)
    bytewise = [stream[at : at + 1] for at in range(len(stream))]
    assert fed(bytewise, limit, size) == whole, stream
    return whole


def only(stream, limit=BODY_BYTES):
    """The one request that a stream is, as a Request."""
    got = outcome(stream, limit)
    assert len(got) == 1 and isinstance(got[0], tuple), (got, stream)
    reader = RequestReader(ReceiveBuffer(max(len(stream), HEAD_BYTES)), limit)
    reader.buffer.feed(stream)
    return reader.next()


def status(stream, limit=BODY_BYTES):
    """The status with which a stream is refused, before any request came out."""
    got = outcome(stream, limit)
    assert len(got) == 1 and isinstance(got[0], int), (got, stream)
    return got[0]


def get(line=b"GET / HTTP/1.1", fields=HOST):
    return line + END + fields + END


def post(fields, body=b""):
    return get(b"POST /p HTTP/1.1", HOST + fields) + body


def chunked(body, fields=b""):
    return post(b"Transfer-Encoding: chunked\r\n" + fields, body)


# -- request line ---------------------------------------------------------------------------------


def test_a_request_has_method_target_path_query_and_fields():
    request = only(
        b"POST /vapix/axhbt?a=1&b=%20?x HTTP/1.1\r\nHost: [::1]:80\r\n"
        b"content-TYPE:  application/json \t\r\nContent-Length:2\r\n\r\n{}"
    )
    assert request.method == "POST"
    assert request.target == "/vapix/axhbt?a=1&b=%20?x"
    assert request.path == "/vapix/axhbt"
    assert request.query == "a=1&b=%20?x"
    assert request.headers == {
        "host": "[::1]:80",
        "content-type": "application/json",
        "content-length": "2",
    }
    assert request.keep_alive is True
    assert request.authorization is None
    assert request.body == b"{}"


def test_a_method_is_any_token_as_it_is_written():
    for method in (b"GET", b"get", b"M-SEARCH", b"X!#$%&'*+-.^_`|~9", b"-", b"123"):
        assert only(get(method + b" / HTTP/1.1")).method == method.decode()


def test_a_method_that_is_no_token_is_refused():
    for method in (
        b"",
        b"G(T",
        b"G:",
        b'"G"',
        b"G\x01",
        b"G\x7f",
        b"G\xc3\xa9",
        b"G\t",
        b"G/",
        b"\tG",
    ):
        assert status(get(method + b" / HTTP/1.1")) == 400


def test_a_request_line_is_three_parts_with_one_space_between():
    for line in (
        b"GET",
        b"GET /",
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET / / HTTP/1.1",
        b"GET\t/\tHTTP/1.1",
        b"GET /\x0bHTTP/1.1",
    ):
        assert status(get(line)) == 400


def test_a_version_is_http_and_two_digits():
    for version in (
        b"http/1.1",
        b"HTTP/1",
        b"HTTP/1.",
        b"HTTP/11",
        b"HTTP/1.10",
        b"HTTP/01.1",
        b"HTTP/1.x",
        b"HTTP/x.1",
        b"HTTP/1,1",
        b"HTTP 1.1",
        b"HTTPS/1.1",
        b"HTTP/\xb2.1",
        b"HTTP/+1.1",
    ):
        assert status(get(b"GET / " + version)) == 400


def test_another_major_version_is_505():
    for version in (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3.1"):
        assert status(get(b"GET / " + version)) == 505
    assert outcome(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")[0] == 505


def test_a_later_minor_version_is_served_as_1_1():
    assert only(get(b"GET / HTTP/1.9")).keep_alive is True
    assert status(get(b"GET / HTTP/1.9", b"")) == 400


def test_http_1_0_needs_no_host_and_does_not_keep_the_connection():
    request = only(b"GET /x HTTP/1.0\r\n\r\n")
    assert request.keep_alive is False
    assert request.headers == {}
    assert only(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive is False


def test_a_target_in_absolute_form_is_cut_to_its_path_and_query():
    for target, expected in (
        (b"http://h/p?q", "/p?q"),
        (b"HTTPS://user@h:80/p/http://x", "/p/http://x"),
        (b"http://h", "/"),
        (b"http://h/", "/"),
        (b"http://h?q=/a", "/?q=/a"),
        (b"http://h/a?b=c://d/e?f", "/a?b=c://d/e?f"),
        (b"http://h//p", "//p"),
        (b"http://h?", "/?"),
    ):
        assert only(get(b"GET " + target + b" HTTP/1.1")).target == expected


def test_other_forms_of_a_target_are_refused():
    for target in (
        b"*",
        b"p",
        b"host:80",
        b"ftp://h/",
        b"http:/h/",
        b"http://",
        b"http:///p",
        b"http://?q",
        b"://h/",
        b"?q",
    ):
        assert status(get(b"GET " + target + b" HTTP/1.1")) == 400


def test_a_target_is_printable_ascii():
    for byte in (
        b"\x00",
        b"\x01",
        b"\t",
        b"\x0b",
        b"\x7f",
        b"\x80",
        b"\xc3\xa9",
        b"\xff",
        b"\r",
        b"\n",
    ):
        assert status(get(b"GET /" + byte + b"a HTTP/1.1")) == 400


def test_a_query_may_be_utf8_as_it_was_typed():
    request = only(get("GET /a?m=café&\xff HTTP/1.1".encode()))
    assert (request.path, request.query) == ("/a", "m=caf%C3%A9&%C3%BF")
    assert only(get(b"GET /a?m=caf\xe9 HTTP/1.1")).query == "m=caf%E9"
    for byte in (b"\x00", b"\x01", b"\t", b"\x7f", b"\r", b"\n", b" "):
        assert status(get(b"GET /a?\xe9" + byte + b"a HTTP/1.1")) == 400


def test_a_target_longer_than_the_limit_is_414():
    fits = b"/" + b"a" * (TARGET_BYTES - 1)
    assert len(fed([get(b"GET " + fits + b" HTTP/1.1")])[0][1]) == TARGET_BYTES
    assert status(get(b"GET " + fits + b"a HTTP/1.1")) == 414
    assert status(b"GET /" + b"a" * HEAD_BYTES) == 414


# -- head -----------------------------------------------------------------------------------------


def test_empty_lines_before_a_request_are_skipped():
    for count in (1, 2, 3, 7):
        assert only(END * count + get()).path == "/"
    assert outcome(END * 3) == []
    assert outcome(END + b"\r") == [PENDING]
    request = fed([get()])[0]
    assert outcome(END + get() + END * 2 + get() + END) == [request, request]


def test_a_buffer_full_of_empty_lines_is_no_trouble():
    request = fed([get()])[0]
    assert fed([END * HEAD_BYTES]) == []
    assert fed([END * HEAD_BYTES, get()]) == [request]
    assert fed([END * (HEAD_BYTES // 2), get()]) == [request]
    assert fed([b"\r" + (b"\n\r" * HEAD_BYTES), b"\n" + get()]) == [request]


def test_bare_line_feeds_and_carriage_returns_are_refused():
    for stream in (
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\n\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\r\nHost: a\r\n\n\r\n\r\n",
        b"GET / HTTP/9.9\r\nX: a\r\nHost: a\r\n\n\n\n\r\n\r\n",
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\n\n",
    ):
        assert status(stream) == 400, stream


def test_a_field_name_is_a_token():
    for name in (
        b"",
        b" ",
        b"X ",
        b"X\t",
        b" X",
        b"X Y",
        b"(X)",
        b"X\x00",
        b"X\xc3\xa9",
        b"X/",
        b'"X"',
    ):
        assert status(get(fields=HOST + name + b": 1\r\n")) == 400
        assert status(get(fields=name + b": 1\r\n" + HOST)) == 400
    for name in (b"x", b"X-1", b"X_y", b"!#$%&'*+-.^_`|~09azAZ"):
        assert only(get(fields=HOST + name + b": 1\r\n")).headers == {"host": "a"}


def test_a_field_has_a_colon_and_is_not_folded():
    assert status(get(fields=HOST + b"X\r\n")) == 400
    assert status(get(fields=b"X: 1\r\n 2\r\n" + HOST)) == 400
    assert status(get(fields=b"X: 1\r\n\t2: 3\r\n" + HOST)) == 400
    assert status(get(fields=b" X: 1\r\n" + HOST)) == 400


def test_space_round_a_value_is_not_part_of_it():
    for value in (b"text/xml", b" text/xml", b"\t text/xml \t"):
        assert only(post(b"Content-Type:" + value + END)).headers["content-type"] == "text/xml"
    assert only(post(b"Content-Type:\r\n")).headers["content-type"] == ""
    assert only(post(b"Content-Type: \t\r\n")).headers["content-type"] == ""


def test_a_tab_inside_a_value_is_a_space():
    assert only(post(b"Connection: a,\tclose\r\n")).keep_alive is False


def test_nul_cr_and_lf_are_refused_everywhere_in_a_head():
    for bad in (b"\0", b"\r", b"\n"):
        for name in (b"X", b"Authorization", b"Content-Type", b"Host"):
            for value in (bad, b"a" + bad + b"b", b"a " + bad, bad + b"b"):
                fields = name + b": " + value + END
                assert status(get(fields=HOST + fields)) == 400
                assert status(get(fields=fields + HOST)) == 400
        assert status(get(fields=HOST + bad + b": x\r\n")) == 400
        assert status(get(b"GET /" + bad + b" HTTP/1.1")) == 400


def test_other_control_characters_and_non_ascii_are_refused_where_the_value_is_read():
    for byte in (b"\x01", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\x80", b"\xc3\xa9"):
        for name in (b"Content-Type", b"Host", b"Connection", b"Transfer-Encoding", b"Expect"):
            assert status(get(fields=HOST + name + b": a" + byte + b"b\r\n")) == 400
        # Nobody reads this one, and the reader of that one looks at every byte.
        assert only(get(fields=HOST + b"User-Agent: a" + byte + b"b\r\n"))
        request = only(get(fields=HOST + b"Authorization: a" + byte + b"b\r\n"))
        assert request.authorization == b"a" + byte + b"b"


def test_every_printable_character_may_stand_in_a_target_and_in_a_value():
    for code in range(33, 127):
        text = "/a" + chr(code) + "b"
        request = only(get(b"GET " + text.encode() + b" HTTP/1.1"))
        assert request.target == text
        request = only(post(b"Content-Type: " + text.encode() + END))
        assert request.headers["content-type"] == text


def test_host_must_be_there_once_and_be_a_host():
    assert status(b"GET / HTTP/1.1\r\n\r\n") == 400
    assert status(get(fields=b"Hos: a\r\n")) == 400
    assert status(get(fields=HOST + b"host: b\r\n")) == 400
    assert status(get(fields=HOST + HOST)) == 400
    assert status(b"GET / HTTP/1.0\r\n" + HOST + HOST + END) == 400
    for value in (b"a b", b"a/b", b"a?b", b"a#b", b'"a"', b"a\\b", b"<a>", b"a\tb"):
        assert status(get(fields=b"Host: " + value + END)) == 400
    for value in (
        b"",
        b"a",
        b"192.168.0.90:8080",
        b"[fe80::1%25en0]:80",
        b"A-b_c~.local",
        b"!$&'()*+,;=",
        b"root:pass@192.168.0.90",  # as the vendor prints it
    ):
        assert only(get(fields=b"Host: " + value + END)).headers["host"] == value.decode()


def test_authorization_twice_is_refused():
    line = b"Authorization: Digest a\r\n"
    for fields in (line + line, line + b"AUTHORIZATION: b\r\n", b"Authorization:\r\n" + line):
        assert status(get(fields=HOST + fields)) == 400
    assert only(get(fields=HOST + b"Authorization: \r\n")).authorization is None


def test_other_fields_that_are_there_twice_are_one_list():
    request = only(post(b"Connection: a\r\nX: y\r\nconnection: b , c\r\nConnection:\r\n"))
    assert request.headers["connection"] == "a,b , c,"
    assert request.keep_alive is True
    assert only(post(b"Connection: a\r\nConnection: close\r\n")).keep_alive is False
    assert status(get(fields=HOST + b"Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: a\r\n")) == 400


def test_too_many_fields_are_431():
    assert only(get(fields=HOST + b"X: y\r\n" * (MAX_HEADERS - 1)))
    assert status(get(fields=HOST + b"X: y\r\n" * MAX_HEADERS)) == 431


def test_a_head_that_does_not_fit_is_431():
    def sized(length):
        fields = HOST + b"X: \r\n"
        return get(fields=HOST + b"X: " + b"y" * (length - len(get(fields=fields))) + END)

    assert len(sized(HEAD_BYTES)) == HEAD_BYTES
    assert len(outcome(sized(HEAD_BYTES))) == 1
    assert outcome(sized(HEAD_BYTES + 1)) == [431]
    request = fed([get()])[0]
    assert fed([get() + END + sized(HEAD_BYTES + 1)]) == [request, 431]
    assert fed([get() + END + sized(HEAD_BYTES)])[0] == request
    assert fed([sized(5 * HEAD_BYTES)]) == [431]


def test_close_in_connection_ends_it_whatever_stands_beside():
    for value in (b"close", b"Close", b"CLOSE", b"keep-alive, close", b"close,x", b" , close ,"):
        assert only(post(b"Connection: " + value + END)).keep_alive is False
    for value in (b"keep-alive", b"", b"closed", b"enclose", b"clo se", b'"close"', b"upgrade"):
        assert only(post(b"Connection: " + value + END)).keep_alive is True


def test_has_token_looks_at_whole_parts():
    assert has_token("a, b ,c", "b")
    assert has_token("b", "b")
    assert not has_token("", "b")
    assert not has_token("ab,b c", "b")
    assert has_token("," * 64 + "b", "b")
    assert raises(HttpError, has_token, "," * 65, "b").status == 400


# -- framing --------------------------------------------------------------------------------------


def test_content_length_is_decimal_digits():
    assert only(post(b"Content-Length: 0\r\n")).body == b""
    assert only(post(b"Content-Length: 5\r\n", b"hello")).body == b"hello"
    assert only(post(b"Content-Length: \t5 \r\n", b"hello")).body == b"hello"
    assert only(post(b"Content-Length: 005\r\n", b"hello")).body == b"hello"
    zeros = b"0" * 30
    assert only(post(b"Content-Length: " + zeros + b"5\r\n", b"hello")).body == b"hello"
    for value in (
        b"",
        b"+5",
        b"-1",
        b"-0",
        b"5 5",
        b"5,5",
        b"1_0",
        b"0x5",
        b"5.0",
        b"5e0",
        b"five",
        b"5;",
        "٣".encode(),
        b"\xb2",
        b"5\x00",
        b"5\x0b",
    ):
        assert status(post(b"Content-Length: " + value + END, b"hello")) == 400


def test_content_length_twice_is_refused_even_when_equal():
    assert status(post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")) == 400
    assert status(post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello")) == 400
    assert status(post(b"Content-Length:\r\ncontent-length: 5\r\n", b"hello")) == 400


def test_a_body_over_the_limit_is_413_before_it_comes():
    assert only(post(b"Content-Length: 9\r\n", b"123456789"), 9).body == b"123456789"
    for value in (b"10", b"4097", b"999999999", b"1000000000", b"9" * 30, b"9" * 900):
        assert status(post(b"Content-Length: " + value + END), 9) == 413
    assert status(post(b"Content-Length: %d\r\n" % (BODY_BYTES + 1))) == 413


def test_a_hostile_length_allocates_nothing():
    reader = RequestReader(ReceiveBuffer(HEAD_BYTES))
    reader.buffer.feed(post(b"Content-Length: %d\r\n" % BODY_BYTES))
    assert reader.next() is None
    try:
        import gc

        free = gc.mem_free
    except (ImportError, AttributeError):
        return  # CPython cannot tell
    gc.collect()
    before = free()
    others = []
    for _ in range(8):
        other = RequestReader(ReceiveBuffer(HEAD_BYTES))
        other.buffer.feed(post(b"Content-Length: %d\r\n" % BODY_BYTES))
        assert other.next() is None
        others.append(other)
    gc.collect()
    assert before - free() < 8 * (HEAD_BYTES + 1500)


def test_a_body_larger_than_the_buffer_comes_in_pieces():
    body = bytes([at % 251 for at in range(BODY_BYTES)])
    stream = post(b"Content-Length: %d\r\n" % BODY_BYTES, body) + get()
    whole = fed([stream])
    assert whole[0][7] == body and len(whole) == 2
    for cut in range(0, len(stream), 13):
        assert fed([stream[:cut], stream[cut:]]) == whole
    assert fed([stream[at : at + 1] for at in range(len(stream))]) == whole
    assert fed([stream[at : at + 1000] for at in range(0, len(stream), 1000)]) == whole
    assert fed([stream], BODY_BYTES, 64) == whole


def test_an_incomplete_request_is_pending():
    assert outcome(b"") == []
    assert outcome(b"G") == [PENDING]
    assert outcome(get()[:-1]) == [PENDING]
    assert outcome(post(b"Content-Length: 5\r\n", b"hell")) == [PENDING]
    assert outcome(post(b"Content-Length: 5\r\n")) == [PENDING]
    for cut in range(1, len(chunked(b"5\r\nhello\r\n0\r\n\r\n"))):
        assert fed([chunked(b"5\r\nhello\r\n0\r\n\r\n")[:cut]]) == [PENDING]


def test_without_length_there_is_no_body():
    request = fed([get()])[0]
    assert outcome(get(b"POST / HTTP/1.1") + get())[1] == request
    assert outcome(get() + b"{}") == [request, PENDING]


def test_chunks_are_put_together():
    for body, expected in (
        (b"0\r\n\r\n", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"1\r\nh\r\n4\r\nello\r\n000\r\n\r\n", b"hello"),
        (b"0000000A\r\n\r\n\r\n0\r\n\r\n\r\r\n0\r\n\r\n", b"\r\n\r\n0\r\n\r\n\r"),
        (b"a;x=y\r\n0123456789\r\n0;last\r\n\r\n", b"0123456789"),
        (b'5 ; a="b c"\r\nhello\r\n0\r\n\r\n', b"hello"),
        (b"5\t\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5\r\nhello\r\n0\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n", b"hello"),
    ):
        request = only(chunked(body))
        assert request.body == expected
        assert request.headers["transfer-encoding"] == "chunked"
    assert only(post(b"transfer-encoding:CHUNKED \r\n", b"0\r\n\r\n")).body == b""


def test_chunks_of_a_check_in_are_cut_and_not_refused():
    body = b"6\r\nhello \r\n9\r\nthis is t\r\n4\r\noo l\r\n3\r\nong\r\n0\r\n\r\n"
    for path in (b"/ping/x", b"/v1/heartbeat/x"):
        stream = chunked(body).replace(b"POST /p ", b"POST " + path + b" ") + get()
        assert path in stream
        got = fed([stream[i : i + 1] for i in range(len(stream))], 10)
        assert len(got) == 2 and got[0][-1] == b"hello this", got
    assert status(chunked(body), 10) == 413


def test_a_bad_chunk_is_400():
    for body in (
        b"\r\n",
        b";x\r\n",
        b"-1\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5_0\r\nhello\r\n",
        b"5 5\r\nhello\r\n",
        b"5,\r\nhello\r\n",
        b"g\r\n",
        b"000000000\r\nhello\r\n0\r\n\r\n",
        b"100000005\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\r\nhello\r\n0\r\n\r\n",
        b"5;\nhello\r\n0\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b"5;a\0\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"4\r\nhello\r\n0\r\n\r\n",
        b"6\r\nhello\r\n0\r\n\r\n",
        b"0\r\nGET / HTTP/1.1\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n: x\r\n\r\n",
        b"0\r\nX : y\r\n\r\n",
        b"0\r\nX: y\n\r\n\r\n",
        "٣\r\nabc\r\n0\r\n\r\n".encode(),
    ):
        assert status(chunked(body)) == 400, body


def test_a_chunk_line_and_trailers_have_limits():
    def line(length):
        return b"1;" + b"x" * (length - 2) + b"\r\na\r\n0\r\n\r\n"

    assert only(chunked(line(CHUNK_LINE_BYTES))).body == b"a"
    assert status(chunked(line(CHUNK_LINE_BYTES + 1))) == 400
    assert status(chunked(b"1;" + b"x" * 5000)) == 400

    def trailers(length):
        return b"0\r\nX:" + b"y" * (length - 9) + b"\r\nZ: long\r\n\r\n"

    assert only(chunked(trailers(TRAILER_BYTES))).body == b""
    assert status(chunked(trailers(TRAILER_BYTES + 1))) == 400
    assert status(chunked(b"0\r\n" + b"X: y\r\n" * 200)) == 400
    assert fed([chunked(b"0\r\nX:" + b"y" * 9000)]) == [400]


def test_a_chunked_body_over_the_limit_is_413_before_it_comes():
    assert only(chunked(b"5\r\nhello\r\n4\r\n1234\r\n0\r\n\r\n"), 9).body == b"hello1234"
    assert status(chunked(b"a\r\n"), 9) == 413
    assert status(chunked(b"ffffffff\r\n")) == 413
    assert status(chunked(b"7fffffff\r\n")) == 413
    assert status(chunked(b"%x\r\n" % (BODY_BYTES + 1))) == 413
    got = outcome(chunked(b"5\r\nhello\r\n5\r\n"), 9)
    assert got == [413]


def test_a_chunked_body_larger_than_the_buffer_comes_in_pieces():
    body = bytes([at % 251 for at in range(BODY_BYTES)])
    stream = b"".join(
        [b"%x\r\n" % 1024 + body[at : at + 1024] + END for at in range(0, 4096, 1024)]
    )
    stream = chunked(stream + b"0\r\n\r\n") + get()
    whole = fed([stream])
    assert whole[0][7] == body and len(whole) == 2
    for cut in range(0, len(stream), 17):
        assert fed([stream[:cut], stream[cut:]]) == whole
    assert fed([stream[at : at + 1] for at in range(len(stream))]) == whole
    assert fed([stream], BODY_BYTES, 96) == whole


def test_a_body_of_many_tiny_chunks_is_still_bounded():
    tiny = b"1\r\na\r\n" * BODY_BYTES
    assert fed([chunked(tiny + b"0\r\n\r\n")])[0][7] == b"a" * BODY_BYTES
    assert fed([chunked(tiny + b"1\r\na\r\n")]) == [413]


def test_zeros_in_front_of_a_chunk_size_mean_nothing():
    body = b"0000000005\r\nhello\r\n" + b"0" * 30 + b"\r\n\r\n"
    assert fed([chunked(body)])[0][7] == b"hello"


def test_both_framings_at_once_are_refused():
    for fields in (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length:\r\n",
        b"Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding:\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
    ):
        assert status(post(fields, b"0\r\n\r\n")) == 400


def test_other_codings_are_501_with_chunked_last_and_400_without():
    for value in (b"gzip, chunked", b"gzip,chunked", b"chunked, chunked", b"identity, chunked"):
        assert status(post(b"Transfer-Encoding: " + value + END)) == 501
    for value in (
        b"",
        b"gzip",
        b"identity",
        b"chunked, gzip",
        b"chunked;q=1",
        b"chunke",
        b'"chunked"',
    ):
        assert status(post(b"Transfer-Encoding: " + value + END)) == 400
    line = b"Transfer-Encoding: chunked\r\n"
    assert status(post(line + line)) == 400
    assert status(post(line + b"Transfer-Encoding: identity\r\n")) == 400
    assert status(post(b"Transfer-Encoding: \x0bchunked\r\n")) == 400
    assert status(post(b"Transfer-Encoding : chunked\r\n")) == 400


def test_http_1_0_has_no_transfer_encoding():
    assert status(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400
    assert only(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}").body == b"{}"


def test_requests_in_a_row_come_out_one_by_one():
    stream = (
        post(b"Content-Length: 5\r\n", b"GET /")
        + chunked(b"3\r\n\r\n\r\r\n0\r\n\r\n")
        + END
        + get(b"GET /1 HTTP/1.1")
        + post(b"Content-Length: 0\r\n")
        + get(b"GET /2 HTTP/1.1")
    )
    got = outcome(stream)
    assert [request[1] for request in got] == ["/p", "/p", "/1", "/p", "/2"]
    assert [request[7] for request in got] == [b"GET /", b"\r\n\r", b"", b"", b""]


def test_what_follows_an_error_is_not_read():
    request = fed([get()])[0]
    assert outcome(get() + get(b"GET * HTTP/1.1") + get()) == [request, 400]
    reader = RequestReader(ReceiveBuffer(HEAD_BYTES))
    reader.buffer.feed(b"\n\n")
    assert raises(HttpError, reader.next).status == 400
    for _ in range(3):
        reader.buffer.feed(get() * 20)
        assert reader.next() is None
        assert len(reader.buffer.space()) == HEAD_BYTES


def test_an_error_inside_a_body_ends_it_too():
    reader = RequestReader(ReceiveBuffer(HEAD_BYTES))
    reader.buffer.feed(chunked(b"1\r\n"))
    assert reader.next() is None
    reader.buffer.feed(b"aXX")
    assert raises(HttpError, reader.next).status == 400
    reader.buffer.feed(get())
    assert reader.next() is None
    assert reader.next() is None


def test_next_without_news_is_none_again():
    reader = RequestReader(ReceiveBuffer(HEAD_BYTES))
    for part in (b"", b"PO", post(b"Content-Length: 2\r\n", b"a")[2:]):
        reader.buffer.feed(part)
        for _ in range(3):
            assert reader.next() is None
    reader.buffer.feed(b"b")
    assert reader.next().body == b"ab"
    assert reader.next() is None
    assert not reader.pending()


def test_two_connections_may_take_turns_with_one_block():
    streams = (
        post(b"Authorization: x\r\nContent-Length: 5\r\n", b"hello") * 3,
        END + chunked(b"5\r\nhe\r\no\r\n0\r\nX: y\r\n\r\n", b"Authorization: y\r\n") * 3,
    )
    for step in (1, 2, 3, 7, 50, 120):
        buffer = ReceiveBuffer(HEAD_BYTES)
        readers = [RequestReader(buffer), RequestReader(buffer)]
        rests = [b"", b""]
        got = ([], [])
        for at in range(0, max(len(stream) for stream in streams), step):
            for i in range(2):
                buffer.load(rests[i])
                buffer.feed(streams[i][at : at + step])
                assert drain(readers[i], got[i])
                rests[i] = buffer.unload()
        assert [list(part) for part in got] == [fed([stream]) for stream in streams]


# -- expect ---------------------------------------------------------------------------------------


def waiting(head, *more):
    """Whether the client waits for "100 Continue", after the head and after each piece more."""
    reader = RequestReader(ReceiveBuffer(HEAD_BYTES))
    answers = []
    for piece in (head,) + more:
        reader.buffer.feed(piece)
        reader.next()
        answers.append(reader.expects_continue)
    return answers


def test_a_client_waits_until_its_body_begins():
    head = post(b"Expect: 100-Continue\r\nContent-Length: 5\r\n")
    assert only(head + b"hello").body == b"hello"
    assert waiting(head[:-1], head[-1:], b"h", b"ello") == [False, True, False, False]
    assert waiting(head + b"h", b"ello") == [False, False]
    assert waiting(head + b"hello") == [False]
    assert waiting(post(b"Content-Length: 5\r\n"), b"hello") == [False, False]
    assert waiting(post(b"Expect: 100-continue\r\nContent-Length: 0\r\n")) == [False]
    head = chunked(b"", b"Expect: 100-continue\r\n")
    assert waiting(head, b"1\r", b"\na\r\n", b"0\r\n\r\n") == [True, False, False, False]


def test_a_server_that_answered_is_not_asked_again():
    reader = RequestReader(ReceiveBuffer(HEAD_BYTES))
    reader.buffer.feed(post(b"Expect: 100-continue\r\nContent-Length: 5\r\n"))
    assert reader.next() is None
    assert reader.expects_continue
    reader.expects_continue = False
    assert reader.next() is None
    assert not reader.expects_continue


def test_another_expectation_is_417():
    for value in (b"100", b"100-continue, x", b"something"):
        assert status(post(b"Expect: " + value + END)) == 417
    assert status(post(b"Expect: 100-continue\r\nExpect: 100-continue\r\n")) == 417


def test_an_empty_expectation_is_none():
    request = only(post(b"Expect: " + END))
    assert "expect" not in request.headers


def test_http_1_0_expects_nothing():
    stream = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    assert only(stream + b"{}").body == b"{}"
    assert waiting(stream) == [False]
    assert only(b"GET / HTTP/1.0\r\nExpect: x\r\n\r\n")


def test_a_body_too_large_is_refused_rather_than_asked_for():
    assert status(post(b"Expect: 100-continue\r\nContent-Length: 99999\r\n")) == 413


# -- the memory of the last head ------------------------------------------------------------------

BEAT = (
    b"POST /a?b HTTP/1.1\r\nHost: h:80\r\nAuthorization: Digest x=1\r\n"
    b"Connection: keep-alive\r\nContent-Length: 2\r\n\r\n"
)


def check_pair(first, second):
    """A reader that has seen `first` takes `second` for what a fresh reader takes it for."""
    fresh = fed([second])
    once = fed([first])
    assert len(once) == 1 and isinstance(once[0], tuple)
    assert fed([first + second]) == once + fresh, (first, second)
    assert fed([first, second]) == once + fresh, (first, second)
    # What came out first is not spoiled, nor what comes third.
    if fresh and isinstance(fresh[-1], tuple):
        assert fed([first, second, first]) == once + fresh + once, (first, second)


def with_value(value, before=b"", after=b""):
    return get(fields=HOST + before + b"Authorization: " + value + END + after)


def test_the_same_head_again_is_the_same_request_object():
    reader = RequestReader(ReceiveBuffer(HEAD_BYTES))
    reader.buffer.feed(BEAT + b"{}")
    first = reader.next()
    assert (first.authorization, first.body) == (b"Digest x=1", b"{}")
    reader.buffer.feed(BEAT.replace(b"x=1", b"longer=22") + b"[]")
    second = reader.next()
    assert second is first
    assert (second.authorization, second.body) == (b"Digest longer=22", b"[]")
    reader.buffer.feed(BEAT.replace(b"/a", b"/c") + b"[]")
    third = reader.next()
    assert third is not first
    assert third.path == "/c"


def test_the_body_of_the_last_request_does_not_come_back():
    stream = BEAT + b"{}" + BEAT + b"[" + b"]" + BEAT.replace(b": 2", b": 0") + BEAT + b"()"
    assert [request[7] for request in outcome(stream)] == [b"{}", b"[]", b"", b"()"]


def test_a_head_that_differs_in_any_byte_is_read_as_by_a_fresh_reader():
    first = BEAT + b"{}"
    for at in range(len(BEAT)):
        for other in (
            b"",
            b"x",
            b"1",
            b" ",
            b"\t",
            b"\r",
            b"\n",
            b"\0",
            b":",
            b"\r\n",
            b"\x7f",
            b"\x80",
        ):
            check_pair(first, BEAT[:at] + other + BEAT[at + 1 :] + b"{}")
        check_pair(first, BEAT[:at] + b"x" + BEAT[at:] + b"{}")


def test_a_value_that_grows_shrinks_or_goes_is_read_as_by_a_fresh_reader():
    values = [b"Digest abc"[:length] for length in range(11)] + [
        b"x" * 900,
        b" x",
        b"x ",
        b"\tx\t",
        b" ",
        b"\t",
        b"  x y  ",
        b"\x01",
        b"x\x7f",
        b":",
        b"::",
        b": a",
        b"a: b",
        b"Authorization: x",
        b"\xff\xfe",
    ]
    for first in values:
        for second in values:
            check_pair(with_value(first), with_value(second))
            check_pair(
                with_value(first, b"X: y\r\n", b"Y: z\r\n"), with_value(second, b"X: y\r\n")
            )
        check_pair(with_value(first), get())
        check_pair(get(), with_value(first))


def test_a_value_that_looks_like_other_fields_is_only_a_value():
    first = with_value(b"Digest x", after=b"Content-Length: 0\r\n")
    for value in (
        b"Host: b",
        b"Digest x Content-Length: 7",
        b"Digest x, Transfer-Encoding: chunked",
        b"/",
        b"GET / HTTP/1.1",
    ):
        check_pair(first, with_value(value, after=b"Content-Length: 0\r\n"))
        check_pair(with_value(value), with_value(b"Digest x"))
        check_pair(with_value(value), with_value(value))


def test_a_value_that_also_stands_elsewhere_in_the_head_is_found_where_it_is():
    for value in (
        b"/",
        b"a",
        b"HTTP/1.1",
        b"GET",
        b"Host: a",
        b"Authorization",
        b"A",
        b"n",
        b":",
        b" :",
    ):
        line = b"GET /" + value.replace(b" ", b"") + b" HTTP/1.1"
        for other in (b"/", b"zz", value + value, b"Digest"):
            first = get(line, HOST + b"X: " + value + b"\r\nAuthorization:" + value + END)
            second = get(line, HOST + b"X: " + value + b"\r\nAuthorization:" + other + END)
            check_pair(first, second)
            check_pair(first, second.replace(b"Authorization:", b"Authorizationx:"))
            check_pair(first, second.replace(b"X: " + value, b"X: " + other))


def test_nothing_is_smuggled_through_the_value():
    first = with_value(b"Digest x", after=b"Content-Length: 0\r\n")
    for value in (
        b"x\r\nContent-Length: 5",
        b"x\r\nTransfer-Encoding: chunked",
        b"x\nContent-Length: 5",
        b"x\rContent-Length: 5",
        b"x\r\n\r\nGET /evil HTTP/1.1\r\nHost: a",
        b"x\r\n Content-Length: 5",
        b"x\r\n",
        b"\r\n",
        b"x\r\nAuthorization: y",
        b"x\r\nX: y",
        b"x\0",
        b"\n",
        b"\r",
        b"x\n\n",
    ):
        check_pair(first, with_value(value, after=b"Content-Length: 0\r\n"))


def test_a_second_authorization_is_refused_after_one_that_was_remembered():
    first = with_value(b"Digest x")
    second = with_value(b"Digest x", after=b"Authorization: y\r\n")
    check_pair(first, second)
    assert fed([first, second])[1] == 400


def test_the_memory_does_not_outlive_a_different_head():
    other = get(b"GET /other HTTP/1.1", HOST + b"Authorization: Digest o\r\n")
    plain = get(b"GET /plain HTTP/1.1")
    stream = with_value(b"a") + other + with_value(b"b") + plain + with_value(b"c") + other
    got = outcome(stream)
    assert [(request[1], request[6]) for request in got] == [
        ("/", b"a"),
        ("/other", b"Digest o"),
        ("/", b"b"),
        ("/plain", None),
        ("/", b"c"),
        ("/other", b"Digest o"),
    ]


def test_a_request_that_is_not_kept_alive_stays_so_when_it_comes_again():
    stream = with_value(b"a", b"Connection: close\r\n")
    assert [request[4] for request in outcome(stream + stream)] == [False, False]


# -- small things ---------------------------------------------------------------------------------


def test_parse_head_says_where_the_authorization_stands():
    head = b"GET / HTTP/1.1\r\nX: abc\r\nAuthorization:\t abc\t\r\nHost: a\r\n\r\n"
    request = parse_head(head)
    at = request.authorization_at
    assert head[at - 2 : at + 4] == b"\t abc\t"
    assert request.authorization == b"abc"


def test_all_digits_means_ascii_digits():
    assert all_digits("0") and all_digits("0123456789")
    for text in ("", "+1", "-1", " 1", "1 ", "1_0", "1.0", "٣", "²", "1٣1", "a", "1a1"):
        assert not all_digits(text)


EVERY = b"X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"  # answer has these


def test_an_answer_in_bytes():
    response = Response(200, b"{}", "application/json")
    kept = b"HTTP/1.1 200 OK\r\n" + EVERY
    kept += b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    closed = kept.replace(b"2\r\n\r\n", b"2\r\nConnection: close\r\n\r\n")
    assert response.encode(False) == closed
    assert response.encode(True) == kept
    assert response.encode(True) is response.encode(True)
    assert response.encode(True, head_only=True) == kept[:-2]
    assert response.encode(False, head_only=True) == closed[:-2]
    assert response.encode(False) == closed
    assert response.encode(True) == kept


def test_an_answer_to_head_is_not_kept_for_get():
    response = Response(200, b"{}")
    head = b"HTTP/1.1 200 OK\r\n" + EVERY + b"Content-Length: 2\r\n\r\n"
    assert response.encode(True, head_only=True) == head
    assert response.encode(True) == head + b"{}"


def test_an_answer_has_the_date_it_is_sent_at():
    response = Response(200, b"{}")
    dates = [b"Date: Sun, 06 Nov 1994 08:49:3%d GMT\r\n" % second for second in (7, 8, 9)]
    rest = EVERY + b"Content-Length: 2\r\n\r\n{}"
    unknown = b"HTTP/1.1 200 OK\r\n" + rest
    for _ in range(2):
        assert response.encode(True) == unknown
        for date in dates:
            for _ in range(2):
                assert response.encode(True, date=date) == b"HTTP/1.1 200 OK\r\n" + date + rest
            closed = response.encode(False, date=dates[0])
            assert closed.startswith(b"HTTP/1.1 200 OK\r\n" + dates[0] + EVERY)
            head = response.encode(True, True, dates[0])
            assert head == b"HTTP/1.1 200 OK\r\n" + dates[0] + rest[:-2]
        assert response.encode(True, date=dates[2]) is response.encode(True, date=dates[2])


def test_an_answer_has_the_lines_it_is_given():
    response = Response(401, lines=["WWW-Authenticate: Digest a", "WWW-Authenticate: Digest b"])
    assert response.encode(True) == (
        b"HTTP/1.1 401 Unauthorized\r\n" + EVERY + b"WWW-Authenticate: Digest a\r\n"
        b"WWW-Authenticate: Digest b\r\nContent-Length: 0\r\n\r\n"
    )


def test_an_answer_without_end_has_neither_length_nor_close():
    response = Response(101, lines=("Upgrade: websocket", "Connection: Upgrade"))
    response.converse = "holdfast.server.websocket_pump"
    expected = (
        b"HTTP/1.1 101 Switching Protocols\r\n" + EVERY + b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n\r\n"
    )
    assert response.encode(True) == expected
    assert response.encode(False) == expected


def test_an_http_error_carries_its_answer():
    assert HttpError(400).allow is None
    assert HttpError(405, "GET, POST").allow == "GET, POST"


def test_a_reader_that_ran_out_of_memory_before_a_body_begins_can_go_on():
    stream = b"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\nContent-Length: 2\r\n\r\nab"
    for again in (False, True):
        buffer = ReceiveBuffer(HEAD_BYTES)
        reader = RequestReader(buffer)
        if again:  # the second time the head is remembered
            buffer.feed(stream)
            reader.next()
        buffer.feed(stream)
        head = reader._head

        def full(*arguments):
            raise MemoryError

        reader._head = full
        raises(MemoryError, reader.next)
        reader._head = head
        request = reader.next()
        assert (request.authorization, request.body) == (b"b", b"ab")
        assert reader.next() is None


def test_http_1_0_upgrades_to_nothing():
    fields = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    request = only(b"GET / HTTP/1.0\r\n" + fields + END)
    assert "upgrade" not in request.headers
    assert only(get(fields=HOST + fields)).headers["upgrade"] == "websocket"


def test_a_referer_that_no_browser_sends_is_passed_over():
    for value in ("http://a/\u00fc".encode(), b"http://a/\xff", b"a\x7f"):
        assert "referer" not in only(get(fields=HOST + b"Referer: " + value + b"\r\n")).headers
    assert only(get(fields=HOST + b"Referer: http://a/\r\n")).headers["referer"] == "http://a/"
