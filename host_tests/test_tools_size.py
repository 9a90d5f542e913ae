"""`make size` judges three forms of the firmware: a figure over its bound is told and fails."""

import pytest
import size


@pytest.mark.parametrize("form", size.BOUNDS)
def test_a_figure_at_its_bound_is_in_order_and_one_over_it_is_not(form):
    for row in size.BOUNDS[form]:
        kept = {name: bound for name, (bound, _) in size.BOUNDS[form].items()}
        rows, good = size.judged(form, kept)
        assert good and all(text.startswith("ok") for text in rows)
        kept[row] += 1
        rows, good = size.judged(form, kept)
        assert not good
        (over,) = [text for text in rows if text.startswith("OVER")]
        assert row in over and "bound %d" % size.BOUNDS[form][row][0] in over


def test_every_bound_is_of_a_row_that_the_probe_prints(micropython, monkeypatch):
    text = "start 100\nAT REST 100\nqstr pool: n_pool=6, n_qstr=1086, n_str_data_bytes=10\n"
    text += "EVERYTHING 200\nAT REST AGAIN 150\n"

    class Done:
        stdout = text
        returncode = 0

    monkeypatch.setattr(size.subprocess, "run", lambda *arguments, **more: Done)
    monkeypatch.setattr(size.package, "app", lambda: "x.romfs")
    monkeypatch.setattr(size.interpreters, "compile_firmware", lambda: "x")
    for form, bounds in size.BOUNDS.items():
        kept = size.run(form)
        assert kept[size.NAMES] == 1086 and bounds.keys() <= kept.keys()
