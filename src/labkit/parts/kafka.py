"""A single-node Kafka broker on loopback: one for this process, or one that people start and stop."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import home
from labkit.home import LabError
from labkit.sandbox.sandbox import Sandbox

ADDRESS = "LAB_KAFKA"  # a broker that somebody else started for this process
STOP_SECONDS = 30
_own: dict[int, Broker] = {}


@dataclass(frozen=True)
class Broker:
    """A running broker: its address, the process that owns it, the broker's own, and its log."""

    bootstrap: str
    owner: int
    pid: int
    log: str
    process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        """Ends it and waits until it is gone."""
        if self.process is not None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def bootstrap(sandbox: Sandbox | None = None) -> str:
    """The address of a broker for this process; LabError says why there is none.

    In order: the one that LAB_KAFKA names, the one of `lab kafka start`, else one of this
    process's own, started on the first call (in a sandbox, if there is one). That one ends with the
    process, also when it is killed.
    """
    if given := os.environ.get(ADDRESS):
        return given
    if shared := running():
        return shared.bootstrap
    mine = _own.get(os.getpid())
    if mine is None or mine.process is None or mine.process.poll() is not None:
        mine = _own[os.getpid()] = start(sandbox=sandbox)
        atexit.register(mine.stop)
    return mine.bootstrap


def environment(needs: Collection[str], sandbox: Sandbox | None = None) -> dict[str, str]:
    """What tells another process of this process's broker; empty when it isn't needed or can't start."""
    if "kafka" not in needs:
        return {}
    try:
        return {ADDRESS: bootstrap(sandbox)}
    except LabError:
        return {}


def start(*, attached: bool = True, sandbox: Sandbox | None = None) -> Broker:
    """A new broker, about 5 s; attached, it ends with this process. LabError when it can't start."""
    process = subprocess.Popen(
        [
            sys.executable,
            *("-I", "-m", "labkit.parts.kafka_server"),
            *(["--attached"] if attached else []),
            *(["--sandbox", str(sandbox.place)] if sandbox and sandbox.on else []),
        ],
        stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if attached else subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C in a terminal, or a notebook's interrupt, is not for it
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        process.wait()
        told = process.stderr.read().strip().splitlines() if process.stderr else []
        raise LabError(f"the Kafka broker did not start: {told[-1] if told else 'no reason given'}")
    reply: dict[str, Any] = json.loads(said)
    if "error" in reply:
        process.wait()
        raise LabError(str(reply["error"]))
    owned = process if attached else None
    return Broker(reply["bootstrap"], process.pid, reply["pid"], reply["log"], owned)


def running() -> Broker | None:
    """The broker of `lab kafka start`; None when there is none."""
    try:
        facts = json.loads(_state().read_text("utf-8"))
        os.kill(facts["pid"], 0)
        if not listens(facts["bootstrap"]):
            return None
    except (OSError, ValueError, KeyError):
        return None
    return Broker(facts["bootstrap"], facts["owner"], facts["pid"], facts["log"])


def listens(address: str) -> bool:
    """Whether somebody takes connections at `host:port`."""
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def start_shared() -> Broker:
    """The broker of `lab kafka start`, started when there is none; it stays until it is stopped."""
    with _alone():
        if found := running():
            return found
        broker = start(attached=False)
        facts = {
            "bootstrap": broker.bootstrap,
            "owner": broker.owner,
            "pid": broker.pid,
            "log": broker.log,
        }
        _state().write_text(json.dumps(facts), "utf-8")
        return broker


def stop_shared() -> bool:
    """Ends the broker of `lab kafka start` and waits until it is gone; whether there was one."""
    with _alone():
        found = running()
        if found is not None:
            os.kill(found.owner, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while running() and time.monotonic() < deadline:
                time.sleep(0.05)  # between two looks at whether it is gone
        _state().unlink(missing_ok=True)
        return found is not None


def _state() -> Path:
    return home.cache_dir() / "kafka.json"


@contextmanager
def _alone() -> Iterator[None]:
    with (home.cache_dir() / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
