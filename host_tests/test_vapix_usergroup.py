"""usergroup.cgi: who am I, and what may I do."""

from holdfast.vapix.usergroup import UserGroup
from makers import Asked, Caller


def test_a_caller_is_told_name_and_groups():
    for role, groups in (
        (1, "viewer"),
        (2, "operator viewer"),
        (3, "admin operator viewer"),
    ):
        answer = UserGroup().get(Caller("door", role), Asked(method="GET"), 0)
        assert (answer.status, answer.content_type) == (200, "text/plain")
        assert answer.body.decode() == "door\n%s\n" % groups
