"""What a page of another site can make a browser do: a real Chromium, plain HTTP, and names that
are not this machine's own, where browsers do not send Sec-Fetch-Site.
"""

import contextlib
import functools
import http.server
import threading

import browser
import pytest
import requests
from playwright.sync_api import sync_playwright

from boards import ANSWER_S, settings

RULES = "--host-resolver-rules=MAP *.lan 127.0.0.1, MAP *.example 127.0.0.1"
OPEN = "/axis-cgi/io/port.cgi?action=5:/"
TOKEN = "/axis-cgi/wssession.cgi"
MONITOR = "/axis-cgi/io/port.cgi?monitor=5"
PAGES = {
    "img": '<img src="%(module)s%(path)s" onerror="done()">',
    "img without referrer": '<img referrerpolicy="no-referrer" src="%(module)s%(path)s">',
    "script": '<script src="%(module)s%(path)s"></script>',
    "form": '<form id="f" action="%(module)s/axis-cgi/io/port.cgi">'
    '<input name="action" value="5:/"></form><script>f.submit()</script>',
    "post": '<form id="f" method="post" action="%(module)s/axis-cgi/io/port.cgi">'
    '<input name="action" value="5:/"></form><script>f.submit()</script>',
    "fetch": '<script>fetch("%(module)s%(path)s", {mode: "no-cors", credentials: "include"})'
    "</script>",
    "frame": '<iframe src="%(module)s%(path)s"></iframe>',
    "navigation": '<script>location = "%(module)s%(path)s"</script>',
}


class Page(http.server.BaseHTTPRequestHandler):
    """One page for whatever is asked."""

    def __init__(self, pages, *arguments):
        self.pages = pages
        super().__init__(*arguments)

    def do_GET(self):
        text = self.pages.get(self.path, "")
        self.send_response(200 if text else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format, *arguments):
        pass


@contextlib.contextmanager
def site(pages):
    """A server of another site; its port."""
    handler = functools.partial(Page, pages)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


@pytest.fixture(scope="module")
def chrome():
    path = browser.need_chromium()
    with sync_playwright() as playwright:
        arguments = [*browser.ARGUMENTS, RULES]
        chrome = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chrome
        chrome.close()


@pytest.fixture
def page(chrome):
    """A page of a browser that knows the password."""
    context = chrome.new_context(http_credentials={"username": "root", "password": "pass"})
    context.set_default_timeout(browser.PATIENCE_MS)
    yield context.new_page()
    context.close()


def overhear(tab, name, statuses):
    """Note the status of each answer of a host, those too that the browser keeps from the page:
    what says nosniff and is no image is no answer to an <img>.
    """
    urls = {}

    def sent(event):
        urls[event["requestId"]] = event["request"]["url"]

    def answered(event):
        if name in urls.get(event["requestId"], ""):
            statuses.append(event["statusCode"])

    session = tab.context.new_cdp_session(tab)
    session.on("Network.requestWillBeSent", sent)
    session.on("Network.responseReceivedExtraInfo", answered)
    session.send("Network.enable")


@pytest.mark.nightly("cpython")
def test_no_page_of_another_site_moves_an_output(make_board, page):
    board = make_board(settings()).start()
    module = "http://door.lan:%d" % board.port
    pages = {}
    for name, text in PAGES.items():
        pages["/" + name.replace(" ", "-")] = text % {"module": module, "path": OPEN}
    for path in (TOKEN, MONITOR):
        pages["/read" + path.replace("?", "-")] = PAGES["img"] % {"module": module, "path": path}
    with site(pages) as port:
        for path in pages:
            asked = []
            tab = page.context.new_page()  # a form may still be on its way in the one before
            overhear(tab, "door.lan", asked)
            tab.goto("http://evil.example:%d%s" % (port, path), wait_until="commit")
            for _ in range(100):
                if 403 in asked:
                    break
                tab.wait_for_timeout(100)
            assert 403 in asked and 200 not in asked, (path, asked)
            tab.close()
    check = requests.get(
        board.url + "/axis-cgi/io/port.cgi?check=5",
        auth=requests.auth.HTTPDigestAuth("root", "pass"),
        timeout=ANSWER_S,
    )
    assert check.text == "port5=0\n"


@pytest.mark.nightly("cpython")
def test_a_name_of_another_site_leads_nowhere(make_board, page):
    """DNS rebinding: the module at the attacker's name, its page and its API."""
    board = make_board(settings()).start()
    for path in ("/", "/holdfast/status", OPEN):
        answer = page.goto("http://evil.example:%d%s" % (board.port, path))
        assert answer.status == 421, path
    status = page.evaluate(
        """async () => (await fetch("/holdfast/settings", {method: "PATCH", body: "{}"})).status"""
    )
    assert status == 421
    answer = page.goto("http://door.lan:%d/holdfast/status" % board.port)
    assert answer.status == 200
    answer = page.goto("http://door.lan:%d/" % board.port)
    assert answer.status == 200


def test_programs_that_call_themselves_mozilla_are_let_in(make_board):
    board = make_board(settings()).start()
    for agent in (
        "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041.1",
        "Mozilla/5.0 (compatible; VMS)",
    ):
        with board.session() as root:
            root.headers = {"User-Agent": agent}
            assert root.get(board.url + OPEN, timeout=ANSWER_S).status_code == 200
