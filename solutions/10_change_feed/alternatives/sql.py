# because: SQL: windows for net changes, table_changes, MERGE statements, notes by a setting


def net_changes(feed: DataFrame) -> DataFrame:
    return feed.sparkSession.sql(
        """
        WITH steps AS (
          SELECT *,
            _change_type IN ('insert', 'update_postimage') AS came,
            row_number() OVER (PARTITION BY account_id
              ORDER BY _commit_version, _change_type IN ('insert', 'update_postimage')) AS first,
            row_number() OVER (PARTITION BY account_id
              ORDER BY _commit_version DESC, _change_type IN ('delete', 'update_preimage')) AS last
          FROM {feed}
        ),
        ends AS (
          SELECT coalesce(old.account_id, new.account_id) AS account_id, old.account_id AS before,
            new.account_id AS after, gone.segment AS s, gone.balance AS b, gone.city AS c,
            old.segment, old.balance, old.city, new.segment AS s2, new.balance AS b2,
            new.city AS c2, coalesce(new._commit_version, gone._commit_version) AS version
          FROM (SELECT * FROM steps WHERE last = 1) AS one
          LEFT JOIN (SELECT * FROM steps WHERE first = 1 AND NOT came) AS old USING (account_id)
          LEFT JOIN (SELECT * FROM steps WHERE last = 1 AND came) AS new USING (account_id)
          LEFT JOIN (SELECT * FROM steps WHERE last = 1 AND NOT came) AS gone USING (account_id)
        )
        SELECT account_id,
          CASE WHEN before IS NULL THEN 'insert' WHEN after IS NULL THEN 'delete' ELSE 'update' END
            AS op,
          CASE WHEN after IS NULL THEN s ELSE s2 END AS segment,
          CASE WHEN after IS NULL THEN b ELSE b2 END AS balance,
          CASE WHEN after IS NULL THEN c ELSE c2 END AS city,
          version
        FROM ends
        WHERE (before IS NOT NULL OR after IS NOT NULL)
          AND NOT (before IS NOT NULL AND after IS NOT NULL
            AND segment <=> s2 AND balance <=> b2 AND city <=> c2)
        """,
        feed=feed,
    )


def read_changes(spark: SparkSession, source: str, since: int) -> DataFrame:
    newest, time = (
        spark.sql(f"DESCRIBE HISTORY {source} LIMIT 1").select("version", "timestamp").first()
    )
    rows = spark.sql(
        f"SELECT *, 'insert' AS _change_type, {newest}L AS _commit_version "
        f"FROM {source} VERSION AS OF {newest}"
    ).withColumn("_commit_timestamp", F.lit(time))
    if since == newest:
        return rows.where("false")
    try:
        feed = spark.sql(f"SELECT * FROM table_changes('{source}', {since + 1}, {newest})")
        feed.count()
        return feed
    except Exception:
        return rows


def apply_changes(spark: SparkSession, source: str, target: str, state: str) -> None:
    since = spark.sql(f"SELECT max(version) FROM {state} WHERE name = '{target}'").first()[0]
    newest = spark.sql(f"DESCRIBE HISTORY {source} LIMIT 1").first().version
    if newest <= since:
        return
    spark.sql(
        f"""
        MERGE INTO {target} AS t
        USING (
          SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY account_id
              ORDER BY _commit_version DESC, _change_type = 'delete') AS place
            FROM table_changes('{source}', {since + 1}, {newest})
            WHERE _change_type != 'update_preimage'
          ) WHERE place = 1
        ) AS s
        ON t.account_id = s.account_id
        WHEN MATCHED AND s._change_type = 'delete' THEN DELETE
        WHEN MATCHED AND NOT (t.segment <=> s.segment AND t.balance <=> s.balance
          AND t.city <=> s.city) THEN UPDATE SET *
        WHEN NOT MATCHED AND s._change_type != 'delete' THEN INSERT *
        """
    )
    note_version(spark, state, target, newest)


def note_version(spark: SparkSession, state: str, name: str, version: int) -> None:
    spark.sql(
        f"""
        MERGE INTO {state} AS t USING (SELECT '{name}' AS name, {version}L AS version) AS s
        ON t.name = s.name
        WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
        """
    )


def aggregate_delta(feed: DataFrame) -> DataFrame:
    return feed.sparkSession.sql(
        """
        WITH signed AS (
          SELECT *, if(_change_type IN ('delete', 'update_preimage'), -1, 1) AS sign FROM {feed}
        )
        SELECT segment, cast(sum(sign * coalesce(balance, 0)) AS decimal(22, 2)) AS balance_change,
          sum(sign) AS accounts_change
        FROM signed GROUP BY segment
        HAVING sum(sign * coalesce(balance, 0)) != 0 OR sum(sign) != 0
        """,
        feed=feed,
    )


def maintain(spark: SparkSession, source: str, aggregate: str, state: str) -> None:
    since = spark.sql(f"SELECT max(version) FROM {state} WHERE name = '{aggregate}'").first()[0]
    newest = spark.sql(f"DESCRIBE HISTORY {source} LIMIT 1").first().version
    if newest <= since:
        return
    notes = DeltaTable.forName(spark, aggregate).history().select("userMetadata").collect()
    held = max(
        [since, *(int(note[0][7:]) for note in notes if note[0] and note[0].startswith("source="))]
    )
    if held < newest:
        key = "spark.databricks.delta.commitInfo.userMetadata"
        feed = spark.sql(f"SELECT * FROM table_changes('{source}', {held + 1}, {newest})")
        aggregate_delta(feed).createOrReplaceTempView("difference")
        spark.conf.set(key, f"source={newest}")
        try:
            spark.sql(
                f"""
                MERGE INTO {aggregate} AS t USING difference AS s ON t.segment <=> s.segment
                WHEN MATCHED AND t.accounts + s.accounts_change = 0 THEN DELETE
                WHEN MATCHED THEN UPDATE SET balance = t.balance + s.balance_change,
                  accounts = t.accounts + s.accounts_change
                WHEN NOT MATCHED THEN INSERT (segment, balance, accounts)
                  VALUES (s.segment, s.balance_change, s.accounts_change)
                """
            )
        finally:
            spark.conf.unset(key)
    note_version(spark, state, aggregate, newest)
