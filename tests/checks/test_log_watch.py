"""Commits that are taken out of a log are noticed, whoever does it; what Delta does itself is not."""

import shutil
import sys

import pytest

from labkit.checks.log_watch import EVENT, OVERFLOW, LogWatch, lost_commits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells of files")


def name(number):
    return f"{number:020}.json"


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "_delta_log"
    folder.mkdir()
    for number in range(3):
        (folder / name(number)).write_text("{}")
    return folder


@pytest.mark.parametrize("number", [1, 2])
def test_commit_that_is_removed_is_lost_for_good(log, number):
    assert not lost_commits(str(log))
    (log / name(number)).unlink()
    assert lost_commits(str(log))
    (log / name(number)).write_text("another")
    assert lost_commits(str(log))


def test_commit_that_came_and_went_is_lost(log):
    assert not lost_commits(str(log))
    (log / name(3)).write_text("{}")
    assert not lost_commits(str(log))
    (log / name(3)).rename(log.parent / "elsewhere")
    assert lost_commits(str(log))


def test_last_commit_of_all_is_lost(log):
    assert not lost_commits(str(log))
    for number in range(3):
        (log / name(number)).unlink()
    assert lost_commits(str(log))


def test_what_was_removed_before_anybody_asked_is_not_known(log):
    (log / name(2)).unlink()
    assert not lost_commits(str(log))


def test_old_commits_and_drafts_may_go(log):
    assert not lost_commits(str(log))
    draft = log / f".{name(3)}.1.tmp"
    draft.write_text("{}")
    draft.rename(log / name(3))
    (log / f"{2:020}.checkpoint.parquet").write_text("")
    for number in (0, 1):
        (log / name(number)).unlink()
    draft.write_text("{}")
    draft.unlink()
    assert not lost_commits(str(log))


def test_log_of_a_table_that_is_made_again_is_another(log):
    assert not lost_commits(str(log))
    shutil.rmtree(log)
    assert not lost_commits(str(log))
    log.mkdir()
    (log / name(0)).write_text("{}")
    assert not lost_commits(str(log))
    (log / name(0)).unlink()
    assert lost_commits(str(log))


def test_log_of_a_table_that_is_renamed_is_the_same(log):
    assert not lost_commits(str(log))
    moved = log.rename(log.with_name("moved"))
    (moved / name(2)).unlink()
    assert lost_commits(str(moved))


def test_what_linux_lost_count_of_is_held_against_the_logs_of_then(log, tmp_path, monkeypatch):
    watch, later = LogWatch(), tmp_path / "later"
    later.mkdir()
    assert not watch.lost(log)
    told = [EVENT.pack(-1, OVERFLOW, 0, 0)]

    def read(number, size):
        if not told:
            raise BlockingIOError
        return told.pop()

    monkeypatch.setattr("labkit.checks.log_watch.os.read", read)
    assert not watch.lost(later)
    assert watch.lost(log)


def test_place_that_is_no_folder_has_lost_nothing(tmp_path):
    assert not lost_commits(str(tmp_path / "nothing"))
