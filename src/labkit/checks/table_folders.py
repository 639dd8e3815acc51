"""A table's folder, seen and changed through the JVM: its files, and commits in its log."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.java_gateway import JavaObject
from pyspark.sql import SparkSession

from labkit.checks.tables import table_folder

LOG = "_delta_log"
# Beside a table's log: commits that are written and not yet made.
HELD = "_held"
NO_PARTITION: Mapping[str, Any] = {}
MS_PER_DAY = 86_400_000


@dataclass(frozen=True)
class Commit:
    """One commit of a made-up past: rows put in by their key, or taken out.

    `operation` is what the history says of it. A WRITE, an UPDATE or a MERGE puts `rows` in; what
    they find of the same key they replace. `gone` are the keys that a DELETE or a MERGE takes out.
    An OPTIMIZE has neither, and moves all rows to one file (one a partition). A SET TBLPROPERTIES
    has neither, and sets the property `says`. As in Delta, a file with a touched row is written
    anew. `days_ago` is the age of the commit, of the files that it adds, and since when those that
    it removes are gone. `txn` is the name and number of an idempotent writer, and `to` the version
    that a RESTORE brings back, which writes no file.
    """

    operation: str
    rows: Sequence[tuple[Any, ...]] = ()
    gone: Collection[Any] = ()
    days_ago: float = 0
    txn: tuple[str, int] | None = None
    to: int = 0
    says: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class StoredFile:
    """A file in a table's folder: its size, and when it was last written, by the JVM's clock."""

    bytes: int
    modified_ms: int


def log_name(version: int, log: str = LOG) -> str:
    return f"{log}/{version:020d}.json"


def sums_name(version: int) -> str:
    return f"{LOG}/{version:020d}.crc"


def summed_up(sums: Mapping[str, Any], actions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What Delta writes beside a commit with these actions, after `sums` of the version before.

    Where it is missing, Delta reads the whole log in one more Spark job for each read and write.
    Empty if `sums` doesn't name the files of its version.
    """
    if "allFiles" not in sums:
        return {}
    told = {key: one for key, one in sums.items() if key not in ("txnId", "fileSizeHistogram")}
    files = {file["path"]: file for file in told["allFiles"]}
    writers = {writer["appId"]: writer for writer in told["setTransactions"]}
    for action in actions:
        for name, key in (("metaData", "metadata"), ("protocol", "protocol")):
            told[key] = action.get(name, told.get(key))
        if "remove" in action:
            del files[action["remove"]["path"]]
        if "add" in action:
            files[action["add"]["path"]] = action["add"] | {"dataChange": False}
        if "txn" in action:
            writers[action["txn"]["appId"]] = action["txn"]
    return told | {
        "allFiles": list(files.values()),
        "numFiles": len(files),
        "setTransactions": list(writers.values()),
        "tableSizeBytes": sum(file["size"] for file in files.values()),
    }


class TableFolder:
    """A table's folder, seen and changed through the JVM: in a sandbox it alone can write there."""

    def __init__(self, spark: SparkSession, table: str) -> None:
        self.jvm: Any = spark._jvm
        self.gateway: Any = spark._sc._gateway
        self.root = table_folder(spark, table)
        self.fs: JavaObject = self.root.getFileSystem(spark._jsc.hadoopConfiguration())
        self.now = int(self.jvm.java.lang.System.currentTimeMillis())

    def path(self, name: str) -> JavaObject:
        path: JavaObject = self.jvm.org.apache.hadoop.fs.Path(self.root, name)
        return path

    def files(self) -> dict[str, StoredFile]:
        """The data files by their path in the folder; what is hidden, such as the log, is not."""
        return {
            name: file
            for name, file in self.all_files().items()
            if not any(part[0] in "._" for part in name.split("/"))
        }

    def all_files(self) -> dict[str, StoredFile]:
        root = self.root.toUri().getPath()
        found, listed = {}, self.fs.listFiles(self.root, True)
        while listed.hasNext():
            status = listed.next()
            name = str(status.getPath().toUri().getPath())[len(root) :].lstrip("/")
            found[name] = StoredFile(int(status.getLen()), int(status.getModificationTime()))
        return found

    def bytes_of(self, name: str) -> int:
        return int(self.fs.getFileStatus(self.path(name)).getLen())

    def read(self, name: str) -> bytes:
        data = self.fs.open(self.path(name))
        try:
            return bytes(self.jvm.org.apache.hadoop.io.IOUtils.readFullyToByteArray(data))
        finally:
            data.close()

    def write(self, name: str, data: bytes) -> None:
        out = self.fs.create(self.path(name), True)
        out.write(bytearray(data))
        out.close()

    def link(self, name: str, target: str) -> None:
        """A symbolic link in the folder; `target` may lead nowhere."""
        link = self.jvm.java.io.File(self.path(name).toUri().getPath()).toPath()
        attribute = self.jvm.java.nio.file.attribute.FileAttribute
        no_attributes = self.gateway.new_array(attribute, 0)
        to = self.jvm.java.io.File(target).toPath()
        self.jvm.java.nio.file.Files.createSymbolicLink(link, to, no_attributes)

    def time(self, days_ago: float) -> int:
        return self.now - round(days_ago * MS_PER_DAY)

    def set_age(self, name: str, days_ago: float) -> None:
        self.fs.setTimes(self.path(name), self.time(days_ago), -1)

    def add(
        self, name: str, rows: pa.Table, commit: Commit, partition: Mapping[str, Any]
    ) -> dict[str, Any]:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="snappy")
        data = sink.getvalue().to_pybytes()
        self.write(name, data)
        self.set_age(name, commit.days_ago)
        return {
            "add": {
                "path": name,
                "partitionValues": dict(partition),
                "size": len(data),
                "modificationTime": self.time(commit.days_ago),
                "dataChange": commit.operation != "OPTIMIZE",
                "stats": json.dumps({"numRecords": rows.num_rows}),
            }
        }

    def remove(
        self, name: str, commit: Commit, partition: Mapping[str, Any] = NO_PARTITION
    ) -> dict[str, Any]:
        return {
            "remove": {
                "path": name,
                "deletionTimestamp": self.time(commit.days_ago),
                "dataChange": commit.operation != "OPTIMIZE",
                "extendedFileMetadata": True,
                "partitionValues": dict(partition),
                "size": int(self.fs.getFileStatus(self.path(name)).getLen()),
            }
        }

    def commit(
        self,
        version: int,
        commit: Commit,
        counts: Mapping[str, int],
        actions: Sequence[dict[str, Any]],
        log: str = LOG,
    ) -> list[dict[str, Any]]:
        """Writes a version to the log; the actions that stand there, without the commit's own."""
        told = {
            "timestamp": self.time(commit.days_ago),
            "operation": commit.operation,
            "operationParameters": (
                {"version": str(commit.to)} if commit.operation == "RESTORE" else {}
            ),
            "readVersion": version - 1,
            "isolationLevel": "Serializable",
            "isBlindAppend": commit.operation == "WRITE",
            "operationMetrics": {name: str(count) for name, count in counts.items()},
            "engineInfo": "labkit",
            "txnId": str(uuid.uuid4()),
        }
        written = list(actions)
        if commit.txn:
            name, number = commit.txn
            written.insert(0, {"txn": {"appId": name, "version": number}})
        lines = [json.dumps(action) + "\n" for action in ({"commitInfo": told}, *written)]
        name = log_name(version, log)
        self.write(name, "".join(lines).encode())
        self.set_age(name, commit.days_ago)
        return written
