# because: late_events as a loop over files; Delta remembers which ones are written


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    from pathlib import Path

    newest = None
    for number, path in enumerate(sorted(Path(source).glob("*.json"))):
        events = spark.read.schema(EVENTS).json(str(path))
        border = None if newest is None else newest - timedelta(minutes=10)
        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
        for rows, name in [(events.where(~is_late), table), (events.where(is_late), late_table)]:
            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
            writer.option("txnVersion", number).saveAsTable(name)
        found = events.agg(F.max("event_time")).first()[0]
        newest = max(filter(None, [newest, found]), default=None)
