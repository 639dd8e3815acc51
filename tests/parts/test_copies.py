"""Processes of a part that begin as copies of one that is ready: what they share, and how all end."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from part_processes import (
    INSIDE,
    interrupt_after,
    leaves,
    sleeps,
    wait_for,
    wait_until_gone,
)
from processes import alive
from sandboxes import python as in_sandbox

from labkit.checks.parts import part_of, server
from labkit.judge.answer import Learner
from labkit.parts import copies
from labkit.verdict.errors import AnswerError

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """No process that an earlier test made ready; those of this one end with it."""
    monkeypatch.setattr(copies, "_idle", {})
    yield
    for original in copies._idle.values():
        original.close()


def gets_ready():
    import os
    from pathlib import Path

    os.environ["READY"] = str(os.getpid())
    Path("ready/empty").mkdir(parents=True)
    Path("ready/note").write_text("made once")


def looks():
    files = {str(path): path.is_file() and path.read_text() for path in Path().rglob("*")}
    return [os.environ["READY"], os.environ.get("MINE"), files]


def changes():
    os.environ["MINE"] = "changed"
    Path("ready/note").write_text("changed")
    Path("ready/empty").rmdir()
    Path("mine").touch()


def processes():
    return [os.getpid(), os.getppid()]


def reports(path):
    import subprocess

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(f"{path}.part").write_text(f"{os.getpid()} {os.getppid()} {child.pid} {os.getcwd()}")
    Path(f"{path}.part").rename(path)
    time.sleep(600)


MADE = {"ready": False, "ready/empty": False, "ready/note": "made once"}


def test_what_comes_first_is_done_once_and_no_process_sees_what_another_changed(part):
    with server(part, looks, changes, processes, first=gets_ready) as one:
        before = one.call("looks")
        assert before[1:] == [None, MADE]
        one.call("changes")
        assert one.call("looks")[1:] == [
            "changed",
            {"ready": False, "ready/note": "changed", "mine": ""},
        ]
        mine, original = one.call("processes")
        assert before[0] == str(original)
    wait_until_gone(mine)
    with server(part, looks, processes, first=gets_ready) as other:
        assert other.call("looks") == before
        assert other.call("processes")[1] == original


def test_where_processes_are_not_copied_each_is_made_ready(part, monkeypatch):
    monkeypatch.setattr(copies, "COPIES", False)
    for _ in range(2):
        with server(part, looks, changes, processes, first=gets_ready) as served:
            assert served.call("looks") == [str(served.call("processes")[0]), None, MADE]
            served.call("changes")


def test_two_at_once_have_folders_of_their_own(part):
    with server(part, looks, changes, first=gets_ready) as one:
        one.call("changes")
        with server(part, looks, first=gets_ready) as other:
            assert one.folder != other.folder
            assert other.call("looks")[1:] == [None, MADE]
        left = other.folder
    assert [left.exists(), one.folder.exists()].count(True) == len(copies._idle) == 1


def test_another_first_is_another_process(part):
    def gets_ready():
        os.environ["READY"] = "otherwise"

    for first, expected in ((globals()["gets_ready"], MADE), (gets_ready, {})):
        with server(part, looks, first=first) as served:
            assert served.call("looks")[2] == expected


def test_a_check_asks_for_it_too(part):
    with part_of(Learner({"looks": looks}), part, tasks=["looks"], first=gets_ready) as served:
        assert served.call("looks")[1:] == [None, MADE]


def test_a_copy_that_ends_is_told_and_the_next_has_its_files(part):
    with server(part, leaves, looks, sleeps, first=gets_ready) as served:
        ready = served.call("looks")[0]
        with pytest.raises(AnswerError, match=r"(?s)ended the Python .*exit code 7.*on my way out"):
            served.call("leaves")
        served.write({"mine": "kept"})
        with pytest.raises(AnswerError, match="`sleeps` took longer than 2 s") as caught:
            served.call("sleeps", seconds=2)
        assert caught.value.outcome == "timeout"
        wait_until_gone(int((served.folder / "pid").read_text()))
        found = served.call("looks")
        assert found[0] == ready and found[2]["mine"] == "kept"


def test_what_comes_first_can_fail(part):
    def fails():
        raise ValueError("no Airflow today")

    for _ in range(2):
        with (
            server(part, looks, first=fails) as served,
            pytest.raises(AnswerError, match="ValueError: no Airflow today"),
        ):
            served.call("looks")
        assert not served.folder.exists() and not copies._idle


def test_an_interrupt_of_what_comes_first_ends_it(part):
    with server(part, looks, first=sleeps) as served:
        with pytest.raises(KeyboardInterrupt), interrupt_after(1):
            served.call("looks")
        wait_until_gone(int((served.folder / "pid").read_text()))
    assert not copies._idle


def test_without_its_original_a_copy_works_and_ends(part):
    with server(part, processes, first=gets_ready) as served:
        mine, original = served.call("processes")
        os.kill(original, signal.SIGKILL)
        wait_until_gone(original)
        assert served.call("processes")[0] == mine
    wait_until_gone(mine)
    with server(part, looks, first=gets_ready) as served:
        assert served.call("looks")[1:] == [None, MADE]
        original = served.call("looks")[0]
    os.kill(int(original), signal.SIGKILL)
    wait_until_gone(int(original))
    with server(part, looks, first=gets_ready) as served:
        assert served.call("looks")[0] != original


def test_an_original_ends_when_it_was_idle_for_long(part, monkeypatch):
    monkeypatch.setattr(copies, "IDLE_SECONDS", 0.2)
    with server(part, processes, looks, first=gets_ready) as served:
        _, original = served.call("processes")
        time.sleep(0.5)  # longer than that: it is not idle while there is a copy
        assert alive(original) and served.call("looks")[1:] == [None, MADE]
    wait_until_gone(original)
    with server(part, processes, looks, first=gets_ready) as served:
        assert served.call("processes")[1] != original
        assert served.call("looks")[1:] == [None, MADE]


def test_an_original_that_ends_at_this_moment_is_followed_by_another(part, monkeypatch):
    with server(part, processes, first=gets_ready) as served:
        _, original = served.call("processes")
    os.kill(original, signal.SIGKILL)
    wait_until_gone(original)
    begun = property(lambda self: self._process is not None)  # as the system saw it a moment ago
    monkeypatch.setattr(copies.Original, "lives", begun)
    with server(part, processes, looks, first=gets_ready) as served:
        assert served.call("processes")[1] != original
        assert served.call("looks")[1:] == [None, MADE]


@pytest.mark.parametrize("way", ["killed", "ended"])
def test_all_end_with_whoever_asked(part, tmp_path, way):
    program = (
        "import sys\n"
        "from labkit.parts.process import server\n"
        "import test_copies as t\n"
        "with server('airflow', t.reports, first=t.gets_ready) as served:\n"
        "    try:\n"
        "        served.call('reports', sys.argv[1])\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
    )
    asker = psutil.Popen(
        [sys.executable, "-c", program, str(tmp_path / "report")],
        env={**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent}"},
    )
    *pids, folder = wait_for(tmp_path / "report").split()
    asker.send_signal(signal.SIGKILL if way == "killed" else signal.SIGINT)
    asker.wait()
    for pid in pids:
        wait_until_gone(int(pid))
    assert not Path(folder).exists()


def test_in_the_sandbox_processes_are_copied(part, place):
    first = "def gets_ready():\n    open('ready', 'w').write('yes')\n"
    use = (
        "from labkit.parts.process import server\n"
        "for _ in range(2):\n"
        "    with server('airflow', looks, first=gets_ready) as served:\n"
        "        print(served.call('looks', 'ready'))\n"
    )
    head, _, tail = INSIDE.partition("'''\nlinecache")
    code = f"{head}{first}'''\nlinecache{tail}"
    code = code[: code.index("print(run(")] + use
    found = in_sandbox(code, read=[place])
    assert found["code"] == 0, found["err"]
    seen = [eval(line) for line in found["out"].splitlines()]
    assert [each[1:] for each in seen] == [[True, False]] * 2
    assert seen[0] == seen[1]
