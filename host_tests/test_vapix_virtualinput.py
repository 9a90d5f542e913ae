"""virtualinput/activate.cgi and deactivate.cgi."""

from holdfast.vapix.virtualinput import VirtualInputService
from makers import Asked, Caller, events, module, turn


def ask(subject, query, method="activate", now=1000):
    asked = Asked(query=query, method="GET")
    answer = getattr(VirtualInputService(subject), method)(Caller(), asked, now)
    assert (answer.status, answer.content_type) == (200, "text/xml")
    return answer.body.decode()


def test_an_input_is_switched_and_told_whether_that_changed_it():
    subject = module()
    good = "<Success><ActivateSuccess><StateChanged>%s</StateChanged></ActivateSuccess></Success>"
    assert good % "true" in ask(subject, "schemaversion=1&port=2")
    assert events(subject) == [("VirtualInput", "2", "1", 1000)]
    assert good % "false" in ask(subject, "schemaversion=1&port=2")
    off = ask(subject, "schemaversion=1&port=2", "deactivate")
    assert "<DeactivateSuccess><StateChanged>true</StateChanged>" in off
    assert events(subject) == [("VirtualInput", "2", "0", 1000)]


def test_a_duration_ends_it_and_a_new_one_replaces_the_old():
    subject = module()
    ask(subject, "schemaversion=1&port=8&duration=2")
    ask(subject, "schemaversion=1&port=8&duration=5", now=2000)
    events(subject)
    assert turn(subject, 6999) == []
    assert turn(subject, 7000) == [("VirtualInput", "8", "0", 7000)]
    ask(subject, "schemaversion=1&port=8&duration=2", now=8000)
    ask(subject, "schemaversion=1&port=8", now=8001)
    events(subject)
    assert turn(subject, 99999) == []


def test_a_duration_of_nothing_is_an_event_all_the_same():
    subject = module()
    assert "<StateChanged>true</StateChanged>" in ask(subject, "schemaversion=1&port=1&duration=0")
    assert turn(subject, 1000) == [
        ("VirtualInput", "1", "1", 1000),
        ("VirtualInput", "1", "0", 1000),
    ]


def test_only_activate_knows_a_duration():
    subject = module()
    ask(subject, "schemaversion=1&port=1")
    assert "true" in ask(subject, "schemaversion=1&port=1&duration=x", "deactivate")


def test_the_schema_versions_are_told():
    answer = ask(module(), "", "schemas")
    assert "<GetSchemaVersionsSuccess><SchemaVersion><MajorVersion>1</MajorVersion>" in answer


def test_errors_have_the_vendors_numbers():
    for query, code in (
        ("port=1", 10),
        ("schemaversion=1", 10),
        ("", 10),
        ("schemaversion=1&port=0", 20),
        ("schemaversion=1&port=9", 20),
        ("schemaversion=1&port=x", 20),
        ("schemaversion=1&port=-1", 20),
        ("schemaversion=2&port=1", 30),
        ("schemaversion=1&port=1&duration=-1", 50),
        ("schemaversion=1&port=1&duration=1000000", 50),
        ("schemaversion=1&port=1&duration=1.5", 50),
    ):
        answer = ask(module(), query)
        assert "<Error><GeneralError><ErrorCode>%d</ErrorCode>" % code in answer, query


def test_zeros_in_front_of_a_number_mean_nothing():
    query = "schemaversion=1&port=00000000001&duration=00000000005"
    assert "<StateChanged>true<" in ask(module(), query)
