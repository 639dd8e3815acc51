# needs: sandbox
# says: .
import os

for _ in range(20):
    try:
        os.fork()
    except OSError:
        break
