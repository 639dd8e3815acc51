# because: everything as SQL on the DataFrames, with other ways through periods, sessions and steps


def active_periods(subscriptions: DataFrame) -> DataFrame:
    return spark.sql(
        """
        WITH lasting AS (
          SELECT user_id, plan, started_at, ended_at, ended_at IS NULL AS endless
          FROM {subscriptions}
          WHERE ended_at IS NULL OR ended_at > started_at
        ),
        marked AS (
          SELECT *,
            max(ended_at) OVER before AS reached,
            bool_or(endless) OVER before AS never_ends
          FROM lasting
          WINDOW before AS (
            PARTITION BY user_id ORDER BY started_at, plan, ended_at
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
          )
        ),
        numbered AS (
          SELECT *, sum(
              CASE WHEN coalesce(never_ends, false) OR started_at <= reached THEN 0 ELSE 1 END
            ) OVER (
              PARTITION BY user_id ORDER BY started_at, plan, ended_at ROWS UNBOUNDED PRECEDING
            ) AS stretch
          FROM marked
        )
        SELECT user_id, min(started_at) AS from_ts,
          CASE WHEN NOT bool_or(endless) THEN max(ended_at) END AS to_ts,
          count(DISTINCT plan) AS plans
        FROM numbered GROUP BY user_id, stretch
        """,
        subscriptions=subscriptions,
    )


def sessionize(events: DataFrame, gap_minutes: int) -> DataFrame:
    return spark.sql(
        f"""
        WITH marked AS (
          SELECT *, event_time <= lag(event_time) OVER (PARTITION BY user_id ORDER BY event_time)
              + INTERVAL '{gap_minutes}' MINUTE AS goes_on
          FROM {{events}}
        ),
        numbered AS (
          SELECT *, sum(CASE WHEN goes_on THEN 0 ELSE 1 END) OVER (
              PARTITION BY user_id ORDER BY event_time RANGE UNBOUNDED PRECEDING
            ) AS session
          FROM marked
        )
        SELECT user_id, event_time, page, event_id,
          CASE WHEN user_id IS NOT NULL AND event_time IS NOT NULL
            THEN concat_ws('_', user_id, session - nulls) END AS session_id
        FROM (
          SELECT *, count_if(event_time IS NULL) OVER (PARTITION BY user_id) AS nulls FROM numbered
        )
        """,
        events=events,
    )


def funnel(events: DataFrame, steps: list[str], window_hours: int) -> DataFrame:
    rows = events.where("user_id IS NOT NULL AND event_time IS NOT NULL")
    path = (
        rows.where(F.col("page").isin(steps))
        .groupBy("user_id")
        .agg(F.sort_array(F.collect_list(F.struct("event_time", "event_id", "page"))).alias("path"))
    )
    # For each step the latest start from which it was reached, event by event.
    empty = F.array(*[F.lit(None).cast("timestamp") for _ in steps])
    limit = F.make_dt_interval(hours=F.lit(window_hours))

    def walk(state, event):
        new = []
        for number, step in enumerate(steps):
            start = event["event_time"] if number == 0 else state[number - 1]
            reached = (event["page"] == step) & (event["event_time"] <= start + limit)
            new.append(F.when(reached, F.greatest(state[number], start)).otherwise(state[number]))
        return F.array(*new)

    ends = path.select(F.aggregate("path", empty, walk).alias("starts"))
    counts = ends.agg(
        *[F.count(F.col("starts")[number]).alias(f"n{number}") for number in range(len(steps))]
    )
    lines = ", ".join(f"'{step}', {number + 1}, n{number}" for number, step in enumerate(steps))
    return counts.selectExpr(f"stack({len(steps)}, {lines}) AS (step, position, users)")


def top_pages(subscriptions: str, events: str, hidden: str, since: str, n: int) -> str:
    return f"""
        WITH once AS (SELECT DISTINCT user_id, page, event_id, event_time FROM {events}),
        shown AS (
          SELECT once.user_id, once.page, count(*) AS views
          FROM once LEFT ANTI JOIN {hidden} AS off ON off.page = once.page
          WHERE once.event_time >= timestamp '{since}' AND once.page IS NOT NULL
          GROUP BY ALL
        )
        SELECT s.user_id, t.position, t.page, nvl(t.views, 0) AS views
        FROM (SELECT user_id FROM {subscriptions} GROUP BY user_id) AS s
        LEFT JOIN (
          SELECT user_id, page, views, row_number() OVER best AS position FROM shown
          QUALIFY row_number() OVER best <= {n}
          WINDOW best AS (PARTITION BY user_id ORDER BY views DESC, page)
        ) AS t ON t.user_id = s.user_id
    """


def running_balance(events: DataFrame, as_of: date) -> DataFrame:
    return spark.sql(
        f"""
        WITH paid AS (
          SELECT country, to_date(paid_at) AS day, coalesce(sum(amount_cents), 0) AS revenue,
            max(CASE WHEN plan IS NOT NULL THEN struct(paid_at, payment_id, plan) END) AS latest
          FROM {{events}}
          WHERE paid_at < date_add(date '{as_of}', 1)
          GROUP BY ALL
        ),
        calendar AS (
          SELECT country, explode(sequence(min(day), date '{as_of}')) AS day
          FROM paid GROUP BY country
        ),
        days AS (
          SELECT country, day, coalesce(revenue, 0) AS revenue, latest
          FROM calendar LEFT JOIN paid USING (country, day)
        )
        SELECT country, day, revenue,
          sum(revenue) OVER (
            PARTITION BY country ORDER BY day RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW
          ) AS revenue_7d,
          rank() OVER (PARTITION BY country ORDER BY revenue DESC) AS place,
          revenue / nullif(sum(revenue) OVER (PARTITION BY country), 0) AS share,
          max(latest) OVER (PARTITION BY country ORDER BY day).plan AS last_plan
        FROM days
        """,
        events=events,
    )


def reporting_tree(employees: str) -> str:
    return f"""
        WITH RECURSIVE up AS (
          SELECT id, manager_id AS boss, array(id) AS seen, false AS circle FROM {employees}
          UNION ALL
          SELECT up.id, e.manager_id, array(e.id) || seen, array_contains(seen, e.id)
          FROM up JOIN {employees} AS e ON e.id = up.boss
          WHERE NOT circle
        ),
        ways AS (
          SELECT id, max_by(seen, size(seen)) AS chain, bool_or(circle) AS cyclic
          FROM up GROUP BY id
        ),
        cost AS (
          SELECT boss, sum(salary) AS cost
          FROM (SELECT id, explode(chain) AS boss FROM ways WHERE NOT cyclic) AS pairs
          JOIN {employees} AS e ON e.id = pairs.id AND pairs.boss <> e.id
          GROUP BY boss
        )
        SELECT id, CASE WHEN NOT cyclic THEN chain[0] END AS root,
          CASE WHEN NOT cyclic THEN size(chain) - 1 END AS depth,
          CASE WHEN NOT cyclic THEN array_join(chain, '/') END AS path,
          CASE WHEN NOT cyclic THEN coalesce(cost, 0) END AS cost_below,
          cyclic
        FROM ways LEFT JOIN cost ON cost.boss = ways.id
    """
