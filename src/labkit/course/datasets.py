"""Generate a dataset into a folder: deterministic files from its own `generate.py`."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.course.labs import beside
from labkit.home import LabError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOTEBOOK_SEED = 0
PARTS = 32  # at most; rows depend on it, so it never follows from the machine

Generator = Callable[..., None]


def load_generator(path: Path) -> Generator:
    """The function `generate(folder, *, seed, scale, part, parts)` of a generate.py."""
    if not path.is_file():
        known = sorted(other.parent.name for other in path.parent.parent.glob("*/generate.py"))
        raise LabError(f"there is no dataset `{path.parent.name}`; there are: {', '.join(known)}")
    spec = importlib.util.spec_from_file_location(f"labkit_dataset_{path.parent.name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    generate: Generator = module.generate
    return generate


def generated(
    path: Path,
    into: Path,
    *,
    seed: int = NOTEBOOK_SEED,
    scale: int = 1,
    spark: Callable[[], SparkSession] | None = None,
) -> Path:
    """The folder under `into` with the files of this seed and scale; made on the first call.

    Above scale 1 the parts are made in Spark's tasks when there is a session to ask for, else here
    one after the other; the bytes are the same. Written beside and moved into place, so that a stop
    half-way leaves nothing half-made.
    """
    if scale < 1:
        raise LabError(f"the scale of `{path.parent.name}` is {scale}; it is a whole number from 1")
    made_from = b"".join(source.read_bytes() for source in beside(path))
    digest = hashlib.sha256(made_from).hexdigest()[:12]
    folder = into / f"{path.parent.name}-{digest}-seed{seed}-scale{scale}"
    if folder.is_dir():
        return folder
    generate = load_generator(path)
    into.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".making-", dir=into))
    draft.chmod(0o755)  # mkdtemp's are for one user; a sandbox has another
    try:
        if scale == 1:
            generate(draft, seed=seed, scale=scale)
        else:
            write_parts(generate, draft, seed=seed, scale=scale, spark=spark and spark())
        try:
            os.replace(draft, folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def write_parts(
    generate: Generator,
    folder: Path,
    *,
    seed: int,
    scale: int,
    spark: SparkSession | None = None,
    tasks: int | None = None,
) -> None:
    """Writes a dataset into `folder` part by part; what several parts call alike is one file.

    In Spark a part is a task, unless there are fewer `tasks`. Executors need neither labkit nor
    the checkout: functions of a module that they can't import travel with the task.
    """
    parts = min(scale, PARTS)

    def write(part: int) -> None:
        place = folder / f".{part}"
        place.mkdir(exist_ok=True)  # it is there when Spark tries a task again
        generate(place, seed=seed, scale=scale, part=part, parts=parts)

    def each(do: Callable[..., None], items: Iterable[object]) -> None:
        work = list(items)
        if spark is None:
            for item in work:
                do(item)
        elif work:
            spark.sparkContext.parallelize(work, tasks or len(work)).foreach(do)

    each(write, range(parts))
    files: dict[str, list[Path]] = {}
    for place in [folder / f".{part}" for part in range(parts)]:
        for file in sorted(place.rglob("*")):
            if file.is_file():
                files.setdefault(str(file.relative_to(place)), []).append(file)
    for name, pieces in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if len(pieces) == 1:
            os.replace(pieces[0], folder / name)
    each(_joining(folder), ((name, pieces) for name, pieces in files.items() if len(pieces) > 1))
    for part in range(parts):
        shutil.rmtree(folder / f".{part}")


def _joining(folder: Path) -> Callable[[tuple[str, list[Path]]], None]:
    """The function that makes one file of the pieces it is given, in their order."""

    def join(named: tuple[str, list[Path]]) -> None:
        name, pieces = named
        target = folder / name
        if target.suffix == ".parquet":
            import pyarrow.parquet as pq

            with pq.ParquetWriter(target, pq.read_schema(pieces[0])) as writer:
                for piece in pieces:
                    writer.write_table(pq.read_table(piece))
            shutil.copystat(pieces[0], target)
        else:
            with target.open("wb") as out:
                for piece in pieces:
                    with piece.open("rb") as lines:
                        shutil.copyfileobj(lines, out)
            shutil.copystat(pieces[0], target)  # a file source reads in the order of these times

    return join
