"""The settings document over the network: whole, merged, in parts; all or nothing."""

import hashlib
from binascii import hexlify

from claims import raises
from holdfast.core.log import Log
from holdfast.rest.settings import MAX_BYTES, SettingsService
from holdfast.settings.documents import PART, Documents
from holdfast.settings.format import document, seal, seal_of
from holdfast.settings.model import NotSaved
from holdfast.settings.saving import CURRENT
from holdfast.settings.store import MOST_WRITES, WRITE_MS, Store
from holdfast.settings.trial import Trial as Trials
from holdfast.wire.dump import dumps
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import WIRING, Asked, Caller, account, finished, whole

ADMIN = Caller("b", 3)
OLD = {"name": "Old", "accounts": [account("a"), account("b", "administrator")]}


class Flash:
    """Files in memory."""

    def __init__(self, files):
        self.files = files
        self.full = False
        self.broken = False

    def read(self, name):
        if self.broken:
            raise OSError(5)
        return self.files.get(name)

    def write(self, name, data):
        if self.full:
            raise OSError(28)
        self.files[name] = bytes(data)

    def append(self, name, data):
        if self.full:
            raise OSError(28)
        self.files[name] += data

    def rename(self, name, to):
        self.files[to] = self.files.pop(name)

    def remove(self, name):
        self.files.pop(name, None)


class Subject:
    """A service over settings in flash. adopted: what the module was told, quiet: may it write."""

    def __init__(self, old=OLD):
        files = {} if old is None else {CURRENT: dumps(old).encode()}
        self.flash = Flash(files)
        self.adopted = []
        self.quiet = True
        self.store = Store(self.flash, WIRING)
        self.store.quiet = lambda now: self.quiet
        self.now = 0
        self.store.turn = lambda: self.now
        self.store.apply = lambda settings, now, by: self.adopted.append(settings)
        self.store.load()
        self.log = Log()
        self.service = SettingsService(self.store, log=self.log)

    def get(self, caller=ADMIN, query=""):
        """(bytes, tag) of the document without its secrets."""
        answer = self.asked(self.service.get, caller, b"", query=query)
        return whole(answer), tag(answer)

    def whole(self):
        """(bytes, tag) of the document with its secrets."""
        return self.get(over_tls(), "secrets=1")

    def put(self, value, caller=ADMIN, **headers):
        headers = {name.replace("_", "-"): headers[name] for name in headers}
        return self.asked(self.service.put, caller, encoded(value), headers)

    def patch(self, value, caller=ADMIN, **headers):
        headers = {name.replace("_", "-"): headers[name] for name in headers}
        return self.asked(self.service.patch, caller, encoded(value), headers)

    def asked(self, method, caller, body, headers=None, query=""):
        """What a method of the service answers, whose changes the store's task makes."""
        return finished(method(caller, Asked(body, query, headers), 0), self.store)

    def refused(self, call, status, key=None):
        """A call that is refused and changes nothing; the problem."""
        before = dict(self.flash.files)
        before.pop(PART, None)
        adopted = len(self.adopted)
        error = raises(HttpError, call)
        assert error.status == status
        after = dict(self.flash.files)
        after.pop(PART, None)
        assert after == before
        assert len(self.adopted) == adopted
        if error.json is None:
            assert key is None
            return None
        said = loads(error.json.encode())["error"]
        assert key is None or said["key"] == key
        return said["problem"]


def over_tls(name="b", role=3):
    caller = Caller(name, role)
    caller.secure = True
    return caller


def encoded(value):
    return value if isinstance(value, bytes) else dumps(value).encode()


def tag(answer):
    (value,) = [line[6:] for line in answer.lines if line.startswith("ETag: ")]
    assert value[0] == value[-1] == '"'
    return value


def waiting(answer):
    return loads(answer.body)["next_start"]


def test_a_backup_is_the_document_as_it_is_in_flash_with_its_checksum_as_a_tag():
    subject = Subject()
    data, mark = subject.whole()
    assert data == dumps(OLD).encode()
    assert mark == '"%s"' % hexlify(hashlib.sha256(data).digest()).decode()
    subject.patch({"name": "New"})
    data, mark = subject.whole()
    assert ('"checksum": %s' % mark).encode() in data
    assert document(data)["name"] == "New"


def test_a_long_document_is_read_in_pieces():
    ports = {"2": {"name": "x" * 32, "usage": "y" * 32}}
    many = [account("a%d" % i) for i in range(15)] + [account("b", "administrator")]
    subject = Subject({"accounts": many, "ports": ports})
    answer = subject.asked(subject.service.get, over_tls(), b"", query="secrets=1")
    assert document(whole(answer))["accounts"] == many
    assert answer.length == len(whole(answer))


PLANTED = {
    "accounts": [
        dict(account("a"), md5="a" * 32, sha256="b" * 64),
        dict(account("b", "administrator"), md5="c" * 32, sha256="d" * 64),
    ],
    "network": {"ssid": "attic", "key": "hush-hush"},
    "name": "Gate",
}
MASKED = b'"md5": "*",\n   "name": "a",\n   "role": "operator",\n   "sha256": "*"'


def test_what_is_shown_has_no_secrets_and_a_checksum_of_its_own():
    subject = Subject(PLANTED)
    data, mark = subject.get()
    assert MASKED in data and b'"key": "*"' in data
    for secret in (b"aaaa", b"bbbb", b"cccc", b"dddd", b"hush"):
        assert secret not in data
    assert document(data)["network"] == {"ssid": "attic", "key": "*"}  # its checksum is right
    # The tag is that of what is in flash.
    assert mark == subject.whole()[1]
    assert subject.put(data, if_match=mark).status == 200
    assert document(subject.whole()[0]) == PLANTED


def test_what_is_shown_can_be_put_back_in_parts():
    subject = Subject(PLANTED)
    subject.patch({"name": "Gate"})
    files = dict(subject.flash.files)
    data, _ = subject.get()
    for part, where in parts(data, 100):
        subject.now += 2 * WRITE_MS
        answer = subject.put(part, content_range=where)
    assert (answer.status, waiting(answer)) == (200, [])
    assert subject.flash.files == files


def test_a_secret_stays_under_its_name_alone():
    subject = Subject(PLANTED)
    rows = document(subject.get()[0])["accounts"]
    rows[0]["role"] = "viewer"
    rows.reverse()
    assert subject.patch({"accounts": rows}).status == 200
    held = document(subject.whole()[0])["accounts"]
    assert [row["name"] for row in held] == ["b", "a"]
    assert held[1] == dict(PLANTED["accounts"][0], role="viewer")
    assert held[0] == PLANTED["accounts"][1]
    rows[1]["name"] = "z"
    key = "settings.accounts[1].md5"
    problem = subject.refused(lambda: subject.patch({"accounts": rows}), 400, key)
    assert problem == "* keeps what is there under this name, and nothing is"
    key = "settings.accounts[0].md5"
    first = {"accounts": [{"name": "b", "role": "administrator", "md5": "*", "sha256": "*"}]}
    new = Subject(None)
    new.refused(lambda: new.patch(first, stranger()), 400, key)


def test_a_secret_that_stays_does_not_wait_for_a_start():
    subject = Subject(PLANTED)
    network = {"ssid": "attic", "key": "*"}
    assert waiting(subject.patch({"network": network, "name": "x"})) == []
    assert waiting(subject.patch({"network": dict(network, hostname="h")})) == ["network"]
    assert document(subject.whole()[0])["network"]["key"] == "hush-hush"


def test_secrets_are_given_over_tls_alone_and_that_is_logged():
    subject = Subject(PLANTED)
    problem = subject.refused(lambda: subject.get(ADMIN, "secrets=1"), 403, "")
    assert problem == "secrets are given over https, or a cable, alone"
    assert not subject.log.number
    # TLS alone does not ask for them.
    assert subject.get(over_tls()) == subject.get()
    assert not subject.log.number
    assert subject.whole()[0] == dumps(PLANTED).encode()
    (entry,) = subject.log.books[0].waiting
    assert entry[-1] == "secrets read by b with /a/path"


def test_a_board_without_settings_has_an_empty_document():
    assert Subject(None).get()[0] == b"{}\n"


def test_a_document_replaces_the_old_one_and_says_what_waits():
    subject = Subject()
    new = {"accounts": [account("c", "administrator")], "ports": {"2": {"power_on": "closed"}}}
    answer = subject.put(new)
    assert (answer.status, waiting(answer)) == (200, ["ports.2.power_on"])
    data, mark = subject.whole()
    assert (document(data), mark) == (new, tag(answer))
    assert subject.adopted[-1].accounts[0].name == "c"


def test_what_waits_is_told_until_the_next_start():
    subject = Subject()
    assert waiting(subject.patch({"ports": {"3": {"closed_level": 1}}})) == [
        "ports.3.closed_level"
    ]
    assert waiting(subject.patch({"name": "New"})) == ["ports.3.closed_level"]
    # The service is let go when nobody calls; the store remembers.
    subject.service = SettingsService(subject.store)
    assert waiting(subject.patch({"name": "Newer"})) == ["ports.3.closed_level"]


def test_a_backup_can_be_put_back_and_one_that_was_damaged_cannot():
    subject = Subject()
    subject.patch({"name": "Good"})
    backup, _ = subject.whole()
    subject.patch({"name": "Other"})
    damaged = backup.replace(b"Good", b"Gooe")
    problem = subject.refused(lambda: subject.put(damaged), 400, "checksum")
    assert "does not match" in problem
    subject.put(backup)
    assert subject.whole()[0] == backup


def test_a_bad_key_is_named_and_nothing_is_changed():
    subject = Subject()
    new = dict(OLD)
    new["ports"] = {"2": {"fallback": {"master": "nobody"}}}
    key = "settings.ports.2.fallback.master"
    assert "may actuate" in subject.refused(lambda: subject.put(new), 400, key)
    key = "settings.colour"
    subject.refused(lambda: subject.patch({"colour": "blue"}), 400, key)
    subject.refused(lambda: subject.put(b"{"), 400, "")
    subject.refused(lambda: subject.put(b"[1]"), 400, "settings")
    subject.refused(lambda: subject.patch(b"3"), 400, "settings")
    subject.refused(lambda: subject.patch(b""), 400, "")
    subject.refused(lambda: subject.put(b'{"name": "\\ud800"}'), 400, "")


def test_somebody_who_may_administer_must_be_left():
    subject = Subject()
    for accounts in ([], [account("a")], "all", None, [3]):
        patch = encoded({"accounts": accounts})
        subject.refused(lambda patch=patch: subject.patch(patch), 400, "settings.accounts")


def test_administrators_alone_may():
    subject = Subject()
    for caller, status in ((Caller("a", 2), 403), (Caller("v", 1), 403), (stranger(), 401)):
        subject.refused(lambda who=caller: subject.put(OLD, who), status)
        subject.refused(lambda who=caller: subject.patch(OLD, who), status)
        subject.refused(lambda who=caller: subject.get(who), status)
        subject.refused(lambda who=caller: subject.get(who, "secrets=1"), status)


def stranger():
    caller = Caller()
    caller.account = None
    return caller


def test_a_new_device_takes_its_first_administrator_from_anybody_once():
    subject = Subject(None)
    subject.refused(lambda: subject.patch({"accounts": [account("a")]}, stranger()), 400)
    subject.refused(lambda: subject.get(stranger()), 401)
    first = {"accounts": [account("b", "administrator")]}
    assert subject.patch(first, stranger()).status == 200
    subject.refused(lambda: subject.patch(first, stranger()), 401)
    # Damaged settings are not a new device.
    broken = Subject(None)
    broken.flash.files[CURRENT] = b"{"
    broken.store.load()
    broken.refused(lambda: broken.patch(first, stranger()), 401)


def test_a_change_of_other_settings_than_those_that_were_read_is_refused():
    subject = Subject()
    _, mark = subject.get()
    subject.patch({"name": "Mine"}, if_match=mark)
    assert "read them again" in subject.refused(
        lambda: subject.patch({"name": "Yours"}, if_match=mark), 412
    )
    subject.refused(lambda: subject.put(OLD, if_match='"x", "y"'), 412)
    _, mark = subject.get()
    assert subject.put(OLD, if_match='"x", ' + mark).status == 200
    assert subject.put(OLD, if_match="*").status == 200


def test_nothing_is_written_while_a_deadline_is_near_or_flash_is_full():
    subject = Subject()
    subject.quiet = False
    subject.refused(lambda: subject.patch({"name": "New"}), 503)
    subject.refused(lambda: subject.put(b"{", content_range="bytes 0-0/9"), 503)
    assert PART not in subject.flash.files
    subject.quiet = True
    subject.flash.full = True
    problem = subject.refused(lambda: subject.patch({"name": "New"}), 503)
    assert "28" not in problem  # no text of an exception
    subject.refused(lambda: subject.put(b"{", content_range="bytes 0-0/9"), 503)


def test_flash_that_cannot_be_read_gives_nothing_away():
    subject = Subject()
    subject.flash.broken = True
    assert raises(HttpError, subject.get).status == 503
    assert raises(HttpError, subject.whole).status == 503
    subject.refused(lambda: subject.patch({"name": "New"}), 503)
    subject.refused(lambda: subject.put(OLD, if_match='"x"'), 503)


def parts(data, size):
    for start in range(0, len(data), size):
        part = data[start : start + size]
        yield part, "bytes %d-%d/%d" % (start, start + len(part) - 1, len(data))


NEW = {"name": "New", "accounts": [account("b", "administrator")], "ports": {"2": {"usage": "u"}}}


def test_a_document_in_parts_counts_with_the_last_one():
    data = seal(dumps(NEW))
    for size in (1, 7, 100, len(data) - 1):
        subject = Subject()
        there = 0
        for part, where in parts(data, size):
            assert not subject.adopted
            subject.now += 2 * WRITE_MS  # each part is a write, of which there are few
            answer = subject.put(part, content_range=where)
            there += len(part)
            if there < len(data):
                assert (answer.status, loads(answer.body)) == (202, {"bytes": there})
        assert answer.status == 200
        assert document(subject.whole()[0]) == NEW
        assert PART not in subject.flash.files


def test_parts_come_in_order_each_once_and_belong_together():
    data = seal(dumps(NEW))
    subject = Subject()
    pieces = list(parts(data, 100))
    subject.put(pieces[0][0], content_range=pieces[0][1])
    subject.refused(lambda: subject.put(pieces[2][0], content_range=pieces[2][1]), 409)
    subject.put(pieces[1][0], content_range=pieces[1][1])
    subject.refused(lambda: subject.put(pieces[1][0], content_range=pieces[1][1]), 409)
    # Another one begins in between: the first one's next part is not taken for its own.
    other = seal(dumps(OLD))
    first, where = next(parts(other, 200))
    subject.put(first, content_range=where)
    for part, where in pieces[2:-1]:
        subject.put(part, content_range=where)
    subject.refused(lambda: subject.put(pieces[-1][0], content_range=pieces[-1][1]), 400)
    # One without a checksum could be a mixture of two.
    plain = dumps(NEW).encode()
    (half, where), (rest, there) = parts(plain, len(plain) // 2 + 1)
    subject.put(half, content_range=where)
    subject.refused(lambda: subject.put(rest, content_range=there), 400, "checksum")


def test_parts_of_no_sense_are_refused():
    subject = Subject()
    for where in (
        "bytes 0-1",
        "bytes */9",
        "bytes 0-1/*",
        "bytes 1-0/9",
        "lines 0-1/9",
        "bytes 0-1/1",
        "bytes 0-2/9",
        "bytes -1-1/9",
        "bytes 0-1/9999999999",
        "",
        "bytes",
    ):
        subject.refused(lambda where=where: subject.put(b"ab", content_range=where), 400)
    too_long = "bytes 0-1/%d" % (MAX_BYTES + 1)
    subject.refused(lambda: subject.put(b"ab", content_range=too_long), 413)
    assert PART not in subject.flash.files


def test_the_store_says_when_it_cannot():
    subject = Subject()
    subject.quiet = False
    raises(NotSaved, Documents(subject.store).gather, b"a", 0)


class Trial:
    """What was begun: (name of the new settings, at the start)."""

    def __init__(self, store):
        self.begun = []
        self._store = store

    def method(self, name):
        return {"begin": self._begin}[name]

    async def _begin(self, edit, by, waiting, guard):
        document = await self._store.document()
        edit(document)
        self.begun.append((document.get("name"), bool(waiting)))


def tried(patch):
    subject = Subject()
    trial = Trial(subject.store)
    service = SettingsService(subject.store, trial)
    answer = subject.asked(service.patch, ADMIN, dumps(patch), query="trial=1")
    assert subject.adopted == []
    return loads(answer.body), trial.begun


def test_a_change_on_trial_goes_to_the_trial_and_waits_for_a_start_where_it_must():
    assert tried({"name": "New"}) == ({"next_start": [], "trial": True}, [("New", False)])
    fallback = {"ports": {"2": {"fallback": {"steps": [{"state": "closed"}]}}}}
    assert tried(fallback) == ({"next_start": [], "trial": True}, [("Old", False)])
    heartbeat = {"heartbeat": {"longest": 1000}}
    told = {"next_start": ["heartbeat.longest"], "trial": True}
    assert tried(heartbeat) == (told, [("Old", True)])


def test_a_certificate_waits_for_the_next_start_only_where_tls_is_not_served():
    patch = {"tls": {"http": True}}
    assert waiting(Subject({"accounts": OLD["accounts"], "tls": {}}).patch(patch)) == ["tls"]
    subject = Subject({"accounts": OLD["accounts"], "tls": {}})
    subject.service = SettingsService(subject.store, None, "a gate")
    assert waiting(subject.patch(patch)) == ["tls.http"]
    assert waiting(subject.patch({"tls": None})) == ["tls.http", "tls"]


def test_without_trial_nothing_is_tried():
    subject = Subject()
    trial = Trial(subject.store)
    service = SettingsService(subject.store, trial)
    subject.asked(service.patch, ADMIN, '{"name":"New"}', query="trial=0")
    assert trial.begun == [] and subject.adopted[0].name == "New"


def test_while_settings_are_on_trial_others_are_refused_with_that_reason():
    subject = Subject()
    subject.store.trying = "settings.trial"
    subject.flash.files["settings.trial"] = subject.flash.files[CURRENT]
    problem = subject.refused(lambda: subject.patch({"name": "New"}), 409)
    assert "on trial" in problem
    # At the first part already.
    subject.refused(lambda: subject.put(b"{", content_range="bytes 0-0/9"), 409)


def test_another_realm_needs_new_hashes_of_every_account():
    subject = Subject()
    new = [dict(account("b", "administrator"), md5="1" * 32, sha256="1" * 64)]
    subject.refused(lambda: subject.patch({"realm": "x"}), 400, "settings.realm")
    half = [dict(new[0], sha256="0" * 64)]
    subject.refused(lambda: subject.patch({"realm": "x", "accounts": half}), 400, "settings.realm")
    both = [account("a")] + new
    subject.refused(lambda: subject.patch({"realm": "x", "accounts": both}), 400, "settings.realm")
    assert subject.patch({"realm": "x", "accounts": new}).status == 200
    assert subject.patch({"realm": "x", "name": "y"}).status == 200
    subject.refused(lambda: subject.patch({"realm": None}), 400, "settings.realm")


def test_the_realm_of_a_device_that_has_no_account_is_free():
    subject = Subject(None)
    first = {"realm": "x", "accounts": [account("b", "administrator")]}
    assert subject.put(first, stranger()).status == 200


def test_the_door_of_a_new_device_closes_with_the_first_account_on_trial_or_not():
    for keep in (True, False):
        subject = Subject(None)
        trial = Trials(subject.store, lambda: 0, lambda: False, lambda text, idle: None)
        trial._watch = nothing
        service = SettingsService(subject.store, Called(trial))
        first = encoded({"accounts": [account("b", "administrator")]})
        assert subject.store.fresh
        answer = subject.asked(service.patch, stranger(), first, query="trial=1")
        assert answer.status == 200 and not subject.store.fresh
        refused = raises(HttpError, subject.asked, service.put, stranger(), first)
        assert refused.status == 401
        finished(trial.end(keep), subject.store)
        assert subject.store.fresh != keep
        if keep:
            refused = raises(HttpError, subject.asked, service.put, stranger(), first)
            assert refused.status == 401


async def nothing():
    pass


class Called:
    def __init__(self, made):
        self.made = made

    def method(self, name):
        return getattr(self.made, name)


def test_of_two_who_set_up_a_device_at_once_one_does():
    subject = Subject(None)
    first = encoded({"accounts": [account("b", "administrator")]})
    asked = [subject.service.put(stranger(), Asked(first), 0) for _ in range(2)]

    async def both():
        await asked[0]
        await asked[1]

    # Both were let in by the door, which the first one closes.
    error = raises(HttpError, finished, both(), subject.store)
    assert error.status == 401 and len(subject.adopted) == 1


def test_what_is_matched_is_looked_at_when_the_change_is_made():
    subject = Subject()
    mark = subject.get()[1]
    headers = {"if-match": mark}
    asked = [
        subject.service.patch(ADMIN, Asked(encoded({"name": name}), headers=headers), 0)
        for name in ("One", "Two")
    ]

    async def both():
        await asked[0]
        await asked[1]

    assert raises(HttpError, finished, both(), subject.store).status == 412
    assert [settings.name for settings in subject.adopted] == ["One"]


def test_writes_have_a_budget_and_what_writes_nothing_costs_nothing():
    subject = Subject()
    for number in range(MOST_WRITES):
        assert subject.patch({"name": "n%d" % number}).status == 200
        assert subject.patch({"name": "n%d" % number}).status == 200
    error = raises(HttpError, subject.patch, {"name": "more"})
    assert (error.status, error.retry_s) == (503, WRITE_MS // 1000 + 1)
    assert "too many" in loads(error.json.encode())["error"]["problem"]
    assert (subject.store.writes, subject.store.refused) == (MOST_WRITES, 1)
    assert subject.patch({"name": "n%d" % (MOST_WRITES - 1)}).status == 200
    subject.now += WRITE_MS
    assert subject.patch({"name": "more"}).status == 200
    assert raises(HttpError, subject.patch, {"name": "again"}).status == 503
    subject.now += 1000 * WRITE_MS
    for number in range(MOST_WRITES):
        assert subject.patch({"name": "n%d" % number}).status == 200
    assert raises(HttpError, subject.patch, {"name": "again"}).status == 503


LOST = "tns1:Device/tnsaxis:Monitor/Heartbeat"
RULE = {
    "actions": {
        "1": {
            "template": "com.axis.action.unlimited.io.toggle",
            "parameters": {"port": "2", "state": "high"},
        }
    },
    "rules": {"1": {"name": "Siren", "action": "1", "conditions": [{"topic": LOST}]}},
}


def lock(locked):
    return {"ports": {"2": {"fallback": {"locked": locked}}}}


def test_a_change_that_makes_a_rule_useless_is_refused_and_names_rule_and_port():
    """Whichever part of it does so, merged, replaced or on trial."""
    wanted = (
        "rule Siren would do nothing at a loss: port 2 is locked while a master is lost; "
        "set ports.2.fallback.locked to false first"
    )
    for before, patch in (({}, dict(RULE, **lock(True))), (lock(True), RULE)):
        subject = Subject(dict(OLD, **before))
        for call in (
            lambda subject=subject, patch=patch: subject.patch(patch),
            lambda subject=subject, patch=patch: subject.put(
                dict(OLD, **dict(lock(True), **patch))
            ),
        ):
            assert subject.refused(call, 409, "settings.rules.1") == wanted
        assert subject.patch(dict(RULE, **lock(False))).status == 200


def test_a_backup_of_a_version_before_keeps_its_locks():
    """It ends with a checksum and has no format; what people write means what it means now."""
    ports = {"2": {"fallback": {"on_return": "restore"}}}
    text = dumps(dict(OLD, ports=ports))[:-2].rstrip().encode()
    for data, wanted in ((seal_of(text), True), (encoded(dict(OLD, ports=ports)), None)):
        subject = Subject()
        assert subject.put(data).status == 200
        fallback = document(subject.whole()[0])["ports"]["2"]["fallback"]
        assert fallback.get("locked") is wanted
        data, mark = subject.get()
        assert b'"format": 2,' in data and mark == subject.whole()[1]
        assert subject.put(data, if_match=mark).status == 200
