"""One thing that the doctor looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at: fine (True), wrong (False) or worth knowing (None)."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""
