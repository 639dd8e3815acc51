"""The broker: it serves a client, ends with its process whatever happens, and says why it can't start."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import alive

from labkit.checks.kafka import Message, new_topic, send
from labkit.home import LabError
from labkit.judge.answer import Learner
from labkit.judge.runner import judge
from labkit.parts import kafka
from labkit.parts.kafka_server import cluster_id

# A process that starts a broker, tells who runs it, and waits to be killed.
HOLDER = """
from labkit.parts import kafka
broker = kafka.start()
print(broker.bootstrap, broker.owner, broker.pid, broker.log, flush=True)
input()
"""

NEEDS_KAFKA = '''
from labkit.checks import check


@check("double")
def test_asks_the_broker(kafka):
    """asks the broker"""
'''


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + 120
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, f"processes {pids} are still there"
        time.sleep(0.05)


def committed_values(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    from confluent_kafka import Consumer

    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "test",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([topic])
    values: list[bytes | None] = []
    deadline = time.monotonic() + 120
    while len(values) < count and time.monotonic() < deadline:
        values += [message.value() for message in consumer.consume(100, 1.0)]
    consumer.close()
    return values


def test_committed_messages_arrive_and_old_ones_stay():
    bootstrap = kafka.bootstrap()
    topic = new_topic(bootstrap)
    sent = [
        Message("k", b"1"),
        Message("k", b"x", aborted=True),
        Message("k", None),
        Message("k", "2"),
    ]
    send(bootstrap, topic, sent)
    assert committed_values(bootstrap, topic, 3) == [b"1", None, b"2"]
    assert kafka.bootstrap() == bootstrap, "one broker a process"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("victim", ["asker", "owner"])
def test_a_broker_ends_with_whoever_is_killed(victim):
    asker = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    _, owner, broker, log = asker.stdout.readline().split()
    os.kill(asker.pid if victim == "asker" else int(owner), signal.SIGKILL)
    wait_until_gone(int(broker))
    if victim == "asker":
        wait_until_gone(int(owner))
        assert not Path(log).parent.exists(), "its folder is gone too"
    shutil.rmtree(Path(log).parent, ignore_errors=True)
    asker.kill()
    asker.communicate()


def test_a_broker_that_cannot_start_says_why(monkeypatch, tmp_path):
    (tmp_path / "labs").mkdir()
    (tmp_path / "lab").touch()
    (tmp_path / "jars.lock").write_text("kafka no.such.org:no-such-jar:1 " + "0" * 64 + "\n")
    monkeypatch.setenv("LAB_ROOT", str(tmp_path))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAB_MAVEN_URL", "none")
    with pytest.raises(LabError, match="LAB_MAVEN_URL has to begin with"):
        kafka.start()


def test_without_a_broker_a_check_is_skipped_not_passed(monkeypatch, toy, spark, tmp_path):
    def refuse(sandbox: object = None) -> str:
        raise LabError("no memory")

    monkeypatch.setattr(kafka, "bootstrap", refuse)
    assert kafka.environment(["kafka"]) == {}
    (tmp_path / "checks.py").write_text(NEEDS_KAFKA)
    (result,) = judge(toy.root, Learner({}), spark, [tmp_path / "checks.py"])
    assert (result.outcome, result.points) == ("skipped", 0)
    assert result.reason == "needs a Kafka broker: no memory"


def test_a_lab_without_kafka_starts_no_broker(monkeypatch):
    monkeypatch.setattr(kafka, "bootstrap", lambda: pytest.fail("started"))
    assert kafka.environment([]) == {}


def test_a_cluster_id_is_no_option_of_a_command():
    ids = {cluster_id() for _ in range(500)}
    assert len(ids) == 500
    assert not [one for one in ids if one.startswith("-") or len(one) != 22]
