# outcome: failed
# spoils: removed a folder
# next: udf
from pathlib import Path

folder = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent
spark.sql(f"CREATE DATABASE mine LOCATION '{folder / 'tables'}'")
spark.sql("DROP DATABASE mine CASCADE")
