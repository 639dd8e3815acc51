# %% adds_two
# task: double
# fails: test_doubles, test_doubles_seeded_numbers
# because: adds two
# breaks: every number and its double
# -    return numbers.select("n", (F.col("n") * 2).alias("twice"))
# +    return numbers.select("n", (F.col("n") + 2).alias("twice"))

# %% stores_nothing
# task: store
# fails: test_table_holds_doubles
# because: forgets to write
# breaks: Writes the doubled numbers to a Delta table.
def store(spark: SparkSession, table: str, numbers: DataFrame) -> None:
    double(numbers)
