"""Sub-commands that need no module: `account`, `certificate`, `boards`, `simulate`, `version`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from holdfast_cli import product
from holdfast_cli.options import new_password
from holdfast_cli.problems import USAGE, Problem


def register(app):
    app.command()(account)
    app.command()(certificate)
    app.command()(boards)
    app.command(
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        add_help_option=False,
    )(simulate)
    app.command()(version)


def account(
    name: str,
    role: Annotated[str, typer.Argument(help="viewer, operator or administrator")],
    realm: Annotated[str, typer.Option(help="as in the settings; hashes hold it")] = "Holdfast",
):
    """Make an account row for a settings file: hashes only."""
    check_role(role)
    print(json.dumps(account_row(name, role, new_password(name, True), realm), indent=2))


def check_role(role):
    """A Problem for what is no role."""
    import account as accounts  # the one in tools/

    if role not in accounts.ROLES:
        raise Problem("%s is no role; there are: %s" % (role, ", ".join(accounts.ROLES)), USAGE)


def account_row(name, role, password, realm):
    """The row of an account; its password is hashed here, and goes nowhere."""
    import account as accounts  # the one in tools/

    return accounts.row(name, role, password, realm)


def certificate(
    name: Annotated[str, typer.Argument(help="host name of the module")],
    address: Annotated[
        list[str] | None, typer.Option(help="IP address of the module; may be repeated")
    ] = None,
    days: Annotated[int, typer.Option(help="how long it is valid", min=1)] = 3650,
    out: Annotated[Path, typer.Option(metavar="DIR", help="folder for the files")] = Path("."),
):
    """Make a P-256 key and a certificate for a module, as DER files."""
    from holdfast_cli import certificate as certificates

    made = certificates.make(name, address or [], days)
    for path in certificates.save(made, out, name):
        print(path)
    print("fingerprint (SHA-256): " + certificates.fingerprint(made.certificate))


def boards():
    """List the boards that `flash` knows."""
    for name in product.boards():
        wiring = product.wiring(name)
        outputs = [row for row in wiring.PORTS if row[1] == "output"]
        print(
            "%-18s %d inputs, %d outputs" % (name, len(wiring.PORTS) - len(outputs), len(outputs))
        )


def simulate(context: typer.Context):
    """Run the simulated board; --help tells its options."""
    import simulate as board

    sys.path.insert(0, str(product.BOARDS / product.SIMULATED))
    sys.stdout.reconfigure(line_buffering=True)
    try:
        options = board.parse(context.args)
    except SystemExit as end:
        raise typer.Exit(end.code or 0) from None
    try:
        raise typer.Exit(board.run(options))
    except OSError as error:
        raise Problem("simulate: %s" % error, USAGE) from None


def version():
    """The version of the firmware that `flash` brings."""
    print("holdfast " + product.version())
