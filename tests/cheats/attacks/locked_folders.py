# outcome: failed
# spoils: locked a folder
import os
from pathlib import Path

place = Path(os.environ["LAB_SCRATCH"]).parents[1]
for folder in place.glob("jvm/*"):
    (folder / "warehouse").mkdir(exist_ok=True)
    (folder / "warehouse").chmod(0o500)
