"""`holdfast provision`: name, accounts, network and certificate of a module, in one go.

Passwords are hashed here: hashes are all that leaves this PC. The Wi-Fi key does leave it, as it
is: the module joins the network with it. Settings are checked as the module will check them before
they go anywhere. To a board on a cable they go as a file; to a module on the network as a JSON
merge patch; a module that nobody has set up yet takes its first administrator without a login.

Over the network a change of the network is on trial: the module starts with it, and goes back to
the old one unless it is reached there and that is confirmed within a minute. This command restarts
it, looks for it, and confirms.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from holdfast_cli import network, product
from holdfast_cli.document import (
    checkable,
    note_blocked,
    parsed,
    saved,
    sealed,
    tell,
    warn_of_clear_text,
    write_secret,
)
from holdfast_cli.local import account_row
from holdfast_cli.options import (
    Address,
    Insecure,
    Port,
    Serial,
    Trust,
    User,
    module,
    new_password,
    one_of,
)
from holdfast_cli.problems import FAILED, SETTINGS, STRANGER, USAGE, Problem

# In the board's flash, as `tls` of the settings calls them unless told otherwise.
_CERTIFICATE = "tls.crt"
_KEY = "tls.key"
_FIRST = "administrator"
_TRIAL_S = 60  # as settings.trial has it
_START_S = 30  # for a start, and for Wi-Fi to be joined


def register(app):
    app.command()(provision)


def provision(
    where: Address = None,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    serial: Serial = False,
    port: Port = None,
    file: Annotated[
        Path | None, typer.Option(help="a settings file, made or changed, instead of a module")
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="of `holdfast boards`; what a --file is checked for")
    ] = None,
    name: Annotated[str | None, typer.Option(help="of the module")] = None,
    realm: Annotated[
        str | None, typer.Option(help="what hashes are made with; all accounts have to be given")
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:ROLE", help="viewer, operator or administrator; repeated"),
    ] = None,
    remove_account: Annotated[list[str] | None, typer.Option(metavar="NAME")] = None,
    wifi: Annotated[
        str | None, typer.Option(metavar="SSID", help="its key is asked for, or HOLDFAST_WIFI_KEY")
    ] = None,
    ethernet: Annotated[bool, typer.Option("--ethernet", help="a cable, no Wi-Fi")] = False,
    hostname: Annotated[str | None, typer.Option(help="in the network")] = None,
    static: Annotated[
        str | None, typer.Option(metavar="IP/BITS,GATEWAY[,DNS]", help="no DHCP")
    ] = None,
    certificate_file: Annotated[
        Path | None, typer.Option("--certificate", help="PEM or DER, P-256; with --key")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="of the certificate, PEM or DER")] = None,
    start_again: Annotated[
        bool, typer.Option("--restart/--no-restart", help="if something waits for that")
    ] = True,
):
    """Set up a module: on a cable (--serial), on the network (ADDRESS), or in a --file."""
    if (certificate_file is None) != (key is None):
        raise Problem("--certificate and --key come together", USAGE)
    if wifi and ethernet:
        raise Problem("--wifi or --ethernet, not both", USAGE)
    wish = Wish(name, realm, account or [], remove_account or [])
    wish.network = network.settings(wifi, ethernet, hostname, static)
    if certificate_file:
        from holdfast_cli import certificate

        wish.made = certificate.load(certificate_file, key)
        if file is not None or not (serial or port):
            text = "a certificate and its key are files on the board: add --serial, with a cable"
            raise Problem(text, USAGE)
    if not wish:
        raise Problem("nothing to set; see `holdfast provision --help`", USAGE)
    if file is not None:
        if where and not os.environ.get("HOLDFAST_URL"):
            raise Problem("an address or --file, not both", USAGE)
        into_file(file, board or product.SIMULATED, wish)
    elif one_of(where, serial, port):
        into_module(where, user, trust, insecure, wish, start_again)
    else:
        into_board(port, board, wish, start_again)


class Wish:
    """What is to be set; what is not said stays as it is."""

    def __init__(self, name, realm, accounts, removed):
        self.name = name
        self.realm = realm
        self.accounts = [self._account(text) for text in accounts]
        self.removed = removed
        self.network = None
        self.passwords = {}  # by account, of those that are made
        self.made = None  # a certificate and its key

    @staticmethod
    def _account(text):
        name, colon, role = text.rpartition(":")
        if not colon:
            name, role = text, "operator"
        if role not in ("viewer", "operator", "administrator"):
            text = (
                "%s is no role; write --account NAME:viewer, NAME:operator or NAME:administrator"
            )
            raise Problem(text % role, USAGE)
        return name, role

    def __bool__(self):
        parts = (self.name, self.realm, self.network, self.made)
        return bool(self.accounts or self.removed) or any(part is not None for part in parts)

    def patch(self, document, alone=True):
        """A merge patch for settings; asks for passwords. alone: nobody had to log in."""
        from holdfast.core.accounts import REALM

        patch = {}
        if self.name is not None:
            patch["name"] = self.name
        realm = document.get("realm", REALM)
        kept = document.get("accounts", [])
        if self.accounts and not kept and self.realm is None and "realm" not in document:
            # No other module's: a hash that was read there opens nothing here.
            patch["realm"] = realm = "%s %s" % (REALM, secrets.token_hex(6))
        if self.realm is not None and self.realm != realm:
            given = [name for name, _ in self.accounts] + self.removed
            left = [row["name"] for row in kept if row["name"] not in given]
            if left:
                text = "with another realm nobody's hash holds any more; give these anew, too: %s"
                raise Problem(text % ", ".join(left), SETTINGS)
            patch["realm"] = realm = self.realm
        if self.accounts or self.removed:
            patch["accounts"] = self._rows(kept, realm, alone and len(self.accounts) == 1)
        if self.network is not None:
            patch["network"] = self.network
        if self.made is not None:
            patch["tls"] = {"certificate": _CERTIFICATE, "key": _KEY}
        return patch

    def _rows(self, kept, realm, alone):
        there = [row["name"] for row in kept]
        for name in self.removed:
            if name not in there:
                raise Problem("there is no account %s" % name, SETTINGS)
        rows = [dict(row) for row in kept if row["name"] not in self.removed]
        for name, role in self.accounts:
            self.passwords[name] = new_password(name, alone)
            new = account_row(name, role, self.passwords[name], realm)
            for row in rows:
                if row["name"] == name:
                    row.update(new)
                    break
            else:
                rows.append(new)
        return rows


def merged(document, patch, board, file=False):
    """The document with a patch, checked for a board, and with somebody who may administer it.
    file: secrets that it does not have are those of a module.
    """
    from holdfast.settings.changes import merge

    after = merge(document, patch)
    product.check_settings(checkable(after) if file else after, board)
    if not [row for row in after.get("accounts", []) if row["role"] == "administrator"]:
        raise Problem("nobody could administer it: add --account NAME:administrator", SETTINGS)
    return after


def into_file(file, board, wish):
    """Change a settings file, or make one; nobody else may read it."""
    document = {}
    if file.exists():
        document = parsed(file.read_bytes(), str(file))
    after = merged(document, wish.patch(document), board, file=True)
    write_secret(file, (json.dumps(after, indent=2) + "\n").encode())
    print("%s: good for %s" % (file, board))
    note_blocked(product.rules(checkable(after), board))


def into_board(port, name, wish, start_again):
    """Change the settings of a board on a cable."""
    from holdfast_cli.board import Board

    with Board(port, name) as board:
        data = board.settings_there()
        document = {} if data is None else parsed(data, "the board's settings")
        after = merged(document, wish.patch(document), board.name)
        # First: settings that name files which are not there would be served without TLS.
        if wish.made is not None:
            board.write_file(_CERTIFICATE, wish.made.certificate)
            board.write_file(_KEY, wish.made.key)
        board.write_settings(sealed(after))
        print("%s: settings written; they count from its next start on" % board.port)
        if after.get("tls") is not None and not after["tls"].get("http"):
            print("it serves https:// alone then; tls.http in its settings adds http://")
        note_blocked(product.rules(after, board.name))
        if start_again:
            board.reset()
            print("it starts")


def into_module(where, user, trust, insecure, wish, start_again):
    """Change the settings of a module that runs."""
    from holdfast_cli.client import Module, address

    url = address(where)
    warn_of_clear_text(url)
    with Module(url, None, None, trust, insecure) as stranger:
        if needs_setup(stranger):
            patch = wish.patch({})
            names = [row["name"] for row in patch.get("accounts", []) if row["role"] == _FIRST]
            if not names:
                text = "%s has no account yet: add --account NAME:administrator" % url
                raise Problem(text, SETTINGS)
            # The account first, and for good: nobody else may take its place meanwhile.
            moved = patch.pop("network", None)
            saved(stranger.patch_settings(patch))
            if moved is not None:
                name = names[0]
                with Module(url, name, wish.passwords[name], trust, insecure) as subject:
                    move(subject, moved, None, start_again)
            return
    with module(where, user, trust, insecure) as subject:
        _, tag, document = subject.settings()
        patch = wish.patch(document, False)
        after = {**document, **{key: patch[key] for key in patch if key != "network"}}
        if not [row for row in after["accounts"] if row["role"] == _FIRST]:
            raise Problem("nobody could administer it any more", SETTINGS)
        moved = patch.pop("network", None)
        if patch:
            tell(subject.patch_settings(patch, tag), subject, start_again and moved is None)
            tag = None
        if moved is not None:
            move(subject, moved, tag, start_again)


def move(subject, patch, tag, start_again):
    """Try another network: kept when the module is reached there, else it goes back by itself."""
    from holdfast_cli.client import Module

    waiting = subject.patch_settings({"network": patch}, tag, trial=True)
    if not waiting:
        subject.confirm(True)
        print("the network is as it was")
        return
    if not start_again:
        text = "the network is on trial from the next start on: then confirm it within %d s, with"
        print(text % _TRIAL_S, "`holdfast confirm ADDRESS`")
        return
    before = subject.status()["events"]["epoch"]
    subject.restart(False)
    url = moved_to(subject.url, patch.get("address"))
    print("it restarts, and is looked for at %s" % url)
    with Module(url, subject.user, subject.password, subject.trust, subject.insecure) as there:
        if there.came_back(before, _TRIAL_S + _START_S) and there.confirm(True):
            print("the network works, and is kept")
            return
    print("it was not reached there in time; it goes back to the network that it had")
    back = subject.came_back(before, _TRIAL_S)
    where = "it is back at %s" % subject.url if back else "it is not at %s yet" % subject.url
    raise Problem("the network was not changed: " + where, FAILED)


def moved_to(url, host):
    """The URL of a module that gets another address; without one, or with DHCP, it stays."""
    if not host:
        return url
    scheme, _, place = url.partition("://")
    _, colon, port = place.rpartition(":")
    return "%s://%s%s" % (scheme, host, colon + port if colon else "")


def needs_setup(stranger):
    """True for a module that has no account yet."""
    call = {"apiVersion": "1.0", "method": "systemready", "params": {"timeout": 1}}
    answer = stranger.json("POST", "/axis-cgi/systemready.cgi", call)
    try:
        return answer["data"]["needsetup"] == "yes"
    except (KeyError, TypeError):
        raise Problem("%s answers, but it is no Holdfast" % stranger.url, STRANGER) from None
