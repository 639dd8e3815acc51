# fails: test_equal_rows_come_out_once
# because: dropDuplicatesWithinWatermark needs a watermark
# outcome: error


def deduplicate(events: DataFrame) -> DataFrame:
    return events.dropDuplicatesWithinWatermark(["event_id"])
