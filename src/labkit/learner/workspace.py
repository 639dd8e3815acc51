"""The learner's own copies in work/, and JupyterLab opened on one of them."""

from __future__ import annotations

import datetime
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit import home
from labkit.course import catalogue
from labkit.course.labs import Lab, find_labs
from labkit.home import LabError
from labkit.learner import progress

START_SECONDS = 90
KEPT = re.compile(r"lab-\d{8}-\d{6}-\d+\.ipynb")


def next_lab(root: Path) -> Lab:
    """The lab of the next step; the first one when every task is passed."""
    labs = find_labs(root)
    if not labs:
        raise LabError(f"there are no labs in {root / 'labs'}")
    step = progress.next_step(labs)
    return step.lab if step else labs[0]


def not_passed_before(lab: Lab) -> list[Lab]:
    """The labs that this one builds on, without those whose tasks are all passed."""
    first = catalogue.after(lab, find_labs(lab.root))
    kept = progress.tasks_by_lab(first)
    return [
        one
        for one in first
        if not all(progress.passed(kept[one.slug].get(task, {})) for task in one.tasks)
    ]


def other_notebooks(lab: Lab) -> list[Path]:
    """Notebooks beside the learner's copy, renamed ones say; not the dated ones of reset."""
    return [
        path
        for path in sorted(lab.work.parent.glob("*.ipynb"))
        if path != lab.work and not KEPT.fullmatch(path.name)
    ]


def copy_starter(lab: Lab) -> bool:
    """Copies the starter to work/ unless a copy is there; returns whether it did."""
    if lab.work.is_file():
        return False
    with _writing(lab):
        lab.work.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(lab.starter, lab.work)
    return True


def reset(lab: Lab) -> Path | None:
    """Restores the starter. Edited work is kept beside it, dated; returns its path, or None."""
    kept = None
    with _writing(lab):
        if lab.work.is_file() and lab.work.read_bytes() != lab.starter.read_bytes():
            now = datetime.datetime.now(datetime.UTC)
            kept = lab.work.with_name(f"lab-{now:%Y%m%d-%H%M%S-%f}.ipynb")
            lab.work.rename(kept)
        elif lab.work.is_file():
            lab.work.unlink()
    copy_starter(lab)
    return kept


@contextmanager
def _writing(lab: Lab) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LabError(
            f"your copy {lab.work} can't be written ({error.strerror}); "
            "make the checkout writable or clone it to a folder of your own"
        ) from None


def serve(
    lab: Lab,
    *,
    browser: bool,
    port: int,
    say: Callable[[str], None],
    notebook: Path | None = None,
) -> None:
    """Runs JupyterLab on the learner's copy until Ctrl-C; says its address once it answers.

    On another `notebook` it shows the folder of that notebook, and nothing of the checkout.
    """
    port = _port(port)
    top = notebook.parent if notebook else lab.root
    token = secrets.token_urlsafe(24)
    log = home.cache_dir() / "jupyter.log"
    command = [
        # -P: a learner's file in the checkout must not replace the module of the same name.
        *(sys.executable, "-P", "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        f"--ServerApp.root_dir={top}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]
    environment = {**os.environ, "JUPYTER_TOKEN": token, "LAB_ROOT": str(lab.root)}
    environment |= _jupyter_folders()
    # In a session of its own, so that Ctrl-C reaches only this process, which ends the server.
    log.unlink(missing_ok=True)
    with log.open("a") as out:
        server = subprocess.Popen(
            command, cwd=top, env=environment, stdout=out, stderr=out,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    spark = _warm_up(environment, log)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal leaves no server behind
        signal.signal(number, signal.default_int_handler)
    try:
        _wait_until_up(server, f"http://127.0.0.1:{port}/api", log)
        where = (notebook or lab.work).relative_to(top).as_posix()
        address = f"http://127.0.0.1:{port}/lab/tree/{where}?token={token}"
        say(f"JupyterLab is running at {address}")
        say(f"Ctrl-C stops it; your work is saved in {'work/' if notebook is None else top}.")
        if browser:
            webbrowser.open(address)
        from labkit.spark import (
            make_archive,  # imports PySpark, which opening a page doesn't need
        )

        make_archive.make_in_background()  # for the next time
        server.wait()
    except KeyboardInterrupt:
        say("JupyterLab is stopping.")
    finally:
        if spark is not None and spark.poll() is None:
            spark.terminate()
            spark.wait()
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    if server.returncode not in (0, -15, 143):
        raise LabError(f"JupyterLab ended with code {server.returncode}; its log is {log}")


def _warm_up(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes] | None:
    """Starts warm Spark while JupyterLab loads its page, so that it runs by the first cell."""
    if os.environ.get("LAB_SPARK") == "cold":
        return None
    code = "from labkit.spark import session; session.current()"
    with log.open("a") as out:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", code], env=environment, stdout=out, stderr=out,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip


def _port(wanted: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            raise LabError(
                f"port {wanted} is in use; without --port, a free one is taken"
            ) from None
        return int(probe.getsockname()[1])


def _jupyter_folders() -> dict[str, str]:
    """Folders for Jupyter's files when the home folder can't be written."""
    if os.access(Path.home(), os.W_OK):
        return {}
    base = home.cache_dir() / "jupyter"
    names = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "run",
    }
    return {name: str(base / part) for name, part in names.items()} | {
        "IPYTHONDIR": str(base / "ipython")
    }


def _wait_until_up(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        if server.poll() is not None:
            last = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
            raise LabError(f"JupyterLab did not start (log: {log}):\n" + "\n".join(last))
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise LabError(f"JupyterLab does not answer at {url}; its log is {log}") from None
            time.sleep(0.1)  # between two polls of the server's own API
