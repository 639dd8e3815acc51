"""What a grading worker looks for in the folder of its JVM."""

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


@pytest.mark.parametrize(("limit", "most"), [("MOST_ENTRIES", 6), ("MOST_BYTES", 10_000)])
def test_folder_that_is_too_full_is_told(place, monkeypatch, limit, most):
    assert jvm_state.left_on_disk(place) == ""
    monkeypatch.setattr(jvm_state, limit, most)
    assert jvm_state.left_on_disk(place) == ""
    (place / "link").symlink_to("/")
    (place / "spark-1" / "block").write_bytes(bytes([1]) * 50_000)
    assert jvm_state.left_on_disk(place) == "its folder is too full"
