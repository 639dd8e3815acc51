# fails: test_the_second_attempt_has_another_time
# because: without columns the method compares whole rows


def deduplicate(events: DataFrame) -> DataFrame:
    return watermarked(events).dropDuplicatesWithinWatermark()
