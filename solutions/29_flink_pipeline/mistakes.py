# %% no_idleness
# task: windowed
# fails: test_silent_source
# because: the second source holds the watermark where it is, and nothing comes out
# breaks: A source that sends nothing for half a second doesn't hold the watermark back.
# -    t_env.get_config().set("table.exec.source.idle-timeout", "500 ms")
#

# %% idle_after_five_seconds
# task: windowed
# fails: test_silent_source
# because: a source is waited for ten times as long
# breaks: A source that sends nothing for half a second doesn't hold the watermark back.
# -    t_env.get_config().set("table.exec.source.idle-timeout", "500 ms")
# +    t_env.get_config().set("table.exec.source.idle-timeout", "5 s")

# %% a_second_of_grace
# task: windowed
# fails: test_borders_of_windows, test_windows_by_the_watermark
# because: at the exact second the window is out
# breaks: The watermark is the greatest `event_time` so far minus ten minutes.
# -            WATERMARK FOR event_time AS event_time - INTERVAL '10' MINUTE
# +            WATERMARK FOR event_time AS event_time - INTERVAL '601' SECOND(3)

# %% a_second_early
# task: windowed
# fails: test_borders_of_windows
# because: a second before its time the window is out, and a payment is lost
# breaks: A payment whose window has come out is dropped. No other payment is.
# -            WATERMARK FOR event_time AS event_time - INTERVAL '10' MINUTE
# +            WATERMARK FOR event_time AS event_time - INTERVAL '599' SECOND(3)

# %% a_batch_of_everything
# task: windowed
# fails: test_windows_by_the_watermark, test_windows_are_final
# because: without windows of the engine, a sum is corrected with each row
# breaks: A window comes out once, when the watermark has reached its end, and is never corrected.
# -        FROM TABLE(
# -            TUMBLE(TABLE timed_{payments}, DESCRIPTOR(event_time), INTERVAL '5' MINUTES))
# -        GROUP BY window_start, window_end, store_id""")
# +        FROM (SELECT *, CAST(window_start + INTERVAL '5' MINUTE AS TIMESTAMP(3)) AS window_end
# +            FROM (SELECT *, CAST(FLOOR(event_time TO MINUTE) - MOD(MINUTE(event_time), 5)
# +                * INTERVAL '1' MINUTE AS TIMESTAMP(3)) AS window_start FROM timed_{payments}))
# +        GROUP BY window_start, window_end, store_id""")

# %% windows_of_ten
# task: windowed
# fails: test_windows_by_the_watermark, test_borders_of_windows, test_other_stores
# because: ten minutes are the watermark's
# breaks: Windows begin at full five minutes. The start belongs to the window, the end doesn't.
# -            TUMBLE(TABLE timed_{payments}, DESCRIPTOR(event_time), INTERVAL '5' MINUTES))
# +            TUMBLE(TABLE timed_{payments}, DESCRIPTOR(event_time), INTERVAL '10' MINUTES))

# %% processing_time
# task: windowed
# fails: test_windows_by_the_watermark, test_borders_of_windows
# because: the clock of the machine says nothing about payments
# breaks: A window comes out once, when the watermark has reached its end, and is never corrected.
# -            WATERMARK FOR event_time AS event_time - INTERVAL '10' MINUTE
# +            now_time AS PROCTIME(),
# +            WATERMARK FOR event_time AS event_time - INTERVAL '10' MINUTE
# -            TUMBLE(TABLE timed_{payments}, DESCRIPTOR(event_time), INTERVAL '5' MINUTES))
# +            TUMBLE(TABLE timed_{payments}, DESCRIPTOR(now_time), INTERVAL '5' MINUTES))

# %% stores_with_a_name
# task: windowed
# fails: test_windows_by_the_watermark
# because: payments without a store vanish
# breaks: Payments without a store count for the store null.
# -        GROUP BY window_start, window_end, store_id""")
# +        WHERE store_id IS NOT NULL
# +        GROUP BY window_start, window_end, store_id""")

# %% payments_with_an_amount
# task: windowed
# fails: test_windows_by_the_watermark
# because: COUNT of a column leaves nulls out
# breaks: the number of rows, those without an amount included
# -        SELECT window_start, window_end, store_id, SUM(amount) AS revenue, COUNT(*) AS payments
# +        SELECT window_start, window_end, store_id, SUM(amount) AS revenue,
# +            COUNT(amount) AS payments

# %% revenue_is_rounded
# task: windowed
# fails: test_windows_by_the_watermark
# because: an amount may have more than two decimals
# breaks: the sum of the amounts
# -        SELECT window_start, window_end, store_id, SUM(amount) AS revenue, COUNT(*) AS payments
# +        SELECT window_start, window_end, store_id, ROUND(SUM(amount), 2) AS revenue,
# +            COUNT(*) AS payments

# %% each_payment_once
# task: windowed
# fails: test_windows_by_the_watermark
# because: what was sent twice is two rows here
# breaks: A payment that was sent twice counts twice.
# -        SELECT window_start, window_end, store_id, SUM(amount) AS revenue, COUNT(*) AS payments
# +        SELECT window_start, window_end, store_id, SUM(amount) AS revenue,
# +            COUNT(DISTINCT event_id) AS payments

# %% store_first
# task: windowed
# fails: test_columns_of_windows
# because: an INSERT into the table of the screen goes by position
# breaks: The columns, in this order:
# -        SELECT window_start, window_end, store_id, SUM(amount) AS revenue, COUNT(*) AS payments
# +        SELECT store_id, window_start, window_end, SUM(amount) AS revenue, COUNT(*) AS payments

# %% the_first_table_again
# task: windowed
# fails: test_windows_by_the_watermark
# because: the second table's windows are those of the first
# breaks: The function can be called for several tables in one `t_env`, before any of them runs.
# -        CREATE TEMPORARY TABLE timed_{payments} (
# +        CREATE TEMPORARY TABLE IF NOT EXISTS timed (
# -            TUMBLE(TABLE timed_{payments}, DESCRIPTOR(event_time), INTERVAL '5' MINUTES))
# +            TUMBLE(TABLE timed, DESCRIPTOR(event_time), INTERVAL '5' MINUTES))

# %% revenue_as_decimal
# task: windowed
# fails: test_columns_of_windows
# because: revenue is a DOUBLE
# breaks: `DOUBLE`
# -        SELECT window_start, window_end, store_id, SUM(amount) AS revenue, COUNT(*) AS payments
# +        SELECT window_start, window_end, store_id, SUM(CAST(amount AS DECIMAL(10, 2)))
# +            AS revenue, COUNT(*) AS payments

# %% at_the_watermark_on_time
# task: split_late
# fails: test_late_by_the_watermark
# because: a watermark says that rows of its own time have come, too
# breaks: A row is late if its time is not greater than the watermark that it meets.
# -            late = context.timestamp() <= context.timer_service().current_watermark()
# +            late = context.timestamp() < context.timer_service().current_watermark()

# %% ten_minutes_of_its_own
# task: split_late
# fails: test_late_by_the_watermark, test_other_delays
# because: the stream's delay need not be ten minutes
# breaks: The watermark is that of the stream, whatever its delay.
def split_late(stream):
    from pyflink.datastream import OutputTag, ProcessFunction

    is_late = OutputTag("late", stream.get_type())

    class Split(ProcessFunction):
        def __init__(self):
            self.newest = 0

        def process_element(self, row, context):
            if context.timestamp() <= self.newest - 600_000:
                yield is_late, row
            else:
                yield row
            self.newest = max(self.newest, context.timestamp())

    on_time = stream.process(Split(), output_type=stream.get_type())
    return on_time, on_time.get_side_output(is_late)


# %% late_rows_on_both_sides
# task: split_late
# fails: test_every_row_once
# because: late rows go to the screen as well
# breaks: Each row comes out once, in one of the two.
# -                yield is_late, row
# -            else:
# -                yield row
# +                yield is_late, row
# +            yield row

# %% late_rows_dropped
# task: split_late
# fails: test_every_row_once, test_late_by_the_watermark
# because: they are dropped without a word
# breaks: Each row comes out once, in one of the two.
# -                yield is_late, row
# +                return

# %% the_other_way_round
# task: split_late
# fails: test_late_by_the_watermark, test_order_of_rows
# because: the two streams are exchanged
# breaks: It takes a stream with a watermark and returns two streams, `(on_time, late)`.
# -    return on_time, on_time.get_side_output(is_late)
# +    return on_time.get_side_output(is_late), on_time

# %% copies_dropped
# task: split_late
# fails: test_every_row_once
# because: what was sent twice comes out once
# breaks: A row that was sent twice comes out twice.
# -    class Split(ProcessFunction):
# -        def process_element(self, row, context):
# +    class Split(ProcessFunction):
# +        def __init__(self):
# +            self.seen = set()
# +
# +        def process_element(self, row, context):
# +            if repr(row) in self.seen:
# +                return
# +            self.seen.add(repr(row))

# %% columns_of_payments
# task: split_late
# fails: test_every_row_once, test_rows_as_they_are
# because: another stream has other columns
# outcome: error
# breaks: Columns differ from stream to stream.
# -            late = context.timestamp() <= context.timer_service().current_watermark()
# +            late = row.event_time <= context.timer_service().current_watermark()

# %% last_column_is_the_time
# task: split_late
# fails: test_late_by_the_watermark
# because: the time need not be the last column
# outcome: error
# breaks: The row's time is its timestamp in Flink.
# -            late = context.timestamp() <= context.timer_service().current_watermark()
# +            late = list(row)[-1] <= context.timer_service().current_watermark()

# %% one_uid_for_all
# task: split_late
# fails: test_late_by_the_watermark
# because: two operators of one job cannot have the same uid
# outcome: error
# breaks: The function can be called for several streams of one job.
# -    on_time = stream.process(Split(), output_type=stream.get_type())
# +    on_time = stream.process(Split(), output_type=stream.get_type()).uid("split")

# %% with_a_mark
# task: split_late
# fails: test_rows_as_they_are
# because: a late row has its watermark as one more column
# breaks: Rows come out as they are, with all their columns in their order.
# -                yield is_late, row
# +                yield is_late, [*row, context.timer_service().current_watermark()]
# -    is_late = OutputTag("late", stream.get_type())
# +    is_late = OutputTag("late")

# %% without_nulls
# task: split_late
# fails: test_every_row_once
# because: rows with an empty column vanish
# breaks: Each may be null, but the time.
# -    on_time = stream.process(Split(), output_type=stream.get_type())
# +    whole = stream.filter(lambda row: all(value is not None for value in row))
# +    on_time = whole.process(Split(), output_type=stream.get_type())

# %% sorted_by_time
# task: split_late
# fails: test_order_of_rows
# because: rows wait for the watermark, and come out in the order of their times
# breaks: Rows of `on_time` keep the order in which they came.
def split_late(stream):
    from pyflink.common import Types
    from pyflink.datastream import KeyedProcessFunction, OutputTag
    from pyflink.datastream.state import MapStateDescriptor

    is_late = OutputTag("late", stream.get_type())

    class Split(KeyedProcessFunction):
        def open(self, context):
            waiting = MapStateDescriptor("waiting", Types.LONG(), Types.PICKLED_BYTE_ARRAY())
            self.waiting = context.get_map_state(waiting)

        def process_element(self, row, context):
            now = context.timestamp()
            if now <= context.timer_service().current_watermark():
                yield is_late, row
            else:
                self.waiting.put(now, [*(self.waiting.get(now) or []), row])
                context.timer_service().register_event_time_timer(now)

        def on_timer(self, now, context):
            yield from self.waiting.get(now)
            self.waiting.remove(now)

    keyed = stream.key_by(lambda row: 0, key_type=Types.INT())
    on_time = keyed.process(Split(), output_type=stream.get_type())
    return on_time, on_time.get_side_output(is_late)


# %% two_failures
# task: alerts
# fails: test_stories, test_random_logins, test_other_logins
# because: two failures are everybody's evening
# breaks: An alert is a success (`ok` is true) with at least three failures of the same user before it.
# -                if len(failed) >= 3:
# +                if len(failed) >= 2:

# %% alert_at_the_third_failure
# task: alerts
# fails: test_stories, test_random_logins
# because: nobody has come in yet
# breaks: An alert is a success (`ok` is true) with at least three failures of the same user before it.
# -            if any(ok for ok, _ in attempts):
# +            if any(ok for ok, _ in attempts) or len(failed) >= 3:

# %% failures_of_everybody
# task: alerts
# fails: test_stories, test_random_logins
# because: failures of all users are added up
# breaks: with at least three failures of the same user before it.
# -    users = known.key_by(lambda row: row.user_id, key_type=Types.STRING())
# +    users = known.key_by(lambda row: "all", key_type=Types.STRING())

# %% ten_minutes_without_the_limit
# task: alerts
# fails: test_stories, test_random_logins
# because: a failure exactly ten minutes before counts
# breaks: Only failures in the ten minutes before the success count; exactly ten minutes before counts.
# -            failed = [at for at in self.failed.get() or [] if at >= now - ten_minutes]
# +            failed = [at for at in self.failed.get() or [] if at > now - ten_minutes]

# %% without_ten_minutes
# task: alerts
# fails: test_stories, test_random_logins
# because: failures of half an hour ago count
# breaks: Only failures in the ten minutes before the success count; exactly ten minutes before counts.
# -    ten_minutes = 600_000
# +    ten_minutes = 1_800_000

# %% ten_minutes_from_the_first
# task: alerts
# fails: test_stories, test_random_logins
# because: an old failure hides the three that count
# breaks: Only failures in the ten minutes before the success count; exactly ten minutes before counts.
# -    ten_minutes = 600_000
# +    ten_minutes = 1_800_000
# -                if len(failed) >= 3:
# +                if len(failed) >= 3 and failed[0] >= now - 600_000:

# %% in_the_order_of_arrival
# task: alerts
# fails: test_stories, test_random_logins
# because: a failure that comes later happened earlier
# breaks: Attempts are taken in the order of `at`, whatever the order of their arrival.
def alerts(stream):
    from pyflink.common import Row, Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import ListStateDescriptor

    class Pattern(KeyedProcessFunction):
        def open(self, context):
            self.failed = context.get_list_state(
                ListStateDescriptor("failed", Types.PICKLED_BYTE_ARRAY())
            )

        def process_element(self, row, context):
            if row.at <= context.timer_service().current_watermark():
                return
            failed = [each for each in self.failed.get() or [] if each[0] >= row.at - 600_000]
            if not row.ok:
                if (row.at, row.ip) not in failed:
                    failed.append((row.at, row.ip))
                context.timer_service().register_event_time_timer(row.at + 600_001)
            else:
                if len(failed) >= 3:
                    yield Row(row.user_id, min(each[0] for each in failed), row.at, len(failed))
                failed = []
            self.failed.update(failed)

        def on_timer(self, now, context):
            failed = [each for each in self.failed.get() or [] if each[0] >= now - 600_000]
            self.failed.update(failed)

    known = stream.filter(lambda row: row.user_id is not None)
    users = known.key_by(lambda row: row.user_id, key_type=Types.STRING())
    return users.process(Pattern()).uid("pattern")


# %% success_before_failure
# task: alerts
# fails: test_stories, test_random_logins
# because: at the same second, the success is taken first
# breaks: Of attempts with the same `at`, failures come before the success.
# -            failed += [now for ok, _ in attempts if not ok]
# +            same = [now for ok, _ in attempts if not ok]
# -                failed = []
# -            self.failed.clear()
# +                failed = []
# +            failed += same
# +            self.failed.clear()

# %% failures_are_used_twice
# task: alerts
# fails: test_stories, test_random_logins
# because: a second success is told with the failures of the first
# breaks: A success uses up all failures before it, with or without an alert. They count for no
#   later one.
# -                failed = []
# -            self.failed.clear()
# +            self.failed.clear()

# %% an_alert_for_each_success
# task: alerts
# fails: test_stories
# because: the first of two successes of one time has used the failures up
# breaks: A success uses up all failures before it, with or without an alert. They count for no
#   later one.
# -            if any(ok for ok, _ in attempts):
# -                if len(failed) >= 3:
# -                    yield Row(context.get_current_key(), failed[0], now, len(failed))
# -                failed = []
# +            for _ in [ok for ok, _ in attempts if ok]:
# +                if len(failed) >= 3:
# +                    yield Row(context.get_current_key(), failed[0], now, len(failed))
# +            if any(ok for ok, _ in attempts):
# +                failed = []

# %% used_up_by_an_alert_only
# task: alerts
# fails: test_stories, test_random_logins
# because: a success without an alert leaves its failures to the next one
# breaks: A success uses up all failures before it, with or without an alert.
# -                    yield Row(context.get_current_key(), failed[0], now, len(failed))
# -                failed = []
# +                    yield Row(context.get_current_key(), failed[0], now, len(failed))
# +                    failed = []

# %% last_failure_as_first
# task: alerts
# fails: test_stories, test_random_logins
# because: the newest failure is given
# breaks: `first_failed_at` is the time of the earliest failure that counts, `failures` their number.
# -                    yield Row(context.get_current_key(), failed[0], now, len(failed))
# +                    yield Row(context.get_current_key(), failed[-1], now, len(failed))

# %% seconds
# task: alerts
# fails: test_stories, test_random_logins
# because: times are milliseconds
# breaks: `user_id`, `first_failed_at`, `success_at` and `failures`, in this order; times are milliseconds.
# -                    yield Row(context.get_current_key(), failed[0], now, len(failed))
# +                    yield Row(context.get_current_key(), failed[0] // 1000, now // 1000, len(failed))

# %% late_rows_too
# task: alerts
# fails: test_random_logins
# because: a row that the watermark has passed meets a state that has gone on
# breaks: A row that is late, as in Task 2, is ignored.
# -            if row.at <= context.timer_service().current_watermark():
# -                return
#

# %% row_at_the_watermark
# task: alerts
# fails: test_stories
# because: what happened before a watermark has been decided
# breaks: A row that is late, as in Task 2, is ignored.
# -            if row.at <= context.timer_service().current_watermark():
# +            if row.at < context.timer_service().current_watermark():

# %% users_without_a_name
# task: alerts
# fails: test_stories, test_random_logins
# because: all rows without a user are one user
# breaks: So are rows without a user.
# -    known = stream.filter(lambda row: row.user_id is not None)
# -    users = known.key_by(lambda row: row.user_id, key_type=Types.STRING())
# +    users = stream.key_by(lambda row: row.user_id or "", key_type=Types.STRING())

# %% copies_count
# task: alerts
# fails: test_stories, test_random_logins
# because: one failure that was sent three times is three
# breaks: A row that is equal to an earlier one in all columns is a copy, and counts once.
# -            if (row.ok, row.ip) not in attempts:
# +            if True:

# %% one_attempt_a_second
# task: alerts
# fails: test_stories, test_random_logins
# because: two addresses at the same second are two attempts
# breaks: A row that is equal to an earlier one in all columns is a copy, and counts once.
# -            if (row.ok, row.ip) not in attempts:
# +            if row.ok not in [ok for ok, _ in attempts]:

# %% without_an_address
# task: alerts
# fails: test_random_logins
# because: rows without an address are left out
# breaks: `ip` may be null; `ok` and `at` are not.
# -    known = stream.filter(lambda row: row.user_id is not None)
# +    known = stream.filter(lambda row: row.user_id is not None and row.ip is not None)

# %% told_at_once
# task: alerts
# fails: test_random_logins
# because: an earlier failure, or an earlier success, may still come
# breaks: An alert comes out once, when the watermark reaches the time of its success.
# -            attempts = self.waiting.get(row.at) or []
# +            if row.ok:
# +                waiting = list(self.waiting.items())
# +                failed = [at for at, each in waiting for ok, _ in each if not ok and at <= row.at]
# +                failed = [*(self.failed.get() or []), *failed]
# +                failed = sorted(at for at in failed if at >= row.at - ten_minutes)
# +                if len(failed) >= 3:
# +                    yield Row(row.user_id, failed[0], row.at, len(failed))
# +            attempts = self.waiting.get(row.at) or []
# -                if len(failed) >= 3:
# -                    yield Row(context.get_current_key(), failed[0], now, len(failed))
# -                failed = []
# +                failed = []

# %% told_a_moment_later
# task: alerts
# fails: test_alerts_come_in_time
# because: a watermark of that time says that nothing more comes before it
# breaks: An alert comes out once, when the watermark reaches the time of its success.
# -                context.timer_service().register_event_time_timer(row.at)
# +                context.timer_service().register_event_time_timer(row.at + 1)
# -            attempts = self.waiting.get(now) or []
# -            self.waiting.remove(now)
# +            now -= 1
# +            attempts = self.waiting.get(now) or []
# +            self.waiting.remove(now)
# -                context.timer_service().register_event_time_timer(failed[-1] + ten_minutes + 1)
# +                context.timer_service().register_event_time_timer(failed[-1] + ten_minutes + 2)

# %% told_ten_minutes_later
# task: alerts
# fails: test_alerts_come_in_time
# because: the fraud team waits ten minutes for nothing
# breaks: An alert comes out once, when the watermark reaches the time of its success.
# -            self.failed = context.get_list_state(ListStateDescriptor("failed", Types.LONG()))
# +            self.failed = context.get_list_state(ListStateDescriptor("failed", Types.LONG()))
# +            told = MapStateDescriptor("told", Types.LONG(), Types.PICKLED_BYTE_ARRAY())
# +            self.told = context.get_map_state(told)
# -            attempts = self.waiting.get(now) or []
# -            self.waiting.remove(now)
# +            if self.told.contains(now):
# +                yield Row(*self.told.get(now))
# +                self.told.remove(now)
# +            attempts = self.waiting.get(now) or []
# +            self.waiting.remove(now)
# -                    yield Row(context.get_current_key(), failed[0], now, len(failed))
# +                    alert = (context.get_current_key(), failed[0], now, len(failed))
# +                    self.told.put(now + ten_minutes, alert)
# +                    context.timer_service().register_event_time_timer(now + ten_minutes)

# %% never_cleared
# task: alerts
# fails: test_state_is_cleared
# because: a user who fails and never comes back stays for ever
# breaks: No state is left of a user when the watermark is more than ten minutes past the last attempt.
# -                context.timer_service().register_event_time_timer(failed[-1] + ten_minutes + 1)
#

# %% cleared_after_twenty_minutes
# task: alerts
# fails: test_state_is_cleared
# because: a user who failed is kept for twice as long
# breaks: No state is left of a user when the watermark is more than ten minutes past the last attempt.
# -                context.timer_service().register_event_time_timer(failed[-1] + ten_minutes + 1)
# +                timer = failed[-1] + 2 * ten_minutes + 1
# +                context.timer_service().register_event_time_timer(timer)

# %% attempts_are_never_removed
# task: alerts
# fails: test_state_is_cleared
# because: what was looked at stays
# breaks: No state is left of a user when the watermark is more than ten minutes past the last attempt.
# -            self.waiting.remove(now)
#

# %% last_success_stays
# task: alerts
# fails: test_state_is_cleared
# because: a second state holds the last success, and nobody clears it
# breaks: No state is left of a user when the watermark is more than ten minutes past the last attempt.
# -            self.failed = context.get_list_state(ListStateDescriptor("failed", Types.LONG()))
# +            self.failed = context.get_list_state(ListStateDescriptor("failed", Types.LONG()))
# +            self.last = context.get_list_state(ListStateDescriptor("last", Types.LONG()))
# -            if any(ok for ok, _ in attempts):
# +            if any(ok for ok, _ in attempts):
# +                self.last.update([now])

# %% without_uid
# task: alerts
# fails: test_alerts_after_a_restart
# because: the operator's name follows from its place, which has changed
# breaks: and for a job that has one more operator before yours.
# -    return users.process(Pattern(), output_type=Types.ROW_NAMED(names, types)).uid("pattern")
# +    return users.process(Pattern(), output_type=Types.ROW_NAMED(names, types))

# %% attribute_for_state
# task: alerts
# fails: test_alerts_after_a_restart
# because: what is in an attribute is gone with the job
# breaks: The job can be stopped with a savepoint, and another one goes on from there.
# -            self.failed = context.get_list_state(ListStateDescriptor("failed", Types.LONG()))
# +            self.failed = {}
# -            failed = [at for at in self.failed.get() or [] if at >= now - ten_minutes]
# +            before = self.failed.pop(context.get_current_key(), [])
# +            failed = [at for at in before if at >= now - ten_minutes]
# -            self.failed.clear()
# -            if failed:
# -                self.failed.update(failed)
# +            if failed:
# +                self.failed[context.get_current_key()] = failed

# %% uid_of_a_parallelism
# task: alerts
# fails: test_alerts_after_a_restart
# because: with two tasks, the job looks for another name
# breaks: That holds for another parallelism too
# -    return users.process(Pattern(), output_type=Types.ROW_NAMED(names, types)).uid("pattern")
# +    found = users.process(Pattern(), output_type=Types.ROW_NAMED(names, types))
# +    return found.uid(f"pattern-{found._j_data_stream.getParallelism()}")

# %% no_checkpoints
# task: exactly_once_files
# fails: test_rows_are_seen_after_a_checkpoint, test_settings_of_checkpoints
# because: without checkpoints no file is ever finished
# breaks: Once a checkpoint or a savepoint is complete, all rows before it are in finished files.
# -    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
#

# %% at_least_once
# task: exactly_once_files
# fails: test_settings_of_checkpoints
# because: with two inputs, rows after the barrier get into the checkpoint, and come again
# breaks: A checkpoint is made every `every` milliseconds, in the mode *exactly once*.
# -    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
# +    env.enable_checkpointing(every, CheckpointingMode.AT_LEAST_ONCE)

# %% mode_left_to_the_default
# task: exactly_once_files
# fails: test_settings_of_checkpoints
# because: what was set in the environment before stays
# breaks: in the mode *exactly once*.
# -    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
# +    env.enable_checkpointing(every)

# %% pause_of_five_seconds
# task: exactly_once_files
# fails: test_settings_of_checkpoints
# because: the pause wins over an interval that is shorter
# breaks: A checkpoint is made every `every` milliseconds, in the mode *exactly once*.
# -    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
# +    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
# +    env.get_checkpoint_config().set_min_pause_between_checkpoints(5000)

# %% every_second
# task: exactly_once_files
# fails: test_settings_of_checkpoints, test_another_interval
# because: the argument is not used
# breaks: A checkpoint is made every `every` milliseconds, in the mode *exactly once*.
# -    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
# +    env.enable_checkpointing(1000, CheckpointingMode.EXACTLY_ONCE)

# %% deleted_when_cancelled
# task: exactly_once_files
# fails: test_settings_of_checkpoints
# because: whoever cancels the job has nothing to go on from
# breaks: A checkpoint is kept when the job is cancelled.
# -    kept = ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION
# +    kept = ExternalizedCheckpointRetention.DELETE_ON_CANCELLATION

# %% not_kept
# task: exactly_once_files
# fails: test_settings_of_checkpoints, test_exactly_once
# because: the job breaks off, and its checkpoints go with it
# breaks: A checkpoint is kept when the job is cancelled.
# -    kept = ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION
# +    kept = ExternalizedCheckpointRetention.NO_EXTERNALIZED_CHECKPOINTS

# %% default_rolling
# task: exactly_once_files
# fails: test_rows_are_seen_after_a_checkpoint
# because: the default looks at size and clock: the file stays open over many checkpoints
# breaks: Once a checkpoint or a savepoint is complete, all rows before it are in finished files.
# -    lines = lines.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
#

# %% rolling_by_size
# task: exactly_once_files
# fails: test_rows_are_seen_after_a_checkpoint
# because: with files of a byte, the last one stays open if its row is empty
# breaks: Once a checkpoint or a savepoint is complete, all rows before it are in finished files.
# -    lines = lines.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
# +    policy = RollingPolicy.default_rolling_policy(part_size=1)
# +    lines = lines.with_rolling_policy(policy)

# %% new_file_by_the_clock
# task: exactly_once_files
# fails: test_exactly_once
# because: the newest rows wait for the clock, so a job that is stopped leaves them in progress
# breaks: Once a checkpoint or a savepoint is complete, all rows before it are in finished files.
# -    lines = lines.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
# +    lines = lines.with_bucket_check_interval(every).with_rolling_policy(
# +        RollingPolicy.default_rolling_policy(rollover_interval=every, inactivity_interval=every)
# +    )

# %% folder_is_emptied
# task: exactly_once_files
# fails: test_exactly_once, test_finished_files_stay
# because: the job that goes on deletes what the first one had finished
# breaks: Readers look at finished files alone, and these never change.
# -    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
# +    import shutil
# +
# +    shutil.rmtree(folder, ignore_errors=True)
# +    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)

# %% written_by_hand
# task: exactly_once_files
# fails: test_exactly_once
# because: a file that a function writes knows of no checkpoint: rows come again
# breaks: When a job breaks off, another one can go on from its last checkpoint. Afterwards each row
#   is in the finished files once.
def exactly_once_files(env, stream, folder: str, every: int) -> None:
    from pyflink.datastream import (
        CheckpointingMode,
        ExternalizedCheckpointRetention,
        MapFunction,
    )

    class Write(MapFunction):
        def open(self, context):
            os.makedirs(folder, exist_ok=True)
            self.file = open(f"{folder}/part-{os.urandom(4).hex()}", "a", encoding="utf-8")

        def map(self, line):
            self.file.write(line + "\n")
            self.file.flush()
            return line

    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
    kept = ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION
    env.get_checkpoint_config().set_externalized_checkpoint_retention(kept)
    stream.map(Write())


# %% sink_without_uid
# task: exactly_once_files
# fails: test_exactly_once
# because: the changed job does not find the state of the sink
# breaks: That holds also for a job that has one more operator before yours.
# -    stream.sink_to(lines.build()).uid("files")
# +    stream.sink_to(lines.build())

# %% distinct_lines
# task: exactly_once_files
# fails: test_rows_are_seen_after_a_checkpoint
# because: exactly once is not once for each text
# breaks: Equal ones are lines of their own.
# -    stream.sink_to(lines.build()).uid("files")
# +    from pyflink.common import Types
# +
# +    seen = set()
# +    fresh = stream.filter(lambda line: not (line in seen or seen.add(line)))
# +    fresh = fresh.map(lambda line: line, output_type=Types.STRING())
# +    fresh.sink_to(lines.build()).uid("files")

# %% lines_as_json
# task: exactly_once_files
# fails: test_rows_are_seen_after_a_checkpoint
# because: each line gets quotes
# breaks: Each element is a line in UTF-8, without anything added.
# -    stream.sink_to(lines.build()).uid("files")
# +    from pyflink.common import Types
# +
# +    quoted = stream.map(lambda line: json.dumps(line), output_type=Types.STRING())
# +    quoted.sink_to(lines.build()).uid("files")

# %% ascii
# task: exactly_once_files
# fails: test_rows_are_seen_after_a_checkpoint
# because: letters outside ASCII become question marks
# breaks: Each element is a line in UTF-8, without anything added.
# -    lines = FileSink.for_row_format(folder, Encoder.simple_string_encoder("UTF-8"))
# +    lines = FileSink.for_row_format(folder, Encoder.simple_string_encoder("US-ASCII"))

# %% another_folder
# task: exactly_once_files
# fails: test_rows_are_seen_after_a_checkpoint
# because: nobody looks there
# breaks: written to files below `folder`, a path as text.
# -    lines = FileSink.for_row_format(folder, Encoder.simple_string_encoder("UTF-8"))
# +    lines = FileSink.for_row_format(os.path.abspath("lines"), Encoder.simple_string_encoder())

# %% a_second_is_fast
# task: choose
# fails: test_limits_of_signals
# because: exactly one second is no signal
# breaks: `latency_ms` is less than 1000
# -        ("latency", "flink", latency is not None and latency < 1000),
# +        ("latency", "flink", latency is not None and latency <= 1000),

# %% no_latency_is_none
# task: choose
# fails: test_limits_of_signals
# because: 0 is less than 1000
# breaks: `latency_ms` is less than 1000
# -        ("latency", "flink", latency is not None and latency < 1000),
# +        ("latency", "flink", bool(latency) and latency < 1000),

# %% state_at_the_limit
# task: choose
# fails: test_limits_of_signals
# because: 200 is not greater than 200
# breaks: `state_gb` is greater than 200
# -        return brief.get(key) is not None and brief[key] > limit
# +        return brief.get(key) is not None and brief[key] >= limit + (limit == 1)

# %% one_join_is_enough
# task: choose
# fails: test_limits_of_signals
# because: one join is one that both engines do well
# breaks: `event_time_joins` is greater than 1
# -        ("joins", "flink", above("event_time_joins", 1)),
# +        ("joins", "flink", above("event_time_joins", 0)),

# %% kafka_at_least_once
# task: choose
# fails: test_limits_of_signals, test_random_briefs
# because: without exactly once, Spark writes topics as well
# breaks: `sink` is `kafka` and `exactly_once` is true
# -        ("topic", "flink", once and brief.get("sink") == "kafka"),
# +        ("topic", "flink", brief.get("sink") == "kafka"),

# %% delta_at_least_once
# task: choose
# fails: test_limits_of_signals, test_random_briefs
# because: both engines append to a Delta table
# breaks: `sink` is `delta` and `exactly_once` is true
# -        ("table", "spark", once and brief.get("sink") == "delta"),
# +        ("table", "spark", brief.get("sink") == "delta"),

# %% exactly_once_alone
# task: choose
# fails: test_limits_of_signals, test_random_briefs
# because: the sink decides who can do it
# breaks: `sink` is `kafka` and `exactly_once` is true
# -        ("topic", "flink", once and brief.get("sink") == "kafka"),
# +        ("topic", "flink", once and brief.get("sink") != "delta"),

# %% backfill_is_a_wish
# task: choose
# fails: test_two_signals, test_random_briefs
# because: a must is outvoted
# breaks: `same_code_for_batch` is true
# -        ("backfill", "spark", bool(brief.get("same_code_for_batch"))),
# -    ]
# +    ]
# -    others = [
# +    others = [
# +        ("backfill", "spark", bool(brief.get("same_code_for_batch"))),

# %% flink_wins_ties
# task: choose
# fails: test_two_signals, test_random_briefs
# because: musts of both engines ask for both
# breaks: If musts hold for both, the engine is `both`, and the reasons are all musts that hold.
# -        engine = engines.pop() if len(engines) == 1 else "both"
# +        engine = engines.pop() if len(engines) == 1 else "flink"

# %% more_musts_win
# task: choose
# fails: test_random_briefs
# because: musts are not counted
# breaks: If musts hold for both, the engine is `both`, and the reasons are all musts that hold.
# -        engine = engines.pop() if len(engines) == 1 else "both"
# +        votes = [engine for _, engine in held]
# +        least, most = sorted(votes.count(each) for each in ("spark", "flink"))
# +        engine = "both" if least == most else max(engines, key=votes.count)

# %% all_signals_as_reasons
# task: choose
# fails: test_two_signals, test_random_briefs
# because: where musts decide, others are no reason
# breaks: If a must holds for one engine only, it is `spark` or `flink`. The reasons are its musts.
# -        return {"engine": engine, "reasons": [name for name, _ in held]}
# -    held = [(name, engine) for name, engine, holds in others if holds]
# +        held += [(name, engine) for name, engine, holds in others if holds]
# +        return {"engine": engine, "reasons": [name for name, _ in held]}
# +    held = [(name, engine) for name, engine, holds in others if holds]

# %% signals_of_the_loser
# task: choose
# fails: test_two_signals
# because: a signal for the other engine is no reason
# breaks: If no must holds, the engine with more of the other signals wins. The reasons are its signals.
# -    return {"engine": engine, "reasons": [name for name, each in held if each == engine]}
# +    return {"engine": engine, "reasons": [name for name, _ in held]}

# %% the_team_decides
# task: choose
# fails: test_two_signals, test_random_briefs
# because: the team is one signal of three
# breaks: If no must holds, the engine with more of the other signals wins. The reasons are its signals.
# -    if flink == spark:
# +    if alone:
# +        return {"engine": alone, "reasons": ["team"]}
# +    if flink == spark:

# %% one_wish_wins
# task: choose
# fails: test_two_signals
# because: two signals against one are more
# breaks: If no must holds, the engine with more of the other signals wins. The reasons are its signals.
# -    if flink == spark:
# +    if flink and spark or flink == spark:

# %% spark_by_default
# task: choose
# fails: test_one_signal, test_missing_keys
# because: what the house runs is not what the brief asks for
# breaks: If these are equal in number, or there are none, the engine is `either`.
# -        return {"engine": "either", "reasons": [name for name, _ in held]}
# +        engine = "either" if held else "spark"
# +        return {"engine": engine, "reasons": [name for name, _ in held]}

# %% either_without_reasons
# task: choose
# fails: test_two_signals, test_random_briefs
# because: what stands on both sides is worth knowing
# breaks: The reasons are all signals that hold.
# -        return {"engine": "either", "reasons": [name for name, _ in held]}
# +        return {"engine": "either", "reasons": []}

# %% reasons_by_name
# task: choose
# fails: test_two_signals, test_random_briefs
# because: the table has its own order
# breaks: Reasons stand in the order of the table.
# -        return {"engine": engine, "reasons": [name for name, _ in held]}
# +        return {"engine": engine, "reasons": sorted(name for name, _ in held)}

# %% wishes_in_another_order
# task: choose
# fails: test_two_signals, test_random_briefs, test_more_briefs
# because: the team comes last in the table
# breaks: Reasons stand in the order of the table.
# -        ("state", "flink", above("state_gb", 200)),
# -        ("joins", "flink", above("event_time_joins", 1)),
# -        ("team", alone, bool(alone)),
# +        ("team", alone, bool(alone)),
# +        ("joins", "flink", above("event_time_joins", 1)),
# +        ("state", "flink", above("state_gb", 200)),

# %% keys_are_there
# task: choose
# fails: test_missing_keys
# because: a brief without `team` raises
# outcome: error
# breaks: A key may be missing or null: then its signal doesn't hold.
# -    known = {"spark", "flink"}.intersection(brief.get("team") or [])
# +    known = {"spark", "flink"}.intersection(brief["team"])

# %% null_raises
# task: choose
# fails: test_missing_keys
# because: a null is compared with a number
# outcome: error
# breaks: A key may be missing or null: then its signal doesn't hold.
# -        return brief.get(key) is not None and brief[key] > limit
# +        return brief.get(key, 0) > limit

# %% no_latency_is_fast
# task: choose
# fails: test_missing_keys, test_random_briefs
# because: nobody asked for a second
# breaks: A key may be missing or null: then its signal doesn't hold.
# -    latency = brief.get("latency_ms")
# +    latency = brief.get("latency_ms") or 0

# %% engine_of_the_brief
# task: choose
# fails: test_missing_keys
# because: a wish in another key decides
# breaks: Other keys say nothing.
# -    latency = brief.get("latency_ms")
# +    if "engine" in brief:
# +        return {"engine": brief["engine"], "reasons": []}
# +    latency = brief.get("latency_ms")

# %% team_of_one
# task: choose
# fails: test_teams
# because: other names are counted
# breaks: other names in it, and repeated ones, say nothing.
# -    known = {"spark", "flink"}.intersection(brief.get("team") or [])
# +    known = set(brief.get("team") or [])
# -    alone = known.pop() if len(known) == 1 else ""
# +    alone = known.pop() if len(known) == 1 else ""
# +    alone = alone if alone in ("spark", "flink") else ""

# %% repeated_names
# task: choose
# fails: test_teams
# because: a name that stands there twice is one engine
# breaks: other names in it, and repeated ones, say nothing.
# -    known = {"spark", "flink"}.intersection(brief.get("team") or [])
# +    known = [name for name in brief.get("team") or [] if name in ("spark", "flink")]

# %% names_in_any_case
# task: choose
# fails: test_teams
# because: `Spark` is another name
# breaks: `team` is a list of names; other names in it, and repeated ones, say nothing.
# -    known = {"spark", "flink"}.intersection(brief.get("team") or [])
# +    known = {"spark", "flink"}.intersection(each.lower() for each in brief.get("team") or [])

# %% both_engines_known
# task: choose
# fails: test_teams, test_one_signal
# because: a team that runs both has no favourite
# breaks: `team` has exactly one of `spark` and `flink`
# -    alone = known.pop() if len(known) == 1 else ""
# +    alone = sorted(known)[-1] if known else ""

# %% brief_is_emptied
# task: choose
# fails: test_one_signal
# because: the caller's brief lost a key
# breaks: `brief` stays as it was.
# -    latency = brief.get("latency_ms")
# +    latency = brief.pop("latency_ms", None)

# %% team_is_sorted
# task: choose
# fails: test_one_signal
# because: the caller's list is in another order afterwards
# breaks: `brief` stays as it was.
# -    known = {"spark", "flink"}.intersection(brief.get("team") or [])
# +    team = brief.get("team") or []
# +    team.sort()
# +    known = {"spark", "flink"}.intersection(team)
