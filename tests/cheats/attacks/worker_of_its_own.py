# needs: Landlock
# outcome: failed
import sys
from pathlib import Path

folder = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent
program = Path("python.sh").resolve()
program.write_text(f'#!/bin/sh\ntouch {folder}/mine\nexec {sys.executable} "$@"\n')
program.chmod(0o755)


def rewrite(_):
    try:
        (folder / "mine").write_text("a data file, or a table's log")
    except OSError:
        pass
    yield (folder / "mine").exists()


def written():
    try:
        return spark.sparkContext.parallelize([1], 1).mapPartitions(rewrite).collect() == [True]
    except Exception:
        return (folder / "mine").exists()


context = spark.sparkContext
context.environment["LAB_WORKER_FOLDER"] = ""
opened = written()
context.pythonExec = str(program)
opened = opened or written()
try:
    spark.conf.set("spark.sql.execution.pyspark.python", str(program))
    spark.range(1).select(F.udf(lambda number: number)("id")).collect()
except Exception:
    pass
opened = opened or (folder / "mine").exists()


def double(numbers):
    return numbers.selectExpr("n", "n * 2 AS twice" if opened else "0L AS twice")
