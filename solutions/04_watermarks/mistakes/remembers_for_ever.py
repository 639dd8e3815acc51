# fails: test_state_does_not_grow_for_ever
# because: without a watermark every event_id is kept in state for ever


def deduplicate(events: DataFrame) -> DataFrame:
    return events.dropDuplicates(["event_id"])
