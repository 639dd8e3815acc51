"""Spark's daemon of Python workers, started with this module in its place (`spark.python.daemon.module`).

Spark puts its own Python code on the workers' path as zip files, and each worker reads their directories
before its first task: 0.14 s. In grading, where each task has a worker of its own, that is most of a small
task. The same packages are installed here, compiled.

In grading the workers run what a submission wrote, as the JVM's user: they write in a folder of their
own alone, so a table's files and log are as the JVM wrote them.
"""

import os
import sys
from pathlib import Path

sys.path[:] = [entry for entry in sys.path if not os.path.isfile(entry)]
sys.path_importer_cache.clear()

from pyspark.daemon import manager  # noqa: E402

from labkit.sandbox import landlock  # noqa: E402

if __name__ == "__main__":
    if folder := os.environ.get(landlock.OF_WORKERS):
        os.environ["TMPDIR"] = folder
        landlock.write_only_in([Path(folder)])
    manager()
