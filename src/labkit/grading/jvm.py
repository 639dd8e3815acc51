"""The JVM of a grading worker: in the sandbox, examined after each submission, replaced when in doubt."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import psutil
import pyspark
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.serializers import UTF8Deserializer, read_int
from pyspark.sql import SparkSession

from labkit.grading import closed_jvm, jvm_state
from labkit.grading.callbacks import keep_to_java
from labkit.grading.safe_pickle import distrust
from labkit.home import LabError
from labkit.sandbox import landlock, processes, sandbox
from labkit.sandbox.limits import Limits
from labkit.sandbox.sandbox import Sandbox
from labkit.spark import class_archive, jvm_names
from labkit.spark.jars import jars
from labkit.spark.java import java_home
from labkit.spark.lease import PORT, SECRET, TABLES
from labkit.spark.settings import WAREHOUSE, base_conf, process_environment, write_no_checksums

START_SECONDS = 120
# A worker's JVM serves one submission after the other: nothing of Python is kept between tasks
# (an RDD can patch a worker that is used again), and a full heap ends the JVM at once.
GRADING = {
    "spark.python.worker.reuse": "false",
    "spark.executor.pyspark.memory": "4g",
    "spark.python.task.killTimeout": "1s",
    "spark.driver.maxResultSize": "256m",
    "spark.app.name": "labkit-grading",
    # A submission reaches the ports of Spark itself, which read what Java serialized. Spark makes
    # the secret, and keeps it.
    "spark.authenticate": "true",
}
KEPT_ENVIRONMENT = (
    *("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "JAVA_HOME", "TZ"),
    *("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_LOCAL_DIRS", "SPARK_LOCAL_IP"),
)
OPTIONS = "-XX:+ExitOnOutOfMemoryError -XX:-UsePerfData -XX:+DisableAttachMechanism"


class GradingJvm:
    """One JVM after the other, each for as many submissions as leave it as they found it.

    The `GradingSpark` for submissions that somebody else made. With `reuse=False` each of them has
    a JVM of its own, at some ten seconds each. `lasting` says that there will be many for one JVM,
    `allow_jvm` that their calls on it are not filtered.
    """

    def __init__(
        self,
        root: Path,
        *,
        sandboxed: bool = True,
        reuse: bool = True,
        lasting: bool = False,
        allow_jvm: bool = False,
        limits: Limits | None = None,
    ) -> None:
        reason = sandbox.leave_network() if sandboxed else "it was switched off"
        self.limits = limits or Limits()
        self.allow_jvm, self.filtered = allow_jvm, not allow_jvm
        self.sandbox = Sandbox.make(on=not reason, reason=reason)
        self.starts = 0
        self.spoiled = ""
        self._root, self._reuse, self._lasting = root, reuse, lasting
        self._process: subprocess.Popen[bytes] | None = None
        self._base: SparkSession | None = None
        self._tables = self.sandbox.jvm
        self._state_at_start: dict[str, Any] = {}
        self._folders: dict[Path, int] = {}
        self._folder, self._entries = self.sandbox.jvm, set[Path]()
        processes.adopt_orphans()
        distrust()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def session(self) -> SparkSession:
        """A session for one submission's judge; the JVM is started when there is none to be trusted."""
        if self._base is not None and not self.spoiled and not self._alive():
            self.spoil("the JVM ended")
        if self._base is None or self.spoiled:
            self._end()
            self._base = self._start()
            self._state_at_start = {}
            self._state_at_start = jvm_state.state(self._base)
            self._entries = jvm_state.entries(self._folder, self._inside())
        session = self._base.newSession()
        session.conf.set(TABLES, self._tables.as_uri())
        # A gateway's threads inherit what this thread has as its active session: not the judge's.
        session._jvm.org.apache.spark.sql.classic.SparkSession.clearActiveSession()
        return session

    @property
    def checks_folder(self) -> Path:
        """For files that checks and submission share."""
        return self.sandbox.checks

    @property
    def data_folder(self) -> Path:
        """For files that the submission may only read."""
        return self.sandbox.data

    def scratch(self) -> Path:
        """A fresh folder for one submission, which the sandbox lets it write to."""
        return Path(tempfile.mkdtemp(prefix="submission-", dir=self.sandbox.submissions))

    def session_state(self, session: SparkSession) -> dict[str, Any]:
        """What decides how a session reads a query."""
        return jvm_state.session_state(session)

    def end_jobs(self) -> None:
        """Cancels all jobs: they are the submission's, or the judge's on its behalf."""
        if self._base is not None:
            self._base._jsc.sc().cancelAllJobs()

    def spoil(self, why: str) -> None:
        """The next submission gets another JVM."""
        self.spoiled = self.spoiled or why

    def finish(self) -> None:
        """Ends what a submission left running, and looks whether the JVM is as it was."""
        processes.kill_all_but(self._jvm())
        for folder in (self.sandbox.checks, self.sandbox.data, self.sandbox.submissions):
            for entry in folder.iterdir():
                if not sandbox.remove(entry):
                    self.spoil(f"a submission left what can't be removed in {folder.name}")
        for log in self.sandbox.place.glob("jvm-*.log"):
            os.truncate(log, 0)
        for entry in self.sandbox.place.glob("lab-kafka-*"):
            sandbox.remove(entry)
        if why := jvm_state.tidy(self.sandbox.jvm) or jvm_state.lost(self._folders):
            self.spoil(why)
        if not self._reuse:
            self.spoil("each submission has a JVM of its own")
        if self.spoiled or self._base is None:
            return
        try:
            if why := jvm_state.busy(self._base):  # a query that waits for a place would hang
                self.spoil(why)
                return
            if why := jvm_state.clean(self._base) or jvm_state.sweep(
                self._folder, self._inside(), self._entries
            ):
                self.spoil(why)
                return
            settings = self._state_at_start.get("session settings", ())
            now = jvm_state.state(self._base, settings)
            process = psutil.Process(self._jvm()[-1])
            for why in (
                jvm_state.taken(self._base, process),
                jvm_state.left_on_disk(self.sandbox.jvm),
            ):
                if why:
                    self.spoil(why)
        except (Py4JError, PySparkException, OSError) as error:
            self.spoil(f"the JVM can't be cleaned up ({type(error).__name__})")
            return
        changed = [name for name, value in self._state_at_start.items() if now[name] != value]
        if changed:
            self.spoil(f"a submission changed the JVM's {', '.join(changed)}")

    def close(self) -> None:
        """Ends the JVM and removes the worker's folders."""
        self._end()
        processes.kill_all_but(())
        self.sandbox.close()

    def _inside(self) -> Path | None:
        """The root of the JVM's sandbox, as this process sees it."""
        return Path(f"/proc/{self._jvm()[-1]}/root") if self.sandbox.on else None

    def _jvm(self) -> list[int]:
        """The JVM's process, after the one that waits for it outside of the sandbox."""
        if self._process is None:
            return []
        outside = self._process.pid
        inside = processes.children().get(outside, []) if self.sandbox.on else []
        return [outside, *inside]

    def _alive(self) -> bool:
        assert self._base is not None and self._process is not None
        try:
            return self._process.poll() is None and not self._base._jsc.sc().isStopped()
        except (Py4JError, OSError):
            return False

    def _start(self) -> SparkSession:
        self.starts += 1
        self.spoiled = ""
        folder = Path(tempfile.mkdtemp(prefix=f"{self.starts}-", dir=self.sandbox.jvm))
        folder.chmod(0o755)
        self.sandbox.give(folder)
        connection = folder / "gateway"
        conf = {**base_conf(folder, lasting=self._lasting), **GRADING}
        conf["spark.driver.extraJavaOptions"] += f" {OPTIONS}"
        if self.filtered:
            conf["spark.driver.extraJavaOptions"] += f" {closed_jvm.JAVA_OPTIONS}"
        log = self.sandbox.place / f"jvm-{self.starts}.log"
        self._process = self._launch(conf, folder, connection, log)
        port, secret = self._connection(connection, log)
        os.environ |= {PORT: str(port), SECRET: secret}
        try:
            gateway = launch_gateway()
            jvm_names.remember()
            keep_to_java(gateway)
        finally:
            del os.environ[PORT], os.environ[SECRET]
        settings = SparkConf(loadDefaults=False, _jvm=gateway.jvm)
        settings.setAll(list(conf.items()))
        context = SparkContext(conf=settings, gateway=gateway)
        write_no_checksums(context)
        # What the judge hands over goes through a socket: a file of its own the JVM can't read.
        context._encryption_enabled = True
        if self.filtered:
            closed_jvm.close(gateway.jvm)
        self._folders = jvm_state.folders(folder)
        self._folder = folder
        return SparkSession(context)

    def _launch(
        self, conf: dict[str, str], folder: Path, connection: Path, log: Path
    ) -> subprocess.Popen[bytes]:
        process_environment(folder)
        workers, self._tables = folder / jvm_state.WORKERS, folder / jvm_state.TABLES
        for made in (workers, self._tables, folder / WAREHOUSE):
            made.mkdir()
            self.sandbox.give(made)
        environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        environment |= {
            "HOME": str(folder),
            "SPARK_CONNECT_MODE": "0",
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(connection),
            landlock.OF_WORKERS: str(workers),
            # Python workers of the next submission: no module that this one has put here.
            "PYTHONSAFEPATH": "1",
            "PYTHONNOUSERSITE": "1",
        }
        if self.filtered:
            environment |= closed_jvm.ENVIRONMENT
        submit = Path(pyspark.__file__).with_name("bin") / "spark-submit"
        arguments = [str(submit)]
        for name, value in conf.items():
            arguments += ["--conf", f"{name}={value}"]
        readable = [java_home(), self._root / "datasets", self.sandbox.data, class_archive.folder()]
        readable += {jar.parent for jar in jars()}
        command = self.sandbox.command(
            [*arguments, "pyspark-shell"],
            cwd=folder,
            read=readable,
            write=[self.sandbox.jvm, self.sandbox.submissions, self.sandbox.checks],
            # Where others put files, too: a link of theirs would have the JVM write into a table.
            no_links=[
                *(self.sandbox.submissions, self.sandbox.checks),
                *(folder / WAREHOUSE, workers),
            ],
            closed=[java_home() / "bin" / "java"],
            limits=self.limits.of_jvm(sandboxed=self.sandbox.on),
        )
        # Its own texts, of errors, are for no submission; and each finds none of an earlier one.
        with open(os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "ab") as out:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=out, env=environment,
                cwd=folder, start_new_session=True,
            )  # fmt: skip

    def _connection(self, path: Path, log: Path) -> tuple[int, str]:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not path.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
                raise LabError(
                    "the JVM for grading did not start. The end of its log:\n"
                    + "\n".join(last)
                    + "\nRun `lab doctor`, or try --no-sandbox."
                )
            time.sleep(0.02)  # between two looks for the file
        with path.open("rb") as file:
            port, secret = read_int(file), UTF8Deserializer().loads(file)
        path.unlink()  # a submission sees this folder, and has a gateway of its own
        return port, secret

    def _end(self) -> None:
        if SparkContext._gateway is not None:  # else py4j says goodbye to objects of a dead JVM
            SparkContext._gateway._gateway_client.is_connected = False
        if self._base is not None and (server := self._base.sparkContext._accumulatorServer):
            server.handle_error = lambda *_: None  # the line that it reads ends with the JVM
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._process = self._base = None
        SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
        SparkSession._instantiatedSession = SparkSession._activeSession = None
        for folder in self.sandbox.jvm.iterdir():
            sandbox.remove(folder)
