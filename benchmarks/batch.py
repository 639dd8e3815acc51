"""Cost of a graded submission: `lab grade` with one and with two workers, against nbgrader autograde and otter run.

    .venv/bin/python benchmarks/batch.py [--size 60] [--sharded 24] [--peer 3] [--json FILE]

Then a smaller batch in two shards, one after the other, against what the cost of a submission predicts
for them: the arithmetic by which a CI matrix is laid out. All figures are of one run, one after the other, on the submissions of a lab that are here with a known
verdict: reference, alternatives, mistakes, starter, in turn.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import peers

from labkit import home
from labkit.author.known_answers import Variant, as_submission, variants
from labkit.course.labs import Lab, find_lab


def mixed(lab: Lab, size: int) -> list[Variant]:
    """`size` variants: the kinds in turn, each kind from its beginning."""
    kinds: dict[str, list[Variant]] = {}
    for variant in variants(lab):
        kinds.setdefault(variant.kind, []).append(variant)
    order = ("solution", "mistake", "alternative", "mistake", "starter", "mistake")
    turns = {kind: itertools.cycle(found) for kind, found in kinds.items()}
    return [next(turns[kind]) for kind in itertools.islice(itertools.cycle(order), size)]


def handed_in(folder: Path, lab: Lab, found: list[Variant]) -> Path:
    """A folder of submissions."""
    folder.mkdir()
    for number, variant in enumerate(found):
        (folder / f"s{number:03d}.py").write_text(as_submission(lab, variant))
    return folder


def lab_command(*arguments: object) -> peers.Measured:
    command = "from labkit.cli.main import main; main()"
    return peers.measured(
        [sys.executable, "-c", command, *map(str, arguments)],
        env={**os.environ, "CI": "true", "LAB_ROOT": str(home.root())},
    )


def grade(folder: Path, out: Path, workers: int, *more: str) -> dict[str, object]:
    """Wall time of `lab grade` on a folder, with all of its start and end."""
    done = lab_command("grade", folder, "--out", out, "--workers", workers, "--seed", 11, *more)
    summary = json.loads((out / "summary.json").read_text())
    own = list(summary["timing"]["submissions"].values())
    return {
        "workers": workers,
        "submissions": len(own),
        "seconds": done.seconds,
        "seconds_each": done.seconds / len(own),
        "cpu_seconds_each": done.cpu_seconds / len(own),
        "inside": {"min": min(own), "median": statistics.median(own), "max": max(own)},
        "passed": summary["passed"],
        "statuses": summary["statuses"],
        "exit_code": done.exit_code,
        "sandbox": all(row["sandbox"] for row in summary["submissions"]),
    }


def wrong_verdicts(found: list[Variant], out: Path) -> list[str]:
    """Submissions that came out otherwise than their kind says; there must be none."""
    wrong = []
    for number, variant in enumerate(found):
        result = json.loads((out / f"s{number:03d}" / "result.json").read_text())
        passed = result["score"] == result["max_score"] > 0
        if passed != (variant.kind in ("solution", "alternative")):
            wrong.append(str(variant))
    return wrong


def sharded(folder: Path, out: Path, workers: int) -> dict[str, object]:
    """Two shards of a folder, one after the other, and the batch that `lab report` makes of them."""
    outs = [out / f"shard{part}" for part in (1, 2)]
    runs = [
        grade(folder, shard, workers, "--shard", f"{part}/2") for part, shard in enumerate(outs, 1)
    ]
    merged = lab_command("report", *outs, "--out", out / "all")
    summary = json.loads((out / "all" / "summary.json").read_text())
    return {
        "shards": runs,
        "merge_seconds": merged.seconds,
        "merged": len({row["name"] for row in summary["submissions"]}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lab", default="cdc_merge")
    parser.add_argument("--size", type=int, default=60, help="submissions")
    parser.add_argument(
        "--sharded", type=int, default=24, help="submissions in two shards; 0: none"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--peer", type=int, default=3, help="submissions for the others; 0 leaves them out"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    lab = find_lab(given.lab)
    found = mixed(lab, given.size)
    figures: dict[str, object] = {"lab": lab.slug, "before": peers.machine()}
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as temporary:
        folder = handed_in(Path(temporary) / "handed", lab, found)
        runs = []
        for workers in given.workers:
            out = Path(temporary) / f"out{workers}"
            run = grade(folder, out, workers)
            run["wrong_verdicts"] = wrong_verdicts(found, out)
            runs.append(run)
            inside = run["inside"]
            print(
                f"lab grade, {workers} worker{'s' if workers > 1 else ''}: {run['seconds']:.0f} s for "
                f"{run['submissions']}, {run['seconds_each']:.1f} s each, {run['cpu_seconds_each']:.1f} s of CPU (inside: min "
                f"{inside['min']:.1f}, median {inside['median']:.1f}, max {inside['max']:.1f}); "
                f"wrong verdicts: {len(run['wrong_verdicts'])}",
                flush=True,
            )
        figures["lab grade"] = runs
        if len(runs) > 1:
            figures["speed-up"] = runs[0]["seconds"] / runs[-1]["seconds"]
            print(
                f"{runs[-1]['workers']} workers against {runs[0]['workers']}: {figures['speed-up']:.2f} times as fast"
            )
        if given.sharded:
            few = handed_in(Path(temporary) / "few", lab, mixed(lab, given.sharded))
            shards = sharded(few, Path(temporary) / "sharded", given.workers[-1])
            figures["sharded"] = shards
            took = [run["seconds"] for run in shards["shards"]]
            expected = runs[-1]["seconds_each"] * given.sharded / 2
            shards["measured / predicted"] = sum(took) / (2 * expected)
            print(
                f"{given.sharded} in two shards: {took[0]:.0f} and {took[1]:.0f} s, predicted {expected:.0f} s each; "
                f"merged in {shards['merge_seconds']:.1f} s to {shards['merged']}",
                flush=True,
            )
        others = {"nbgrader": peers.autograde, "otter": peers.otter_run} if given.peer else {}
        for name, run_peer in others.items():
            peer = run_peer(lab, found[: given.peer], Path(temporary), home.cache_dir())
            figures[name] = peer
            print(
                f"{name}: {peer['seconds']:.0f} s for {peer['submissions']}, {peer['seconds_each']:.1f} s each, "
                f"{peer['cpu_seconds_each']:.1f} s of CPU; points of {peer['max_points']}: {peer['points']}",
                flush=True,
            )
            for run in runs:
                ratio = peer["cpu_seconds_each"] / run["cpu_seconds_each"]
                figures[f"{name} / lab grade, {run['workers']}, CPU"] = ratio
                print(
                    f"{name} costs {ratio:.1f} times the CPU of `lab grade` with {run['workers']} worker(s), "
                    f"{peer['seconds_each'] / run['seconds_each']:.1f} times the wall time"
                )
    figures["after"] = peers.machine()
    print(f"machine: {figures['before']} before, load {figures['after']['load']} after")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
