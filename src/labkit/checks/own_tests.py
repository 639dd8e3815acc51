"""The verdict of a test that the learner wrote, and modules for it to test."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import chispa
import pytest

from labkit.escape import without_colours
from labkit.verdict.errors import AnswerError

CHISPA_ERRORS = (
    chispa.DataFramesNotEqualError,
    chispa.SchemasNotEqualError,
    chispa.ColumnsNotEqualError,
)

# What `pytest.raises` raises when nothing does is no AssertionError either.
FAILURES = (AssertionError, pytest.fail.Exception, *CHISPA_ERRORS)


def make_module(name: str, text: str) -> ModuleType:
    """A module out of its text, of no file: a test is to look at what it does, not at its lines."""
    made = ModuleType(name)
    vars(made)["__labkit_text__"] = text  # by which it crosses to an answer in another process
    exec(compile(text, f"<{name}>", "exec", dont_inherit=True), vars(made))
    return made


def failure_of(call: Callable[..., Any], *args: Any) -> str | None:
    """What `call(*args)` raised: an AssertionError, or chispa's, or pytest's; None when silent."""
    try:
        call(*args)
    except AnswerError as error:
        if isinstance(error.original, FAILURES):
            return without_colours(str(error.original)) or type(error.original).__name__
        raise
    return None
