# outcome: failed
# next: catalog
import threading


def write():
    while True:
        try:
            spark.sql("CREATE DATABASE IF NOT EXISTS lab_stays")
            spark.sql("SELECT 1L AS n, 2L AS twice").createOrReplaceGlobalTempView("numbers")
        except Exception:
            pass


for _ in range(3):
    threading.Thread(target=write).start()
