"""Answers from outside a lab, and sentences without a mistake, as `lab prove` shows them."""

import sys
from pathlib import Path

import pytest

from labkit.author import outside
from labkit.author.known_answers import Variant
from labkit.author.outside import misjudged, tally
from labkit.author.trial import Trial
from labkit.cli import main as cli
from labkit.spark import warm
from labkit.verdict.outcome import CheckResult

RIGHT = """\
# %% adds_it_to_itself
# task: double
from dataclasses import dataclass


@dataclass
class Sum:  # which looks for the module that it is defined in
    left: "str"
    right: "str"


def double(numbers):
    columns = Sum("n", "n")
    return numbers.selectExpr("n", f"{columns.left} + {columns.right} AS twice")
"""
WRONG = """\
# %% nothing_is_doubled
# task: double
# breaks: every number and its double
def double(numbers):
    return numbers.selectExpr("n", "n AS twice")


# %% no_frame
# task: store
# fails: test_table_holds_doubles
# breaks: Writes the doubled numbers to a view.
# -    double(numbers).write.format("delta").mode("append").saveAsTable(table)
# +    raise ValueError(table)
"""
MISJUDGED = """\
# %% adds_it_to_itself
# task: double
# breaks: every number and its double
def double(numbers):
    return numbers.selectExpr("n", "n + n AS twice")


# %% raises
# task: double
FACTOR = 2 / 0


# %% not_written
# task: double
# breaks: every number and its double
def double(numbers):
    raise NotImplementedError("double")
"""


@pytest.fixture
def lab(course, monkeypatch, capfd):
    """`lab(*words)`: runs the command on the toy course; exit code and what it said."""
    monkeypatch.setenv("LAB_ROOT", str(course))

    def run(*words) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["lab", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfd.readouterr()
        return end.value.code or 0, out + err

    yield run
    warm.stop()  # of the toy course, which its workers started


def files(folder, *texts):
    paths = [folder / str(number) / "answers.py" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.parent.mkdir()
        path.write_text(text)
    return paths


def test_answers_that_are_judged_right(lab, tmp_path, spark):
    code, said = lab("prove", "toy", "--answers", *files(tmp_path, RIGHT, WRONG))
    assert code == 0
    assert "✓ toy: right answer adds_it_to_itself (answers.py)" in said
    assert "test_doubles [failed]: " in said
    assert "test_table_holds_doubles [error]: " in said
    assert "the closest one is `Writes the doubled numbers to a Delta table.`" in said
    assert said.endswith("wrong: 2 rejected of 2; right: 1 passed of 1\n")


def test_answers_that_are_misjudged(lab, tmp_path, spark):
    code, said = lab("prove", "toy", "--answers", *files(tmp_path, RIGHT, MISJUDGED))
    assert code == 1
    assert "no check of double rejects it: passed" in said
    assert "its definitions raise ZeroDivisionError: division by zero" in said
    assert "no check of double rejects it: todo" in said
    assert said.endswith("wrong: 0 rejected of 2; right: 1 passed of 2\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no answer in"),
        (RIGHT.replace("# task: double\n", ""), "has no `# task: ...`"),
    ],
)
def test_file_that_holds_no_answer(lab, tmp_path, text, says):
    code, said = lab("prove", "toy", "--answers", *files(tmp_path, text))
    assert code == 2
    assert says in said


def test_answers_are_chosen_by_name(lab, tmp_path, monkeypatch):
    judged = []
    monkeypatch.setattr(outside, "judge_answers", lambda lab, them, **_: judged.extend(them) or [])
    paths = files(tmp_path, RIGHT, WRONG)
    lab("prove", "toy", "--only", "no_frame", "--only", "adds_it_to_itself", "--answers", *paths)
    assert [answer.name for answer in judged] == ["adds_it_to_itself", "no_frame"]
    code, said = lab("prove", "toy", "--only", "no_fame", "--answers", *paths)
    assert code == 2
    assert "there is no answer called no_fame in" in said


def test_file_that_is_not_there(lab, tmp_path):
    code, said = lab("prove", "toy", "--answers", tmp_path / "none.py")
    assert code == 2
    assert "none.py can't be read" in said


def test_sentences_without_a_mistake(lab, toy):
    text = toy.mistakes.read_text()
    toy.mistakes.write_text(text.partition("# %% stores_nothing")[0])
    code, said = lab("prove", "toy", "--clauses")
    assert code == 0
    assert said == (
        "(double, store)\n"
        "  1  n, twice: every number and its double.\n"
        "  -  Writes the doubled numbers to a Delta table.\n\n"
        "1 of 2 sentences of toy have no mistake\n"
    )


# ---------------------------------------------------------------- the verdict


def answer(kind, *fails):
    return Variant(kind, "mine", Path("answers.py"), fails=fails, task="double")


def results(**outcomes):
    return [
        CheckResult(f"test_{name}", "double", outcome, name, 1, reason="seen")
        for name, outcome in outcomes.items()
    ]


@pytest.mark.parametrize(
    ("mine", "outcomes", "says"),
    [
        (answer("mistake"), {"a": "passed", "b": "timeout"}, []),
        (answer("mistake"), {"a": "broken"}, ["no check of double rejects it: broken"]),
        (answer("mistake", "test_b"), {"a": "passed", "b": "error"}, []),
        (
            answer("mistake", "test_a", "test_c"),
            {"a": "passed", "b": "failed"},
            [
                "test_a doesn't reject it: passed",
                "test_c doesn't reject it: no check of double",
            ],
        ),
        (answer("alternative"), {"a": "passed", "b": "passed"}, []),
        (answer("alternative"), {"a": "passed", "b": "failed"}, ["test_b is failed: seen"]),
        (answer("alternative"), {}, ["double has no checks"]),
    ],
)
def test_what_shows_that_an_answer_is_misjudged(mine, outcomes, says):
    assert list(misjudged(mine, results(**outcomes))) == says


def test_tally_leaves_out_what_there_is_none_of():
    trials = [
        Trial("toy", answer("mistake"), "notebook", (), problems) for problems in ((), ("x",))
    ]
    assert tally(trials) == "wrong: 1 rejected of 2"
