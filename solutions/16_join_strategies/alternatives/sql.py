# because: all joins as SQL; bucketed tables by CREATE TABLE ... CLUSTERED BY


def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    return rides.sparkSession.sql(
        "SELECT * FROM {rides} r "
        "WHERE NOT EXISTS (SELECT 1 FROM {blocked} b WHERE b.ride_id = r.ride_id)",
        rides=rides,
        blocked=blocked,
    )


def range_join(facts: DataFrame, bands: DataFrame, bucket: int) -> DataFrame:
    return facts.sparkSession.sql(
        f"""
        WITH copies AS (
          SELECT lo, hi, name, explode(sequence(lo div {bucket}, (hi - 1) div {bucket})) AS bucket
          FROM {{bands}} WHERE hi > lo
        )
        SELECT f.*, c.name
        FROM {{facts}} f LEFT JOIN copies c
          ON c.bucket = f.pickup_ip div {bucket} AND f.pickup_ip >= c.lo AND f.pickup_ip < c.hi
        """,
        bands=bands,
        facts=facts,
    )


def as_of_join(
    left: DataFrame, right: DataFrame, by: str, ts: str, tolerance_seconds: int
) -> DataFrame:
    mine = ", ".join(f"row.{name}" for name in left.columns)
    theirs = ", ".join(
        f"CASE WHEN quote.{ts} >= at - INTERVAL {tolerance_seconds} SECONDS THEN quote.{name} END "
        f"AS right_{name}"
        for name in right.columns
    )
    return left.sparkSession.sql(
        f"""
        WITH both AS (
          SELECT {by} AS key, {ts} AS at, 1 AS side, 0L AS seq, struct(*) AS row, NULL AS quote
          FROM {{left}}
          UNION ALL
          SELECT {by}, {ts}, 0, seq, NULL, struct(*) FROM {{right}}
          WHERE {by} IS NOT NULL AND {ts} IS NOT NULL
        ), carried AS (
          SELECT at, side, row, last_value(quote) IGNORE NULLS OVER (
            PARTITION BY key ORDER BY at, side, seq
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
          ) AS quote
          FROM both
        )
        SELECT {mine}, {theirs} FROM carried WHERE side = 1
        """,
        left=left,
        right=right,
    )


def bucketed_join(spark: SparkSession, left_table: str, right_table: str, key: str) -> DataFrame:
    for table in (left_table, right_table):
        spark.sql(f"DROP TABLE IF EXISTS {table}_bucketed")
        spark.sql(
            f"CREATE TABLE {table}_bucketed USING parquet "
            f"CLUSTERED BY ({key}) SORTED BY ({key}) INTO {BUCKETS} BUCKETS AS "
            f"SELECT /*+ REPARTITION({BUCKETS}, {key}) */ * EXCEPT ({key}), "
            f"cast({key} AS bigint) AS {key} FROM {table}"
        )
    return spark.sql(
        f"SELECT * FROM {left_table}_bucketed JOIN {right_table}_bucketed USING ({key})"
    )
