# because: pure SQL, one MERGE a task, with the null merge key in apply_scd2


def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    return updates.sparkSession.sql(
        """
        SELECT * FROM {updates} AS new
        WHERE NOT EXISTS (
          SELECT 1 FROM {current} AS old
          WHERE old.product_id = new.product_id AND old.name <=> new.name
            AND old.category <=> new.category AND old.price <=> new.price
        )
        """,
        current=current,
        updates=updates,
    )


def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    spark.sql(
        f"""
        MERGE INTO {table} AS old
        USING (
          WITH open AS (SELECT * FROM {table} WHERE is_current),
          said AS (
            SELECT product_id, name, category, price, effective_from, true AS known FROM open
            UNION ALL
            SELECT new.*, false FROM {{updates}} AS new LEFT JOIN open ON open.product_id = new.product_id
            WHERE open.product_id IS NULL OR new.updated_at > open.effective_from
          ),
          compared AS (
            SELECT *, lag(struct(name, category, price)) OVER (PARTITION BY product_id ORDER BY effective_from) AS before
            FROM said
          ),
          versions AS (
            SELECT *, lead(effective_from) OVER (PARTITION BY product_id ORDER BY effective_from) AS ends
            FROM compared WHERE NOT struct(name, category, price) <=> before
          )
          SELECT product_id AS merge_key, * FROM versions WHERE known AND ends IS NOT NULL
          UNION ALL
          SELECT null AS merge_key, * FROM versions WHERE NOT known
        ) AS new
        ON old.product_id = new.merge_key AND old.is_current
        WHEN MATCHED THEN UPDATE SET effective_to = new.ends, is_current = false
        WHEN NOT MATCHED THEN INSERT (product_id, name, category, price, effective_from, effective_to, is_current)
          VALUES (new.product_id, new.name, new.category, new.price, new.effective_from, new.ends, new.ends IS NULL)
        """,
        updates=updates,
    )


def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    spark.sql(
        f"""
        MERGE INTO {table} AS old
        USING (
          WITH said AS (
            SELECT product_id, name, category, price, updated_at AS at, 2 AS rank FROM {{updates}}
            UNION ALL
            SELECT product_id, name, category, price, effective_from, 1 FROM {table}
            WHERE product_id IN (SELECT product_id FROM {{updates}})
          ),
          points AS (
            SELECT product_id, at, max_by(struct(name, category, price), rank) AS said, min(rank) AS rank
            FROM said GROUP BY product_id, at
          ),
          compared AS (
            SELECT *, said <=> lag(said) OVER (PARTITION BY product_id ORDER BY at) AS repeats FROM points
          )
          SELECT *, lead(at) OVER (PARTITION BY product_id, repeats ORDER BY at) AS ends FROM compared
          WHERE NOT repeats OR rank = 1
        ) AS new
        ON old.product_id = new.product_id AND old.effective_from = new.at
        WHEN MATCHED AND new.repeats THEN DELETE
        WHEN MATCHED AND NOT (
          old.effective_to <=> new.ends AND struct(old.name, old.category, old.price) <=> new.said
        ) THEN UPDATE SET name = said.name, category = said.category, price = said.price,
          effective_to = new.ends, is_current = (new.ends IS NULL)
        WHEN NOT MATCHED THEN INSERT (product_id, name, category, price, effective_from, effective_to, is_current)
          VALUES (new.product_id, said.name, said.category, said.price, new.at, new.ends, new.ends IS NULL)
        """,
        updates=updates,
    )


def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    return facts.sparkSession.sql(
        f"""
        SELECT fact.*, version.name, version.category, version.price
        FROM {{facts}} AS fact LEFT JOIN {{dimension}} AS version
        ON fact.product_id = version.product_id AND version.effective_from <= fact.{ts}
        AND fact.{ts} < coalesce(version.effective_to, timestamp '9999-12-31')
        """,
        dimension=dimension,
        facts=facts,
    )
