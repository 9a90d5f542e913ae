"""Roles and access classes: each role has the rights of those below it, and their numbers stay."""

from holdfast.core.accounts import (
    ACTUATE,
    ADMINISTRATOR,
    ANYONE,
    BY_TOKEN,
    OPERATOR,
    PRE_AUTH,
    READ_SYSTEM,
    READ_SYSTEM_SENSITIVE,
    ROLES,
    VIEWER,
    WRITE_SYSTEM,
    Account,
)


def test_the_roles_are_in_their_order_and_no_token_is_one():
    assert (ANYONE, VIEWER, OPERATOR, ADMINISTRATOR) == (0, 1, 2, 3)
    assert [ROLES[role] for role in (ANYONE, VIEWER, OPERATOR, ADMINISTRATOR)] == list(ROLES)
    assert BY_TOKEN == -1


def test_the_default_access_policy():
    """ONVIF Core: who may read, who may actuate, who may write."""
    assert (PRE_AUTH, READ_SYSTEM, READ_SYSTEM_SENSITIVE) == (ANYONE, VIEWER, OPERATOR)
    assert (ACTUATE, WRITE_SYSTEM) == (OPERATOR, ADMINISTRATOR)


def test_an_account_has_what_it_is_made_of():
    account = Account("vms", OPERATOR, b"md5", b"sha256", 500)
    assert (account.name, account.role) == ("vms", OPERATOR)
    assert (account.md5, account.sha256) == (b"md5", b"sha256")
    assert account.first_heartbeat_within_ms == 500
    assert Account("vms", OPERATOR, b"", b"").first_heartbeat_within_ms is None
