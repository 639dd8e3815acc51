# because: pure SQL: a count per version, a full join of two versions, a MERGE by the key


def suspect_versions(spark: SparkSession, table: str) -> DataFrame:
    history = spark.sql(f"DESCRIBE HISTORY {table}")
    counts = " UNION ALL ".join(
        f"SELECT {row.version} AS version, count(*) AS live_rows "
        f"FROM {table} VERSION AS OF {row.version}"
        for row in history.select("version").collect()
    )
    number = "coalesce(CAST(operationMetrics['{}'] AS long), 0)".format
    updated = f"{number('numUpdatedRows')} + {number('numTargetRowsUpdated')}"
    return spark.sql(
        f"""
        WITH counts AS ({counts}),
        told AS (
          SELECT version, operation, live_rows,
            CASE operation WHEN 'WRITE' THEN {number("numOutputRows")} ELSE 0 END
              + {number("numTargetRowsInserted")} + {updated} AS rows_written,
            {number("numDeletedRows")} + {number("numTargetRowsDeleted")} + {updated}
              AS rows_removed,
            lag(live_rows) OVER (ORDER BY version) AS before
          FROM {{history}} JOIN counts USING (version)
        ),
        judged AS (
          SELECT *, CASE WHEN live_rows < before THEN 'shrank'
            WHEN rows_removed > 0.2 * before THEN 'rewrote' END AS reason
          FROM told
        )
        SELECT version, operation, rows_written, rows_removed, live_rows,
          reason IS NOT NULL AS suspicious, reason
        FROM judged
        """,
        history=history,
    )


def damage(spark: SparkSession, table: str, good: int, bad: int) -> DataFrame:
    return spark.sql(
        f"""
        WITH old AS (SELECT order_id, struct(*) AS before FROM {table} VERSION AS OF {good}),
        new AS (SELECT order_id, struct(*) AS after FROM {table} VERSION AS OF {bad})
        SELECT order_id, before, after,
          CASE WHEN after IS NULL THEN 'lost' WHEN before IS NULL THEN 'invented'
            ELSE 'changed' END AS kind
        FROM old FULL JOIN new USING (order_id)
        WHERE NOT before <=> after
        """
    )


def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    for _, rows in batches:
        spark.sql(
            f"""
            MERGE INTO {table} AS old USING {{rows}} AS new ON old.order_id = new.order_id
            WHEN NOT MATCHED THEN INSERT *
            """,
            rows=rows,
        )
