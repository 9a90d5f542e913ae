"""Golden transcripts: what stands in golden/*.txt goes over the wire and comes back, to the byte.

One file is one endpoint and one board. A line's first character says what it is:

    # a comment
    * settings {...}     what `boards.settings` gets; before the first exchange
    * wire 0 1           put this level on the wire of gpio0
    * level 4 1          gpio4 stands at this level
    * times 20           the next request is sent so often, and its last answer stands below
    * told PATH TEXT     wait until GET PATH, as root, is answered with this text in it
    = a title            an exchange on a connection of its own
    > a line             sent            >> on the exchange's second connection
    < a line             received        << on the exchange's second connection

**HTTP.** Head lines end with CRLF up to the empty line. The lines of a body are joined with LF and
the last one has no line end; a body that ends with a line end so has an empty line at its end.
What is sent and does not begin with a request line is a body, or more of one. {+} at the end of a
line: it goes on in the next; long XML and JSON is shown so. A chunked body is shown without
its framing. An answer with neither length nor chunks goes on to the end of the connection, or, in
parts (multipart), for ever: more of its lines may come later.

Not shown is what every answer has behind its status line: `Date` and two lines for browsers. They
are looked for in each, once each, and that the date is now.

**WebSocket.** After a 101 each line is a frame: `> text {...}`, `< close 1002 why`, `> ping hi`,
`> pong hi`. Lines that do not begin with one of these words continue the text before, joined with
LF. `> bytes 81 05 ...` are bytes as they are. What is sent is masked with 37 fa 21 3d. The board's
own pings depend on the time; they are answered and not shown.

**Placeholders** stand for what cannot be known. Those of the answers: {uuid} (version 4), {nonce},
{token}, {epoch} (of a start), {timestamp} (ms), {count} (any number), {moment} (a date with its
time), {version}, {date} and {heap}.
With a name, {uuid a}, all of that name are the same value, which a request may use, too. {length}
is the length of the body, in answers and requests. {cr} is a CR in a body, {fill 99} 99 letters.
{receiver} in the settings is the port of a server that answers every request with 200.

In requests {digest NAME} is a whole Authorization value of that account, whose password is `pass`
(`password` of accounts that a transcript makes), and {response} is the response to what else
stands in its line. The nonce of both is the latest a board has issued; {nonce} in a request is the
same one.

An answer that says `Connection: close` is followed by the end of the connection; the others are
not. On WebSockets nothing else has come at an exchange's end: a ping is answered at once.

HOLDFAST_RECORD=1 writes the answers into the files instead, for review with `git diff`. Lines that
hold stay as they are; new ones get their placeholders by pattern. Records on MicroPython.
"""

import contextlib
import difflib
import hashlib
import json
import os
import re
import socket
import struct
import time
from datetime import UTC
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from pathlib import Path

import pytest
from receivers import Receiver

from boards import ANSWER_S, STATUS, account, settings, wait_for

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))
RECORD = os.environ.get("HOLDFAST_RECORD") == "1"
COMMON = ("X-Content-Type-Options: nosniff", "X-Frame-Options: DENY")
CLOCK_S = 60  # that a date may be late on a busy machine
QUIET_S = 0.5  # when recording a stream, what does not come within this time is not coming
MASK = bytes.fromhex("37fa213d")

# What a placeholder in an answer stands for, and where it is put in when an answer is recorded.
PLACEHOLDERS = {
    "uuid": (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", ("%s",)),
    "nonce": (r"[0-9a-f]{36}", ('nonce="%s"',)),
    "timestamp": (r"\d{1,15}", ('"timestamp":%s',)),
    "epoch": (r"[0-9a-f]{16}", ('"epoch":"%s"', '"boot":"%s"')),
    "moment": (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z",
        ('"since":"%s"', 'received_at":"%s"', '"expected_at":"%s"'),
    ),
    "token": (r"[1-9]\d{14}", ("^%s$",)),
    "version": (r"\d+\.\d+\.\d+", ('ersion":"%s"', "Firmware.Version=%s", " version %s")),
    "date": (r"[A-Z][a-z]{2} \d\d? \d{4}", ('"BuildDate":"%s"', "BuildDate=%s")),
    "count": (
        r"\d+",
        ('"now":%s', '"since":%s', '"due":%s', '"moved":%s', '_ms":%s', '"uptime":"%s"')
        + ('"began":%s', '"last":%s', '"lost_at":%s', '"next":%s', '"at":%s', '"time":%s')
        + ('127.0.0.1:%s"', '"sent":%s', '"failed":%s', '"failed_in_a_row":%s', "for %s ms")
        + ('"writes":%s', '"bytes":%s', '"writes_today":%s', '"bytes_today":%s', '"saved":%s')
        + ("Retry-After: %s",),
    ),
    "heap": (r'(?:null|\{"free":\d+,"used":\d+\})', ('"heap":%s',)),  # CPython tells none
    "length": (r"\d+", ()),
}
PLACEHOLDER = re.compile(r"\{(%s|cr|fill|digest|response)( \w+)?\}" % "|".join(PLACEHOLDERS))
LONG = 200  # a line of a body that is broken where an element or object begins
FRAME = re.compile(r"(text|binary|ping|pong|close|bytes)( |$)")
OPCODES = {"text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}


# -- the files ------------------------------------------------------------------------------------


class Step:
    """Lines of one kind: `kind` is "=", "*", "#", ">", "<", ">>" or "<<"."""

    def __init__(self, kind, number):
        self.kind = kind
        self.number = number
        self.lines = []


def read(text):
    """The steps of a transcript."""
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        kind, _, rest = line.partition(" ")
        if kind not in ("#", "*", "=", ">", "<", ">>", "<<", ""):
            raise ValueError("line %d begins with %r" % (number, kind))
        if not steps or steps[-1].kind != kind or kind in "*=":
            steps.append(Step(kind, number))
        steps[-1].lines.append(rest)
    return steps


def one_by_one(steps):
    """The steps with one frame in each that is sent, so that its answer is recorded behind it."""
    found = []
    for step in steps:
        for i, line in enumerate(step.lines):
            begins = step.kind[:1] == ">" and FRAME.match(line)
            if i == 0 or begins:
                found.append(Step(step.kind, step.number + i))
            found[-1].lines.append(line)
    return found


def answered(steps, step):
    """True when the next step but comments is the answer to this one."""
    following = [later.kind for later in steps[steps.index(step) + 1 :]]
    following = [kind for kind in following if kind not in ("#", "")]
    return following[:1] == ["<" * len(step.kind)]


def written(steps):
    """The text of a transcript."""
    return "".join(
        (step.kind + " " + line if line else step.kind) + "\n"
        for step in steps
        for line in step.lines
    )


def message(lines):
    """The bytes of an HTTP message, or of more of one."""
    if " HTTP/" not in lines[0]:
        return joined(lines)
    end = lines.index("")
    body = joined(lines[end + 1 :])
    head = "\r\n".join(lines[:end] + ["", ""])
    head = re.sub(r"\{fill (\d+)\}", lambda found: "a" * int(found[1]), head)
    return head.replace("{length}", str(len(body))).encode() + body


def joined(lines):
    """The bytes of a body."""
    return "\n".join(lines).replace("{cr}", "\r").replace("{+}\n", "").encode()


def shown(data):
    """An HTTP answer as lines, without those that every answer has."""
    head, found, body = data.partition(b"\r\n\r\n")
    lines = head.decode("ascii", "backslashreplace").split("\r\n")
    if found:
        lines = without_common(lines)
        lines.append("")
        lines += content(body) if body else []
    return lines


def without_common(lines):
    """The lines of an answer's head but those that every answer has, which are looked at here."""
    if not lines[0].startswith("HTTP/1.1 ") or lines[0] == "HTTP/1.1 100 Continue":
        return lines
    names = [line.partition(":")[0].lower() for line in lines]
    once = all(names.count(line.partition(":")[0].lower()) == 1 for line in ("Date", *COMMON))
    if once and is_now(lines[1]) and tuple(lines[2:4]) == COMMON:
        return lines[:1] + lines[4:]
    return [*lines, "behind the status line: no date of now, or not %s" % ", ".join(COMMON)]


def is_now(line):
    """True for a field line Date, as RFC 9110 section 5.6.7 has it, of now."""
    try:
        sent = parsedate_to_datetime(line.partition(": ")[2])
    except ValueError:
        return False
    return line == "Date: " + format_datetime(sent.astimezone(UTC), usegmt=True) and (
        abs(sent.timestamp() - time.time()) < CLOCK_S
    )


def content(body):
    """A body as lines."""
    lines = []
    for line in body.decode("utf-8", "backslashreplace").replace("\r", "{cr}").split("\n"):
        if len(line) > LONG:
            line = re.sub(r"(>)(?=<[^/])|(\},)(?=\{)", r"\1\2{+}\n", line)
        lines += line.split("\n")
    return lines


class Names:
    """Named placeholders and their values."""

    def __init__(self):
        self._values = {}

    def put(self, line):
        """The line of a request, with the values of its named placeholders."""
        return PLACEHOLDER.sub(lambda found: self._values.get(found[0], found[0]), line)

    def match(self, template, line):
        """True when a received line is what the transcript says; names get their values."""
        parts = []
        names = []
        at = 0
        for found in PLACEHOLDER.finditer(template):
            parts.append(re.escape(template[at : found.start()]))
            at = found.end()
            known = self._values.get(found[0])
            if found[1] not in PLACEHOLDERS:
                parts.append(re.escape(found[0]))
            elif known is not None:
                parts.append(re.escape(known))
            else:
                parts.append("(%s)" % PLACEHOLDERS[found[1]][0])
                names.append(found[0] if found[2] else None)
        parts.append(re.escape(template[at:]))
        matched = re.fullmatch("".join(parts), line)
        if matched is None:
            return False
        for name, value in zip(names, matched.groups(), strict=True):
            if name is not None:
                if value in self._values.values() and self._values.get(name) != value:
                    return False  # another name, another value
                self._values[name] = value
        return True

    def recorded(self, line):
        """A received line with placeholders, known ones first."""
        for name, value in self._values.items():
            if len(value) > 8:
                line = line.replace(value, name)
        for name, (pattern, places) in PLACEHOLDERS.items():
            for place in places:
                line = re.sub(place % pattern, place.strip("^$") % ("{%s}" % name), line)
        return line


# -- the wire -------------------------------------------------------------------------------------


class Ended(Exception):
    """The other side ended the connection."""


class Peer:
    """One connection of an exchange: HTTP until a 101, frames from then on."""

    def __init__(self, board):
        self.sock = board.connect()
        self.data = b""
        self.streaming = False
        self.endless = False

    def close(self):
        self.sock.close()

    def fill(self, seconds=ANSWER_S):
        self.sock.settimeout(seconds)
        try:
            part = self.sock.recv(65536)
        except ConnectionError:
            part = b""
        if not part:
            raise Ended(self.data)
        self.data += part

    def until(self, enough):
        """Receive until `enough()`, the end, or the deadline."""
        deadline = time.monotonic() + ANSWER_S
        with contextlib.suppress(Ended, TimeoutError):
            while not enough() and time.monotonic() < deadline:
                self.fill(max(0.001, deadline - time.monotonic()))

    def answer(self, head_only):
        """The bytes of one HTTP answer; what can be had of it when it does not come whole."""
        self.until(lambda: b"\r\n\r\n" in self.data)
        head = self.data.partition(b"\r\n\r\n")[0]
        size = len(head) + 4
        self.streaming = head.startswith(b"HTTP/1.1 101 ")
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        ends = b"\r\nConnection: close" in head and b" multipart/" not in head
        chunked = b"\r\nTransfer-Encoding: chunked" in head
        self.endless = head.startswith(b"HTTP/1.1 200 ") and not (length or ends or chunked)
        if chunked and not head_only:
            return head + b"\r\n\r\n" + self._chunks(size)
        if length and not head_only:
            size += int(length[1])
        elif ends:  # which is the end of the body, too
            self.until(lambda: False)
            size = len(self.data)
        self.until(lambda: len(self.data) >= size)
        answer, self.data = self.data[:size], self.data[size:]
        return answer

    def _chunks(self, at):
        """A chunked body that begins at a place of what has come, without its framing."""
        body = b""
        while True:
            self.until(lambda start=at: b"\r\n" in self.data[start:])
            digits = self.data[at:].partition(b"\r\n")[0]
            assert re.fullmatch(rb"[0-9a-f]{1,3}", digits), self.data[at:]
            end = at + len(digits) + 2 + int(digits, 16)
            self.until(lambda end=end: len(self.data) >= end + 2)
            assert self.data[end : end + 2] == b"\r\n", self.data[end:]
            body += self.data[at + len(digits) + 2 : end]
            at = end + 2
            if not int(digits, 16):
                self.data = self.data[at:]
                return body

    def more(self, size):
        """So many bytes of an endless answer; when recording, all that come."""
        deadline = time.monotonic() + QUIET_S
        self.until(lambda: time.monotonic() > deadline if RECORD else len(self.data) >= size)
        size = len(self.data) if RECORD else size
        data, self.data = self.data[:size], self.data[size:]
        return data

    def ends(self):
        """True when the other side ends the connection, and says no more."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)  # else it lingers, should more be on the way
        try:
            self.fill()
        except Ended:
            return not self.data
        except TimeoutError:
            pass
        return False

    # -- frames -----------------------------------------------------------------------------------

    def send_frame(self, opcode, payload):
        masked = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
        self.sock.sendall(bytes([0x80 | opcode]) + size_of(payload, 0x80) + MASK + masked)

    def frame(self, seconds=ANSWER_S):
        """The next frame as text; TimeoutError, Ended. The board's own pings are answered here."""
        while True:
            frame = self._complete()
            if frame is None:
                self.fill(seconds)
            elif frame.startswith("ping"):
                self.send_frame(OPCODES["pong"], frame[5:].encode())
            else:
                return frame

    def _complete(self):
        """The frame at the front of what has come: None when it is not all there.

        It must be what a server sends: whole, not masked, its length in the fewest bytes.
        """
        data = self.data
        if len(data) < 2:
            return None
        first, size = data[0], data[1]
        start = {126: 4, 127: 10}.get(size, 2)
        if len(data) < start:
            return None
        length = size if start == 2 else int.from_bytes(data[2:start], "big")
        if len(data) < start + length:
            return None
        payload = data[start : start + length]
        names = {0x80 | opcode: name for name, opcode in OPCODES.items()}
        assert first in names and data[1:start] == size_of(payload, 0), data[:start].hex(" ")
        self.data = data[start + length :]
        word = names[first]
        if word == "close" and payload:
            code = int.from_bytes(payload[:2], "big")
            return ("close %d %s" % (code, payload[2:].decode())).rstrip()
        return ("%s %s" % (word, payload.decode())).rstrip()

    def silent(self):
        """Nothing has come but the answer to a ping; or the connection is over."""
        try:
            self.send_frame(OPCODES["ping"], b"the end")
            said = self.frame()
        except (Ended, OSError):
            return not self.data
        return said == "pong the end" and not self.data


def size_of(payload, mask):
    """The length of a payload as a frame tells it."""
    length = len(payload)
    if length < 126:
        return bytes([mask | length])
    if length < 65536:
        return bytes([mask | 126]) + struct.pack(">H", length)
    return bytes([mask | 127]) + struct.pack(">Q", length)


def frames(lines):
    """The frames that lines stand for: [(word, text)]."""
    found = []
    for line in lines:
        if FRAME.match(line) or not found:
            word, _, text = line.partition(" ")
            found.append((word, text))
        else:
            found[-1] = (found[-1][0], found[-1][1] + "\n" + line)
    return found


# -- digest ---------------------------------------------------------------------------------------


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def response(line, method, password="pass"):
    """The response to the other parameters of Digest credentials."""
    found = re.findall(r'(\w+)=(?:"([^"]*)"|([^", ]*))', line)
    given = {name: quoted or bare for name, quoted, bare in found}
    secret = md5("%s:%s:%s" % (given["username"], given["realm"], password))
    asked = md5("%s:%s" % (method, given["uri"]))
    between = [given[name] for name in ("nonce", "nc", "cnonce", "qop") if name in given]
    return md5(":".join([secret, *between, asked]))


class Digest:
    """Digest credentials, written here from RFC 2617: what a client sends, to the byte."""

    def __init__(self, board):
        self._board = board
        self.nonce = None
        self._count = 0

    def learn(self, lines):
        for line in lines:
            found = re.match(r'WWW-Authenticate: Digest .*nonce="([^"]*)"', line)
            if found and self.nonce != found[1]:
                self.nonce = found[1]
                self._count = 0

    def fresh(self):
        """A nonce that has not been used."""
        peer = Peer(self._board)
        with contextlib.closing(peer):
            peer.sock.sendall(("GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % STATUS).encode())
            self.learn(shown(peer.answer(False)))

    def fill(self, lines):
        """The lines of a request, with its credentials."""
        method, target = (lines[0].split(" ") + ["", ""])[:2]
        return [self._line(line, method, target) for line in lines]

    def _line(self, line, method, target):
        found = re.search(r"\{digest (\w+)\}", line)
        if found:
            if self.nonce is None:
                self.fresh()
            self._count += 1
            line = line.replace(
                found[0],
                'Digest username="%s", realm="%s", nonce="{nonce}", uri="%s", algorithm=MD5, '
                'qop=auth, nc=%08x, cnonce="0a4f113b", response="{response}"'
                % (found[1], self._board.config.get("realm", "Holdfast"), target, self._count),
            )
        if "{nonce}" in line and self.nonce is None:
            self.fresh()
        line = line.replace("{nonce}", self.nonce or "")
        if "{response}" in line:
            given = [account["name"] for account in self._board.config["accounts"]]
            made = re.search(r'username="([^"]*)"', line)[1] not in given
            password = "password" if made else "pass"
            line = line.replace("{response}", response(line, method, password))
            if "qop" not in line:
                self.nonce = None  # it carries no nc, so it is good for one request
        return line


# -- playing --------------------------------------------------------------------------------------


class Player:
    """Plays the steps of one transcript against a board."""

    def __init__(self, board):
        self._board = board
        self._names = Names()
        self._digest = Digest(board)
        self._peers = {}
        self._head_only = False
        self._times = 1
        self.title = ""

    def play(self, steps):
        """Play them all; when recording, what came is written into the steps."""
        for step in list(steps):
            mark = step.kind[:1]
            if mark == "=":
                self.finish()
                self.title = step.lines[0]
            elif mark == "*":
                self._do(step.lines[0].split(" "))
            elif mark == ">":
                self._send(step.kind, step.lines)
                if RECORD and not answered(steps, step):
                    answer = Step("<" * len(step.kind), step.number)
                    answer.lines = self._receive(answer.kind, [], step.number)
                    steps.insert(steps.index(step) + 1, answer)
            elif mark == "<":
                step.lines = self._receive(step.kind, step.lines, step.number)
        self.finish()

    def _do(self, words):
        if words[0] == "wire":
            self._board.drive(int(words[1]), int(words[2]))
        elif words[0] == "level":
            what = "gpio%s at %s, as in: %s" % (words[1], words[2], self.title)
            wait_for(lambda: self._board.level(int(words[1])) == int(words[2]), what=what)
        elif words[0] == "times":
            self._times = int(words[1])
        elif words[0] == "told":
            text = " ".join(words[2:])
            with self._board.session() as session:
                url = self._board.url + words[1]
                told = "%s in %s" % (text, words[1])
                wait_for(lambda: text in session.get(url, timeout=ANSWER_S).text, what=told)
        else:
            assert words[0] == "settings", words

    def _peer(self, kind):
        count = len(kind)
        if count not in self._peers:
            self._peers[count] = Peer(self._board)
        return self._peers[count]

    def _send(self, kind, lines):
        peer = self._peer(kind)
        lines = [self._names.put(line) for line in lines]
        if not peer.streaming:
            self._head_only = lines[0].startswith("HEAD ")
            # The board may have answered and gone before the last byte.
            with contextlib.suppress(ConnectionError):
                for _ in range(self._times - 1):
                    peer.sock.sendall(message(self._digest.fill(lines)))
                    peer.answer(self._head_only)
                peer.sock.sendall(message(self._digest.fill(lines)))
            self._times = 1
            return
        for word, text in frames(lines):
            if word == "bytes":
                peer.sock.sendall(bytes.fromhex(text))
                continue
            payload = text.encode()
            if word == "close":
                code, _, why = text.partition(" ")
                payload = struct.pack(">H", int(code)) + why.encode() if code else b""
            peer.send_frame(OPCODES[word], payload)

    def _receive(self, kind, wanted, number):
        """Compare what comes with the lines of a step; the lines as they are to stand there."""
        peer = self._peer(kind)
        if peer.streaming:
            got = self._frames(peer, len(frames(wanted)))
        elif peer.endless:
            got = content(peer.more(len(joined(wanted))))
        else:
            data = peer.answer(self._head_only)
            got = shown(data)
            self._digest.learn(got)
            body = data.partition(b"\r\n\r\n")[2]
            told = "Content-Length: {length}"
            length = "Content-Length: %d" % len(body)
            if told in wanted:
                got = [told if line == length else line for line in got]
            if peer.endless:
                got += content(peer.more(len(joined(wanted[len(got) :]))))
            elif b"\r\nConnection: close\r\n" in data[: len(data) - len(body)]:
                assert peer.ends(), "%s: the connection goes on" % self.title
        held = []
        for i, line in enumerate(got):
            known = wanted[i] if i < len(wanted) else None
            if known is not None and self._names.match(known, line):
                held.append(known)
            else:
                held.append(self._names.recorded(line))
        if held != wanted and not RECORD:
            problem = "line %d, %s\n" % (number, self.title)
            pytest.fail(problem + "\n".join(diff(wanted, held)), pytrace=False)
        return held

    def _frames(self, peer, count):
        """The lines of so many frames; when recording, of all that come."""
        lines = []
        while RECORD or count:
            count -= 1
            try:
                lines += peer.frame(QUIET_S if RECORD else ANSWER_S).split("\n")
            except TimeoutError:
                break
            except Ended:
                break
        return lines

    def finish(self):
        """The end of an exchange: nothing else has come."""
        for peer in self._peers.values():
            with contextlib.closing(peer):
                said = b"" if not peer.streaming or peer.silent() else b"more frames "
                assert not said + peer.data, "%s: and then %r" % (self.title, said + peer.data)
        self._peers = {}

    def close(self):
        for peer in self._peers.values():
            peer.close()


def diff(wanted, got):
    """What was wanted and what came, as a diff."""
    return difflib.unified_diff(wanted, got, "in the transcript", "from the board", lineterm="")


def config(steps):
    """The settings of a transcript's board."""
    more = {}
    for step in steps:
        word, _, text = step.lines[0].partition(" ")
        if step.kind == "*" and word == "settings":
            if "{receiver}" in text:
                text = text.replace("{receiver}", str(Receiver().port))
            more = json.loads(text)
    realm = more.get("realm", "Holdfast")
    roles = {"root": "administrator", "door": "operator", "vms": "operator", "guest": "viewer"}
    rows = [account(name, role, realm=realm) for name, role in roles.items()]
    return settings(accounts=rows, **more)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_transcript_holds(start, path, runtime):
    if RECORD and runtime != "micropython":
        pytest.skip("records on MicroPython")
    steps = read(path.read_text())
    if RECORD:
        steps = one_by_one(steps)
    player = Player(start(config(steps), "--connections", 8))
    try:
        player.play(steps)
    finally:
        player.close()
    if RECORD:
        path.write_text(written(steps))


def test_a_difference_is_shown_line_by_line():
    names = Names()
    wanted = ["HTTP/1.1 200 OK", "", '{"SessionId": "{uuid a}"}', "{uuid a}"]
    assert names.match(wanted[2], '{"SessionId": "14b795e4-507a-44b8-b68c-f98be55bc1dd"}')
    assert names.match(wanted[3], "14b795e4-507a-44b8-b68c-f98be55bc1dd")
    assert not names.match(wanted[3], "24b795e4-507a-44b8-b68c-f98be55bc1dd")
    assert not names.match("{nonce}", "0" * 37) and names.match("{nonce}", "0" * 36)
    shown_lines = list(diff(wanted, wanted[:1] + ["", "{}", "{uuid a}"]))
    assert '-{"SessionId": "{uuid a}"}' in shown_lines and "+{}" in shown_lines


def test_a_transcript_is_written_as_it_was_read():
    for path in FILES:
        assert written(read(path.read_text())) == path.read_text(), path.name


def test_messages_are_bytes_and_back():
    lines = ["POST / HTTP/1.1", "Content-Length: {length}", "", "a{cr}", "b", ""]
    data = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\r\nb\n"
    assert message(lines) == data
    assert shown(data) == [lines[0], "Content-Length: 5", *lines[2:]]
    assert message(["a{cr}", "b"]) == b"a\r\nb"
    assert message(["GET /{fill 3} HTTP/1.1", ""]) == b"GET /aaa HTTP/1.1\r\n\r\n"


def test_what_every_answer_has_is_looked_for_and_not_shown():
    now = "Date: " + formatdate(usegmt=True)
    head = ["HTTP/1.1 200 OK", now, *COMMON, "Content-Length: 2"]
    assert without_common(head) == [head[0], head[-1]]
    for wrong in (
        [head[0], *head[2:]],
        [head[0], *head[4:]],
        [head[0], now, now, *head[2:]],
        [*head[:3], head[-1]],
        [*head, COMMON[1]],
        [*head, "date: x"],
        [head[0], "Date: Mon, 30 Nov 2020 21:17:16 GMT", *head[2:]],
        [head[0], now.replace("GMT", "+0000"), *head[2:]],
        [head[0], "Date: x", *head[2:]],
    ):
        assert without_common(wrong)[:-1] == wrong
    assert without_common(["HTTP/1.1 100 Continue"]) == ["HTTP/1.1 100 Continue"]


def test_responses_are_those_of_rfc_2617():
    """The example of its section 3.5."""
    line = 'username="Mufasa", realm="testrealm@host.com", qop=auth, nc=00000001, '
    line += 'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", cnonce="0a4f113b"'
    assert response(line, "GET", "Circle Of Life") == "6629fae49393a05397450978507c4ef1"
