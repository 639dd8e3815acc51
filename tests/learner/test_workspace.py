"""The learner's copies, and JupyterLab on one of them: started, answering, stopped without a trace."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from labkit import home
from labkit.course.labs import Lab
from labkit.home import LabError
from labkit.learner import progress, workspace
from labkit.verdict.outcome import CheckResult

PATIENCE = 120
PROGRAM = [sys.executable, "-c", "from labkit.cli.main import main; main()"]


def passing(task: str) -> CheckResult:
    return CheckResult(f"test_{task}", task, "passed", "works", 1)


def test_starter_is_copied_once_and_never_over_work(toy):
    assert workspace.copy_starter(toy)
    toy.work.write_text("mine")
    assert not workspace.copy_starter(toy)
    assert toy.work.read_text() == "mine"


def test_reset_keeps_each_edited_copy_under_its_date(toy):
    workspace.copy_starter(toy)
    kept = []
    for text in ("first", "second"):
        toy.work.write_text(text)
        kept.append(workspace.reset(toy))
    assert [path.read_text() for path in kept] == ["first", "second"]
    assert all(workspace.KEPT.fullmatch(path.name) for path in kept)
    assert toy.work.read_bytes() == toy.starter.read_bytes()


def test_reset_of_an_untouched_copy_keeps_nothing(toy):
    workspace.copy_starter(toy)
    assert workspace.reset(toy) is None
    assert os.listdir(toy.work.parent) == ["lab.ipynb"]


def test_renamed_copy_is_seen_beside_the_new_one(toy):
    workspace.copy_starter(toy)
    toy.work.write_text("mine")
    workspace.reset(toy)
    toy.work.with_name("mine.ipynb").write_text("{}")
    assert [path.name for path in workspace.other_notebooks(toy)] == ["mine.ipynb"]


def test_next_lab_is_the_one_with_an_open_task(toy):
    other = Lab(1, "other", toy.root)
    for kind in ("labs", "solutions"):
        (toy.root / kind / "00_toy").rename(toy.root / kind / "moved")
        os.symlink(toy.root / kind / "moved", toy.root / kind / "00_toy")
        os.symlink(toy.root / kind / "moved", toy.root / kind / "01_other")
    assert workspace.next_lab(toy.root) == toy
    progress.record(other, (passing("double"),))
    assert workspace.next_lab(toy.root) == other, "a lab that was begun comes first"
    progress.record(other, (passing("store"),))
    assert workspace.next_lab(toy.root) == toy


def test_progress_that_cannot_be_read_is_put_aside(toy):
    progress.record(toy, (passing("double"),))
    progress.path(toy.root).write_text('{"labs": {"toy": 3}}')
    assert progress.task(toy, "double") == {}
    progress.record(toy, (passing("store"),))
    aside = progress.path(toy.root).with_suffix(".unreadable.json")
    assert aside.read_text() == '{"labs": {"toy": 3}}'
    assert progress.passed(progress.task(toy, "store"))


def test_progress_of_another_user_is_not_replaced(toy, monkeypatch):
    progress.note(toy, "double", "hints", 1)
    file = progress.path(toy.root)
    monkeypatch.setattr(home.os, "access", lambda path, mode: path != file)
    progress.note(toy, "double", "hints", 2)
    assert progress.task(toy, "double") == {"hints": 1}


def test_progress_in_a_checkout_of_somebody_else_is_kept_in_the_cache(toy, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(home.os, "access", lambda path, mode: mode != os.W_OK)
    progress.record(toy, (passing("double"),))
    assert progress.passed(progress.task(toy, "double"))
    assert progress.path(toy.root).is_relative_to(tmp_path)
    assert not (toy.root / "work").exists()


def test_progress_of_a_newer_version_keeps_what_this_one_does_not_know(toy):
    progress.path(toy.root).parent.mkdir()
    progress.path(toy.root).write_text(
        '{"labs": {"gone": {"tasks": {}}}, "version": 9, "badge": "x"}'
    )
    progress.record(toy, (passing("double"),))
    kept = progress.load(toy.root)
    assert (kept["version"], kept["badge"]) == (9, "x")
    assert set(kept["labs"]) == {"gone", "toy"}


def test_port_in_use_is_told_before_anything_starts(toy):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LabError, match=f"port {port} is in use; without --port"):
            workspace.serve(toy, browser=False, port=port, say=print)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_jupyterlab_answers_with_the_copy_and_ends_with_the_command(course, tmp_path, end):
    environment = {
        **os.environ,
        "LAB_ROOT": str(course),
        "LAB_SPARK": "cold",  # nobody needs Spark here, so none is started ahead
        "JUPYTER_CONFIG_DIR": str(tmp_path),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
    }
    (course / "types.py").write_text("raise SystemExit('a module of the learner, not of Python')\n")
    started = subprocess.Popen(
        [*PROGRAM, "start", "toy", "--no-browser"], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        said = ""
        while "Ctrl-C stops it" not in said:
            line = started.stdout.readline()
            assert line, said
            said += line
        address, token = re.search(
            r"(http://\S+?)/lab/tree/work/00_toy/lab.ipynb\?token=(\S+)", said
        ).groups()
        url = f"{address}/api/contents/work/00_toy/lab.ipynb?content=0&token={token}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            assert b'"type": "notebook"' in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url.partition("&token")[0], timeout=PATIENCE)
        started.send_signal(end)
        rest, _ = started.communicate(timeout=PATIENCE)
        assert "JupyterLab is stopping." in rest
        assert started.returncode == 0
        wait_until_closed(int(address.rpartition(":")[2]))
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()


def wait_until_closed(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        assert time.monotonic() < deadline, "JupyterLab outlives the command"
        time.sleep(0.05)  # between two looks at the port
