"""What a lab's checks import: the `check` mark, frame and table assertions, and probes of the engine."""

from labkit.checks.cases import Case, cases, stories
from labkit.checks.cold_tables import ColdFile, write_cold_commit, write_cold_table
from labkit.checks.frames import (
    assert_columns,
    assert_frame,
    collect,
    make_frame,
    require_frames,
)
from labkit.checks.history import History
from labkit.checks.idle_sorts import deduplicated_sorts
from labkit.checks.java_column import java_column
from labkit.checks.jobs import Work, measured, own_jobs, stages_of
from labkit.checks.made_tables import (
    add_stray_file,
    stored_files,
    write_clone,
    write_commits,
    write_restore,
)
from labkit.checks.mark import check
from labkit.checks.meanwhile import hold_back, let_in, let_in_on_write
from labkit.checks.own_tests import failure_of, make_module
from labkit.checks.plan_tree import with_plan
from labkit.checks.plans import (
    PythonOperator,
    Scan,
    cached,
    exchanges,
    has_python,
    operators,
    partitionings,
    python_operators,
    release,
    scans,
    window_keys,
)
from labkit.checks.queries import Queries
from labkit.checks.rows import assert_rows
from labkit.checks.settings import SMALL_TABLES, settings
from labkit.checks.spark_tasks import FrameRun, StageRead, TaskWrite, run_frame, task_writes
from labkit.checks.stored_rows import stored_rows
from labkit.checks.streams import (
    MicroBatch,
    add_file,
    checkpoint_files,
    file_stream,
    forget_last_commit,
    run_stream,
    with_batches,
)
from labkit.checks.table_bytes import age_log, files_holding
from labkit.checks.table_folders import Commit, StoredFile
from labkit.checks.table_runs import (
    TableRun,
    assert_nothing_written,
    assert_one_commit,
    assert_replay,
    assert_untouched,
    run_tables,
)
from labkit.checks.tables import (
    TableChanges,
    TableVersion,
    assert_table,
    changes_since,
    live_files,
    log_since,
    make_table,
    table_files,
    table_identity,
    table_metadata,
    table_rows,
    table_version,
)
from labkit.verdict.errors import AnswerError

__all__ = [
    "SMALL_TABLES",
    "AnswerError",
    "Case",
    "ColdFile",
    "Commit",
    "FrameRun",
    "History",
    "MicroBatch",
    "PythonOperator",
    "Queries",
    "Scan",
    "StageRead",
    "StoredFile",
    "TableChanges",
    "TableRun",
    "TableVersion",
    "TaskWrite",
    "Work",
    "add_file",
    "add_stray_file",
    "age_log",
    "assert_columns",
    "assert_frame",
    "assert_nothing_written",
    "assert_one_commit",
    "assert_replay",
    "assert_rows",
    "assert_table",
    "assert_untouched",
    "cached",
    "cases",
    "changes_since",
    "check",
    "checkpoint_files",
    "collect",
    "deduplicated_sorts",
    "exchanges",
    "failure_of",
    "file_stream",
    "files_holding",
    "forget_last_commit",
    "has_python",
    "hold_back",
    "java_column",
    "let_in",
    "let_in_on_write",
    "live_files",
    "log_since",
    "make_frame",
    "make_module",
    "make_table",
    "measured",
    "operators",
    "own_jobs",
    "partitionings",
    "python_operators",
    "release",
    "require_frames",
    "run_frame",
    "run_stream",
    "run_tables",
    "scans",
    "settings",
    "stages_of",
    "stored_files",
    "stored_rows",
    "stories",
    "table_files",
    "table_identity",
    "table_metadata",
    "table_rows",
    "table_version",
    "task_writes",
    "window_keys",
    "with_batches",
    "with_plan",
    "write_clone",
    "write_cold_commit",
    "write_cold_table",
    "write_commits",
    "write_restore",
]
