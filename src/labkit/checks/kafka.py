"""Topics and messages for checks: made and sent by an ordinary client, acknowledged before it returns."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from labkit.verdict.errors import AnswerError

SECONDS = 120.0  # a broker answers in milliseconds, and late on a machine that is busy


@dataclass(frozen=True)
class Message:
    """What a producer sends; `aborted` ones are sent in a transaction that is taken back."""

    key: str | None
    value: bytes | str | None
    partition: int = 0
    timestamp_ms: int = 0
    aborted: bool = False


@contextmanager
def _asked() -> Iterator[None]:
    """What the broker refuses is no fault of the check: the answer may have changed the broker."""
    try:
        yield
    except (KafkaException, TimeoutError) as error:
        raise AnswerError(
            "error", f"the Kafka broker refused what the check asked: {error}"
        ) from None


@_asked()
def new_topic(bootstrap: str, *, partitions: int = 1, name: str = "orders") -> str:
    """An empty topic whose name nobody else has."""
    topic = f"{name}-{uuid.uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(SECONDS)
    return topic


@_asked()
def send(bootstrap: str, topic: str, messages: Iterable[Message]) -> None:
    """Sends in this order; runs of aborted messages are each one transaction."""
    plain = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0})
    transactional: Producer | None = None
    begun = False
    for message in messages:
        if message.aborted:
            plain.flush(SECONDS)
            if transactional is None:
                transactional = Producer(
                    {
                        "bootstrap.servers": bootstrap,
                        "transactional.id": uuid.uuid4().hex,
                        "log_level": 0,
                    }
                )
                transactional.init_transactions(SECONDS)
            if not begun:
                transactional.begin_transaction()
                begun = True
            _produce(transactional, topic, message)
            continue
        if begun and transactional is not None:
            _abort(transactional)
            begun = False
        _produce(plain, topic, message)
    if begun and transactional is not None:
        _abort(transactional)
    left = plain.flush(SECONDS)
    if left:
        raise TimeoutError(f"{left} messages were not acknowledged within {SECONDS:g} s")


def _produce(producer: Producer, topic: str, message: Message) -> None:
    producer.produce(
        topic,
        key=message.key,
        value=message.value,
        partition=message.partition,
        timestamp=message.timestamp_ms,
    )


def _abort(producer: Producer) -> None:
    producer.flush(SECONDS)
    producer.abort_transaction(SECONDS)
