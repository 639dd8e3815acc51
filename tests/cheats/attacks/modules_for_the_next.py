# outcome: failed
# next: udf
import os
from pathlib import Path

# PySpark puts this folder of the JVM's before site-packages, in each Python worker.
planted = 0
for folder in Path(os.environ["LAB_SCRATCH"]).parents[1].glob("jvm/*/spark-*/userFiles-*"):
    for name in ("pandas", "pyarrow", "numpy", "py4j"):
        (folder / f"{name}.py").write_text("raise SystemExit('planted by the one before')\n")
        planted += 1
assert planted

# Whoever empties that folder must not follow a link out of it.
for folder in Path(os.environ["LAB_SCRATCH"]).parents[1].glob("jvm/*/spark-*"):
    (folder / "userFiles-mine").symlink_to("/etc")
    (folder / "userFiles-folder").mkdir()
    (folder / "userFiles-folder" / "etc").symlink_to("/etc")
