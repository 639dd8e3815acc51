# outcome: failed
# next: udf
import subprocess
import sys

LOOP = "import time\nwhile True:\n    time.sleep(0.05)"


def linger(batches):
    subprocess.Popen(
        [sys.executable, "-c", LOOP, "labkit-test-lingers"], start_new_session=True, close_fds=True
    )
    yield from batches


def double(numbers):
    return numbers.mapInPandas(linger, "n long").selectExpr("n", "0L AS twice")
