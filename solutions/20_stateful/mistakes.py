# %% two_are_enough
# task: fraud
# fails: test_successes[three]
# because: alarms after two failures
# breaks: Three failures or more make a success suspicious.
# -            if succeeded and len(failed) >= 3:
# +            if succeeded and len(failed) >= 2:


# %% ten_minutes_excluded
# task: fraud
# fails: test_successes[ten_minutes]
# because: a failure exactly ten minutes before doesn't count
# breaks: Exactly ten minutes counts.
# -            failed = [at for at, ok, _ in past if not ok and at >= now - self.patience]
# +            failed = [at for at, ok, _ in past if not ok and at > now - self.patience]


# %% any_age
# task: fraud
# fails: test_successes[ten_minutes], test_successes[comes_back], test_other_logins
# because: keeps failures for a day and counts them all
# breaks: and at most ten minutes before it.
# -        patience = 10 * 60_000
# +        patience = 24 * 60 * 60_000


# %% successes_dont_separate
# task: fraud
# fails: test_successes[previous_success]
# because: a success doesn't end what was before it
# breaks: after the user's success before it,
# -                if succeeded or login[0] <= now - self.patience:
# +                if login[0] <= now - self.patience:


# %% sorted_in_a_file
# task: fraud
# fails: test_successes[order], test_a_row_leaves_when_its_success_is_proven
# because: sorts the rows of a call and judges at once; what is older may come with the next file
# breaks: Not earlier: an older row may still come.
def fraud(logins: DataFrame) -> DataFrame:
    class Sorting(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.failed = handle.getValueState("failed", "times array<long>")

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            times = list(self.failed.get()[0]) if self.failed.exists() else []
            once = {(millis(row.at), row.ok, row.ip or "") for row in rows}
            for at, ok, _ in sorted(once):
                self.handle.registerTimer(at + 600_000)
                if not ok:
                    times.append(at)
                    continue
                counted = [time for time in times if at - 600_000 <= time <= at]
                if len(counted) >= 3:
                    yield Row(
                        user_id=key[0],
                        first_failed_at=moment(min(counted)),
                        success_at=moment(at),
                        failures=len(counted),
                    )
                times = []
            self.failed.update((times,))

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            border = expiredTimerInfo.getExpiryTimeInMs() - 600_000
            times = list(self.failed.get()[0]) if self.failed.exists() else []
            self.failed.clear()
            if times := [time for time in times if time > border]:
                self.failed.update((times,))
            return iter([])

    schema = "user_id string, first_failed_at timestamp, success_at timestamp, failures long"
    return logins.groupBy("user_id").transformWithState(Sorting(), schema, "append", "eventTime")


# %% leaves_early
# task: fraud
# fails: test_a_row_leaves_when_its_success_is_proven
# because: a success with three failures comes out at once, and again by its timer
# breaks: A row comes out once,
# -                if row.ok:
# -                    self.handle.registerTimer(at)
# +                if row.ok:
# +                    self.handle.registerTimer(at)
# +                    known = [one for one, _ in self.logins.iterator() if not one[1]]
# +                    failed = [one[0] for one in known if at - self.patience <= one[0] <= at]
# +                    if len(failed) >= 3:
# +                        yield Row(
# +                            user_id=key[0],
# +                            first_failed_at=moment(min(failed)),
# +                            success_at=row.at,
# +                            failures=len(failed),
# +                        )
# -            return iter([])
#


# %% failures_of_the_same_time_excluded
# task: fraud
# fails: test_successes[equal_times]
# because: a failure at the time of the success isn't before it
# breaks: At equal times failures come first: they count for the success of that time,
# -            failed = [at for at, ok, _ in past if not ok and at >= now - self.patience]
# +            failed = [at for at, ok, _ in past if not ok and now > at >= now - self.patience]


# %% failures_of_the_same_time_go_on
# task: fraud
# fails: test_successes[equal_times]
# because: a failure at the time of a success counts for the next one, too
# breaks: and not for the one after it.
# -                if succeeded or login[0] <= now - self.patience:
# +                is_past = succeeded and (login[0] < now or login[1])
# +                if is_past or login[0] <= now - self.patience:


# %% copies_count
# task: fraud
# fails: test_successes[copies]
# because: each delivery of a failure counts
# breaks: Rows that are equal in all four columns are one login.
# -                self.logins.updateValue((at, row.ok, row.ip), (1,))
# +                n = (self.logins.getValue((at, row.ok, row.ip)) or (0,))[0]
# +                self.logins.updateValue((at, row.ok, row.ip), (n + 1,))
# -            past = [login for login, _ in self.logins.iterator() if login[0] <= now]
# +            held = list(self.logins.iterator())
# +            past = [login for login, (n,) in held for _ in range(n) if login[0] <= now]


# %% ips_are_ignored
# task: fraud
# fails: test_successes[ips]
# because: failures of one time are one failure
# breaks: Failures of one time with different `ip` are several,
# -                self.logins.updateValue((at, row.ok, row.ip), (1,))
# +                self.logins.updateValue((at, row.ok, None), (1,))


# %% rows_without_ip_dropped
# task: fraud
# fails: test_successes[ips]
# because: drops rows without an ip
# breaks: and a null is an `ip` like any other.
# -    return logins.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")
# +    known = logins.where("ip IS NOT NULL")
# +    return known.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")


# %% pruned_by_the_watermark
# task: fraud
# fails: test_successes[older_than_the_watermark]
# because: new rows prune what a success between two watermarks still needs
# breaks: The failures of a success are those of its user,
# -            for row in rows:
# -                at = millis(row.at)
# +            border = timerValues.getCurrentWatermarkInMs() - self.patience
# +            for login in [one for one, _ in self.logins.iterator() if one[0] < border]:
# +                self.logins.removeKey(login)
# +            for row in rows:
# +                at = millis(row.at)


# %% a_row_for_each_success
# task: fraud
# fails: test_successes[one_success]
# because: two successes of one time give two rows
# breaks: All successes of a user at one time are one success.
# -            if succeeded and len(failed) >= 3:
# +            for _ in [1 for at, ok, _ in past if at == now and ok and len(failed) >= 3]:


# %% late_rows_dropped
# task: fraud
# fails: test_successes[older_than_the_watermark]
# because: drops what is older than the watermark of its file
# breaks: Every row that Spark hands over counts, also one that is older than the watermark of its
#   file.
# -            for row in rows:
# -                at = millis(row.at)
# +            for row in rows:
# +                at = millis(row.at)
# +                if at <= timerValues.getCurrentWatermarkInMs():
# +                    continue


# %% state_in_an_attribute
# task: fraud
# fails: test_successes[restart]
# because: an attribute is gone with the micro-batch, and shared among users
# breaks: A restart from the checkpoint changes nothing.
def fraud(logins: DataFrame) -> DataFrame:
    class Remembering(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.logins: dict[str, set] = {}

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in rows:
                self.logins.setdefault(key[0], set()).add((millis(row.at), row.ok, row.ip))
                self.handle.registerTimer(millis(row.at))
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            now = expiredTimerInfo.getExpiryTimeInMs()
            past = {one for one in self.logins.get(key[0], set()) if one[0] <= now}
            failed = [at for at, ok, _ in past if not ok and at >= now - 600_000]
            if any(at == now and ok for at, ok, _ in past):
                self.logins[key[0]] -= past
                if len(failed) >= 3:
                    yield Row(
                        user_id=key[0],
                        first_failed_at=moment(min(failed)),
                        success_at=moment(now),
                        failures=len(failed),
                    )

    schema = "user_id string, first_failed_at timestamp, success_at timestamp, failures long"
    return logins.groupBy("user_id").transformWithState(
        Remembering(), schema, "append", "eventTime"
    )


# %% never_forgets
# task: fraud
# fails: test_users_are_forgotten, test_a_long_past_is_not_kept
# because: only a success removes what is kept
# breaks: Once the watermark is ten minutes past the last login of a user, nothing of that user is
#   kept.
# -                self.handle.registerTimer(at + self.patience)
#


# %% counts_who_fails_all_day
# task: fraud
# fails: test_a_long_past_is_not_kept
# because: clears a user who has been quiet for ten minutes; one who never is fills the state
# breaks: a failure that is more than ten minutes older than the watermark is not kept.
# -            for login in past:
# -                if succeeded or login[0] <= now - self.patience:
# +            newest = max([login[0] for login, _ in self.logins.iterator()], default=now)
# +            for login in past:
# +                if succeeded or newest <= now - self.patience:


# %% forgets_too_much
# task: fraud
# fails: test_successes[ten_minutes], test_random_logins
# because: the first timer of a user clears everything
# breaks: The failures of a success are those of its user,
# -                if succeeded or login[0] <= now - self.patience:
# -                    self.logins.removeKey(login)
# +                if succeeded:
# +                    self.logins.removeKey(login)
# +            if not succeeded:
# +                self.logins.clear()


# %% time_without_its_zone
# task: fraud
# fails: test_the_zone_of_the_session_changes_nothing
# because: takes the wall clock of the session for UTC
# breaks: The session's time zone changes no row.
# -                at = millis(row.at)
# +                at = millis(row.at.replace(tzinfo=None))


# %% users_in_lower_case
# task: fraud
# fails: test_successes[keys]
# because: takes users that differ in case for one
# breaks: Keys that differ in case or blanks are different keys.
# -    return logins.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")
# +    lower = logins.withColumn("user_id", F.lower("user_id"))
# +    return lower.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")


# %% users_trimmed
# task: fraud
# fails: test_successes[keys]
# because: takes users that differ in blanks for one
# breaks: Keys that differ in case or blanks are different keys.
# -    return logins.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")
# +    bare = logins.withColumn("user_id", F.trim("user_id"))
# +    return bare.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")


# %% the_last_failure
# task: fraud
# fails: test_successes[three]
# because: tells the last failure
# breaks: the time of the first failure that counts
# -                    first_failed_at=moment(min(failed)),
# +                    first_failed_at=moment(max(failed)),


# %% always_three
# task: fraud
# fails: test_successes[three]
# because: tells three, however many they were
# breaks: how many failures count
# -                    failures=len(failed),
# +                    failures=3,


# %% columns_in_another_order
# task: fraud
# fails: test_successes[three]
# because: the columns come in another order
# breaks: The columns, in this order:
# -    return logins.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")
# +    found = logins.groupBy("user_id").transformWithState(
# +        Fraud(), schema, "append", "eventTime"
# +    )
# +    return found.select("user_id", "success_at", "first_failed_at", "failures")


# %% a_second_watermark
# task: fraud
# fails: test_successes[three]
# because: sets a watermark on a stream that has one
# breaks: Your functions set no second one.
# outcome: error
# -    return logins.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")
# +    late = logins.withWatermark("at", "10 minutes")
# +    return late.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")


# %% a_watermark_of_its_own
# task: fraud
# fails: test_a_row_leaves_when_its_success_is_proven
# because: knows a delay of ten minutes and waits for it
# breaks: Its delay is ten minutes here and may differ elsewhere.
# -                    self.handle.registerTimer(at)
# +                    self.handle.registerTimer(at + 5 * 60_000)
# -            now = expiredTimerInfo.getExpiryTimeInMs()
# +            now = expiredTimerInfo.getExpiryTimeInMs() - 5 * 60_000
# -                self.handle.registerTimer(at + self.patience)
# +                self.handle.registerTimer(at + 5 * 60_000 + self.patience)


# %% other_names_of_arguments
# task: fraud
# fails: test_successes[three]
# because: Spark passes the timer as expiredTimerInfo
# breaks: so they must be called `key`, `timerValues` and `expiredTimerInfo`.
# outcome: error
# -        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
# -            now = expiredTimerInfo.getExpiryTimeInMs()
# +        def handleExpiredTimer(self, key, timerValues, expired) -> Iterator[Row]:
# +            now = expired.getExpiryTimeInMs()


# %% one_timer_a_parcel
# task: stalled
# fails: test_stalls[next_is_here], test_stalls[several]
# because: a later scan moves the timer, whatever the time between
# breaks: A stall counts also if the next scan is here already when the watermark reaches
#   `alert_at`.
def stalled(scans: DataFrame) -> DataFrame:
    class Last(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.last = handle.getValueState("last", "at long, delivered boolean, hub string")

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            newest = max((millis(row.at), row.delivered, row.hub) for row in rows)
            if last := self.last.get():
                self.handle.deleteTimer(last[0] + 7_200_000)
                self.handle.deleteTimer(last[0])
                newest = max(newest, last)
            self.last.update(newest)
            self.handle.registerTimer(newest[0] + (0 if newest[1] else 7_200_000))
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            at, delivered, hub = self.last.get()
            self.last.clear()
            if not delivered:
                yield Row(
                    parcel_id=key[0],
                    last_hub=hub,
                    last_at=moment(at),
                    alert_at=moment(at + 7_200_000),
                )

    schema = "parcel_id string, last_hub string, last_at timestamp, alert_at timestamp"
    return scans.groupBy("parcel_id").transformWithState(Last(), schema, "append", "eventTime")


# %% two_hours_excluded
# task: stalled
# fails: test_stalls[two_hours], test_random_scans, test_other_scans
# because: a scan exactly two hours later comes too late
# breaks: A scan exactly two hours later is in time.
# -            if max(past, default=None) == last and not past[last][1]:
# +            before = [at for at in past if at < now]
# +            if max(before, default=None) == last and not past[last][1]:


# %% one_alert_a_parcel
# task: stalled
# fails: test_stalls[several]
# because: a parcel that stalled once is never reported again
# breaks: A parcel can stall several times.
# -            self.handle = handle
# +            self.handle = handle
# +            self.told = handle.getValueState("told", "yes boolean")
# -            if max(past, default=None) == last and not past[last][1]:
# +            known = self.told.exists()
# +            if not known and max(past, default=None) == last and not past[last][1]:
# +                self.told.update((True,))


# %% a_delivery_is_no_scan
# task: stalled
# fails: test_stalls[delivered]
# because: a delivery doesn't end the two hours of the scan before
# breaks: A delivery is a scan, so it can be in time for the scan before it.
# -            if max(past, default=None) == last and not past[last][1]:
# +            scans = [at for at, (_, delivered) in past.items() if not delivered]
# +            if max(scans, default=None) == last:
# -                over = list(past)
# +                over = [now]


# %% delivered_for_good
# task: stalled
# fails: test_stalls[returned]
# because: a parcel that was delivered is never awaited again
# breaks: A scan after a delivery is one like any other: the parcel came back, and can stall again.
# -            self.handle = handle
# +            self.handle = handle
# +            self.gone = handle.getValueState("gone", "yes boolean")
# -                if delivered:
# -                    self.handle.registerTimer(at)
# +                if delivered:
# +                    self.gone.update((True,))
# +                    self.handle.registerTimer(at)
# -            if max(past, default=None) == last and not past[last][1]:
# +            gone = self.gone.exists()
# +            if not gone and max(past, default=None) == last and not past[last][1]:


# %% delivery_lost_at_one_time
# task: stalled
# fails: test_stalls[one_time]
# because: the last row of a time decides whether it is a delivery
# breaks: It is a delivery if one of them is.
# -                delivered = delivered or row.delivered
# +                delivered = row.delivered


# %% scans_of_one_time_are_several
# task: stalled
# fails: test_stalls[one_time], test_random_scans
# because: two scans of one time give two rows
# breaks: Scans of a parcel at one time are one scan.
# -            self.handle = handle
# +            self.handle = handle
# +            self.copies = handle.getMapState("copies", "at long", "hubs array<string>")
# -                self.scans.updateValue((at,), (max(hub, row.hub), delivered))
# +                self.scans.updateValue((at,), (max(hub, row.hub), delivered))
# +                hubs = (self.copies.getValue((at,)) or ([],))[0]
# +                self.copies.updateValue((at,), ([*hubs, row.hub],))
# -                yield Row(
# -                    parcel_id=key[0],
# -                    last_hub=past[last][0],
# -                    last_at=moment(last),
# -                    alert_at=moment(now),
# -                )
# +                for hub in self.copies.getValue((last,))[0]:
# +                    yield Row(
# +                        parcel_id=key[0],
# +                        last_hub=hub,
# +                        last_at=moment(last),
# +                        alert_at=moment(now),
# +                    )
# -                self.scans.removeKey((at,))
# +                self.scans.removeKey((at,))
# +                self.copies.removeKey((at,))


# %% alert_at_the_watermark
# task: stalled
# fails: test_stalls[columns]
# because: tells when the alert left
# breaks: | `alert_at` | timestamp | two hours later |
# -                    alert_at=moment(now),
# +                    alert_at=moment(timerValues.getCurrentWatermarkInMs()),


# %% scans_of_one_id_once
# task: stalled
# fails: test_stalls[event_ids]
# because: takes a scan with a known event_id for a copy
# breaks: `event_id` doesn't matter.
# -    return scans.groupBy("parcel_id").transformWithState(Stalled(), schema, "append", "eventTime")
# +    return (
# +        scans.dropDuplicates(["event_id", "parcel_id"])
# +        .groupBy("parcel_id")
# +        .transformWithState(Stalled(), schema, "append", "eventTime")
# +    )


# %% late_scans_dropped
# task: stalled
# fails: test_stalls[older_than_the_watermark]
# because: drops what is older than the watermark of its file
# breaks: Every row that Spark hands over counts, as in Task 1.
# -            for row in rows:
# -                at = millis(row.at)
# +            for row in rows:
# +                at = millis(row.at)
# +                if at <= timerValues.getCurrentWatermarkInMs():
# +                    continue


# %% stalls_told_by_the_next_scan
# task: stalled
# fails: test_a_row_leaves_when_its_stall_is_proven
# because: the next scan tells a gap before the watermark proves it
# breaks: A row comes out once, with the first file at which the watermark has reached `alert_at`.
def stalled(scans: DataFrame) -> DataFrame:
    class Gaps(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.last = handle.getValueState("last", "at long, delivered boolean, hub string")

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            last = self.last.get()
            for scan in sorted((millis(row.at), row.delivered, row.hub) for row in rows):
                if last:
                    self.handle.deleteTimer(last[0] + 7_200_000)
                    if scan[0] > last[0] + 7_200_000 and not last[1]:
                        yield Row(
                            parcel_id=key[0],
                            last_hub=last[2],
                            last_at=moment(last[0]),
                            alert_at=moment(last[0] + 7_200_000),
                        )
                last = max(scan, last or scan)
                self.handle.registerTimer(last[0] + 7_200_000)
            self.last.update(last)

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            at, delivered, hub = self.last.get()
            self.last.clear()
            if not delivered:
                yield Row(
                    parcel_id=key[0],
                    last_hub=hub,
                    last_at=moment(at),
                    alert_at=moment(at + 7_200_000),
                )

    schema = "parcel_id string, last_hub string, last_at timestamp, alert_at timestamp"
    return scans.groupBy("parcel_id").transformWithState(Gaps(), schema, "append", "eventTime")


# %% state_of_the_processor
# task: stalled
# fails: test_stalls[restart]
# because: a dict of the processor is gone with the micro-batch
# breaks: A restart from the checkpoint changes nothing.
def stalled(scans: DataFrame) -> DataFrame:
    class Watching(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.scans: dict[str, dict[int, Row]] = {}

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in rows:
                self.scans.setdefault(key[0], {})[millis(row.at)] = row
                self.handle.registerTimer(millis(row.at) + 7_200_000)
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            now = expiredTimerInfo.getExpiryTimeInMs()
            past = {at: row for at, row in self.scans.get(key[0], {}).items() if at <= now}
            last = max(past, default=0)
            if last == now - 7_200_000 and not past[last].delivered:
                yield Row(
                    parcel_id=key[0],
                    last_hub=past[last].hub,
                    last_at=moment(last),
                    alert_at=moment(now),
                )

    schema = "parcel_id string, last_hub string, last_at timestamp, alert_at timestamp"
    return scans.groupBy("parcel_id").transformWithState(Watching(), schema, "append", "eventTime")


# %% delivered_parcels_stay_two_hours
# task: stalled
# fails: test_delivered_parcels_are_forgotten
# because: a delivered parcel is kept until its two hours are over
# breaks: Once the watermark has reached a delivery that no later scan follows, nothing of the
#   parcel is kept, no timer either.
# -                if delivered:
# -                    self.handle.registerTimer(at)
#


# %% timer_of_another_delivery_deleted
# task: stalled
# fails: test_delivered_parcels_are_forgotten
# because: deletes a timer that a delivery two hours later set for itself
# breaks: Once the watermark has reached a delivery that no later scan follows, nothing of the
#   parcel is kept, no timer either.
# -                if not delivered:  # else a delivery needs the same timer
# +                if at >= 0:


# %% only_the_timer_of_the_delivery_goes
# task: stalled
# fails: test_delivered_parcels_are_forgotten
# because: deletes one timer of several
# breaks: Once the watermark has reached a delivery that no later scan follows, nothing of the
#   parcel is kept, no timer either.
# -                if not delivered:  # else a delivery needs the same timer
# +                if at == now:


# %% session_windows
# task: stalled
# fails: test_delivered_parcels_are_forgotten
# because: a session ends two hours after its last row, a delivery too
# breaks: Once the watermark has reached a delivery that no later scan follows, nothing of the
#   parcel is kept, no timer either.
def stalled(scans: DataFrame) -> DataFrame:
    last = F.max(F.struct("at", "delivered", "hub")).alias("last")
    sessions = scans.groupBy("parcel_id", F.session_window("at", "2 hours").alias("session"))
    return (
        sessions.agg(last)
        .where("NOT last.delivered")
        .select(
            "parcel_id",
            F.col("last.hub").alias("last_hub"),
            F.col("last.at").alias("last_at"),
            F.col("session.end").alias("alert_at"),
        )
    )


# %% reported_scans_stay
# task: stalled
# fails: test_reported_parcels_are_forgotten, test_a_long_way_is_not_kept
# because: removes nothing but deliveries
# breaks: Once the watermark has reached `alert_at` of a parcel's last scan, nothing of it is kept.
# -                over = [at for at in past if at <= now - self.patience]
# +                over = []


# %% circles_fill_the_state
# task: stalled
# fails: test_a_long_way_is_not_kept
# because: clears a parcel that has stalled; one that never does fills the state
# breaks: a scan that is more than two hours older than the watermark is not kept.
# -                over = [at for at in past if at <= now - self.patience]
# +                over = list(past) if max(past, default=0) <= now - self.patience else []


# %% parcels_in_lower_case
# task: stalled
# fails: test_stalls[keys]
# because: takes parcels that differ in case for one
# breaks: Keys that differ in case or blanks are different keys.
# -    return scans.groupBy("parcel_id").transformWithState(Stalled(), schema, "append", "eventTime")
# +    lower = scans.withColumn("parcel_id", F.lower("parcel_id"))
# +    return lower.groupBy("parcel_id").transformWithState(Stalled(), schema, "append", "eventTime")


# %% within_the_watermark
# task: dedupe_ttl
# fails: test_events[first]
# because: remembers for the delay of the watermark
# breaks: its own `at` is at most 24 hours later than the newest `at` of those that came out.
def dedupe_ttl(events: DataFrame, seen: DataFrame) -> DataFrame:
    return events.dropDuplicatesWithinWatermark(["event_id"])


# %% ttl_of_the_variable
# task: dedupe_ttl
# fails: test_events[first]
# because: the time to live of a variable needs a query that goes by the clock
# breaks: counted by the clock, and a query in event time refuses it.
# outcome: error
# -            self.out = handle.getValueState("out", "at long")
# +            self.out = handle.getValueState("out", "at long", self.memory)


# %% a_day_excluded
# task: dedupe_ttl
# fails: test_events[first]
# because: an event exactly 24 hours later is new
# breaks: Exactly 24 hours later is a copy,
# -            if last and at <= last[0] + self.memory:
# +            if last and at < last[0] + self.memory:


# %% never_again
# task: dedupe_ttl
# fails: test_events[a_day_over], test_random_events, test_other_events
# because: an id that is remembered never comes out again
# breaks: It is a copy if an event of the same `event_id` has come out, and its own `at` is at most
#   24 hours later
# -            if last and at <= last[0] + self.memory:
# +            if last:


# %% a_day_on_both_sides
# task: dedupe_ttl
# fails: test_events[earlier]
# because: an event more than 24 hours earlier is new
# breaks: and so is any earlier time.
# -            if last and at <= last[0] + self.memory:
# +            if last and abs(at - last[0]) <= self.memory:
# -            if self.out.get()[0] + self.memory <= expiredTimerInfo.getExpiryTimeInMs():
# +            last = self.out.get()
# +            if last and last[0] + self.memory <= expiredTimerInfo.getExpiryTimeInMs():


# %% earlier_events_are_new
# task: dedupe_ttl
# fails: test_events[earlier]
# because: an event that is earlier than the one that came out is new
# breaks: and so is any earlier time.
# -            if last and at <= last[0] + self.memory:
# +            if last and last[0] <= at <= last[0] + self.memory:
# -            if self.out.get()[0] + self.memory <= expiredTimerInfo.getExpiryTimeInMs():
# +            last = self.out.get()
# +            if last and last[0] + self.memory <= expiredTimerInfo.getExpiryTimeInMs():


# %% copies_renew
# task: dedupe_ttl
# fails: test_events[no_renewal]
# because: a copy prolongs the memory
# breaks: A copy changes nothing: the 24 hours count from the event that came out.
# -                return False
# +                self.out.update((max(at, last[0]),))
# +                self.handle.registerTimer(at + self.memory)
# +                return False


# %% the_first_for_ever
# task: dedupe_ttl
# fails: test_events[second_memory]
# because: counts from the first event of an id
# breaks: than the newest `at` of those that came out.
# -            self.out.update((at,))
# -            self.handle.registerTimer(at + self.memory)
# -            return True
# +            if not last:
# +                self.out.update((at,))
# +            self.handle.registerTimer(at + self.memory)
# +            return True
# -            if self.out.get()[0] + self.memory <= expiredTimerInfo.getExpiryTimeInMs():
# +            last = self.out.get()
# +            if last and last[0] + 2 * self.memory <= expiredTimerInfo.getExpiryTimeInMs():


# %% old_timer_clears
# task: dedupe_ttl
# fails: test_events[second_memory]
# because: the timer of an older event clears the memory of a newer one
# breaks: It is a copy if an event of the same `event_id` has come out
# -            if self.out.get()[0] + self.memory <= expiredTimerInfo.getExpiryTimeInMs():
# -                self.out.clear()
# +            self.out.clear()


# %% in_any_order
# task: dedupe_ttl
# fails: test_events[order_in_a_file]
# because: takes the rows of a file as they come
# breaks: Events of one file count in the order of `at`.
# -            for row in sorted(rows, key=lambda row: row.at):
# +            for row in rows:


# %% held_back
# task: dedupe_ttl
# fails: test_events[first]
# because: lets an event out when the watermark has passed it
# breaks: An event comes out with the file that brings it,
def dedupe_ttl(events: DataFrame, seen: DataFrame) -> DataFrame:
    schema = events.schema

    class Held(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.out = handle.getValueState("out", "at long")
            self.held = handle.getMapState("held", "at long", schema)

        def handleInitialState(self, key, initialState, timerValues) -> None:
            last = self.out.get() or (millis(initialState.at),)
            self.out.update((max(last[0], millis(initialState.at)),))

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in rows:
                self.held.updateValue((millis(row.at),), tuple(row))
                self.handle.registerTimer(millis(row.at))
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            now, last = expiredTimerInfo.getExpiryTimeInMs(), self.out.get()
            row = self.held.getValue((now,))
            self.held.removeKey((now,))
            if not last or now > last[0] + 86_400_000:
                self.out.update((now,))
                yield Row(**dict(zip(schema.names, row, strict=True)))

    return events.groupBy("event_id").transformWithState(
        Held(), schema, "append", "eventTime", seen.groupBy("event_id")
    )


# %% seen_is_ignored
# task: dedupe_ttl
# fails: test_events[seen]
# because: knows nothing of what came out before
# breaks: what an older query has let out, as if it had come out of this one before the first file.
# -        Dedupe(), events.schema, "append", "eventTime", initialState=seen.groupBy("event_id")
# +        Dedupe(), events.schema, "append", "eventTime"


# %% last_of_seen
# task: dedupe_ttl
# fails: test_events[seen_twice]
# because: the row of `seen` that comes last counts
# breaks: It may have an `event_id` several times; the newest `at` counts.
# -            if not last or at > last[0]:
# +            if at:


# %% memory_of_the_processor
# task: dedupe_ttl
# fails: test_events[restart], test_events[first]
# because: a dict of the processor is gone with the micro-batch
# breaks: A restart from the checkpoint changes nothing.
def dedupe_ttl(events: DataFrame, seen: DataFrame) -> DataFrame:
    known = {row.event_id: row.at for row in seen.collect()}

    class Dedupe(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.known = dict(known)

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in sorted(rows, key=lambda row: row.at):
                last = self.known.get(key[0])
                if last is None or millis(row.at) > millis(last) + 86_400_000:
                    self.known[key[0]] = row.at
                    yield row

    return events.groupBy("event_id").transformWithState(
        Dedupe(), events.schema, "append", "eventTime"
    )


# %% late_events_dropped
# task: dedupe_ttl
# fails: test_events[older_than_the_watermark]
# because: drops what is older than the watermark of its file
# breaks: Every row that Spark hands over counts, as in Task 1.
# -                if self.remember(millis(row.at)):
# +                old = millis(row.at) <= timerValues.getCurrentWatermarkInMs()
# +                if not old and self.remember(millis(row.at)):


# %% nothing_is_forgotten
# task: dedupe_ttl
# fails: test_events_are_forgotten
# because: no timer ever clears
# breaks: Once the watermark is 24 hours past the newest event that came out for an `event_id`,
#   nothing of it is kept.
# -            if self.out.get()[0] + self.memory <= expiredTimerInfo.getExpiryTimeInMs():
# -                self.out.clear()
#


# %% seen_is_not_forgotten
# task: dedupe_ttl
# fails: test_events_are_forgotten
# because: what was seen has no timer
# breaks: Once the watermark is 24 hours past the newest event that came out for an `event_id`,
#   nothing of it is kept.
# -                self.out.update((at,))
# -                self.handle.registerTimer(at + self.memory)
# +                self.out.update((at,))


# %% ids_in_lower_case
# task: dedupe_ttl
# fails: test_events[keys]
# because: takes ids that differ in case for one
# breaks: Keys that differ in case or blanks are different keys.
# -    return events.groupBy("event_id").transformWithState(
# -        Dedupe(), events.schema, "append", "eventTime", initialState=seen.groupBy("event_id")
# -    )
# +    seen = seen.withColumn("event_id", F.lower("event_id"))
# +    lower = events.withColumn("event_id", F.lower("event_id"))
# +    return lower.groupBy("event_id").transformWithState(
# +        Dedupe(), events.schema, "append", "eventTime", initialState=seen.groupBy("event_id")
# +    )


# %% key_first
# task: dedupe_ttl
# fails: test_all_columns_stay_and_seen_may_be_empty
# because: the key comes first
# breaks: with the columns of `events`, in their order and with their types.
# -    return events.groupBy("event_id").transformWithState(
# -        Dedupe(), events.schema, "append", "eventTime", initialState=seen.groupBy("event_id")
# -    )
# +    found = events.groupBy("event_id").transformWithState(
# +        Dedupe(), events.schema, "append", "eventTime", initialState=seen.groupBy("event_id")
# +    )
# +    return found.select("event_id", *[name for name in events.columns if name != "event_id"])


# %% empty_seen_lets_nothing_out
# task: dedupe_ttl
# fails: test_all_columns_stay_and_seen_may_be_empty
# because: an inner join with what was seen
# breaks: `seen` may be empty.
# -    return events.groupBy("event_id").transformWithState(
# -        Dedupe(), events.schema, "append", "eventTime", initialState=seen.groupBy("event_id")
# -    )
# +    border = seen.agg(F.min("at").alias("border"))
# +    later = events.crossJoin(border).where("at >= border").select(*events.columns)
# +    return later.groupBy("event_id").transformWithState(
# +        Dedupe(), events.schema, "append", "eventTime", initialState=seen.groupBy("event_id")
# +    )


# %% values_only
# task: inspect
# fails: test_kinds[list], test_kinds[map], test_kinds[timer], test_everything
# because: reads values alone
# breaks: one row for each value, list element, map entry and timer
# -    values = {"value": "value", "list": "list_element", "map": "user_map_value"}
# +    values = {"value": "value"}
# -    if properties["timeMode"] != "NoTime":
# +    if False:


# %% timers_left_out
# task: inspect
# fails: test_kinds[timer]
# because: leaves timers out
# breaks: one row for each value, list element, map entry and timer
# -    if properties["timeMode"] != "NoTime":
# +    if False:


# %% timers_are_always_read
# task: inspect
# fails: test_no_timers
# because: asks a query without timers for them
# breaks: A query may have no timers, or timers of the clock;
# outcome: error
# -    if properties["timeMode"] != "NoTime":
# +    if True:


# %% a_list_is_one_row
# task: inspect
# fails: test_kinds[list]
# because: a list is one row
# breaks: one row for each value, list element,
# -            rows = state.option("stateVarName", variable["stateName"]).load()
# +            rows = state.option("stateVarName", variable["stateName"]).load()
# +            if kind == "list":
# +                rows = rows.groupBy("key").agg(F.first("list_element").alias("list_element"))


# %% timers_in_seconds
# task: inspect
# fails: test_kinds[timer]
# because: tells seconds
# breaks: of a timer its time in milliseconds
# -        rows = timers.load(checkpoint)
# +        rows = timers.load(checkpoint).withColumn(
# +            "expiration_timestamp_ms", F.expr("expiration_timestamp_ms DIV 1000")
# +        )


# %% names_are_known
# task: inspect
# fails: test_kinds[value], test_kinds[list], test_kinds[map]
# because: knows the names of this notebook's variables
# breaks: The function knows no name of a variable:
# -    for variable in properties["stateVariables"]:
# +    known = {"logins", "scans", "out", "count"}
# +    for variable in [one for one in properties["stateVariables"] if one["stateName"] in known]:


# %% nothing_without_variables
# task: inspect
# fails: test_no_variables
# because: a query without variables is taken for one without state
# breaks: no variables, or variables without a row.
# -    if properties["timeMode"] != "NoTime":
# +    own = [one for one in properties["stateVariables"] if "$" not in one["stateName"]]
# +    if own and properties["timeMode"] != "NoTime":


# %% names_with_timer_left_out
# task: inspect
# fails: test_kinds[value]
# because: takes each name that has `timer` in it for Spark's own
# breaks: it finds all of them in the checkpoint.
# -        if kind in values:
# +        if kind in values and "timer" not in variable["stateName"].lower():


# %% the_batch_that_has_begun
# task: inspect
# fails: test_an_unfinished_batch
# because: takes the newest batch of the offsets, which has only begun
# breaks: after the last finished micro-batch
# outcome: error
# -    state = spark.read.format("statestore").option("path", checkpoint)
# +    begun = max(int(one.name) for one in (Path(checkpoint) / "offsets").glob("[0-9]*"))
# +    state = spark.read.format("statestore").options(path=checkpoint, batchId=begun)


# %% one_checkpoint
# task: inspect
# fails: test_no_timers
# because: remembers the first checkpoint that it read
# breaks: `checkpoint` is the folder of a query
# -    state = spark.read.format("statestore").option("path", checkpoint)
# +    checkpoint = inspect.__dict__.setdefault("first", checkpoint)
# +    state = spark.read.format("statestore").option("path", checkpoint)


# %% columns_by_name
# task: inspect
# fails: test_kinds[value]
# because: the columns come in another order
# breaks: All columns are strings, in this order:
# -        found = found.union(rows_of(rows, "timer", None, "expiration_timestamp_ms"))
# -    return found
# +        found = found.union(rows_of(rows, "timer", None, "expiration_timestamp_ms"))
# +    return found.select(*sorted(found.columns))


# %% delivery_goes_with_the_hub
# task: stalled
# fails: test_stalls[one_time]
# because: of scans of one time the row with the last hub is kept whole
# breaks: It is a delivery if one of them is.
# -                hub, delivered = self.scans.getValue((at,)) or ("", False)
# -                delivered = delivered or row.delivered
# +                hub, delivered = self.scans.getValue((at,)) or ("", False)
# +                delivered = max((hub, delivered), (row.hub, row.delivered))[1]


# %% late_delivery_without_timer
# task: stalled
# fails: test_delivered_parcels_are_forgotten
# because: a delivery older than the watermark sets no timer at its own time
# breaks: Once the watermark has reached a delivery that no later scan follows, nothing of the
#   parcel is kept, no timer either.
# -                if delivered:
# +                if delivered and at > timerValues.getCurrentWatermarkInMs():


# %% copies_of_a_file_renew
# task: dedupe_ttl
# fails: test_events[no_renewal]
# because: remembers the newest row of a file, also if it was a copy
# breaks: A copy changes nothing: the 24 hours count from the event that came out.
# -            for row in sorted(rows, key=lambda row: row.at):
# -                if self.remember(millis(row.at)):
# -                    yield row
# +            rows, some = sorted(rows, key=lambda row: row.at), False
# +            for row in rows:
# +                if self.remember(millis(row.at)):
# +                    some = True
# +                    yield row
# +            if some:
# +                self.out.update((millis(rows[-1].at),))
# +                self.handle.registerTimer(millis(rows[-1].at) + self.memory)


# %% timers_of_event_time_only
# task: inspect
# fails: test_no_variables
# because: a query that goes by the clock has timers, too
# breaks: A query may have no timers, or timers of the clock;
# -    if properties["timeMode"] != "NoTime":
# +    if properties["timeMode"] == "EventTime":


# %% order_of_arrival
# task: fraud
# fails: test_successes[order]
# because: a failure that arrives behind a later success comes too late
# breaks: The order is that of `at`, whatever the order of arrival.
# -                at = millis(row.at)
# +                at = millis(row.at)
# +                held = [one for one, _ in self.logins.iterator()]
# +                if not row.ok and any(ok and then > at for then, ok, _ in held):
# +                    continue


# %% three_hours
# task: stalled
# fails: test_stalls[two_hours]
# because: waits for three hours
# breaks: A parcel stalls after a scan if it has no later scan within two hours.
# -        patience = 2 * 60 * 60_000
# +        patience = 3 * 60 * 60_000


# %% stalls_after_a_delivery
# task: stalled
# fails: test_stalls[delivered]
# because: awaits a scan after a delivery, too
# breaks: After a delivery a parcel doesn't stall.
# -            if now in past and past[now][1]:  # nothing before a delivery can stall any more
# +            if False:
# -            if max(past, default=None) == last and not past[last][1]:
# +            if max(past, default=None) == last:
# -                if not delivered:  # else a delivery needs the same timer
# +                if False:


# %% hub_that_arrives_last
# task: stalled
# fails: test_stalls[one_time]
# because: of hubs of one time the one that arrives last counts
# breaks: Its hub is the last one in alphabetical order.
# -                self.scans.updateValue((at,), (max(hub, row.hub), delivered))
# +                self.scans.updateValue((at,), (row.hub, delivered))


# %% hub_that_arrives_first
# task: stalled
# fails: test_stalls[one_time]
# because: of hubs of one time the one that arrives first counts
# breaks: Its hub is the last one in alphabetical order.
# -                self.scans.updateValue((at,), (max(hub, row.hub), delivered))
# +                self.scans.updateValue((at,), (hub or row.hub, delivered))


# %% hub_of_the_row_that_came_last
# task: stalled
# fails: test_stalls[columns]
# because: tells the hub of the row that arrived last, which may be an older scan
# breaks: the hub of the scan after which nothing happened
# -            self.handle = handle
# +            self.handle = handle
# +            self.newest = handle.getValueState("newest", "hub string")
# -                at = millis(row.at)
# +                at = millis(row.at)
# +                self.newest.update((row.hub,))
# -                    last_hub=past[last][0],
# +                    last_hub=self.newest.get()[0],


# %% last_at_is_the_alert
# task: stalled
# fails: test_stalls[columns]
# because: tells the time of the alert twice
# breaks: the time of that scan
# -                    last_at=moment(last),
# +                    last_at=moment(now),


# %% hub_behind_its_time
# task: stalled
# fails: test_stalls[two_hours]
# because: the columns come in another order
# breaks: The columns, in this order:
# -    return scans.groupBy("parcel_id").transformWithState(Stalled(), schema, "append", "eventTime")
# +    found = scans.groupBy("parcel_id").transformWithState(
# +        Stalled(), schema, "append", "eventTime"
# +    )
# +    return found.select("parcel_id", "last_at", "last_hub", "alert_at")


# %% one_event_a_file
# task: dedupe_ttl
# fails: test_events[a_day_over]
# because: one event of an id comes out with a file, also if the file has two days
# breaks: An event comes out with the file that brings it, unless it is a copy.
# -                    yield row
# +                    yield row
# +                    break


# %% kinds_in_capitals
# task: inspect
# fails: test_kinds[value]
# because: tells kinds in capitals
# breaks: `value`, `list`, `map` or `timer`
# -            F.lit(kind).alias("kind"),
# +            F.lit(kind.upper()).alias("kind"),


# %% a_timer_has_a_name
# task: inspect
# fails: test_kinds[timer]
# because: makes up a variable for timers
# breaks: null for a timer
# -        found = found.union(rows_of(rows, "timer", None, "expiration_timestamp_ms"))
# +        found = found.union(rows_of(rows, "timer", "timers", "expiration_timestamp_ms"))


# %% empty_map_keys
# task: inspect
# fails: test_kinds[value], test_kinds[list], test_kinds[timer]
# because: an empty text is no null
# breaks: null for other kinds
# -        none = F.lit(None).cast("string")
# +        none = F.lit("")


# %% key_as_spark_shows_it
# task: inspect
# fails: test_kinds[value]
# because: the text of a struct is no JSON
# breaks: the grouping key as JSON,
# -            F.to_json("key").alias("key"),
# +            F.col("key").cast("string").alias("key"),


# %% first_column_of_the_key
# task: inspect
# fails: test_kinds[value]
# because: of a key with two columns only the first is told
# breaks: an object with the fields of the key or value, as they are called in the state.
# -            F.to_json("key").alias("key"),
# +            F.to_json(F.struct("key." + rows.select("key.*").columns[0])).alias("key"),


# %% equal_elements_once
# task: inspect
# fails: test_kinds[list]
# because: equal elements of a list become one row
# breaks: one row for each value, list element,
# -        found = found.union(rows_of(rows, "timer", None, "expiration_timestamp_ms"))
# -    return found
# +        found = found.union(rows_of(rows, "timer", None, "expiration_timestamp_ms"))
# +    return found.distinct()
