# because: everything in SQL, frames as parameters


def flatten(envelopes: DataFrame) -> DataFrame:
    return envelopes.sparkSession.sql(
        """
        with images as (
          select if(op = 'd', before, after) as image, op, source.lsn as lsn
          from {envelopes} where op is not null
        )
        select image.*, op, lsn from images where image.customer_id is not null
        """,
        envelopes=envelopes,
    )


def quarantine(envelopes: DataFrame) -> DataFrame:
    return envelopes.sparkSession.sql(
        """
        select *, concat('no customer_id in an event with op ', op) as reason
        from {envelopes}
        where op is not null and if(op = 'd', before.customer_id, after.customer_id) is null
        """,
        envelopes=envelopes,
    )


def latest_changes(changes: DataFrame) -> DataFrame:
    session = changes.sparkSession
    return session.sql(
        """
        select newest.* from (
          select max_by(struct(*), lsn) as newest from {changes} group by customer_id
        )
        """,
        changes=changes,
    )


def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    latest_changes(changes).createOrReplaceTempView("staged_changes")
    changes.sparkSession.sql(
        f"""
        MERGE INTO {table} t
        USING (
          SELECT customer_id, name, email, city, lsn, op = 'd' AS is_deleted FROM staged_changes
        ) s
        ON t.customer_id = s.customer_id
        WHEN MATCHED AND s.lsn > t.lsn THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        """
    )


def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    latest_changes(changes).createOrReplaceTempView("staged_changes")
    changes.sparkSession.sql(
        f"""
        MERGE WITH SCHEMA EVOLUTION INTO {table} t
        USING (SELECT * EXCEPT (op), op = 'd' AS is_deleted FROM staged_changes) s
        ON t.customer_id = s.customer_id
        WHEN MATCHED AND s.lsn > t.lsn THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        """
    )
