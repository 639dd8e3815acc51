"""Write the site to a folder, and leave alone whatever is not a page of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labkit.home import LabError
from labkit.site.pages import INDEX

MARK = '<meta name="generator" content="lab site">'  # in each page, by which it is known again


def write(pages: Mapping[str, str], folder: Path) -> None:
    """Writes all pages; pages of an earlier site that are no more are removed.

    LabError when the folder holds something else: a site is published whole.
    """
    try:
        if folder.exists() and any(folder.iterdir()) and not _is_page(folder / INDEX):
            raise LabError(f"{folder} is not empty and no earlier site; name a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.html"):
            if path.name not in pages and _is_page(path):
                path.unlink()
        for name, text in pages.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise LabError(f"{folder} can't be written: {error.strerror}") from None


def _is_page(path: Path) -> bool:
    return path.is_file() and MARK in path.read_text("utf-8", errors="replace")
