"""Hidden checks of lab 05: the rules of the public ones on other logs, stages and branches."""


from checks import (
    BY,
    DIAGNOSIS,
    LOGS,
    PRICED,
    STAGES,
    diagnosis_row,
    line,
    priced_row,
    stage_row,
    unlike_others,
)

from labkit.checks import assert_frame, assert_rows, cases, check, collect, stories

OTHER_LOGS = stories(
    """
retried: durations of attempts add up, and what was computed again counts in times and bytes
task 301 0 10 Success 0 1 2 0, task 301 1 90 ExceptionFailure 5 5 5 5,
task 301 1 20 Success 3 0 2 7, stage 301 100 300, task 301.1 0 70 Success 0 1 2 0,
stage 301.1 1000 1100 | 301 300 2 70 20.0 5 6 7

killed: of a stage whose attempts were all killed, only the duration is known
task 302 0 50 TaskKilled 1 1 1 1, stage 302 5 10 | 302 5 0 null null 0 0 0
""",
    given=line,
    after=stage_row,
)
OTHER_STAGES = stories(
    """
failed: an id, a share and no ratio
5 10 1 9 9.0 0 0 0, 2 30 0 null null 0 0 0, 4 30 2 9 9.0 0 0 0 | 2 0.42857142857142855 null failed

skew: a ratio of 3, with a median that counts as 1 ms
1 70 200 3 0.5 0 0 9, 3 30 1 30 30.0 0 0 0 | 1 0.7 3.0 skew

tiny_tasks: many tasks, none of which runs for long
1 70 100 60 49.0 0 0 0, 3 30 1 30 30.0 0 0 0 | 1 0.7 1.2244897959183674 tiny_tasks
""",
    given=stage_row,
    after=diagnosis_row,
)


@check("stage_table", points=2)
@cases(OTHER_LOGS)
def test_other_logs(learner, frame, case):
    """{case}"""
    other = line("stage 309 1 2")
    lines = [*case.given, other[: len(other) // 2], other.removesuffix("}"), *LOGS[0].given]
    rows = collect(learner.stage_table(frame("value string", [(text,) for text in lines])))
    assert_rows(rows, [*case.after, *LOGS[0].after], key="stage_id", columns=STAGES)


@check("diagnosis", points=2)
@cases(OTHER_STAGES)
def test_other_stages(learner, frame, case):
    """{case}"""
    found = learner.diagnosis(frame(STAGES, case.given))
    assert_frame(found, case.after, key="stage_id", schema=DIAGNOSIS)


@check("materialise_once")
def test_other_tables(learner, spark, frame, schema):
    """replaces tables that hold other countries and days"""
    tables = {name: f"{schema}.{name}_2" for name in BY}
    for texts in (["NL 11 7.00", "BE 12 1.00"], ["BE 13 0.50", "BE 13 null"]):
        rows = [priced_row(text) for text in texts]
        learner.materialise_once(unlike_others(frame(PRICED, rows)), tables)
    country, day, _ = rows[0]
    for (name, columns), key in zip(BY.items(), (country, day), strict=True):
        spark.catalog.refreshTable(tables[name])
        found = spark.table(tables[name]).collect()
        expected = [(key, 2, rows[0][2])]
        assert_rows(found, expected, key=columns.split()[0], columns=columns)
