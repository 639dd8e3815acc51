"""A table's folder, byte by byte: what a DELETE leaves, and a log that is some days old."""

from labkit.checks import add_stray_file, age_log, files_holding, make_table

ROWS = [(1, "zibo"), (2, "quanta"), (3, "orrin")]


def kinds(held: dict[str, list[str]]) -> set[str]:
    return {name.split("/")[0] if "/" in name else "data" for name in held}


def test_finds_what_a_delete_leaves(spark, schema):
    table = f"{schema}.left"
    make_table(spark, table, "id long, name string", ROWS)
    spark.sql(f"DELETE FROM {table} WHERE id = 1")
    add_stray_file(spark, table, "_half.txt", days_ago=2, data=b"zibo")
    held = files_holding(spark, table, ["zibo", "tessil"])
    assert kinds(held) == {"data", "_delta_log"}
    assert set(map(tuple, held.values())) == {("zibo",)}


def test_a_log_that_is_old_is_cleaned_at_a_checkpoint(spark, schema):
    table = f"{schema}.aged"
    make_table(spark, table, "id long, name string", ROWS)
    age_log(spark, table, 40)
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.checkpointInterval' = 1)")
    log = [name for name in files_holding(spark, table, ["commitInfo"]) if name.endswith(".json")]
    assert len(log) == 1, "the older commit is gone"
