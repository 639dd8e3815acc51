# status: timeout
# spoils: it made more than 200,000 files, or 200 MB of them
# limits: {"disk_mb": 200}
# Files below a path that is longer than Linux takes one: who lists folders by path never sees them.
import os
import time

for _ in range(25):
    os.mkdir("n" * 200)
    os.chdir("n" * 200)
for number in range(8):
    with open(f"mine-{number}", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 100_000_000)
time.sleep(60)
