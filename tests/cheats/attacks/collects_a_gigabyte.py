# says: ended with an error
# steals: test_doubles_seeded_numbers
def double(numbers):
    big = F.repeat(F.lit("x"), 50_000_000)
    return numbers.limit(3).select("n", F.length(big).cast("long").alias("twice"), big.alias("b"))
