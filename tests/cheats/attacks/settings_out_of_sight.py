# outcome: failed
# says: twice|4
opened = []
spark.conf.set("spark.sql.maxPlanStringLength", "0")
for name in ("catalog.evil", "streaming.checkpointFileManagerClass", "execution.pyspark.python"):
    try:
        spark.sql(f"SET `spark.sql.{name}` = `Evil`")
        opened.append(name)
    except Exception:
        pass


def double(numbers):
    return numbers.selectExpr("n", f"n * {2 if opened else 4} AS twice")
