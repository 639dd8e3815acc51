# fails: test_equal_rows_come_out_once
# because: a window without time needs all rows; Spark refuses it on a stream
# outcome: error


def deduplicate(events: DataFrame) -> DataFrame:
    from pyspark.sql import Window

    first = Window.partitionBy("event_id").orderBy("event_time")
    return watermarked(events).withColumn("n", F.row_number().over(first)).where("n = 1").drop("n")
