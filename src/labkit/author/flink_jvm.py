"""One JVM of Flink for the mistakes that a worker of a proof judges: starting it takes longest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from labkit.parts import known, served
from labkit.parts.source_text import described
from labkit.verdict.errors import AnswerError

TURNS = 10  # of one JVM: each job leaves classes and buffers behind
QUIET_SECONDS = 10.0  # in which what jobs ran on has ended
DOORS: list[Any] = []  # in Flink's Python: its open gateways


def start_jvm() -> None:
    """In Flink: a JVM, which ends with this process."""
    os.environ["JVM_ARGS"] = "--add-opens=java.base/java.util=ALL-UNNAMED"
    from pyflink.java_gateway import get_gateway

    get_gateway()


def open_door() -> int:
    """In Flink: the port of another gateway to this JVM."""
    from pyflink.java_gateway import get_gateway

    jvm = get_gateway().jvm
    door = jvm.org.apache.flink.api.python.shaded.py4j.GatewayServer(jvm.java.util.HashMap(), 0)
    door.start()
    DOORS.append(door)
    return int(door.getListeningPort())


def close_door(seconds: float) -> list[str]:
    """In Flink: closes that gateway; the threads of clusters that have not ended."""
    from pyflink.java_gateway import get_gateway

    DOORS.pop().shutdown()
    end = time.monotonic() + seconds
    while True:
        threads = get_gateway().jvm.java.lang.Thread.getAllStackTraces().keySet()
        left = [name for name in (one.getName() for one in threads) if name.startswith("flink-")]
        if not left or time.monotonic() > end:
            return sorted(left)
        time.sleep(0.05)  # between two questions: Java tells nobody when a thread ends


class FlinkJvm:
    """A JVM that many answers use, one after the other, each with a process of Python of its own.

    What an answer keeps in Python ends with its process. The JVM ends when something of an answer
    still runs in it, after some turns, and with the process that holds this.
    """

    def __init__(self) -> None:
        self._served: served.Served | None = None
        self._turns = 0

    @contextmanager
    def lent(self) -> Iterator[None]:
        """In here, processes of Flink's Python find this JVM, and start none."""
        if self._served is None or self._turns >= TURNS:
            self.close()
            functions: list[Callable[..., Any]] = [start_jvm, open_door, close_door]
            self._served = served.Served(known.FLINK, described(functions, told=False))
            self._served.call("start_jvm")
        self._turns += 1
        port = self._served.call("open_door")
        settings = {**known.FLINK.settings, "PYFLINK_GATEWAY_PORT": str(port)}
        known.PARTS["flink"] = replace(known.FLINK, settings=settings)
        try:
            yield
        finally:
            known.PARTS["flink"] = known.FLINK
            left = ["a JVM that answers no more"]
            with suppress(AnswerError):
                left = self._served.call("close_door", QUIET_SECONDS)
            if left:
                self.close()

    def close(self) -> None:
        """Ends the JVM, if there is one; the next turn starts another."""
        served, self._served, self._turns = self._served, None, 0
        if served is not None:
            served.close()
