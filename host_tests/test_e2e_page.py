"""The page in Chromium: what people see and do, on a board with the heap of a Pico W."""

import hashlib
import json
import re

import browser
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from test_e2e_monitors import TOKENS, Api
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from boards import ANSWER_S, BLOCKED, STATUS, STREAM, Watch, output, settings, wait_for

RUNTIMES = ("micropython", "cpython", "slot")

# 190 KB are free on a Pico W; objects of a 64-bit MicroPython take twice the room.
HEAP = "190k"
STEPS = [{"after": 0, "state": "hold"}, {"after": 400, "state": "closed", "pulse": 60000}]
PORTS = {
    "0": {"name": "Door contact", "normal": "closed"},
    "4": output("door", "restore", STEPS, locked=True, name="Strike"),
    "5": output("vms", name="Siren"),
}
# Both are awaited from the start on: longer than any of these tests takes.
AWAITED = {"shortest": 1, "first_within": 600000}


# The page is the same whatever runs the firmware: a few are enough to see it on both.
looked_at = pytest.mark.nightly("cpython")


@pytest.fixture(scope="module")
def chrome():
    with browser.running() as chrome:
        yield chrome


@pytest.fixture
def board(start):
    return start(settings(PORTS, heartbeat=AWAITED), "--heap", HEAP)


@pytest.fixture
def look(chrome):
    """A function(board, ...) that gives a Looker; at the end none has met an error."""
    lookers = []

    def look(board, *arguments, **more):
        lookers.append(browser.Looker(chrome, board, *arguments, **more))
        return lookers[-1]

    yield look
    for looker in lookers:
        looker.close()
    assert [looker.trouble for looker in lookers] == [[]] * len(lookers)


def status(board, name="root"):
    with board.session(name) as session:
        return session.get(board.url + STATUS, timeout=ANSWER_S).json()


def digits(looker, master):
    """The seconds that the page says are left of a master's time."""
    text = looker.page.inner_text("[data-master=%s] .digits" % master)
    return float(re.fullmatch(r"([\d.]+) s", text)[1])


# -- what people see ------------------------------------------------------------------------------


@looked_at
def test_a_loss_from_the_last_beat_to_the_return(board, look):
    looker = look(board)
    looker.open()
    looker.live()
    page = looker.page
    looker.see("header.top", "Awaited: door, vms")
    master = board.master("door")
    master.beat(8000)
    looker.see("[data-master=door]", r"alive\s*\d\.\d s left of 8\.0 s")
    assert 0 < digits(looker, "door") <= 8
    # It runs down by itself, and a beat, which makes no event, is noticed.
    before = digits(looker, "door")
    wait_for(lambda: digits(looker, "door") < before - 0.5, what="time that runs down")
    master.beat(12000)
    wait_for(lambda: digits(looker, "door") > 8.5, what="a beat that is noticed")
    looker.see("header.top", "Alive: door")
    # The beats stop.
    looker.see("header.top.bad", "Lost: door")
    looker.see("[data-master=door].bad", r"lost: no heartbeat for 12000 ms\D*\d+\.\d s silent")
    looker.see("[data-port='4'].bad", r"fallback: door silent for \d+\.\d s")
    looker.see("[data-port='4']", "locked: commands are refused")
    looker.see("[data-port='4']", "closed")
    assert board.level(4) == 1
    assert page.locator("[data-port='5'].bad").count() == 0  # it hangs on another master
    looker.see(".history .loss", r"door: no heartbeat for 12000 ms")
    looker.see(".history .loss", r"outputs fell back (\d+|less than 1) ms after the deadline")
    looker.see(".timeline[aria-label*='A master is lost: active']", "")
    assert page.title().startswith("▲")
    # The master is back.
    master.beat(60000)
    looker.see("[data-master=door].good", "alive")
    looker.see("header.top.good", "Alive: door")
    looker.see("[data-port='4']", "restored: the loss of door is over; open for")
    assert board.level(4) == 0
    looker.see(".history", "door: heartbeats again")
    master.close()


def test_a_module_that_has_no_https_as_set_says_so_and_why(start, look):
    board = start(settings(PORTS, tls={"http": False}), "--heap", HEAP)
    looker = look(board)
    looker.open()
    wanted = "No HTTPS as set: HTTP is served instead: .*there is no file tls.crt"
    looker.see("header.top .trouble", wanted)


def test_an_input_is_seen_when_it_changes(board, look):
    looker = look(board)
    looker.open()
    looker.live()
    looker.see("[data-port='0'].on", "open")
    board.drive(0, 1)
    looker.see("[data-port='0']:not(.on)", "closed")
    looker.see(".timeline[aria-label*='Door contact: active']", "")


@looked_at
def test_what_happened_before_the_page_was_opened_is_in_the_picture(board, look):
    first = look(board)
    first.open()
    first.live()
    board.drive(1, 1)
    first.see("[data-port='1']", "closed")
    first.close()
    board.drive(1, 0)
    wait_for(lambda: status(board)["ports"][1]["state"] == "open")
    looker = look(board)
    looker.open()
    looker.live()
    looker.see(".timeline[aria-label*='Input 1: active for']", "")


@looked_at
def test_a_port_says_who_has_set_it(board, look):
    looker = look(board)
    looker.open()
    looker.live()
    with board.session("vms") as vms:
        call = {"apiVersion": "1.0", "method": "setPorts"}
        call["params"] = {"ports": [{"port": "6", "state": "closed"}]}
        vms.post(board.url + "/axis-cgi/io/portmanagement.cgi", json=call, timeout=ANSWER_S)
    looker.see("[data-port='6'].on", r"set by vms; closed for \d")


LOG = {
    "entries": [
        {"number": 1, "at": 900, "time": None, "kind": "reset", "text": "power on"},
        {"number": 2, "at": 5007, "due": 5001, "time": 5, "kind": "trip", "text": "vms was lost"},
    ]
}
LINK = {"kind": "unifi", "since": 0, "last": None, "next": 0, "failed_in_a_row": 3, "status": None}
LINK.update(name="ServiceNow", up=False, why="no answer", sent=7, failed=3)
LINK.update(receiver="http://192.168.0.2:80", queue={"waiting": 2}, enabled=True)
OFF = {**LINK, "name": "Grafana", "enabled": False, "why": "disabled", "next": None}


def answering(answer):
    return lambda route: route.fulfill(json=answer)


@looked_at
def test_what_only_some_modules_have_is_shown_where_they_have_it(board, look):
    looker = look(board)
    answers = {"/holdfast/log*": LOG, "/holdfast/uplinks": {"links": [LINK, OFF], "inbound": None}}
    for path, answer in answers.items():
        looker.page.route("**" + path, answering(answer))
    looker.open()
    looker.live()
    looker.see(".history .loss", r"vms was lost\s*outputs fell back 6 ms after the deadline")
    looker.see(".history", "power on")
    looker.see(
        "[aria-labelledby=h-uplinks]", r"ServiceNow.*down.*no answer; 7 sent, 3 failed; 2 wait"
    )
    looker.see("[aria-labelledby=h-uplinks] .calm", "disabled")
    assert looker.page.locator("[aria-labelledby=h-uplinks] .bad").count() == 1
    assert looker.page.locator("[aria-labelledby=h-monitors]").count() == 0


@looked_at
def test_a_job_that_never_checked_in_is_seen(start, look):
    board = start(settings(PORTS, monitors={"tokens": TOKENS}))
    api = Api(board)
    api.create("Update", 3600)
    looker = look(board)
    looker.open()
    looker.live()
    looker.see("[aria-labelledby=h-monitors]", r"Update\W*new\s*silent for ")
    api.create("Backup", 2)
    looker.see("[aria-labelledby=h-monitors]", r"Backup\W*down\s*for ")


# -- what people do -------------------------------------------------------------------------------


def test_an_output_is_set_and_pulsed(board, look):
    looker = look(board, "vms")
    looker.open()
    looker.live()
    looker.press("Close Siren")
    wait_for(lambda: board.level(5) == 1, what="gpio5 closed")
    looker.see("[data-port='5'].on", "set by vms")
    looker.press("Open Siren")
    wait_for(lambda: board.level(5) == 0, what="gpio5 open")
    looker.page.get_by_label("seconds of a pulse of Strike").fill("0.4")
    looker.press("Pulse Strike")
    wait_for(lambda: board.level(4) == 1, what="a pulse at gpio4")
    wait_for(lambda: board.level(4) == 0, what="its end")
    looker.page.get_by_label("seconds of a pulse of Strike").fill("66")
    looker.press("Pulse Strike")
    looker.see("[role=alert]", "0.001 to 65 seconds")
    assert board.level(4) == 0


@looked_at
def test_a_drill_moves_outputs_and_ends_when_it_is_acknowledged(board, look):
    looker = look(board)
    looker.open()
    looker.live()
    page = looker.page
    door = page.locator("[data-master=door]")
    # With the keyboard alone.
    door.get_by_role("button", name="Drill").focus()
    page.keyboard.press("Enter")
    looker.see("dialog", "Run a drill: lose door now")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")  # till then a key is for it
    assert not status(board)["lost"]
    page.keyboard.press("Enter")
    looker.see("dialog:focus-within", "Run a drill")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_for(lambda: board.level(4) == 1, what="the fallback at gpio4")
    looker.see(".history .loss", "door: a drill")
    assert page.get_by_role("button", name="Open Strike").is_disabled()
    looker.press("Release", door)
    looker.sure("Release")
    wait_for(lambda: board.level(4) == 0, what="the return")
    looker.see("[data-master=door].warn", "released")
    looker.see("header.top", "Awaited: vms")
    looker.see("[data-port='4']", "restored by a release: nobody waits for door; open for")
    assert not status(board)["lost"]


def test_an_administrator_bypasses_an_output_and_ends_it(board, look):
    looker = look(board)
    looker.open()
    looker.live()
    port = looker.page.locator("[data-port='4']")
    looker.press("Bypass Strike", port)
    looker.see("dialog", r"Bypass Strike for 15 min.*stays as it is though its master is lost")
    looker.sure("Bypass it")
    looker.see("[data-port='4']", "bypassed, 1[45] min.* left: no loss moves it")
    assert status(board)["ports"][4]["bypassed_until"] is not None
    looker.press("End the bypass of Strike", port)
    looker.sure("End the bypass")
    looker.see("[data-port='4']:not(:has-text('bypassed'))", "Strike")
    assert status(board)["ports"][4]["bypassed_until"] is None


def test_masters_are_named_and_awaited_by_themselves(board, look):
    looker = look(board)
    looker.open("#settings", "#s-masters, [aria-labelledby=h-s-masters]")
    page = looker.page
    card = page.locator("[aria-labelledby=h-s-masters]")
    for name in ("door", "vms"):
        card.get_by_label(name, exact=True).check()
    card.get_by_label("Must live", exact=True).select_option("any")
    card.get_by_label("Heartbeats until restored", exact=True).fill("2")
    looker.press("Save", card)
    looker.see(".trial", r"on trial.*go back in \d+ s")
    looker.press("Keep them")
    page.locator(".trial").wait_for(state="detached")
    with board.session() as root:
        row = root.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()["heartbeat"]
    assert (row["masters"], row["needed"], row["return_after"]) == (["door", "vms"], "any", 2)
    told = {row["master"]: row["is"] for row in status(board)["masters"]}
    assert (told["door"], told["vms"], told["root"]) == ("awaited", "awaited", "idle")


def test_settings_of_a_port_and_a_fallback_on_trial(board, look):
    looker = look(board)
    looker.open("#settings", "[data-form='5']")
    page = looker.page
    form = page.locator("[data-form='5']")
    form.locator("summary").click()
    form.get_by_label("Name", exact=True).fill("Gate")
    looker.press("Save", form)
    looker.see("[data-form='5'] .said", "Saved")
    assert status(board)["ports"][5]["name"] == "Gate"
    # A fallback is on trial until it is kept.
    form.get_by_label("Then", exact=True).select_option("closed")
    looker.press("Save", form)
    looker.see(".trial", r"on trial.*go back in \d+ s")
    looker.press("Keep them")
    page.locator(".trial").wait_for(state="detached")
    form.get_by_label("Whose loss", exact=True).select_option("door")
    looker.press("Save", form)
    looker.press("Take them back")
    page.locator(".trial").wait_for(state="detached")
    with board.session() as root:
        row = root.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()["ports"]["5"]
    assert row["fallback"]["steps"] == [{"after": 0, "state": "closed"}]
    assert row["fallback"]["master"] == "vms"
    # And it is the new one that counts.
    board.master("vms").beat(100)
    wait_for(lambda: board.level(5) == 1, what="the new fallback at gpio5")


@looked_at
def test_what_is_wrong_with_a_setting_is_named(board, look):
    looker = look(board)
    looker.open("#settings", "[data-form='4']")
    looker.page.get_by_label("Key", exact=True).select_option("heartbeat")
    looker.page.get_by_label("Value of heartbeat").fill('{"longest": 0}')
    looker.press("Save", looker.page.locator("[aria-labelledby=h-s-others]"))
    looker.see("[role=alert]", r"settings\.heartbeat\.longest must be an integer")
    looker.page.get_by_label("Value of heartbeat").fill("{")
    looker.press("Save", looker.page.locator("[aria-labelledby=h-s-others]"))
    looker.see("[role=alert]", "not JSON")


def add_rule(looker, name, output, when=None, what=None, seconds=None):
    """A rule by the form of the settings; when, what: else as it stands there."""
    looker.open("#settings", "[data-form='4']")
    looker.page.get_by_text("Add a rule").click()
    form = looker.page.locator("[aria-labelledby=h-s-rules] details")
    form.get_by_label("Name", exact=True).fill(name)
    if when is not None:
        form.get_by_label("When", exact=True).select_option(when)
    if what is not None:
        form.get_by_label("Do", exact=True).select_option(what)
    form.get_by_label("Output", exact=True).select_option(str(output))
    if seconds is not None:
        form.get_by_label("Seconds", exact=True).fill(seconds)
    looker.press("Add", form)


@looked_at
def test_a_rule_is_added_works_and_is_removed(board, look):
    looker = look(board)
    page = looker.page
    add_rule(looker, "Bell", 6, "port1")
    looker.see(".line", "Bell")
    board.drive(1, 1)
    wait_for(lambda: board.level(6) == 1, what="the rule's output")
    looker.press("Remove", page.locator(".line", has_text="Bell"))
    looker.sure("Remove")
    wait_for(lambda: board.level(6) == 0, what="its end")
    page.locator(".line", has_text="Bell").wait_for(state="detached")


@looked_at
def test_a_rule_that_a_lock_makes_useless_is_refused_and_one_that_is_there_says_so(start, look):
    """As the form has it: a master is lost, an output, which is locked then."""
    looker = look(start(settings(BLOCKED["ports"]), "--heap", HEAP))
    add_rule(looker, "Bell", 5)
    wanted = "port 5 is locked while a master is lost"
    looker.see("[role=alert]", "rule Bell would do nothing at a loss: " + wanted)
    looker = look(start(settings(**BLOCKED), "--heap", HEAP))
    looker.open("#settings", "[data-form='4']")
    page = looker.page
    looker.see(".line", "Siren.*no effect then: " + wanted)
    page.evaluate("location.hash = ''")
    looker.see(".plain", "Siren.*no effect then: " + wanted)
    page.evaluate("location.hash = '#settings'")
    looker.press("Remove", page.locator(".line", has_text="Siren"))
    looker.sure("Remove")
    page.locator(".line", has_text="Siren").wait_for(state="detached")


@looked_at
def test_an_account_is_added_changed_and_removed(board, look):
    looker = look(board)
    looker.open("#settings", "[data-form='4']")
    page = looker.page
    page.get_by_text("Add an account").click()
    form = page.locator("[aria-labelledby=h-s-accounts] details")
    form.get_by_label("Name", exact=True).fill("porter")
    form.get_by_label("Password", exact=True).fill("s3cret & more")
    form.get_by_label("Role", exact=True).select_option("viewer")
    looker.press("Save", form)
    looker.see(".said", "Created account porter")
    with board.session("porter", "s3cret & more") as porter:
        assert porter.get(board.url + STATUS, timeout=ANSWER_S).status_code == 200
    # A key in the list changes nothing before that is wished for, and confirmed.
    roles = page.get_by_label("role of porter", exact=True)
    roles.focus()
    page.keyboard.press("ArrowDown")
    assert roles.input_value() == "operator"
    looker.press("Change the role of porter")
    looker.see("dialog", "from viewer to operator.*sends heartbeats and sets outputs")
    looker.press("Leave it", page.locator("dialog"))
    assert "porter" not in [row["master"] for row in status(board)["masters"]]
    looker.press("Change the role of porter")
    looker.sure("Change")
    looker.see(".said", "Modified account porter")
    # A refusal is none in green.
    page.get_by_label("role of root", exact=True).select_option("viewer")
    looker.press("Change the role of root")
    looker.sure("Change")
    looker.see(".trouble[role=alert]", "root is the last administrator")
    assert page.locator(".said", has_text="administrator").count() == 0
    form.get_by_label("Name", exact=True).fill("short")
    form.get_by_label("Password", exact=True).fill("7 signs")
    looker.press("Save", form)
    looker.see(".trouble[role=alert]", "8 characters or more")
    looker.press("Remove porter")
    looker.sure("Remove")
    looker.see(".said", "Removed account porter")
    assert "porter" not in [row["master"] for row in status(board)["masters"]]


@looked_at
def test_a_change_of_accounts_keeps_edits_and_saves_of_others_are_refused(board, look):
    looker = look(board)
    looker.open("#settings", "[data-form='4']")
    page = looker.page
    form = page.locator("[data-form='4']")
    form.locator("summary").click()
    form.get_by_label("Name", exact=True).fill("Edited")
    page.get_by_label("role of guest", exact=True).select_option("operator")
    looker.press("Change the role of guest")
    looker.sure("Change")
    looker.see(".said", "Modified account guest")
    assert form.get_by_label("Name", exact=True).input_value() == "Edited"
    form.get_by_label("Whose loss", exact=True).select_option("guest")  # it may be a master now
    form.get_by_label("Whose loss", exact=True).select_option("door")
    looker.press("Save", form)
    looker.see("[data-form='4'] .said", "Saved")
    assert status(board)["ports"][4]["name"] == "Edited"
    # Somebody else has changed another thing meanwhile: that is not overwritten unseen.
    with board.session() as root:
        path = board.url + "/holdfast/settings"
        root.patch(path, json={"ports": {"4": {"name": "Theirs"}}}, timeout=ANSWER_S)
    page.get_by_label("role of guest", exact=True).select_option("viewer")
    looker.press("Change the role of guest")
    looker.sure("Change")
    page.get_by_label("role of guest", exact=True).wait_for()
    wait_for(lambda: "guest" not in [row["master"] for row in status(board)["masters"]])
    form.get_by_label("Name", exact=True).fill("Mine")
    looker.press("Save", form)
    looker.see("[data-form='4'] .trouble", "read them again")
    assert status(board)["ports"][4]["name"] == "Theirs"


@looked_at
def test_a_rule_keeps_a_time_of_less_than_a_second(board, look):
    looker = look(board)
    add_rule(looker, "Blink", 6, "port1", "pulse", "0.4")
    looker.see(".line", "Blink")
    with board.session() as root:
        actions = root.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()["actions"]
    assert actions["1"]["parameters"] == {"port": "6", "sequence": "high:400,low:0"}
    with Watch(board, 6) as watch:
        began = board.drive(1, 1)
        up = watch.next(6, 1, began)
        assert 0.35 < watch.next(6, 0, up) - up < 3
    form = looker.page.locator("[aria-labelledby=h-s-rules] details")
    for seconds, said in (("", "Say for how long"), ("70.5", "Whole seconds, or up to 65.535 s")):
        form.get_by_label("Seconds", exact=True).fill(seconds)
        looker.see(".field", said)
        looker.press("Add", form)
        looker.see("[aria-labelledby=h-s-rules] .trouble", said)
    form.get_by_label("Seconds", exact=True).fill("70")
    looker.press("Add", form)
    looker.see("[aria-labelledby=h-s-rules] .said", "Saved")  # or said so of the one before

    def actions():
        with board.session() as root:
            return root.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()["actions"]

    wait_for(lambda: len(actions()) == 2)
    assert actions()["2"]["parameters"] == {"port": "6", "state": "high", "duration": "70"}


@looked_at
def test_a_backup_brings_everything_back(board, look, tmp_path):
    looker = look(board)
    looker.open("#settings", "[data-form='4']")
    page = looker.page
    with page.expect_download() as download:
        looker.press("Save a backup")
    kept = tmp_path / "kept.json"
    download.value.save_as(kept)
    assert json.loads(kept.read_text())["ports"]["4"]["name"] == "Strike"
    form = page.locator("[data-form='4']")
    form.locator("summary").click()
    form.get_by_label("Name", exact=True).fill("Something else")
    looker.press("Save", form)
    looker.see("[data-form='4'] .said", "Saved")
    page.get_by_label("Bring back a backup").set_input_files(kept)
    looker.press("Bring back")
    looker.sure("Replace")
    looker.see(".said", "Restored")
    assert status(board)["ports"][4]["name"] == "Strike"


@looked_at
def test_the_commissioning_report_prints_what_happens_when_and_the_hash(board, look):
    looker = look(board)
    looker.open("#report", ".report table")
    page = looker.page
    row = page.locator("tr", has_text="4 Strike").first.inner_text()
    assert row.split("\t") == [
        "4 Strike",
        "open",
        "door: stays as it is, closed after 0.4 s, open after 1 min 0.4 s, locked",
        "as last commanded",
        "open",
        "open",
        "open, closed after 0.4 s, open after 1 min 0.4 s",
    ]
    row = page.locator("tr", has_text="6 Output 6").first.inner_text()
    assert row.split("\t")[1:4] == ["open", "any master: open", "stays as it is"]
    with board.session() as root:
        answer = root.get(board.url + "/holdfast/settings", timeout=ANSWER_S)
    assert page.locator(".hash").inner_text() == answer.headers["ETag"].strip('"')
    page.emulate_media(media="print")
    assert not page.locator(".top").is_visible()
    assert page.locator(".signature").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


# -- who may --------------------------------------------------------------------------------------


@looked_at
def test_a_wrong_password_shows_nothing_of_the_module(board, look):
    looker = look(board, "root", "wrong")
    answer = looker.open(wait=None)
    assert answer.status == 401
    assert "Strike" not in looker.page.content()
    assert {sent[2] for sent in looker.sent} == {401}


@looked_at
def test_a_viewer_sees_no_control_it_may_not_use(board, look):
    looker = look(board, "guest")
    looker.open("#settings")
    looker.live()
    looker.see("[data-port='4']", "power-on state")
    names = [button.inner_text() for button in looker.page.get_by_role("button").all()]
    assert names == ["1 min", "5 min", "30 min"]
    assert looker.page.get_by_role("navigation").count() == 0
    assert looker.page.locator("input, select, textarea").count() == 0


@looked_at
def test_an_operator_sees_what_moves_outputs_and_no_settings(board, look):
    looker = look(board, "vms")
    looker.open("#report")
    looker.live()
    page = looker.page
    page.get_by_role("button", name="Close Strike").wait_for()
    for name in ("Drill", "Release", "Print"):
        assert page.get_by_role("button", name=name).count() == 0
    assert page.get_by_role("navigation").count() == 0


@looked_at
def test_a_fresh_module_is_set_up_in_the_page(start, look):
    board = start({}, "--heap", HEAP)
    looker = look(board, "boss", "let me in: ä")
    looker.open()
    page = looker.page
    looker.see("h1", "Welcome to Holdfast")
    page.get_by_label("Name", exact=True).fill("boss")
    page.get_by_label("Password", exact=True).fill("let me in: ä")
    page.get_by_label("Password, again").fill("let me in")
    looker.press("Make the account")
    looker.see("[role=alert]", "differ")
    page.get_by_label("Password, again").fill("let me in: ä")
    looker.press("Make the account")
    looker.see("header.top", "boss, administrator")
    # The door is closed again.
    assert requests.get(board.url + "/", timeout=ANSWER_S).status_code == 401


# -- what goes wrong ------------------------------------------------------------------------------


@looked_at
def test_a_board_that_restarts_is_found_again(make_board, look, tmp_path):
    first = make_board(settings(PORTS), "--heap", HEAP, "--data", tmp_path / "data").start()
    looker = look(first)
    looker.open()
    looker.live()
    assert first.stop() == 0
    looker.see("header.top", "no answer for")
    options = ("--heap", HEAP, "--data", tmp_path / "data", "--port", first.port)
    second = make_board(settings(PORTS), *options).start()
    looker.live()
    looker.see(".history", r"power on, version \d")
    second.drive(1, 1)
    looker.see("[data-port='1']", "closed")


@looked_at
def test_what_is_shown_of_a_module_that_says_nothing_is_old_and_acts_no_more(board, look):
    master = board.master("door")
    master.beat(60000)
    looker = look(board)
    looker.open()
    looker.live()
    looker.see("[data-master=door].good", "alive")
    left = digits(looker, "door")
    page = looker.page
    with board.frozen():
        # It neither answers nor closes what is open, as when its power is gone.
        looker.see("header.top.warn", r"does not answer\. This is how it was.*no answer for \d+ s")
        looker.see("main.stale [data-master=door].calm", "was alive")
        assert page.locator(".good").count() == 0
        # The time of when it was heard last, as well as an answer's way lets the page know it.
        assert -1 < left - digits(looker, "door") < 15
        before = digits(looker, "door")
        page.wait_for_timeout(2500)
        assert digits(looker, "door") == before
        for name in ("Close Siren", "Open Siren", "Pulse Strike", "Drill"):
            assert page.get_by_role("button", name=name, exact=True).first.is_disabled(), name
    looker.live()
    looker.see("[data-master=door].good", "alive")
    assert page.locator("main.stale").count() == 0
    assert page.get_by_role("button", name="Close Siren", exact=True).is_enabled()
    master.close()


@looked_at
def test_an_account_that_is_removed_sees_no_more(board, look):
    looker = look(board, "vms")
    looker.open()
    looker.live()
    with board.session() as root:
        form = {"action": "remove", "user": "vms"}
        # Siren hangs on vms: that has to change first.
        patch = {"ports": {"5": {"fallback": {"master": "any"}}}}
        root.patch(board.url + "/holdfast/settings", json=patch, timeout=ANSWER_S)
        root.post(board.url + "/axis-cgi/pwdgrp.cgi", data=form, timeout=ANSWER_S)
    looker.see("header.top", "not live")
    looker.see("[role=alert]", "not logged in any more")


# -- for everybody --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", (browser.DESKTOP, browser.PHONE), ids=("desktop", "phone"))
@pytest.mark.parametrize("scheme", ("light", "dark"))
@looked_at
def test_everybody_can_read_it(board, look, size, scheme):
    board.master("vms").beat(100)
    board.master("door").beat(60000)
    looker = look(board, viewport=size, color_scheme=scheme)
    for view, wait in (
        ("", "[data-master=vms].bad"),
        ("#settings", ".form"),
        ("#report", "table"),
    ):
        looker.open(view, wait)
        looker.live()
        if view == "#settings":
            for summary in looker.page.locator("details.form > summary").all():
                summary.click()
        looker.page.wait_for_timeout(400)  # for colours on their way
        found = Axe().run(looker.page)
        assert found.violations_count == 0, "%s\n%s" % (view, found.generate_report())
        wide = looker.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, "%s is %d too wide" % (view, wide)
        looker.page.goto("about:blank")


@looked_at
def test_set_up_can_be_read_by_everybody(start, look):
    looker = look(start({}, "--heap", HEAP), viewport=browser.PHONE)
    looker.open()
    looker.see("h1", "Welcome")
    found = Axe().run(looker.page)
    assert found.violations_count == 0, found.generate_report()


# -- as it is sent --------------------------------------------------------------------------------


def test_files_come_compressed_and_are_not_sent_twice(board):
    with board.session() as root:
        answer = root.get(board.url + "/", timeout=ANSWER_S)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        tag = {"If-None-Match": answer.headers["ETag"]}
        again = root.get(board.url + "/", headers=tag, timeout=ANSWER_S)
        assert (again.status_code, again.content) == (304, b"")
        for path in re.findall(r'"(/holdfast/[^"]+)"', answer.text):
            file = root.get(board.url + path, timeout=ANSWER_S)
            assert file.status_code == 200
            assert hashlib.sha256(file.content).hexdigest()[:8] == path.partition("?")[2]
            assert "immutable" in file.headers["Cache-Control"]
            assert root.head(board.url + path, timeout=ANSWER_S).content == b""


def test_pages_of_others_cannot_ask_anything(board):
    evil = {"Origin": "http://evil.example"}
    with board.session() as root:
        beat = {"axhbt:Heartbeat": {"Duration": 1000}}
        for headers, wanted in ((evil, 403), ({"Origin": board.url}, 200), ({}, 200)):
            answer = root.post(
                board.url + "/vapix/axhbt", json=beat, headers=headers, timeout=ANSWER_S
            )
            assert answer.status_code == wanted
        door = board.url + "/axis-cgi/io/port.cgi?action=5:/"
        # As browsers do over plain HTTP: with the language of who looks, in every request.
        chrome = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept-Language": "de"}
        assert root.get(door, headers=chrome, timeout=ANSWER_S).status_code == 403
        assert board.level(4) == 0
        own = dict(chrome, Referer=board.url + "/")
        assert root.get(door, headers=own, timeout=ANSWER_S).status_code == 200
        assert board.level(4) == 1
    # The first account of a fresh module is not another site's to make, nor is a stream to hear.
    for origin, let_in in (
        ("http://evil.example", False),
        (board.url, True),
        ("chrome-extension://pfdhoblngboilpfeibdedpjgfnlcodoo", True),
    ):
        url = "ws://%s:%d%s&wssession=%s" % (board.host, board.port, STREAM, board.token())
        try:
            with connect(url, proxy=None, origin=origin, open_timeout=ANSWER_S):
                assert let_in
        except InvalidStatus as error:
            assert not let_in and error.response.status_code == 403


def test_another_site_cannot_set_up_a_fresh_module(start):
    board = start({}, "--heap", HEAP)
    url = board.url + "/axis-cgi/pwdgrp.cgi"
    body = "action=add&user=evil&pwd=evil-evil&grp=users&sgrp=admin"
    evil = {"Origin": "http://evil.example", "Content-Type": "text/plain"}
    assert requests.post(url, body, headers=evil, timeout=ANSWER_S).status_code == 403
    chrome = {"User-Agent": "Mozilla/5.0", "Accept-Language": "de"}
    assert requests.get(url + "?" + body, headers=chrome, timeout=ANSWER_S).status_code == 403
    assert requests.post(url, body, timeout=ANSWER_S).status_code == 200


def test_settings_on_trial_do_not_survive_a_restart(make_board, tmp_path):
    options = ("--heap", HEAP, "--data", tmp_path / "data")
    board = make_board(settings(PORTS), *options).start()
    patch = {"ports": {"6": {"fallback": {"steps": [{"state": "closed"}]}}}}
    with board.session() as root:
        path = board.url + "/holdfast/settings"
        answer = root.patch(path + "?trial=1", json=patch, timeout=ANSWER_S)
        assert answer.json() == {"next_start": [], "trial": True}
        assert root.get(path, timeout=ANSWER_S).json()["ports"]["6"] == patch["ports"]["6"]
        assert 0 < status(board)["trial"]["left_ms"] <= 60000
        other = root.patch(path, json={"name": "x"}, timeout=ANSWER_S)
        assert other.status_code == 409
    board.stop()
    board = make_board(settings(PORTS), *options).start()
    assert "trial" not in status(board)
    with board.session() as root:
        path = board.url + "/holdfast/settings"
        assert "6" not in root.get(path, timeout=ANSWER_S).json()["ports"]


def test_what_counts_at_the_start_is_tried_by_one_start(make_board, tmp_path):
    options = ("--heap", HEAP, "--data", tmp_path / "data")
    before = settings(PORTS)
    board = make_board(before, *options).start()
    with board.session() as root:
        path = board.url + "/holdfast/settings?trial=1"
        answer = root.patch(path, json={"heartbeat": {"longest": 5000}}, timeout=ANSWER_S)
        assert answer.json() == {"next_start": ["heartbeat.longest"], "trial": True}
    assert "trial" not in status(board)
    for start, keep in ((0, False), (1, None), (2, True), (3, None)):
        if start == 2:
            with board.session() as root:
                root.patch(path, json={"heartbeat": {"longest": 5000}}, timeout=ANSWER_S)
        board.stop()
        board = make_board(before, *options).start()
        path = board.url + "/holdfast/settings?trial=1"
        assert ("trial" in status(board)) == (keep is not None), start
        if keep:
            with board.session() as root:
                confirm = board.url + "/holdfast/confirm"
                answer = root.post(confirm, json={"keep": True}, timeout=ANSWER_S)
                assert answer.json() == {"kept": True}
    with board.session() as root:
        kept = root.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()
    assert kept["heartbeat"] == {"shortest": 1, "longest": 5000}
