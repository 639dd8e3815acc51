"""The verdict of a test that the learner wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chispa

from labkit.escape import without_colours
from labkit.verdict.errors import AnswerError

CHISPA_ERRORS = (
    chispa.DataFramesNotEqualError,
    chispa.SchemasNotEqualError,
    chispa.ColumnsNotEqualError,
)


def failure_of(call: Callable[..., Any], *args: Any) -> str | None:
    """The text of the AssertionError (or chispa error) that `call(*args)` raised; None when silent."""
    try:
        call(*args)
    except AnswerError as error:
        if isinstance(error.original, (AssertionError, *CHISPA_ERRORS)):
            return without_colours(str(error.original)) or type(error.original).__name__
        raise
    return None
