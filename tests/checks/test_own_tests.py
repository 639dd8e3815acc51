"""What counts as the failure of a learner's test, and the modules that it meets."""

import inspect

import chispa
import pytest

from labkit.checks import failure_of, make_module
from labkit.judge.answer import Learner
from labkit.verdict.errors import AnswerError


def silent():
    pass


def asserts():
    raise AssertionError("asserted")


def chispas():
    raise chispa.DataFramesNotEqualError("chispa's")


def nothing_raised():
    with pytest.raises(ValueError):
        pass


def another_error():
    raise ValueError("no assertion")


@pytest.mark.parametrize(
    ("test", "said"),
    [(silent, None), (asserts, "asserted"), (chispas, "chispa's"), (nothing_raised, "DID NOT")],
)
def test_the_failure_of_a_test_is_what_it_says(test, said):
    found = failure_of(Learner({"test": test}).test)
    assert found == said or said in found


def test_another_error_is_no_failure():
    with pytest.raises(AnswerError, match="no assertion"):
        failure_of(Learner({"test": another_error}).test)


def test_a_module_is_made_of_text_and_has_no_lines_to_look_at():
    made = make_module("prices", "def double(price):\n    return 2 * price\n")
    assert (made.__name__, made.double(3)) == ("prices", 6)
    with pytest.raises(OSError):
        inspect.getsource(made.double)
