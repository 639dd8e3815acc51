"""No check of any lab breaks, whatever a task returns: the reason is the answer's.

Long, as each lab is judged once for each value: `./lab test --long`.
"""

import datetime
import functools
import os
from decimal import Decimal

import pytest

from labkit import home
from labkit.author.known_answers import namespace, variants
from labkit.course.labs import find_labs
from labkit.judge.answer import Learner
from labkit.judge.runner import judge
from labkit.parts import known

LABS = find_labs(home.root())
# A frame whose columns have the names of things that checks and Spark use themselves.
NAMES = """
SELECT 1 AS `cls`, 'x' AS `_metadata`, CAST(NULL AS VOID) AS `a.b``c`, array(1) AS `key`,
       map('a', 2) AS `value`, named_struct('n', 1) AS `n`
"""
VALUES = {
    "nothing": lambda spark: None,
    "text": lambda spark: "x",
    "a number": lambda spark: 10**400,
    "no number": lambda spark: float("nan"),
    "a list": lambda spark: [
        *(None, {"a": 1}, float("nan"), -(10**400), "\ud800", b"x", (1,)),
        *(Decimal("1E+99999"), datetime.date(1, 1, 1)),
    ],
    "an empty list": lambda spark: [],
    "a dict": lambda spark: {None: 1, "x": [float("inf")], (1, 2): {}},
    "an iterator": lambda spark: iter([1]),
    "odd names": lambda spark: spark.sql(NAMES) if spark else object(),
    "a column twice": lambda spark: spark.range(2).selectExpr("id", "id") if spark else object(),
}


@pytest.mark.skipif("LAB_LONG" not in os.environ, reason="one of the long repetitions")
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_odd_value_breaks_no_check(lab, kind, spark):
    for part in known.needed(lab.about["needs"]):
        if reason := part.missing():
            pytest.skip(reason)
    session = spark if lab.uses_spark else None
    solution = next(variant for variant in variants(lab) if variant.kind == "solution")
    names = namespace(lab, solution, session)
    for task in lab.tasks:  # with its signature, which is asked first
        names[task] = functools.wraps(names[task])(lambda *_, **__: VALUES[kind](session))
    files = [path for path in (lab.checks, lab.hidden_checks) if path.is_file()]
    results = judge(lab.root, Learner(names, lab.tasks), session, files, timeout=120)
    assert [f"{one.id}: {one.reason}" for one in results if one.outcome == "broken"] == []
