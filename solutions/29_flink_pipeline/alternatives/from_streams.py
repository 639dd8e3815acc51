# because: a watermark in a Schema over a stream; two process functions; timers at successes alone


def windowed(t_env, payments: str):
    from pyflink.table import Schema

    t_env.get_config().set("table.exec.source.idle-timeout", "100 ms")
    rows = t_env.to_data_stream(t_env.from_path(payments))
    schema = Schema.new_builder()
    for name, kind in PAYMENTS:
        schema = schema.column(name, kind)
    schema = schema.watermark("event_time", "event_time - INTERVAL '10' MINUTE").build()
    marked = t_env.from_data_stream(rows, schema)
    return t_env.sql_query(f"""
        SELECT
            TUMBLE_START(event_time, INTERVAL '5' MINUTE) AS window_start,
            TUMBLE_END(event_time, INTERVAL '5' MINUTE) AS window_end,
            store_id,
            SUM(COALESCE(amount, 0)) AS revenue,
            COUNT(1) AS payments
        FROM {marked}
        GROUP BY store_id, TUMBLE(event_time, INTERVAL '5' MINUTE)""")


def split_late(stream):
    from pyflink.datastream import ProcessFunction

    class Side(ProcessFunction):
        def __init__(self, late):
            self.late = late

        def process_element(self, row, context):
            ahead = context.timestamp() - context.timer_service().current_watermark()
            if (ahead <= 0) == self.late:
                yield row

    return tuple(stream.process(Side(late), stream.get_type()) for late in (False, True))


def alerts(stream):
    from pyflink.common import Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import ListStateDescriptor

    minutes = 60_000

    class AtSuccess(KeyedProcessFunction):
        def open(self, context):
            kind = Types.TUPLE([Types.LONG(), Types.BOOLEAN(), Types.PICKLED_BYTE_ARRAY()])
            self.attempts = context.get_list_state(ListStateDescriptor("attempts", kind))

        def process_element(self, row, context):
            service = context.timer_service()
            one = (row.at, row.ok, row.ip)
            known = [tuple(each) for each in self.attempts.get()]
            if row.at <= service.current_watermark() or one in known:
                return
            self.attempts.add(one)
            service.register_event_time_timer(row.at if row.ok else row.at + 10 * minutes + 1)

        def on_timer(self, now, context):
            every = [tuple(each) for each in self.attempts.get()]
            if (now, True) in [each[:2] for each in every]:
                failures = [
                    at for at, ok, _ in every if not ok and now - 10 * minutes <= at <= now
                ]
                if len(failures) >= 3:
                    yield context.get_current_key(), min(failures), now, len(failures)
                every = [each for each in every if each[0] > now]
            self.attempts.update([each for each in every if each[0] + 10 * minutes >= now])

    def has_user(row):
        return row.user_id is not None

    keyed = stream.filter(has_user).key_by(lambda row: row.user_id, Types.STRING())
    numbers = Types.TUPLE([Types.STRING(), Types.LONG(), Types.LONG(), Types.LONG()])
    return keyed.process(AtSuccess(), numbers).uid("at-success")


def exactly_once_files(env, stream, folder: str, every: int) -> None:
    from pyflink.common import Encoder
    from pyflink.datastream import CheckpointingMode, ExternalizedCheckpointRetention
    from pyflink.datastream.connectors.file_system import FileSink, RollingPolicy

    env.enable_checkpointing(every)
    settings = env.get_checkpoint_config()
    settings.set_checkpointing_mode(CheckpointingMode.EXACTLY_ONCE)
    settings.set_externalized_checkpoint_retention(
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION
    )
    encoder = Encoder.simple_string_encoder(charset_name="UTF-8")
    builder = FileSink.for_row_format(base_path=folder, encoder=encoder)
    sink = builder.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy()).build()
    written = stream.sink_to(sink)
    written.uid("text-files")


def choose(brief: dict) -> dict:
    given = {key: value for key, value in brief.items() if value is not None}
    flink, spark = [], []
    if "latency_ms" in given and given["latency_ms"] < 1000:
        flink.append("latency")
    if given.get("exactly_once"):
        side = {"kafka": (flink, "topic"), "delta": (spark, "table")}.get(given.get("sink"))
        if side:
            side[0].append(side[1])
    if given.get("same_code_for_batch"):
        spark.append("backfill")
    if not flink and not spark:
        if given.get("state_gb", -1) > 200:
            flink.append("state")
        if given.get("event_time_joins", -1) > 1:
            flink.append("joins")
        match sorted({*given.get("team", ())} & {"spark", "flink"}):
            case ["spark"]:
                spark.append("team")
            case ["flink"]:
                flink.append("team")
        if len(flink) == len(spark):
            return {"engine": "either", "reasons": flink + spark}
        return max(
            {"engine": "flink", "reasons": flink},
            {"engine": "spark", "reasons": spark},
            key=lambda each: len(each["reasons"]),
        )
    engine = "both" if flink and spark else "flink" if flink else "spark"
    return {"engine": engine, "reasons": flink + spark}
