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


def fraud(logins: DataFrame) -> DataFrame:
    class Failures(InOrder):
        fields = "ok boolean, ip string"
        patience = 600_000

        def init(self, handle: StatefulProcessorHandle) -> None:
            super().init(handle)
            self.failed = handle.getValueState("failed", "times array<long>")

        def values(self, row: Row) -> tuple:
            return row.ok, row.ip

        def step(self, user: str, now: int, logins: list[tuple]) -> Iterator[Row]:
            times = list(self.failed.get()[0]) if self.failed.exists() else []
            times += [now for ok, _ in logins if not ok]
            times = [time for time in times if time >= now - self.patience]
            if any(ok for ok, _ in logins):
                if len(times) >= 3:
                    yield Row(user, moment(times[0]), moment(now), len(times))
                times = []
            if times := [time for time in times if time > now - self.patience]:
                self.failed.update((times,))
            else:
                self.failed.clear()

    schema = "user_id string, first_failed_at timestamp, success_at timestamp, failures long"
    return logins.groupBy("user_id").transformWithState(Failures(), schema, "append", "eventTime")


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
                    self.handle.deleteTimer(last[0] + self.patience)
                if any(delivered for _, delivered in scans):
                    self.last.clear()
                    self.handle.deleteTimer(now + self.patience)
                else:
                    self.last.update((now, max(hub for hub, _ in scans)))
            elif last and last[0] == now - self.patience:
                self.last.clear()
                yield Row(parcel, last[1], moment(last[0]), moment(now))

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


def inspect(spark: SparkSession, checkpoint: str) -> DataFrame:
    metadata = spark.read.format("state-metadata").load(checkpoint)
    told = json.loads(metadata.select("operatorProperties").head()[0])
    shapes = {
        "ValueState": ("'value'", "NULL", "to_json(value)"),
        "ListState": ("'list'", "NULL", "to_json(list_element)"),
        "MapState": ("'map'", "to_json(user_map_key)", "to_json(user_map_value)"),
    }
    sources = []
    for variable in told["stateVariables"]:
        if shape := shapes.get(variable["stateVariableType"]):
            sources.append((variable["stateName"], shape))
    if told["timeMode"] != "NoTime":
        sources.append((None, ("'timer'", "NULL", "string(expiration_timestamp_ms)")))
    columns = "kind string, variable string, key string, map_key string, value string"
    result = spark.createDataFrame([], columns)
    for name, (kind, map_key, value) in sources:
        option = ("stateVarName", name) if name else ("readRegisteredTimers", "true")
        rows = spark.read.format("statestore").option(*option).load(checkpoint)
        result = result.unionByName(
            rows.selectExpr(
                f"{kind} AS kind",
                "string(NULL) AS variable" if name is None else f"'{name}' AS variable",
                "to_json(key) AS key",
                f"string({map_key}) AS map_key",
                f"{value} AS value",
            )
        )
    return result
