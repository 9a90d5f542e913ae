"""A settings document between this PC and a module: read, sealed, kept secret, told of."""

import json
import os

import typer

from holdfast_cli.problems import SETTINGS, USAGE, Problem


def parsed(data, name):
    """The settings in a file, checksum verified when there is one."""
    from holdfast.core.settings import SettingsError
    from holdfast.shell.saving import document
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
    from holdfast.shell.saving import seal
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
        text = "over http:// the hashes and keys in settings can be read on the way; use https://"
        typer.echo("holdfast: note: " + text, err=True)


def tell(waiting, subject, start_again):
    """Say what is in force, and what waits for the next start; restart when asked to."""
    if not waiting:
        print("saved, and in force")
        return
    print("saved; from the next start on: " + ", ".join(waiting))
    if start_again:
        subject.restart()
        print("it restarts")


def write_secret(file, data):
    """Make or replace a file that nobody else may read, from its first byte on; a Problem."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(file, flags, 0o600), "wb") as target:
            os.fchmod(target.fileno(), 0o600)  # it may have been there
            target.write(data)
    except OSError as error:
        raise Problem("%s: %s" % (file, error.strerror), USAGE) from None
