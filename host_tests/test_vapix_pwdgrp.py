"""pwdgrp.cgi: accounts made, changed, removed; the first one; what must stay. usergroup.cgi."""

import hashlib
from binascii import hexlify

from claims import raises
from devices import Board, Running, administrator, stranger
from holdfast.vapix.pwdgrp import Accounts, UserGroup
from holdfast.wire.http import HttpError
from makers import Asked, Caller, account, finished

ADD = "action=add&user=door&pwd=secret-8&grp=users&sgrp=viewer:operator"


def ask(running, text, caller=None, method="POST", status=200):
    request = Asked(text) if method == "POST" else Asked(query=text, method="GET")
    subject = Accounts(running.store, (Board(),), lambda: running.accounts)
    answer = subject.handle(caller or administrator(), request, 0)
    answer = finished(answer, running.store)
    assert answer.status == status, answer.body
    text = answer.body.decode()
    if answer.content_type == "text/plain":
        return text
    assert answer.content_type == "text/html"
    head, _, rest = text.partition("<body>")
    body, _, foot = rest.partition("</body>")
    assert head and foot == "</html>\n"
    return body


def hashes(name, password, realm="Holdfast"):
    secret = ("%s:%s:%s" % (name, realm, password)).encode()
    return tuple(hexlify(hash_(secret).digest()) for hash_ in (hashlib.md5, hashlib.sha256))


def test_an_account_is_made_by_get_and_by_post():
    for method in ("GET", "POST"):
        running = Running()
        assert ask(running, ADD, method=method) == "Created account door."
        made = running.account("door")
        assert (made.role, made.md5, made.sha256) == (2,) + hashes("door", "secret-8")
        again = Running(files=running.flash.files)
        assert again.account("door").md5 == made.md5


def test_the_password_is_nowhere_in_flash():
    running = Running()
    ask(running, ADD)
    for data in running.flash.files.values():
        assert b"secret-8" not in data


def test_groups_come_in_any_order_and_ptz_means_nothing():
    for groups, role in (
        ("viewer", 1),
        ("viewer:ptz", 1),
        ("operator", 2),
        ("ptz:operator:viewer", 2),
        ("viewer:operator:admin", 3),
        ("admin:viewer:operator:ptz", 3),
    ):
        running = Running()
        assert (
            ask(running, "action=add&user=x&pwd=password&sgrp=" + groups) == "Created account x."
        )
        assert running.account("x").role == role
    for groups in ("", "ptz", "root", "admin:root", "viewer::", "Admin"):
        text = ask(Running(), "action=add&user=x&pwd=password&sgrp=" + groups)
        assert text == "Error: account groups.", groups


def test_an_update_changes_what_is_sent_and_leaves_the_rest():
    running = Running()
    ask(running, ADD)
    assert ask(running, "action=update&user=door&pwd=new-password") == "Modified account door."
    made = running.account("door")
    assert (made.role, made.md5, made.sha256) == (2,) + hashes("door", "new-password")
    assert ask(running, "action=update&user=door&sgrp=viewer") == "Modified account door."
    made = running.account("door")
    assert (made.role, made.md5) == (1, hashes("door", "new-password")[0])
    writes = running.flash.writes
    assert ask(running, "action=update&user=door") == "Modified account door."
    assert running.flash.writes == writes


def test_a_master_that_becomes_a_viewer_is_not_awaited_after_a_restart():
    rows = [account("a", within=1000), account("b", "administrator")]
    running = Running(accounts=rows)
    assert ask(running, "action=update&user=a&sgrp=viewer") == "Modified account a."
    assert running.account("a").first_heartbeat_within_ms is None


def test_a_removed_account_is_gone():
    running = Running()
    assert ask(running, "action=remove&user=v") == "Removed account v."
    assert running.account("v") is None
    assert Running(files=running.flash.files).account("v") is None
    assert ask(running, "action=remove&user=v") == "Error: account user name."


def test_the_list_has_every_line_and_every_line_is_a_pair():
    text = ask(Running(), "action=get")
    assert text == 'admin="b"\noperator="a,b"\nviewer="a,b,v"\nptz=""\ndigusers="a,b,v"\n'


def test_bad_names_and_passwords():
    running = Running()
    for name in ("", "a", "x" * 33, "a%20b", "a:b", "a%22", "%C3%A9", "a,b", "%0A"):
        text = ask(running, "action=add&pwd=password&sgrp=admin&user=" + name)
        assert text == "Error: account user name.", name
    for password in ("", "x" * 7, "x" * 65, "a%0Ab", "%7F"):
        text = ask(running, "action=add&user=x&sgrp=admin&pwd=" + password)
        assert text == "Error: account password.", password
        text = ask(running, "action=update&user=a&pwd=" + password)
        assert text == "Error: account password.", password
    assert ask(running, "action=add&user=x&sgrp=admin") == "Error: account password."
    assert ask(running, "action=add&user=x&pwd=password") == "Error: account groups."
    assert ask(running, "action=update&user=x&pwd=password") == "Error: account user name."
    assert running.flash.writes == 0


def test_passwords_may_hold_anything_that_can_be_printed():
    running = Running()
    text = ask(running, "action=add&user=x&sgrp=viewer&pwd=%C3%BC%3A%26%2B+%22%25%C3%BC")
    assert text == "Created account x."
    assert running.account("x").md5 == hashes("x", 'ü:&+ "%ü')[0]


def test_actions_that_are_none_are_named_and_cannot_write_the_page():
    running = Running()
    assert ask(running, "user=x") == "Error: action operation type."
    assert ask(running, "action=") == "Error: action operation type."
    assert ask(running, "action=tea") == "Error: malformed action operation, tea."
    text = ask(running, "action=%3Cscript%3E%26")
    assert text == "Error: malformed action operation, &lt;script&gt;&amp;."
    assert ask(running, "action=a%0Ab") == "Error: malformed action operation, ?."


def test_there_is_always_an_administrator():
    running = Running()
    for text in ("action=remove&user=b", "action=update&user=b&sgrp=operator"):
        assert ask(running, text) == "Error: b is the last administrator."
    assert ask(running, "action=update&user=b&sgrp=admin&pwd=x-password") == "Modified account b."
    ask(running, "action=add&user=c&pwd=password&sgrp=admin")
    assert ask(running, "action=remove&user=b") == "Removed account b."
    assert ask(running, "action=remove&user=c") == "Error: c is the last administrator."


def test_a_master_that_a_fallback_names_stays_one():
    running = Running(ports={"2": {"fallback": {"master": "a"}}})
    for text in ("action=remove&user=a", "action=update&user=a&sgrp=viewer"):
        assert ask(running, text) == "Error: the fallback of a port names a as its master."
    assert running.account("a").role == 2
    assert ask(running, "action=update&user=a&sgrp=admin") == "Modified account a."


def test_there_are_only_so_many_accounts():
    running = Running()
    for i in range(13):
        text = ask(running, "action=add&user=x%d&pwd=password&sgrp=viewer" % i)
        assert text == "Created account x%d." % i
    text = ask(running, "action=add&user=y&pwd=password&sgrp=viewer")
    assert text == "Error: there is no room for another account."
    assert running.account("y") is None


def test_it_is_for_administrators():
    for caller, status in ((stranger(), 401), (Caller("v", 1), 403), (Caller("a", 2), 403)):
        for text in (ADD, "action=get", "action=tea", ""):
            running = Running()
            assert raises(HttpError, ask, running, text, caller).status == status
            assert running.flash.writes == 0


def test_on_a_fresh_device_a_stranger_makes_the_first_administrator_once():
    running = Running(files={})
    first = "action=add&user=root&pwd=password&grp=users&sgrp=admin:operator:viewer"
    assert ask(running, first, stranger()) == "Created account root."
    assert running.account("root").role == 3
    second = first.replace("root", "evil")
    assert raises(HttpError, ask, running, second, stranger()).status == 401
    assert running.account("evil") is None


def test_the_first_account_gives_the_module_a_realm_of_its_own_and_others_are_made_with_it():
    running = Running(files={})
    first = "action=add&user=root&pwd=password&grp=users&sgrp=admin:operator:viewer"
    assert ask(running, first, stranger()) == "Created account root."
    own = "Holdfast " + Board.SERIAL
    assert running.store.load().realm == own
    assert running.account("root").md5 == hashes("root", "password", own)[0]
    assert ask(running, ADD) == "Created account door."
    assert running.account("door").sha256 == hashes("door", "secret-8", own)[1]
    update = "action=update&user=root&pwd=password-2"
    assert ask(running, update) == "Modified account root."
    assert running.account("root").md5 == hashes("root", "password-2", own)[0]


def test_a_realm_that_is_there_stays_and_so_does_that_of_hashes_that_were_made_without_one():
    running = Running(realm="Gate", accounts=[])
    first = "action=add&user=root&pwd=password&grp=users&sgrp=admin:operator:viewer"
    assert ask(running, first, stranger()) == "Created account root."
    assert running.store.load().realm == "Gate"
    assert running.account("root").md5 == hashes("root", "password", "Gate")[0]
    running = Running()
    assert ask(running, ADD) == "Created account door."
    assert running.store.load().realm == "Holdfast"


def test_a_stranger_on_a_fresh_device_may_do_nothing_else():
    for text in (
        "",
        "action=get",
        "action=remove&user=x",
        "action=update&user=x&pwd=password&sgrp=admin",
        "action=add&user=x&pwd=password&sgrp=viewer:operator",
        "action=add&user=x&pwd=password",
    ):
        running = Running(files={})
        said = ask(running, text, stranger(), status=401)
        assert said == "Error: initial admin user must be created first.", text
        assert running.flash.writes == 0
    running = Running(files={})
    assert ask(running, "action=add&user=x&sgrp=admin", stranger())[:6] == "Error:"
    assert running.store.fresh


def test_broken_settings_are_no_fresh_device():
    running = Running(files={"settings.json": b"{"})
    first = "action=add&user=root&pwd=password&sgrp=admin"
    assert raises(HttpError, ask, running, first, stranger()).status == 401
    assert running.flash.writes == 0


def test_what_cannot_be_saved_now_is_503_and_not_done():
    running = Running()
    running.quiet = False
    assert raises(HttpError, ask, running, ADD).status == 503
    assert running.account("door") is None


def test_a_caller_is_told_name_and_groups():
    for role, groups in (
        (1, "viewer"),
        (2, "operator viewer"),
        (3, "admin operator viewer"),
    ):
        answer = UserGroup().get(Caller("door", role), Asked(method="GET"), 0)
        assert (answer.status, answer.content_type) == (200, "text/plain")
        assert answer.body.decode() == "door\n%s\n" % groups
