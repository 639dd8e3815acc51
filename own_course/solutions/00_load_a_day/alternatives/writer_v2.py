# because: the other writer, with a condition as a column
from pyspark.sql import functions as F


def load_day(spark: SparkSession, table: str, orders: DataFrame, day: datetime.date) -> None:
    orders.writeTo(table).overwrite(F.col("order_date") == F.lit(day))
