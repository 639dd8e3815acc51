"""The figures in README.md, from the JSON that the benchmarks wrote into figures/.

    .venv/bin/python benchmarks/page.py [--run]

With --run every benchmark is run first, one after the other; that takes an hour and a half.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import growth

HERE = Path(__file__).parent
FIGURES = HERE / "figures"
PAGE = HERE / "README.md"
BEGIN, END = "<!-- figures: written by page.py -->\n", "<!-- end of figures -->\n"
OTHERS = {"nbgrader": "nbgrader autograde", "otter": "otter run"}
SCRIPTS = ("fresh", "attach", "check", "bare", "costs", "batch", "scale")


def cell(row: dict[str, float]) -> str:
    """`median (min to max)`, or the one value."""
    if "median" not in row:
        return f"{next(iter(row.values())):.0f}"
    return f"{row['median']:.2f} ({row['min']:.2f} to {row['max']:.2f})"


def in_turn(name: str, found: dict[str, Any]) -> Iterator[str]:
    """The table of a benchmark whose things take turns."""
    yield f"### {name}.py\n"
    yield "| | median (min to max) |\n|---|---|"
    for group, unit in (("seconds", "s"), ("ratios", "ratio"), ("megabytes", "MB")):
        for what, row in found.get(group, {}).items():
            yield f"| {what}, {unit} | {cell(row)} |"


def batch(found: dict[str, Any]) -> Iterator[str]:
    """The table of batch.py."""
    yield f"### batch.py: {found['lab']}\n"
    yield "| | submissions | s each | CPU s each | wrong verdicts |\n|---|---|---|---|---|"
    for run in found["lab grade"]:
        yield (
            f"| `lab grade`, {run['workers']} worker(s), sandbox {'on' if run['sandbox'] else 'off'} | "
            f"{run['submissions']} | {run['seconds_each']:.1f} | {run['cpu_seconds_each']:.1f} | "
            f"{len(run['wrong_verdicts'])} |"
        )
    for name in ("nbgrader", "otter"):
        if not (peer := found.get(name)):
            continue
        yield (
            f"| {OTHERS[name]} | {peer['submissions']} | {peer['seconds_each']:.1f} | "
            f"{peer['cpu_seconds_each']:.1f} | points of {peer['max_points']}: "
            f"{', '.join(f'{who} {points or 0:g}' for who, points in peer['points'].items())} |"
        )
    if speed := found.get("speed-up"):
        yield f"\nTwo workers against one: {speed:.2f} times as fast."
    if shards := found.get("sharded"):
        took = [run["seconds"] for run in shards["shards"]]
        yield (
            f"\n{shards['merged']} submissions in two shards of two workers, one after the other:\n"
            f"{took[0]:.0f} s and {took[1]:.0f} s, {shards['measured / predicted']:.2f} times what "
            "their share of the whole batch predicts."
        )


def costs(found: dict[str, Any]) -> Iterator[str]:
    """A table for each thing that was sampled: kinds of work by lab."""
    labs = found["labs"]
    yield "### costs.py\n"
    seconds = " | ".join(f"{row['seconds']:.1f}" for row in labs.values())
    yield f"| | {' | '.join(labs)} |\n|---|{'---|' * len(labs)}\n| seconds | {seconds} |"
    for name in [key for key in next(iter(labs.values())) if key != "seconds"]:
        total: Counter[str] = Counter()
        for row in labs.values():
            total.update(row[name])
        yield f"| **{name}** | {' | ' * (len(labs) - 1)} |"
        for kind, _ in total.most_common():
            parts = (f"{row[name].get(kind, 0):.{'CPU' in name:d}f}" for row in labs.values())
            yield f"| {kind} | {' | '.join(parts)} |"


def scale(found: dict[str, Any]) -> Iterator[str]:
    """The tables and the picture of scale.py."""
    growth.draw(found, FIGURES / "scale.svg")
    yield "### scale.py\n\n![Seconds against scale](figures/scale.svg)\n"
    yield from growth.generators(found["generators"])
    yield from growth.answers(found["answers"])


TABLES = {"batch": batch, "costs": costs, "scale": scale}


def machine(found: dict[str, Any]) -> str:
    before = found.get("machine", {}).get("before") or found["before"]
    after = found.get("machine", {}).get("after") or found["after"]
    versions = ", ".join(f"{name} {one}" for name, one in before.get("versions", {}).items())
    return (
        f"\n{before['cores']} cores, {before['system']}, Python {before['python']}; load "
        f"{before['load'][0]} before and {after['load'][0]} after.\n"
        + (f"Versions: {versions}.\n" if versions else "")
    )


def tables() -> Iterator[str]:
    for name in SCRIPTS:
        path = FIGURES / f"{name}.json"
        if not path.is_file():
            yield f"### {name}.py\n\nNot measured.\n"
            continue
        found = json.loads(path.read_text("utf-8"))
        yield from TABLES[name](found) if name in TABLES else in_turn(name, found)
        yield machine(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", action="store_true", help="run the benchmarks first")
    if parser.parse_args().run:
        for name in SCRIPTS:
            command = [sys.executable, HERE / f"{name}.py", "--json", FIGURES / f"{name}.json"]
            subprocess.run(command, check=True)
    text = PAGE.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, foot = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n" + "\n".join(tables()) + f"\n{END}{foot}", "utf-8")


if __name__ == "__main__":
    main()
