# outcome: failed
# spoils: locked a folder
from pathlib import Path

home = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent


def lock(_):
    # Who owns a folder changes its mode, also where it can't write.
    for folder in home.glob("spark-*/userFiles-*"):
        folder.chmod(0o500)
        yield str(folder)


assert spark.sparkContext.parallelize([1], 1).mapPartitions(lock).collect()
