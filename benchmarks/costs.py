"""Where the time of a warm check goes, lab by lab: samples of the JVM's threads and of Python's.

    .venv/bin/python benchmarks/costs.py [SLUG...] [--json FILE]

The reference answer of each lab is judged in the notebook's way, by public and hidden checks, twice; the
second time is sampled: the JVM by Java Flight Recorder, every 10 ms, this process by a thread, every 5 ms.
A sample is of the first kind, in the order of `JVM` and `PYTHON`, that its stack shows. Compilers and
collector are no Java threads: their CPU seconds come from /proc. Needs Linux and a JDK, whose `jfr` reads
recordings.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import peers
import rounds

from labkit.author.known_answers import variants
from labkit.author.trial import run_trial
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.spark.cold import cold_session
from labkit.spark.java import java_home

# Kinds of work by what a line of the stack, or the thread's name, has in it.
JVM = {
    "checks closures": ("util.ClosureCleaner",),
    "writes tasks, closures": ("java.io.ObjectOutputStream",),
    "reads tasks, closures": ("java.io.ObjectInputStream",),
    "generates code": ("codehaus.janino", "codegen.CodeGenerator"),
    "analyzes": ("catalyst.analysis.Analyzer", "catalyst.parser"),
    "optimizes": ("catalyst.optimizer", "execution.SparkOptimizer"),
    "plans": ("catalyst.planning", "execution.adaptive", "execution.QueryExecution"),
    "streams, beside": ("execution.streaming",),
    "Delta, beside": ("spark.sql.delta",),
    "runs tasks": ("Executor task",),
    "schedules": ("scheduler.", "dag-scheduler", "spark-listener", "dispatcher"),
    "answers Python": ("py4j.",),
}
PYTHON = {
    "waits for the JVM": ("/py4j/clientserver.py", "/py4j/java_gateway.py"),
    "waits for a process": ("/subprocess.py", "/selectors.py"),
    "dbt, Kafka": (
        "/labkit/dbt.py",
        "/labkit/services/",
        "/dbt/",
        "/dbt_common/",
        "/confluent_kafka/",
    ),
    "PySpark": ("/pyspark/", "/delta/"),
    "pandas, PyArrow": ("/pandas/", "/pyarrow/"),
    "pytest": ("/_pytest/", "/pluggy/"),
    "labkit": ("/labkit/",),
    "checks and answer": ("/labs/", "/solutions/"),
}
NATIVE = {"C1 Compiler": "compiles", "C2 Compiler": "compiles", "VM Thread": "collects garbage"}
PERIOD_SECONDS = 0.005


def kind_of(lines: list[str], kinds: dict[str, tuple[str, ...]]) -> str:
    for kind, marks in kinds.items():
        if any(mark in line for line in lines for mark in marks):
            return kind
    return "other"


@contextmanager
def python_samples() -> Iterator[Counter[str]]:
    """Counts what this thread is at, by kind, every 5 ms."""
    found: Counter[str] = Counter()
    me, over = threading.get_ident(), threading.Event()

    def sample() -> None:
        while not over.wait(PERIOD_SECONDS):
            found[kind_of(list(files(sys._current_frames()[me])), PYTHON)] += 1

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield found
    finally:
        over.set()
        sampler.join()


def files(frame: FrameType | None) -> Iterator[str]:
    """The file of the innermost frame that is not the standard library's; all of them for a wait."""
    while frame:
        name = frame.f_code.co_filename
        yield name
        if "site-packages" in name or "/labkit/" in name or "/labs/" in name:
            return
        frame = frame.f_back


def native_seconds(pid: int) -> Counter[str]:
    """CPU seconds of the JVM's threads that run no Java, by kind."""
    found: Counter[str] = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            stat = (task / "stat").read_text()
        except OSError:  # it has ended
            continue
        name = stat[stat.index("(") + 1 : stat.rindex(")")]
        user, system = stat[stat.rindex(")") + 2 :].split()[11:13]
        for start, kind in NATIVE.items():
            if name.startswith(start[:15]):
                found[kind] += (int(user) + int(system)) / 100
    return found


@contextmanager
def recorded(jvm: Any, path: Path) -> Iterator[None]:
    """A recording of Java threads that run, in `path`."""
    recording = jvm.jdk.jfr.Recording()
    recording.enable("jdk.ExecutionSample").withPeriod(jvm.java.time.Duration.ofMillis(10))
    recording.start()
    try:
        yield
    finally:
        recording.stop()
        recording.dump(jvm.java.nio.file.Paths.get(jvm.java.net.URI(path.as_uri())))
        recording.close()


def jvm_samples(path: Path) -> Counter[str]:
    """The samples of a recording, by kind."""
    command = [java_home() / "bin" / "jfr", "print", "--stack-depth", "128", path]
    if not command[0].is_file():
        raise SystemExit(f"{java_home()} has no `jfr`: put a JDK 17 or 21 on PATH")
    told = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    found: Counter[str] = Counter()
    for sample in told.stdout.split("jdk.ExecutionSample {")[1:]:
        thread = re.search(r'sampledThread = "([^"]*)"', sample)
        stack = sample.partition("stackTrace = [")[2].splitlines()
        found[kind_of([*stack, thread[1] if thread else ""], JVM)] += 1
    return found


def shares(found: Counter[str]) -> dict[str, float]:
    """Each kind's part of all samples, in per cent, the greatest first."""
    return {kind: 100 * count / found.total() for kind, count in found.most_common()}


def costs(lab: Lab, spark: Any) -> dict[str, Any]:
    """One reference answer, judged a second time."""
    solution = next(each for each in variants(lab) if each.kind == "solution")
    jvm = spark._jvm
    pid = jvm.java.lang.ProcessHandle.current().pid()
    if problems := run_trial(lab, solution, spark).problems:
        raise SystemExit(f"{lab.slug}: {problems[0]}")
    with tempfile.TemporaryDirectory(prefix="labkit-costs-") as folder:
        path = Path(folder) / "check.jfr"
        before = native_seconds(pid)
        with recorded(jvm, path), python_samples() as python:
            trial = run_trial(lab, solution, spark)
        native = native_seconds(pid) - before
        return {
            "seconds": trial.seconds,
            "JVM, per cent of samples": shares(jvm_samples(path)),
            "JVM, CPU seconds beside": dict(native),
            "Python, per cent of samples": shares(python),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slug", nargs="*", help="labs; all of them unless given")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    before = peers.machine()
    spark = cold_session(app="labkit-costs", lasting=True)
    found: dict[str, dict[str, Any]] = {}
    for lab in [find_lab(slug) for slug in given.slug] or find_labs():
        found[lab.slug] = costs(lab, spark)
        print(f"{lab.slug}: {found[lab.slug]['seconds']:.1f} s", flush=True)
        for name, row in found[lab.slug].items():
            if name != "seconds":
                print(
                    f"    {name}: " + ", ".join(f"{kind} {part:.1f}" for kind, part in row.items())
                )
    rounds.report(
        {"labs": found, "machine": {"before": before, "after": peers.machine()}}, given.json
    )


if __name__ == "__main__":
    main()
