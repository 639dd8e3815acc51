# outcome: failed
import threading

from pyspark.errors import PySparkException


def replace_all():
    try:
        for view in spark.catalog.listTables("global_temp"):
            spark.sql("SELECT 1L AS n, 2L AS twice").createOrReplaceGlobalTempView(view.name)
    except PySparkException:
        pass  # a view went while it was listed


def keep_replacing():
    while True:
        replace_all()


threading.Thread(target=keep_replacing, daemon=True).start()


def double(numbers):
    replace_all()
    return numbers.selectExpr("n", "0L AS twice")
