"""The system's Chromium, driven by Playwright, for tests of the page; no browser is downloaded."""

import contextlib
import os
import re
import shutil

import pytest
from playwright.sync_api import sync_playwright

# A browser that asks nobody but the board for anything.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 15000  # a loaded machine of a CI service


def chromium():
    """The path of Chromium: CHROMIUM, or on PATH; None when there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def need_chromium():
    """Skip without Chromium, but never quietly where the tests are to be complete."""
    path = chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: apt-get install chromium, or set CHROMIUM")
        pytest.skip("no Chromium on this machine (apt-get install chromium, or set CHROMIUM)")
    return path


@contextlib.contextmanager
def running():
    """Chromium, as Playwright has it."""
    path = need_chromium()
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield chrome
        finally:
            chrome.close()


class Looker:
    """Somebody who looks at a board's page. trouble: what the browser complained of.

    Playwright answers the browser's question for the password; it switches the browser's store off
    for that. Without a name nobody answers.
    """

    def __init__(self, chrome, board, name="root", password="pass", **more):
        self.board = board
        self.trouble = []
        self.sent = []  # (method, path, status) of every answer
        more.setdefault("viewport", DESKTOP)
        if name is not None:
            more["http_credentials"] = {"username": name, "password": password}
        self.context = chrome.new_context(**more)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("response", self._response)

    def _console(self, message):
        # That something is not there, or not reachable for a while, is told to the user.
        if message.type == "error" and not re.match(
            r"Failed to load resource|WebSocket connection to", message.text
        ):
            self.trouble.append(message.text)

    def _response(self, answer):
        path = answer.url.partition("://")[2].partition("/")[2]
        self.sent.append((answer.request.method, "/" + path, answer.status))

    def open(self, view="", wait="main"):
        """Load the page; the answer of the board."""
        answer = self.page.goto(self.board.url + "/" + view)
        if (answer is None or answer.ok) and wait:  # None: only the view is another
            self.page.wait_for_selector(wait)
        return answer

    def live(self):
        """Wait until the event stream is there."""
        self.see("header.top .badge", r"^\W*live$")
        return self

    def see(self, selector, text, timeout=PATIENCE_MS):
        """Wait until something has a text like this, a regular expression."""
        self.page.locator(selector, has_text=re.compile(text)).first.wait_for(timeout=timeout)

    def press(self, name, scope=None, exact=True):
        """Press a button by what a screen reader calls it."""
        (scope or self.page).get_by_role("button", name=name, exact=exact).click()

    def sure(self, name):
        """Say yes in the dialog that asks."""
        self.press(name, self.page.locator("dialog"))

    def close(self):
        self.context.close()
