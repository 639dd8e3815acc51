# outcome: failed
import threading


def replace():
    while True:
        for view in spark.catalog.listTables("global_temp"):
            spark.sql("SELECT 1L AS n, 2L AS twice").createOrReplaceGlobalTempView(view.name)


threading.Thread(target=replace, daemon=True).start()


def double(numbers):
    for view in spark.catalog.listTables("global_temp"):
        spark.sql("SELECT 1L AS n, 2L AS twice").createOrReplaceGlobalTempView(view.name)
    return numbers.selectExpr("n", "0L AS twice")
