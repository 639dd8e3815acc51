"""Whatever a submission makes: the judge reads it, or refuses it in words of its own.

`./lab test --long` tries each property some ten thousand times.
"""

import io
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from labkit import home
from labkit.grading.batch import summaries
from labkit.grading.batch.results import Row
from labkit.grading.cells import UnreadableError
from labkit.grading.gateway_policy import Policy
from labkit.grading.kernel import KernelDiedError
from labkit.grading.py4j_lines import FIRST, WITH_SUBCOMMAND, ProtocolError, read_command, read_line
from labkit.grading.remote import RemoteLearner
from labkit.grading.submission import Submission, read_submission
from labkit.grading.wire import CannotCrossError, decode, encode
from labkit.verdict import report as reports
from labkit.verdict.errors import AnswerError
from labkit.verdict.outcome import CellProblem, CheckResult, Report
from labkit.verdict.report_json import from_json, to_json

set_hypothesis_home_dir(home.root() / ".cache" / "hypothesis")
tried = settings(
    max_examples=10_000 if "LAB_LONG" in os.environ else 150,
    derandomize="LAB_LONG" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# Lone halves of characters too: a submission can make them.
texts = st.text(st.characters(exclude_categories=[]), max_size=40)
tags = ["frame", "float", "bytes", "datetime", "date", "decimal", "list", "tuple", "dict", "spark"]
tags += ["foreign", "task", "function", "?"]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
sent = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts, inner, max_size=4)
        | st.fixed_dictionaries({"$": st.sampled_from(tags), "v": inner})
    ),
    max_leaves=12,
)


class Kernel:
    def __init__(self, reply):
        self._reply = reply

    def call(self, request):
        return self._reply


@tried
@given(st.fixed_dictionaries({"value": sent}) | st.dictionaries(st.just("reason"), sent) | sent)
def test_reply_is_a_value_or_a_failure_of_the_answer(reply):
    reply = json.loads(json.dumps(reply))
    learner = RemoteLearner(Kernel(reply), None, ["double"])
    try:
        value = learner.double(1)
    except AnswerError as error:
        assert isinstance(error.reason, str)
        assert isinstance(error.trace, str)
    else:
        assert isinstance(reply, dict) and "value" in reply
        type(value)


class Deep:
    """A kernel whose reply is nested so deep that its JSON can just be read."""

    def __init__(self, depth):
        deep = "[" * depth + "]" * depth
        before, after = '{"$": "list", "v": [' * 19, "]}" * 19
        self._text = f'{{"value": {before}{{"$": "float", "v": {deep}}}{after}}}'

    def call(self, request):
        try:
            return json.loads(self._text)
        except RecursionError:
            raise KernelDiedError("too deep") from None


def test_reply_that_is_too_deep_for_its_text_is_a_failure_of_the_answer():
    for depth in range(600, 1_000):
        with pytest.raises(AnswerError):
            RemoteLearner(Deep(depth), None, ["double"]).double(1)


moments = st.datetimes().map(lambda moment: moment.replace(fold=0))
plain = st.recursive(
    leaves | st.binary(max_size=20) | st.decimals() | st.dates() | moments,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


@tried
@given(plain)
def test_value_crosses_as_it_was(value):
    try:
        sent = json.loads(json.dumps(encode(value)))
    except CannotCrossError:
        return
    assert repr(decode(sent, lambda: None, table=None)) == repr(value)


cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "", 3]),
        "source": texts | st.lists(texts | st.integers(), max_size=3) | st.none(),
        "metadata": sent,
        "id": sent,
    },
)
notebooks = st.fixed_dictionaries(
    {},
    optional={
        "nbformat": st.sampled_from([3, 4, 5, 10**30, None, "4", 4.0, True]),
        "nbformat_minor": sent,
        "metadata": sent,
        "cells": st.lists(cells | sent, max_size=4) | sent,
    },
).map(json.dumps)


@tried
@given(st.binary(max_size=400) | notebooks.map(str.encode), st.sampled_from(["a.ipynb", "a.py"]))
def test_file_is_cells_or_refused(tmp_path_factory, data, name):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    try:
        submission = read_submission(path)
    except UnreadableError as error:
        assert str(error)
    else:
        assert isinstance(submission, Submission)
        assert all(isinstance(cell.source, str) for cell in submission.cells)


POLICY = Policy.load()
lines = st.binary(max_size=30) | st.sampled_from(
    [b"z:java.lang.System", b"getProperty", b"o1", b"sADD JAR x", b"ro2", b"GATEWAY_SERVER", b"e"]
)
names = st.sampled_from(sorted({key[:1] for key in FIRST} | set(FIRST))) | lines


@tried
@given(names, st.sampled_from([b"", *sorted({key[1:] for key in FIRST})]), st.lists(lines))
def test_command_is_read_and_judged_or_ends_its_line(name, sub, rest):
    first = [sub] if name in WITH_SUBCOMMAND else []
    stream = io.BytesIO(b"\n".join([name, *first, *rest, b"e", b""]))
    try:
        command = read_command(read_line(stream), stream)
        refused = POLICY.refused(command, lambda target: [])
    except ProtocolError:
        return
    assert isinstance(refused, str)


outcomes = st.sampled_from(["passed", "failed", "error", "timeout", "todo"])
checks = st.builds(
    lambda number, outcome, reason, trace, hidden: CheckResult(
        f"test_{number}", "double", outcome, "doubles", 1, hidden, reason, trace
    ),
    st.integers(0, 9), outcomes, texts, texts, st.booleans(),
)  # fmt: skip
found = st.builds(
    lambda status, message, checks, problems: Report(
        "toy", status, 5, tuple(checks), tuple(problems), message
    ),
    st.sampled_from(["graded", "unreadable", "no_lab", "crashed", "timeout"]),
    texts,
    st.lists(checks, max_size=4),
    st.lists(st.builds(CellProblem, st.integers(0, 9), st.integers(0, 9), texts), max_size=3),
)


@tried
@given(found, texts, texts)
def test_report_of_any_text_is_written(tmp_path_factory, report, name, student):
    text = to_json(report)
    text.encode("utf-8")
    assert from_json(text) is not None
    for written in (reports.text(report.checks), reports.html(report.checks, seconds=1.0)):
        str(written).encode("utf-8")
    folder = tmp_path_factory.getbasetemp()
    row = Row(name, student, name, report, folder)
    assert all(path.read_text("utf-8") for path in summaries.write_all([row], [], folder))
