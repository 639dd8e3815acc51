# needs: sandbox
# outcome: failed
# problem: BlockingIOError
import os
import time

for _ in range(5000):
    if os.fork() == 0:
        os.fork()
        time.sleep(600)
