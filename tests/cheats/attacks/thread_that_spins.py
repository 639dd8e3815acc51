# outcome: failed
# spoils: of its threads can't be stopped
# next: udf
import threading

endless = r"SELECT repeat('x', 60) rlike '(.*)*z\\1'"
threading.Thread(target=lambda: spark.sql(endless).collect(), daemon=True).start()
