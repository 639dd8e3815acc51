"""Draw the plan of an answer as a tree of text, with the operators that a check objects to marked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from py4j.java_gateway import JavaObject
from pyspark.sql import DataFrame

from labkit.checks.plans import each, inputs, is_python, source_of, unwrapped
from labkit.checks.row_diff import terse
from labkit.escape import one_line
from labkit.verdict.blocks import Plan, PlanLine
from labkit.verdict.reason import from_text, to_text

# A reason is cut at 2,000 characters, and a plan is a part of one.
MOST_LINES = 22
LINE_CHARACTERS = 72
COLUMNS = 3
# They choose columns or change the form of rows; a reader looks for what moves, joins and counts.
LEFT_OUT = {"Project", "ColumnarToRow", "RowToColumnar", "AQEShuffleRead"}
BY_EXPRESSIONS = {"HashPartitioning", "RangePartitioning"}
SCANS = {"FileSourceScan", "BatchScan"}
BY_COLUMNS = {
    "BroadcastHashJoin": "leftKeys",
    "SortMergeJoin": "leftKeys",
    "ShuffledHashJoin": "leftKeys",
    "HashAggregate": "groupingExpressions",
    "ObjectHashAggregate": "groupingExpressions",
    "SortAggregate": "groupingExpressions",
    "Window": "partitionSpec",
}


@dataclass(frozen=True)
class Operator:
    """One operator of a final plan and what it reads from.

    `facts` are what tells it from others of its name: the kind of a join, how a shuffle distributes
    rows, what a scan reads, `Python` where rows pass through a worker. `columns` are the ones that
    it joins, groups or distributes by.
    """

    name: str
    facts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    inputs: tuple[Operator, ...] = ()

    def __str__(self) -> str:
        by = ", ".join(self.columns[:COLUMNS]) + (", ..." if len(self.columns) > COLUMNS else "")
        # A column may be called anything, line breaks included.
        return one_line(" ".join([self.name, *self.facts, *([f"({by})"] if by else [])]))


def with_plan(reason: str, df: DataFrame, *marked: str) -> str:
    """`reason` and below it the frame's plan as it ran; `reason` alone in a hidden check.

    An operator is marked when its name, or one of its facts, is among `marked`:
    `ShuffleExchange`, `SinglePartition`, `Python`, or `orders` for the scans of orders.parquet.
    """
    if terse.get():
        return reason
    return to_text([*from_text(reason), draw(plan_of(df), marked)])


def plan_of(df: DataFrame) -> Operator:
    """The frame's final plan, driven there as `operators` does."""
    return _operator(df._jdf.queryExecution().executedPlan())


def draw(plan: Operator, marked: Collection[str]) -> Plan:
    """A tree, a line an operator: what has one input stands above it, a join's inputs branch off.

    Of a plan with more than MOST_LINES lines, those nearest to a marked one are drawn.
    """
    lines = list(_lines(plan, marked, "", ""))
    marks = [number for number, line in enumerate(lines) if line.marked] or [0]
    by_distance = sorted(range(len(lines)), key=lambda n: min(abs(n - mark) for mark in marks))
    near = set(by_distance[:MOST_LINES])
    # A gap of one line would not be shorter than the line.
    near |= {n for n in range(len(lines)) if {n - 1, n + 1} <= near | {-1, len(lines)}}
    drawn: list[PlanLine] = []
    last = -1
    for number in sorted(near):
        drawn += _gap(number - last - 1)
        hit, text = lines[number]
        text = text if len(text) <= LINE_CHARACTERS else text[: LINE_CHARACTERS - 3] + "..."
        drawn.append(PlanLine(hit, text))
        last = number
    return Plan((*drawn, *_gap(len(lines) - last - 1)))


def _gap(size: int) -> list[PlanLine]:
    return [PlanLine(False, f"... {size} operators")] if size else []


def _lines(plan: Operator, marked: Collection[str], first: str, rest: str) -> Iterator[PlanLine]:
    """The line of each operator; `first` leads its line and `rest` the lines below."""
    hit = plan.name in marked or any(fact in marked for fact in plan.facts)
    below = plan.inputs
    if len(below) == 1 and plan.name in LEFT_OUT and not hit:
        yield from _lines(below[0], marked, first, rest)
        return
    yield PlanLine(hit, f"{first}{plan}")
    if len(below) == 1:
        yield from _lines(below[0], marked, rest, rest)
        return
    for number, branch in enumerate(below, 1):
        end = number == len(below)
        yield from _lines(
            branch, marked, rest + ("└ " if end else "├ "), rest + ("  " if end else "│ ")
        )


def _operator(plan: JavaObject) -> Operator:
    plan, name = unwrapped(plan)
    facts = []
    columns: list[str] = []
    if name.endswith("Join"):
        facts.append(_kind(plan.joinType()))
    if name == "ShuffleExchange":
        facts.append(_kind(plan.outputPartitioning()))
        if facts[0] in BY_EXPRESSIONS:
            columns = _names(plan.outputPartitioning())
    if name in SCANS:
        found = source_of(plan, name).split(",")
        facts += dict.fromkeys(one.removesuffix(".parquet") for one in found)
    if is_python(plan):
        facts.append("Python")
    if name in BY_COLUMNS:
        by = each(getattr(plan, BY_COLUMNS[name])())
        columns = [column for expression in by for column in _names(expression)]
    below = tuple(_operator(one) for one in inputs(plan, name))
    return Operator(name, tuple(facts), tuple(dict.fromkeys(columns)), below)


def _kind(thing: JavaObject) -> str:
    return str(thing.getClass().getSimpleName()).rstrip("$")


def _names(expression: JavaObject) -> list[str]:
    """The columns of an expression, without the ids that differ from run to run."""
    return [str(column.name()) for column in each(expression.references())]
