"""Digest access authentication, the server's side (RFC 7616, RFC 2617), for devices that forget.

Strategy: nonces are stateless: issue time, serial number and an HMAC over both. Only a nonce that
has carried valid credentials is remembered, with the nc values it has used, so that a replay is
refused and strangers cannot fill the table. When the table is full the least recently used nonce
goes, and with it every older nonce that is not in the table: they are answered with `stale=true`,
which makes a client try again with a fresh one. Nobody is locked out.

What real clients do and this accepts: `algorithm` left out or quoted; no comma between parameters;
the first of two nonces issued; one nonce with rising nc from parallel requests that arrive out of
order; a new nonce for every request; nc from 0 on, and without its zeros; `qop` twice; an MD5
response under the name of SHA-256, as clients make it that merge both challenges; `uri` in
absolute form, percent-encoded otherwise than the request, or without the query string, unless the
query changes something: it is not signed then. Credentials without qop (RFC 2069, as the vendor's
WebSocket page prints them) carry no nc, so such a nonce works exactly once.

None of that weakens the protection from replays: an nc is a number, however it is written, and
each number is used once for each nonce. Somebody's name takes as long to refuse as nobody's.

A connection's next credentials differ from its last in response, nc and cnonce only. `Memory`
keeps where those stand, so that the usual heartbeat costs three slices and one hash. It also keeps
the nonce, which so outlives the table for as long as the connection lasts.
"""

import hashlib
from binascii import hexlify, unhexlify

from micropython import const

from holdfast.wire.http import HEX

_HASHES = {b"MD5": hashlib.md5, b"SHA-256": hashlib.sha256}

# How long a nonce may be used. Replays are refused for all that time, so it only bounds the damage
# of a stolen key; a client whose nonce is too old gets a new one in the same exchange.
NONCE_S = const(3600)
NONCES_KEPT = const(24)  # one for each client, and as many again for those that renew
WINDOW = const(30)  # how far behind the highest nc a late request may be; a small int on 32 bits
_WINDOW_MASK = const((1 << 30) - 1)
_LAST_COUNT = const(0xFFFFFFFF)
_MD5_DIGITS = const(32)
_NOBODY = b"0" * 64  # hashed for names that no account has


class Refused(Exception):
    """Credentials that do not hold. `stale`: they do but for the nonce; try with a new one.
    `scheme`: theirs, as they begin.
    """

    def __init__(self, stale=False, scheme=b"digest "):
        super().__init__(stale)
        self.stale = stale
        self.scheme = scheme


class Memory:
    """What a connection's last good credentials were, and where their variable parts stand."""

    def __init__(self):
        self.account = None  # None: nothing is remembered
        self.accounts = None  # the accounts it is one of; they may change
        self.method = None
        self.target = None
        self.length = 0
        self.constants = ()  # (start, bytes) of what must be the same
        self.variables = ()  # (start, end) of response, nc, cnonce
        self.before = b""  # what is hashed in front of nc
        self.after = b""  # ... and behind cnonce
        self.hash = None
        self.nonce = None

    def learn(self, value, found):
        """Keep the layout of credentials whose parameters stand where `found` says.

        A change of response or nc leaves it as it is, since they are checked to be hex; one of
        cnonce does unless it contains a quote, so cnonce must be quoted here.
        """
        self.length = len(value)
        variables = []
        for name in (b"response", b"nc", b"cnonce"):
            variables.append(found[name][1:])
        self.variables = tuple(variables)
        constants = []
        at = 0
        for start, end in sorted(variables):
            constants.append((at, value[at:start]))
            at = end
        constants.append((at, value[at:]))
        self.constants = tuple(constants)


class _Nonce:
    """A nonce in use: when and as which it was issued, and which nc it has carried."""

    def __init__(self, issued_s, serial):
        self.issued_s = issued_s
        self.serial = serial
        self.used_ms = 0
        self.highest = 0
        self.seen = 0  # bit i: nc `highest - i` was used

    def use(self, count):
        """True when this nc is new and not too far behind; from now on it is used."""
        ahead = count - self.highest
        if ahead > 0:
            # Masked before the shift, so that 30 bits stay 30 bits.
            kept = self.seen & (_WINDOW_MASK >> ahead) if ahead < WINDOW else 0
            self.seen = kept << ahead | 1 if kept else 1
            self.highest = count
            return True
        bit = 1 << -ahead if -ahead < WINDOW else 0
        if not bit or self.seen & bit:
            return False
        self.seen |= bit
        return True


class Authenticator:
    """Checks Authorization values against accounts.

    realm: text. accounts: objects with name, md5, sha256 (H(A1) as hex bytes). random_bytes: a
    function(n) of cryptographic quality; the key drawn from it makes all nonces of a run. md5: may
    clients log in with MD5?
    """

    def __init__(self, realm, accounts, random_bytes, md5=True):
        self.reconfigure(realm, accounts, md5)
        key = random_bytes(32) + bytes(32)  # one block of SHA-256
        self._inner = bytes([byte ^ 0x36 for byte in key])
        self._outer = bytes([byte ^ 0x5C for byte in key])
        self._serial = 0
        self._floor = 0  # serials up to here are stale unless their nonce is in the table
        self._nonces = {}

    def reconfigure(self, realm, accounts, md5=True):
        """These count from now on; what connections remember of other accounts is void."""
        self.realm = realm
        self.md5 = md5
        self._accounts = {account.name.encode(): account for account in accounts}

    def account(self, name):
        """The account of that name, bytes; None without one."""
        return self._accounts.get(name)

    def challenges(self, now, stale=False):
        """The WWW-Authenticate values of a 401, MD5 first for clients that take the first."""
        nonce = self._issue(now).decode()
        flag = ", stale=true" if stale else ""
        return tuple(
            'Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"%s'
            % (self.realm, nonce, algorithm, flag)
            for algorithm in (("MD5", "SHA-256") if self.md5 else ("SHA-256",))
        )

    def check(self, value, method, target, now, memory):
        """Return the account whose credentials `value` (bytes) holds, or raise Refused.

        method and target: of the request. now: ms. memory: the connection's, kept up to date here.
        """
        if (
            memory.account is not None
            and memory.accounts is self._accounts
            and len(value) == memory.length
            and memory.method == method
            and memory.target == target
        ):
            for start, constant in memory.constants:
                if not value.startswith(constant, start):
                    break
            else:
                start, end = memory.variables[2]
                cnonce = value[start:end]
                if b'"' not in cnonce and b"\\" not in cnonce:
                    return self._again(value, cnonce, now, memory)
        return self._first(value, method, target, now, memory)

    def _again(self, value, cnonce, now, memory):
        """Credentials that differ from the last in response, nc and cnonce alone."""
        (a, b), (c, d), _ = memory.variables
        count = value[c:d]
        data = memory.before + count + b":" + cnonce + memory.after
        _compare(memory.hash(data).digest(), value[a:b])
        self._use(memory.nonce, _count(count), now)
        return memory.account

    def _first(self, value, method, target, now, memory):
        """Credentials not seen before, parsed whole."""
        memory.account = None
        found = parse(value)
        hash_ = _HASHES.get(parameter(found, "algorithm", b"MD5").upper())
        account = self._accounts.get(parameter(found, "username"))
        response = parameter(found, "response", b"")
        qop = parameter(found, "qop")
        uri = parameter(found, "uri")
        if hash_ is not None and len(response) == _MD5_DIGITS:
            hash_ = hashlib.md5
        if (
            hash_ is None
            or (hash_ is hashlib.md5 and not self.md5)
            or qop not in (None, b"auth")
            or parameter(found, "realm") != self.realm.encode()
            or uri is None
        ):
            raise Refused()
        if uri != target.encode():
            from holdfast.wire.origin import signs

            if not signs(uri, method, target):
                raise Refused()
        nonce = parameter(found, "nonce", b"")
        if account is None:
            secret = _NOBODY[: len(response)]
        else:
            secret = account.md5 if hash_ is hashlib.md5 else account.sha256
        before = secret + b":" + nonce + b":"
        after = hexlify(hash_(method.encode() + b":" + uri).digest())
        count = None
        if qop is not None:
            after = b":auth:" + after
            digits = parameter(found, "nc", b"")
            count = _count(digits)
            data = before + digits + b":" + parameter(found, "cnonce", b"") + after
        else:
            data = before + after
        _compare(hash_(data).digest(), response)
        if account is None:
            raise Refused()
        entry = self._nonces.get(nonce) or self._issued(nonce)
        # What may need memory comes before the nonce is used: it can be tried once more.
        learnt = qop is not None and _quoted(found, b"cnonce")
        if learnt:
            memory.method = method
            memory.target = target
            memory.before = before
            memory.after = after
            memory.hash = hash_
            memory.nonce = entry
            memory.learn(value, found)
        self._use(entry, count, now)
        self._remember(nonce, entry)
        if learnt:
            memory.account = account
            memory.accounts = self._accounts
        return account

    def _issue(self, now):
        """A new nonce: 8 hex digits of issue time in s, 12 of serial number, 16 of their HMAC."""
        self._serial += 1
        head = b"%08x%012x" % (now // 1000, self._serial)
        return head + self._seal(head)

    def _seal(self, head):
        """HMAC-SHA256 (RFC 2104), cut to 64 bits, as hex."""
        inner = hashlib.sha256(self._inner + head).digest()
        return hexlify(hashlib.sha256(self._outer + inner).digest()[:8])

    def _issued(self, nonce):
        """A nonce that is not in the table: is it one of ours, and young enough to be unused?"""
        head = nonce[:20]
        if self._seal(head) != nonce[20:]:
            raise Refused(stale=True)
        serial = int(head[8:], 16)
        if serial <= self._floor:
            raise Refused(stale=True)
        return _Nonce(int(head[:8], 16), serial)

    def _use(self, entry, count, now):
        """Use nc `count` of a nonce, None without qop; Refused when it cannot be."""
        if now // 1000 - entry.issued_s > NONCE_S:
            raise Refused(stale=True)
        if count is None:
            # A nonce that carries no nc is good for one request and then for none.
            if entry.seen:
                raise Refused(stale=True)
            count = _LAST_COUNT
        if not entry.use(count):
            raise Refused(stale=True)
        entry.used_ms = now

    def _remember(self, nonce, entry):
        """Keep a nonce that has carried valid credentials."""
        nonces = self._nonces
        if nonce not in nonces and len(nonces) >= NONCES_KEPT:
            # Of those used in the same ms the one issued first, so that the floor rises least.
            oldest = min(nonces, key=lambda key: (nonces[key].used_ms, nonces[key].serial))
            self._floor = max(self._floor, nonces.pop(oldest).serial)
        nonces[nonce] = entry


def parse(value):
    """The parameters of Digest credentials: `{name: (value, start, end)}`, positions in `value`.

    RFC 9110 section 11.4, but white space or nothing may stand for a comma. Refused for anything
    that is not that, for a name given twice (qop may be, with one value), one not of letters and
    hyphens, and for quoted-pairs, which nothing of ours needs: a backslash stands for itself, and
    in `uri` alone. curl writes the address of `port.cgi?action=5:/500\\` so.
    """
    if value[:7].lower() != b"digest ":
        raise Refused()
    found = {}
    at = 7
    length = len(value)
    while at < length:
        if value[at] in b" \t,":
            at += 1
            continue
        equals = value.find(b"=", at)
        if equals < 0:
            raise Refused()
        name = value[at:equals].strip(b" \t").lower()
        at = equals + 1
        while at < length and value[at] in b" \t":
            at += 1
        if value[at : at + 1] == b'"':
            start = at + 1
            end = value.find(b'"', start)
            if end < 0:
                raise Refused()
            at = end + 1
        else:
            start = end = at
            while end < length and value[end] not in b" \t,":
                end += 1
            at = end
        if not name.replace(b"-", b"").isalpha():
            raise Refused()
        if name in found and (name != b"qop" or parameter(found, "qop") != value[start:end]):
            raise Refused()
        found[name] = (value, start, end)
    if b"\\" in value and value.count(b"\\") != parameter(found, "uri", b"").count(b"\\"):
        raise Refused()
    return found


def parameter(found, name, default=None):
    """The value of a parameter, `default` when it is not there."""
    where = found.get(name.encode())
    if where is None:
        return default
    value, start, end = where
    return value[start:end]


def _quoted(found, name):
    """True when a parameter is there and in quotes."""
    value, start, _ = found.get(name, (b"", 0, 0))
    return value[start - 1 : start] == b'"'


def _count(digits):
    """nc: up to eight hex digits, and zeros in front of them."""
    if not digits or digits.strip(HEX) or len(digits) > 8 and len(digits.lstrip(b"0")) > 8:
        raise Refused()
    return int(digits, 16)


def _compare(digest, response):
    """Refused unless hex `response` is `digest`; takes the same time wherever they differ."""
    try:
        given = unhexlify(response)
    except ValueError:
        raise Refused()
    if len(given) != len(digest):
        raise Refused()
    if int.from_bytes(given, "big") ^ int.from_bytes(digest, "big"):
        raise Refused()
