# fails: test_state_does_not_grow_for_ever, test_an_event_older_than_the_watermark_is_dropped
# because: a day of patience is a day of state


def deduplicate(events: DataFrame) -> DataFrame:
    return events.withWatermark("event_time", "1 day").dropDuplicatesWithinWatermark(["event_id"])
