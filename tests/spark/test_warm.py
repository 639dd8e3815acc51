"""Warm Spark and its faults: clients that die, JVMs that die, starters at once; nobody else suffers."""

import ast
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from processes import YOUNG_JVM, alive

from labkit import home
from labkit.spark import attached, lease, warm
from labkit.spark.settings import FACTORY, WORKER_PYTHON

LONG = bool(os.environ.get("LAB_LONG"))
PATIENCE = 180


class Place:
    """A warm Spark of its own, in a cache of its own, for tests to break."""

    def __init__(self, cache: Path) -> None:
        cache.mkdir()
        (cache / "jars").symlink_to(home.cache_dir() / "jars")
        self.environment = {
            **os.environ,
            **YOUNG_JVM,
            "LAB_CACHE": str(cache),
            "LAB_ROOT": str(home.root()),
        }
        self.environment.pop("LAB_SPARK", None)

    def command(self, code: str) -> list[str]:
        """What attaches, and then runs `code` with `spark` and `say` at hand."""
        start = (
            "import sys, os, time\nfrom labkit.spark import session, warm\n"
            "def say(word): print(word, flush=True)\n"
            "spark = session.current()\n"
        )
        return [sys.executable, "-c", start + textwrap.dedent(code)]

    def client(self, code: str, **more: str) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(code), env={**self.environment, **more}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, code: str, **more: str) -> str:
        client = self.client(code, **more)
        try:
            out, err = client.communicate(timeout=PATIENCE)
        finally:
            client.kill()  # one that hangs would hold its JVM
        return out.strip() or (err.strip().splitlines() or [""])[-1]

    def status(self) -> dict | None:
        code = "import json; from labkit.spark import warm; print(json.dumps(warm.status()))"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    def stop(self) -> None:
        code = "from labkit.spark import warm; warm.stop()"
        subprocess.run([sys.executable, "-c", code], env=self.environment, check=True)

    def wait(self, holds, what: str):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = self.status()
            if found and holds(found):
                return found
            time.sleep(0.1)  # between two looks at the status
        raise AssertionError(f"{what} did not happen in {PATIENCE} s; status {found}")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("warm") / "cache")
    yield made
    made.stop()


def hear(process: subprocess.Popen, word: str) -> None:
    assert process.stdout.readline().strip() == word


def tell(process: subprocess.Popen) -> str:
    out, err = process.communicate("\n", timeout=PATIENCE)
    assert process.returncode == 0, err
    return out.strip()


def gone(lease_count: int):
    return lambda status: len(status["clients"]) == lease_count


def test_starters_at_once_end_up_in_one_jvm(place):
    code = "say(spark._jvm.java.lang.ProcessHandle.current().pid())"
    processes = [place.client(code) for _ in range(8)]
    pids = {process.communicate(timeout=PATIENCE)[0].strip() for process in processes}
    assert len(pids) == 1
    assert pids == {str(place.status()["jvm_pid"])}


def test_files_are_for_their_user_alone(place):
    folder = Path(place.status()["log"]).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "socket").stat().st_mode & 0o777 == 0o600


def test_conf_views_and_schema_are_private(place):
    other = place.client(
        """
        spark.conf.set("spark.sql.shuffle.partitions", "77")
        spark.range(3).createOrReplaceTempView("mine")
        spark.sql("create database private_one"); spark.sql("use private_one")
        say("made"); sys.stdin.readline()
        """
    )
    hear(other, "made")
    seen = place.run(
        """
        views = [t.name for t in spark.catalog.listTables()]
        say((spark.conf.get("spark.sql.shuffle.partitions"), views, spark.catalog.currentDatabase()))
        """
    )
    tell(other)
    assert seen == "('2', [], 'default')"


def test_killed_client_leaves_nothing(place):
    client = place.client(
        """
        from labkit.judge.fixtures import fresh_schema
        kept = fresh_schema(spark); schema = kept.__enter__()
        spark.range(10).write.format("delta").saveAsTable(schema + ".t")
        spark.range(5).cache().count()
        query = (spark.readStream.format("rate").load().writeStream.format("memory")
                 .queryName("left").start())
        open(os.environ["LAB_SCRATCH"] + "/file", "w").close()
        say(os.environ["LAB_SCRATCH"]); say(schema); sys.stdin.readline()
        """
    )
    scratch = Path(client.stdout.readline().strip())
    schema = client.stdout.readline().strip()
    assert (scratch / "file").is_file()
    client.send_signal(signal.SIGKILL)
    client.wait()
    place.wait(gone(0), "the end of the lease")
    assert not scratch.exists()
    left = place.run(
        """
        names = [d.name for d in spark.catalog.listDatabases()]
        cached = spark._jsparkSession.sharedState().cacheManager().isEmpty()
        threads = [t.getName() for t in spark._jvm.Thread.getAllStackTraces().keySet()]
        say((names, cached, [t for t in threads if "stream execution" in t]))
        """
    )
    assert schema not in left
    assert left.endswith("True, [])")


def test_client_killed_during_a_merge_hurts_nobody(place):
    client = place.client(
        """
        from labkit.judge.fixtures import fresh_schema
        kept = fresh_schema(spark); table = kept.__enter__() + ".t"
        spark.range(1000).write.format("delta").saveAsTable(table)
        while True:
            spark.sql(f"merge into {table} t using (select id from range(500, 1500)) s "
                      "on t.id = s.id when matched then update set * when not matched then insert *")
            say("merging")
        """
    )
    hear(client, "merging")
    client.send_signal(signal.SIGKILL)
    client.wait()
    assert place.run("say(spark.range(7).count())") == "7"
    place.wait(gone(0), "the end of the lease")


def test_stop_clear_and_cancel_reach_the_caller_only(place):
    other = place.client(
        """
        frame = spark.range(100).cache(); frame.count()
        say("cached"); sys.stdin.readline()
        say((frame.is_cached, frame.storageLevel.useMemory, spark.range(4).count()))
        """
    )
    hear(other, "cached")
    mine = place.run(
        """
        spark.catalog.clearCache(); spark.sparkContext.cancelAllJobs(); spark.stop()
        from pyspark.sql import SparkSession
        again = SparkSession.builder.getOrCreate()
        say((again.range(2).count(), session.current() is again))
        """
    )
    assert mine == "(2, True)"
    assert tell(other) == "(True, True, 4)"


def test_stopped_session_says_so(place):
    said = place.run(
        """
        spark.stop()
        try:
            spark.range(1).count()
        except Exception as error:
            say(error)
        """
    )
    assert "was stopped; `lab.spark` gives you a new one" in said


def test_two_clients_run_foreach_batch_at_once(place, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text('{"n": 1}\n{"n": 2}\n')
    code = f"""
        seen = []
        def keep(batch, number): seen.append(batch.count())
        stream = spark.readStream.schema("n long").json("{tmp_path}/in")
        say("ready"); sys.stdin.readline()
        stream.writeStream.foreachBatch(keep).trigger(availableNow=True).start().awaitTermination()
        say(seen)
        """
    clients = [place.client(code) for _ in range(2)]
    for client in clients:
        hear(client, "ready")
    assert [tell(client) for client in clients] == ["[2]", "[2]"]


def test_killed_jvm_is_told_and_the_next_call_works(place):
    client = place.client(
        """
        say("attached"); sys.stdin.readline()
        from labkit.spark.session import alive
        dead = not alive(spark)
        say((dead, session.current().range(5).count()))
        """
    )
    hear(client, "attached")
    before = place.status()
    os.kill(before["jvm_pid"], signal.SIGKILL)
    ended(before["pid"])
    assert tell(client) == "(True, 5)"
    assert place.status()["jvm_pid"] != before["jvm_pid"]


def test_exit_through_py4j_costs_one_restart(place):
    place.run(
        """
        try:
            spark._jvm.System.exit(1)
        except Exception:
            pass
        """
    )
    assert place.run("say(spark.range(3).count())") == "3"


def test_killed_process_takes_its_jvm_along_and_leaves_no_trap(place):
    place.run("say(1)")
    before = place.status()
    os.kill(before["pid"], signal.SIGKILL)
    ended(before["jvm_pid"])
    assert place.run("say(spark.range(3).count())") == "3"


def test_idle_process_ends(tmp_path):
    mine = Place(tmp_path / "cache")
    try:
        assert mine.run("say(1)", LAB_SPARK_IDLE="0.01") == "1"
        place_folder = next((tmp_path / "cache").glob("spark-*"))
        deadline = time.monotonic() + PATIENCE
        while (place_folder / "socket").exists():
            assert time.monotonic() < deadline, "an idle process did not end"
            time.sleep(0.1)  # between two looks for the socket
        assert mine.status() is None
    finally:
        mine.stop()


def test_start_that_fails_names_the_log(tmp_path):
    mine = Place(tmp_path / "cache")
    java = tmp_path / "java"
    (java / "bin").mkdir(parents=True)
    (java / "bin" / "java").write_text(
        '#!/bin/sh\ncase "$*" in *-version*) echo \'openjdk version "17.0.1"\' >&2; exit 0;; esac\n'
        "echo no memory at all >&2; exit 1\n"
    )
    (java / "bin" / "java").chmod(0o755)
    said = mine.client("say(1)", JAVA_HOME=str(java)).communicate(timeout=PATIENCE)[1]
    assert "Spark did not start" in said
    assert "no memory at all" in said
    assert "lab doctor" in said


def test_master_that_is_none_is_told_at_once(tmp_path):
    mine = Place(tmp_path / "cache")
    (tmp_path / "shared").mkdir()
    cluster = {"LAB_SPARK_MASTER": "spark:/typo", "LAB_STORAGE": str(tmp_path / "shared")}
    said = mine.client("say(1)", **cluster).communicate(timeout=PATIENCE)[1]
    assert "Spark did not start" in said
    assert "spark:/typo" in said
    place_folder = next((tmp_path / "cache").glob("spark-*"))
    deadline = time.monotonic() + PATIENCE
    while (place_folder / "socket").exists():
        assert time.monotonic() < deadline, "a process without Spark did not end"
        time.sleep(0.1)  # between two looks for the socket


def test_private_session_starts_again_in_its_jvm_or_in_another_one(tmp_path):
    mine = Place(tmp_path / "cache")
    code = """
        import os, signal
        from labkit.spark import session
        def jvm(): return session.current()._jvm.java.lang.ProcessHandle.current().pid()
        first = jvm()
        session.current().stop()
        second = jvm()
        process = session.current()._sc._gateway.proc
        os.kill(second, signal.SIGKILL)
        process.wait()
        third = jvm()
        say([first == second, second == third, session.current().range(3).count()])
        """
    assert mine.run(code, LAB_SPARK="cold") == "[True, False, 3]"


def test_attaching_again_and_again_leaves_nothing_behind(place):
    count = """
        runtime = spark._jvm.Runtime.getRuntime()
        spark._jvm.System.gc()
        properties = [str(k) for k in spark._jvm.System.getProperties().keySet() if "lab_" in str(k)]
        pools = ("pool", "exchange", "Executor", "QueryStage", "getter", "reaper", "Scheduler")
        threads = len([t for t in spark._jvm.Thread.getAllStackTraces().keySet()
                       if not any(word in t.getName() for word in pools)])
        names = len(spark.catalog.listDatabases())
        import json; say(json.dumps([threads, len(properties), names,
                                     runtime.totalMemory() - runtime.freeMemory()]))
        """
    place.run(count)
    before = json.loads(place.run(count))
    for _ in range(200 if LONG else 8):  # one thread left by each would be seen
        place.run("say(spark.range(3).count())")
    place.wait(gone(0), "the end of all leases")
    after = json.loads(place.run(count))
    assert after[1] == before[1], "offers of ended clients stay"
    assert after[2] == 1, "schemas of ended clients stay"  # before, that of warming up may be there
    assert after[0] <= before[0] + 6, "threads of ended clients stay"
    assert after[3] <= before[3] * 1.1 + 20e6, "the heap grows with every client"


def test_tests_are_attached_to_warm_spark(spark):
    if os.environ.get("LAB_SPARK") == "cold":
        assert warm._lease == {}
    else:
        assert attached.own_lease().startswith("lab_")
        assert lease.SESSION not in os.environ, "a child would share this session"


def test_tables_of_a_database_are_listed(spark, schema):
    """Spark's interpreted expressions, which we set for speed, can't make the rows of this list."""
    spark.sql(f"CREATE TABLE {schema}.listed (id int) USING delta")
    before = spark.conf.get(FACTORY)
    # Beside the database's tables, a list names the session's views.
    listed = spark.catalog.listTables(schema)
    assert [one.name for one in listed if not one.isTemporary] == ["listed"]
    assert spark.catalog.listTables(schema, "no_such*") == []
    assert spark.conf.get(FACTORY) == before


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("SELECT id FROM range(3) WHERE id > :least", {"least": 1}),
        ("SELECT id FROM range(3) WHERE id > ?", [1]),
    ],
)
def test_parameters_of_a_query_are_bound(spark, text, args):
    """Delta's parser loses what Spark would put into the text."""
    assert [row.id for row in spark.sql(text, args=args).collect()] == [2]


def test_python_workers_have_no_zip_on_their_path(spark):
    def files(_):
        import os
        import sys

        return [entry for entry in sys.path if os.path.isfile(entry)]

    assert spark.sparkContext.parallelize([1], 1).flatMap(files).collect() == []


def test_nor_has_the_worker_that_a_stateful_stream_starts(tmp_path):
    """It is no child of the daemon: Spark runs `PYSPARK_PYTHON -m ...` with the zip files."""
    environment = {"PYTHONPATH": str(tmp_path), "PYSPARK_DRIVER_PYTHON": sys.executable}
    says = subprocess.run(
        [WORKER_PYTHON, "-c", "import pyspark, sys; print(sys.path, sys.argv)", "two words"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(tmp_path) not in says.stdout
    assert says.stdout.strip().endswith("['-c', 'two words']")


def test_a_child_of_an_attached_process_has_a_lease_of_its_own(place):
    child = (
        "from labkit.spark import attached, session; session.current(); print(attached.own_lease())"
    )
    both = place.run(
        f"""
        import subprocess
        from labkit.spark import attached
        child = subprocess.run([sys.executable, "-c", {child!r}], stdout=-1, text=True, check=True)
        say(attached.own_lease() + " " + child.stdout.strip())
        """
    ).split()
    assert len(set(both)) == 2


def ended(pid: int) -> None:
    """Waits until a process is gone."""
    deadline = time.monotonic() + PATIENCE
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)  # between two looks at a process


def test_stop_clear_and_cancel_hurt_no_check_of_another(place, toy):
    checking = place.client(
        f"""
        from pathlib import Path
        from labkit.course.labs import Lab
        from labkit.author.known_answers import variants
        from labkit.author.trial import run_trial
        toy = Lab(0, "toy", Path({str(toy.root)!r}))
        solution = next(v for v in variants(toy) if v.kind == "solution")
        say("checking")
        trials = [run_trial(toy, solution, spark) for _ in range(3)]
        say([result.outcome for trial in trials for result in trial.results])
        """
    )
    hear(checking, "checking")
    place.run("spark.catalog.clearCache(); spark.sparkContext.cancelAllJobs(); spark.stop()")
    assert set(ast.literal_eval(tell(checking))) == {"passed"}


@pytest.mark.skipif(not shutil.which("unshare"), reason="mounts a small disk in a namespace")
def test_full_disk_costs_only_who_filled_it(tmp_path):
    mine = Place(tmp_path / "cache")
    small = tmp_path / "small"
    small.mkdir()
    fill = mine.command(
        """
        from labkit.judge.fixtures import fresh_schema
        with fresh_schema(spark) as schema:
            try:
                numbers = spark.range(4_000_000).selectExpr("rand() as a", "rand() as b", "rand() as c")
                numbers.write.format("delta").saveAsTable(schema + ".big")
            except Exception as error:
                say("No space left" in str(error))
        """
    )
    mount = f"mount -t tmpfs -o size=60m tmpfs {small} && exec " + shlex.join(fill)
    try:
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount],
            env={**mine.environment, "TMPDIR": str(small)}, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.stdout.strip() == "True", done.stderr
        write = """
            from labkit.judge.fixtures import fresh_schema
            with fresh_schema(spark) as schema:
                spark.range(100).write.format("delta").saveAsTable(schema + ".t")
                say(spark.table(schema + ".t").count())
            """
        deadline = time.monotonic() + PATIENCE
        while (after := mine.run(write)) != "100":
            assert time.monotonic() < deadline, after
    finally:
        mine.stop()


def test_clock_that_jumps_ends_nothing(tmp_path, monkeypatch):
    from labkit.spark.warm_server import Server

    server = Server(tmp_path, idle_seconds=1800)
    server._ready.set()
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    assert 1790 < server._until_idle() <= 1800
