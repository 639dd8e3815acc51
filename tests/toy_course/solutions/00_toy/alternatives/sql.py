# because: pure SQL


def double(numbers: DataFrame) -> DataFrame:
    return numbers.sparkSession.sql("select n, n + n as twice from {numbers}", numbers=numbers)
