# fails: test_the_second_attempt_has_another_time
# because: compares whole rows, and the second attempt has another time


def deduplicate(events: DataFrame) -> DataFrame:
    return watermarked(events).distinct()
