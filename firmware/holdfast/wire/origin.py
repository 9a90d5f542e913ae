"""Whose page makes a browser ask this: another site's may not (RFC 6454, RFC 9110 section 10.1.3).

A browser that knows the password sends it with whatever any page makes it ask for. It says whose
page that is: in Origin with everything but plain GETs, in Referer with those, unless that page
forbids it. So a browser's GET that changes something needs one of them, and both must be ours.

Other programs send neither, or an Origin of their own making: the vendor's example of an event
stream is an extension's, `chrome-extension://...`, which no site can send. These pass.
"""

from holdfast.wire.http import HttpError
from holdfast.wire.query import parameters

# What changes something though it is a GET: with an action that is none of these (port.cgi,
# virtualinput.cgi, pwdgrp.cgi, param.cgi), or by its address alone.
_READING = ("get", "list")
_CHANGING = ("/axis-cgi/virtualinput/activate.cgi", "/axis-cgi/virtualinput/deactivate.cgi")


def check(request):
    """HttpError 403 for what another site asks a browser for."""
    headers = request.headers
    origin = headers.get("origin")
    if origin is not None:
        if _foreign(origin, headers.get("host")):
            raise HttpError(403)
        return
    if not changes(request):
        return
    if _foreign(headers.get("referer", "null"), headers.get("host")):
        raise HttpError(403)


def changes(request):
    """True for a GET that changes something."""
    if request.method not in ("GET", "HEAD"):
        return False  # has an Origin when a browser sends it for a page
    if request.path in _CHANGING:
        return True
    if not request.path.startswith("/axis-cgi/"):
        return False
    for name, value in parameters(request.query):
        if name == "action" and value not in _READING:
            return True
    return False


def _foreign(address, host):
    """True for the address of a site that is not this host, and for "null", which may be any."""
    scheme, mark, rest = address.partition("://")
    if scheme.lower() not in ("http", "https", "null"):
        return False
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
