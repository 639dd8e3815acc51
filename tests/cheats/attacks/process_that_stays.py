# outcome: failed
import subprocess
import sys

LOOP = "import time\nwhile True:\n    open('still-here', 'a').write('x')\n    time.sleep(0.05)"
subprocess.Popen(
    [sys.executable, "-c", LOOP, "labkit-test-lingers"], start_new_session=True, close_fds=True
)
