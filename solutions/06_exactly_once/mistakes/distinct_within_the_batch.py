# fails: test_a_redelivered_event_is_one_row, test_the_number_of_a_batch_means_nothing
# because: dropDuplicates sees one batch; the second delivery comes in another


def write_batch(batch: DataFrame, batch_id: int, tables: dict[str, str]) -> None:
    orders, dead = parse(batch)
    orders, dead = orders.orderBy("offset").dropDuplicates(["event_id"]), dead.dropDuplicates()
    for name, rows in ((tables["orders"], orders), (tables["dead"], dead)):
        rows.write.format("delta").mode("append").saveAsTable(name)
