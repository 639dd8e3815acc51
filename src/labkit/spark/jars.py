"""The jars that Spark does not ship: downloaded once into the cache, verified by sha256."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labkit import home
from labkit.home import LabError
from labkit.spark.java import java_home

LOCK = "jars.lock"


@dataclass(frozen=True)
class Jar:
    """One line of jars.lock."""

    group: str
    org: str
    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.org}_{self.name}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Where it is in a Maven repository."""
        folder = f"{self.org.replace('.', '/')}/{self.name}/{self.version}"
        return f"{folder}/{self.name}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.org}:{self.name}:{self.version}"


def read_lock(path: Path) -> tuple[Jar, ...]:
    """The jars of a lock file: `group org:name:version sha256` a line."""
    jars = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            group, coordinate, sha256 = line.split()
            org, name, version = coordinate.split(":")
        except ValueError:
            raise LabError(f"{path}:{number}: expected `group org:name:version sha256`") from None
        jars.append(Jar(group, org, name, version, sha256))
    return tuple(jars)


def jars(group: str = "spark", *, say: Callable[[str], None] = lambda text: None) -> list[Path]:
    """The files of a group, in the cache; fetched and verified on the first call ever.

    Later calls look at names and sizes only. LabError says what kept a fetch from working.
    """
    wanted = [jar for jar in read_lock(home.lock_file(LOCK)) if jar.group == group]
    folder = home.cache_dir() / "jars"
    stamp = folder / f"{group}-{_digest(wanted)}.ok"
    if not _complete(stamp, folder):
        with _alone(folder):
            if not _complete(stamp, folder):
                missing = [jar for jar in wanted if not (folder / jar.file).is_file()]
                if missing:
                    say(f"fetching {len(missing)} jars ({group})")
                    _fetch(missing, folder)
                for jar in wanted:
                    verify(jar, folder / jar.file)
                sizes = [f"{(folder / jar.file).stat().st_size} {jar.file}" for jar in wanted]
                stamp.write_text("\n".join(sizes) + "\n", "utf-8")
    return [folder / jar.file for jar in wanted]


def fetch(say: Callable[[str], None] = lambda text: None) -> None:
    """All groups of the lock; next to nothing once they are there."""
    for group in sorted({jar.group for jar in read_lock(home.lock_file(LOCK))}):
        jars(group, say=say)


def _complete(stamp: Path, folder: Path) -> bool:
    try:
        for line in stamp.read_text("utf-8").splitlines():
            size, name = line.split(" ", 1)
            if (folder / name).stat().st_size != int(size):
                return False
    except (OSError, ValueError):
        return False
    return True


def verify(jar: Jar, path: Path) -> None:
    """LabError unless the file has the sha256 of the lock; the file stays where it is."""
    found = sha256_of(path)
    if found != jar.sha256:
        raise LabError(
            f"{path} is not the {jar} of {LOCK}: its sha256 is {found}, expected {jar.sha256}. "
            "Delete that file and run the command again"
        )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(wanted: Sequence[Jar]) -> str:
    return hashlib.sha256("".join(f"{jar}{jar.sha256}" for jar in wanted).encode()).hexdigest()[:16]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(wanted: Sequence[Jar], folder: Path) -> None:
    from labkit.spark import maven  # slow to import, and needed once

    try:
        with (
            tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as draft,
            maven.Downloads() as downloads,
        ):
            for jar in wanted:
                arrived = Path(draft) / jar.file
                downloads.fetch(jar.path, arrived)
                if (found := sha256_of(arrived)) != jar.sha256:
                    raise LabError(
                        f"{maven.host()} serves another file as {jar} than {LOCK} names: its sha256 "
                        f"is {found}, expected {jar.sha256}. Ask who keeps that repository, or set "
                        f"{maven.MIRROR} to another one"
                    )
                os.replace(arrived, folder / jar.file)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise LabError(f"the disk of {folder} is full; free 200 MB and run it again") from None
        raise LabError(f"jars can't be written to {folder}: {error.strerror}") from None


ROOTS = {
    "spark": (
        "io.delta:delta-spark_4.2_2.13:4.4.0",
        "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",
    ),
    "kafka": (  # a broker in a process of its own: its class path has nothing to do with Spark's
        "org.apache.kafka:kafka_2.13:4.3.0",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
    ),
}
# Beside Spark's own jars, others' copies of Jackson, log4j or Parquet would come first: only what
# Spark does not ship and Delta or Kafka really use.
SPARK_NEEDS = (
    "delta-spark", "delta-storage", "delta-kernel", "unitycatalog", "spark-sql-kafka",
    "spark-token-provider", "kafka-clients", "commons-pool2",
)  # fmt: skip


# Organisation and artifact must come apart again, and both may hold a `_`.
PATTERN = "[organisation]@[artifact]-[revision].[ext]"
SETTINGS = """
<ivysettings>
  <settings defaultResolver="maven"/>
  <resolvers><ibiblio name="maven" m2compatible="true" root="{root}"/></resolvers>
</ivysettings>
"""


def make_lock(path: Path) -> None:
    """Author: resolves ROOTS with all they need and writes jars.lock.

    Ivy does it, in Java: it asks LAB_MAVEN_URL too, and trusts the certificates of that Java alone.
    """
    lines = [
        "# Jars beside Spark's own: group, Maven coordinate, sha256. "
        "`python -m labkit.spark.jars lock` writes it."
    ]
    for group, roots in ROOTS.items():
        with tempfile.TemporaryDirectory() as draft:
            for file in _resolve(roots, Path(draft)):
                if group == "spark" and not any(part in file.name for part in SPARK_NEEDS):
                    continue
                org, rest = file.stem.split("@")
                name, version = _split(rest)
                lines.append(f"{group} {org}:{name}:{version} {sha256_of(file)}")
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _resolve(coordinates: Sequence[str], into: Path) -> list[Path]:
    """The jars of these coordinates and of all that they depend on, downloaded by Ivy."""
    from labkit.spark import maven

    lines = [
        f'<dependency org="{org}" name="{name}" rev="{version}" conf="default->default"/>'
        for org, name, version in (coordinate.split(":") for coordinate in coordinates)
    ]
    description, settings = into / "ivy.xml", into / "settings.xml"
    description.write_text(
        '<ivy-module version="2.0"><info organisation="lakehouse-labs" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f"<dependencies>{''.join(lines)}</dependencies></ivy-module>",
        "utf-8",
    )
    settings.write_text(SETTINGS.format(root=maven.repository()), "utf-8")
    done = subprocess.run(
        [
            *(java_home() / "bin" / "java", "-jar", maven.ivy(), "-settings", settings),
            *("-cache", into / "cache", "-ivy", description, "-confs", "default"),
            *("-types", "jar", "bundle", "-retrieve", into / PATTERN),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(
            f"Ivy could not resolve {', '.join(coordinates)}:\n{done.stdout}{done.stderr}"
        )
    return sorted(into.glob("*.jar"))


def _split(rest: str) -> tuple[str, str]:
    """`delta-spark_4.2_2.13-4.4.0` as name and version: the version begins at the last `-digit`."""
    import re

    match = re.fullmatch(r"(.+?)-(\d[\w.]*(?:-\d+)?)", rest)
    assert match, rest
    return match[1], match[2]


def main(arguments: list[str]) -> int:
    """`python -m labkit.spark.jars fetch | lock`."""
    try:
        if arguments == ["lock"]:
            make_lock(home.root() / LOCK)
        elif arguments == ["fetch"]:
            fetch(say=print)
        else:
            print("usage: python -m labkit.spark.jars fetch | lock", file=sys.stderr)
            return 2
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
