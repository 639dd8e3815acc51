"""What `check`, `cases` and `stories` say of a test, and what they refuse."""

import pytest

from labkit.checks import Case, cases, check, stories
from labkit.checks.mark import Declaration, declaration, tasks_of

CASE = Case("null_returns", "Makes a version of null", points=3)


def declared(doc, *tasks, points=1, **parameters):
    def test_it():
        pass

    test_it.__doc__ = doc
    return declaration(check(*tasks, points=points)(test_it), parameters)


def test_one_task():
    assert declared("Keeps\n   rows", "a", points=2) == Declaration("a", 2, "keeps rows")
    assert declared("SQL is fine", "a").title == "SQL is fine"


def test_several_tasks_have_a_result_each():
    for task in ("a", "b"):
        title = f"keeps what `{task}` keeps, and {{braces}}"
        found = declared("Keeps what `{task}` keeps, and {braces}", "a", "b", task=task)
        assert found == Declaration(task, 1, title)
    assert declared("x", "a", task="of another parameter").task == "a"


def test_a_case_has_its_own_title_and_points():
    assert declared("{case}", "a", case=CASE) == Declaration("a", 3, "makes a version of null")
    assert declared("By hand: {case}", "a", case=CASE).title == "by hand: Makes a version of null"
    assert declared("{case}", "a", case="no case").points == 1


def test_what_is_no_check_has_no_tasks():
    assert tasks_of(len) == ()
    assert declaration(len) is None


@pytest.mark.parametrize(
    ("tasks", "doc", "points", "says"),
    [
        ((), "x", 1, "names its tasks"),
        (("a", "a"), "x", 1, "each once"),
        (("a",), None, 1, "docstring"),
        (("a",), "x", 0, "at least 1"),
    ],
)
def test_a_wrong_mark_is_refused(tasks, doc, points, says):
    with pytest.raises(TypeError, match=says):
        declared(doc, *tasks, points=points)


def test_cases_are_parameters_by_name():
    mark = cases([CASE, Case("other", "Other")]).mark
    assert mark.args[0] == "case"
    assert [found.id for found in mark.args[1]] == ["null_returns", "other"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([CASE, CASE], "two cases are called null_returns"),
        ([Case("a, b", "x")], "is no name for a case"),
        ([Case("a", "x", points=0)], "at least 1"),
    ],
)
def test_cases_that_could_not_be_told_apart_are_refused(rows, says):
    with pytest.raises(ValueError, match=says):
        cases(rows)


def test_a_story_is_a_case_with_rows_of_each_kind():
    text = """
nulls: keeps a null: it is a value
1 a, 2
b | 3 ' '

none: ignores an empty batch
4 d |
"""
    assert stories(text, given=str, after=str.split) == [
        Case("nulls", "keeps a null: it is a value", given=["1 a", "2 b"], after=[["3", "'", "'"]]),
        Case("none", "ignores an empty batch", given=["4 d"], after=[]),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no title\n1 | 2", "'no title' is not `name: title`"),
        ("one: has one part\n1", "one has 1 parts, not 2: given, after"),
    ],
)
def test_stories_that_are_no_cases_are_refused(text, says):
    with pytest.raises(ValueError, match=says):
        stories(text, given=str, after=str)
