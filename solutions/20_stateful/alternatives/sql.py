# because: pure SQL


def first_task(rows: DataFrame) -> DataFrame:
    return rows.sparkSession.sql("select distinct * from {rows}", rows=rows)
