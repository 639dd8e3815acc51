"""The clock of a rehearsal goes on while nobody looks, and tells when somebody set it."""

import pytest

from labkit.learner.rehearsal import clock
from labkit.learner.rehearsal.clock import Reading, elapsed


def readings(*looks):
    """Readings named a, b, c... of (wall, steady, boot)."""
    return [Reading("abcdef"[n], *look) for n, look in enumerate(looks)]


def test_time_between_readings_counts_although_nobody_looked():
    assert elapsed(readings((1000, 10, "x"), (4600, 3610, "x"))) == clock.Elapsed(3600)


def test_both_clocks_agree_now():
    found = elapsed([clock.read("a"), clock.read("b")])
    assert 0 <= found.seconds < 5
    assert found.notes == ()


@pytest.mark.parametrize(("wall", "way"), [(9000, "forward by 1 h 13 min"), (200, "back by 1 h")])
def test_system_clock_that_was_set_is_told_and_does_not_count(wall, way):
    found = elapsed(readings((1000, 10, "x"), (wall, 3610, "x")))
    assert found.seconds == 3600
    assert way in found.notes[0]
    assert "between `a` and `b`" in found.notes[0]


def test_restart_leaves_only_the_system_clock_and_is_told():
    found = elapsed(readings((1000, 5000, "x"), (1600, 20, "y"), (1660, 80, "y")))
    assert found.seconds == 660
    assert found.notes == (
        "The machine was restarted (or changed) between `a` and `b`; these 10 min are by the "
        "system clock only.",
    )


def test_system_clock_set_back_over_a_restart_adds_nothing_and_is_told():
    found = elapsed(readings((1000, 5000, "x"), (400, 20, "y")))
    assert found.seconds == 0
    assert "went back by 10 min over a restart" in found.notes[0]


@pytest.mark.parametrize("boots", [("", ""), ("x", "x")])
def test_steady_clock_that_ran_backwards_is_another_run_of_the_machine(boots):
    found = elapsed(readings((1000, 5000, boots[0]), (1060, 20, boots[1])))
    assert found.seconds == 60
    assert len(found.notes) == 1


@pytest.mark.parametrize(
    ("seconds", "words", "face"),
    [(40, "40 s", "0:00:40"), (3599, "59 min", "0:59:59"), (3900, "1 h 05 min", "1:05:00")],
)
def test_durations_as_words_and_as_a_clock(seconds, words, face):
    assert (clock.in_words(seconds), clock.face(seconds)) == (words, face)
