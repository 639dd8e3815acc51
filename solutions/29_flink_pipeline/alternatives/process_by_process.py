# because: hopping windows of one hop; a keyed split the other way round; two states for a user


def windowed(t_env, payments: str):
    t_env.get_config().get_configuration().set_string("table.exec.source.idle-timeout", "500 milli")
    timed = f"{payments}_with_a_watermark"
    t_env.execute_sql(
        f"CREATE TABLE IF NOT EXISTS {timed} "
        "(WATERMARK FOR event_time AS TIMESTAMPADD(MINUTE, -10, event_time)) "
        f"LIKE {payments} (INCLUDING ALL)"
    )
    view = f"{payments}_in_windows"
    t_env.create_temporary_view(
        view,
        t_env.sql_query(
            f"SELECT * FROM TABLE(HOP(DATA => TABLE {timed}, TIMECOL => DESCRIPTOR(event_time), "
            "SLIDE => INTERVAL '5' MINUTES, SIZE => INTERVAL '5' MINUTES))"
        ),
    )
    return t_env.sql_query(
        "SELECT window_start, window_end, store_id, "
        "SUM(amount) FILTER (WHERE amount IS NOT NULL) AS revenue, COUNT(*) AS payments "
        f"FROM {view} GROUP BY store_id, window_end, window_start"
    )


def split_late(stream):
    from pyflink.common import Types
    from pyflink.datastream import KeyedProcessFunction, OutputTag

    early = OutputTag("on-time", stream.get_type())

    class Route(KeyedProcessFunction):
        def process_element(self, row, context):
            watermark = context.timer_service().current_watermark()
            yield (early, row) if context.timestamp() > watermark else row

    keyed = stream.key_by(lambda row: 7, key_type=Types.INT())
    late = keyed.process(Route(), output_type=stream.get_type()).set_parallelism(1)
    return late.get_side_output(early), late


def alerts(stream):
    from pyflink.common import Row, Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import MapStateDescriptor

    span = 10 * 60 * 1000

    class TwoStates(KeyedProcessFunction):
        def open(self, context):
            for name in ("failures", "successes"):
                kind = Types.LONG(), Types.PICKLED_BYTE_ARRAY()
                setattr(self, name, context.get_map_state(MapStateDescriptor(name, *kind)))

        def process_element(self, row, context):
            timers = context.timer_service()
            if row["at"] <= timers.current_watermark():
                return
            if row["ok"]:
                self.successes.put(row["at"], b"")
                timers.register_event_time_timer(row["at"])
            else:
                addresses = self.failures.get(row["at"]) or set()
                self.failures.put(row["at"], addresses | {row["ip"]})
                timers.register_event_time_timer(row["at"] + span + 1)

        def on_timer(self, now, context):
            if self.successes.contains(now):
                self.successes.remove(now)
                before = [at for at, _ in self.failures.items() if at <= now]
                inside = [at for at in before if at + span >= now]
                count = sum(len(self.failures.get(at)) for at in inside)
                if count >= 3:
                    yield Row(
                        user_id=context.get_current_key(), first_failed_at=min(inside),
                        success_at=now, failures=count,
                    )  # fmt: skip
                for at in before:
                    self.failures.remove(at)
            old = now - span - 1
            if self.failures.contains(old):
                self.failures.remove(old)

    kind = Types.ROW_NAMED(
        ["user_id", "first_failed_at", "success_at", "failures"],
        [Types.STRING(), Types.LONG(), Types.LONG(), Types.LONG()],
    )
    named = stream.flat_map(lambda row: [row] if row.user_id is not None else [],
                            output_type=stream.get_type())  # fmt: skip
    keyed = named.key_by(lambda row: row.user_id, key_type=Types.STRING())
    found = keyed.process(TwoStates(), output_type=kind)
    found.uid("two-states")
    return found
