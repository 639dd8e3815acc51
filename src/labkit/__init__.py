"""Lakehouse Labs: graded Spark and Delta Lake case studies in Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.learner.lab_session import LabSession

__version__ = "0.1.0"
__all__ = ["open"]


def open(slug: str) -> LabSession:
    """The lab `slug` in this notebook: its Spark session, data, checks and hints."""
    # Imported on use: the command line and the judge have no need of what a notebook shows.
    from labkit import home
    from labkit.learner.notebook import open_lab

    home.use(home.root())  # wherever the notebook changes to
    return open_lab(slug)
