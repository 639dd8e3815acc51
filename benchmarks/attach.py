"""Opening a lab: a private session, warm Spark, a restarted kernel; and the memory of four notebooks.

    .venv/bin/python benchmarks/attach.py [--rounds 5] [--json FILE]

Each takes its turn in every round. A process counts from its start until Spark has answered a query.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from jupyter_client.manager import KernelManager

sys.path.insert(0, str(Path(__file__).parent))
import peers
import rounds

from labkit import home

OPEN = "import labkit; lab = labkit.open('warm_up'); spark = lab.spark; spark.sql('select 1').collect()"
NOTEBOOKS = 4


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "LAB_ROOT": str(home.root()), **more}


def process(**more: str) -> float:
    """Seconds of a process that opens a lab, without its end."""
    started = time.perf_counter()
    code = f"{OPEN}; print('ready', flush=True); input()"
    client = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(**more), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    line = client.stdout.readline()
    seconds = time.perf_counter() - started
    client.communicate("\n")
    if line != "ready\n":
        raise SystemExit("a lab could not be opened; run `lab doctor`")
    return seconds


class Notebook:
    """A kernel to restart, as the button in JupyterLab does."""

    def __init__(self, **more: str) -> None:
        self._manager = KernelManager()
        self._manager.start_kernel(env=environment(**more))
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=120)

    def open(self) -> None:
        reply = self._client.execute_interactive(
            OPEN, timeout=300, output_hook=lambda message: None
        )
        if reply["content"]["status"] != "ok":
            raise SystemExit(f"a lab could not be opened: {reply['content']['evalue']}")

    def restart(self) -> float:
        """Seconds from the restart until the lab is open again."""
        started = time.perf_counter()
        self._manager.restart_kernel(now=True)
        self._client.wait_for_ready(timeout=120)
        self.open()
        return time.perf_counter() - started

    def megabytes(self) -> float:
        """Resident memory of the kernel and of all that it started."""
        kernel = psutil.Process(self._manager.provisioner.pid)
        return sum(resident(part) for part in (kernel, *kernel.children(recursive=True)))

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def resident(part: psutil.Process) -> float:
    return float(part.memory_info().rss) / 1e6


def memory(**more: str) -> float:
    """Resident megabytes of four open notebooks, the JVM they share (if they do) among them."""
    from labkit.spark import warm

    notebooks = [Notebook(**more) for _ in range(NOTEBOOKS)]
    try:
        for notebook in notebooks:
            notebook.open()
        shared = 0.0
        if not more and (status := warm.status()):
            shared = resident(psutil.Process(status["pid"])) + resident(
                psutil.Process(status["jvm_pid"])
            )
        return shared + sum(notebook.megabytes() for notebook in notebooks)
    finally:
        for notebook in notebooks:
            notebook.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    before = peers.machine()
    process()  # warm Spark is running from here on
    notebook = Notebook()
    notebook.open()
    found = rounds.in_turn(
        {
            "cold session": lambda: process(LAB_SPARK="cold"),
            "attach": process,
            "kernel restart": notebook.restart,
        },
        given.rounds,
    )
    notebook.close()
    megabytes = {"four notebooks, warm": memory(), "four notebooks, cold": memory(LAB_SPARK="cold")}
    figures = {
        "seconds": {name: rounds.summary(values) for name, values in found.items()},
        "ratios": rounds.ratios(found, "cold session"),
        "megabytes": {name: {"resident": value} for name, value in megabytes.items()},
        "memory, warm / cold": megabytes["four notebooks, warm"]
        / megabytes["four notebooks, cold"],
        "machine": {"before": before, "after": peers.machine()},
    }
    rounds.report(figures, given.json)
    print(f"memory, warm / cold: {figures['memory, warm / cold']:.2f}")
    print(f"machine: {before}, load {figures['machine']['after']['load']} after")


if __name__ == "__main__":
    main()
