"""A flowchart in Mermaid's words, drawn as SVG: for pages that must not run Mermaid's own script.

It knows what notebooks of labs write: boxes in four shapes, arrows with a text, dotted arrows, and
a style for boxes that somebody objects to. Columns follow the arrows from left to right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from labkit.escape import printable

FENCE = "```"
MOST_LINES = 400  # of a chart that is drawn: a notebook may be another person's
NODE = re.compile(r'(\w+)(\[\(|\(\[|\[/|\[)"(.*)"(?:\)\]|\]\)|/\]|\])')
ARROW = re.compile(r'(\w+) -->(?:\|"(.*)"\|)? (\w+)')
DOTTED = re.compile(r"(\w+) -\.-> (\w+)")
STYLED = re.compile(r"style (\w+) .*")
ARROW_STYLED = re.compile(r"linkStyle \d+ .*")  # an arrow with a remark is marked without it
BREAK = re.compile(r"<br ?/?>")
MARK = "✗"  # before what is objected to
CHARACTER, LINE = 6.6, 15.0  # of a text of 11 px, on average
PADDING, GAP, COLUMN = 9.0, 22.0, 40.0
APART = 0.1  # of an arrow's length
SWEEPS = 8  # in which boxes move beside those that they are linked to
SHAPES = {"[(": "store", "([": "end", "[/": "broker", "[": "box"}


@dataclass(frozen=True)
class Node:
    """A box: its shape, the lines in it, and whether it is marked."""

    shape: str
    lines: tuple[str, ...]
    marked: bool = False

    @property
    def width(self) -> float:
        return max(map(len, self.lines)) * CHARACTER + 2 * PADDING

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + 2 * PADDING


@dataclass(frozen=True)
class Arrow:
    """From one box to another."""

    start: str
    end: str
    lines: tuple[str, ...] = ()
    dotted: bool = False


@dataclass(frozen=True)
class Chart:
    """Boxes by their name, and arrows."""

    nodes: Mapping[str, Node]
    arrows: Sequence[Arrow] = field(default=())

    @property
    def remarks(self) -> list[str]:
        """What is objected to, as text: `box: remark`."""
        found = [(node.lines[0], line) for node in self.nodes.values() for line in node.lines[1:]]
        found += [(one.lines[0], line) for one in self.arrows for line in one.lines[1:]]
        return [f"{name}: {line.removeprefix(MARK).strip()}" for name, line in found]


def charts(text: str) -> list[Chart]:
    """The flowcharts among the Mermaid blocks of a Markdown text; others are left out."""
    found = (_read(block) for block in _blocks(text))
    return [chart for chart in found if chart and chart.nodes]


def svg(chart: Chart) -> Markup:
    """The drawing; colours come from the page's style."""
    columns = _columns(chart)
    gaps = _gaps(chart, columns)
    places = _places(chart, columns, gaps)
    width = max(x + chart.nodes[name].width for name, (x, _) in places.items()) + GAP
    height = max(y + chart.nodes[name].height for name, (_, y) in places.items()) + GAP
    parts = [_line(arrow, chart, places) for arrow in chart.arrows]
    parts += [_box(chart.nodes[name], *place) for name, place in places.items()]
    parts += [_label(arrow, chart, places) for arrow in chart.arrows if arrow.lines]
    label = "; ".join(chart.remarks) or "nobody objects to anything"
    return Markup(
        '<svg class="flow" role="img" aria-label="{}" width="{:.0f}" height="{:.0f}" '
        'viewBox="0 0 {:.0f} {:.0f}">{}</svg>'
    ).format(
        f"A flowchart of {len(chart.nodes)} parts: {label}", width, height, width, height,
        Markup("").join(parts),
    )  # fmt: skip


def _blocks(text: str) -> Iterator[list[str]]:
    """The lines of each Mermaid block that ends."""
    inside: list[str] | None = None
    for line in text.split("\n"):
        if inside is None:
            inside = [] if line == f"{FENCE}mermaid" else None
        elif line.startswith(FENCE):
            yield inside
            inside = None
        else:
            inside.append(line.strip())


def _read(lines: Sequence[str]) -> Chart | None:
    nodes: dict[str, Node] = {}
    arrows: list[Arrow] = []
    if not lines or not lines[0].startswith("flowchart") or len(lines) > MOST_LINES:
        return None
    for line in lines[1:]:
        if node := NODE.fullmatch(line):
            nodes[node[1]] = Node(SHAPES[node[2]], _lines(node[3]))
        elif arrow := ARROW.fullmatch(line):
            arrows.append(Arrow(arrow[1], arrow[3], _lines(arrow[2] or "")))
        elif dotted := DOTTED.fullmatch(line):
            arrows.append(Arrow(dotted[1], dotted[2], dotted=True))
        elif (styled := STYLED.fullmatch(line)) and styled[1] in nodes:
            before = nodes[styled[1]]
            nodes[styled[1]] = Node(before.shape, before.lines, marked=True)
        elif line and not ARROW_STYLED.fullmatch(line):
            return None
    if any(name not in nodes for arrow in arrows for name in (arrow.start, arrow.end)):
        return None
    return Chart(nodes, arrows)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(printable(line) for line in BREAK.split(text)) if text else ()


def _columns(chart: Chart) -> list[list[str]]:
    """The boxes by their way along the arrows; an arrow that closes a circle is not followed."""
    after = {name: [a.end for a in chart.arrows if a.start == name] for name in chart.nodes}
    order: list[str] = []
    open_: set[str] = set()

    def visit(name: str) -> None:
        open_.add(name)
        for end in list(after[name]):
            if end in open_ and end not in order:
                after[name].remove(end)
            elif end not in open_:
                visit(end)
        order.append(name)

    for name in chart.nodes:
        if name not in open_:
            visit(name)
    rank = dict.fromkeys(chart.nodes, 0)
    for name in reversed(order):
        for end in after[name]:
            rank[end] = max(rank[end], rank[name] + 1)
    for name in order:  # as late as what follows allows, or arrows pass behind boxes
        rank[name] = min((rank[end] - 1 for end in after[name]), default=rank[name])
    columns: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in chart.nodes:
        columns[rank[name]].append(name)
    return _untangled(chart, columns)


def _untangled(chart: Chart, columns: list[list[str]]) -> list[list[str]]:
    """Each box beside the middle of those that it is linked to, as far as its column has room."""
    linked: dict[str, list[str]] = {name: [] for name in chart.nodes}
    for arrow in chart.arrows:
        if not arrow.dotted:
            linked[arrow.start].append(arrow.end)
            linked[arrow.end].append(arrow.start)
    for _ in range(SWEEPS):
        at = {name: n / len(column) for column in columns for n, name in enumerate(column)}
        for column in columns:
            column.sort(
                key=lambda name: (
                    sum(at[other] for other in linked[name]) / len(linked[name])
                    if linked[name]
                    else 1.0
                )
            )
    return columns


def _gaps(chart: Chart, columns: list[list[str]]) -> list[float]:
    """The room after each column: for the texts of the arrows that end in the next one."""
    gaps = []
    for names in [*columns[1:], []]:
        texts = [line for arrow in chart.arrows if arrow.end in names for line in arrow.lines]
        gaps.append(max((len(text) for text in texts), default=0) * CHARACTER + COLUMN)
    return gaps


def _places(
    chart: Chart, columns: list[list[str]], gaps: list[float]
) -> dict[str, tuple[float, float]]:
    tall = [sum(chart.nodes[name].height + GAP for name in column) for column in columns]
    x, places = GAP, {}
    for column, height, gap in zip(columns, tall, gaps, strict=True):
        y = GAP + (max(tall) - height) / 2
        for name in column:
            places[name] = (x, y)
            y += chart.nodes[name].height + GAP
        x += max(chart.nodes[name].width for name in column) + gap
    return places


def _ends(
    arrow: Arrow, chart: Chart, places: Mapping[str, tuple[float, float]]
) -> tuple[float, float, float, float]:
    (x1, y1), (x2, y2) = places[arrow.start], places[arrow.end]
    start, end = chart.nodes[arrow.start], chart.nodes[arrow.end]
    return x1 + start.width, y1 + start.height / 2, x2, y2 + end.height / 2


def _line(arrow: Arrow, chart: Chart, places: Mapping[str, tuple[float, float]]) -> Markup:
    x1, y1, x2, y2 = _ends(arrow, chart, places)
    bend = max(COLUMN / 2, (x2 - x1) / 2)
    kind = "needs" if arrow.dotted else "objected" if len(arrow.lines) > 1 else "arrow"
    return Markup(
        '<path class="{}" d="M{:.0f} {:.0f}C{:.0f} {:.0f} {:.0f} {:.0f} {:.0f} {:.0f}"/>'
        '<path class="{} head" d="M{:.0f} {:.0f}l-7 -4v8z"/>'
    ).format(kind, x1, y1, x1 + bend, y1, x2 - bend, y2, x2, y2, kind, x2, y2)


def _label(arrow: Arrow, chart: Chart, places: Mapping[str, tuple[float, float]]) -> Markup:
    """Above the middle of its arrow; the texts of arrows with one start stand a little apart."""
    x1, y1, x2, y2 = _ends(arrow, chart, places)
    beside = [one for one in chart.arrows if one.start == arrow.start and one.lines]
    at = 0.5 + APART * (beside.index(arrow) - (len(beside) - 1) / 2)
    x, y = x1 + (x2 - x1) * at, y1 + (y2 - y1) * (3 * at**2 - 2 * at**3)
    return _texts(arrow.lines, x, y - (len(arrow.lines) - 1) * LINE - 4)


def _box(node: Node, x: float, y: float) -> Markup:
    radius = {"end": node.height / 2, "store": 10, "broker": 0}.get(node.shape, 3)
    return Markup(
        '<rect class="{}{}" x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{:.0f}" rx="{:.0f}"/>{}'
    ).format(
        node.shape, " objected" if node.marked else "", x, y, node.width, node.height, radius,
        _texts(node.lines, x + node.width / 2, y + PADDING + LINE - 4),
    )  # fmt: skip


def _texts(lines: Sequence[str], x: float, y: float) -> Markup:
    return Markup("").join(
        Markup('<text class="{}" x="{:.0f}" y="{:.0f}">{}</text>').format(
            "remark" if line.startswith(MARK) else "", x, y + n * LINE, escape(line)
        )
        for n, line in enumerate(lines)
    )
