# fails: test_doubles, test_doubles_seeded_numbers
# because: adds two


def double(numbers: DataFrame) -> DataFrame:
    return numbers.select("n", (F.col("n") + 2).alias("twice"))
