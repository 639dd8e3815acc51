"""No attack gets a point it has not earned, and none harms the submission after it."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HEADER = re.compile(r"^# (\w+): (.+)$")
PRELUDE = """# %%
import labkit

lab = labkit.open("toy")
spark = lab.spark

# %%
from pyspark.sql import functions as F


# %%
def double(numbers):
    return numbers.select("n", (F.col("n") * 3).alias("twice"))


# %%
"""


SECURITY = Path(__file__).parents[2] / "SECURITY.md"
HONEST = PRELUDE + "double = lambda numbers: numbers.select('n', (F.col('n') * 2).alias('twice'))\n"
TRACE = Path("/tmp/labkit-test-was-here")


@dataclass(frozen=True)
class Attack:
    """`outcome` of the stolen checks, `says` in their reason, `problem` among the cells' problems.

    `needs` says that only the sandbox stops it, `leaves` what it tries to leave behind.
    """

    name: str
    path: Path
    outcome: str = ""
    status: str = "graded"
    says: str = ""
    problem: str = ""
    needs: str = ""
    leaves: str = ""
    steals: str = ""
    timeout: float = 60
    repeat: int = 1
    limits: dict = field(default_factory=dict)

    def submission(self) -> str:
        """Opening cells with a wrong answer, then the attack."""
        text = self.path.read_text()
        return PRELUDE + f"{text}\n# %%\n" * self.repeat


def read_attack(path: Path) -> Attack:
    said: dict = {}
    for line in path.read_text().splitlines():
        match = HEADER.match(line)
        if not match:
            break
        said[match[1]] = match[2]
    for name, kind in (("timeout", float), ("repeat", int), ("limits", json.loads)):
        if name in said:
            said[name] = kind(said[name])
    return Attack(path.stem, path, **said)


ATTACKS = [read_attack(path) for path in sorted(Path(__file__).with_name("attacks").glob("*.py"))]
ids = [attack.name for attack in ATTACKS]


def lingering():
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"labkit-test-lingers" in (folder / "cmdline").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def judge_attack(judge, attack):
    TRACE.unlink(missing_ok=True)
    found = judge.ask(attack.submission(), timeout=attack.timeout, limits=attack.limits)
    checks = [c for c in found["checks"] if not attack.steals or c["id"] in attack.steals]
    reasons = "\n".join(f"{c['id']} [{c['outcome']}] {c['reason']}" for c in checks)
    assert found["status"] == attack.status, (found["status"], found["message"])
    assert checks or attack.status != "graded"
    assert [c["points"] for c in checks] == [0] * len(checks), reasons
    if attack.outcome:
        assert {c["outcome"] for c in checks} == {attack.outcome}, reasons
    if attack.says:
        assert any(re.search(attack.says, c["reason"]) for c in checks), reasons
    problems = "\n".join(p["message"] for p in found["problems"])
    assert bool(attack.problem) == bool(problems), problems
    assert attack.problem in problems
    assert not TRACE.exists()
    assert not lingering()
    return found


def is_unharmed(judge):
    found = judge.ask(HONEST)
    assert [c["outcome"] for c in found["checks"]] == ["passed"] * 4, found["checks"]


@pytest.mark.parametrize("attack", ATTACKS, ids=ids)
def test_attack_steals_nothing_and_harms_nobody(fenced, attack):
    found = judge_attack(fenced, attack)
    assert found["sandbox"]
    is_unharmed(fenced)
