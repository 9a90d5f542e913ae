"""Whose page makes a browser ask this: another site's may not (RFC 6454, RFC 9110 section 10.1.3).

A browser that knows the password sends it with whatever any page makes it ask for. It says whose
page that is: in Origin with everything but plain GETs; with those in Sec-Fetch-Site where the
address is secure (https, or this machine), and else in Referer, unless that page forbids it. So a
browser's GET that changes something needs one of them, and it must be ours.

How a browser is told from other programs: by Sec-Fetch-Site where there is one. Over plain HTTP
browsers do not send it; there a browser is "Mozilla/" in User-Agent with Accept-Language,
Upgrade-Insecure-Requests or Referer beside it. All browsers send Accept-Language with every
request, and no page can take it out. Programs that only call themselves Mozilla do not:
PowerShell, curl -A and video management systems. They pass.

Other programs send no Origin, or one of their own making: the vendor's example of an event stream
is an extension's, `chrome-extension://...`, which no site can send. These may have the stream, and
the token for it, and nothing else.

A site may also let its own name lead to the module's address (DNS rebinding); its pages are the
module's own then, by all of that. So whatever says Origin or Mozilla must have asked for a name
that no site in the Internet can have: an address in digits; a name without a dot or in a domain of
private networks, which is the host name of the settings if there is one; or a name from the
settings (`login.names`). Else 421.
"""

from holdfast.wire.http import HttpError
from holdfast.wire.query import octets, parameters

# What changes something though it is a GET: with an action that is none of these (port.cgi,
# virtualinput.cgi, pwdgrp.cgi, param.cgi), or by its address alone. A stream of ports takes a
# place, and a token pushes out another one.
_READING = ("get", "list")
_CHANGING = (
    "/axis-cgi/virtualinput/activate.cgi",
    "/axis-cgi/virtualinput/deactivate.cgi",
    "/axis-cgi/wssession.cgi",
)
# For programs that have an Origin of their own making.
_STREAM = ("/vapix/ws-data-stream", "/axis-cgi/wssession.cgi")

# Domains that are not delegated in the Internet: RFC 6762, RFC 8375, RFC 6761, ICANN's .internal,
# and what home routers use.
_PRIVATE = ("", "local", "localhost", "home.arpa", "internal", "lan", "home", "localdomain")

_NAME = '{"error":{"key":"Host","problem":"%s"}}' % (
    "this name is not known to be the module's; use its IP address, or add the name to login.names"
)


def check(request, names=(), hostname=""):
    """HttpError 403 for what another site asks a browser for, 421 for a name that may be another
    site's. names: that are the module's, too; hostname: its own, "" for none.
    """
    headers = request.headers
    origin = headers.get("origin")
    host = headers.get("host")
    if not _own(host or "", names, hostname):
        error = HttpError(421)
        error.json = _NAME
        raise error
    if origin is not None:
        if _foreign(origin, host, request.path):
            raise HttpError(403)
        return
    if not changes(request.method, request.path, request.query):
        return
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise HttpError(403)
    elif "accept-language" not in headers and "referer" not in headers:
        pass  # no browser
    elif _foreign(headers.get("referer", "null"), host, ""):
        raise HttpError(403)


def changes(method, path, query):
    """True for a GET that changes something."""
    if method not in ("GET", "HEAD"):
        return False  # has an Origin when a browser sends it for a page
    if path in _CHANGING:
        return True
    if not path.startswith("/axis-cgi/"):
        return False
    for name, value in parameters(query):
        if name == "monitor" or name == "action" and value not in _READING:
            return True
    return False


def signs(uri, method, target):
    """True when the `uri` (bytes) of Digest credentials names the target, other than by the same
    bytes.
    """
    path, mark, query = target.partition("?")
    uri = uri.decode() if uri and max(uri) < 128 else ""
    scheme, slashes, rest = uri.partition("://")
    if slashes and scheme.lower() in ("http", "https"):
        uri = "/" + rest.partition("/")[2]
    signed, signed_mark, signed_query = uri.partition("?")
    wanted = octets(path), octets(query)
    if None in wanted or octets(signed) != wanted[0]:
        return False
    if mark and not signed_mark:
        return not changes(method, path, query)
    return mark == signed_mark and octets(signed_query) == wanted[1]


def _own(host, names, hostname):
    """True for a Host that can only be the module's."""
    host = host.rpartition("@")[2].lower()
    if host[:1] == "[" or not host.strip("0123456789.:"):
        return True
    host = host.partition(":")[0].rstrip(".")
    if host in names or host == "localhost":
        return True
    label, _, domain = host.partition(".")
    return domain in _PRIVATE and (not hostname or label == hostname.lower())


def _foreign(address, host, path):
    """True for the address of a site that is not this host, for "null", which may be any, and for
    a program's own but where that may be.
    """
    scheme, mark, rest = address.partition("://")
    if scheme.lower() not in ("http", "https", "null"):
        return path not in _STREAM
    authority = rest.partition("/")[0].partition("?")[0]
    # Where the address names a user, what counts is behind it.
    authority = authority.split("@")[-1].lower()
    own = (host or "").split("@")[-1].lower()
    return not mark or not own or _plain(scheme, authority) != _plain(scheme, own)


def _plain(scheme, authority):
    """Without the port when it is the scheme's own."""
    for name, port in (("http", ":80"), ("https", ":443")):
        if scheme.lower() == name and authority.endswith(port):
            return authority[: -len(port)]
    return authority
