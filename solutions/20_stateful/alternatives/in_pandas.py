# because: pandas frames, times as long columns, one value of JSON texts a key; state read as JSON


def fraud(logins: DataFrame) -> DataFrame:
    import pandas as pd

    class Buffered(StatefulProcessor):
        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.state = handle.getValueState("state", "logins array<string>")

        def handleInputRows(self, key, rows, timerValues) -> Iterator:
            held = set(self.state.get()[0]) if self.state.exists() else set()
            for frame in rows:
                for ms, ok, ip in zip(frame["ms"], frame["ok"], frame["ip"], strict=True):
                    held.add(json.dumps([int(ms), bool(ok), ip if isinstance(ip, str) else None]))
                    self.handle.registerTimer(int(ms))
                    self.handle.registerTimer(int(ms) + 600_000)
            self.state.update((sorted(held),))
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator:
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
