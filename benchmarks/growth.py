"""How seconds grow with scale, as tables and as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Growth = Mapping[str, Mapping[str, Mapping[str, Any]]]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#999999")


def slope(at: Mapping[str, Mapping[str, Any]]) -> float:
    """The power of scale by which seconds grow between the two largest scales: 1 is linear."""
    points = sorted((int(scale), row["seconds"]) for scale, row in at.items())
    (small, less), (large, more) = points[-2:]
    return math.log(more / less) / math.log(large / small)


def scales(found: Growth) -> list[str]:
    return sorted({scale for at in found.values() for scale in at}, key=int)


def generators(found: Growth) -> Iterator[str]:
    """Rows per second of each generator at each scale, and what Spark's tasks bring."""
    every = scales(found)
    yield "| thousand rows a second at scale | " + " | ".join(f"{int(s):,}" for s in every) + " |"
    yield "|---|" + "---|" * len(every)
    for name, at in found.items():
        cells = []
        for scale in every:
            row = at.get(scale)
            cells.append(f"{row['rows'] / row['seconds'] / 1000:,.1f}" if row else "")
        yield f"| `{name}` | " + " | ".join(cells) + " |"
    compared = [
        scale
        for scale in every
        if all("plain seconds" in at.get(scale, {}) for at in found.values())
    ]
    if compared:
        both = [at[compared[-1]] for at in found.values()]
        plain, spark = (sum(row[what] for row in both) for what in ("plain seconds", "seconds"))
        yield f"\nAll datasets at scale {compared[-1]}: {spark:.0f} s in Spark, {plain:.0f} s in plain Python."
    most = {name: at[max(at, key=int)]["rows"] for name, at in found.items()}
    name = max(most, key=lambda one: most[one])
    yield f"The largest has {most[name]:,} rows (`{name}`).\n"


def answers(found: Mapping[str, Growth]) -> Iterator[str]:
    """Seconds of each step at each scale, and the power of the last growth."""
    every = sorted({scale for steps in found.values() for scale in scales(steps)}, key=int)
    yield "| seconds at scale | " + " | ".join(f"{int(s):,}" for s in every) + " | power |"
    yield "|---|" + "---|" * (len(every) + 1)
    for slug, steps in found.items():
        for name, at in steps.items():
            cells = [f"{at[s]['seconds']:.1f}" if s in at else "" for s in every]
            yield f"| `{slug}`: {name} | " + " | ".join(cells) + f" | {slope(at):.2f} |"


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Seconds against scale, both logarithmic, as an SVG; a dashed line is linear growth."""
    import matplotlib
    import matplotlib.pyplot as plt

    # Text as text, and the same bytes for the same figures.
    matplotlib.rcParams.update({"svg.hashsalt": path.name, "svg.fonttype": "none"})
    figure, panels = plt.subplots(1, 2, figsize=(11, 5.2), layout="constrained")
    steps = {
        f"{lab}: {name}": at for lab, of in found["answers"].items() for name, at in of.items()
    }
    for ax, title, lines in (
        (panels[0], "Data made in Spark", found["generators"]),
        (panels[1], "Reference answers", steps),
    ):
        for number, (name, at) in enumerate(lines.items()):
            points = sorted((int(scale), row["seconds"]) for scale, row in at.items())
            ax.plot(*zip(*points, strict=True), marker="o", color=COLOURS[number], label=name)
        ends = [int(scale) for scale in scales(lines)]
        top = max(row["seconds"] for at in lines.values() for row in at.values())
        ax.plot(
            [ends[0], ends[-1]],
            [top * ends[0] / ends[-1], top],
            color="lightgrey", linestyle="--", zorder=0, label="linear",
        )  # fmt: skip
        ax.set(xscale="log", yscale="log", title=title, xlabel="scale", ylabel="seconds")
        ax.set_xticks(ends, [f"{end:,}" for end in ends])
        ax.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
