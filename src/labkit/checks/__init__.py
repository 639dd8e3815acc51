"""What a lab's checks import: the `check` mark, frame and table assertions, and probes of the engine."""

from labkit.checks.declare import check
from labkit.checks.delta import (
    TableChanges,
    TableVersion,
    assert_table,
    changes_since,
    make_table,
    table_files,
    table_identity,
    table_rows,
    table_version,
)
from labkit.checks.drawing import with_plan
from labkit.checks.frames import (
    assert_columns,
    assert_frame,
    collect,
    make_frame,
    require_frames,
)
from labkit.checks.plans import (
    Scan,
    Work,
    cached,
    exchanges,
    has_python,
    measured,
    operators,
    partitionings,
    release,
    scans,
)
from labkit.checks.session import settings, verdict
from labkit.checks.sorts import deduplicated_sorts
from labkit.checks.streams import (
    MicroBatch,
    add_file,
    checkpoint_files,
    file_stream,
    forget_last_commit,
    run_stream,
    with_batches,
)
from labkit.checks.tasks import FrameRun, StageRead, run_frame

__all__ = [
    "FrameRun",
    "MicroBatch",
    "Scan",
    "StageRead",
    "TableChanges",
    "TableVersion",
    "Work",
    "add_file",
    "assert_columns",
    "assert_frame",
    "assert_table",
    "cached",
    "changes_since",
    "check",
    "checkpoint_files",
    "collect",
    "deduplicated_sorts",
    "exchanges",
    "file_stream",
    "forget_last_commit",
    "has_python",
    "make_frame",
    "make_table",
    "measured",
    "operators",
    "partitionings",
    "release",
    "require_frames",
    "run_frame",
    "run_stream",
    "scans",
    "settings",
    "table_files",
    "table_identity",
    "table_rows",
    "table_version",
    "verdict",
    "with_batches",
    "with_plan",
]
