"""What the caller may do, `GET /axis-cgi/usergroup.cgi`: the account's name, and under it its
groups.

There is no vendor document of it; this is what a published client reads.
"""

from holdfast.wire.http import Response

# By role: each group holds the rights of the ones behind it.
_GROUPS = ("", "viewer", "operator viewer", "admin operator viewer")


class UserGroup:
    """Tells callers about themselves."""

    def get(self, caller, request, now):
        """Answer with two lines."""
        account = caller.account
        text = "%s\n%s\n" % (account.name, _GROUPS[account.role])
        return Response(200, text.encode(), "text/plain")
