"""Why an answer got no verdict: what checks, the judge and a submission's kernel all raise."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

from labkit.escape import without_colours

MESSAGE_LINES = 6
MESSAGE_CHARACTERS = 600
# Spark closes the message of an error found while planning by its code, the place in the query, and the plan.
PLAN = re.compile(r" SQLSTATE: \w{5}(; line \d+ pos \d+)?(;\n.*)?", re.DOTALL)


class AnswerError(Exception):
    """The learner's answer raised, is missing, or returned what no check can read.

    `told` when the words are those of the learner's process.
    """

    def __init__(
        self,
        outcome: Literal["failed", "todo", "error", "timeout"],
        reason: str,
        *,
        trace: str = "",
        original: BaseException | None = None,
        told: bool = False,
    ) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.trace = trace
        self.original = original
        self.told = told


class CheckTimeout(BaseException):
    """Raised in the main thread when a check's time is over; no `except Exception` stops it.

    `whole` when it was the time of the submission as a whole.
    """

    def __init__(self, seconds: float, *, whole: bool = False) -> None:
        super().__init__(seconds)
        self.seconds, self.whole = seconds, whole

    def says(self, task: str) -> str:
        if self.whole:
            return f"the submission took longer than {self.seconds:g} s in all"
        return f"a check of {task} took longer than {self.seconds:g} s"


def short(error: BaseException) -> str:
    """`Class: message`, bounded: Spark's messages run to pages, and end in a plan."""
    told = PLAN.sub("", without_colours(str(error)).strip())
    lines = [line.rstrip() for line in told.splitlines() if line.strip()]
    kept = [line for line in lines if not line.lstrip().startswith("at ")][:MESSAGE_LINES]
    text = "\n".join(kept)[:MESSAGE_CHARACTERS]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def place_of(filename: str) -> str:
    """What a reader calls the code in `filename`: a cell by its number, a file by its name."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is not None and (cell := shell.compile.format_code_name(filename)):
            return " ".join(cell)
    return filename if filename.startswith(("cell", "<")) else Path(filename).name


def kind_of(value: object) -> str:
    """What a reader calls the type of a value: pandas has a DataFrame of its own."""
    kind = type(value)
    top = kind.__module__.partition(".")[0]
    return f"pandas {kind.__name__}" if top == "pandas" else kind.__name__
