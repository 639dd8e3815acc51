# because: periods as starts and ends that are counted, hashed ids, rank over a full order


def active_periods(subscriptions: DataFrame) -> DataFrame:
    lasting = subscriptions.where("ended_at IS NULL OR ended_at > started_at")
    starts = lasting.select(
        "user_id", F.col("started_at").alias("at"), F.lit(1).alias("step"), "plan"
    )
    ends = lasting.where("ended_at IS NOT NULL").select(
        "user_id", F.col("ended_at").alias("at"), F.lit(-1).alias("step"), F.lit(None).alias("plan")
    )
    # Starts come before ends of the same time, so that touching periods leave no moment without one.
    in_order = Window.partitionBy("user_id").orderBy("at", F.desc("step"), "plan")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    moments = (
        starts.unionByName(ends)
        .withColumn("running", F.sum("step").over(so_far))
        .withColumn("begins", F.when(F.expr("running = 1 AND step = 1"), F.col("at")))
        .withColumn("from_ts", F.last("begins", True).over(so_far))
    )
    # Two rows may start a stretch: only the first of them finds nothing running.
    return moments.groupBy("user_id", "from_ts").agg(
        F.when(F.sum("step") == 0, F.max(F.when(F.col("step") == -1, F.col("at")))).alias("to_ts"),
        F.size(F.collect_set("plan")).cast("long").alias("plans"),
    )


def sessionize(events: DataFrame, gap_minutes: int) -> DataFrame:
    mine = Window.partitionBy("user_id").orderBy("event_time", "event_id")
    micros = F.unix_micros("event_time")
    gap = micros - F.lag(micros).over(mine)
    first = F.when((gap > gap_minutes * 60_000_000) | gap.isNull(), micros)
    start = F.max(first).over(mine.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    known = F.col("user_id").isNotNull() & F.col("event_time").isNotNull()
    digest = F.sha2(F.concat_ws("/", "user_id", start), 256)
    return events.withColumn("session_id", F.when(known, digest))


def top_pages(subscriptions: str, events: str, hidden: str, since: str, n: int) -> str:
    return f"""
        WITH counted AS (
          SELECT user_id, page, size(collect_set(event_id)) AS views
          FROM {events}
          WHERE page NOT IN (SELECT page FROM {hidden} WHERE page IS NOT NULL)
            AND event_time >= to_timestamp('{since}')
          GROUP BY user_id, page
        ),
        best AS (
          SELECT * FROM (
            SELECT *, rank() OVER (PARTITION BY user_id ORDER BY views DESC, page) AS position
            FROM counted
          ) WHERE position < {n} + 1
        ),
        users AS (SELECT DISTINCT user_id FROM {subscriptions})
        SELECT user_id, position, page, bigint(views) AS views
        FROM best LEFT SEMI JOIN users USING (user_id)
        UNION ALL
        SELECT user_id, null, null, 0L FROM users LEFT ANTI JOIN best USING (user_id)
    """


def funnel(events: DataFrame, steps: list[str], window_hours: int) -> DataFrame:
    place = F.coalesce(*[F.when(F.col("page") == step, at) for at, step in enumerate(steps, 1)])
    rows = events.where("user_id IS NOT NULL AND event_time IS NOT NULL").withColumn("place", place)
    rows = rows.where("place IS NOT NULL")
    seen = (
        Window.partitionBy("user_id")
        .orderBy("event_time", "event_id")
        .rowsBetween(Window.unboundedPreceding, -1)
    )
    rows = rows.withColumn("start", F.when(F.col("place") == 1, F.col("event_time")))
    for position in range(2, len(steps) + 1):
        before = F.max(F.when(F.col("place") == position - 1, F.col("start"))).over(seen)
        seconds = F.unix_micros("event_time") - F.unix_micros(before)
        in_time = seconds <= window_hours * 3_600_000_000
        here = (F.col("place") == position) & in_time
        rows = rows.withColumn("start", F.when(here, before).otherwise(F.col("start")))
    furthest = rows.where("start IS NOT NULL").groupBy("user_id").agg(F.max("place").alias("last"))
    counted = furthest.select(
        F.explode(F.sequence(F.lit(1), "last")).alias("place"), F.lit(1).cast("long").alias("users")
    )
    zeros = ", ".join(f"({position}, 0L)" for position in range(1, len(steps) + 1))
    every = events.sparkSession.sql(f"SELECT * FROM VALUES {zeros} AS t(place, users)")
    names = F.array(*map(F.lit, steps))
    return (
        counted.unionByName(every)
        .groupBy("place")
        .agg(F.sum("users").alias("users"))
        .select(names[F.col("place") - 1].alias("step"), F.col("place").alias("position"), "users")
    )


def reporting_tree(employees: str) -> str:
    return f"""
        WITH RECURSIVE tree AS (
          SELECT id, id AS root, 0 AS depth, string(id) AS path, salary FROM {employees}
          WHERE manager_id IS NULL
            OR manager_id NOT IN (SELECT id FROM {employees} WHERE id IS NOT NULL)
          UNION ALL
          SELECT e.id, root, depth + 1, path || '/' || e.id, e.salary
          FROM {employees} AS e JOIN tree ON tree.id = e.manager_id
        ),
        costs AS (
          SELECT bigint(boss) AS id, sum(salary) AS cost
          FROM (SELECT id AS own, salary, explode(split(path, '/')) AS boss FROM tree)
          WHERE own <> bigint(boss)
          GROUP BY 1
        )
        SELECT e.id, root, depth, path, if(root IS NULL, null, nvl(cost, 0D)) AS cost_below,
          isnull(root) AS cyclic
        FROM {employees} AS e LEFT JOIN tree ON tree.id = e.id LEFT JOIN costs ON costs.id = e.id
    """
