# fails: test_deduplication_respects_a_watermark
# because: sets a watermark on a stream that has one; Spark disallows to redefine it
# outcome: error


def deduplicate(events: DataFrame) -> DataFrame:
    return events.withWatermark("event_time", "10 minutes").dropDuplicatesWithinWatermark(
        ["event_id"]
    )
