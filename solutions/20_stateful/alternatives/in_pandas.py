# because: pandas frames, times as long columns, one value of JSON-like arrays a key


def fraud(logins: DataFrame) -> DataFrame:
    import pandas as pd

    class Buffered(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.state = handle.getValueState("state", "logins array<string>")

        def handleInputRows(self, key, rows, timerValues):
            held = set(self.state.get()[0]) if self.state.exists() else set()
            for frame in rows:
                for ms, ok, ip in zip(frame["ms"], frame["ok"], frame["ip"], strict=True):
                    held.add(json.dumps([int(ms), bool(ok), ip if isinstance(ip, str) else None]))
                    self.handle.registerTimer(int(ms))
                    self.handle.registerTimer(int(ms) + 600_000)
            self.state.update((sorted(held),))
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo):
            if not self.state.exists():
                return
            due = expiredTimerInfo.getExpiryTimeInMs()
            held = [json.loads(text) for text in self.state.get()[0]]
            success = [one for one in held if one[1] and one[0] == due]
            failed = [one[0] for one in held if not one[1] and due - 600_000 <= one[0] <= due]
            border = due if success else due - 600_000
            left = sorted(json.dumps(one) for one in held if one[0] > border)
            if left:
                self.state.update((left,))
            else:
                self.state.clear()
            if success and len(failed) > 2:
                times = pd.to_datetime([min(failed), due], unit="ms", utc=True)
                yield pd.DataFrame(
                    {
                        "user_id": [key[0]],
                        "first_failed_at": times[:1],
                        "success_at": times[1:],
                        "failures": [len(failed)],
                    }
                )

    timed = logins.withColumn("ms", F.unix_millis("at"))
    return timed.groupBy("user_id").transformWithStateInPandas(
        Buffered(),
        "user_id string, first_failed_at timestamp, success_at timestamp, failures long",
        outputMode="append",
        timeMode="eventTime",
    )


def stalled(scans: DataFrame) -> DataFrame:
    import pandas as pd

    class Watched(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.times = handle.getListState("times", "ms long, hub string, delivered boolean")

        def held(self) -> dict[int, tuple[str, bool]]:
            return {ms: (hub, delivered) for ms, hub, delivered in self.times.get()}

        def keep(self, held: dict[int, tuple[str, bool]]) -> None:
            if held:
                self.times.put([(ms, *scan) for ms, scan in sorted(held.items())])
            else:
                self.times.clear()

        def handleInputRows(self, key, rows, timerValues):
            held = self.held()
            for frame in rows:
                for row in frame.itertuples():
                    hub, delivered = held.get(row.ms, (row.hub, False))
                    held[row.ms] = max(hub, row.hub), bool(delivered or row.delivered)
                    self.handle.registerTimer(int(row.ms) + 7_200_000)
                    if held[row.ms][1]:
                        self.handle.registerTimer(int(row.ms))
            self.keep({int(ms): scan for ms, scan in held.items()})
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo):
            due = expiredTimerInfo.getExpiryTimeInMs()
            held = self.held()
            scan = held.get(due - 7_200_000)
            followed = any(due - 7_200_000 < ms <= due for ms in held)
            border = due if held.get(due, ("", False))[1] else due - 7_200_000
            self.keep({ms: one for ms, one in held.items() if ms > border})
            for timer in list(self.handle.listTimers()):
                if timer - 7_200_000 <= border:
                    self.handle.deleteTimer(timer)
            if scan and not scan[1] and not followed:
                times = pd.to_datetime([due - 7_200_000, due], unit="ms", utc=True)
                yield pd.DataFrame(
                    {
                        "parcel_id": [key[0]],
                        "last_hub": [scan[0]],
                        "last_at": times[:1],
                        "alert_at": times[1:],
                    }
                )

    timed = scans.select("parcel_id", "at", "hub", "delivered", F.unix_millis("at").alias("ms"))
    return timed.groupBy("parcel_id").transformWithStateInPandas(
        Watched(),
        "parcel_id string, last_hub string, last_at timestamp, alert_at timestamp",
        outputMode="append",
        timeMode="eventTime",
    )


def dedupe_ttl(events: DataFrame, seen: DataFrame) -> DataFrame:
    newest = seen.groupBy("event_id").agg(F.unix_millis(F.max("at")).alias("ms"))

    class Remember(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.until = handle.getValueState("until", "ms long")

        def remember(self, ms: int) -> None:
            for timer in list(self.handle.listTimers()):
                self.handle.deleteTimer(timer)
            self.until.update((ms + 86_400_000,))
            self.handle.registerTimer(ms + 86_400_000)

        def handleInitialState(self, key, initialState, timerValues) -> None:
            self.remember(int(initialState["ms"].iloc[0]))

        def handleInputRows(self, key, rows, timerValues):
            import pandas as pd

            frame = pd.concat(list(rows)).sort_values("__ms", kind="stable")
            chosen = []
            for ms in frame["__ms"]:
                until = self.until.get()
                chosen.append(until is None or ms > until[0])
                if chosen[-1]:
                    self.remember(int(ms))
            if any(chosen):
                yield frame[chosen].drop(columns="__ms")

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo):
            self.until.clear()
            return iter([])

    return (
        events.withColumn("__ms", F.unix_millis("at"))
        .groupBy("event_id")
        .transformWithStateInPandas(
            Remember(),
            events.schema,
            outputMode="append",
            timeMode="eventTime",
            initialState=newest.groupBy("event_id"),
        )
    )


def inspect(spark: SparkSession, checkpoint: str) -> DataFrame:
    told = spark.read.format("state-metadata").load(checkpoint).toPandas()
    properties = json.loads(told["operatorProperties"][0])
    found = []

    def read(**options: str) -> list[dict]:
        frame = spark.read.format("statestore").options(**options).load(checkpoint)
        return [json.loads(text) for text in frame.toJSON().collect()]

    for variable in properties["stateVariables"]:
        name, kind = variable["stateName"], variable["stateVariableType"]
        if kind == "TimerState":
            continue
        for row in read(stateVarName=name):
            value = row.get("value", row.get("list_element", row.get("user_map_value", {})))
            map_key = json.dumps(row["user_map_key"]) if kind == "MapState" else None
            key = json.dumps(row["key"])
            found.append((kind[: -len("State")].lower(), name, key, map_key, json.dumps(value)))
    if any(one["stateVariableType"] == "TimerState" for one in properties["stateVariables"]):
        for row in read(readRegisteredTimers="true"):
            time = str(row["expiration_timestamp_ms"])
            found.append(("timer", None, json.dumps(row["key"]), None, time))
    columns = "kind string, variable string, key string, map_key string, value string"
    return spark.createDataFrame(found, columns)
