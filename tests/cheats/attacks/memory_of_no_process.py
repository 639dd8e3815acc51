# outcome: failed
# problem: Function not implemented
# limits: {"memory_mb": 2000}
# needs: sandbox
# Memory as a file, of which a process may hold thousands: it counts as nobody's addresses.
import os

held = []
for number in range(3):
    held.append(os.memfd_create("mine"))
    os.posix_fallocate(held[-1], 0, 900_000_000)
