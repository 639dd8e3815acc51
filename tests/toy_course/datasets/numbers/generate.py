"""Numbers for the toy course: one JSON line each."""

import json
import random
from pathlib import Path


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    draw = random.Random(f"{seed} part {part}" if part else seed)
    rows = range(5 * (scale * part // parts), 5 * (scale * (part + 1) // parts))
    lines = [json.dumps({"n": draw.randrange(100)}) for _ in rows]
    (folder / "numbers.jsonl").write_text("\n".join(lines) + "\n")
