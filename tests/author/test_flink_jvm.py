"""A JVM of Flink that answers use one after the other."""

import pytest

from labkit.author.flink_jvm import FlinkJvm
from labkit.parts.known import FLINK, PARTS
from labkit.parts.process import run

pytestmark = pytest.mark.skipif(bool(FLINK.missing()), reason=FLINK.missing() or "Flink is there")


def look(leave: bool) -> list:
    """In Flink: the process of the JVM, and what an earlier call left in Python."""
    import builtins

    from pyflink.common import WatermarkStrategy
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource
    from pyflink.java_gateway import get_gateway

    before = getattr(builtins, "left", None)
    builtins.left = True  # type: ignore[attr-defined]
    if leave:
        env = StreamExecutionEnvironment.get_execution_environment()
        endless = NumberSequenceSource(0, 1 << 60)
        rows = env.from_source(endless, WatermarkStrategy.no_watermarks(), "endless")
        rows._j_data_stream.sinkTo(
            get_gateway().jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink()
        )
        env.execute_async()
    return [get_gateway().jvm.java.lang.ProcessHandle.current().pid(), before]


def test_a_jvm_is_lent_until_a_job_stays_behind():
    jvm = FlinkJvm()
    found = []
    try:
        for leave in (False, True, False):
            with jvm.lent():
                found.append(run("flink", look, leave))
    finally:
        jvm.close()
    first, second, third = (process for process, _ in found)
    assert first == second != third
    assert [before for _, before in found] == [None] * 3
    assert PARTS["flink"] is FLINK
