# because: the costs in SQL, over temporary views


def workload_cost(spark: SparkSession, table: str, workload: DataFrame) -> DataFrame:
    location = spark.sql(f"DESCRIBE DETAIL {table}").first().location
    read = [
        (query.query_id, path.removeprefix(location + "/"))
        for query in workload.collect()
        for path in spark.table(table).where(query.predicate or "1 = 1").inputFiles()
    ]
    spark.createDataFrame(read, "query_id long, path string").createOrReplaceTempView("opened")
    workload.createOrReplaceTempView("queries")
    live_files(spark, table).createOrReplaceTempView("files")
    return spark.sql(
        """
        SELECT query_id, count(files.path) AS files, coalesce(sum(size), 0L) AS bytes,
          coalesce(sum(size), 0L) * runs_per_day AS bytes_per_day
        FROM queries LEFT JOIN opened USING (query_id) LEFT JOIN files USING (path)
        GROUP BY query_id, runs_per_day
        ORDER BY bytes_per_day DESC, query_id
        """
    )
