"""One grading worker as its parent sees it: asked, heard with a deadline, ended with all it started."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from labkit import home
from labkit.sandbox.sandbox import remove
from labkit.verdict.outcome import Status

TAIL_BYTES = 65_536
DRAIN_SECONDS = 2.0


class WorkerLostError(Exception):
    """A worker ended, hung or spoke nonsense; `status` is what that means for its submission."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


class Worker:
    """One worker process as its parent sees it, with everything that it started."""

    def __init__(self, command: Sequence[str], words: Sequence[str] = ()) -> None:
        self.sandboxed = False  # until it says so
        self._folders = [Path(tempfile.mkdtemp(prefix="labkit-worker-"))]
        environment = {**os.environ, "LAB_ROOT": str(home.root()), "TMPDIR": str(self._folders[0])}
        self._process = subprocess.Popen(
            [*command, str(self._folders[0]), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment, start_new_session=True,
        )  # fmt: skip
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._log: deque[bytes] = deque(maxlen=TAIL_BYTES // 4096)
        self._kin: set[psutil.Process] = set()
        self.served = 0
        threading.Thread(target=self._read_replies, daemon=True).start()
        self._drain = threading.Thread(target=self._read_log, daemon=True)
        self._drain.start()

    def welcome(self, ready: dict[str, Any]) -> None:
        """Takes in what the worker says of itself when it is ready."""
        self.sandboxed = ready.get("sandbox") is True
        if folder := ready.get("folder"):
            self._folders.append(Path(folder))

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to one request; WorkerLostError after `seconds`, or when there is none."""
        self.served += 1
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._lost() from None
        return self.hear(time.monotonic() + seconds, limit=seconds)

    def hear(self, deadline: float, *, limit: float | None = None) -> dict[str, Any]:
        """The next message."""
        while True:
            ended = self._process.poll() is not None
            try:
                line = self._lines.get(timeout=min(0.5, max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                self._note_kin()
                if ended:  # and something that the worker started holds its pipe open
                    raise self._lost() from None
                if time.monotonic() < deadline:
                    continue
                what = f"the submission took longer than {limit:g} s" if limit else "no answer"
                raise WorkerLostError("timeout", what) from None
            if line is None:
                raise self._lost()
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if not isinstance(message, dict):
                raise WorkerLostError("crashed", "the grading worker spoke nonsense")
            return message

    def end(self) -> None:
        """Ends the worker and all that it started, and removes its files."""
        self._note_kin()
        for process in (self._process, *self._kin):
            with suppress(psutil.Error, OSError):
                process.kill()
        self._process.wait()
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        for folder in self._folders:
            remove(folder)

    def tail(self) -> bytes:
        """The last that the worker wrote to stderr."""
        return b"".join(self._log.copy())[-TAIL_BYTES:]

    def _lost(self) -> WorkerLostError:
        code = self._process.wait()
        # The last words are on their way; a process that it started may keep the pipe open.
        self._drain.join(timeout=DRAIN_SECONDS)
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return WorkerLostError(
            "crashed", f"the grading worker ended ({how}) while it had this submission"
        )

    def _note_kin(self) -> None:
        """Remembers the processes below the worker: they outlive it when it is killed."""
        with suppress(psutil.Error):
            self._kin.update(psutil.Process(self._process.pid).children(recursive=True))

    def _read_replies(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_log(self) -> None:
        """Drains stderr, whatever its size; only its end is kept."""
        assert self._process.stderr is not None
        descriptor = self._process.stderr.fileno()
        with suppress(OSError, ValueError):
            while part := os.read(descriptor, 4096):
                self._log.append(part)
