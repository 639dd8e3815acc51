"""The reports that learners read, a page and a text, with what the instructor says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from labkit.course.hints import read_hints
from labkit.course.labs import Lab, find_lab
from labkit.escape import well_formed
from labkit.grading.batch.results import COMMENT, PAGE, TEXT, Row, write
from labkit.home import LabError
from labkit.verdict.comment import read_comment
from labkit.verdict.page import INSTRUCTOR, report_page, report_text

COMMENT_BYTES = 100_000


def commented(row: Row) -> tuple[Row, list[str]]:
    """A row with the comment in its folder, and notes on what of that can't be as it was meant."""
    file = row.folder / COMMENT
    try:
        content = file.read_bytes() if file.exists() else b""
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return row, [f"{file} is not shown, it can't be read as UTF-8 text: {error}"]
    if len(content) > COMMENT_BYTES:
        return row, [f"{file} is not shown: it has more than {COMMENT_BYTES // 1000} kB"]
    tasks = dict.fromkeys(check.task for check in row.report.checks if check.task)
    comment, notes = read_comment(text, tasks)
    return replace(row, comment=comment), [f"{file}, {note}" for note in notes]


def texts(row: Row, lab: Lab | None) -> dict[str, str]:
    """The files of a row that a learner reads, by name."""
    told = _time(row)
    shown = {"student": row.student, "comment": row.comment, "handed_in": told, **_of_lab(lab)}
    hints = shown.pop("hints", None)
    return {
        PAGE: well_formed(report_page(row.report, hints=hints, **shown)),
        TEXT: well_formed(report_text(row.report, **shown)),
    }


def refresh(rows: Sequence[Row]) -> None:
    """Writes the reports again whose comment or date may be another one now."""
    labs: dict[str, Lab | None] = {}
    for row in rows:
        try:
            if not (row.comment or row.handed_in or _is_old(row)):
                continue
            if row.report.lab not in labs:
                labs[row.report.lab] = _lab(row.report.lab)
            for name, text in texts(row, labs[row.report.lab]).items():
                write(row.folder / name, text)
        except OSError as error:
            raise LabError(
                f"the report in {row.folder} can't be written again ({error.strerror}); mend that, "
                "then `lab report` writes reports and summaries"
            ) from None


def _is_old(row: Row) -> bool:
    """Whether a report may say what the instructor took back, or is not there."""
    page, text = row.folder / PAGE, row.folder / TEXT
    return not (page.is_file() and text.is_file()) or INSTRUCTOR in page.read_text("utf-8")


def _time(row: Row) -> str:
    if row.handed_in is None or row.handed_in.at is None:
        return ""
    return f"{row.handed_in.at.isoformat(sep=' ', timespec='minutes')}, {row.handed_in}"


def _lab(slug: str) -> Lab | None:
    try:
        return find_lab(slug) if slug else None
    except LabError:
        return None


def _of_lab(lab: Lab | None) -> dict[str, Any]:
    """What a report takes from the lab; a lab that can't be read takes nobody their report."""
    if lab is None:
        return {}
    try:
        return {"title": lab.title, "hints": read_hints(lab.checks)}
    except (LabError, OSError):
        return {}
