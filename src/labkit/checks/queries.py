"""Queries that an answer returns as text, run on views that a check makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from labkit.checks.frames import make_frame
from labkit.spark.reflection import session_without
from labkit.verdict.errors import AnswerError, kind_of, short


class Queries:
    """A session beside `spark` with views of its own, which runs SQL that others wrote.

    The text runs in the judge's process. So the session has no function that reaches Java, and the
    text is read as a subquery: a command, or two statements, are no query.
    """

    def __init__(self, spark: SparkSession) -> None:
        self.spark = session_without(spark)

    def view(self, name: str, ddl: str, rows: Iterable[Any]) -> str:
        """A temporary view of these rows; its name."""
        make_frame(self.spark, ddl, rows).createOrReplaceTempView(name)
        return name

    def run(self, answer: Any) -> DataFrame:
        """The frame of a query; whatever keeps it from being planned is the answer's error."""
        if not isinstance(answer, str):
            what = "None" if answer is None else kind_of(answer)
            raise AnswerError("failed", f"returned {what}, expected the text of a query")
        text = answer.strip().removesuffix(";")
        try:
            return self.spark.sql(f"SELECT * FROM (\n{text}\n)")
        except (PySparkException, Py4JError) as error:
            problem = f"Spark can't run the query you return: {short(error)}"
            raise AnswerError("error", problem, original=error) from error
