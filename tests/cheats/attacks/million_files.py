# status: timeout
# spoils: it made more than 3,000 files
# limits: {"files": 3000}
# Small files without an end: those who need the disk, too, would be left without one.
from pathlib import Path

for number in range(10**9):
    Path(f"mine-{number}").touch()
