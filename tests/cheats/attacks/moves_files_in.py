# outcome: failed
# says: twice|4
# To rename a partition moves it, wherever it lies: here a file of the answer's own, into a table's
# folder, where the JVM alone writes.
from pathlib import Path

own = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))
place = own.parent / "tables" / "mine"
(own / "hand").mkdir()
(own / "hand" / "made").write_text("a data file")
MOVE = "PARTITION (of = 'x') RENAME TO PARTITION"
DOORS = (
    f"ALTER TABLE mine.texts {MOVE} (of = 'y')",
    f"ALTER TABLE IDENTIFIER('mine' || '.texts') {MOVE} (of = 'z')",
)
spark.sql(f"CREATE DATABASE mine LOCATION '{place}'")
spark.sql("CREATE TABLE mine.texts (value string, of string) USING text PARTITIONED BY (of)")
spark.sql(f"ALTER TABLE mine.texts ADD PARTITION (of = 'x') LOCATION '{own}/hand'")
for door in DOORS:
    try:
        spark.sql(door)
    except Exception as error:
        print(error)
opened = list(place.rglob("made"))


def double(numbers):
    return numbers.selectExpr("n", f"n * {2 if opened else 4} AS twice")
