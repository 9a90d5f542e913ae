"""A settings document between this PC and a module: read, sealed, kept secret, told of."""

import json
import os

import typer

from holdfast_cli.problems import SETTINGS, USAGE, Problem


def parsed(data, name):
    """The settings in a file, checksum verified when there is one."""
    from holdfast.settings.format import document
    from holdfast.settings.model import SettingsError
    from holdfast.wire.json import JsonError

    try:
        value = document(data)
    except JsonError as error:
        text = "%s is not JSON: %s at byte %d" % (name, error, error.position)
        raise Problem(text, SETTINGS) from None
    except SettingsError as error:
        raise Problem("%s: %s" % (name, error), SETTINGS) from None
    if not isinstance(value, dict):
        raise Problem("%s: settings must be an object" % name, SETTINGS)
    return value


def sealed(document):
    """A settings document as bytes, with its checksum."""
    from holdfast.settings.format import seal
    from holdfast.wire.dump import dumps

    try:
        return seal(dumps(document))
    except TypeError:
        text = "settings hold a number with a fraction: %s" % json.dumps(document)[:60]
        raise Problem(text, SETTINGS) from None


def warn_of_clear_text(url):
    """Say what travels unprotected, unless it stays on this PC."""
    host = url.partition("://")[2]
    if url.startswith("http://") and not host.startswith(("127.", "localhost", "[::1]")):
        note("over http:// hashes and keys that are sent can be read on the way; use https://")


def saved(waiting):
    """Say what is in force, and what waits for the next start."""
    if waiting:
        print("saved; from the next start on: " + ", ".join(waiting))
    else:
        print("saved, and in force")


def tell(waiting, subject, start_again):
    """Say that it is saved, and which rules have no effect; restart when something waits for that
    and it is asked for.
    """
    saved(waiting)
    try:
        note_blocked(subject.status()["rules"])
    except Problem as problem:  # the change may have been one of the account that made it
        note("rules were not looked at: " + problem.text)
    if waiting and start_again:
        restart(subject)


def restart(subject, wait=True):
    """Have a module start again, and say so."""
    away_s = subject.restart(wait)
    print("it is back after %.1f s" % away_s if wait else "it restarts")


def changes(before, after, path=""):
    """What differs between two documents, a line for each path; no secret is shown."""
    for key in [*before, *(key for key in after if key not in before)]:
        name = path + key
        old, new = before.get(key), after.get(key)
        if _is_withheld(new) and key in before:
            continue  # it stays
        if old == new and (key in before) == (key in after):
            continue
        if name == "accounts":
            yield from changes(_by_name(old), _by_name(new), "accounts.")
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from changes(old, new, name + ".")
        elif key not in after:
            yield "removed: " + name
        elif key not in before:
            yield "new: " + name + _shown(key, new)
        else:
            was = " not told" if _is_withheld(old) else _shown(key, old) or " another"
            yield "changed: %s%s, was%s" % (name, _shown(key, new), was)


def _by_name(rows):
    """Accounts as an object, so that each is compared with itself."""
    return {row["name"]: row for row in rows or () if isinstance(row, dict) and "name" in row}


def _parts(value):
    """The (name, value) of an object or a list; rows with a name are called by that."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        for number, row in enumerate(value):
            name = row.get("name") if isinstance(row, dict) else None
            yield name or str(number), row


def withheld(document, path=""):
    """The paths of secrets that a module did not give away: it writes "*" for them."""
    for name, value in _parts(document):
        if _is_withheld(value):
            yield path + name
        else:
            yield from withheld(value, "%s%s." % (path, name))


def secrets_kept(before, after):
    """The paths of `after` that are withheld, and whose secrets `before` has: they stay. A Problem
    names those that nobody has.
    """
    wanted = list(withheld(after))
    missing = [path for path in wanted if _at(before, path) is None]
    if missing:
        text = "the file does not have these secrets, nor does the module: %s; write them into it"
        raise Problem(text % ", ".join(missing), SETTINGS)
    return wanted


def filled(before, after):
    """`after` with the secrets of `before` where it has none: for a board that takes a file as it
    is.
    """
    if isinstance(after, list):
        rows = dict(_parts(before))
        return [filled(rows.get(name), row) for name, row in _parts(after)]
    if isinstance(after, dict):
        rows = before if isinstance(before, dict) else {}
        return {name: filled(rows.get(name), value) for name, value in after.items()}
    return before if _is_withheld(after) else after


def checkable(document, key=""):
    """A document with something that is right in place of each secret that it does not have."""
    if isinstance(document, list):
        return [checkable(row) for row in document]
    if isinstance(document, dict):
        return {name: checkable(value, name) for name, value in document.items()}
    return _RIGHT.get(key, document) if document == WITHHELD else document


def _is_withheld(value):
    """True for what a module writes in place of a secret, or of a URL's query."""
    return value == WITHHELD or isinstance(value, str) and value.endswith("?" + WITHHELD)


def _at(document, path):
    """What is at a path, None for nothing. No name of a secret's place has a dot but accounts'."""
    for name, value in _parts(document):
        if path == name:
            return value
        if path.startswith(name + ".") and (found := _at(value, path[len(name) + 1 :])):
            return found
    return None


WITHHELD = "*"  # in place of a secret
_RIGHT = {"md5": "0" * 32, "sha256": "0" * 64, "key": "0" * 64, "private_key": "1" * 64}
_SECRETS = ("md5", "sha256", "key", "password", "login", "proxy_password", "token", "secret")


def _shown(key, value):
    """A value behind its name, where it is short and no secret."""
    text = json.dumps(value)
    hidden = key in _SECRETS or isinstance(value, (dict, list)) or len(text) > 60
    return "" if hidden else " " + text


def blocked(rules):
    """A text for each rule that a lock keeps from what it is for. rules: as a status has them."""
    for row in rules:
        if row.get("blocked"):
            yield "rule %s, %s, does nothing at a loss: %s" % tuple(
                row[key] for key in ("rule", "name", "blocked")
            )


def note_blocked(rules):
    """Say which rules have no effect: the settings are right, but hardly what was meant."""
    for text in blocked(rules):
        note(text)


def note(text):
    """One line for the person, where results do not go."""
    typer.echo("holdfast: note: " + text, err=True)


def write_secret(file, data):
    """Make or replace a file that nobody else may read, from its first byte on; a Problem."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(file, flags, 0o600), "wb") as target:
            os.fchmod(target.fileno(), 0o600)  # it may have been there
            target.write(data)
    except OSError as error:
        raise Problem("%s: %s" % (file, error.strerror), USAGE) from None
