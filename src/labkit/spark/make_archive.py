"""Make the archive of Java classes that later JVMs read (see `class_archive`)."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from labkit import home
from labkit.home import LabError
from labkit.spark import class_archive, cluster
from labkit.spark.class_archive import ADDED, JAVAS_OWN
from labkit.spark.cold import cold_session
from labkit.spark.java import java_home
from labkit.spark.settings import base_conf
from labkit.spark.warm_server import warm_up

SECONDS = 300.0  # to make it; half a minute is usual
COMMAND = [sys.executable, "-P", "-m", "labkit.spark.make_archive"]
ROOM_BYTES = 1_000_000_000  # a JVM aborts at an archive that is half there


def make_in_background() -> None:
    """Begins to make the archive, when there is none, in a process that gives way to all others.

    That process alone looks whether it can: what it lacks (Java, jars, room) stops nobody else.
    """
    process = subprocess.Popen(
        COMMAND, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.setpriority(os.PRIO_PROCESS, process.pid, 19)


def make_and_wait() -> None:
    """Makes the archive, when there is none, before what starts many JVMs; what it lacks stops nobody."""
    subprocess.run(COMMAND, stdin=subprocess.DEVNULL, check=False)


def make() -> None:
    """Makes the archive, in half a minute; nothing when it is there or somebody is making it.

    Where Java can't make one, a folder without it says so. It is not tried on a disk that is nearly
    full, and not for a cluster, whose driver has other jars on its path.
    """
    if cluster.master():
        return
    with (home.cache_dir() / "classes.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        target = class_archive.folder()
        if target.is_dir() or shutil.disk_usage(target.parent).free < ROOM_BYTES:
            return
        for leftover in target.parent.glob(".classes-*"):  # by a process that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        print("Keeping Spark's classes for the JVMs to come: once, half a minute.", flush=True)
        draft = Path(tempfile.mkdtemp(prefix=".classes-", dir=target.parent))
        try:
            own = f"-XX:SharedArchiveFile={draft / JAVAS_OWN}"
            java = java_home() / "bin" / "java"
            subprocess.run([java, "-Xshare:dump", own], capture_output=True, timeout=SECONDS)
            if _run_spark(f"{own} -XX:ArchiveClassesAtExit={draft / ADDED}"):
                (draft / ADDED).unlink(missing_ok=True)
            draft.chmod(0o755)  # a sandbox's user reads it too
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _run_spark(option: str) -> int:
    """A JVM that meets the classes of an ordinary check, then ends; its exit code."""
    with tempfile.TemporaryDirectory(prefix="labkit-classes-") as place:
        name = "spark.driver.extraJavaOptions"
        options = f"{base_conf(Path(place))[name]} {option}"
        spark = cold_session(app="labkit-classes", scratch=Path(place), extra={name: options})
        warm_up(spark)
        gateway = spark._sc._gateway
        spark.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        return int(gateway.proc.wait(timeout=SECONDS))


def main() -> None:
    with suppress(LabError, OSError, subprocess.SubprocessError):
        make()


if __name__ == "__main__":
    main()
