"""The process that owns a broker: starts it, says where it listens, and ends it with whoever asked."""

from __future__ import annotations

import argparse
import base64
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from labkit.home import LabError
from labkit.sandbox.limits import Limits
from labkit.sandbox.sandbox import Sandbox
from labkit.spark.jars import jars
from labkit.spark.java import java_home

ATTEMPTS = 3  # a free port may be somebody else's by the time the broker binds it
START_SECONDS = 90
STOP_SECONDS = 15
JAVA_OPTIONS = (
    "-Xmx256m",
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
)
# One broker that is its own controller; every internal topic with one partition and one copy. It
# keeps everything: retention goes by the timestamps of messages, and those of labs are old.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=1
num.io.threads=2
background.threads=2
"""
LOG4J = """\
rootLogger.level=WARN
rootLogger.appenderRef.c.ref=C
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n
"""


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cluster_id() -> str:
    """A new id; it never begins with the `-` that a command line would take for an option."""
    random = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([random[0] & 0x7F]) + random[1:]).decode().rstrip("=")


def start_broker(
    folder: Path, sandbox: Sandbox | None = None
) -> tuple[subprocess.Popen[bytes], str]:
    """A broker with its data in `folder`, in a sandbox if there is one, and its address; LabError
    when none starts.
    """
    try:
        found = jars("kafka")
        class_path = os.pathsep.join(map(str, found))
        java = java_home() / "bin" / "java"
    except OSError as error:
        raise LabError(f"the Kafka broker can't be started: {error}") from None

    def confined(argv: Sequence[str]) -> Sequence[str]:
        if sandbox is None:
            return argv
        read = {java_home(), *(jar.parent for jar in found)}
        return sandbox.command(argv, cwd=folder, read=read, limits=Limits().of_jvm(sandboxed=True))

    (folder / "log4j2.properties").write_text(LOG4J, "utf-8")
    command = [
        str(java),
        *JAVA_OPTIONS,
        f"-Dlog4j2.configurationFile={(folder / 'log4j2.properties').as_uri()}",
        *("-cp", class_path),
    ]
    for _ in range(ATTEMPTS):
        port, controller = free_port(), free_port()
        shutil.rmtree(folder / "data", ignore_errors=True)
        properties = folder / "server.properties"
        text = PROPERTIES.format(port=port, controller=controller, folder=folder)
        properties.write_text(text, "utf-8")
        tool = [*command, "kafka.tools.StorageTool", "format"]
        _run(confined([*tool, "-t", cluster_id(), "-c", str(properties)]), folder / "format.log")
        server = confined([*command, "kafka.Kafka", str(properties)])
        broker = _launch(server, folder / "broker.log")
        if _listens(broker, port):
            return broker, f"127.0.0.1:{port}"
        end_broker(broker)
    raise LabError(
        f"the Kafka broker did not start:\n{_last_lines(folder / 'broker.log')}\n"
        "It needs 300 MB of memory and two free loopback ports."
    )


def _run(command: Sequence[str], log: Path) -> None:
    with log.open("wb") as out:
        code = subprocess.run(command, stdout=out, stderr=out, check=False).returncode
    if code:
        raise LabError(f"the Kafka broker's folder could not be made:\n{_last_lines(log)}")


def _launch(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=_die_with_parent
        )


def _die_with_parent() -> None:
    """Linux: the kernel ends the broker when this process is killed before it could."""
    if sys.platform == "linux":
        parent_death_signal = 1
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)


def _listens(broker: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while broker.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def end_broker(broker: subprocess.Popen[bytes]) -> None:
    """Ends the broker and waits until it is gone."""
    if broker.poll() is None:
        broker.terminate()
        try:
            broker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            broker.kill()
            broker.wait()


def _last_lines(log: Path, lines: int = 5) -> str:
    text = log.read_text("utf-8", "replace") if log.is_file() else ""
    return "\n".join(text.strip().splitlines()[-lines:])


class _Ended(Exception):
    """Somebody asked this process to end."""


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended


def serve(*, attached: bool, sandbox: Sandbox | None = None) -> int:
    """Runs a broker until it ends, a signal comes, or (attached) standard input is closed.

    The first and only line on standard output is JSON: `bootstrap`, `pid`, `log`, or `error`.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder = Path(tempfile.mkdtemp(prefix="lab-kafka-", dir=sandbox.place if sandbox else None))
    if sandbox:
        folder.chmod(0o755)
        sandbox.give(folder)
    broker: subprocess.Popen[bytes] | None = None
    try:
        try:
            broker, bootstrap = start_broker(folder, sandbox)
        except LabError as error:
            print(json.dumps({"error": str(error)}), flush=True)
            return error.exit_code
        log = str(folder / "broker.log")
        print(json.dumps({"bootstrap": bootstrap, "pid": broker.pid, "log": log}), flush=True)
        watched = [sys.stdin] if attached else []
        while broker.poll() is None:
            if select.select(watched, [], [], 0.5)[0] and not os.read(sys.stdin.fileno(), 1):
                break
        return 0
    except (_Ended, BrokenPipeError):
        return 0
    finally:
        if broker is not None:
            end_broker(broker)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--attached", action="store_true")
    parser.add_argument("--sandbox", type=Path, help="its place, in which the broker runs")
    given = parser.parse_args()
    place = given.sandbox
    sys.exit(serve(attached=given.attached, sandbox=Sandbox(place, on=True) if place else None))
