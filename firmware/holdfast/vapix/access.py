"""Rights inside a handler, where one address serves operations of different access classes."""

from holdfast.wire.http import HttpError


def require(caller, role):
    """HttpError 401 for a caller who has not logged in, 403 for one with less than this role."""
    if caller.account is None:
        raise HttpError(401)
    if caller.account.role < role:
        raise HttpError(403)
