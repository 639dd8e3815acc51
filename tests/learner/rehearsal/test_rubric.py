"""What a reviewer ticks: the general rubric, then a lab's own, in the debrief and in a hand-out."""

import pytest

from labkit import home
from labkit.author import export
from labkit.course.labs import Lab, find_labs
from labkit.home import LabError
from labkit.learner.rehearsal import debrief, rehearse
from labkit.learner.rehearsal.rubric import GENERAL, read, rubric
from labkit.verdict.outcome import Report

OWN = """
- title: It knows what twice means
  points:
    - "`double` is said in one place."
    - Nothing is doubled twice.
"""


@pytest.fixture
def demanding(toy) -> Lab:
    """The toy lab with a rubric of its own."""
    toy.rubric.write_text(OWN, "utf-8")
    return toy


def test_a_lab_without_its_own_has_the_general_one(toy):
    assert rubric([toy]) == read(GENERAL)
    assert len(read(GENERAL)) >= 4


def test_a_labs_own_parts_follow_the_general_ones_under_its_title(demanding):
    *general, own = rubric([demanding])
    assert tuple(general) == read(GENERAL)
    assert (own.title, own.lab, len(own.points)) == (
        "It knows what twice means", demanding.title, 2,
    )  # fmt: skip


@pytest.mark.parametrize("lab", find_labs(home.root()), ids=lambda lab: lab.slug)
def test_the_rubric_of_every_lab_can_be_read(lab):
    assert len(rubric([lab])) >= len(read(GENERAL))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title: x", "write a list of parts"),
        ("[]", "write a list of parts"),
        ("- title: x", "part 1 needs a `title` and a list of `points`"),
        ("- {title: x, points: [a], weight: 3}", "nothing else"),
        ("- {title: x, points: a}", "a list of `points`"),
        ("- {title: x, points: []}", "a point of part 1 is not a sentence"),
        ("- {title: x, points: [{a: b}]}", "put it in quotes if it holds a colon"),
        ("- title: [", "can't be read"),
    ],
)
def test_another_form_is_told_with_the_file(tmp_path, text, says):
    path = tmp_path / "rubric.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(LabError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)


def test_candidate_and_interviewer_find_it_in_their_debriefs(demanding, tmp_path):
    export.export([demanding], tmp_path / "handout")
    theirs = Lab(demanding.number, demanding.slug, tmp_path / "handout")
    for lab in (demanding, theirs):
        found = rehearse.make([lab], 30)
        found.open()
        found.finish()
        page = debrief.html(debrief.Debrief(found, {"toy": Report("toy", "graded", 1)}))
        assert "It knows what twice means" in page
        assert "<code>double</code> is said in one place." in page
        assert page.count('type="checkbox"') == sum(len(part.points) for part in rubric([lab]))
