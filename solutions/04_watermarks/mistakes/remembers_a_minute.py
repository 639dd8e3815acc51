# fails: test_state_does_not_grow_for_ever
# because: forgets after a minute what may come again for ten


def deduplicate(events: DataFrame) -> DataFrame:
    return events.withWatermark("event_time", "1 minute").dropDuplicatesWithinWatermark(
        ["event_id"]
    )
