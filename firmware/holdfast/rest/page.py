"""The page for browsers, `GET /` and what belongs to it: compressed files, sent in pieces of 1 KB.

The files are data of the modules of holdfast.page, see tools/page.py; a piece is in the heap while
it is sent. The page holds nothing of the module: what it shows it asks for, with the rights of who
looks at it. Still it begins with a login, so that a browser asks for the password once, before the
page, and sends it with all that the page then asks for. Only a device without any account shows
the page to anybody, to be set up.
"""

from holdfast.core.accounts import VIEWER
from holdfast.wire.http import HttpError, Response

_ROOT = "/"
# Everything comes from the module itself, nothing is inline, nobody frames it (CSP level 3); a
# click that leads away tells nobody where from.
_LINES = (
    "Content-Encoding: gzip",
    "Referrer-Policy: same-origin",
    "Cross-Origin-Resource-Policy: same-origin",
)
_PAGE_LINES = (
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control: no-cache",
)
# Asked for under another name when it is another content.
_KEPT = ("Cache-Control: max-age=31536000, immutable",)


class PageService:
    """borrow: a function(module, name) that gives what a module holds, and lets go of the module.
    store: of the settings, whose `fresh` tells a device without any account.
    """

    def __init__(self, borrow, store):
        self._borrow = borrow
        self._store = store

    def get(self, caller, request, now):
        """Answer with one of the files, or with 304 when the browser has it."""
        if request.path == _ROOT and not self._store.fresh:
            if caller.account is None:
                raise HttpError(401)
            if caller.account.role < VIEWER:
                raise HttpError(403)
        for row in self._borrow("holdfast.page.index", "ROWS"):
            if row[0] == request.path:
                break
        else:
            raise HttpError(404)
        tag = '"%s"' % row[2]
        lines = ["ETag: " + tag]
        lines.extend(_PAGE_LINES if request.path == _ROOT else _KEPT)
        known = request.headers.get("if-none-match", "")
        if known == "*" or tag in [
            text.strip(" \t").replace("W/", "") for text in known.split(",")
        ]:
            return Response(304, lines=lines)
        lines.extend(_LINES)
        _, content_type, _, length, first, count = row
        response = Response(200, lambda: self._pieces(first, count), content_type, lines)
        response.length = length
        return response

    def _pieces(self, first, count):
        """A file of the page; its pieces are fetched when they are to be sent."""
        for number in range(first, first + count):
            yield from self._borrow("holdfast.page.part%d" % number, "PIECES")
