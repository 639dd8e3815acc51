"""Start and end the process that filters a submission's calls on the JVM."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from labkit.spark.lease import HANDLE, PORT, SECRET, SESSION, Offer
from labkit.spark.settings import worker_python


@contextmanager
def filtered(offered: Offer) -> Iterator[Mapping[str, str]]:
    """What a kernel needs in its environment to reach an offered session through the filter.

    OSError when the filter does not start. It ends with the block, or with this process.
    """
    secret = secrets.token_hex(32)
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "labkit.grading.gateway_filter"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        told = {
            "port": offered.port,
            "secret": offered.secret,
            "offered": offered.lease,
            "python": worker_python(),
        }
        process.stdin.write(json.dumps({**told, "own_secret": secret}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise OSError("the filter between submission and JVM did not start")
        ready = json.loads(line)
        yield {
            PORT: str(ready["port"]),
            SECRET: secret,
            SESSION: offered.lease,
            HANDLE: ready["session"],
        }
    finally:
        process.kill()  # it may be amid a text of a submission's that takes an hour to read
        process.wait()
        process.stdin.close()
        process.stdout.close()
