# because: pure SQL, with WATERMARK in the FROM clause and INSERT with transaction settings


def with_clause(events: DataFrame) -> str:
    known = "spark.watermarkDelayMs" in events.schema["event_time"].metadata
    return "" if known else "WATERMARK event_time DELAY OF INTERVAL 10 MINUTES"


def revenue_per_window(events: DataFrame) -> DataFrame:
    return events.sparkSession.sql(
        f"""
        SELECT window.start AS window_start, window.end AS window_end, store_id,
          sum(amount) AS revenue, count(*) AS payments
        FROM {{events}} {with_clause(events)}
        GROUP BY window(event_time, '5 minutes'), store_id
        """,
        events=events,
    )


def sessions(events: DataFrame) -> DataFrame:
    return events.sparkSession.sql(
        f"""
        SELECT card_id, session_window.start AS session_start, session_window.end AS session_end,
          count(*) AS payments, sum(amount) AS amount
        FROM {{events}} {with_clause(events)}
        GROUP BY card_id, session_window(event_time, '15 minutes')
        """,
        events=events,
    )


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    border = f"(SELECT max(event_time) - INTERVAL 10 MINUTES FROM {table})"

    def split(events: DataFrame, number: int) -> None:
        session = events.sparkSession
        session.conf.set("spark.databricks.delta.write.txnAppId", checkpoint)
        session.conf.set("spark.databricks.delta.write.txnVersion", str(number))
        session.sql(
            f"INSERT INTO {late_table} SELECT * FROM {{events}} WHERE event_time < {border}",
            events=events,
        )
        session.sql(
            f"INSERT INTO {table} SELECT * FROM {{events}} WHERE NOT coalesce(event_time < {border}, false)",
            events=events,
        )

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = stream.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()
