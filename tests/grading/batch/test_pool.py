"""Workers are replaced when they die, hang or talk nonsense; every request gets its one reply."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from processes import alive

from labkit.grading.batch.pool import COMMAND as WORKER
from labkit.grading.batch.pool import Pool
from labkit.grading.batch.worker import NO_SANDBOX
from labkit.home import LabError

# Speaks the protocol of a worker; what it does with a submission is the name of its file.
ACTOR = """
import json, os, signal, subprocess, sys, time
say = lambda message: print(json.dumps(message), flush=True)
say({"ready": os.getpid()})
for line in sys.stdin:
    request = json.loads(line)
    act = request["path"]
    if act == "die": os._exit(7)
    if act == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if act == "hang": signal.pause()
    if act == "nonsense": print("no JSON", flush=True); signal.pause()
    if act == "list": print("[1, 2]", flush=True); signal.pause()
    if act == "flood": sys.stderr.write("x" * 5_000_000 + "the end"); sys.stderr.flush(); os._exit(3)
    if act == "leave":
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        open(request["note"], "w").write(str(child.pid))
        time.sleep(1.5); os._exit(1)
    if act == "broke": say({"crashed": "grading stopped (ValueError)", "spent": True}); continue
    result = json.dumps({"by": os.getpid(), "words": sys.argv[2:]})
    say({"result": result, "spent": act == "spend"})
"""
COMMAND = (sys.executable, "-c", ACTOR)


def run(acts, size=1, seconds=20.0, **more):
    requests = [{"name": str(n), "path": act, **more} for n, act in enumerate(acts)]
    with Pool(size, seconds=seconds, command=COMMAND) as pool:
        return {int(reply.request["name"]): reply for reply in pool.run(requests)}


def said(reply):
    return json.loads(reply.result)


def test_every_request_gets_one_reply():
    replies = run(["ok"] * 30, size=3)
    assert sorted(replies) == list(range(30))
    assert {reply.status for reply in replies.values()} == {"graded"}


def test_one_worker_serves_many():
    assert len({said(reply)["by"] for reply in run(["ok"] * 5).values()}) == 1


def test_workers_are_told_when_their_jvm_will_last():
    for size, count, words in ((1, 8, ["many"]), (2, 9, []), (1, 2, [])):
        replies = run(["ok"] * count, size=size).values()
        assert [said(reply)["words"] for reply in replies] == [words] * count


@pytest.mark.parametrize(
    ("act", "status", "says"),
    [
        ("die", "crashed", "exit code 7"),
        ("kill", "crashed", "killed by signal 9"),
        ("hang", "timeout", "took longer than 1 s"),
        ("nonsense", "crashed", "nonsense"),
        ("list", "crashed", "nonsense"),
        ("broke", "crashed", "ValueError"),
    ],
)
def test_bad_submission_costs_itself_alone(act, status, says):
    replies = run(["ok", act, "ok"], seconds=1.0 if act == "hang" else 20.0)
    assert [replies[n].status for n in range(3)] == ["graded", status, "graded"]
    assert says in replies[1].message
    assert said(replies[0])["by"] != said(replies[2])["by"]


def test_worker_that_is_spent_takes_no_other_submission():
    replies = run(["ok", "spend", "ok"])
    workers = [said(replies[n])["by"] for n in range(3)]
    assert workers[0] == workers[1] != workers[2]


def test_output_is_drained_and_only_its_end_is_kept():
    (reply,) = run(["flood"]).values()
    assert reply.log.endswith(b"the end")
    assert len(reply.log) < 100_000


def test_what_a_dead_worker_left_running_is_ended(tmp_path):
    note = tmp_path / "pid"
    run(["leave", "ok"], note=str(note))
    wait(lambda: not alive(int(note.read_text())), "the end of the child")


def test_leaving_the_block_ends_the_workers():
    with Pool(2, seconds=20, command=COMMAND) as pool:
        replies = pool.run([{"name": "a", "path": "ok"}, {"name": "b", "path": "hang"}])
        next(replies)
        here = psutil.Process().children(recursive=True)
        workers = [p for p in here if alive(p) and "say = lambda" in " ".join(p.cmdline())]
        assert workers
    assert not [p for p in workers if alive(p)]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import json; print(json.dumps({'refused': 'no Java here'}))", "no Java here"),
        ("import sys; sys.exit('cannot import labkit')", "cannot import labkit"),
        ("import signal; signal.pause()", "no answer"),
    ],
)
def test_workers_that_cannot_start_end_the_batch_with_their_reason(code, says):
    pool = Pool(2, seconds=20, command=(sys.executable, "-c", code), start_seconds=1.5)
    with pool, pytest.raises(LabError, match=says):
        list(pool.run([{"name": str(n), "path": "ok"} for n in range(4)]))


def test_worker_ends_when_its_parent_is_killed(tmp_path):
    """The real worker, before its JVM is up: its pipe closes, and it goes with all below it."""
    parent = subprocess.Popen(
        [
            sys.executable, "-c",
            "import subprocess, sys, signal\n"
            "p = subprocess.Popen([sys.executable, '-m', 'labkit.grading.batch.worker', sys.argv[1]],"
            " stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)\n"
            "print(p.pid, flush=True)\nsignal.pause()",
            str(tmp_path / "scratch"),
        ],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "LAB_ROOT": str(Path(__file__).parents[3])},
    )  # fmt: skip
    worker = psutil.Process(int(parent.stdout.readline()))
    below: list[psutil.Process] = []
    wait(lambda: below.extend(worker.children(recursive=True)) or below, "a JVM")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait(lambda: not [p for p in (worker, *below) if alive(p)], "the end of the worker")


def wait(holds, what, seconds=180):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come in {seconds} s"
        time.sleep(0.05)  # between two looks


def test_no_module_comes_from_the_folder_that_grading_was_called_in(tmp_path):
    """It may hold what was handed in: a `queue.py` there would run in the judge."""
    for name in ("queue", "json", "labkit"):
        (tmp_path / f"{name}.py").write_text("open('was_here', 'w')\nraise SystemExit(9)\n")
    done = subprocess.run(
        [*WORKER, str(tmp_path / "folder"), NO_SANDBOX],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert not (tmp_path / "was_here").exists()
    assert done.returncode == 0, done.stderr
