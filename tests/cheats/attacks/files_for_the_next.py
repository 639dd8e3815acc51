# outcome: failed
# problem: addFile is not available to a graded submission
# next: udf
from pathlib import Path

# PySpark puts the folder of such files before site-packages, in each Python worker of this context.
for name in ("pandas", "pyarrow", "numpy"):
    planted = Path(f"{name}.py")
    planted.write_text("raise RuntimeError('planted by the one before')\n")
    spark.sparkContext.addFile(str(planted.resolve()))
