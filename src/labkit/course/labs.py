"""Find the labs of a checkout: one folder each, described by its own notebook."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit import home
from labkit.home import LabError

FOLDER = re.compile(r"(\d\d)_([a-z][a-z0-9_]*)")


@dataclass(frozen=True)
class Lab:
    """A lab as it lies on disk; `solutions/` may be absent (a hand-out)."""

    number: int
    slug: str
    root: Path = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.number:02d}_{self.slug}"

    @property
    def starter(self) -> Path:
        return self.root / "labs" / self.name / "lab.ipynb"

    @property
    def checks(self) -> Path:
        return self.root / "labs" / self.name / "checks.py"

    @property
    def rubric(self) -> Path:
        """What a reviewer reads for in this lab; most labs have none of their own."""
        return self.root / "labs" / self.name / "rubric.yaml"

    @property
    def solutions(self) -> Path:
        return self.root / "solutions" / self.name

    @property
    def solution(self) -> Path:
        return self.solutions / "solution.py"

    @property
    def solved(self) -> Path:
        return self.solutions / "solution.ipynb"

    @property
    def hidden_checks(self) -> Path:
        return self.solutions / "hidden_checks.py"

    @property
    def mistakes(self) -> Path:
        """Wrong answers, a cell each."""
        return self.solutions / "mistakes.py"

    @property
    def work(self) -> Path:
        """The learner's copy."""
        return self.root / "work" / self.name / "lab.ipynb"

    def generator(self, dataset: str) -> Path:
        return self.root / "datasets" / dataset / "generate.py"

    def made_from(self, datasets: Iterable[str]) -> list[Path]:
        """The files that decide the rows of datasets."""
        return [path for name in datasets for path in beside(self.generator(name))]

    @cached_property
    def about(self) -> dict[str, Any]:
        """Title, level, minutes, needs, datasets, topics and tasks, from the starter's metadata."""
        try:
            return dict(json.loads(self.starter.read_text("utf-8"))["metadata"]["labkit"])
        except FileNotFoundError:
            raise LabError(f"{self.starter} is missing; `lab build {self.slug}` makes it") from None
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(
                f"{self.starter} can't be read as a lab ({error!r}); "
                f"take it afresh from the repository or run `lab build {self.slug}`"
            ) from None

    @property
    def title(self) -> str:
        return str(self.about["title"])

    @property
    def uses_spark(self) -> bool:
        """Whether its answers and checks may ask for a session; if not, none is started for them."""
        return bool(self.about.get("spark", True))

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.about["tasks"])


def find_labs(root: Path | None = None) -> tuple[Lab, ...]:
    """Every lab of the checkout, by folder number."""
    root = root or home.root()
    folders = sorted(folder for folder in (root / "labs").glob("*") if folder.is_dir())
    matches = ((folder, FOLDER.fullmatch(folder.name)) for folder in folders)
    return tuple(Lab(int(match[1]), match[2], root) for _, match in matches if match)


def find_lab(name: str, root: Path | None = None) -> Lab:
    """The lab called `cdc_merge`, `01_cdc_merge`, `1` or `labs/01_cdc_merge`; LabError names the nearest."""
    labs = find_labs(root)
    wanted = Path(name).name.strip().replace("-", "_")
    for lab in labs:
        if wanted in (lab.slug, lab.name, str(lab.number), f"{lab.number:02d}"):
            return lab
    near = difflib.get_close_matches(wanted, [lab.slug for lab in labs], n=1, cutoff=0.4)
    hint = f"Did you mean `{near[0]}`?" if near else "`lab list` shows them all."
    raise LabError(f"there is no lab `{name}`. {hint}")


def beside(generator: Path) -> list[Path]:
    """A dataset's generator and the files in its folder, which it may copy; no page about it."""
    return sorted(p for p in generator.parent.glob("*") if p.is_file() and p.suffix != ".md")
