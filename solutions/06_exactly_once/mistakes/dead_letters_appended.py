# fails: test_the_number_of_a_batch_means_nothing
# because: the orders are idempotent, the dead letters were forgotten


def write_batch(batch: DataFrame, batch_id: int, tables: dict[str, str]) -> None:
    orders, dead = parse(batch)
    first = F.min_by(F.struct("*"), "offset").alias("first")
    once = orders.groupBy("event_id").agg(first).select("first.*")
    message = "old.topic = new.topic AND old.partition = new.partition AND old.offset = new.offset"
    for name, rows, same in (
        (tables["orders"], once, "old.event_id = new.event_id"),
        (tables["dead"], dead, message),
    ):
        if name == tables["dead"]:
            rows.write.format("delta").mode("append").saveAsTable(name)
            continue
        table = DeltaTable.forName(batch.sparkSession, name).alias("old")
        table.merge(rows.alias("new"), same).whenNotMatchedInsertAll().execute()
