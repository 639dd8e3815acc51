"""A repository for a team's own labs: an example lab and card, CI, and labkit as a wheel."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

from labkit import home
from labkit.course.labs import find_labs
from labkit.home import LabError

EXAMPLE = "own_course"
LINK = re.compile(r"\[([^\]\n]+)\]\(([^)\s]+)\)")
NEW_REPOSITORY = {".git"}  # what a clone of one that has no commit yet holds


def lay_out(folder: Path) -> list[str]:
    """Writes a course to a new or empty folder; the names of its files. LabError, and nothing is written,
    where the folder holds anything.
    """
    _require_empty(folder)
    example = home.program() / EXAMPLE
    if not example.is_dir():
        raise LabError(
            "this copy of labkit was handed out to learners, without the example of a course; "
            "run `lab init` in a checkout of Lakehouse Labs, or in a course of your own"
        )
    with tempfile.TemporaryDirectory(prefix="course-") as place:
        draft = Path(place) / "course"
        shutil.copytree(example, draft, ignore=shutil.ignore_patterns("__pycache__", "work"))
        (draft / home.MARK).chmod(0o755)
        for page in (draft / "docs").glob("*.md"):
            page.write_text(_own_links(page), "utf-8")
        (draft / "wheels").mkdir()
        wheel(draft / "wheels")
        try:
            shutil.copytree(draft, folder, dirs_exist_ok=True)
        except OSError as error:
            _remove(folder / entry.name for entry in draft.iterdir())
            raise LabError(f"{folder} can't be written: {error}") from None
        return sorted(str(p.relative_to(draft)) for p in draft.rglob("*") if p.is_file())


def _remove(paths: Iterable[Path]) -> None:
    """Takes half a course away again: the next try would find its folder not empty."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def first_lab(folder: Path) -> str:
    """The name of the lab that a new course has."""
    return find_labs(folder)[0].slug


def wheel(into: Path) -> Path:
    """The wheel of this labkit: built from its checkout, or the one that it was installed from."""
    if home.packed():
        origin = _installed_from()
        return Path(shutil.copy2(origin, into))
    command = [
        *(sys.executable, "-I", "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(into)),
        str(home.program()),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        raise LabError(f"the wheel of labkit can't be built:\n{built.stdout}{built.stderr}")
    return next(into.glob("*.whl"))


def without_example(origin: Path, target: Path) -> None:
    """Copies a wheel of labkit, but for the example: a course that still has it would hand out answers."""
    example = f"labkit/{home.PROGRAM}/{EXAMPLE}/"
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        zipfile.ZipFile(origin) as whole,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for entry in whole.infolist():
            content = whole.read(entry)
            if entry.filename.startswith(example):
                continue
            if entry.filename.endswith(".dist-info/RECORD"):
                lines = content.splitlines(keepends=True)
                content = b"".join(x for x in lines if not x.startswith(example.encode()))
            copy.writestr(entry, content)


def _own_links(page: Path) -> str:
    """The text of a page, where links to pages that did not come along are words."""

    def shown(link: re.Match[str]) -> str:
        target = link[2].partition("#")[0]
        stays = not target or "://" in target or (page.parent / target).exists()
        return link[0] if stays else link[1]

    return LINK.sub(shown, page.read_text("utf-8"))


def _installed_from() -> Path:
    """The file that pip noted as the origin of this labkit."""
    noted = distribution("lakehouse-labs").read_text("direct_url.json")
    url = urlparse(json.loads(noted)["url"]) if noted else None
    origin = Path(unquote(url.path)) if url and url.scheme == "file" else None
    if origin is None or not origin.is_file():
        where = f"from {origin}, which is gone" if origin else "from no wheel on this machine"
        raise LabError(
            f"a course holds the wheel of labkit, and this one was installed {where}; "
            "run `lab init` in a course that has it, or in a checkout of Lakehouse Labs"
        )
    return origin


def _require_empty(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise LabError(f"{folder} is no folder; name a new one for the course")
    try:
        found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise LabError(f"{folder} can't be read: {error.strerror}") from None
    if found - NEW_REPOSITORY:
        first = ", ".join(sorted(found - NEW_REPOSITORY)[:3])
        raise LabError(
            f"{folder} is not empty (it has {first}); nothing was written. Name a new folder, an "
            "empty one or a new clone without a commit"
        )
