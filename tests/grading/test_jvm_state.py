"""What a grading worker looks for in the folder of its JVM."""

from types import SimpleNamespace

import pytest

from labkit.grading import jvm_state


@pytest.fixture
def place(tmp_path):
    for name in ("python-workers", "blockmgr-1", "blockmgr-1/0a", "spark-1/userFiles-2"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def test_folder_that_is_gone_or_another_one_is_lost(place):
    known = jvm_state.folders(place)
    assert jvm_state.lost(known) == ""
    (place / "spark-1" / "userFiles-2").rename(place / "moved")
    (place / "spark-1" / "userFiles-2").mkdir()
    assert jvm_state.lost(known) == "a submission removed a folder of the JVM's, userFiles-2"


def test_folder_for_blocks_is_known_once_it_was_seen(place):
    known = jvm_state.folders(place)
    (place / "blockmgr-1" / "1f").mkdir()
    (place / "temporary-of-a-stream").mkdir()
    assert jvm_state.lost(known) == ""
    (place / "temporary-of-a-stream").rmdir()
    assert jvm_state.lost(known) == ""
    (place / "blockmgr-1" / "1f").rmdir()
    assert jvm_state.lost(known) == "a submission removed a folder of the JVM's, 1f"


@pytest.mark.parametrize(
    ("files", "threads", "processes", "told"),
    [
        (4_001, 60, 0, "4,001 files are open"),
        (300, 601, 0, "it has 601 threads"),
        (300, 60, 101, "101 processes have ended and are still there"),
    ],
)
def test_what_the_next_submission_would_lack_is_told(files, threads, processes, told):
    process = SimpleNamespace(
        num_fds=lambda: files, num_threads=lambda: threads, children=lambda: [None] * processes
    )
    assert jvm_state.taken(None, process) == told


class Counts:
    """Java's iterator over how many tasks run, by executor."""

    def __init__(self, *counts):
        self._counts = list(counts)

    def hasNext(self):
        return bool(self._counts)

    def next(self):
        return self._counts.pop()


@pytest.mark.parametrize(
    ("looks", "told"), [([2, 1, 0], ""), ([2] * 10_000, "2 of its tasks can't be stopped")]
)
def test_tasks_have_a_moment_to_end(monkeypatch, looks, told):
    monkeypatch.setattr(jvm_state, "TASK_SECONDS", 0.3)
    running = iter(looks)
    map_of_counts = SimpleNamespace(valuesIterator=lambda: Counts(next(running)))
    scheduler = SimpleNamespace(runningTasksByExecutors=lambda: map_of_counts)
    context = SimpleNamespace(cancelAllJobs=lambda: None, taskScheduler=lambda: scheduler)
    monkeypatch.setattr(jvm_state, "_working", lambda jvm: "")
    spark = SimpleNamespace(_jsc=SimpleNamespace(sc=lambda: context), _jvm=None)
    assert jvm_state.busy(spark) == told


@pytest.mark.parametrize(("limit", "most"), [("MOST_ENTRIES", 6), ("MOST_BYTES", 10_000)])
def test_folder_that_is_too_full_is_told(place, monkeypatch, limit, most):
    assert jvm_state.left_on_disk(place) == ""
    monkeypatch.setattr(jvm_state, limit, most)
    assert jvm_state.left_on_disk(place) == ""
    (place / "link").symlink_to("/")
    (place / "spark-1" / "block").write_bytes(bytes([1]) * 50_000)
    assert jvm_state.left_on_disk(place) == "its folder is too full"


@pytest.fixture
def inside(tmp_path_factory):
    root = tmp_path_factory.mktemp("inside")
    for name in ("tmp/sandbox", "dev/shm"):
        (root / name).mkdir(parents=True)
    return root


def test_files_that_queries_wrote_are_swept_and_those_of_the_jvm_stay(place, inside):
    blocks = place / "blockmgr-1"
    for name in ("warehouse", "tables", "spark-1", "artifacts-1/a", "blockmgr-1/00"):
        (place / name).mkdir(parents=True, exist_ok=True)
    (place / "log").touch()
    known = jvm_state.entries(place, inside)
    for folder in (
        place,
        place / "warehouse",
        place / "tables",
        inside / "tmp",
        inside / "dev/shm",
        place / "spark-1",
        place / "artifacts-1",
        blocks,
        blocks / "00",
    ):
        (folder / "numbers").mkdir()
        (folder / "away").symlink_to("/etc")
    for name in ("spark-2/text", "x.so", "blockmgr-1/00/rdd_1_1", "blockmgr-2/00"):
        (place / name).mkdir(parents=True)
    (blocks / "ff").mkdir()
    (blocks / "ff" / "part-00000").touch()
    (blocks / "fe").symlink_to("/etc")
    made = [place / "liblz4-1.so", blocks / "00" / "shuffle_0_1_0.data", blocks / "ff"]
    for path in made[:2]:
        path.touch()
    assert jvm_state.sweep(place, inside, known) == ""
    assert jvm_state.entries(place, inside) == {*known, *made}


def test_folder_that_cannot_be_swept_is_told(place, inside):
    assert jvm_state.sweep(place, inside, ()) == "a folder of its own can't be looked at"
