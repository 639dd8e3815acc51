"""Check that labs can run on this machine; findings with remedies, nothing printed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from labkit import home
from labkit.cli.parts import who_need
from labkit.course.labs import find_labs
from labkit.home import LabError
from labkit.parts import kafka
from labkit.parts.environment import Part
from labkit.parts.known import PARTS
from labkit.sandbox import sandbox

NEEDED_GB = 4
NEEDED_DISK_GB = 2
# As Linux distributions call them; tests that look at pages start them.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
CHROMEDRIVER = "chromedriver"
GET_CHROMIUM = "Debian, Ubuntu: `apt install chromium chromium-driver`"
# Ubuntu's switch; 1 keeps namespaces from ordinary users.
RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: fine (True), wrong (False) or worth knowing (None)."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""


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
    return Finding("sandbox", True, "submissions are graded in one")


def _ways_to_a_sandbox() -> str:
    if sys.platform != "linux":
        return "grade on Linux, in a virtual machine or a container with `--privileged`"
    try:
        if RESTRICTED.read_text().strip() == "1":
            return f"run `sudo sysctl -w kernel.{RESTRICTED.name}=0`"
    except OSError:
        pass  # no Ubuntu
    return "in a container, start it with `--privileged`; else ask who runs this machine"


def chromium() -> Finding:
    """The browser of some tests, and the program that drives it: both of one version."""
    if not (home.root() / "tests").is_dir():
        return Finding("Chromium", True, "not needed: only tests of pages use it, and none is here")
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    driver = shutil.which(CHROMEDRIVER)
    leave_out = '`./lab test tests -m "not browser"` leaves these tests out'
    if browser is None or driver is None:
        missing = [CHROMIUM[0]] * (browser is None) + [CHROMEDRIVER] * (driver is None)
        return Finding(
            "Chromium",
            None,
            f"no {' and no '.join(missing)} on PATH; some tests of `./lab test` need it",
            f"{GET_CHROMIUM}; {leave_out}",
        )
    versions = _version_of(browser), _version_of(driver)
    major, other = (version.split(".")[0] for version in versions)
    if not major or major != other:
        return Finding(
            "Chromium",
            None,
            f"{browser} is {versions[0] or 'broken'}, {driver} is {versions[1] or 'broken'}",
            f"install both from one place ({GET_CHROMIUM}); {leave_out}",
        )
    return Finding("Chromium", True, f"{versions[0]} in {browser}")


def _version_of(program: str) -> str:
    """`128.0.1` of "Chromium 128.0.1 built on ..."; empty when the program does not run."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next((word for word in said.stdout.split() if word[0].isdigit()), "")


def looks_at(part: Part) -> Callable[[], Finding]:
    """A look at one part: worth knowing when a lab needs it and it is not there."""

    def look() -> Finding:
        reason, _, remedy = part.missing().partition("; ")
        if not reason:
            return Finding(part.title, True, f"installed, {part.size()} MB in {part.folder}")
        labs = who_need(part.name, find_labs())
        if not labs:
            return Finding(part.title, True, "no lab here needs it, and it is not installed")
        return Finding(
            part.title,
            None,
            f"{reason}; {', '.join(labs)} needs it",
            remedy or f"take {part.lock.name} afresh from the repository",
        )

    look.__name__ = part.name
    return look


def kafka_quickly() -> Finding:
    """The broker that is to be used, if there is one; a lab's own starts when it is needed."""
    return _broker_of_others() or Finding(
        "Kafka", True, "included; a notebook or check that needs a broker starts its own"
    )


def kafka_broker() -> Finding:
    """As a lab would find it: a broker that takes connections, one of its own if there is none."""
    if found := _broker_of_others():
        return found
    if not who_need("kafka", find_labs()):
        return Finding("Kafka", True, "included, and no lab here needs it")
    started = time.monotonic()
    try:
        broker = kafka.start()
    except LabError as error:
        return Finding(
            "Kafka",
            None,
            f"{error}; {', '.join(who_need('kafka', find_labs()))} needs it",
            "mend what is wrong with Java, jars or memory above, then run ./lab doctor again; or set "
            f"{kafka.ADDRESS} to the address of another broker",
        )
    try:
        heard = kafka.listens(broker.bootstrap)
    finally:
        broker.stop()
    if not heard:
        return Finding(
            "Kafka",
            None,
            f"a broker started, and nobody answers at {broker.bootstrap}",
            "allow loopback connections in your firewall",
        )
    return Finding("Kafka", True, f"a broker started in {time.monotonic() - started:.0f} s")


def _broker_of_others() -> Finding | None:
    """That of LAB_KAFKA or of `lab kafka start`, which labs use in place of their own."""
    if not (given := os.environ.get(kafka.ADDRESS)):
        shared = kafka.running()
        return Finding("Kafka", True, f"listens on {shared.bootstrap}") if shared else None
    try:
        if any(kafka.listens(address) for address in given.split(",")):
            return Finding("Kafka", True, f"{kafka.ADDRESS} is {given}, and it listens")
        trouble = f"{kafka.ADDRESS} is {given}, where nobody listens"
    except ValueError:
        trouble = f"{kafka.ADDRESS} is {given}, which is no host:port"
    return Finding(
        "Kafka",
        False,
        trouble,
        f"start that broker, or unset {kafka.ADDRESS}: labs then start one of their own",
    )


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
