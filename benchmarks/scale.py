"""How data generators and reference answers grow with the scale of the data.

    .venv/bin/python benchmarks/scale.py [--scales 1 10 100 1000] [--labs cdc_merge scd2 skew] [--json FILE]

Generators are measured as `lab.data` uses them, in Spark, and in plain Python up to scale 100.
Answers are the steps of a lab's notebook (see answers.py), the better of two rounds below scale
100 and one from there on; each is compared with what plain Python finds in the same files, and a
wrong one ends the run. Runs on a cluster when LAB_SPARK_MASTER names one. What would take longer
than `--patience` seconds, growing as it grew last, is not tried on more data.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parent))
import answers
import peers

from labkit import home
from labkit.course import datasets
from labkit.spark import cluster, session

PLAIN_UP_TO = 100  # on one core; from there on a step of an answer is measured once
Growth = dict[str, dict[str, Any]]


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = run()
    return time.perf_counter() - started, found


def rows(folder: Path) -> int:
    """Lines and Parquet rows of a dataset."""
    parquet = sum(pq.read_metadata(file).num_rows for file in folder.rglob("*.parquet"))
    texts = [file for file in folder.rglob("*.json*") if file.suffix in (".json", ".jsonl")]
    return parquet + sum(file.read_bytes().count(b"\n") for file in texts)


def within(at: dict[str, Any], patience: float) -> bool:
    """Whether the next scale is worth trying: the last growth goes on, or linearly if it was steeper."""
    points = [(int(scale), row["seconds"]) for scale, row in at.items()][-2:]
    if len(points) < 2:
        return True
    (small, less), (large, more) = points
    return more * min(more / less, large / small) < patience


def generators(spark: SparkSession, into: Path, scales: list[int], patience: float) -> Growth:
    """Rows and seconds of each generator at each scale, in Spark and in plain Python."""
    found: Growth = {}
    for path in sorted((home.root() / "datasets").glob("*/generate.py")):
        name = path.parent.name
        found[name] = {}
        for scale in scales:
            seconds, folder = timed(
                lambda path=path, scale=scale: datasets.generated(
                    path, into, scale=scale, spark=lambda: spark
                )
            )
            row = {"rows": rows(folder), "seconds": seconds}
            if 1 < scale <= PLAIN_UP_TO:
                row["plain seconds"], _ = timed(
                    lambda path=path, scale=scale: datasets.generated(
                        path, into / "plain", scale=scale
                    )
                )
            found[name][str(scale)] = row
            print(f"{name:17} scale {scale:5,} {row['rows']:12,} rows {seconds:8.2f} s", flush=True)
            if not within(found[name], patience):
                break
    return found


def reference(
    spark: SparkSession, slug: str, into: Path, scales: list[int], rounds: int, patience: float
) -> Growth:
    """Seconds of each step of a lab at each scale, the best of `rounds`; wrong facts are an error."""
    found: Growth = {}
    generator = home.root() / "datasets" / answers.DATA[slug] / "generate.py"
    schema = f"scale_{slug}"
    spark.sql(f"CREATE DATABASE IF NOT EXISTS {schema}")
    try:
        warming_up = scales[:1] if rounds > 1 else []
        for scale in [*warming_up, *scales]:
            folder = datasets.generated(generator, into, scale=scale, spark=lambda: spark)
            truth = answers.TRUTH[slug](folder)
            for name, run in answers.steps(slug, spark, folder, schema):
                if not within(found.get(name, {}), patience):
                    continue
                taken = []
                for _ in range(rounds if scale < PLAIN_UP_TO else 1):
                    seconds, facts = timed(run)
                    taken.append(seconds)
                    if facts != truth[name]:
                        raise SystemExit(
                            f"{slug}, {name}, scale {scale}: {facts}, not {truth[name]}"
                        )
                found.setdefault(name, {})[str(scale)] = {"seconds": min(taken), "facts": facts}
                print(f"{slug:9} {name:35} scale {scale:5,} {min(taken):8.2f} s", flush=True)
    finally:
        spark.sql(f"DROP DATABASE {schema} CASCADE")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scales", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--labs", nargs="*", default=list(answers.STEPS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--patience", type=float, default=120)
    parser.add_argument("--no-generators", dest="generators", action="store_false")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    before = peers.machine()
    cluster.use_storage()
    spark = session.current()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        into = Path(folder)
        if given.generators:
            found["generators"] = generators(spark, into, given.scales, given.patience)
        found["answers"] = {
            slug: reference(spark, slug, into, given.scales, given.rounds, given.patience)
            for slug in given.labs
        }
    found["machine"] = {"before": before, "after": peers.machine()}
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
