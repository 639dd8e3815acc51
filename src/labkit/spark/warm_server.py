"""The background process of warm Spark: owns one JVM, hands out sessions, cleans up after each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from labkit.spark import cluster
from labkit.spark.cold import cold_session
from labkit.spark.lease import Offer, offer, withdraw
from labkit.spark.warm import fingerprint

IDLE = "LAB_SPARK_IDLE"
IDLE_MINUTES = 30.0
FAILED_SECONDS = 3.0  # that a process without Spark stays, to say why
LOW_DISK_BYTES = 500_000_000
WARM_UP = """
CREATE TABLE {0}.a (id LONG, v STRING) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true');
INSERT INTO {0}.a VALUES (1, 'a'), (2, 'b');
MERGE INTO {0}.a t USING (SELECT 2L AS id, 'c' AS v) s ON t.id = s.id
  WHEN MATCHED AND s.v > t.v THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
"""


def warm_up(session: SparkSession) -> None:
    """A small write, a MERGE and a query."""
    session.sql("CREATE DATABASE warm_up")
    for statement in WARM_UP.format("warm_up").split(";"):
        session.sql(statement)
    session.sql("SELECT v, count(*) FROM warm_up.a GROUP BY v").collect()
    session.sql("DROP DATABASE warm_up CASCADE")


@dataclass
class Client:
    """One attachment: its process and what it holds of the JVM."""

    pid: int
    name: str
    offer: Offer
    scratch: Path
    since: float = field(default_factory=time.monotonic)


class Server:
    """Accepts connections; a connection that attached is a lease that ends when it closes."""

    def __init__(self, place: Path, idle_seconds: float) -> None:
        self._place, self._idle_seconds = place, idle_seconds
        self._started = self._last_used = time.monotonic()
        self._clients: dict[str, Client] = {}
        self._guard = threading.Lock()
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._failure: str | None = None
        self._spark: SparkSession | None = None
        self._scratch = Path(tempfile.mkdtemp(prefix="labkit-warm-"))

    def run(self) -> None:
        """Serves until stopped, idle for too long, or left by its JVM."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        draft = self._place / "socket.new"
        draft.unlink(missing_ok=True)
        previous = os.umask(0o177)
        listener.bind(str(draft))
        os.umask(previous)
        listener.listen(64)
        draft.rename(self._place / "socket")
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        threading.Thread(target=self._start_spark, daemon=True).start()
        try:
            while not self._ended.wait(timeout=self._until_idle()):
                if self._until_idle() <= 0:
                    self._say("idle")
                    break
        finally:
            (self._place / "socket").unlink(missing_ok=True)
            listener.close()
            self._close()

    def _close(self) -> None:
        self._say("ending")
        process = self._jvm_process()
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _until_idle(self) -> float:
        with self._guard:
            if self._clients or not self._ready.is_set():
                self._last_used = time.monotonic()
                return min(self._idle_seconds, 1.0)
            return self._last_used + self._idle_seconds - time.monotonic()

    def _start_spark(self) -> None:
        try:
            self._spark = cold_session(app="labkit-warm", scratch=self._scratch, lasting=True)
        except Exception as error:  # whatever it is, who waits must hear of it
            self._failure = str(error) or type(error).__name__
            self._say(self._failure)
            self._ready.set()
            with self._guard:  # who asks in the next moments is told, then nobody is left to ask
                self._idle_seconds = min(self._idle_seconds, FAILED_SECONDS)
            return
        self._ready.set()
        self._say(f"Spark is ready after {time.monotonic() - self._started:.1f} s")
        threading.Thread(target=self._watch_jvm, daemon=True).start()
        self._warm_up()

    def _warm_up(self) -> None:
        """So that a learner's first MERGE finds its classes loaded."""
        assert self._spark is not None
        try:
            warm_up(self._spark.newSession())
        except Exception as error:  # the JVM may end meanwhile; warming up is a courtesy
            self._say(f"warming up stopped: {error}")

    def _jvm_process(self) -> Any:
        spark = self._spark
        return None if spark is None else getattr(spark._sc._gateway, "proc", None)

    def _watch_jvm(self) -> None:
        process = self._jvm_process()
        process.wait()
        self._say(f"the JVM ended with code {process.returncode}")
        self._ended.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as lines:
            try:
                request = json.loads(lines.readline(65536))
                match request.get("op"):
                    case "attach":
                        self._lease(line, request)
                    case "status":
                        _answer(line, self._status())
                    case "stop":
                        _answer(line, {})
                        self._ended.set()
                        self._wait_for_end(line)
                    case other:
                        _answer(line, {"error": f"unknown request {other!r}"})
            except (OSError, ValueError) as error:
                self._say(f"a connection failed: {error}")

    def _wait_for_end(self, line: socket.socket) -> None:
        line.recv(1)  # returns when the other side closes, or this process ends

    def _lease(self, line: socket.socket, request: dict[str, Any]) -> None:
        self._ready.wait()
        if self._spark is None:
            _answer(line, {"error": self._failure or "Spark did not start"})
            return
        spark = self._spark
        with self._guard:
            offered = offer(spark)
            scratch = self._scratch / offered.lease
            scratch.mkdir()
            client = Client(int(request["pid"]), str(request["name"])[:60], offered, scratch)
            self._clients[offered.lease] = client
        try:
            _answer(
                line,
                {
                    "fingerprint": fingerprint_at_start,
                    "environment": offered.environment,
                    "scratch": str(scratch),
                    "clients": self._named(),
                },
            )
            while line.recv(1024):
                pass
        except OSError:
            pass
        finally:
            withdraw(spark, offered)
            shutil.rmtree(scratch, ignore_errors=True)
            self._free_disk(spark)
            with self._guard:
                self._clients.pop(offered.lease, None)
                self._last_used = time.monotonic()

    def _free_disk(self, spark: SparkSession) -> None:
        """On a disk that is nearly full: Spark deletes shuffle files when their frames are collected."""
        if shutil.disk_usage(self._scratch).free < LOW_DISK_BYTES:
            self._say("the disk is nearly full")
            jvm: Any = spark._jvm
            with suppress(Py4JError, OSError):
                jvm.System.gc()

    def _named(self) -> list[dict[str, Any]]:
        now = time.monotonic()
        return [
            {"pid": c.pid, "name": c.name, "seconds": round(now - c.since)}
            for c in self._clients.copy().values()
        ]

    def _status(self) -> dict[str, Any]:
        process = self._jvm_process()
        return {
            "fingerprint": fingerprint_at_start,
            "pid": os.getpid(),
            "jvm_pid": process.pid if process else None,
            "ready": self._ready.is_set(),
            "seconds": round(time.monotonic() - self._started),
            "memory_mb": _resident_mb(process.pid) if process else None,
            "clients": self._named(),
            "log": str(self._place / "log"),
            "ui": self._spark.sparkContext.uiWebUrl if self._spark else None,
        }

    def _say(self, text: str) -> None:
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        print(f"{now} {text}", file=sys.stderr, flush=True)


def _resident_mb(pid: int) -> int | None:
    try:
        said = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        ).stdout
        return int(said) // 1024
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def _answer(line: socket.socket, reply: dict[str, Any]) -> None:
    line.sendall(json.dumps(reply).encode() + b"\n")


fingerprint_at_start = fingerprint()


def main() -> None:
    """`python -m labkit.spark.warm_server FOLDER`."""
    place = Path(sys.argv[1])
    cluster.use_storage()
    minutes = float(os.environ.get(IDLE) or IDLE_MINUTES)
    server = Server(place, minutes * 60)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: server._ended.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.run()


if __name__ == "__main__":
    main()
