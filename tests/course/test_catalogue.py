"""The catalogue: subjects, what a lab builds on, and what is told of a malformed one."""

import pytest

from labkit.author import labs_page
from labkit.course.catalogue import FILE, OTHERS, after, subjects
from labkit.course.labs import Lab, find_labs
from labkit.home import LabError
from labkit.learner import workspace

CATALOGUE = """
- title: Sums
  labs:
    toy: {does: double and sum}
    gone: {does: a lab of another course}
- title: More
  labs:
    second: {does: do it again, after: [toy, gone]}
"""


@pytest.fixture
def labs(toy: Lab) -> tuple[Lab, ...]:
    """The toy lab and a second one, by the catalogue above."""
    second = Lab(1, "second", toy.root)
    second.starter.parent.mkdir(parents=True)
    second.starter.write_bytes(toy.starter.read_bytes())
    (toy.root / FILE).write_text(CATALOGUE)
    return find_labs(toy.root)


def test_labs_that_are_not_here_are_left_out(labs):
    assert [
        (one.title, [(entry.lab.slug, entry.does) for entry in one.entries])
        for one in subjects(labs)
    ] == [("Sums", [("toy", "double and sum")]), ("More", [("second", "do it again")])]
    assert [lab.slug for lab in after(labs[1], labs)] == ["toy"]
    assert after(labs[0], labs) == ()


def test_a_lab_that_the_file_does_not_name_is_among_the_others(toy):
    (found,) = subjects([toy])
    assert (found.title, found.entries[0].does) == (OTHERS, toy.title)


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "- title: x",
        "- {title: x, labs: {toy: {afer: []}}}",
        "- {title: x, labs: {toy: {does: y, after: second}}}",
        "- {title: x, labs: {toy: {does: y, after: }}}",
        "- [",
        "- labs: {}",
    ],
)
def test_another_form_is_told(toy, text):
    (toy.root / FILE).write_text(text)
    with pytest.raises(LabError, match=r"catalogue\.yaml is no list of subjects"):
        subjects([toy])


def test_start_names_the_labs_that_are_not_passed_yet(labs):
    assert [lab.slug for lab in workspace.not_passed_before(labs[1])] == ["toy"]
    assert workspace.not_passed_before(labs[0]) == []


def test_page_is_written_once(labs):
    assert labs_page.is_stale(labs)
    (page,) = labs_page.write(labs)
    assert "| `second` | do it again |" in page.read_text()
    assert labs_page.write(labs) == []
