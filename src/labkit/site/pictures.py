"""The picture of a lab: a chart or a drawing that a learner sees when the notebook has run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from labkit.course.labs import Lab
from labkit.site import prose
from labkit.verdict import flowchart

CHART = "image/png"
TITLES = re.compile(r'title\(\s*"([^"{}]+)"')  # what a chart's code writes above its axes
WAITS = "lab.written("  # a cell that needs answers begins with it


@dataclass(frozen=True)
class Picture:
    """What is shown, and the words that stand above it in the notebook."""

    shown: Markup
    caption: Markup


def picture(lab: Lab) -> Picture | None:
    """The last chart of the solved notebook, else a drawing of the notebook's own; if there is one.

    A chart shows what right answers do, not how. A drawing may itself be an answer, so it is taken
    only from a cell that needs none. A hand-out has no solved notebook, and so no picture.
    """
    charts, drawings = [], []
    for source, above, data in _outputs(lab):
        caption = prose.markdown(above.split("\n\n")[-1])
        if CHART in data:
            charts.append(Picture(_chart(source, "".join(data[CHART])), caption))
        elif WAITS not in source:
            text = "".join(data.get("text/markdown", ""))
            drawings += [Picture(flowchart.svg(one), caption) for one in flowchart.charts(text)]
    return next(iter([*reversed(charts), *drawings]), None)


def _outputs(lab: Lab) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Source of the cell, prose above it, and data of each output."""
    if not lab.solved.is_file():
        return
    above = ""
    for cell in json.loads(lab.solved.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            above = source
            continue
        for output in cell["outputs"]:
            yield source, above, output.get("data", {})


def _chart(source: str, base64: str) -> Markup:
    words = ": ".join(["Chart", "; ".join(TITLES.findall(source))]).removesuffix(": ")
    return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(
        words, "".join(base64.split())
    )
