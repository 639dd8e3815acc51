"""What is said of a cell that raised or did not run as written, from what its kernel answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labkit.escape import one_line, without_colours
from labkit.grading.submission import Submission
from labkit.verdict.outcome import CellProblem

MOST_NOTES = 2_500  # of a submission, which has 2,000 cells at most
# What a cell's file is called, another number in each run; a report has the cell's own.
CELL_FILE = re.compile(r" \((?:\d+\.py, line \d+|<string>)\)$", re.MULTILINE)
CELL_LINE = re.compile(r"(?:Cell In\[\d+\], line|line) (\d+)")


def raised(content: Mapping[str, Any]) -> tuple[int, str]:
    """The line and the text of an error, from a kernel's reply to a cell."""
    trace = without_colours("\n".join(map(str, content.get("traceback") or [])))
    lines = CELL_LINE.findall(trace[:100_000])
    error = without_colours(f"{content.get('ename')}: {content.get('evalue')}"[:2000])
    text = CELL_FILE.sub("", error).splitlines()
    return max(1, int(lines[0][:9])) if lines else 1, " ".join(text[:2])[:300]


def noted(notes: Any, submission: Submission) -> list[CellProblem]:
    """The notes of `labkit.grading.notebook_shell`; any error if they are not what it writes."""
    return [
        CellProblem(
            submission.cells[int(count) - 1].number,
            min(max(1, int(line)), 999_999_999),
            one_line(without_colours(str(text)), 300),
        )
        for count, line, text in notes[:MOST_NOTES]
    ]
