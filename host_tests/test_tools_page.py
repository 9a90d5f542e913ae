"""The page that boards carry is the one its sources make, and it is small."""

import gzip
import re

import page
import pytest
from holdfast.page import index

ROWS = {row[0]: row for row in index.ROWS}


def packed(path):
    """The bytes of a file, put together as a board sends it."""
    _, _, _, length, first, count = ROWS[path]
    data = b""
    for number in range(first, first + count):
        module = __import__("holdfast.page.part%d" % number, None, None, ("PIECES",))
        for piece in module.PIECES:
            assert len(piece) <= page.PIECE_BYTES
            data += piece
    assert len(data) == length
    return data


def text(path):
    return gzip.decompress(packed(path)).decode()


def test_it_was_built_from_these_sources():
    said = page.fingerprint() in (page.TARGET / "index.py").read_text()
    assert said, "firmware/page/ has changed: `make page`"


def test_all_of_it_is_within_its_budget():
    assert sum(len(packed(path)) for path in ROWS) <= page.BUDGET_BYTES


def test_nothing_is_inline_and_nothing_comes_from_elsewhere():
    html = text(page.HTML)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    for script in html.split("<script")[1:]:
        assert script.startswith(' defer src="/holdfast/page.js?')
    for path in ROWS:
        content = text(path).replace("http://www.w3.org/", "")
        assert "http://" not in content.replace("http:// and", "")
        assert "https://" not in content
    assert "eval(" not in text(page.JS) and "new Function" not in text(page.JS)


def test_what_a_browser_keeps_has_another_name_when_it_changes():
    for path in (page.CSS, page.JS):
        assert '"%s?' % path in text(page.HTML)


@pytest.mark.parametrize("size", (0, 1, 1024, 1025, 2048, 2049, 20000))
def test_packing_keeps_every_byte(size):
    # Bytes that do not compress, so that there are as many pieces as it seems.
    data = b"".join(bytes([i * i * 7 % 251, i % 256]) for i in range(size))
    rows, parts = page.pack({page.JS: data, page.CSS: b"x"})
    for path, _, _, length, first, count in rows:
        got = b"".join(b"".join(pieces) for pieces in parts[first : first + count])
        assert len(got) == length
        assert gzip.decompress(got) == (data if path == page.JS else b"x")
    whole = bytes(range(256))
    assert eval("(\n%s)" % page.literal(whole)) == whole
