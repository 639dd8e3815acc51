"""Install packages into a folder of their own with pip: its progress, and its failures with a remedy."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from labkit.home import LabError

UNREACHABLE = (
    "NewConnectionError",
    "Temporary failure in name",
    "Network is unreachable",
    "ConnectionError",
    "Connection refused",
    "Could not fetch URL",
    "timed out",
)
UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "SSLCertVerificationError")
NOT_CONNECTED = ("ProxyError", "Cannot connect to proxy", "Tunnel connection failed")
Say = Callable[[str], None]


def make_folder(folder: Path) -> None:
    """An empty virtual environment of this Python, without a pip of its own: labkit's fills it."""
    command = [sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise LabError(
            f"no virtual environment could be made:\n{_cause(made.stdout + made.stderr)}"
        )


def install(python: Path, lock: Path, *, progress: Say, held: int) -> None:
    """Installs what `lock` names, no more and no less, for `python`; LabError says what to do.

    `held` is the descriptor of a lock. pip keeps it, so that nobody else begins while a pip is still
    at work whose caller was killed.
    """
    collected = 0

    def count(line: str) -> None:
        nonlocal collected
        if line.startswith("Collecting"):
            collected += 1
            progress(f"{collected} packages")
        elif line.startswith("Installing collected"):
            progress(f"{collected} packages, unpacking")

    arguments = ["install", "--no-deps", "--requirement", str(lock)]
    _pip(python, arguments, lock.name, heard=count, held=(held,))


def require_whole(python: Path, lock: Path) -> None:
    """LabError when a package lacks another one on this Python: its lock is from another one."""
    _pip(python, ["check"], lock.name)


def closure(python: Path, wants: Sequence[str]) -> list[str]:
    """`name==version` of all that pip would install for `wants`; what `python` has already is left out."""
    with tempfile.TemporaryDirectory(prefix="lock-") as folder:
        report = Path(folder) / "report.json"
        _pip(python, ["install", "--dry-run", "--report", str(report), *wants], " ".join(wants))
        found = json.loads(report.read_text("utf-8"))["install"]
    names = ((each["metadata"]["name"].lower(), each["metadata"]["version"]) for each in found)
    return [f"{name.replace('_', '-')}=={version}" for name, version in sorted(names)]


def _pip(
    python: Path,
    arguments: Sequence[str],
    what: str,
    *,
    heard: Say = lambda line: None,
    held: tuple[int, ...] = (),
) -> None:
    command = [
        *(sys.executable, "-I", "-m", "pip", "--python", str(python)),
        *("--no-input", "--disable-pip-version-check", *arguments),
    ]
    said: list[str] = []
    # In a group of its own, since pip for another Python is two processes; readable by the sandbox.
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", umask=0o022, start_new_session=True, pass_fds=held,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said.append(line)
            heard(line)
    except BaseException:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        process.stdout.close()
        process.wait()
    if process.returncode:
        raise LabError(f"{what} could not be installed.\n{_cause(''.join(said))}")


def _cause(text: str) -> str:
    """The cause in pip's or Python's words that a person can act on."""
    if "No space left on device" in text:
        return full_disk()
    if any(sign in text for sign in UNTRUSTED):
        return (
            "pip does not trust the certificate of the package index. If your network has a "
            "certificate authority of its own, set PIP_CERT to a PEM file that holds its certificate "
            "(docs/network.md), then run the command again."
        )
    if any(sign in text for sign in NOT_CONNECTED):
        return (
            "The proxy did not connect to the package index. HTTPS_PROXY names the proxy, with user and "
            "password if it wants them (docs/network.md). Then run the command again."
        )
    if any(sign in text for sign in UNREACHABLE):
        return (
            "The package index could not be reached. Parts need the network once; behind a proxy set "
            "HTTPS_PROXY, with a mirror PIP_INDEX_URL (docs/network.md). Then run the command again."
        )
    if "DO NOT MATCH THE HASHES" in text:
        return (
            "A package arrived other than the index says that it is: a download was cut short, or a "
            "mirror serves something else. Run `pip cache purge` and the command again.\n"
            + _last(text)
        )
    if "No matching distribution" in text:
        return "The package index does not have what the lock file names:\n" + _last(text)
    return _last(text)


def explain(error: OSError) -> str:
    """What to do about a file that can't be written."""
    if error.errno == errno.ENOSPC:
        return full_disk()
    return f"{error.filename} can't be written ({error.strerror}); set LAB_CACHE to another folder."


def full_disk() -> str:
    return "The disk is full: free some, or set LAB_CACHE to a folder on another disk."


def _last(text: str) -> str:
    return "\n".join("    " + line for line in text.strip().splitlines()[-5:])
