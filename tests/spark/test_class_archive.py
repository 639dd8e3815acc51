"""The archive of classes: made once, told to every JVM, read by the next."""

import os
import subprocess
import sys
import time

import pytest

from labkit import home
from labkit.home import LabError
from labkit.spark import class_archive, make_archive
from labkit.spark.settings import base_conf

SECONDS = 240


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    (tmp_path / "jars").symlink_to(home.cache_dir() / "jars")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    return tmp_path


def test_a_jvm_is_told_of_an_archive_that_is_whole(empty_cache, tmp_path):
    assert class_archive.option() == ""
    class_archive.folder().mkdir()
    assert class_archive.option() == "", "an empty folder says that this Java makes none"
    (class_archive.folder() / class_archive.ADDED).touch()
    options = base_conf(tmp_path)["spark.driver.extraJavaOptions"]
    assert (
        f"{class_archive.folder()}/{class_archive.JAVAS_OWN}:{class_archive.folder()}/{class_archive.ADDED}"
        in options
    )


def test_nothing_is_made_on_a_disk_that_is_nearly_full(empty_cache, monkeypatch):
    monkeypatch.setattr(make_archive, "ROOM_BYTES", 10**18)
    make_archive.make()
    assert not class_archive.folder().exists()


def test_what_is_missing_stops_only_the_process_that_makes_it(empty_cache, monkeypatch):
    def no_jars():
        raise LabError("no jars")

    monkeypatch.setattr(class_archive, "jars", no_jars)
    make_archive.main()
    assert not list(empty_cache.glob("*classes-*"))


def test_in_the_background_it_gives_way_to_all_others(empty_cache, monkeypatch):
    monkeypatch.setattr(make_archive, "COMMAND", ["sleep", "60"])
    processes, start = [], subprocess.Popen

    def kept(*arguments, **named):
        processes.append(start(*arguments, **named))
        return processes[-1]

    monkeypatch.setattr(make_archive.subprocess, "Popen", kept)
    make_archive.make_in_background()
    (process,) = processes
    try:
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 19
    finally:
        process.kill()
        process.wait()


def test_a_jvm_that_fails_leaves_no_archive(empty_cache, monkeypatch):
    monkeypatch.setattr(make_archive, "_run_spark", lambda option: 1)
    make_archive.make()
    assert [path.name for path in class_archive.folder().iterdir()] == [class_archive.JAVAS_OWN]
    assert not list(empty_cache.glob(".classes-*"))


def test_the_next_jvm_finds_deltas_classes_in_it(tmp_path):
    deadline = time.monotonic() + SECONDS
    while not class_archive.folder().is_dir():  # another process may be making it
        subprocess.run(make_archive.COMMAND, check=True)  # in this process it would stop our Spark
        assert time.monotonic() < deadline
        time.sleep(0.2)
    loaded = tmp_path / "classes.txt"
    code = f"""
from pathlib import Path
from labkit.spark.cold import base_conf, cold_session
name = "spark.driver.extraJavaOptions"
place = Path({str(tmp_path)!r})
options = base_conf(place)[name] + " -Xlog:class+load:file={loaded}"
cold_session(scratch=place, extra={{name: options}})
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=SECONDS)
    sources = {
        line.split()[1]: line for line in loaded.read_text().splitlines() if " source: " in line
    }
    told = next(line for name, line in sources.items() if "io.delta.sql.DeltaSparkSession" in name)
    assert "shared objects file (top)" in told
