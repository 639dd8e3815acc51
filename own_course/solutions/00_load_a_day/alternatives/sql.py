# because: pure SQL


def load_day(spark: SparkSession, table: str, orders: DataFrame, day: datetime.date) -> None:
    spark.sql(
        f"INSERT INTO {table} REPLACE WHERE order_date = '{day}' SELECT * FROM {{orders}}",
        orders=orders,
    )
