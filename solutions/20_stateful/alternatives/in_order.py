# because: one buffer that releases rows in event-time order, and small state machines behind it


class InOrder(StatefulProcessor):
    """Hands each time of a key on, in order, once the watermark has reached it."""

    fields = ""
    patience = 0

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.waiting = handle.getMapState("waiting", f"at long, {self.fields}", "n int")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in rows:
            at = millis(row.at)
            self.waiting.updateValue((at, *self.values(row)), (1,))
            self.handle.registerTimer(at)
            # A timer that a timer sets may wait for the next micro-batch: set it with the row.
            self.handle.registerTimer(at + self.patience)
        return iter([])

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        now = expiredTimerInfo.getExpiryTimeInMs()
        arrived = [held for held, _ in self.waiting.iterator() if held[0] == now]
        for held in arrived:
            self.waiting.removeKey(held)
        yield from self.step(key[0], now, [held[1:] for held in arrived])

    def drop(self, timer: int) -> None:
        """Deletes a timer, unless a row of that time waits for it as well."""
        if all(held[0] != timer for held, _ in self.waiting.iterator()):
            self.handle.deleteTimer(timer)


def stalled(scans: DataFrame) -> DataFrame:
    class Last(InOrder):
        fields = "hub string, delivered boolean"
        patience = 7_200_000

        def init(self, handle: StatefulProcessorHandle) -> None:
            super().init(handle)
            self.last = handle.getValueState("last", "at long, hub string")

        def values(self, row: Row) -> tuple:
            return row.hub, row.delivered

        def step(self, parcel: str, now: int, scans: list[tuple]) -> Iterator[Row]:
            last = self.last.get()
            if scans:
                if last:
                    self.drop(last[0] + self.patience)
                if any(delivered for _, delivered in scans):
                    self.last.clear()
                    self.drop(now + self.patience)
                else:
                    self.last.update((now, max(hub for hub, _ in scans)))
            elif last and last[0] == now - self.patience:
                self.last.clear()
                yield Row(
                    parcel_id=parcel,
                    last_hub=last[1],
                    last_at=moment(last[0]),
                    alert_at=moment(now),
                )

    schema = "parcel_id string, last_hub string, last_at timestamp, alert_at timestamp"
    return scans.groupBy("parcel_id").transformWithState(Last(), schema, "append", "eventTime")


def dedupe_ttl(events: DataFrame, seen: DataFrame) -> DataFrame:
    class Newest(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.times = handle.getMapState("times", "at long", "n int")

        def note(self, at: int) -> None:
            self.times.updateValue((at,), (1,))
            self.handle.registerTimer(at + 86_400_000)

        def handleInitialState(self, key, initialState, timerValues) -> None:
            self.note(millis(initialState.at))

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in sorted(rows, key=lambda row: row.at):
                at = millis(row.at)
                if all(at > time + 86_400_000 for (time,), _ in self.times.iterator()):
                    self.note(at)
                    yield row

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            self.times.removeKey((expiredTimerInfo.getExpiryTimeInMs() - 86_400_000,))
            return iter([])

    return events.groupBy("event_id").transformWithState(
        Newest(), events.schema, "append", "eventTime", seen.groupBy("event_id")
    )
