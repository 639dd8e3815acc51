# needs: sandbox
# outcome: failed
import os
import signal

for target in (os.getppid(), -1, *range(2, 65536)):
    if target not in (0, os.getpid()):
        try:
            os.kill(target, signal.SIGKILL)
        except OSError:
            pass
