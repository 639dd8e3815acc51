"""Commands in a real terminal: what they print is awaited, and keys are sent."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

PROGRAM = "from labkit.cli.main import main; main()"


@contextmanager
def terminals(root: Path, **environment: str) -> Iterator[Callable[..., pexpect.spawn]]:
    """`run(*words)`: `lab` with these words in a terminal of its own, which ends with the block."""
    opened = []

    def run(*words: str, **more: str) -> pexpect.spawn:
        found = pexpect.spawn(
            sys.executable, ["-c", PROGRAM, *words], cwd=root, encoding="utf-8",
            timeout=180, dimensions=(40, 120),
            env={**os.environ, "LAB_ROOT": str(root), "TERM": "xterm", "NO_COLOR": "1",
                 **environment, **more},
        )  # fmt: skip
        opened.append(found)
        return found

    try:
        yield run
    finally:
        for found in opened:
            found.close(force=True)
