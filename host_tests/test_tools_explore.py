"""`make explore` in a smaller world: nothing is wrong there, and faults of the core are found."""

import explore
import pytest
from holdfast.core import reconfigure
from holdfast.core.port import Port
from holdfast.core.session import Session


@pytest.mark.slow
@pytest.mark.parametrize("name", ("nobody", "all", "any", "own", "stagger"))
def test_nothing_is_wrong_in_any_state_of_a_small_world(name):
    walk = explore.Walk(name, explore.FEW).run()
    print(walk.figures())
    assert walk.far is None and walk.waiting == 0 and len(walk.parents) > 1000
    assert walk.figures().endswith(", to the end")
    assert walk.transitions == len(walk.parents) * len(explore.FEW)


@pytest.mark.parametrize("name", explore.WORLDS)
def test_nothing_is_wrong_at_the_beginning_of_any_world(name):
    walk = explore.Walk(name, explore.MANY, 250).run()
    assert len(walk.parents) == 250 and walk.far in (1, 2)
    assert walk.figures().endswith("; all histories of %d facts" % walk.far)


def test_what_takes_too_long_is_ended_and_says_how_far_it_came():
    walk = explore.Walk("nobody", explore.MANY, seconds=0).run()
    assert (walk.far, walk.transitions) == (0, 0) and walk.waiting < len(explore.STARTS)
    walk = explore.Walk("nobody", explore.MANY, seconds=2).run()
    assert walk.far > 0 and walk.waiting and walk.transitions > 100


def late(session, duration_ms, now):
    feed(session, duration_ms, now)
    session.expires_at += 1


def forgotten(port):
    return port.bypassed_until is None and not port.lost


def anybody(module, name, now, who="somebody"):
    module.fault.lost = False
    release(module, name, now, who)


feed, release = Session.feed, reconfigure.release


@pytest.mark.parametrize(
    "owner, name, planted, world, sentence, facts",
    (
        (Session, "feed", late, "all", "keeps the SessionId", 3),
        (Port, "falls", forgotten, "all", "Each loss of a master is a trip", 3),
        (reconfigure, "release", anybody, "nobody", "`lost` is the loss", 3),
    ),
)
def test_a_fault_in_the_core_is_found_with_a_short_history(
    monkeypatch, owner, name, planted, world, sentence, facts
):
    monkeypatch.setattr(owner, name, planted)
    figures, found = explore.explore(world, explore.MANY, 5000, None)
    assert "states" in figures
    assert sentence in found, found
    assert found.count("\n    (") <= facts, found


def test_what_is_kept_and_not_gone_back_to_is_noticed(monkeypatch):
    """A figure that decides something would make states the same that are not."""
    monkeypatch.setattr(explore, "AGAIN", 1)
    monkeypatch.setattr(explore, "FIGURES", (*explore.FIGURES, "wanted"))
    _, found = explore.explore("nobody", explore.MANY, 3000, None)
    assert found is not None
