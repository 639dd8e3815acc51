"""What a lab's checks import: the `check` mark, frame and table assertions, and probes of the engine."""

from labkit.checks.declare import check
from labkit.checks.delta import (
    TableChanges,
    assert_table,
    changes_since,
    table_files,
    table_rows,
    table_version,
)
from labkit.checks.frames import assert_columns, assert_frame, collect, make_frame
from labkit.checks.session import settings, verdict

__all__ = [
    "TableChanges",
    "assert_columns",
    "assert_frame",
    "assert_table",
    "changes_since",
    "check",
    "collect",
    "make_frame",
    "settings",
    "table_files",
    "table_rows",
    "table_version",
    "verdict",
]
