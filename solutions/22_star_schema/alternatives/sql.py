# because: one MERGE in SQL a table, keys by max and row_number within it


def load_dimension(spark: SparkSession, table: str, updates: DataFrame) -> None:
    spark.sql(
        f"""
        MERGE INTO {table} AS old
        USING (
          WITH batch AS (
            SELECT DISTINCT customer_id, effective_from, segment, recorded_at FROM {{updates}}
          ),
          mine AS (
            SELECT * FROM {table} WHERE customer_id IN (SELECT customer_id FROM batch)
          ),
          fresh AS (
            SELECT b.*, i.customer_key AS waiting,
              row_number() OVER (PARTITION BY b.customer_id ORDER BY b.effective_from) AS place
            FROM batch AS b LEFT JOIN mine AS i ON i.customer_id = b.customer_id AND i.is_inferred
            LEFT ANTI JOIN mine AS m
              ON m.customer_id = b.customer_id AND m.effective_from = b.effective_from
          ),
          said AS (
            SELECT customer_key, customer_id, segment, effective_from, known_at
            FROM mine WHERE NOT is_inferred
            UNION ALL
            SELECT if(place = 1, waiting, null), customer_id, segment, effective_from, recorded_at
            FROM fresh
          )
          SELECT
            coalesce(
              customer_key, highest + row_number() OVER (ORDER BY customer_id, effective_from)
            ) AS customer_key,
            customer_id, segment, effective_from,
            lead(effective_from) OVER (PARTITION BY customer_id ORDER BY effective_from)
              AS effective_to,
            known_at, false AS is_inferred
          FROM said CROSS JOIN (
            SELECT greatest(max(customer_key), 0) AS highest FROM {table}
          )
          UNION ALL SELECT -1, null, 'unknown', null, null, null, false
          UNION ALL SELECT -2, null, 'not applicable', null, null, null, false
        ) AS new
        ON old.customer_key = new.customer_key
        WHEN MATCHED AND new.customer_key > 0 THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        """,
        updates=updates,
    )


def revenue(spark: SparkSession, tables: dict[str, str], as_known_at: datetime) -> DataFrame:
    return spark.sql(
        f"""
        WITH known AS (
          SELECT * FROM {tables["customers"]} WHERE known_at <= timestamp '{as_known_at}'
        ),
        pairs AS (
          SELECT f.*, k.segment, k.effective_from, k.effective_from <= f.sold_at AS begun
          FROM {tables["facts"]} AS f LEFT JOIN known AS k ON k.customer_id = f.customer_id
          WHERE f.booked_at <= timestamp '{as_known_at}'
        ),
        named AS (
          SELECT sale_id, booked_at, day, amount, customer_id AS who,
            max_by(segment, effective_from) FILTER (WHERE begun) AS valid,
            min_by(segment, effective_from) AS earliest
          FROM pairs GROUP BY ALL
        )
        SELECT day,
          if(who IS NULL, 'not applicable', coalesce(valid, earliest, 'unknown')) AS segment,
          sum(amount) AS amount
        FROM named GROUP BY ALL
        """
    )


def conformed_report(sales: DataFrame, calls: DataFrame, customers: DataFrame) -> DataFrame:
    return sales.sparkSession.sql(
        """
        SELECT coalesce(segment, 'unknown') AS segment,
          CAST(sum(amount) AS decimal(22,2)) AS amount, sum(minutes) AS minutes
        FROM (
          SELECT customer_key, amount, 0 AS minutes FROM {sales}
          UNION ALL SELECT customer_key, 0, minutes FROM {calls}
        ) LEFT JOIN {customers} USING (customer_key)
        GROUP BY ALL
        """,
        sales=sales,
        calls=calls,
        customers=customers,
    )
