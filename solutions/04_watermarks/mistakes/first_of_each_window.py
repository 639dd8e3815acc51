# fails: test_equal_rows_come_out_once
# because: an aggregation holds every event back until its window ends, and two windows don't know each other


def deduplicate(events: DataFrame) -> DataFrame:
    first = F.min_by(F.struct(*events.columns), "event_time").alias("first")
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "10 minutes"), "event_id")
        .agg(first)
        .select("first.*")
    )
