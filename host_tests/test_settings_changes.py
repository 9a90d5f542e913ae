"""What of changed settings waits for the next start, and merge patches."""

from holdfast.settings.changes import late, merge, waits


def changed(before, after, secure=False):
    return waits(late(before, secure), late(after, secure))


def test_what_a_running_module_takes_over_does_not_wait():
    before = {"name": "A", "realm": "R", "accounts": [], "ports": {"4": {"name": "Strike"}}}
    after = {"name": "B", "realm": "S", "accounts": [{}], "rules": {}, "actions": {}}
    after["uplinks"] = {"links": []}
    after["heartbeat"] = {"masters": ["a"], "needed": "any", "first_within": 5, "stagger": 5}
    after["ports"] = {"4": {"name": "Gate", "usage": "u", "normal": "closed", "debounce": 5}}
    assert changed(before, after) == []


def test_what_is_read_at_the_start_waits_by_name():
    before = {"ports": {"4": {"power_on": "open", "fallback": {"master": "any"}}}}
    before["heartbeat"] = {"longest": 5000, "masters": ["a"]}
    after = {"ports": {"4": {"closed_level": 0, "fallback": {"master": "a"}}}, "network": {}}
    assert changed(before, after) == [
        "heartbeat.longest",
        "network",
        "ports.4.closed_level",
        "ports.4.power_on",
    ]
    assert changed(before, before) == []


def test_where_tls_is_served_another_certificate_does_not_wait():
    plain, first, other = {}, {"tls": {}}, {"tls": {"certificate": "b.crt", "key": "b.key"}}
    beside = {"tls": {"http": True}}
    assert changed(first, other, True) == changed(other, first, True) == []
    # Listening is what begins and ends with a start.
    assert changed(plain, other, True) == changed(other, plain, True) == ["tls"]
    assert changed(other, beside, True) == changed(beside, other, True) == ["tls.http"]
    assert changed(first, {"tls": {"http": False}}, True) == []
    assert changed(plain, {"tls": None}, True) == []
    # Where it is not, as when the certificate before was none, nothing of it counts at once.
    assert changed(first, other) == ["tls"]


def test_documents_of_any_shape_are_looked_at():
    for odd in ({}, {"ports": None}, {"ports": {"4": None}}, {"ports": []}, {"tls": 3}):
        for secure in (False, True):
            assert isinstance(late(odd, secure), dict)


def test_a_merge_patch_sets_removes_and_goes_deep():
    # The example of RFC 7396 section 3, and some of its appendix A.
    document = {
        "title": "Goodbye!",
        "author": {"givenName": "John", "familyName": "Doe"},
        "tags": ["example", "sample"],
        "content": "This will be unchanged",
    }
    patch = {
        "title": "Hello!",
        "phoneNumber": "+01-123-456-7890",
        "author": {"familyName": None},
        "tags": ["example"],
    }
    wanted = {
        "title": "Hello!",
        "author": {"givenName": "John"},
        "tags": ["example"],
        "content": "This will be unchanged",
        "phoneNumber": "+01-123-456-7890",
    }
    assert merge(document, patch) == wanted
    assert document["author"] == {"givenName": "John", "familyName": "Doe"}
    assert merge({}, {"a": {"bb": {"ccc": None}}}) == {"a": {"bb": {}}}
    assert merge({"a": "c"}, {"a": {"b": "d"}}) == {"a": {"b": "d"}}
    assert merge({"a": [1]}, {"a": None}) == {}


def test_what_waits_is_told_with_its_value():
    """It is compared only, so anything that differs would do; two documents are the same if
    theirs is.
    """
    assert late({"heartbeat": 1, "ports": {"4": {"power_on": 2, "name": 3}}}, False) == {
        "heartbeat": 1,
        "ports.4.power_on": 2,
    }
    assert late({"tls": {"key": "k", "http": True}}, True) == {"tls": True, "tls.http": True}
