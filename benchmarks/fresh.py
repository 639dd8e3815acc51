"""Cold set-up: `./lab` in a fresh clone until it has listed the labs, over pip alone with the same packages.

    .venv/bin/python benchmarks/fresh.py [--rounds 1] [--json FILE]

pip's own cache and the jars in the user's cache folder are what they are on this machine; with `--cold`
both sides begin with empty ones, and the figure is the network's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import peers
import rounds

from labkit import home


def seconds(command: list[object], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(list(map(str, command)), env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def set_up(environment: Mapping[str, str]) -> float:
    """A clone, then its first command."""
    with tempfile.TemporaryDirectory(prefix="labkit-fresh-") as place:
        clone = Path(place) / "clone"
        subprocess.run(["git", "clone", "--quiet", home.root(), clone], check=True)
        own = {name: value for name, value in environment.items() if name != "LAB_ROOT"}
        return seconds([clone / "lab", "list"], own)


def pip_alone(environment: Mapping[str, str]) -> float:
    """A virtual environment with the locked packages: what no set-up can do without."""
    with tempfile.TemporaryDirectory(prefix="labkit-fresh-") as place:
        venv = Path(place) / "venv"
        made = seconds([sys.executable, "-m", "venv", venv], environment)
        install = [venv / "bin" / "python", "-m", "pip", "install", "--quiet"]
        lock = home.root() / "requirements.lock"
        return made + seconds([*install, "--requirement", lock], environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cold", action="store_true", help="with empty caches")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    before = peers.machine()
    with tempfile.TemporaryDirectory(prefix="labkit-cache-") as cache:
        environment = dict(os.environ)
        if given.cold:
            environment |= {"PIP_NO_CACHE_DIR": "1", "LAB_CACHE": cache}
        found = rounds.in_turn(
            {
                "pip alone": lambda: pip_alone(environment),
                "./lab, first command": lambda: set_up(environment),
            },
            given.rounds,
        )
    figures = {
        "seconds": {name: rounds.summary(values) for name, values in found.items()},
        "ratios": rounds.ratios(found, "pip alone"),
        "machine": {"before": before, "after": peers.machine()},
    }
    rounds.report(figures, given.json)


if __name__ == "__main__":
    main()
