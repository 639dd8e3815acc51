# status: timeout
# spoils: it made more than 200,000 files, or 200 MB of them
# limits: {"disk_mb": 200}
# Files that were removed and are open still take the disk, and lie in no folder.
import os
import time

held = []
for number in range(8):
    held.append(open("mine", "wb"))
    os.unlink("mine")
    os.posix_fallocate(held[-1].fileno(), 0, 100_000_000)
time.sleep(60)
