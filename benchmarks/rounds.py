"""Figures of several rounds, in which the things compared take turns: summaries, ratios, JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path


def in_turn(
    things: Mapping[str, Callable[[], float]], rounds: int, say: Callable[[str], None] = print
) -> dict[str, list[float]]:
    """Seconds of each thing, measured `rounds` times, all things once a round."""
    found: dict[str, list[float]] = {name: [] for name in things}
    for number in range(1, rounds + 1):
        for name, measure in things.items():
            found[name].append(measure())
            say(f"round {number}: {name} {found[name][-1]:.2f} s")
    return found


def summary(values: list[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def ratios(found: Mapping[str, list[float]], base: str) -> dict[str, dict[str, float]]:
    """Each thing over `base`, round by round: a machine that drifts slows both."""
    return {
        f"{name} / {base}": summary([a / b for a, b in zip(values, found[base], strict=True)])
        for name, values in found.items()
        if name != base
    }


def report(figures: Mapping[str, object], path: Path | None) -> None:
    """Prints the summaries as a table and writes all figures as JSON."""
    for group in ("seconds", "ratios", "megabytes"):
        for name, row in dict(figures.get(group, {})).items():  # type: ignore[call-overload]
            values = "  ".join(f"{key} {value:.2f}" for key, value in row.items())
            print(f"{group:10} {name:45} {values}")
    if path:
        path.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
