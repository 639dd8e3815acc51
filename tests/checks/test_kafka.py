"""Topics and messages of checks, where the broker takes none."""

import pytest

from labkit.checks import kafka
from labkit.checks.kafka import Message
from labkit.parts.kafka_server import free_port
from labkit.verdict.errors import AnswerError


def test_broker_that_takes_nothing_is_no_fault_of_the_check(monkeypatch):
    monkeypatch.setattr(kafka, "SECONDS", 0.5)
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(AnswerError, match="the Kafka broker refused"):
        kafka.new_topic(nobody)
    for aborted in (False, True):
        with pytest.raises(AnswerError, match="the Kafka broker refused"):
            kafka.send(nobody, "orders", [Message(None, "1", aborted=aborted)])
