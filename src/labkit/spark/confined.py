"""Run a module as Python does with `-m`, in a process that writes in one folder, of bounded memory.

Workers of a grading JVM run what a submission wrote, as the JVM's user: those that the daemon of
`python_workers` starts for tasks, and those that Spark starts by themselves to plan a table function
or a data source. So a table's files and log are as the JVM wrote them.
"""

import os
import runpy
import sys
from pathlib import Path

from labkit.sandbox import landlock, limits


def main() -> None:
    """`confined.py -m MODULE ARGUMENTS`"""
    folder = os.environ[landlock.OF_WORKERS]
    os.environ["TMPDIR"] = folder
    limits.limit_worker_memory()
    landlock.write_only_in([Path(folder)])
    module = sys.argv[2]
    sys.argv[:] = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
