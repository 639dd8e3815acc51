"""Flowcharts in Mermaid's words as SVG: what is read, where boxes stand, and that text stays text."""

import re

import pytest

from labkit.verdict import flowchart
from labkit.verdict.flowchart import Arrow, Node

TEXT = """
Before it.

```mermaid
flowchart LR
  n0(["shop"])
  n1[/"topic"/]
  n2["loader<br/>✗ no_dead_letter"]
  style n2 stroke:#c00,stroke-width:3px
  n3[("lake <1>")]
  n4["keys"]
  n4 -.-> n2
  n0 -->|"clicks<br/>✗ public_network"| n1
  n1 -->|"clicks"| n2
  n2 --> n3
  linkStyle 1 stroke:#c00
```

```mermaid
sequenceDiagram
  a->>b: this is none
```
"""


@pytest.fixture
def chart():
    (found,) = flowchart.charts(TEXT)
    return found


def places(svg: str) -> dict[str, float]:
    """The left edge of each box by the first line in it."""
    boxes = re.findall(r'<rect class="[^"]*" x="(\d+)".*?<text[^>]*>([^<]+)<', svg)
    return {name: int(x) for x, name in boxes}


def test_boxes_arrows_and_remarks_are_read(chart):
    assert chart.nodes["n1"] == Node("broker", ("topic",))
    assert chart.nodes["n2"] == Node("box", ("loader", "✗ no_dead_letter"), marked=True)
    assert chart.nodes["n3"].shape == "store"
    assert chart.arrows[0] == Arrow("n4", "n2", dotted=True)
    assert chart.arrows[1] == Arrow("n0", "n1", ("clicks", "✗ public_network"))
    assert chart.remarks == ["loader: no_dead_letter", "clicks: public_network"]


def test_columns_follow_the_arrows_and_what_is_objected_to_is_marked(chart):
    svg = flowchart.svg(chart)
    x = places(svg)
    assert x["shop"] < x["topic"] < x["loader"] < x["lake &lt;1&gt;"]
    assert 'class="box objected"' in svg
    assert svg.count('class="remark"') == 2
    assert 'aria-label="A flowchart of 5 parts: loader: no_dead_letter; clicks' in svg
    assert "<1>" not in svg, "a text is a text"


def test_circle_is_drawn_and_ends():
    text = '```mermaid\nflowchart LR\n  a["a"]\n  b["b"]\n  a --> b\n  b --> a\n```'
    (found,) = flowchart.charts(text)
    x = places(flowchart.svg(found))
    assert x["a"] < x["b"]


def test_long_row_of_boxes_is_drawn_and_a_longer_one_left_out():
    def chain(boxes):
        lines = [f'n{n}["x"]\nn{n} --> n{n + 1}' for n in range(boxes - 1)]
        return "\n".join(["```mermaid", "flowchart LR", *lines, f'n{boxes - 1}["x"]', "```"])

    (found,) = flowchart.charts(chain(200))
    assert flowchart.svg(found).count("<rect") == 200
    assert flowchart.charts(chain(2_000)) == []


def test_blocks_that_do_not_end_take_no_time():
    assert flowchart.charts("```mermaid\nflowchart LR\n" * 200_000)[:1] == []


@pytest.mark.parametrize(
    "block",
    ["", "graph TD\n  a --> b", 'flowchart LR\n  a["a"]\n  a --> c', "flowchart LR\n  subgraph x"],
)
def test_what_is_not_known_is_left_out(block):
    assert flowchart.charts(f"```mermaid\n{block}\n```") == []
