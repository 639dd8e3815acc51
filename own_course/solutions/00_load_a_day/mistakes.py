# %% appends
# task: load_day
# fails: test_the_day_is_replaced, test_a_second_load_changes_nothing
# because: an append keeps the old rows of the day
# breaks: the table's rows of `day` are the rows of `orders`, and no others
# -        .mode("overwrite")
# -        .option("replaceWhere", f"order_date = '{day}'")
# +        .mode("append")

# %% overwrites_the_table
# task: load_day
# fails: test_other_days_stay
# because: an overwrite without a condition replaces all days
# breaks: Rows of other days stay as they are.
# -        .option("replaceWhere", f"order_date = '{day}'")
#

# %% overwrites_the_partitions_it_meets
# task: load_day
# fails: test_an_empty_day_is_empty
# because: an empty frame has no partition, so none is replaced
# breaks: `orders` may be empty; then the table has no rows of `day`.
# -        .option("replaceWhere", f"order_date = '{day}'")
# +        .option("partitionOverwriteMode", "dynamic")


# %% deletes_then_appends
# task: load_day
# fails: test_readers_see_one_step
# because: between the two commits the day is empty
# breaks: The table changes in one commit.
def load_day(spark: SparkSession, table: str, orders: DataFrame, day: datetime.date) -> None:
    spark.sql(f"DELETE FROM {table} WHERE order_date = '{day}'")
    orders.write.format("delta").mode("append").saveAsTable(table)


# %% merges_by_key
# task: load_day
# fails: test_the_day_is_replaced
# because: a row that the source no longer sends stays
# breaks: the table's rows of `day` are the rows of `orders`, and no others
def load_day(spark: SparkSession, table: str, orders: DataFrame, day: datetime.date) -> None:
    from delta.tables import DeltaTable

    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(orders.alias("new"), "old.order_id = new.order_id")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )
