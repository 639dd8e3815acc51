# timeout: 5
# outcome: timeout
# spoils: .
# next: udf
def double(numbers):
    endless = F.lit("x" * 60).rlike(r"(.*)*z\1")
    return numbers.select("n", F.when(endless, F.col("n")).alias("twice"))
