"""What a learner waits for: seconds of `lab.check("task")` in an open notebook, task by task.

    .venv/bin/python benchmarks/latency.py [SLUG...] [--json FILE]

Each task is judged by its public checks, in the notebook's way, with the reference answer and with
the starter's stub, the first time and again. Before the second time, what is started ahead for it
gets ready, as while a learner reads. Beside the second time of the reference answer stand the
seconds of it that this thread waited for the JVM. What is above its limit is said at the end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import peers
import rounds
from bare import waiting_for_spark

from labkit import home
from labkit.author.known_answers import namespace, variants
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.judge.answer import Learner
from labkit.judge.runner import judge
from labkit.parts import spares
from labkit.spark import session

LIMITS = {"a stub": 0.3, "a task": 5.0, "a lab": 20.0}


def seconds_of(lab: Lab, answer: Learner, spark: Any, tasks: list[str], wanted: str) -> float:
    """One check; SystemExit when its verdict is not `wanted`."""
    started = time.perf_counter()
    with spares.wanted():
        results = judge(lab.root, answer, spark, [lab.checks], tasks=tasks)
    took = time.perf_counter() - started
    for result in results:
        if result.outcome != wanted:
            raise SystemExit(f"{lab.slug}, {result.id}: {result.outcome}: {result.reason}")
    return took


def latency(lab: Lab, spark: Any) -> dict[str, dict[str, float]]:
    """Seconds of each task of a lab, and of all its tasks at once under the name `whole lab`."""
    known = {each.kind: each for each in variants(lab) if each.kind in ("starter", "solution")}
    stub = Learner(namespace(lab, known["starter"], spark), lab.tasks)
    answer = Learner(namespace(lab, known["solution"], spark), lab.tasks)
    found: dict[str, dict[str, float]] = {}
    for task in lab.tasks:
        row = {
            "stub, first": seconds_of(lab, stub, spark, [task], "todo"),
            "stub": seconds_of(lab, stub, spark, [task], "todo"),
            "first": seconds_of(lab, answer, spark, [task], "passed"),
        }
        spares.settle()  # the learner has read the reasons meanwhile
        with waiting_for_spark() as waited:
            row["second"] = seconds_of(lab, answer, spark, [task], "passed")
        found[task] = {**row, "of it Spark": waited[0]}
    spares.settle()
    with waiting_for_spark() as waited:
        whole = seconds_of(lab, answer, spark, list(lab.tasks), "passed")
    found["whole lab"] = {"second": whole, "of it Spark": waited[0]}
    return found


def above(found: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """What is above its limit, in words."""
    said = []
    for slug, tasks in found.items():
        for task, row in tasks.items():
            limit = LIMITS["a lab" if task == "whole lab" else "a task"]
            if row["second"] > limit:
                said.append(f"{slug}, {task}: {row['second']:.1f} s, above {limit:.0f} s")
            if row.get("stub", 0) > LIMITS["a stub"]:
                said.append(f"{slug}, {task}: its stub {row['stub']:.2f} s")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slug", nargs="*", help="labs; all of them unless given")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    os.environ["LAB_ROOT"] = str(home.root())
    before = peers.machine()
    found: dict[str, dict[str, dict[str, float]]] = {}
    for lab in [find_lab(slug) for slug in given.slug] or find_labs():
        found[lab.slug] = latency(lab, session.current() if lab.uses_spark else None)
        for task, row in found[lab.slug].items():
            said = "  ".join(f"{name} {value:.2f}" for name, value in row.items())
            print(f"{lab.slug:16} {task:22} {said}", flush=True)
    rows = [row for tasks in found.values() for task, row in tasks.items() if task != "whole lab"]
    seconds = {
        "second check of a task": rounds.summary([row["second"] for row in rows]),
        "first check of a task": rounds.summary([row["first"] for row in rows]),
        "check of a stub": rounds.summary([row["stub"] for row in rows]),
    }
    print(*above(found), sep="\n")
    print(f"{len(rows)} tasks; median of the second check", end=" ")
    print(f"{statistics.median(row['second'] for row in rows):.2f} s")
    machine = {"before": before, "after": peers.machine()}
    rounds.report({"seconds": seconds, "labs": found, "machine": machine}, given.json)


if __name__ == "__main__":
    main()
