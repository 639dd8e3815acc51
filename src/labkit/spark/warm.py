"""Attach to warm Spark: one background JVM for every notebook and check of this checkout."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit import home
from labkit.home import LabError
from labkit.spark import cluster

START_SECONDS = 120
SOCKET_BYTES = 100  # a Unix socket's path has 107 at most
_lease: dict[str, socket.socket] = {}


class GoneError(LabError):
    """Warm Spark is not running, or ended while it was being asked."""


def folder() -> Path:
    """Where warm Spark of this checkout, and cluster, has its socket, lock and log; for its user alone."""
    where = f"{home.root()} {cluster.master() or ''}".strip()
    digest = hashlib.sha256(where.encode()).hexdigest()[:10]
    path = home.cache_dir() / f"spark-{digest}"
    if len(str(path)) > SOCKET_BYTES - len("/socket"):
        path = Path(tempfile.gettempdir()) / f"labkit-{os.getuid()}-{digest}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise LabError(f"{path} belongs to another user; set LAB_CACHE to a folder of your own")
    path.chmod(0o700)
    return path


def fingerprint() -> str:
    """Tells a process started from other code, jars or Python from one started from these."""
    digest = hashlib.sha256(sys.executable.encode())
    package = Path(__file__).parent
    names = ("settings.py", "cold.py", "lease.py", "attached.py", "warm_server.py")
    for path in (*(package / name for name in names), home.lock_file("jars.lock")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def lease() -> dict[str, str]:
    """A lease for this process in the warm JVM, which is started when there is none.

    What it gives is for `attached.attach`.
    """
    cluster.use_storage()
    line, reply = _ask_or_start({"op": "attach", "pid": os.getpid(), "name": _own_name()})
    _lease["line"] = line  # open as long as this process lives: the lease ends with it
    os.environ["LAB_SCRATCH"] = reply["scratch"]
    environment: dict[str, str] = reply["environment"]
    return environment


def status() -> dict[str, Any] | None:
    """What warm Spark says of itself; None when none runs."""
    try:
        line, reply = _ask({"op": "status"})
    except GoneError:
        return None
    line.close()
    return reply


def stop() -> bool:
    """Ends warm Spark and waits until it is gone; whether there was one."""
    try:
        line, _ = _ask({"op": "stop"})
    except GoneError:
        return False
    with line:
        line.settimeout(30)
        while line.recv(1024):
            pass
    return True


def _own_name() -> str:
    return Path(sys.argv[0]).name or "python"


def _ask_or_start(request: dict[str, Any]) -> tuple[socket.socket, dict[str, Any]]:
    try:
        line, reply = _ask(request)
    except GoneError:
        _start()
        line, reply = _ask(request)
    if reply.get("fingerprint") == fingerprint():
        return line, reply
    others = [client for client in reply["clients"] if client["pid"] != os.getpid()]
    line.close()
    if others:
        raise LabError(
            f"warm Spark was started by another version of labkit and {len(others)} others use it; "
            "close those notebooks or run `lab spark stop`, then try again"
        )
    stop()
    _start()
    return _ask(request)


def _ask(request: dict[str, Any]) -> tuple[socket.socket, dict[str, Any]]:
    """The open connection and the answer; GoneError when nobody answers."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(START_SECONDS)
    try:
        line.connect(str(folder() / "socket"))
        line.sendall(json.dumps(request).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = line.recv(65536)
            if not part:
                raise GoneError("warm Spark ended")
            answer += part
    except (OSError, GoneError) as error:
        line.close()
        raise GoneError(f"warm Spark does not answer: {error}") from None
    reply = json.loads(answer)
    if "error" in reply:
        line.close()
        raise LabError(reply["error"])
    line.settimeout(None)
    return line, reply


def _start() -> None:
    """Starts the process unless another starter is quicker; returns when it listens."""
    place = folder()
    with _only_starter(place):
        if status() is not None:
            return
        (place / "socket").unlink(missing_ok=True)  # of a process that was killed
        environment = {**os.environ, "LAB_ROOT": str(home.root())}
        for name in ("LAB_SCRATCH", "LAB_GRADED"):
            environment.pop(name, None)
        log = (place / "log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "labkit.spark.warm_server", str(place)],
            cwd=home.root(), env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while not (place / "socket").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(
                    f"warm Spark did not start; its log is {place / 'log'}. Run `lab doctor`, or "
                    "set LAB_SPARK=cold for a private session"
                )
            time.sleep(0.02)  # between two looks for the socket


@contextmanager
def _only_starter(place: Path) -> Iterator[None]:
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
