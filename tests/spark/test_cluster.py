"""Labs on a cluster: Spark's own standalone master with two workers, on loopback."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pyspark
import pytest
from processes import YOUNG_JVM

from labkit import home
from labkit.author.known_answers import Variant, as_submission
from labkit.course.labs import find_lab, find_labs
from labkit.home import LabError
from labkit.spark import cluster
from labkit.spark.java import java_home
from labkit.spark.settings import base_conf

LONG = bool(os.environ.get("LAB_LONG"))
SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
WORKERS = 2
PATIENCE = 180


@pytest.fixture
def storage(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_SPARK_MASTER", "spark://10.0.0.1:7077")
    monkeypatch.setenv("LAB_STORAGE", str(tmp_path))
    return tmp_path


def test_settings_of_one_machine_stay_behind(storage, monkeypatch):
    own = storage / "own.conf"
    own.write_text("# ours\nspark.executor.memory   2g\nspark.sql.shuffle.partitions 64\n")
    monkeypatch.setenv("LAB_SPARK_CONF", str(own))
    found = cluster.conf(base_conf(storage), "a.jar,b.jar")
    assert found["spark.master"] == "spark://10.0.0.1:7077"
    assert found["spark.jars"] == "a.jar,b.jar"
    assert not {"spark.driver.host", "spark.driver.bindAddress"} & set(found)
    assert found["spark.executor.memory"] == "2g"
    assert found["spark.sql.shuffle.partitions"] == "64"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LAB_STORAGE", "", "LAB_STORAGE is not"),
        ("LAB_STORAGE", "s3a://bucket/labs", "mounted as a folder"),
        ("LAB_STORAGE", "labs", "from the root"),
        ("LAB_SPARK_CONF", "/nowhere.conf", "can't be read"),
    ],
)
def test_what_a_cluster_needs_is_told(storage, monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    with pytest.raises(LabError, match=says):
        cluster.storage()
        cluster.conf(base_conf(storage), "")


def test_a_setting_without_a_value_is_told(storage, monkeypatch):
    own = storage / "own.conf"
    own.write_text("spark.executor.memory\n")
    monkeypatch.setenv("LAB_SPARK_CONF", str(own))
    with pytest.raises(LabError, match="has no value"):
        cluster.conf(base_conf(storage), "")


def test_a_batch_is_graded_here_or_not_at_all(storage):
    done = lab(["grade", "answers", "--out", storage / "out"], dict(os.environ))
    assert done.returncode == 2
    assert "unset LAB_SPARK_MASTER" in done.stderr


# ---------------------------------------------------------------- a real one


@pytest.fixture(scope="module")
def standalone(tmp_path_factory):
    """The addresses of a master with two workers: for applications, and for questions as JSON."""
    place = tmp_path_factory.mktemp("cluster")
    port, page = free_port(), free_port()
    address = f"spark://127.0.0.1:{port}"
    environment = {
        **os.environ, "JAVA_HOME": str(java_home()), "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOG_DIR": str(place), **YOUNG_JVM,
    }  # fmt: skip
    master = ["master.Master", "--host", "127.0.0.1", "--port", port, "--webui-port", page]
    worker = ["worker.Worker", "--host", "127.0.0.1", "--cores", 1, "--memory", "1500m",
              "--webui-port", 0, "--work-dir", place / "work", address]  # fmt: skip
    processes = []
    try:
        for words in (master, *[worker] * WORKERS):
            command = [SPARK_CLASS, f"org.apache.spark.deploy.{words[0]}", *words[1:]]
            with (place / f"{len(processes)}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        list(map(str, command)), env=environment, stdout=log, stderr=log
                    )
                )
        question = f"http://127.0.0.1:{page}/json/"
        deadline = time.monotonic() + PATIENCE
        while alive_workers(question) < WORKERS:
            assert time.monotonic() < deadline, f"no cluster; the logs are in {place}"
            time.sleep(0.2)  # between two questions
        yield address, question
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(timeout=PATIENCE)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def asked(question):
    with urllib.request.urlopen(question, timeout=5) as answer:
        return json.load(answer)


def alive_workers(question):
    # A master answers before all its pages are there: then the page with its JSON is its first one.
    with suppress(OSError, json.JSONDecodeError):
        return sum(worker["state"] == "ALIVE" for worker in asked(question)["workers"])
    return 0


@pytest.fixture(scope="module")
def environment(standalone, tmp_path_factory):
    found = {
        **os.environ,
        **YOUNG_JVM,
        "LAB_ROOT": str(home.root()),
        "LAB_SPARK_MASTER": standalone[0],
        "LAB_STORAGE": str(tmp_path_factory.mktemp("storage")),
    }
    yield found
    lab(["spark", "stop"], found)


def lab(words, environment):
    command = [sys.executable, "-c", "from labkit.cli.main import main; main()", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


# Delta's REORG ... APPLY (PURGE) asks for a session on an executor, which has none.
FAILS_ON_EXECUTORS = "pii_erasure"
LONGER = [
    *((found.slug, 1) for found in find_labs(home.root())
      if found.slug not in {"warm_up", FAILS_ON_EXECUTORS}),
    ("cdc_merge", 100), ("skew", 100),
]  # fmt: skip


@pytest.mark.parametrize(("slug", "scale"), [("warm_up", 1), *(LONGER if LONG else [])])
def test_reference_passes_every_check_on_a_cluster(slug, scale, standalone, environment, tmp_path):
    found = find_lab(slug)
    answer, result = tmp_path / "answer.py", tmp_path / "result.json"
    answer.write_text(as_submission(found, Variant("solution", "solution", found.solution)))
    words = ["check", slug, "--submission", answer, "--hidden", "--scale", scale, "--json", result]
    done = lab(words, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {check["outcome"] for check in json.loads(result.read_text())["checks"]}
    assert outcomes == {"passed"}
    (application,) = asked(standalone[1])["activeapps"]
    assert application["cores"] == WORKERS
    storage = Path(environment["LAB_STORAGE"])
    assert list(storage.glob("labkit-warm-*/warehouse")), "tables are where executors can write"


@pytest.mark.skipif(not LONG, reason="takes minutes")
@pytest.mark.parametrize("slug", ["cdc_merge", "scd2", "skew"])
def test_reference_answers_are_right_at_scale_1_and_100_on_a_cluster(slug, environment, tmp_path):
    """The script compares counts and sums with what plain Python finds in the same files."""
    figures = tmp_path / "figures.json"
    words = ["--no-generators", "--labs", slug, "--rounds", 1, "--json", figures]
    script = home.root() / "benchmarks" / "scale.py"
    command = [sys.executable, script, *words, "--scales", 1, 100, "--patience", 600]
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for step, at in json.loads(figures.read_text())["answers"][slug].items():
        assert set(at) == {"1", "100"}, step
        small, large = (next(iter(at[scale]["facts"].values())) for scale in ("1", "100"))
        assert large == small or 90 < large / small < 110, f"{step}: {small} and {large}"
    print(done.stdout)
