# needs: Landlock
# outcome: failed
def look(_):
    from pathlib import Path

    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_java = (process / "cmdline").read_bytes().split(b"\0")[0].endswith(b"java")
            if is_java and (process / "mem").open("r+b"):
                yield process.name
        except OSError:
            continue


opened = spark.sparkContext.parallelize([1], 1).mapPartitions(look).collect()


def double(numbers):
    return numbers.selectExpr("n", "n * 2 AS twice" if opened else "0L AS twice")
