"""A right answer has full marks in whatever form people hand it in; a cell that raises loses itself."""

import json

import pytest

from labkit.grading.grade import Grader
from labkit.grading.grading_spark import WarmSpark
from labkit.verdict.report_json import to_json

OPEN = 'import labkit\nlab = labkit.open("toy")\nspark = lab.spark\n'
DOUBLE = "def double(numbers):\n    return numbers.selectExpr('n', 'n * 2 AS twice')\n"
STORE = (
    "def store(spark, table, numbers):\n"
    "    double(numbers).write.format('delta').saveAsTable(table)\n"
)
FABRIC = "# METADATA ********************\n\n# META {\n# META }\n\n# CELL ********************\n\n"
SPARK_KERNEL = {"name": "pysparkkernel", "display_name": "PySpark", "language": ""}


def notebook(*sources, **metadata):
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": cells})


def script(head, mark, *sources):
    return head + "".join(f"{mark}{source}\n" for source in sources)


# Name of the file, its content, and what is said of its cells, by number.
FORMS = {
    "a notebook with a line for the shell": (
        "a.ipynb", notebook(OPEN, f"!echo ready\n{DOUBLE}", STORE), {},
    ),
    "a notebook of EMR": (
        "a.ipynb",
        notebook(
            "%%sql\nSHOW TABLES", OPEN, DOUBLE, STORE,
            kernelspec=SPARK_KERNEL, language_info={"name": "pyspark"},
        ),
        {1: "no `%%sql`"},
    ),
    "a notebook with half a surrogate pair": (
        "a.ipynb", notebook(f"# \ud83d\n{OPEN}", DOUBLE, STORE), {},
    ),
    "a script of Databricks": (
        "a.py",
        script(
            "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Numbers\n", "\n# COMMAND ----------\n\n",
            "# MAGIC %run ./Includes/Setup", "dbutils.widgets.text('day', '2026-03-01')",
            OPEN, DOUBLE, STORE, "display(spark.range(1))", "dbutils.notebook.exit('ok')",
        ),
        {2: "not found", 8: "not Databricks"},
    ),
    "a script of Fabric": (
        "a.py",
        script("# Fabric notebook source\n\n", FABRIC, "!pip install chispa", OPEN, DOUBLE, STORE),
        {1: "installs nothing"},
    ),
    "a script of nbconvert with a cell that raises": (
        "a.py",
        script(
            "#!/usr/bin/env python\n# coding: utf-8\n\n", "\n# In[ ]:\n\n\n",
            OPEN, "spark.read.csv('/home/me/numbers.csv').show()", DOUBLE, STORE,
        ),
        {2: "AnalysisException"},
    ),
    "a script of Spyder with a cell that raises": (
        "a.py", script("", "#%% Next\n", OPEN, "spark.table('numbers').count()", DOUBLE, STORE),
        {2: "AnalysisException"},
    ),
    "marks inside strings": (
        "a.py",
        script("", "# %%\n", OPEN, 'NOTE = """\n# %% text\n"""', DOUBLE, STORE.replace(
            "\n", '\n    """Stores.\n\n# %% of all\n    """\n', 1,
        )),
        {},
    ),
    "cells that nobody can parse": (
        "a.ipynb",
        notebook(OPEN, "x = " + "-" * 20_000 + "1", "x = y" + ".a" * 100_000, DOUBLE, STORE),
        {2: "nested too deeply", 3: "nested too deeply"},
    ),
    "an error of chispa": (
        "a.ipynb",
        notebook(
            OPEN,
            "from chispa import assert_df_equality\n"
            "assert_df_equality(spark.range(2), spark.range(3))",
            DOUBLE, STORE,
        ),
        {2: "DataFramesNotEqualError"},
    ),
}  # fmt: skip


@pytest.fixture
def grader(spark):
    with WarmSpark(lambda: spark) as warm:
        yield Grader(warm)


@pytest.mark.parametrize("name", FORMS)
def test_right_answer_has_full_marks_in_every_form(toy, grader, tmp_path, name):
    file, content, says = FORMS[name]
    path = tmp_path / file
    path.write_text(content)
    report = grader.grade(toy, path)
    assert report.passed
    assert [problem.cell for problem in report.problems] == list(says)
    for problem in report.problems:
        assert says[problem.cell] in problem.message


def test_colours_of_chispa_are_not_in_a_report(toy, grader, tmp_path):
    path = tmp_path / "a.ipynb"
    double = (
        "from chispa import assert_df_equality\n"
        "def double(numbers):\n    assert_df_equality(numbers, numbers.limit(0))\n"
    )
    path.write_text(notebook(OPEN, double, STORE))
    report = grader.grade(toy, path, tasks=["double"])
    assert "DataFramesNotEqualError" in report.checks[0].reason
    assert "\\u001b" not in to_json(report)
