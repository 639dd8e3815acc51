"""What a proof spends beside Spark: the seconds of a lab's reference answer, judged, over Spark's own in it.

    .venv/bin/python benchmarks/bare.py [SLUG...] [--rounds 2] [--json FILE]

Spark's own seconds are those in which the judging thread waits for the JVM: each call of the answer and
of its checks, planning and jobs, with the functions of Python that Spark calls back meanwhile. They are
counted in the notebook's way, where the answer runs in this process; in the shell's way the same calls
are made from two processes, so its seconds are set against the same number. One worker, warm Spark, and
each answer once in the notebook's way before it counts.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import peers
import rounds
from py4j.java_gateway import GatewayClient

from labkit import home
from labkit.author.known_answers import variants
from labkit.author.trial import Way, run_trial
from labkit.course.labs import find_lab, find_labs
from labkit.spark import session


@contextmanager
def waiting_for_spark() -> Iterator[list[float]]:
    """A list of one number: the seconds that this thread has waited for the JVM."""
    total, thread, send = [0.0], threading.get_ident(), GatewayClient.send_command

    def timed(client: GatewayClient, *arguments: object, **named: object) -> object:
        if threading.get_ident() != thread:  # called back by Spark, in a call that is counted
            return send(client, *arguments, **named)
        started = time.perf_counter()
        try:
            return send(client, *arguments, **named)
        finally:
            total[0] += time.perf_counter() - started

    GatewayClient.send_command = timed
    try:
        yield total
    finally:
        GatewayClient.send_command = send


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slug", nargs="*", help="labs; all of them unless given")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    os.environ["LAB_ROOT"] = str(home.root())
    labs = [find_lab(slug) for slug in given.slug] or find_labs()
    spark = session.current()
    figures: dict[str, object] = {}
    before = peers.machine()
    seconds: dict[str, list[float]] = {}
    sums: dict[str, list[float]] = {"Spark's own": [], "notebook": [], "shell": []}
    for number in range(given.rounds):
        for found in sums.values():
            found.append(0.0)
        for lab in labs:
            solution = next(each for each in variants(lab) if each.kind == "solution")
            took: dict[str, float] = {}
            ways: tuple[Way, ...] = ("notebook", "shell")
            for way in ways if number else ("notebook", *ways):  # the first one warms up
                with waiting_for_spark() as waited:
                    trial = run_trial(lab, solution, spark, way=way)
                if trial.problems:
                    raise SystemExit(f"{lab.slug}: {trial.problems[0]}")
                took[way] = trial.seconds
                if way == "notebook":
                    took["Spark's own"] = waited[0]
            for name, value in took.items():
                sums[name][-1] += value
                seconds.setdefault(f"{lab.slug}, {name}", []).append(value)
            print(lab.slug, *(f"{name} {value:.1f} s" for name, value in took.items()), flush=True)
    figures["seconds"] = {name: rounds.summary(found) for name, found in seconds.items()}
    figures["ratios"] = rounds.ratios(sums, "Spark's own")
    figures["machine"] = {"before": before, "after": peers.machine()}
    rounds.report(figures, given.json)


if __name__ == "__main__":
    main()
