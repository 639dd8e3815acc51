"""Submissions of every kind are read, or refused with a reason; nothing in them is run."""

import os

import nbformat
import pytest
from handed_in import GOOD, MALFORMED, write

from labkit.grading.cells import UnreadableError
from labkit.grading.submission import read_submission


def test_cells_are_numbered_as_a_reader_counts(tmp_path):
    found = read_submission(write(tmp_path / "a.ipynb", nbformat.writes(GOOD)))
    assert [cell.number for cell in found.cells] == [2, 4]
    assert found.lab == "toy"


def test_percent_and_plain_python_are_read(tmp_path):
    percent = read_submission(write(tmp_path / "a.py", "# %%\nx = 1\n\n# %%\ny = 2\n"))
    plain = read_submission(write(tmp_path / "b.py", "x = 1\ny = 2\n"))
    assert [cell.number for cell in percent.cells] == [1, 2]
    assert [cell.source for cell in plain.cells] == ["x = 1\ny = 2\n"]


@pytest.mark.parametrize(("name", "content", "says"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_submission_is_refused_with_a_reason(tmp_path, name, content, says):
    with pytest.raises(UnreadableError, match=says):
        read_submission(write(tmp_path / name, content))


def test_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "a.ipynb"
    with path.open("wb") as out:
        out.truncate(50_000_000)
    with pytest.raises(UnreadableError, match="50 MB"):
        read_submission(path)


def test_too_many_cells_are_refused(tmp_path):
    text = "\n".join(f"# %%\nx = {n}" for n in range(2_001))
    with pytest.raises(UnreadableError, match="2001 code cells"):
        read_submission(write(tmp_path / "a.py", text))


def test_folder_named_like_a_notebook_is_refused(tmp_path):
    (tmp_path / "a.ipynb").mkdir()
    with pytest.raises(UnreadableError, match="is a folder"):
        read_submission(tmp_path / "a.ipynb")


def test_missing_file_lists_what_is_there(tmp_path):
    write(tmp_path / "mine.ipynb", "{}")
    with pytest.raises(UnreadableError, match=r"has mine\.ipynb"):
        read_submission(tmp_path / "lab.ipynb")


def test_unreadable_file_says_why(tmp_path, monkeypatch):
    path = write(tmp_path / "a.py", "x = 1")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", refuse)
    with pytest.raises(UnreadableError, match="Permission denied"):
        read_submission(path)


def test_dangling_link_is_refused(tmp_path):
    os.symlink(tmp_path / "gone.ipynb", tmp_path / "a.ipynb")
    with pytest.raises(UnreadableError, match="isn't there"):
        read_submission(tmp_path / "a.ipynb")


def test_notebook_of_another_lab_is_refused(tmp_path):
    found = read_submission(write(tmp_path / "a.ipynb", nbformat.writes(GOOD)))
    found.require_lab("toy")
    with pytest.raises(UnreadableError, match="is of lab `toy`") as caught:
        found.require_lab("cdc_merge")
    assert caught.value.status == "no_lab"
