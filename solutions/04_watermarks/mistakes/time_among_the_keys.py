# fails: test_the_second_attempt_has_another_time
# fails: test_known_events_survive_a_restart
# fails: test_each_of_many_events_comes_out_once
# because: with event_time among the keys state is freed, but a second attempt with another time is a new key


def deduplicate(events: DataFrame) -> DataFrame:
    return watermarked(events).dropDuplicates(["event_id", "event_time"])
