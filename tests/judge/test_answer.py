"""What a learner's function did wrong, told apart."""

import pytest

from labkit.judge.answer import Learner
from labkit.verdict.errors import AnswerError, short


def broken(x):
    return 1 / x


def stub(x):
    raise NotImplementedError("stub")


def calls_stub(x):
    return stub(x)


def leaves(x):
    raise SystemExit(0)


ANSWERS = {
    "broken": broken,
    "stub": stub,
    "calls_stub": calls_stub,
    "leaves": leaves,
    "number": 3,
    "right": lambda x: x,
}
learner = Learner(ANSWERS, ("broken", "stub", "calls_stub", "leaves", "number", "right", "gone"))


def refused(task, *args):
    with pytest.raises(AnswerError) as caught:
        getattr(learner, task)(*args)
    return caught.value


def test_right_answer_comes_back():
    assert learner.right(4) == 4


def test_exception_is_an_error_with_the_learners_frames_only():
    error = refused("broken", 0)
    assert error.outcome == "error"
    assert error.reason == "ZeroDivisionError: division by zero"
    assert error.trace.startswith("test_answer.py, line ")
    assert "return 1 / x" in error.trace
    assert "answer.py, line" not in error.trace.replace("test_answer.py", "")


def test_stub_is_todo_and_a_stub_called_by_another_task_is_named():
    assert refused("stub", 1).outcome == "todo"
    error = refused("calls_stub", 1)
    assert (error.outcome, error.reason) == (
        "todo",
        "`calls_stub` calls `stub`, which is not written yet",
    )


def test_missing_function_is_an_error():
    assert refused("gone").reason == "`gone` is not defined (renamed or deleted?)"
    assert refused("number").reason == "`number` is a int, expected a function"


def test_wrong_signature_is_a_failure_that_names_the_parameters():
    error = refused("broken", 1, 2)
    assert error.outcome == "failed"
    assert "`broken(x)` can't be called" in error.reason


def test_exit_is_an_error_not_an_end():
    assert refused("leaves", 1).reason == "SystemExit: 0"


def test_interrupt_passes_through():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Learner({"f": interrupted}).f()


def test_long_messages_are_cut():
    text = short(ValueError("\n".join(f"line {n}" for n in range(100))))
    assert text.splitlines()[-1] == "line 5"
    assert len(short(ValueError("x" * 5000))) < 700
