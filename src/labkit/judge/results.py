"""What a phase of a check came to: its outcome, and the reason that a learner reads."""

from __future__ import annotations

import builtins
import pickle
import re

import pyspark.errors
import pytest
from py4j import protocol
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from labkit.checks.mark import Declaration, declaration
from labkit.checks.own_tests import CHISPA_ERRORS
from labkit.escape import without_colours
from labkit.judge.public_checks import HIDDEN_FILE
from labkit.judge.time_limit import GradedRun
from labkit.verdict.errors import AnswerError, CheckTimeout, short
from labkit.verdict.outcome import CheckResult, Outcome

REASON_CHARACTERS = 2_000
HIDDEN_CHARACTERS = 400  # of a hidden check, whose reason may show what an answer returned
# What a value of another kind than the right one raises where a check reads it.
UNREADABLE = (
    *(TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError),
    *(OSError, EOFError, MemoryError, StopIteration, pickle.PickleError),
)
KNOWN_ERRORS = {
    name
    for module in (builtins, pyspark.errors, protocol)
    for name, thing in vars(module).items()
    if isinstance(thing, type) and issubclass(thing, BaseException)
}


def is_hidden(item: pytest.Item) -> bool:
    return item.path.name == HIDDEN_FILE


def declared_by(item: pytest.Item) -> Declaration | None:
    """What `check` says of this item; None when it is an ordinary test."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return declaration(getattr(item, "obj", None), parameters)


def keep(
    results: dict[str, CheckResult],
    item: pytest.Item,
    declared: Declaration,
    call: pytest.CallInfo[None],
    graded: GradedRun,
    rang: CheckTimeout | None,
    given: str,
) -> None:
    """Adds one phase of a check to its result: the first phase that is not `passed` decides.

    `given` says what the check has got from the answer ("`double` returned list"); "" when nothing.
    """
    earlier = results.get(item.name)
    seconds = call.duration + (earlier.seconds if earlier else 0)
    outcome, reason, trace = read_outcome(declared, call, rang, given)
    most = REASON_CHARACTERS
    if is_hidden(item):
        most, trace = HIDDEN_CHARACTERS, ""  # a trace has lines of the answer
        if is_told_by_learner(call, given):
            said = "is not written yet" if outcome == "todo" else ended(reason)
            reason = f"`{declared.task}` {said}"
    # Where the JVM is gone, the error that says so stays.
    if call.when == "call" and (changed := graded.tampered()) and outcome != "error":
        outcome, reason, trace = "error", changed, ""
    if earlier and earlier.outcome != "passed":
        outcome, reason, trace = earlier.outcome, earlier.reason, earlier.trace
    results[item.name] = CheckResult(
        item.name,
        declared.task,
        outcome,
        declared.title,
        declared.points,
        hidden=is_hidden(item),
        reason=without_colours(reason)[:most],
        trace=without_colours(trace),
        seconds=seconds,
    )


def is_told_by_learner(call: pytest.CallInfo[None], given: str) -> bool:
    """Whether a phase ended with an error whose message the answer chose, or may have chosen."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, AnswerError):
        if error.told:
            return True
        own = isinstance(error.original, (AssertionError, *CHISPA_ERRORS))
        return error.outcome in ("error", "todo") or (error.original is not None and not own)
    if given and isinstance(error, UNREADABLE):
        return True
    return isinstance(error, (PySparkException, Py4JError))


def ended(reason: str) -> str:
    """The class of the error in a reason, if it is one of Python's or Spark's: names can tell, too."""
    found = (word for word in re.findall(r"\w+", reason) if word in KNOWN_ERRORS)
    return f"ended with {next(found, 'an error')}"


def read_outcome(
    declared: Declaration,
    call: pytest.CallInfo[None],
    rang: CheckTimeout | None = None,
    given: str = "",
) -> tuple[Outcome, str, str]:
    """Outcome, reason and trace of one phase of a check; `rang` when its time ran out.

    An error of Spark's counts as the learner's: reference answers prove that the check's own
    queries run, and lazy frames fail where they are read, not where they were written. So does an
    error about a value, once the answer has `given` one: the check reads the right ones.
    """
    if call.excinfo is None:
        return "passed", "", ""
    error = call.excinfo.value
    timeout = error if isinstance(error, CheckTimeout) else rang
    if timeout is not None:
        return "timeout", timeout.says(declared.task), ""
    if isinstance(error, AnswerError):
        return error.outcome, error.reason, error.trace
    if isinstance(error, pytest.skip.Exception):
        return "skipped", str(error), ""
    if isinstance(error, (AssertionError, *CHISPA_ERRORS)):
        return "failed", str(error).strip() or declared.title, ""
    if isinstance(error, (PySparkException, Py4JError, ConnectionError)):  # the last: no JVM
        return "error", f"Spark could not run the answer: {short(error)}", ""
    place = call.excinfo.traceback[-1]
    where = f"{place.path.name if hasattr(place.path, 'name') else place.path}:{place.lineno + 1}"
    if given and isinstance(error, UNREADABLE):
        what = f"{given}, which the check can't read"
        return "error", f"{what} ({where}): {short(error)}", ""
    return "broken", f"the check itself broke at {where}: {short(error)}", ""
