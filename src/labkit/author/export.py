"""Hand labs out: a repository for students with all that runs them, and without any answer."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from string import Template

from labkit.author import own_course
from labkit.course import source
from labkit.course.labs import Lab
from labkit.home import LabError
from labkit.parts.known import PARTS

MANIFEST = ".handout.json"
PROGRAM = (
    "lab", "pyproject.toml", "hatch_build.py", "requirements.lock", "jars.lock", "LICENSE",
    "requirements.txt",
    "src/labkit", ".github/actions/grade", "docs/troubleshooting.md", "docs/network.md",
    "docs/third_party.md",
    "Dockerfile", ".dockerignore", ".devcontainer", "labs/catalogue.yaml",
)  # fmt: skip
TEMPLATES = Path(__file__).parent / "templates" / "handout"
LOCAL_GRADER = "./.github/actions/grade"
IGNORED = shutil.ignore_patterns(
    "__pycache__", "*.pyc", ".ipynb_checkpoints", ".pytest_cache", ".DS_Store"
)
# A line of an answer gives something away from this length on; below are lines such as
# `.drop("age")` or `spark.conf.unset(name)`, of which any program has some.
TELLING = 25
# Lines of any program, and of any unit test of dbt.
COMMON = re.compile(r"(from \S+ )?import |except \w+( as \w+)?:$|- input: \w+\(.+\)$")
DEFINES_CHECK = re.compile(r"^def (test_\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Leak:
    """A line in a hand-out that gives an answer away."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Exported:
    """What an export wrote, and what of an earlier one it left because somebody had changed it."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def export(labs: Sequence[Lab], folder: Path, *, grader: str = LOCAL_GRADER) -> Exported:
    """Writes the hand-out of `labs` to `folder`; nothing is written when a line of an answer is in it.

    `folder` is new, empty or an earlier export; of that, files changed by hand stay.
    """
    if not labs:
        raise LabError("there are no labs to export")
    earlier = _earlier(folder)
    with tempfile.TemporaryDirectory(prefix="handout-") as place:
        draft = Path(place)
        _lay_out(labs, draft, grader)
        if found := leaks(labs, draft):
            lines = "\n".join(f"  {leak}" for leak in found[:5])
            raise LabError(
                f"the hand-out would give answers away in {len(found)} lines; word them otherwise "
                f"in the lab's public files:\n{lines}"
            )
        try:
            return _move(draft, folder, earlier)
        except OSError as error:
            raise LabError(f"{folder} can't be written: {error.strerror}") from None


def answer_lines(lab: Lab) -> set[str]:
    """The lines that only an answer has: of reference and alternatives, code and prose.

    Not counted: imports, the head of an `except` of one class, an input's name in a unit test of
    dbt, lines shorter than TELLING characters, and what the learner is given to work from: lines of
    the starter, and of the programs beside its data (a slow job to be mended).
    """
    if not lab.solution.is_file():
        return set()
    parsed = source.read(lab.solution)
    texts = [*_cells(source.solved(parsed))]
    texts += [path.read_text("utf-8") for path in (lab.solutions / "alternatives").rglob("*.py")]
    lines = {line.strip() for text in texts for line in text.splitlines()}
    lines -= given_lines(lab)
    return {line for line in lines if len(line) >= TELLING and not COMMON.match(line)}


def given_lines(lab: Lab) -> set[str]:
    """The lines that a learner is given: of the starter, and of the programs beside its data."""
    parsed = source.read(lab.solution)
    texts = [parsed.starter_text, *_cells(source.starter(parsed))]
    for dataset in parsed.header["datasets"]:
        texts += [path.read_text("utf-8") for path in lab.generator(dataset).parent.glob("*.py")]
    return {line.strip() for text in texts for line in text.splitlines()}


def leaks(labs: Sequence[Lab], folder: Path) -> list[Leak]:
    """Lines of answers, and names of hidden checks, in the files of `folder`."""
    telling: set[str] = set()
    given: set[str] = set()  # what one lab hands its learners is no secret of another
    hidden: set[str] = set()
    for lab in labs:
        telling |= answer_lines(lab)
        given |= given_lines(lab) if lab.solution.is_file() else set()
        if lab.hidden_checks.is_file():
            hidden |= set(DEFINES_CHECK.findall(lab.hidden_checks.read_text("utf-8")))
    telling -= given
    name = re.compile(rf"\b({'|'.join(sorted(hidden))})\b") if hidden else None
    return [
        Leak(path.relative_to(folder).as_posix(), number, line)
        for path in _files(folder)
        for number, line in _lines(path)
        if line in telling or (name and name.search(line))
    ]


def _cells(notebook: object) -> list[str]:
    return [cell.source for cell in notebook.cells]  # type: ignore[attr-defined]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file; of a notebook those of its cells."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    for number, line in enumerate(text.splitlines(), start=1):
        yield number, line.strip()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _earlier(folder: Path) -> dict[str, str]:
    """The files of an earlier export in `folder`, with their hashes; LabError when it holds others."""
    if not folder.exists():
        return {}
    if not folder.is_dir():
        raise LabError(f"{folder} is a file; name a folder for the hand-out")
    try:
        files: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
    except FileNotFoundError:
        if any(folder.iterdir()):
            raise LabError(
                f"{folder} is not empty and no earlier export; name a new folder"
            ) from None
        return {}
    except (ValueError, KeyError, TypeError):
        raise LabError(
            f"{folder / MANIFEST} can't be read; export to a new folder and compare"
        ) from None
    return files


def _lay_out(labs: Sequence[Lab], draft: Path, grader: str) -> None:
    root = labs[0].root
    for name in (*PROGRAM, *(part.lock.name for part in PARTS.values())):
        _copy(root / name, draft / name)
    for wheel in (root / "wheels").glob("*.whl"):
        own_course.without_example(wheel, draft / "wheels" / wheel.name)
    for lab in labs:
        _copy(lab.starter.parent, draft / "labs" / lab.name)
    # Several labs may use the same one.
    for folder in {lab.generator(name).parent for lab in labs for name in lab.about["datasets"]}:
        _copy(folder, draft / "datasets" / folder.name)
    table = "\n".join(f"| `{lab.slug}` | {lab.title} | {lab.about['minutes']} |" for lab in labs)
    words = {
        "table": table, "first": labs[0].slug, "work": labs[0].work.relative_to(root).as_posix(),
        "labs": "\n".join(f"#   {lab.name}" for lab in labs), "grader": grader,
    }  # fmt: skip
    for template, name in (
        ("README.md", "README.md"),
        ("gitignore", ".gitignore"),
        ("classroom.yml", ".github/workflows/classroom.yml"),
    ):
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = Template((TEMPLATES / template).read_text("utf-8")).substitute(words)
        path.write_text(text, "utf-8")


def _copy(origin: Path, target: Path) -> None:
    """Copies a file or a folder, if it is there; never through a link out of the checkout."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if origin.is_dir():
        shutil.copytree(origin, target, ignore=IGNORED, symlinks=True)
    elif origin.is_file():
        shutil.copy2(origin, target)


def _move(draft: Path, folder: Path, earlier: dict[str, str]) -> Exported:
    folder.mkdir(parents=True, exist_ok=True)
    fresh = {path.relative_to(draft).as_posix(): _digest(path) for path in _files(draft)}
    kept = {
        name
        for name, digest in earlier.items()
        if (folder / name).is_file() and _digest(folder / name) not in (digest, fresh.get(name))
    }
    for name in earlier.keys() - fresh.keys() - kept:
        (folder / name).unlink(missing_ok=True)
    written = sorted(fresh.keys() - kept)
    for name in written:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(draft / name, folder / name)
    # What was kept has its old hash still, so that the next export keeps it too.
    files = {**fresh, **{name: earlier[name] for name in kept}}
    manifest = {"labkit": version("lakehouse-labs"), "files": dict(sorted(files.items()))}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    return Exported(tuple(written), tuple(sorted(kept)))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
