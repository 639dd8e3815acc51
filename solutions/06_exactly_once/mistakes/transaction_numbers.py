# fails: test_the_number_of_a_batch_means_nothing
# because: txnAppId and txnVersion know a batch by its number, and skip new rows under an old one


def write_batch(batch: DataFrame, batch_id: int, tables: dict[str, str]) -> None:
    orders, dead = parse(batch)
    first = F.min_by(F.struct("*"), "offset").alias("first")
    once = orders.groupBy("event_id").agg(first).select("first.*")
    for name, rows in ((tables["orders"], once), (tables["dead"], dead)):
        writer = rows.write.format("delta").mode("append")
        writer = writer.option("txnAppId", "orders").option("txnVersion", batch_id)
        writer.saveAsTable(name)
