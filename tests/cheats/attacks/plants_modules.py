# outcome: failed
# next: udf
def plant(rows):
    import os
    from pathlib import Path

    # The folder that Python workers start in. Those of the next submission would run this instead.
    for name in ("pyspark", "py4j", "labkit"):
        Path(name).mkdir()
        Path(name, "__init__.py").write_text("raise SystemExit('mine')\n")
    Path("sitecustomize.py").write_text("raise SystemExit('mine')\n")
    site = Path.home() / ".local/lib" / f"python{'.'.join(os.sys.version.split('.')[:2])}"
    (site / "site-packages").mkdir(parents=True)
    (site / "site-packages/usercustomize.py").write_text("raise SystemExit('mine')\n")
    yield from rows


spark.sparkContext.parallelize([1], 1).mapPartitions(plant).collect()
