"""What the module tells of its outputs; sweep_truth.py holds it to what pins do."""

from holdfast.core.reconfigure import reconfigure
from holdfast.rest.outputs import OutputsService
from holdfast.wire.json import loads
from makers import Asked, Caller, module, settings, whole


def outputs(subject):
    return loads(whole(OutputsService(subject).get(Caller(), Asked(), 0)))["outputs"]


def test_every_output_has_a_row_and_no_input():
    steps = [{"after": 8000, "state": "closed"}]
    row = {"name": 'a "b"', "fallback": {"master": "a", "steps": steps, "on_return": "restore"}}
    first, second = outputs(module({"2": row}))
    assert (first["port"], first["name"], first["master"]) == ("2", 'a "b"', "a")
    assert first["crash"] == {"words": "closed", "changes": [[0, "closed"]]}
    assert first["return"] == {"words": "as last commanded", "changes": [[0, "commanded"]]}
    assert first["loss"]["words"] == "stays as it is, closed after 8 s"
    assert (second["port"], second["master"], second["return"]["changes"]) == ("3", None, [])


def test_it_follows_changed_settings_those_of_the_next_start_too():
    subject = module()
    fallback = {"locked": False, "steps": [{"state": "closed"}]}
    reconfigure(subject, settings({"2": {"power_on": "closed", "fallback": fallback}}), 5)
    (first, _) = outputs(subject)
    assert first["power_on"]["changes"] == [[0, "closed"]]
    assert first["loss"]["changes"] == [[0, "closed"]]
    assert first["locked"] is False


def test_a_board_without_outputs_has_none():
    assert outputs(module(wiring=((10, "input", 1),))) == []
