"""Who gets in with which credentials (RFC 7616, RFC 2617), and who never gets locked out."""

import hashlib
from binascii import hexlify

from claims import raises
from holdfast.wire import digest
from holdfast.wire.digest import (
    NONCE_S,
    NONCES_KEPT,
    WINDOW,
    Authenticator,
    Memory,
    Refused,
    _Nonce,
    parse,
)

REALM = "AXIS_ACCC8E000000"
NOW = 5_000_000
LATER = NOW + 60_000
GET = "GET"
URI = "/vapix/ws-data-stream?sources=events"


def md5(data):
    return hexlify(hashlib.md5(data).digest())


def sha256(data):
    return hexlify(hashlib.sha256(data).digest())


HASHES = {"MD5": md5, "SHA-256": sha256}


class Account:
    def __init__(self, name, password, realm=REALM):
        self.name = name
        secret = ("%s:%s:%s" % (name, realm, password)).encode()
        self.md5 = md5(secret)
        self.sha256 = sha256(secret)


ACCOUNTS = (Account("root", "pass"), Account("viewer", "other"), Account("é:x", "p"))


def server(seed=1, accounts=ACCOUNTS, realm=REALM):
    return Authenticator(realm, accounts, lambda count: bytes([seed] * count))


def nonce_of(challenge):
    return challenge.split('nonce="')[1].split('"')[0]


def fresh(authenticator, now=NOW):
    """The nonce of a new challenge."""
    return nonce_of(authenticator.challenges(now)[0])


def credentials(nonce, nc=1, **changed):
    """An Authorization value as a client makes it.

    changed: user, password, realm, method, uri, algorithm, cnonce, qop to compute with; form: what
    to write, with %(name)s for each; signed: the uri to sign when another is written.
    """
    parts = {
        "user": "root",
        "password": "pass",
        "realm": REALM,
        "method": GET,
        "uri": URI,
        "algorithm": "MD5",
        "cnonce": "0a4f113b",
        "qop": "auth",
        "nonce": nonce,
        "nc": "%08x" % nc if isinstance(nc, int) else nc,
        "form": USUAL,
    }
    parts.update(changed)
    hash_ = HASHES[parts["algorithm"]]
    a1 = hash_(("%(user)s:%(realm)s:%(password)s" % parts).encode())
    a2 = hash_(("%s:%s" % (parts["method"], parts.get("signed", parts["uri"]))).encode())
    middle = ":%(nonce)s:%(nc)s:%(cnonce)s:%(qop)s:" if parts["qop"] else ":%(nonce)s:"
    response = hash_(a1 + (middle % parts).encode() + a2).decode()
    parts["response"] = changed.get("response", response)
    return (parts["form"] % parts).encode()


USUAL = (
    'Digest username="%(user)s", realm="%(realm)s", nonce="%(nonce)s", uri="%(uri)s", '
    'response="%(response)s", algorithm=%(algorithm)s, qop=%(qop)s, nc=%(nc)s, cnonce="%(cnonce)s"'
)
WITHOUT_QOP = (
    'Digest username="%(user)s", realm="%(realm)s", nonce="%(nonce)s", uri="%(uri)s", '
    'response="%(response)s"'
)


def verdict(authenticator, value, method=GET, target=URI, now=LATER, memory=None):
    """The account's name, or "stale", or "refused"."""
    try:
        account = authenticator.check(value, method, target, now, memory or Memory())
    except Refused as refused:
        return "stale" if refused.stale else "refused"
    return account.name


def tried(form=USUAL, target=URI, **changed):
    """What a new server says to a new client's first request."""
    authenticator = server()
    value = credentials(fresh(authenticator), form=form, **changed)
    return verdict(authenticator, value, changed.get("method", GET), target)


# -- the arithmetic -------------------------------------------------------------------------------


def test_rfc_7616_section_3_9_1():
    realm = "http-auth@example.org"
    account = Account("Mufasa", "Circle of Life", realm)
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        value = (
            'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
            'algorithm=%s, nonce="%s", nc=00000001, '
            'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="%s", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' % (algorithm, nonce, response)
        ).encode()
        authenticator = server(accounts=[account], realm=realm)
        # As if it had issued the nonce of the example.
        authenticator._nonces[nonce.encode()] = _Nonce(NOW // 1000, 1)
        memory = Memory()
        assert verdict(authenticator, value, GET, "/dir/index.html", NOW, memory) == "Mufasa"
        # A replay: right, but used.
        assert verdict(authenticator, value, GET, "/dir/index.html", NOW, memory) == "stale"
        assert verdict(authenticator, value, GET, "/dir/index.html", NOW) == "stale"
        wrong = value.replace(response.encode(), response.encode().replace(b"5", b"6"))
        assert verdict(authenticator, wrong, GET, "/dir/index.html", NOW) == "refused"


def test_rfc_2617_section_3_5():
    realm = "testrealm@host.com"
    account = Account("Mufasa", "Circle Of Life", realm)
    nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    authenticator = server(accounts=[account], realm=realm)
    authenticator._nonces[nonce.encode()] = _Nonce(NOW // 1000, 1)
    value = (
        b'Digest username="Mufasa", realm="testrealm@host.com", '
        b'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, '
        b'nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1", '
        b'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    assert verdict(authenticator, value, GET, "/dir/index.html", NOW) == "Mufasa"


def test_a_challenge_offers_both_algorithms_with_one_nonce_md5_first():
    authenticator = server()
    first, second = authenticator.challenges(NOW)
    nonce = nonce_of(first)
    assert nonce_of(second) == nonce
    assert first == 'Digest realm="%s", nonce="%s", algorithm=MD5, qop="auth"' % (REALM, nonce)
    assert second == first.replace("MD5", "SHA-256")
    for challenge in authenticator.challenges(NOW, stale=True):
        assert challenge.endswith(', qop="auth", stale=true')
        assert nonce_of(challenge) != nonce


def test_nonces_are_never_the_same():
    authenticator = server()
    nonces = [fresh(authenticator) for _ in range(50)] + [fresh(authenticator, NOW + 1)]
    nonces.append(fresh(server(2)))
    assert len(set(nonces)) == len(nonces)


# -- what real clients do -------------------------------------------------------------------------


def test_both_algorithms_let_in():
    assert tried() == "root"
    assert tried(algorithm="SHA-256") == "root"
    assert tried(user="viewer", password="other") == "viewer"
    assert tried(user="é:x", password="p") == "é:x"
    assert tried(method="POST") == "root"


def test_algorithm_may_be_left_out_or_quoted_or_in_another_case():
    plain = USUAL.replace(" algorithm=%(algorithm)s,", "")
    assert tried(plain) == "root"
    assert tried(plain, algorithm="SHA-256") == "refused"
    quoted = USUAL.replace("%(algorithm)s", '"%(algorithm)s"')
    assert tried(quoted) == "root"
    assert tried(quoted, algorithm="SHA-256") == "root"
    assert tried(USUAL.replace("%(algorithm)s", "md5")) == "root"
    assert tried(USUAL.replace("%(algorithm)s", '"sha-256"'), algorithm="SHA-256") == "root"


def test_parameters_may_be_quoted_or_not_spaced_or_not_and_in_any_order():
    for form in (
        USUAL.replace("qop=%(qop)s", 'qop="%(qop)s"').replace("nc=%(nc)s", 'nc="%(nc)s"'),
        USUAL.replace('"%(response)s"', "%(response)s").replace('"%(cnonce)s"', "%(cnonce)s"),
        USUAL.replace(", ", ","),
        USUAL.replace(", ", " "),
        USUAL.replace('", ', '"'),
        USUAL.replace(", ", " ,\t, "),
        USUAL.replace("=", " = "),
        USUAL.replace("=", "\t=\t"),
        USUAL.replace("Digest ", "digest   "),
        USUAL.replace("Digest ", "DIGEST ,"),
        USUAL + " , ",
        USUAL.replace("username", "UserName").replace("qop=", "QOP="),
        USUAL + ', opaque="", charset=UTF-8, auth-param=x',
        "Digest " + ", ".join(reversed(USUAL[len("Digest ") :].split(", "))),
    ):
        assert tried(form) == "root", form


def test_uri_may_lack_a_query_that_only_reads():
    assert tried(uri="/vapix/ws-data-stream") == "root"
    assert tried(uri="/vapix/ws-data-stream", target="/vapix/ws-data-stream") == "root"
    port = "/axis-cgi/io/port.cgi"
    assert tried(uri=port, target=port + "?check=1") == "root"
    for query in ("?action=5:/", "?check=1&action=5:/", "?%61ction=5%3A/", "?monitor=1"):
        assert tried(uri=port, target=port + query) == "refused"
        assert tried(uri=port + query, target=port + query) == "root"
    token = "/axis-cgi/wssession.cgi"
    assert tried(uri=token, target=token + "?x") == "refused"


def test_uri_may_be_encoded_otherwise_or_in_absolute_form():
    port = "/axis-cgi/io/port.cgi?action="
    for uri, target in (
        (port + "5%3A%2F", port + "5:/"),
        (port + "5:/", port + "5%3A%2f"),
        (port + "5:/500%5C", port + "5:/500\\"),
        ("http://192.168.0.90" + port + "5:/", port + "5:/"),
        ("HTTPS://door:443" + port + "5:/", port + "5:/"),
        ("http://192.168.0.90/vapix/ws-data-stream", URI),
    ):
        assert tried(uri=uri, target=target) == "root", uri
        assert tried(uri=uri, target=target, password="guess") == "refused"
    for uri, target in (
        (port + "5%3A%2F", port + "6:/"),
        (port + "5%3", port + "5%3"[:-1]),
        ("ftp://192.168.0.90" + port + "5:/", port + "5:/"),
        ("http://192.168.0.90", port + "5:/"),
        ("/axis-cgi%2Fio/port.cgi?action=6:/", port + "5:/"),
    ):
        assert tried(uri=uri, target=target) == "refused", uri


def test_an_md5_response_is_taken_whatever_algorithm_says():
    named = USUAL.replace("%(algorithm)s", "SHA-256")
    assert tried(named) == "root"
    assert tried(named, password="guess") == "refused"
    assert tried(USUAL.replace("%(algorithm)s", "MD5"), algorithm="SHA-256") == "refused"


def test_md5_may_be_switched_off():
    authenticator = server()
    authenticator.md5 = False
    assert [text.count("SHA-256") for text in authenticator.challenges(NOW)] == [1]
    for form in (USUAL, USUAL.replace("%(algorithm)s", "SHA-256"), WITHOUT_QOP):
        qop = None if form is WITHOUT_QOP else "auth"
        assert verdict(authenticator, credentials(fresh(authenticator), form=form, qop=qop)) == (
            "refused"
        )
    value = credentials(fresh(authenticator), algorithm="SHA-256")
    assert verdict(authenticator, value) == "root"


def test_a_name_of_nobody_takes_the_same_work():
    """As many hashes; nobody's has a hash that somebody could know."""
    counted = []
    lengths = []
    real = hashlib.md5

    def counting(data=b""):
        counted.append(len(data))
        return real(data)

    authenticator = server()
    nonce = fresh(authenticator)
    before = digest.hashlib

    class Counting:
        md5 = staticmethod(counting)
        sha256 = before.sha256

    digest.hashlib = Counting
    digest._HASHES[b"MD5"] = counting
    try:
        for user in ("root", "nobody"):
            value = credentials(nonce, user=user, password="guess")
            counted[:] = []
            assert verdict(authenticator, value) == "refused"
            assert len(counted) == 2
            lengths.append(counted[:])
        assert lengths[0] == lengths[1]
    finally:
        digest.hashlib = before
        digest._HASHES[b"MD5"] = real
    secret = "0" * 32
    response = md5(
        (secret + ":%s:00000001:0a4f113b:auth:" % nonce).encode()
        + md5(("%s:%s" % (GET, URI)).encode())
    ).decode()
    assert verdict(authenticator, credentials(nonce, user="nobody", response=response)) == (
        "refused"
    )


def test_credentials_without_qop_are_good_for_one_request():
    authenticator = server()
    value = credentials(fresh(authenticator), qop=None, form=WITHOUT_QOP)
    memory = Memory()
    assert verdict(authenticator, value, memory=memory) == "root"
    assert verdict(authenticator, value, memory=memory) == "stale"
    assert verdict(authenticator, value) == "stale"
    nonce = fresh(authenticator)
    value = credentials(nonce, qop=None, form=WITHOUT_QOP)
    assert verdict(authenticator, value) == "root"
    for nc in (1, 2, 0xFFFFFFFF):
        assert verdict(authenticator, credentials(nonce, nc)) == "stale"
    nonce = fresh(authenticator)
    assert verdict(authenticator, credentials(nonce, 1)) == "root"
    assert verdict(authenticator, credentials(nonce, qop=None, form=WITHOUT_QOP)) == "stale"
    assert verdict(authenticator, credentials(nonce, 2)) == "root"


def test_basic_and_other_schemes_are_refused_without_stale():
    authenticator = server()
    for value in (
        b"Basic cm9vdDpwYXNz",
        b"",
        b"Digest",
        b"Digest ",
        b"Digest\tusername=x",
        b"Digestusername=x",
        b"Bearer x",
        b"\xff\xfe",
    ):
        assert verdict(authenticator, value) == "refused"


def test_the_first_of_two_nonces_issued_is_as_good_as_the_second():
    authenticator = server()
    first, second = fresh(authenticator), fresh(authenticator)
    assert verdict(authenticator, credentials(second)) == "root"
    assert verdict(authenticator, credentials(first)) == "root"
    assert verdict(authenticator, credentials(first, 2)) == "root"
    assert verdict(authenticator, credentials(second, 2)) == "root"


def test_one_nonce_serves_several_connections():
    authenticator = server()
    nonce = fresh(authenticator)
    memories = [Memory(), Memory(), Memory()]
    for nc in range(1, 60):
        value = credentials(nonce, nc)
        assert verdict(authenticator, value, memory=memories[nc % 3]) == "root"
        assert verdict(authenticator, value, memory=memories[(nc + 1) % 3]) == "stale"


def test_a_new_nonce_for_every_request_works_for_ever():
    authenticator = server()
    memory = Memory()
    for step in range(200):
        nonce = fresh(authenticator, NOW + step)
        assert verdict(authenticator, credentials(nonce), now=NOW + step, memory=memory) == "root"
    assert len(authenticator._nonces) <= NONCES_KEPT


# -- what does not hold ---------------------------------------------------------------------------


def test_whoever_has_not_the_password_is_refused_without_stale():
    assert tried(password="Pass") == "refused"
    assert tried(password="") == "refused"
    assert tried(user="nobody") == "refused"
    assert tried(user="Root") == "refused"
    assert tried(user="") == "refused"
    assert tried(user="viewer") == "refused"
    assert tried(
        password="pass", algorithm="SHA-256", form=USUAL.replace("%(algorithm)s", "MD5")
    ) == ("refused")


def test_realm_uri_and_method_must_be_those_of_the_request():
    assert tried(realm="other") == "refused"
    assert tried(uri="/other") == "refused"
    assert tried(uri="/vapix/ws-data-stream?") == "refused"
    assert tried(uri="/vapix/ws-data-stream?sources=event") == "refused"
    assert tried(uri="") == "refused"
    assert tried(uri="/other", signed=URI) == "refused"
    assert tried(signed="/other") == "refused"
    authenticator = server()
    value = credentials(fresh(authenticator), method="POST")
    assert verdict(authenticator, value, "GET") == "refused"
    assert verdict(authenticator, value, "post") == "refused"
    assert verdict(authenticator, value, "POST") == "root"


def test_other_algorithms_and_qops_are_refused():
    for name in ("MD5-sess", "SHA-256-sess", "SHA-512-256", "SHA", "", "MD5,SHA-256"):
        assert tried(USUAL.replace("%(algorithm)s", '"%s"' % name)) == "refused"
    for name in ("auth-int", "auth,auth-int", "AUTH", "", "x"):
        assert tried(USUAL.replace("qop=%(qop)s", 'qop="%s"' % name)) == "refused"
        assert tried(USUAL.replace("qop=%(qop)s", 'qop="%s"' % name), qop=name or "x") == "refused"


def test_every_parameter_that_counts_must_be_there():
    whole = USUAL[len("Digest ") :].split(", ")
    for part in whole:
        if part.startswith("algorithm") or part.startswith("qop"):
            continue
        form = "Digest " + ", ".join([other for other in whole if other != part])
        expected = "refused"
        assert tried(form) == expected, form
    # Without qop the response is another one.
    assert tried(USUAL.replace(" qop=%(qop)s,", "")) == "refused"
    assert tried(USUAL.replace(" qop=%(qop)s,", ""), qop=None) == "root"


def test_a_missing_or_empty_cnonce_counts_as_empty():
    assert tried(cnonce="") == "root"
    assert tried(USUAL.replace(', cnonce="%(cnonce)s"', ""), cnonce="") == "root"


def test_a_parameter_twice_is_refused():
    whole = USUAL[len("Digest ") :].split(", ")
    for part in whole:
        if part.startswith("qop"):
            # Some clients do, and one value has one meaning.
            assert tried("Digest " + ", ".join(whole + [part])) == "root"
            assert tried("Digest " + ", ".join(whole + ['qop="auth-int"'])) == "refused"
            continue
        assert tried("Digest " + ", ".join(whole + [part])) == "refused"
        name = part.split("=")[0]
        assert tried("Digest " + ", ".join(whole + [name.upper() + "=x"])) == "refused"
    assert tried(USUAL + ", x=1, x=1") == "refused"


def test_malformed_parameters_are_refused():
    for form in (
        USUAL[:-1],
        USUAL + '"',
        USUAL + ", x",
        USUAL + ', "x"',
        USUAL + ', "x"=y',
        USUAL + ", =y",
        USUAL + ', ="y"',
        USUAL + ", x y=z",
        USUAL.replace("Digest ", "Digest x, "),
        USUAL.replace("Digest ", "Digest x "),
        USUAL.replace("Digest ", 'Digest "'),
        USUAL.replace("Digest ", "Digest Digest "),
        USUAL.replace("realm=", "realm"),
        USUAL.replace("realm=", "realm=="),
        USUAL.replace('realm="', "realm='"),
        USUAL + ', x="\\""',
        USUAL + ", x=\\",
        USUAL + ", x\0=1",
    ):
        assert tried(form) == "refused", form
    assert tried(cnonce='a"b') == "refused"
    assert tried(cnonce="a\\b") == "refused"


def test_an_address_with_a_backslash_may_be_signed_as_curl_does():
    """`port.cgi?action=5:/500\\` as it is, though the quoted string seems not to end there."""
    target = "/axis-cgi/io/port.cgi?action=5:/500\\"
    assert tried(target=target, uri=target) == "root"
    assert tried(target=target, uri=target, password="guess") == "refused"
    assert tried(target=target, uri=target, cnonce="a\\b") == "refused"
    assert tried(target=target, uri="/axis-cgi/io/port.cgi?action=5:/500\\\\") == "refused"


def test_nc_is_up_to_eight_hex_digits_and_zeros_in_front():
    for nc in ("", "100000001", "0000000g", "+0000001", "0x000001"):
        assert tried(USUAL.replace("nc=%(nc)s", 'nc="%(nc)s"'), nc=nc) == "refused"
    for nc in (" 0000001", "0000001 ", "-0000001", "0000_001", "٣000000"):
        assert tried(USUAL.replace("nc=%(nc)s", 'nc="%(nc)s"'), nc=nc) == "refused"
    for nc in ("00000001", "0000000A", "7fffffff", "80000000", "FFFFFFFF"):
        assert tried(nc=nc) == "root"
    for nc in ("00000000", "0", "1", "a", "0000001", "000000001"):
        assert tried(nc=nc) == "root"


def test_each_nc_is_used_once_however_it_is_written():
    authenticator = server()
    nonce = fresh(authenticator)
    for nc, expected in (
        ("00000000", "root"),
        ("00000000", "stale"),
        ("0", "stale"),
        ("1", "root"),
        ("00000001", "stale"),
        ("2", "root"),
        ("0002", "stale"),
        ("00000003", "root"),
    ):
        assert verdict(authenticator, credentials(nonce, nc=nc)) == expected, nc
    value = credentials(nonce, qop=None, form=WITHOUT_QOP)
    assert verdict(authenticator, value) == "stale"
    nonce = fresh(authenticator)
    assert verdict(authenticator, credentials(nonce, nc="0")) == "root"
    value = credentials(nonce, qop=None, form=WITHOUT_QOP)
    assert verdict(authenticator, value) == "stale"


def test_response_is_hex_of_the_right_length():
    for response in (
        "",
        "0",
        "00",
        "0" * 31,
        "0" * 32,
        "0" * 33,
        "0" * 64,
        "g" * 32,
        " " * 32,
        "٣" * 16,
    ):
        assert tried(response=response) == "refused"
    authenticator = server()
    value = credentials(fresh(authenticator))
    at = value.find(b'response="') + len(b'response="')
    for position in range(32):
        digit = b"0" if value[at + position : at + position + 1] != b"0" else b"1"
        wrong = value[: at + position] + digit + value[at + position + 1 :]
        assert verdict(authenticator, wrong) == "refused"
    for longer in (b"00" + value[at : at + 32], value[at : at + 32] + b"00"):
        assert verdict(authenticator, value[:at] + longer + value[at + 32 :]) == "refused"
    assert (
        verdict(authenticator, value[:at] + value[at : at + 32].upper() + value[at + 32 :])
        == "root"
    )


# -- nonces ---------------------------------------------------------------------------------------


def test_only_the_right_digest_is_told_that_its_nonce_is_stale():
    authenticator = server()
    nonce = fresh(authenticator)
    last = "0" if nonce[-1] != "0" else "1"
    foreign = (
        fresh(server(2)),
        nonce[:-1] + last,
        last + nonce[1:],
        nonce[:19] + "f" + nonce[20:],
        nonce + "0",
        nonce[:-1],
        nonce.upper(),
        nonce[:20] + nonce[20:].upper(),
        nonce[:20],
        "",
        "x",
        "0" * 36,
        "g" * 36,
        "é" * 18,
    )
    for other in foreign:
        if other != nonce:
            assert verdict(authenticator, credentials(other)) == "stale", other
            assert verdict(authenticator, credentials(other, password="x")) == "refused"
            assert verdict(authenticator, credentials(other, user="nobody")) == "refused"
            value = credentials(other, qop=None, form=WITHOUT_QOP)
            assert verdict(authenticator, value) == "stale"
    assert authenticator._nonces == {}
    assert verdict(authenticator, credentials(nonce)) == "root"


def test_a_nonce_of_the_last_run_is_stale():
    before, after = server(1), server(2)
    nonce = fresh(before)
    assert verdict(before, credentials(nonce)) == "root"
    assert verdict(after, credentials(nonce, 2)) == "stale"
    assert verdict(after, credentials(fresh(after))) == "root"


def test_a_nonce_is_too_old_after_an_hour_used_or_not():
    authenticator = server()
    used, unused = fresh(authenticator), fresh(authenticator)
    memory = Memory()
    end = NOW + NONCE_S * 1000
    assert verdict(authenticator, credentials(used, 1), now=NOW, memory=memory) == "root"
    assert verdict(authenticator, credentials(used, 2), now=end, memory=memory) == "root"
    assert verdict(authenticator, credentials(used, 3), now=end + 1000, memory=memory) == "stale"
    assert verdict(authenticator, credentials(used, 4), now=end + 1000) == "stale"
    assert verdict(authenticator, credentials(unused, 1), now=end + 1000) == "stale"
    wrong = credentials(unused, 1, password="x")
    assert verdict(authenticator, wrong, now=end + 1000) == "refused"
    new = fresh(authenticator, end + 1000)
    assert verdict(authenticator, credentials(new), now=end + 1000, memory=memory) == "root"


def test_years_of_uptime_are_no_trouble():
    authenticator = server()
    now = 20 * 366 * 24 * 3600 * 1000
    memory = Memory()
    nonce = fresh(authenticator, now)
    for nc in range(1, 4):
        assert verdict(authenticator, credentials(nonce, nc), now=now, memory=memory) == "root"


def test_a_replay_is_refused_on_any_connection():
    authenticator = server()
    nonce = fresh(authenticator)
    first, second = Memory(), Memory()
    for nc in (1, 2, 3):
        value = credentials(nonce, nc, cnonce="%08d" % nc)
        assert verdict(authenticator, value, memory=first) == "root"
        assert verdict(authenticator, value, memory=first) == "stale"
        assert verdict(authenticator, value, memory=second) == "stale"
        assert verdict(authenticator, value) == "stale"


def test_counts_may_come_out_of_order_within_the_window_once_each():
    authenticator = server()
    nonce = fresh(authenticator)
    highest = 100
    memory = Memory()
    assert verdict(authenticator, credentials(nonce, highest), memory=memory) == "root"
    behind = list(range(1, 40))
    for distance in behind[::3] + behind[1::3] + behind[2::3]:
        expected = "root" if distance < WINDOW else "stale"
        for connection in (memory, None):
            got = verdict(authenticator, credentials(nonce, highest - distance), memory=connection)
            assert got == expected, distance
            expected = "stale"


def test_any_order_of_counts_against_the_plain_definition():
    state = 12345
    for start in (1, 0x3FFFFFF0, 0x7FFFFFF0, 0xFFFFFF00):
        entry = _Nonce(0, 1)
        used = set()
        highest = 0
        for _ in range(400):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            count = start + (state >> 8) % 200
            expected = count not in used and count > highest - WINDOW
            assert entry.use(count) is expected
            assert entry.seen < 1 << WINDOW
            if expected:
                used.add(count)
                highest = max(highest, count)
            assert entry.highest == highest


def test_a_hundred_other_clients_lock_nobody_out():
    authenticator = server()
    now = NOW
    old = fresh(authenticator)
    assert verdict(authenticator, credentials(old), now=now) == "root"
    for other in range(100):
        now += 1
        # One that begins while others come and go.
        nonce = fresh(authenticator, now)
        value = credentials(nonce, user="viewer", password="other")
        assert verdict(authenticator, value, now=now) == "viewer"
        value = credentials(nonce, 2, user="viewer", password="other")
        assert verdict(authenticator, value, now=now) == "viewer"
        assert len(authenticator._nonces) <= NONCES_KEPT
        if other % 10 == 9:
            nonce = fresh(authenticator, now)
            assert verdict(authenticator, credentials(nonce), now=now) == "root"
    assert verdict(authenticator, credentials(old, 2), now=now) == "stale"
    nonce = fresh(authenticator, now)
    assert verdict(authenticator, credentials(nonce), now=now) == "root"
    assert verdict(authenticator, credentials(nonce, 2), now=now) == "root"


def test_a_fresh_nonce_works_for_every_client_of_the_same_ms():
    authenticator = server()
    nonces = [fresh(authenticator) for _ in range(100)]
    for nonce in nonces:
        assert verdict(authenticator, credentials(nonce), now=NOW) == "root"
    # Those that are remembered go on, and what was issued first went first.
    kept = [verdict(authenticator, credentials(nonce, 2), now=NOW) for nonce in nonces]
    assert kept == ["stale"] * (100 - NONCES_KEPT) + ["root"] * NONCES_KEPT


def test_a_nonce_in_use_stays_while_others_come_and_go():
    authenticator = server()
    busy = fresh(authenticator)
    unused = fresh(authenticator)
    for step in range(100):
        now = NOW + step
        assert verdict(authenticator, credentials(busy, step + 1), now=now) == "root"
        assert verdict(authenticator, credentials(fresh(authenticator, now)), now=now) == "root"
    # One that was issued before all of these and never used is stale, not refused.
    assert verdict(authenticator, credentials(unused), now=now) == "stale"


def test_a_nonce_that_was_forgotten_cannot_be_replayed():
    authenticator = server()
    values = []
    for step in range(3 * NONCES_KEPT):
        value = credentials(fresh(authenticator, NOW + step))
        assert verdict(authenticator, value, now=NOW + step) == "root"
        values.append(value)
    for value in values:
        assert verdict(authenticator, value, now=NOW + step) == "stale"


def test_what_was_forgotten_stays_so_when_an_older_nonce_is_forgotten_later():
    authenticator = server()
    oldest = fresh(authenticator)
    first = credentials(fresh(authenticator))
    assert verdict(authenticator, first, now=NOW) == "root"
    for step in range(1, 4 * NONCES_KEPT):
        now = NOW + step
        assert verdict(authenticator, credentials(fresh(authenticator)), now=now) == "root"
        if step < 2 * NONCES_KEPT:
            assert verdict(authenticator, credentials(oldest, step), now=now) == "root"
        assert verdict(authenticator, first, now=now) == "stale"
    assert verdict(authenticator, credentials(oldest, step), now=now) == "stale"


def test_strangers_cannot_make_anybody_s_nonce_be_forgotten():
    authenticator = server()
    nonces = [fresh(authenticator) for _ in range(NONCES_KEPT)]
    waiting = fresh(authenticator)
    for nonce in nonces:
        assert verdict(authenticator, credentials(nonce), now=NOW) == "root"
    for step in range(200):
        now = NOW + step
        nonce = fresh(authenticator, now)
        for value in (
            credentials(nonce, password="guess"),
            credentials(nonce, user="nobody"),
            credentials(nonce, qop=None, form=WITHOUT_QOP, password="guess"),
            credentials(nonces[step % NONCES_KEPT], 5, password="guess"),
        ):
            assert verdict(authenticator, value, now=now) == "refused"
    for nonce in nonces:
        assert verdict(authenticator, credentials(nonce, 2)) == "root"
    assert len(authenticator._nonces) == NONCES_KEPT
    assert verdict(authenticator, credentials(waiting)) == "root"


def test_a_connection_keeps_its_nonce_when_the_table_forgets_it():
    authenticator = server()
    nonce = fresh(authenticator)
    memory = Memory()
    assert verdict(authenticator, credentials(nonce), now=NOW, memory=memory) == "root"
    for step in range(2 * NONCES_KEPT):
        other = fresh(authenticator)
        assert verdict(authenticator, credentials(other), now=LATER + step) == "root"
    assert verdict(authenticator, credentials(nonce, 2), memory=memory) == "root"
    assert verdict(authenticator, credentials(nonce, 2), memory=memory) == "stale"
    assert verdict(authenticator, credentials(nonce, 3)) == "stale"


# -- the memory of the last credentials -----------------------------------------------------------


def test_memory_is_used_for_the_next_request():
    authenticator = server()
    nonce = fresh(authenticator)
    memory = Memory()
    assert verdict(authenticator, credentials(nonce, 1), memory=memory) == "root"
    learned = memory.constants
    value = credentials(nonce, 2, cnonce="ffffffff")
    assert verdict(authenticator, value, memory=memory) == "root"
    assert memory.constants is learned
    assert verdict(authenticator, credentials(nonce, 3, cnonce="x"), memory=memory) == "root"
    assert memory.constants is not learned


def test_memory_does_not_outlive_what_it_did_not_hold():
    authenticator = server()
    nonce = fresh(authenticator)
    memory = Memory()
    assert verdict(authenticator, credentials(nonce, 1), memory=memory) == "root"
    assert verdict(authenticator, credentials(nonce, 2, password="x"), memory=memory) == "refused"
    assert verdict(authenticator, b"Basic cm9vdDpwYXNz", memory=memory) == "refused"
    assert memory.account is None
    assert verdict(authenticator, credentials(nonce, 2), memory=memory) == "root"


def variants(nonce, other):
    """(value, method, target) that a connection may carry, of both kinds, near each other."""
    unquoted = USUAL.replace('cnonce="%(cnonce)s"', "cnonce=%(cnonce)s")
    first = (
        'Digest cnonce="%(cnonce)s", nc=%(nc)s, response=%(response)s, '
        + USUAL[7:].partition(", response")[0]
    )
    found = []
    for changed in (
        {},
        {"cnonce": "ffffffff"},
        {"cnonce": ""},
        {"cnonce": "0123456789"},
        {"cnonce": 'ab", x="'},
        {"cnonce": 'ab"     '},
        {"cnonce": "a\\\\b    "},
        {"cnonce": 'a", nc="'},
        {"form": unquoted},
        {"form": unquoted, "cnonce": "0a,x=13b"},
        {"form": unquoted, "cnonce": "0a 4f13b"},
        {"form": unquoted, "cnonce": '0a"x"13b'},
        {"form": unquoted, "cnonce": "0a4f113c"},
        {"form": USUAL.replace(', cnonce="%(cnonce)s"', ""), "cnonce": ""},
        {"form": USUAL.replace("nc=%(nc)s", 'nc="%(nc)s"')},
        {"form": first},
        {"form": first, "cnonce": "12345678"},
        {"form": WITHOUT_QOP, "qop": None},
        {"user": "viewer", "password": "other"},
        {"user": "viewer", "password": "guess"},
        {"user": "boot"},
        {"password": "guess"},
        {"algorithm": "SHA-256"},
        {"method": "POST"},
        {"method": "PUT"},
        {"uri": URI + "x"},
        {"uri": URI.replace("events", "Events")},
        {"uri": "/vapix/ws-data-stream"},
        {"nonce": other},
        {"nonce": other[:-1] + "x"},
        {"response": "0" * 32},
        {"response": "0" * 31 + '"'},
        {"nc": "00000000"},
        {"nc": "0000000g"},
        {"nc": "%08X" % 0xABCD},
    ):
        method = changed.get("method", GET)
        found.append((changed, method, changed.get("uri", URI)))
        found.append((changed, GET, URI))
    return found


def test_a_memory_never_changes_the_verdict():
    pairs = variants("", "")
    for i in range(len(pairs)):
        # Twins: the same key, the same nonces; one connection remembers and the other does not.
        remembers, forgets = server(), server()
        nonce, other = fresh(remembers), fresh(remembers)
        assert [fresh(forgets), fresh(forgets)] == [nonce, other]
        pairs = variants(nonce, other)
        memory = Memory()
        count = 0
        for then in pairs:
            for changed, method, target in (pairs[i], then):
                count += 1
                parts = {"nonce": nonce, "nc": count}
                parts.update(changed)
                value = credentials(**parts)
                expected = verdict(forgets, value, method, target)
                got = verdict(remembers, value, method, target, memory=memory)
                assert got == expected, (pairs[i], changed, method, target)


def test_every_change_of_a_byte_is_judged_as_by_a_fresh_memory():
    remembers, forgets = server(), server()
    nonce = fresh(remembers)
    assert fresh(forgets) == nonce
    memory = Memory()
    nc = 0
    for at in range(len(credentials(nonce))):
        for other in (b"", b"x", b'"', b" ", b",", b"\\", b"=", b"0", b"\0", b'",'):
            nc += 1
            value = credentials(nonce, nc)
            assert verdict(remembers, value, memory=memory) == "root"
            assert verdict(forgets, value) == "root"
            nc += 1
            value = credentials(nonce, nc)
            value = value[:at] + other + value[at + 1 :]
            expected = verdict(forgets, value)
            assert verdict(remembers, value, memory=memory) == expected, value


def test_what_is_put_behind_is_judged_as_by_a_fresh_memory():
    last = USUAL.replace(" nc=%(nc)s,", "") + ", nc=%(nc)s"
    for form in (USUAL, last):
        remembers, forgets = server(), server()
        nonce = fresh(remembers)
        assert fresh(forgets) == nonce
        memory = Memory()
        nc = 0
        for other in (
            b"0",
            b"x",
            b'"',
            b" ",
            b",",
            b", x=1",
            b", nc=5",
            b'"x"',
            b"\\",
            b", opaque",
        ):
            nc += 2
            value = credentials(nonce, nc, form=form)
            assert verdict(remembers, value, memory=memory) == "root"
            assert verdict(forgets, value) == "root"
            value = credentials(nonce, nc + 1, form=form) + other
            expected = verdict(forgets, value)
            assert verdict(remembers, value, memory=memory) == expected, value


def test_another_realm_and_whether_md5_is_offered_count_at_once():
    authenticator = server()
    assert len(authenticator.challenges(0)) == 2
    authenticator.reconfigure("Other", ACCOUNTS, False)
    (challenge,) = authenticator.challenges(0)
    assert 'realm="Other"' in challenge and "SHA-256" in challenge


def test_accounts_that_changed_are_judged_anew_on_a_kept_connection():
    for accounts, wanted in ((ACCOUNTS, "root"), (ACCOUNTS[1:], "refused")):
        authenticator = server()
        memory = Memory()
        nonce = fresh(authenticator)
        assert verdict(authenticator, credentials(nonce, 1), memory=memory) == "root"
        authenticator.reconfigure(authenticator.realm, accounts)
        assert verdict(authenticator, credentials(nonce, 2), memory=memory) == wanted
    other = (Account("root", "new"),)
    authenticator.reconfigure(authenticator.realm, other)
    assert verdict(authenticator, credentials(nonce, 3), memory=memory) == "refused"
    value = credentials(nonce, 4, password="new")
    assert verdict(authenticator, value, memory=memory) == "root"
    assert memory.account is other[0]


def test_parse_says_where_values_stand():
    value = b'Digest a="1, 2" , bc=3x,d=""'
    found = parse(value)
    assert sorted(found) == [b"a", b"bc", b"d"]
    assert [value[start:end] for _, start, end in (found[b"a"], found[b"bc"], found[b"d"])] == [
        b"1, 2",
        b"3x",
        b"",
    ]
    raises(Refused, parse, b"Digest a")


def test_a_count_is_a_number_however_it_is_written():
    for digits, count in ((b"1", 1), (b"0000000a", 10), (b"0" * 30 + b"00000001", 1)):
        assert digest._count(digits) == count
    for digits in (b"", b"100000000", b"0000000001ffffffff", b"+1", b"1_0", b"g"):
        raises(digest.Refused, digest._count, digits)
