# because: windows of the Table API; a flag and two filters; all state in one value; settings as text


def windowed(t_env, payments: str):
    from pyflink.table.expressions import col, lit
    from pyflink.table.window import Tumble

    t_env.get_config().set("table.exec.source.idle-timeout", "200 ms")
    name = f"marked_{os.urandom(4).hex()}"
    t_env.execute_sql(
        f"CREATE TEMPORARY TABLE `{name}` (WATERMARK FOR `event_time` AS "
        f"`event_time` - INTERVAL '600' SECOND(3)) LIKE `{payments}`"
    )
    window = Tumble.over(lit(5).minutes).on(col("event_time")).alias("w")
    return (
        t_env.from_path(name)
        .window(window)
        .group_by(col("w"), col("store_id"))
        .select(
            col("w").start.alias("window_start"),
            col("w").end.alias("window_end"),
            col("store_id"),
            col("amount").sum.alias("revenue"),
            lit(1).count.alias("payments"),
        )
    )


def split_late(stream):
    from pyflink.datastream import ProcessFunction

    class Mark(ProcessFunction):
        def process_element(self, row, context):
            yield context.timestamp() > context.timer_service().current_watermark(), row

    marked = stream.process(Mark())
    sides = (marked.filter(lambda both: both[0]), marked.filter(lambda both: not both[0]))
    kind = stream.get_type()
    return tuple(side.map(lambda both: both[1], output_type=kind) for side in sides)


def alerts(stream):
    from pyflink.common import Row, Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import ValueStateDescriptor

    class OneValue(KeyedProcessFunction):
        def open(self, context):
            kept = ValueStateDescriptor("attempts", Types.PICKLED_BYTE_ARRAY())
            self.kept = context.get_state(kept)

        def process_element(self, row, context):
            timers = context.timer_service()
            if context.timestamp() > timers.current_watermark():
                kept = set(self.kept.value() or ())
                kept.add((row.at, bool(row.ok), "" if row.ip is None else "=" + row.ip))
                self.kept.update(kept)
                timers.register_event_time_timer(row.at)
                timers.register_event_time_timer(row.at + 600_001)

        def on_timer(self, now, context):
            kept = self.kept.value() or set()
            past = sorted(each for each in kept if each[0] <= now)
            if any(ok and at == now for at, ok, _ in past):
                failures = [at for at, ok, _ in past if not ok and at >= now - 600_000]
                if len(failures) > 2:
                    yield Row(context.get_current_key(), min(failures), now, len(failures))
                kept = kept.difference(past)
            kept = {each for each in kept if each[0] > now - 600_001}
            if kept:
                self.kept.update(kept)
            else:
                self.kept.clear()

    names = ["user_id", "first_failed_at", "success_at", "failures"]
    kinds = [Types.STRING()] + [Types.LONG()] * 3
    return (
        stream.filter(lambda row: row[0] is not None)
        .key_by(lambda row: row[0], key_type=Types.STRING())
        .process(OneValue(), output_type=Types.ROW_NAMED(names, kinds))
        .uid("one-value")
        .name("alerts")
    )


def exactly_once_files(env, stream, folder: str, every: int) -> None:
    from pyflink.common import Configuration, Encoder
    from pyflink.datastream.connectors.file_system import (
        BucketAssigner,
        FileSink,
        OutputFileConfig,
        RollingPolicy,
    )

    settings = Configuration()
    settings.set_string("execution.checkpointing.interval", f"{every} ms")
    settings.set_string("execution.checkpointing.mode", "EXACTLY_ONCE")
    settings.set_string(
        "execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION"
    )
    env.configure(settings)
    sink = (
        FileSink.for_row_format(f"file://{folder}", Encoder.simple_string_encoder())
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .with_output_file_config(
            OutputFileConfig.builder().with_part_prefix("lines").with_part_suffix(".txt").build()
        )
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    )
    stream.sink_to(sink).name("lines").uid("lines")


def choose(brief: dict) -> dict:
    def get(key, default):
        value = brief.get(key)
        return default if value is None else value

    engines = ("spark", "flink")
    runs = [engine for engine in engines if engine in get("team", [])]
    once = get("exactly_once", False) is True
    signals = {
        "latency": (2, "flink", get("latency_ms", 1000) < 1000),
        "topic": (2, "flink", once and get("sink", "") == "kafka"),
        "table": (2, "spark", once and get("sink", "") == "delta"),
        "backfill": (2, "spark", get("same_code_for_batch", False)),
        "state": (1, "flink", get("state_gb", 0) > 200),
        "joins": (1, "flink", get("event_time_joins", 0) > 1),
        "team": (1, runs[0] if runs else "", len(runs) == 1),
    }
    held = {name: each for name, each in signals.items() if each[2]}
    weight = max((each[0] for each in held.values()), default=1)
    held = {name: engine for name, (level, engine, _) in held.items() if level == weight}
    votes = {engine: list(held.values()).count(engine) for engine in engines}
    if weight == 2:
        found = [engine for engine in engines if votes[engine]]
        return {"engine": found[0] if len(found) == 1 else "both", "reasons": list(held)}
    if votes["spark"] == votes["flink"]:
        return {"engine": "either", "reasons": list(held)}
    best = max(engines, key=votes.get)
    return {"engine": best, "reasons": [name for name in held if held[name] == best]}
