"""Check that labs can run on this machine; findings with remedies, nothing printed."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from labkit import home
from labkit.cli.finding import Finding
from labkit.cli.programs import chromium, kafka_broker, kafka_quickly, looks_at
from labkit.home import LabError
from labkit.parts.known import PARTS
from labkit.sandbox import landlock, sandbox

NEEDED_GB = 4
NEEDED_DISK_GB = 2
# Ubuntu's switch; 1 keeps namespaces from ordinary users.
RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


def examine(*, quick: bool = False) -> Iterator[Finding]:
    """Findings, cheapest first; unless `quick`, the last ones start a broker, and Spark."""
    looks: list[Callable[[], Finding]] = [
        python,
        databricks_connect,
        pandas_version,
        memory,
        disk,
        cache,
        ports,
        java,
        jar_files,
        grading_sandbox,
        chromium,
        *map(looks_at, PARTS.values()),
        kafka_quickly if quick else kafka_broker,
    ]
    for look in looks if quick else [*looks, delta_row]:
        try:
            yield look()
        except LabError as error:
            yield Finding(look.__name__.replace("_", " "), False, str(error))
        except Exception as error:  # a look that breaks is itself a finding
            yield Finding(
                look.__name__.replace("_", " "), False, f"{type(error).__name__}: {error}"
            )


def python() -> Finding:
    here = f"{sys.version.split()[0]} in {sys.prefix}"
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", False, here, "delete .venv and run ./lab with Python 3.11 to 3.13")
    return Finding("Python", True, here)


def databricks_connect() -> Finding:
    try:
        found = version("databricks-connect")
    except PackageNotFoundError:
        return Finding("databricks-connect", True, "not installed beside pyspark")
    return Finding(
        "databricks-connect",
        False,
        f"version {found} replaces pyspark's own modules",
        "use the .venv that ./lab makes, or uninstall databricks-connect from it",
    )


def pandas_version() -> Finding:
    found = version("pandas")
    ok = int(found.split(".")[0]) < 3
    return Finding("pandas", ok, found, "" if ok else "pyspark 4.2 needs pandas 2; run ./lab again")


def memory() -> Finding:
    found = psutil.virtual_memory()
    detail = f"{found.available / 1e9:.1f} of {found.total / 1e9:.1f} GB free"
    if found.total < NEEDED_GB * 1e9:
        return Finding("memory", False, detail, f"labs need {NEEDED_GB} GB")
    if found.available < NEEDED_GB * 1e9:
        return Finding("memory", None, detail, f"labs need {NEEDED_GB} GB; close other programs")
    return Finding("memory", True, detail)


def disk() -> Finding:
    free = shutil.disk_usage(home.cache_dir()).free / 1e9
    detail = f"{free:.1f} GB free in {home.cache_dir()}"
    if free < NEEDED_DISK_GB:
        return Finding(
            "disk", False, detail, "free some space, or set LAB_CACHE to a folder on another disk"
        )
    return Finding("disk", True, detail)


def cache() -> Finding:
    usable = os.access(Path.home(), os.W_OK)
    where = home.cache_dir()
    if usable:
        return Finding("cache", True, str(where))
    return Finding(
        "cache", None, f"the home folder can't be written; using {where}", "nothing to do"
    )


def ports() -> Finding:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            with socket.create_server(("127.0.0.1", 0)) as server:
                socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        return Finding(
            "ports",
            False,
            f"no connection on 127.0.0.1: {error}",
            "allow loopback connections in your firewall",
        )
    return Finding("ports", True, "loopback connects")


def java() -> Finding:
    from labkit.spark.java import java_home, java_version

    folder = java_home()
    found = java_version(folder / "bin" / "java")
    if found is None:
        return Finding(
            "Java",
            False,
            f"{folder}/bin/java does not run",
            "set JAVA_HOME to a Java 17, or unset it",
        )
    return Finding("Java", True, f"{found} in {folder}")


def jar_files() -> Finding:
    from labkit.spark.jars import LOCK, jars, read_lock, verify

    wanted = read_lock(home.lock_file(LOCK))
    for group in sorted({jar.group for jar in wanted}):
        files = jars(group)
        for jar, path in zip([jar for jar in wanted if jar.group == group], files, strict=True):
            verify(jar, path)
    return Finding("jars", True, f"{len(wanted)} verified")


def grading_sandbox() -> Finding:
    if reason := sandbox.reason():
        return Finding(
            "sandbox",
            None,
            f"submissions would be graded without one: {reason}",
            f"only grading needs it; {_ways_to_a_sandbox()} (docs/troubleshooting.md)",
        )
    bound = "" if landlock.version() else "; without Landlock: Python workers write as the JVM does"
    return Finding("sandbox", True, f"submissions are graded in one{bound}")


def _ways_to_a_sandbox() -> str:
    if sys.platform != "linux":
        return "grade on Linux, in a virtual machine or a container with `--privileged`"
    try:
        if RESTRICTED.read_text().strip() == "1":
            return f"run `sudo sysctl -w kernel.{RESTRICTED.name}=0`"
    except OSError:
        pass  # no Ubuntu
    return "in a container, start it with `--privileged`; else ask who runs this machine"


def delta_row() -> Finding:
    from labkit.spark.cold import cold_session

    with tempfile.TemporaryDirectory(prefix="doctor-") as folder:
        spark = cold_session(app="doctor")
        try:
            table = f"{folder}/one"
            spark.range(1).write.format("delta").save(table)
            rows = spark.read.format("delta").load(table).count()
        finally:
            spark.stop()
    if rows != 1:
        return Finding(
            "Delta", False, f"wrote 1 row, read {rows}", "report this with the log in the cache"
        )
    return Finding("Delta", True, "one row written and read")
