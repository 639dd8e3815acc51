"""One call on tables: rows before and after, commits, and what readers, files and replays must see."""

import pytest

from labkit.checks import (
    assert_nothing_written,
    assert_one_commit,
    assert_replay,
    assert_rows,
    assert_untouched,
    make_table,
    run_tables,
)
from labkit.spark.lease import TABLES
from labkit.verdict.errors import AnswerError

DDL = "id long, day string, tags array<string>"
ROWS = [(1, "a", ["x"]), (2, "b", None)]


@pytest.fixture
def run_of(spark, schema):
    """Runs statements on the table `{items}`, which has two rows in two partitions."""

    def run(*statements, **tables):
        def call(names):
            for statement in statements:
                spark.sql(statement.format(**names))
            return "done"

        return run_tables(spark, tables or {"items": (DDL, ROWS, "day")}, call, schema=schema)

    return run


def fails(assertion, *args, **options):
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **options)
    return str(caught.value)


UPDATE = "UPDATE {items} SET tags = array('y') WHERE id = 1"


def test_a_call_is_seen_from_before_and_after(run_of, schema):
    run = run_of(UPDATE)
    assert run.tables == {"items": f"{schema}.items"}
    assert run.result == "done"
    assert_rows(run.before["items"], ROWS, key="id", columns=DDL)
    assert_rows(run.rows["items"], [(1, "a", ["y"]), ROWS[1]], key="id", columns=DDL)
    assert run.changes["items"].operations == ("UPDATE",)
    assert_one_commit(run)


def test_a_table_that_was_there_is_looked_at_and_each_is_collected_once(
    spark, run_of, schema, monkeypatch
):
    name = f"{schema}.there"
    make_table(spark, name, "id long", [(1,)])
    read = []
    from labkit.checks import table_runs

    rows_of = table_runs.table_rows
    monkeypatch.setattr(
        table_runs,
        "table_rows",
        lambda spark, table: (read.append(table), rows_of(spark, table))[1],
    )
    run = run_of("INSERT INTO {there} VALUES (2)", there=name)
    assert [len(run.before["there"]), len(run.rows["there"])] == [1, 2]
    assert read == [name, name]
    idle = run_of(there=name)
    assert idle.rows["there"] == idle.before["there"]
    assert len(read) == 3
    assert_untouched(idle)
    assert_nothing_written(idle)


def test_a_table_that_the_call_makes_has_all_its_commits(run_of, schema):
    run = run_of(
        "CREATE TABLE {new} USING delta AS SELECT 1 AS id",
        "INSERT INTO {new} VALUES (2)",
        new=f"{schema}.new",
    )
    assert run.before["new"] == []
    assert_rows(run.rows["new"], [{"id": 1}, {"id": 2}], key="id")
    assert run.changes["new"].versions == 2
    assert len(run.changes["new"].added) == 2
    assert "CREATE TABLE AS SELECT, WRITE" in fails(assert_one_commit, run)
    assert "rows of new changed" in fails(assert_nothing_written, run)


def test_a_table_that_is_not_there_afterwards_is_the_learners_failure(run_of, schema):
    for statements, tables in ((["DROP TABLE {items}"], {}), ([], {"new": f"{schema}.new"})):
        with pytest.raises(AnswerError, match="is not there after the call") as caught:
            run_of(*statements, **tables)
        assert caught.value.outcome == "failed"


def test_a_table_that_was_made_keeps_its_columns(run_of):
    with pytest.raises(AssertionError, match="not asked for: more"):
        run_of("ALTER TABLE {items} ADD COLUMN more INT")


def test_a_table_to_make_needs_a_database(spark):
    with pytest.raises(ValueError, match="schema"):
        run_tables(spark, {"items": (DDL, ROWS)}, lambda names: None)


# ---------------------------------------------------------------- one commit


def test_a_half_done_table_between_commits_is_told(run_of):
    run = run_of("DELETE FROM {items} WHERE id = 1", "INSERT INTO {items} VALUES (3, 'a', null)")
    said = fails(assert_one_commit, run)
    assert "the call made 2 commits to items (DELETE, WRITE)" in said
    assert "it has 1 row there, 2 before the call and 2 after it" in said

    def holds(rows):
        if len(rows) != 2:
            raise AssertionError(f"{len(rows)} rows")

    assert "half-done table: 1 rows. Old" in fails(assert_one_commit, run, holds=holds)
    run = run_of("DELETE FROM {items}", "INSERT INTO {items} VALUES (1, 'a', array('x'))")
    assert "this one is missing: id 1, day 'a'" in fails(assert_one_commit, run)


def test_a_commit_more_that_no_reader_can_see_passes(run_of):
    assert_one_commit(run_of("DELETE FROM {items} WHERE id = 1", "OPTIMIZE {items}", UPDATE))


def test_a_commit_that_adds_a_column_changes_no_row(run_of, spark, schema):
    name = f"{schema}.grown"
    make_table(spark, name, "id long, day string", [(1, None), (2, "b")])
    add = "ALTER TABLE {grown} ADD COLUMN more INT"
    fill = "UPDATE {grown} SET more = id"
    assert_one_commit(run_of(add, fill, grown=name))
    half = run_of("UPDATE {grown} SET more = null WHERE id = 2", fill, grown=name)
    assert "half-done table" in fails(assert_one_commit, half)


def test_a_table_that_was_made_again_lost_its_history(run_of):
    run = run_of("DROP TABLE {items}", f"CREATE TABLE {{items}} ({DDL}) USING delta")
    assert "dropped and made again" in fails(assert_one_commit, run)


# ---------------------------------------------------------------- nothing written, untouched


def test_a_rewrite_of_the_same_rows_is_told(run_of):
    run = run_of("UPDATE {items} SET day = day")
    said = fails(assert_nothing_written, run)
    assert said.startswith(
        "nothing had arrived, and items was written all the same, by UPDATE: 2 data"
    )
    assert "files of day=" in fails(assert_untouched, run)


def test_other_partitions_are_untouched(run_of):
    run = run_of(UPDATE)
    assert_untouched(run, except_partitions=["day=a"])
    said = fails(assert_untouched, run, except_partitions=["day=b"], story="day b is new")
    assert said.startswith("day b is new; files of day=a in items were written or removed")
    assert_untouched(run, tables=[], except_partitions=["day=a"])


def test_only_tables_that_are_named_are_looked_at(run_of, spark, schema):
    make_table(spark, f"{schema}.other", "id long", [(1,)])
    run = run_of(UPDATE, items=(DDL, ROWS, "day"), other=f"{schema}.other")
    assert_untouched(run, tables=["other"])
    assert_nothing_written(run, tables=["other"])
    assert fails(assert_nothing_written, run)


# ---------------------------------------------------------------- replay


@pytest.fixture
def delivered(spark, frame, schema):
    """A run of ids that are added, and the call that adds some: `distinct` or each as it comes."""

    def deliver(statement):
        def call(rows):
            frame("id long", rows).createOrReplaceTempView("batch")
            spark.sql(statement.format(items=f"{schema}.ids"))
            return rows

        rows = [(n,) for n in range(5)]
        run = run_tables(
            spark, {"ids": ("id long", [(9,)])}, lambda names: call(rows), schema=schema
        )
        return run, call, rows

    return deliver


MERGE = "MERGE INTO {items} t USING batch b ON t.id = b.id WHEN NOT MATCHED THEN INSERT *"


def test_the_same_again_changes_nothing(delivered):
    run, call, rows = delivered(MERGE)
    again = assert_replay(run, call, rows)
    assert sorted(again.result) == rows
    assert again.result != rows
    assert again.result == assert_replay(run, call, rows).result
    assert again.before == run.rows
    assert_nothing_written(again)


def test_rows_that_a_replay_doubles_are_told(delivered):
    run, call, rows = delivered("INSERT INTO {items} SELECT id FROM batch")
    said = fails(assert_replay, run, call, rows, key="id")
    assert "ids had 6 rows and now has 11; id " in said
    assert "was added, changed or doubled" in said


def test_rows_that_a_replay_loses_are_told(delivered):
    run, call, rows = delivered(
        "MERGE INTO {items} t USING batch b ON t.id = b.id WHEN MATCHED THEN DELETE "
        "WHEN NOT MATCHED THEN INSERT *"
    )
    assert "now has 1; id 0, is gone" in fails(assert_replay, run, call, rows)


def test_table_that_an_answer_makes_elsewhere_is_refused(spark, schema, tmp_path):
    made = f"{schema}.made"
    create = f"CREATE TABLE {made} (id long) USING delta LOCATION '{tmp_path / 'mine'}'"
    spark.conf.set(TABLES, (tmp_path / "tables").as_uri())
    try:
        with pytest.raises(AnswerError, match="made lies elsewhere than in its database"):
            run_tables(spark, {"made": made}, lambda _: spark.sql(create))
        spark.conf.set(TABLES, tmp_path.as_uri())
        run_tables(spark, {"made": made}, lambda _: spark.sql(f"INSERT INTO {made} VALUES (1)"))
    finally:
        spark.conf.unset(TABLES)
