"""Generate a data set into a folder: deterministic files from its own `generate.py`."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from labkit.home import LabError

NOTEBOOK_SEED = 0


def load_generator(path: Path) -> Callable[..., None]:
    """The function `generate(folder, *, seed, scale)` of a generate.py."""
    if not path.is_file():
        known = sorted(other.parent.name for other in path.parent.parent.glob("*/generate.py"))
        raise LabError(f"there is no data set `{path.parent.name}`; there are: {', '.join(known)}")
    spec = importlib.util.spec_from_file_location(f"labkit_dataset_{path.parent.name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    generate: Callable[..., None] = module.generate
    return generate


def generated(path: Path, into: Path, *, seed: int = NOTEBOOK_SEED, scale: int = 1) -> Path:
    """The folder under `into` with the files of this seed and scale; made on the first call.

    Written beside and moved into place, so that a stop half-way leaves nothing half-made.
    """
    digest = hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()[:12]
    folder = into / f"{path.parent.name}-{digest}-seed{seed}-scale{scale}"
    if folder.is_dir():
        return folder
    generate = load_generator(path)
    into.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".making-", dir=into))
    draft.chmod(0o755)  # mkdtemp's are for one user; a sandbox has another
    try:
        generate(draft, seed=seed, scale=scale)
        try:
            os.replace(draft, folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
