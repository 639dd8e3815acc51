"""Numbers for the toy course: one JSON line each."""

import json
import random
from pathlib import Path


def generate(folder: Path, *, seed: int, scale: int = 1) -> None:
    draw = random.Random(seed)
    lines = [json.dumps({"n": draw.randrange(100)}) for _ in range(5 * scale)]
    (folder / "numbers.jsonl").write_text("\n".join(lines) + "\n")
