# fails: test_any_cut_into_batches_gives_the_same_tables
# because: every message is a row of `orders`, known by its place: poison as a row of nulls, a redelivery as a second row


def write_batch(batch: DataFrame, batch_id: int, tables: dict[str, str]) -> None:
    orders, dead = parse(batch)
    places = dead.select("topic", "partition", "offset")
    message = "old.topic = new.topic AND old.partition = new.partition AND old.offset = new.offset"
    for name, rows in (
        (tables["orders"], orders.unionByName(places, allowMissingColumns=True)),
        (tables["dead"], dead),
    ):
        table = DeltaTable.forName(batch.sparkSession, name).alias("old")
        table.merge(rows.alias("new"), message).whenNotMatchedInsertAll().execute()
