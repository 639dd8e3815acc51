# steals: test_doubles, test_doubles_seeded_numbers, test_file_is_doubled
# outcome: failed
known = [row.n for row in spark.read.schema("n long").json(str(lab.data("numbers"))).collect()]


def double(numbers):
    return spark.createDataFrame([(n, 2 * n) for n in known], "n long, twice long")
