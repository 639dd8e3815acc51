"""Mistakes as edits of the solution, and as code: what a file may say, what is wrong with it."""

import traceback

import pytest

from labkit.author.edits import Hunk, edited
from labkit.author.known_answers import (
    as_submission,
    namespace,
    read_alternative,
    read_answers,
    read_mistakes,
    replaced_tasks,
    touched_tasks,
)
from labkit.author.rules import mistake_problems
from labkit.home import LabError

SOLUTION = """\
LIMITS = [
    1,
    2,
]


@cached
def first(rows):
    \"\"\"Rows.\"\"\"
    rows = rows.distinct()
    rows = rows.where("a")
    rows = rows.distinct()

    return rows


def second(rows):
    return rows
"""
HEADER = """\
# %% mine
# task: double
# fails: test_doubles
# because: it is wrong
# breaks: every number and its double
"""
OLD = '# -    return numbers.select("n", (F.col("n") * 2).alias("twice"))\n'
EDIT = OLD + '# +    return numbers.select("n", F.col("n").alias("twice"))\n'
CODE = "def double(numbers):\n    return numbers\n"


def hunks(*pairs):
    return [
        Hunk(f"mistakes.py:{number}", tuple(old.splitlines()), tuple(new.splitlines()))
        for number, (old, new) in enumerate(pairs, start=1)
    ]


# ---------------------------------------------------------------- edits


def test_lines_of_one_definition_are_replaced():
    text = edited(
        SOLUTION, "first", hunks(('    rows = rows.where("a")', "    pass\n    rows = 1"))
    )
    assert text == (
        '@cached\ndef first(rows):\n    """Rows."""\n    rows = rows.distinct()\n'
        "    pass\n    rows = 1\n    rows = rows.distinct()\n\n    return rows\n"
    )


def test_several_edits_may_come_in_any_order():
    both = hunks(("    return rows", "    return 2"), ("def first(rows):", "def first(them):"))
    text = edited(SOLUTION, "first", both)
    assert text.startswith("@cached\ndef first(them):\n")
    assert text.endswith("\n\n    return 2\n")


def test_an_edit_may_delete_and_may_lie_in_a_constant():
    assert edited(SOLUTION, "LIMITS", hunks(("    2,", ""))) == "LIMITS = [\n    1,\n]\n"


@pytest.mark.parametrize(
    ("name", "pairs", "says"),
    [
        ("first", [("    rows = rows.distinct()", "")], r":1: .*is in `first` 2 times; repeat"),
        ("second", [('    rows = rows.where("a")', "")], r":1: stale: .*not a line of `second`"),
        ("first", [("    return row", "")], r"the closest line: `return rows`"),
        ("third", [("x", "y")], r"no top-level `third`"),
        (
            "first",
            [
                ("    return rows", ""),
                ("    rows = rows.distinct()\n\n    return rows", ""),
            ],
            r":1: this edit overlaps the one at mistakes.py:2",
        ),
    ],
)
def test_an_edit_that_does_not_fit_says_where(name, pairs, says):
    with pytest.raises(LabError, match=says):
        edited(SOLUTION, name, hunks(*pairs))


# ---------------------------------------------------------------- the file


def mistakes(toy, text):
    toy.mistakes.write_text(text)
    return read_mistakes(toy)


def test_edit_and_header_are_read(toy):
    header = HEADER.replace("# because: it is", "# because: it\n#   is")
    (mistake,) = mistakes(toy, f"# Wrong answers.\n\n{header}# outcome: error\n{EDIT}")
    assert (mistake.name, mistake.task, mistake.fails) == ("mine", "double", ("test_doubles",))
    assert (mistake.because, mistake.outcome) == ("it is wrong", "error")
    assert mistake.text.startswith("def double(numbers: DataFrame) -> DataFrame:\n")
    assert mistake.text.endswith('    return numbers.select("n", F.col("n").alias("twice"))\n')


def test_edit_may_lie_in_a_definition_that_is_no_task(toy):
    text = toy.solution.read_text()
    toy.solution.write_text(text.replace("# %%\ndef double", "# %%\nTWO = 2\n\n\ndef double"))
    (mistake,) = mistakes(toy, f"{HEADER}# in: TWO\n# -TWO = 2\n# +TWO = 3\n")
    assert mistake.text == "TWO = 3\n"
    assert replaced_tasks(toy, mistake) == ("double",)


def test_edits_are_told_apart_by_a_bare_line(toy):
    two = '# -    """n, twice: every number and its double."""\n#\n' + EDIT
    (mistake,) = mistakes(toy, HEADER + two)
    assert '"""' not in mistake.text


def test_code_may_follow_edits(toy):
    (mistake,) = mistakes(toy, f"{HEADER}{EDIT}\n\ndef helper():\n    pass\n")
    assert mistake.text.index("def double") < mistake.text.index("def helper")
    assert touched_tasks(toy, mistake) == ("double", "store")
    assert as_submission(toy, mistake).count("def double") == 2


def test_a_trace_names_the_mistake_and_shows_its_line(toy):
    (mistake,) = mistakes(toy, f"{HEADER}{OLD}# +    raise ValueError(numbers)\n")
    try:
        namespace(toy, mistake, None)["double"](1)
    except ValueError as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
    assert frame.filename == f"{toy.mistakes}, mine"
    assert frame.line == "raise ValueError(numbers)"


def test_annotations_of_an_answer_are_values_as_in_a_notebook(toy):
    text = f"{HEADER}def double(numbers: int):\n    return numbers\n"  # a pandas UDF reads them
    (mistake,) = mistakes(toy, text)
    assert namespace(toy, mistake, None)["double"].__annotations__ == {"numbers": int}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER, r":1: mine has neither an edit .* nor code"),
        (HEADER.replace("# fails: test_doubles\n", "") + EDIT, r":1: mine has no `# fails: ...`"),
        (HEADER.replace("# breaks: every number and its double\n", "") + EDIT, "no `# breaks"),
        (f"{HEADER}# reason: x\n{EDIT}", r":6: unknown key `reason`; known are task, fails"),
        (f"{HEADER}# task: double\n{EDIT}", r":6: a second `task`"),
        (f"{HEADER}# and so on\n{EDIT}", r":6: neither `# key: value`"),
        (f"{HEADER}{EDIT}# in: double\n", r":8: edits are"),
        (f"{HEADER}# outcome: passed\n{EDIT}", "the outcome of mine is one of failed"),
        (f"{HEADER}# +    pass\n", r":6: new lines without a place"),
        (f"{HEADER}# -    gone\n", r":6: stale: `gone` is not a line of `double`"),
        (f"{HEADER}{OLD}# +    return (\n", r":1: mine is no Python"),
        (HEADER.replace("task: double", "task: triple") + EDIT, r":1: `triple` is no task"),
        (f"{HEADER}# in: store\n# -    # nothing\n", r":7: stale"),
        (f"{HEADER}def store():\n    pass\n", r":1: mine replaces store as well"),
        (HEADER + EDIT + "\n" + HEADER + EDIT, r":9: mine is in line 1 already"),
        (HEADER.replace(" mine", "") + EDIT, r":1: name the answer"),
        (CODE, ":1: code before the first cell"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(toy, text, says):
    with pytest.raises(LabError, match=says):
        mistakes(toy, text)


def test_all_faults_of_a_file_are_told_at_once(toy):
    stale = HEADER + "# -    gone\n"
    with pytest.raises(LabError) as error:
        mistakes(toy, f"{stale}\n{stale.replace('mine', 'other')}")
    assert str(error.value).count("stale") == 2


def test_an_alternative_has_a_reason_and_names_no_check(toy):
    path = toy.solutions / "alternatives" / "mine.py"
    path.write_text(CODE)
    with pytest.raises(LabError, match="no `# because: ...` comment"):
        read_alternative(path)
    path.write_text(f"# fails: x\n# because: y\n{CODE}")
    with pytest.raises(LabError, match="is it a mistake"):
        read_alternative(path)


def test_answers_from_outside_need_a_task_alone(toy, tmp_path):
    path = tmp_path / "answers.py"
    path.write_text(
        f"# %% right\n# task: double\n{EDIT}\n# %% wrong\n# task: double\n# breaks: x\n{CODE}"
    )
    right, wrong = read_answers(toy, path)
    assert (right.kind, wrong.kind) == ("alternative", "mistake")
    assert (right.fails, wrong.fails) == ((), ())


def test_toy_mistakes_have_no_faults(toy):
    assert list(mistake_problems(toy)) == []


def test_a_quote_must_be_in_the_notebook(toy):
    mistakes(toy, HEADER.replace("every number and its", "every number and twice the") + EDIT)
    (problem,) = mistake_problems(toy)
    assert problem.startswith(f"{toy.mistakes}:1: mine breaks a sentence that the notebook doesn't")
    assert problem.endswith("the closest one is `n, twice: every number and its double.`")


def test_a_mistake_names_checks_of_its_task(toy):
    mistakes(toy, HEADER.replace("test_doubles", "test_doubles, test_table_holds_doubles") + EDIT)
    assert list(mistake_problems(toy)) == [
        f"{toy.mistakes}:1: mine: test_table_holds_doubles is no check of double"
    ]
