"""Run the slow job with event logging on, and keep its log without what tells of this machine.

    python datasets/order_report/make_event_log.py

It runs as the job ran for years: adaptive execution off, 16 shuffle partitions, data at scale 40.
The numbers of events, tasks, bytes and milliseconds are the engine's; only text is replaced.
"""

import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LOG = HERE / "event_log.jsonl.gz"
SCALE = 40
CONF = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "16",
}
KEPT_PROPERTIES = {
    *CONF,
    "spark.app.name",
    "spark.master",
    "spark.sql.session.timeZone",
    "spark.driver.memory",
    "spark.scheduler.mode",
} - {"spark.eventLog.rolling.enabled", "spark.eventLog.compress"}
# Bulky text that neither the lab nor the history server's stage and SQL pages need.
EMPTIED = {"Details", "details", "callSite", "Callsite", "physicalPlanDescription"}
PATH = re.compile(r"(?:file:)?(?:/[\w.@+~-]+)+/(?=[\w.-])")
ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")


def run(logs: Path, data: Path) -> Path:
    """The event log of one run of the job, as Spark wrote it."""
    from importlib.util import module_from_spec, spec_from_file_location

    from labkit.course.datasets import load_generator
    from labkit.spark.cold import cold_session

    load_generator(HERE / "generate.py")(data, seed=0, scale=SCALE)
    spec = spec_from_file_location("slow_job", HERE / "slow_job.py")
    assert spec and spec.loader
    job = module_from_spec(spec)
    spec.loader.exec_module(job)
    extra = {**CONF, "spark.eventLog.dir": logs.as_uri()}
    spark = cold_session(app="order_report", extra=extra)
    frames = [
        spark.read.parquet(str(data / f"{name}.parquet"))
        for name in ("orders", "customers", "rates")
    ]
    job.slow_report(*frames).write.mode("overwrite").parquet(str(data / "report"))
    spark.stop()
    (written,) = [path for path in logs.iterdir() if not path.name.startswith(".")]
    return written


def cleaned(lines: Iterator[str]) -> Iterator[str]:
    """The log's events with machine paths, hosts, users and properties replaced or left out."""
    for line in lines:
        event = json.loads(line)
        kind = event["Event"]
        if kind == "SparkListenerEnvironmentUpdate":
            event = _environment(event)
        elif kind == "SparkListenerApplicationStart":
            event["User"] = "analyst"
        if "Properties" in event:
            event["Properties"] = _properties(event["Properties"] or {})
        yield json.dumps(_without_places(event), separators=(",", ":"))


def _environment(event: dict[str, Any]) -> dict[str, Any]:
    empty = {key: {} for key in event if key != "Event"}
    return {
        "Event": event["Event"],
        **empty,
        "Spark Properties": _properties(event["Spark Properties"]),
    }


def _properties(properties: dict[str, str]) -> dict[str, str]:
    named = {"spark.sql.execution.id", "spark.sql.execution.root.id", "spark.job.description"}
    return {key: value for key, value in properties.items() if key in KEPT_PROPERTIES | named}


def _without_places(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _without_places(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_places(item, key) for item in value]
    if not isinstance(value, str):
        return value
    if key in EMPTIED:
        return ""
    if key in ("Host", "Port"):
        return "localhost"
    return ADDRESS.sub("localhost", PATH.sub("", value))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        logs, data = Path(folder) / "logs", Path(folder) / "data"
        logs.mkdir()
        data.mkdir()
        with run(logs, data).open(encoding="utf-8") as lines:
            text = "\n".join(cleaned(lines)) + "\n"
    with gzip.GzipFile(LOG, "wb", compresslevel=9, mtime=0) as out:
        out.write(text.encode())
    print(f"{LOG.name}: {text.count(chr(10))} events, {LOG.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
