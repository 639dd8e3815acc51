"""The verdict of a test that the learner wrote, and modules for it to test."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import chispa

from labkit.escape import without_colours
from labkit.verdict.errors import AnswerError

CHISPA_ERRORS = (
    chispa.DataFramesNotEqualError,
    chispa.SchemasNotEqualError,
    chispa.ColumnsNotEqualError,
)

TEXT = "__labkit_text__"  # by which a module made here crosses to an answer in another process


def make_module(name: str, text: str) -> ModuleType:
    """A module out of its text, of no file: a test is to look at what it does, not at its lines."""
    made = ModuleType(name)
    vars(made)[TEXT] = text
    exec(compile(text, f"<{name}>", "exec"), vars(made))
    return made


def failure_of(call: Callable[..., Any], *args: Any) -> str | None:
    """The text of the AssertionError (or chispa error) that `call(*args)` raised; None when silent."""
    try:
        call(*args)
    except AnswerError as error:
        if isinstance(error.original, (AssertionError, *CHISPA_ERRORS)):
            return without_colours(str(error.original)) or type(error.original).__name__
        raise
    return None
