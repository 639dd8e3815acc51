"""Processes of a part that are started ahead: what each answer gets, and how all end."""

import os
import signal
import sys
import time
from pathlib import Path
from queue import SimpleQueue

import psutil
import pytest
from part_processes import (
    PATIENCE,
    interrupt_after,
    leaves,
    sleeps,
    wait_for,
    wait_until_gone,
)
from processes import alive

from labkit.checks.parts import part_of, server
from labkit.judge.answer import Learner
from labkit.parts import inside_part, spares
from labkit.verdict.errors import AnswerError

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing that an earlier test started; what this one starts ends with it."""
    monkeypatch.setattr(spares, "_ready", {})
    monkeypatch.setattr(spares, "_wanted", True)
    yield
    for spare in spares._ready.values():
        spare.close()


def starts():
    Path("steps").write_text(f"started by {os.getpid()}\n")


def goes_on():
    with Path("steps").open("a") as file:
        file.write("went on\n")


def looks():
    steps = Path("steps").read_text() if Path("steps").exists() else ""
    return [os.getpid(), steps, sorted(map(str, Path().iterdir()))]


def changes():
    Path("mine").touch()


AHEAD = [starts, goes_on]


def pid_of_spare() -> int:
    [spare] = spares._ready.values()
    return spare._early.pid


def sleeping_spare() -> int:
    [spare] = spares._ready.values()
    wait_for(spare.folder / "pid")
    return pid_of_spare()


def test_a_process_is_started_ahead_after_each_that_was_used(part):
    with server(part, looks, changes, ahead=AHEAD) as first:
        assert first.call("looks")[1:] == ["", []]
        first.call("changes")
    for _ in range(2):
        spares.settle()
        pid = pid_of_spare()
        with server(part, looks, changes, ahead=AHEAD) as served:
            assert served.call("looks") == [pid, f"started by {pid}\nwent on\n", ["steps"]]
            served.call("changes")
            assert not spares._ready  # the next one waits until this one has ended
        wait_until_gone(pid)
        assert not served.folder.exists() and alive(pid_of_spare())


def test_it_is_given_functions_that_it_was_not_started_for(part):
    with server(part, looks, ahead=AHEAD) as served:
        served.call("looks")
    spares.settle()
    pid = pid_of_spare()
    with server(part, changes, looks) as served:
        served.call("changes")
        assert served.call("looks")[::2] == [pid, ["mine", "steps"]]
    assert pid_of_spare() != pid
    spares.settle()


def test_what_it_has_not_begun_when_it_is_needed_is_left_out():
    process = object.__new__(inside_part.Process)
    process.requests, process.given = SimpleQueue(), inside_part.Given()
    called = []
    process.given.functions = {
        "one": lambda: called.append("one"),
        "two": lambda: process.requests.put({"define": []}),
        "three": lambda: called.append("three"),
    }
    assert process.get_ahead(["one", "two", "three"]) == 2
    assert called == ["one"]


def test_a_call_that_waits_for_it_too_long_ends_it(part):
    with server(part, looks, ahead=[sleeps]) as served:
        served.call("looks")
    pid = sleeping_spare()
    with server(part, looks, ahead=[sleeps]) as served:
        with pytest.raises(AnswerError, match="`looks` took longer than 1 s") as caught:
            served.call("looks", seconds=1)
        assert caught.value.outcome == "timeout"
        wait_until_gone(pid)
        assert served.call("looks")[1] == ""  # a new one, in which nothing was called


def test_without_a_call_it_is_kept(part):
    with server(part, looks, ahead=AHEAD):
        pass
    assert not spares._ready
    with server(part, looks, ahead=AHEAD) as served:
        served.call("looks")
    pid = pid_of_spare()
    with server(part, looks, ahead=AHEAD):
        assert not spares._ready
    assert pid_of_spare() == pid


def test_two_at_once_are_two_and_one_follows(part):
    with server(part, looks, ahead=AHEAD) as one:
        one.call("looks")
    spares.settle()
    with server(part, looks, ahead=AHEAD) as one, server(part, looks, ahead=AHEAD) as other:
        assert one.folder != other.folder
        assert [one.call("looks")[1] == "", other.call("looks")[1] == ""] == [False, True]
    assert len(spares._ready) == 1


def test_in_other_surroundings_it_serves_nobody(part, monkeypatch):
    with server(part, looks, ahead=AHEAD) as served:
        served.call("looks")
    pid = pid_of_spare()
    monkeypatch.setenv("LANG", "xx")
    with server(part, looks, ahead=AHEAD) as served:
        wait_until_gone(pid)
        assert served.call("looks")[1] == ""


def test_what_it_does_ahead_can_fail(part):
    def fails():
        Path("half").touch()
        raise ValueError("no Flink today")

    for _ in range(2):
        with server(part, looks, ahead=[fails]) as served:
            assert served.call("looks")[1:] == ["", []]


def test_one_that_has_ended_is_followed_by_another(part, monkeypatch):
    monkeypatch.setattr(spares, "IDLE_SECONDS", 0.2)
    for ended in ("idle", "killed", "idle"):
        with server(part, leaves, looks, ahead=AHEAD) as served:
            assert served.call("looks")[1] == ""
            with pytest.raises(AnswerError, match="ended the Python"):
                served.call("leaves")
            assert served.call("looks")[1] == ""
        pid = pid_of_spare()
        if ended == "killed":
            os.kill(pid, signal.SIGKILL)
        [spare] = spares._ready.values()
        spare._early.wait(PATIENCE)


def test_in_use_it_does_not_end_when_it_is_idle(part, monkeypatch):
    monkeypatch.setattr(spares, "IDLE_SECONDS", 1.0)
    with server(part, looks, ahead=AHEAD) as served:
        served.call("looks")
    spares.settle()
    with server(part, looks, ahead=AHEAD) as served:
        pid = served.call("looks")[0]
        time.sleep(1.5)  # longer than that
        assert served.call("looks")[0] == pid


def test_an_interrupt_while_it_gets_ready_ends_it(part):
    with server(part, looks, ahead=[sleeps]) as served:
        served.call("looks")
    pid = sleeping_spare()
    with server(part, looks, ahead=[sleeps]) as served:
        with pytest.raises(KeyboardInterrupt), interrupt_after(1):
            served.call("looks")
        wait_until_gone(pid)
        wait_until_gone(int((served.folder / "pid").read_text()))
        assert served.call("looks")[1] == ""


def test_nobody_starts_one_who_does_not_want_it(part, monkeypatch):
    monkeypatch.setattr(spares, "_wanted", False)
    with part_of(Learner({"looks": looks}), part, tasks=["looks"], ahead=AHEAD) as served:
        assert served.call("looks")[1:] == ["", []]
    assert not spares._ready


def test_a_process_is_a_copy_or_started_ahead(part):
    with (
        pytest.raises(ValueError, match="not both"),
        server(part, looks, first=starts, ahead=AHEAD),
    ):
        pass


def test_a_check_asks_for_it_too(part):
    for _ in range(2):
        with part_of(Learner({"looks": looks}), part, tasks=["looks"], ahead=AHEAD) as served:
            found = served.call("looks")
        spares.settle()
    assert found[1] == f"started by {found[0]}\nwent on\n"


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_whoever_wanted_it(part, tmp_path, way):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "import test_spares as t\n"
        "from labkit.parts import spares\n"
        "with spares.wanted():\n"
        "    with t.server('airflow', t.looks, ahead=[t.sleeps]) as served:\n"
        "        served.call('looks')\n"
        "[spare] = spares._ready.values()\n"
        "t.wait_for(spare.folder / 'pid')\n"
        "Path(sys.argv[1], 'report.part').write_text(f'{spare._early.pid} {spare.folder}')\n"
        "Path(sys.argv[1], 'report.part').rename(Path(sys.argv[1], 'report'))\n"
        "time.sleep(600)\n"
    )
    asker = psutil.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent}"},
    )
    pid, folder = wait_for(tmp_path / "report").split()
    child = (Path(folder) / "pid").read_text()
    asker.send_signal(way)
    asker.wait()
    for each in (pid, child):
        wait_until_gone(int(each))
    assert not Path(folder).exists()
