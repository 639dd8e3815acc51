"""What must be in a grading JVM as it was, between two submissions: looked at, and put in order."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from pyspark.sql import SparkSession

from labkit.grading.disk_watch import is_full
from labkit.sandbox import sandbox
from labkit.spark.lease import strings
from labkit.spark.settings import SETTINGS, WAREHOUSE

# A JVM may open 16,384 files and have 2,048 threads and processes; a fresh one has 300 and 60.
MOST_FILES, MOST_THREADS, MOST_HEAP = 4_000, 600, 0.6
MOST_PROCESSES = 100  # orphans of its workers that have ended: a JVM waits for none of them
MOST_ENTRIES, MOST_BYTES = 20_000, 1_000_000_000  # of its folder
MOST_LEFT = 100  # databases and tables to be dropped
TASK_SECONDS = 5
WORKERS = "python-workers"  # in the JVM's folder: the one that its Python workers may write in
TABLES = "tables"  # there, too: the databases of checks
# What a JVM makes in its folder for itself once it has started: libraries, and blocks of data in
# folders of two digits.
LIBRARY = re.compile(r".*\.so(\.lck)?")
BLOCKS = re.compile(r"[0-9a-f]{2}")
BLOCK = re.compile(r"(shuffle|temp|rdd|broadcast|taskresult|merged|python)_.*")
OWN_FOLDERS = ("blockmgr-*", "spark-*", "artifacts-*")
# Its records of jobs hold tags and places in code, which are texts of a submission.
RECORDS = ("JobDataWrapper", "StageDataWrapper")
IN_MEMORY = ("tmp", "dev/shm")  # folders that the JVM alone sees, in its sandbox


def session_state(session: SparkSession) -> dict[str, Any]:
    """What decides how a session reads a query, but for views: checks make some themselves."""
    java: Any = session._jsparkSession
    functions = java.sessionState().functionRegistry().functionBuilders()
    extra = java.experimental()
    return {
        "functions": int(functions.hashCode()),
        "rules": (extra.extraOptimizations().size(), extra.extraStrategies().size()),
    }


def state(spark: SparkSession, settings: Collection[str] = ()) -> dict[str, Any]:
    """What a submission has no business to change in a JVM that others use after it.

    Of the session's settings these alone, when some are given: Delta adds some of its own.
    """
    jvm: Any = spark._jvm
    session = spark._jsparkSession
    default = jvm.org.apache.spark.sql.classic.SparkSession.getDefaultSession()
    shared = session.sharedState()
    values = dict(spark.conf.getAll)
    question = (
        "SELECT sum(id * id) FROM (SELECT /*+ REPARTITION(2) */ id FROM range(0, 100, 1, 1)) "
        "WHERE id % 7 = 3"
    )
    return {
        "time zone": str(jvm.java.util.TimeZone.getDefault().getID()),
        "locale": str(jvm.java.util.Locale.getDefault().toString()),
        "settings": str(spark._jsc.sc().getConf().toDebugString()),
        # A map's hash depends on nothing but its entries.
        "Hadoop's settings": int(
            spark._jsc.hadoopConfiguration().getPropsWithPrefix("").hashCode()
        ),
        "session settings": {name: values.get(name) for name in settings or values},
        "default session": jvm.System.identityHashCode(default.get()),
        "catalog": shared.externalCatalog().listFunctions("default", "*").size(),
        "default database": str(shared.externalCatalog().getDatabase("default").toString()),
        "streams": int(shared.activeStreamingQueries().size()),
        "arithmetic": spark.sql(question).first()[0],
        "views": str(session.sessionState().catalog().listTempViews("*", "*").toString()),
        **session_state(spark),
    }


def busy(spark: SparkSession) -> str:
    """Cancels all jobs; why the JVM must go, when a task or a thread of theirs does not end.

    Java asks a task to end. A regular expression that never ends, say, does not listen, and keeps a
    place for tasks, or a core where it is computed in a plan.
    """
    context = spark._jsc.sc()
    context.cancelAllJobs()
    deadline = time.monotonic() + TASK_SECONDS
    while left := _running(context) or _working(spark._jvm):
        if time.monotonic() > deadline:
            return f"{left} can't be stopped"
        time.sleep(0.05)  # between two looks
    return ""


def _running(context: Any) -> str:
    """How many tasks there are."""
    counts = context.taskScheduler().runningTasksByExecutors().valuesIterator()
    found = 0
    while counts.hasNext():
        found += int(counts.next())
    return f"{found} of its tasks" if found else ""


def _working(jvm: Any) -> str:
    """How many threads compute something for Spark; one that waits for bytes is in a native method."""
    found = 0
    threads = jvm.java.lang.management.ManagementFactory.getThreadMXBean()
    for thread in threads.dumpAllThreads(False, False):
        if str(thread.getThreadState()) == "RUNNABLE":
            stack = thread.getStackTrace()
            if len(stack) and not stack[0].isNativeMethod():
                names = (str(frame.getClassName()) for frame in stack)
                found += any(name.startswith("org.apache.spark.") for name in names)
    return f"{found} of its threads" if found else ""


def clean(spark: SparkSession) -> str:
    """Leaves an empty catalog; why the JVM must go, when there is too much in it."""
    spark.sparkContext.setLogLevel(SETTINGS["spark.log.level"])
    shared = spark._jsparkSession.sharedState()
    shared.cacheManager().clearCache()
    catalog = shared.externalCatalog()  # asked directly: SQL takes a quarter of a second
    databases, tables = catalog.listDatabases(), catalog.listTables("default")
    if (count := databases.size() + tables.size()) > MOST_LEFT:
        return f"{count} databases and tables are left"
    for database in strings(databases):
        if database != "default":
            spark.sql(f"DROP DATABASE IF EXISTS `{database}` CASCADE")
    for table in strings(tables):
        is_view = catalog.getTable("default", table).tableType().name() == "VIEW"
        spark.sql(f"DROP {'VIEW' if is_view else 'TABLE'} IF EXISTS default.`{table}`")
    shared.globalTempViewManager().clear()
    forget_jobs(spark)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # of tables that `sweep` removes
    return ""


def forget_jobs(spark: SparkSession) -> None:
    """Empties the JVM's records of jobs and stages: whoever asks for numbers reads texts there, too."""
    context = spark.sparkContext._jsc.sc()
    context.listenerBus().waitUntilEmpty()
    tracking = context.statusStore().store()
    lists = _field(_field(_field(tracking, "store"), "inMemoryLists"), "data")
    for name in RECORDS:
        lists.remove(spark._jvm.java.lang.Class.forName(f"org.apache.spark.status.{name}"))


def _field(thing: Any, name: str) -> Any:
    field = thing.getClass().getDeclaredField(name)
    field.setAccessible(True)
    return field.get(thing)


def taken(spark: SparkSession, process: psutil.Process) -> str:
    """What a submission has left the JVM too little of for the next one; "" when there is enough.

    A handful of submissions open some hundred files and threads, and what they leave on the heap
    goes with the next collection.
    """
    try:
        if (files := _open_files(spark, process)) > MOST_FILES:
            return f"{files:,} files are open"
        if (threads := process.num_threads()) > MOST_THREADS:
            return f"it has {threads:,} threads"
        if (ended := len(process.children())) > MOST_PROCESSES:
            return f"{ended:,} processes have ended and are still there"
    except psutil.Error:
        return "its process can't be looked at"
    runtime = spark._jvm.java.lang.Runtime.getRuntime()
    if _heap(runtime) > MOST_HEAP:
        runtime.gc()
        if (share := _heap(runtime)) > MOST_HEAP:
            return f"{share:.0%} of its heap is taken"
    return ""


def _open_files(spark: SparkSession, process: psutil.Process) -> int:
    try:
        return int(process.num_fds())
    except psutil.AccessDenied:  # its memory is closed, and so is this, but for itself
        return len(spark._jvm.java.io.File("/proc/self/fd").list())


def _heap(runtime: Any) -> float:
    return float((runtime.totalMemory() - runtime.freeMemory()) / runtime.maxMemory())


def entries(folder: Path, inside: Path | None) -> set[Path]:
    """What is in a JVM's folder, in its warehouse and its folder of tables, in those that it has made
    for itself, and in the folders in memory of its sandbox, whose root is `inside`.
    """
    places = [folder, folder / WAREHOUSE, folder / TABLES]
    places += [inside / name for name in IN_MEMORY] if inside else []
    found = {entry for place in places for entry in place.iterdir()}
    own = [place for pattern in OWN_FOLDERS for place in folder.glob(pattern)]
    own += [place for place in folder.glob("blockmgr-*/*") if BLOCKS.fullmatch(place.name)]
    for place in own:
        with suppress(OSError):  # Spark removes blocks, too; and a link may lead nowhere
            if not place.is_symlink():
                found.update(place.iterdir())
    return found


def sweep(folder: Path, inside: Path | None, known: Collection[Path]) -> str:
    """Removes what queries have written there; why the JVM must go, if it must.

    `known` are the entries when the JVM had started: in memory, the folders of the sandbox itself.
    """
    try:
        left = entries(folder, inside).difference(known)
    except OSError:
        return "a folder of its own can't be looked at"
    for entry in left:
        if not _its_own(entry, folder) and not sandbox.remove(entry):
            return "a submission left what can't be removed in the JVM's folders"
    return ""


def _its_own(entry: Path, folder: Path) -> bool:
    """Whether a JVM makes such an entry for itself; a query makes folders, with files called `part-`."""
    blocks = entry.parent.name.startswith("blockmgr-") and entry.parent.parent == folder
    if blocks and BLOCKS.fullmatch(entry.name):
        return entry.is_dir() and not entry.is_symlink()
    if BLOCKS.fullmatch(entry.parent.name):
        return bool(BLOCK.fullmatch(entry.name)) and not entry.is_dir()
    return entry.parent == folder and bool(LIBRARY.fullmatch(entry.name)) and not entry.is_dir()


def tidy(place: Path) -> str:
    """Empties Spark's folder of files and the workers' own below `place`; why the JVM must go, if it must."""
    why = ""
    for folder in _real_folders(place, 3):
        try:
            mode = folder.lstat().st_mode
            # PySpark puts the folder of files before site-packages, in each Python worker.
            emptied = folder.name == WORKERS or folder.name.startswith("userFiles-")
            planted = list(folder.iterdir()) if emptied else []
        except FileNotFoundError:  # the JVM removed it just now
            continue
        except PermissionError:
            mode, planted = 0, []
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            why = why or "a submission locked a folder of the JVM's"
        if [path for path in planted if not sandbox.remove(path)]:
            why = why or "a submission left what can't be removed in the JVM's folder"
    return why


def folders(place: Path) -> dict[Path, int]:
    """The folders that a JVM has made for itself in `place`, two levels of them, by their inodes."""
    return {folder: folder.lstat().st_ino for folder in _real_folders(place, 2)}


def lost(known: dict[Path, int]) -> str:
    """Why the JVM must go, if one of these folders has: a database dropped in its place, say.

    Takes note of those that a JVM makes later for its blocks.
    """
    for folder, inode in known.items():
        try:
            if folder.lstat().st_ino == inode:
                continue
        except OSError:
            pass
        return f"a submission removed a folder of the JVM's, {folder.name}"
    for blocks in [folder for folder in known if folder.name.startswith("blockmgr-")]:
        known.update(folders(blocks))
    return ""


def left_on_disk(place: Path) -> str:
    """Why the JVM must go, if too much is left in its folder: blocks of frames that are kept, say."""
    return "its folder is too full" if is_full(place, MOST_ENTRIES, MOST_BYTES) else ""


def _real_folders(place: Path, levels: int) -> Iterator[Path]:
    """The folders in `place`, so many levels down, through no link: a submission may have made some."""
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)
                if levels > 1:
                    yield from _real_folders(Path(entry.path), levels - 1)
