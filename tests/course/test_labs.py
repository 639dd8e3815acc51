"""Labs are found by name, folder or number."""

import pytest

from labkit.course.labs import Lab, find_lab, find_labs
from labkit.home import LabError


def test_lab_is_found_by_any_of_its_names(course):
    for name in ("toy", "00_toy", "0", "00", "labs/00_toy/"):
        assert find_lab(name, course).slug == "toy"


def test_unknown_lab_suggests_the_nearest(course):
    with pytest.raises(LabError, match="Did you mean `toy`"):
        find_lab("toys", course)
    with pytest.raises(LabError, match="`lab list` shows them all"):
        find_lab("zebra", course)


def test_what_a_lab_says_of_itself_comes_from_its_starter(toy):
    assert toy.title == "Double and sum"
    assert toy.tasks == ("double", "store")
    assert toy.about["level"] == "starter"


def test_unreadable_starter_says_how_to_mend_it(toy):
    toy.starter.write_text("{")
    with pytest.raises(LabError, match="can't be read as a lab"):
        _ = Lab(0, "toy", toy.root).about
    toy.starter.unlink()
    with pytest.raises(LabError, match="lab build toy"):
        _ = Lab(0, "toy", toy.root).about


def test_other_folders_are_no_labs(course):
    (course / "labs" / "notes").mkdir()
    assert [lab.slug for lab in find_labs(course)] == ["toy"]
