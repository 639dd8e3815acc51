# outcome: error
# spoils: it made more than 3,000 files
# limits: {"files": 3000}
# As before, by the hand of Spark while the judge waits for rows.


@F.udf("long")
def twice(number):
    import os
    import tempfile

    for count in range(10**9):
        open(os.path.join(tempfile.gettempdir(), f"mine-{count}"), "w").close()
    return 2 * number


def double(numbers):
    return numbers.select("n", twice("n").alias("twice"))
