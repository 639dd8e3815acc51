# because: a list of what came, with times as timestamps, sorted and judged at each timer


def fraud(logins: DataFrame) -> DataFrame:
    limit = 10 * 60 * 1000

    class Judge(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.held = handle.getListState("held", "at timestamp, ok boolean, ip string")

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in rows:
                self.held.appendValue((row.at.astimezone(UTC).replace(tzinfo=None), row.ok, row.ip))
                for due in (0, limit):
                    self.handle.registerTimer(int(row.at.timestamp()) * 1000 + due)
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            due = datetime.fromtimestamp(expiredTimerInfo.getExpiryTimeInMs() / 1000, UTC)
            due = due.replace(tzinfo=None)
            held = set(self.held.get())
            past = sorted((one for one in held if one[0] <= due), key=lambda one: one[:2])
            age = {one: (due - one[0]).total_seconds() for one in past}
            recent = [one[0] for one in past if not one[1] and age[one] <= 600]
            if (hit := any(one[0] == due and one[1] for one in past)) and len(recent) >= 3:
                yield Row(
                    user_id=key[0],
                    first_failed_at=recent[0].replace(tzinfo=UTC),
                    success_at=due.replace(tzinfo=UTC),
                    failures=len(recent),
                )
            old = {one for one in past if hit or age[one] >= 600}
            if left := held - old:
                self.held.put(list(left))
            else:
                self.held.clear()

    return (
        logins.repartition("user_id")
        .groupBy("user_id")
        .transformWithState(
            Judge(),
            "user_id string, first_failed_at timestamp, success_at timestamp, failures bigint",
            "append",
            "eventTime",
        )
    )
