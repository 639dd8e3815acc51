"""The same lab, the same right answer, four graders in turn: warm and cold `lab check`, nbval, nbgrader.

    .venv/bin/python benchmarks/check.py [--lab cdc_merge] [--rounds 3] [--without nbgrader] [--json FILE]

nbval and nbgrader run a notebook of its own with the same checks and Spark as a user sets it up.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parent))
import peers
import rounds

from labkit import home
from labkit.author.known_answers import Variant, as_submission
from labkit.course.labs import Lab, find_lab


def lab_check(lab: Lab, answer: Path, overheads: list[float], **more: str) -> float:
    """Seconds of `lab check`; what it spends beside the checks themselves goes to `overheads`."""
    result = answer.with_suffix(".json")
    code = "from labkit.cli.main import main; main()"
    words = [
        "check",
        lab.slug,
        "--submission",
        answer,
        "--no-sandbox",
        "--hidden",
        "--seed",
        11,
        "--json",
        result,
    ]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env={**os.environ, "LAB_ROOT": str(home.root()), **more}, capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"the answer did not pass:\n{done.stdout}{done.stderr}")
    overheads.append(seconds - sum(json.loads(result.read_text())["timing"]["checks"].values()))
    return seconds


def nbval(notebook: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:labkit", "--nbval-lax", "--nbval-current-env",
         "--nbval-cell-timeout", str(peers.CELL_SECONDS), "--rootdir", str(notebook.parent),
         "-c", os.devnull, str(notebook)],
        env=peers.environment(), capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"nbval did not pass:\n{done.stdout[-3000:]}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lab", default="cdc_merge")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[], help="graders to leave out")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    lab = find_lab(given.lab)
    solution = Variant("solution", "solution", lab.solution)
    before = peers.machine()
    overheads: list[float] = []
    points: list[object] = []
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as temporary:
        folder = Path(temporary)
        answer = folder / "answer.py"
        answer.write_text(as_submission(lab, solution), "utf-8")
        plain = folder / "plain.ipynb"
        nbformat.write(peers.notebook(lab, solution), plain)

        def nbgrader() -> float:
            found = peers.autograde(lab, [solution], folder, home.cache_dir())
            points.append(found["points"])
            return float(found["seconds"])  # type: ignore[arg-type]

        graders: dict[str, Callable[[], float]] = {
            "lab check, warm": lambda: lab_check(lab, answer, overheads),
            "lab check, cold": lambda: lab_check(lab, answer, [], LAB_SPARK="cold"),
            "nbval": lambda: nbval(plain),
            "nbgrader": nbgrader,
        }
        lab_check(lab, answer, [])  # warm Spark is running and has seen the lab once
        chosen = {name: run for name, run in graders.items() if name not in given.without}
        found = rounds.in_turn(chosen, given.rounds)
    figures = {
        "lab": lab.slug,
        "seconds": {name: rounds.summary(values) for name, values in found.items()}
        | {"lab check, warm, beside the checks": rounds.summary(overheads)},
        "ratios": rounds.ratios(found, "lab check, warm"),
        "points given by nbgrader": points,
        "machine": {"before": before, "after": peers.machine()},
    }
    rounds.report(figures, given.json)
    print(f"points of {len(lab.tasks)} given by nbgrader: {points}")
    print(f"machine: {before}, load {figures['machine']['after']['load']} after")


if __name__ == "__main__":
    main()
