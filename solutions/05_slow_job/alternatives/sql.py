# because: pure SQL for the stage table, the diagnosis and the report


def stage_table(events: DataFrame) -> DataFrame:
    parsed = events.select(F.from_json("value", EVENT).alias("e")).select("e.*")
    return events.sparkSession.sql(
        """
        WITH ended AS (SELECT `Stage Info`.* FROM {parsed} WHERE Event = 'SparkListenerStageCompleted'),
        stages AS (
          SELECT `Stage ID` AS stage_id, any_value(`Stage Name`) AS name,
                 sum(`Completion Time` - `Submission Time`) AS duration_ms
          FROM ended GROUP BY `Stage ID`
        ),
        tasks AS (
          SELECT `Stage ID` AS stage_id, `Task Info`.`Partition ID` AS partition,
                 `Task Info`.`Finish Time` - `Task Info`.`Launch Time` AS ms,
                 `Task Metrics`.`Shuffle Read Metrics` AS read, `Task Metrics` AS metrics
          FROM {parsed}
          WHERE Event = 'SparkListenerTaskEnd' AND `Task End Reason`.Reason = 'Success'
        )
        SELECT s.stage_id, s.name, s.duration_ms, count(DISTINCT t.partition) AS tasks, max(t.ms) AS max_task_ms,
               percentile(t.ms, 0.5) AS median_task_ms,
               coalesce(sum(t.read.`Remote Bytes Read` + t.read.`Local Bytes Read`), 0) AS shuffle_read_bytes,
               coalesce(sum(t.metrics.`Shuffle Write Metrics`.`Shuffle Bytes Written`), 0) AS shuffle_write_bytes,
               coalesce(sum(t.metrics.`Disk Bytes Spilled`), 0) AS spill_bytes
        FROM stages s LEFT JOIN tasks t ON s.stage_id = t.stage_id
        GROUP BY s.stage_id, s.name, s.duration_ms
        """,
        parsed=parsed,
    )


def diagnosis(stages: DataFrame) -> DataFrame:
    return stages.sparkSession.sql(
        """
        WITH measured AS (
          SELECT *, max_task_ms / greatest(median_task_ms, 1D) AS ratio,
                 duration_ms / sum(duration_ms) OVER () AS share
          FROM {stages}
        )
        SELECT stage_id, share, CASE WHEN tasks > 0 THEN ratio END AS skew_ratio,
               CASE WHEN tasks = 0 THEN 'failed'
                    WHEN tasks = 1 THEN 'single_task'
                    WHEN ratio >= 3 THEN 'skew'
                    WHEN spill_bytes > 0 THEN 'spill'
                    WHEN tasks >= 100 AND median_task_ms < 50 THEN 'tiny_tasks'
                    ELSE 'compute' END AS cause
        FROM measured ORDER BY duration_ms DESC, stage_id LIMIT 1
        """,
        stages=stages,
    )


def fast_report(orders: DataFrame, customers: DataFrame, rates: DataFrame) -> DataFrame:
    return orders.sparkSession.sql(
        r"""
        WITH counted AS (
          SELECT customer_id, ordered_at, coalesce(amount, 0) AS amount,
                 upper(btrim(coalesce(nullif(currency, ''), 'EUR'), ' \t\r\n')) AS code
          FROM {orders}
          WHERE status IN ('paid', 'shipped')
            AND ordered_at >= timestamp'2026-01-01' AND ordered_at < timestamp'2027-01-01'
        ),
        priced AS (
          SELECT /*+ BROADCAST(r), BROADCAST(c) */
                 coalesce(nullif(c.country, ''), 'unknown') AS country,
                 coalesce(nullif(c.segment, ''), 'unknown') AS segment,
                 cast(bround(o.amount * r.rate, 2) AS decimal(14, 2)) AS euro
          FROM counted o
          JOIN {rates} r ON o.code = r.currency AND o.ordered_at >= r.valid_from
               AND (r.valid_to IS NULL OR o.ordered_at < r.valid_to)
          LEFT JOIN {customers} c ON o.customer_id = c.customer_id
        ),
        segments AS (
          SELECT country, segment, count(*) AS orders, sum(euro) AS revenue FROM priced GROUP BY country, segment
        )
        SELECT country, segment, orders, revenue,
               double(revenue) / nullif(double(sum(revenue) OVER (PARTITION BY country)), 0D) AS share
        FROM segments
        """,
        orders=orders,
        customers=customers,
        rates=rates,
    )


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    spark = priced.sparkSession
    priced.createOrReplaceTempView("priced_once")
    spark.sql("CACHE TABLE priced_once")
    try:
        for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
            rows = spark.sql(
                f"SELECT {key}, count(*) AS orders, sum(euro) AS revenue FROM priced_once GROUP BY {key}"
            )
            rows.write.mode("overwrite").saveAsTable(tables[name])
    finally:
        spark.sql("UNCACHE TABLE priced_once")
        spark.catalog.dropTempView("priced_once")
