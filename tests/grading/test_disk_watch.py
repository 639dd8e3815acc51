"""The look at a submission's files while it runs: others' files alone stop nobody."""

import queue

import pytest

from labkit.grading import disk_watch
from labkit.sandbox.limits import Limits


@pytest.fixture
def taken(monkeypatch):
    """What the file system says has been taken, and a watch that waits for no second."""
    found = [0, 0]
    monkeypatch.setattr(disk_watch, "_taken", lambda place: tuple(found))
    monkeypatch.setattr(disk_watch, "EVERY_SECONDS", 0.01)
    return found


@pytest.mark.parametrize("limits", [Limits(files=50), Limits(disk_mb=1)])
def test_who_fills_the_disk_is_stopped_once(tmp_path, taken, limits):
    told = queue.Queue()
    with disk_watch.watched(tmp_path, limits, told.put):
        (tmp_path / "many").mkdir()
        for number in range(60):
            (tmp_path / "many" / str(number)).write_bytes(bytes(20_000))
        taken[:] = [60, 2_000_000]
        said = told.get(timeout=60)
    assert said == f"it made more than {limits.files:,} files, or {limits.disk_mb:,} MB of them"
    assert told.empty()


@pytest.mark.parametrize(("files", "others"), [(60, 40), (40, 10**9)])
def test_who_does_not_is_not(tmp_path, taken, monkeypatch, files, others):
    looked = queue.Queue()
    monkeypatch.setattr(disk_watch, "_taken", lambda place: looked.put(1) or tuple(taken))
    told = queue.Queue()
    with disk_watch.watched(tmp_path, Limits(files=50), told.put):
        for number in range(files):
            (tmp_path / str(number)).touch()
        looked.get(timeout=60)
        taken[:] = [others, 0]
        for _ in range(looked.qsize() + 2):
            looked.get(timeout=60)
    assert told.empty()


def test_file_system_is_asked(tmp_path):
    files, size = disk_watch._taken(tmp_path)
    assert files >= 0
    assert size > 0
