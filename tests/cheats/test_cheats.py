"""No attack gets a point it has not earned, and none harms the submission after it."""

import json
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from labkit.sandbox import landlock

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
HONEST = {
    "": PRELUDE + "double = lambda numbers: numbers.select('n', (F.col('n') * 2).alias('twice'))\n",
    "udf": f"""{PRELUDE}@F.udf("long")
def twice(number):
    return None if number is None else 2 * number


double = lambda numbers: numbers.select("n", twice("n").alias("twice"))
""",
    "kernel": f"""{PRELUDE}@F.udf("long")
def twice(number):
    import ctypes

    libc = ctypes.CDLL(None)
    left = [libc.shmget(7, 0, 0), libc.msgget(7, 0), libc.semget(7, 0, 0)]
    assert left == [-1, -1, -1], left
    return None if number is None else 2 * number


double = lambda numbers: numbers.select("n", twice("n").alias("twice"))
""",
    "catalog": f"""{PRELUDE}left = [table.name for table in spark.catalog.listTables("default")]
left += [found.name for found in spark.catalog.listDatabases("lab_[ps]*")]
left += [table.name for table in spark.catalog.listTables("global_temp")]
assert not left, left
double = lambda numbers: numbers.select("n", (F.col("n") * 2).alias("twice"))
""",
    "tables": f"""{PRELUDE}spark.range(3).write.saveAsTable("numbers")
double = lambda numbers: numbers.select("n", (F.col("n") * 2).alias("twice"))
""",
    "notes": f"""{PRELUDE}from pathlib import Path
folder = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent
left = [str(path) for path in folder.rglob("*") if path.name.startswith(("note", "part-"))]
context = spark.sparkContext
left += [f"job {{number}}" for number in context._jsc.statusTracker().getJobIdsForGroup("note")]
left += [found for found in [context.getLocalProperty("note")] if found]
store = context._jsc.sc().statusStore()
for number in range(int(context._jsc.sc().dagScheduler().numTotalJobs())):
    stage = context.statusTracker().getStageInfo(number)
    left += [stage.name] if stage and "note" in stage.name else []
    try:
        left += ["a tag"] if store.job(number).jobTags().contains("note") else []
    except Exception:
        pass
assert not left, left
double = lambda numbers: numbers.select("n", (F.col("n") * 2).alias("twice"))
""",
    "files": f"""{PRELUDE}from pathlib import Path
folder = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent
for place in ("/tmp", "/dev/shm", folder):
    spark.range(3).write.json(f"{{place}}/numbers")
spark.range(3).write.saveAsTable("numbers")
spark.range(3).write.format("delta").save("/tmp/delta")
assert spark.read.format("delta").load("/tmp/delta").count() == 3
double = lambda numbers: numbers.select("n", (F.col("n") * 2).alias("twice"))
""",
}
TRACE = Path("/tmp/labkit-test-was-here")


@dataclass(frozen=True)
class Attack:
    """`outcome` of the stolen checks, `says` in their reason, `problem` among the cells' problems.

    `jvm` is the call that the filter before the JVM refuses; the rest is then what happens when the
    JVM is open. `needs` names what alone stops it, the sandbox or Landlock, `spoils` why the JVM must be replaced,
    `next` what the honest submission after it uses, `silent` what no hidden check may say.
    """

    name: str
    path: Path
    outcome: str = ""
    status: str = "graded"
    says: str = ""
    problem: str = ""
    jvm: str = ""
    needs: str = ""
    spoils: str = ""
    steals: str = ""
    next: str = ""
    silent: str = ""
    timeout: float = 60
    repeat: int = 1
    limits: dict = field(default_factory=dict)

    @property
    def lab(self) -> int:
        """The lab whose checks look at tables, if it is their points that the attack steals."""
        return int("test_table_" in self.steals)

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
    if attack.needs == "Landlock" and not landlock.version():
        pytest.skip("this kernel has no Landlock")
    TRACE.unlink(missing_ok=True)
    asked = {"lab": attack.lab, "timeout": attack.timeout, "limits": attack.limits}
    found = judge.ask(attack.submission(), **asked)
    checks = [c for c in found["checks"] if not attack.steals or c["id"] in attack.steals]
    reasons = "\n".join(f"{c['id']} [{c['outcome']}] {c['reason']}" for c in checks)
    assert found["status"] == attack.status, (found["status"], found["message"])
    assert checks or attack.status != "graded"
    assert [c["points"] for c in checks] == [0] * len(checks), reasons
    if attack.outcome:
        assert {c["outcome"] for c in checks} == {attack.outcome}, reasons
    if attack.silent:
        assert not [c for c in checks if c["hidden"] and attack.silent in c["reason"]], reasons
    if attack.says:
        assert any(re.search(attack.says, c["reason"]) for c in checks), reasons
    problems = "\n".join(p["message"] for p in found["problems"])
    assert bool(attack.problem) == bool(problems), problems
    assert attack.problem in problems
    assert not TRACE.exists()
    assert not lingering()
    return found


def is_unharmed(judge, attack, after):
    assert re.search(attack.spoils, after["spoiled"]), after["spoiled"]
    found = judge.ask(HONEST[attack.next], hidden=False)
    assert [c["outcome"] for c in found["checks"]] == ["passed"], found
    if attack.spoils:
        assert found["starts"] == after["starts"] + 1, "the JVM was not replaced"


@pytest.mark.parametrize("attack", ATTACKS, ids=ids)
def test_attack_steals_nothing_and_harms_nobody(sandboxed, open_jvm, attack):
    judge = open_jvm if attack.jvm else sandboxed
    found = judge_attack(judge, attack)
    assert found["sandbox"]
    assert found.get("allow_jvm", False) == bool(attack.jvm)
    is_unharmed(judge, attack, found)


ON_THE_JVM = [attack for attack in ATTACKS if attack.jvm]


@pytest.mark.parametrize("attack", ON_THE_JVM, ids=lambda attack: attack.name)
def test_attack_through_the_jvm_is_refused_by_name(sandboxed, attack):
    found = sandboxed.ask(attack.submission(), lab=attack.lab, timeout=attack.timeout)
    assert found["status"] == "graded"
    assert found["score"] == 0
    told = [check["reason"] for check in found["checks"]]
    told += [problem["message"] for problem in found["problems"]]
    assert any(f"{attack.jvm} is not available to a graded submission" in text for text in told), (
        told
    )
    assert not found["spoiled"]
    is_unharmed(sandboxed, replace(attack, spoils=""), found)


def test_fresh_jvm_serves_one_submission(fresh_jvms):
    found = [fresh_jvms.ask(HONEST["udf"], hidden=False) for _ in range(2)]
    assert [check["outcome"] for one in found for check in one["checks"]] == ["passed"] * 2
    assert [one["starts"] for one in found] == [1, 2]


REAL = (
    "looks_at_other_processes",
    "memory_of_the_jvm",
    "reads_hidden_checks",
    "reads_the_solution",
    "rewrites_the_data",
    "rewrites_the_jvms_files",
)


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.name in REAL], ids=REAL)
def test_attack_on_the_sandbox_is_real(without_sandbox, attack):
    found = without_sandbox.ask(attack.submission(), lab=attack.lab)
    stolen = [c for c in found["checks"] if not attack.steals or c["id"] in attack.steals]
    assert stolen and all(c["points"] for c in stolen), stolen
    assert not found["sandbox"]


@pytest.mark.skipif("LAB_LONG" not in os.environ, reason="one of the long repetitions")
@pytest.mark.parametrize(
    "attack", [a for a in ATTACKS if a.needs != "sandbox"], ids=lambda a: a.name
)
def test_attack_is_stopped_without_the_sandbox(without_sandbox, attack):
    found = judge_attack(without_sandbox, attack)
    is_unharmed(without_sandbox, attack, found)


def described() -> list[tuple[str, str]]:
    """The items of SECURITY.md that begin with attacks: their names, and what stops them."""
    items = re.findall(r"^- (`.*(?:\n  .*)*)", SECURITY.read_text("utf-8"), re.MULTILINE)
    found = [" ".join(item.split()).partition(": ") for item in items]
    return [(names, text) for names, _, text in found]


@pytest.mark.parametrize("attack", ATTACKS, ids=ids)
def test_attack_is_described_in_security(attack):
    (told,) = [text for names, text in described() if f"`{attack.name}`" in names]
    (needs,) = re.findall(r"\*\*\((.+)\)\*\*$", told) or [""]
    assert needs == attack.needs


def test_security_describes_no_other_attack():
    names = "".join(names for names, _ in described())
    assert sorted(re.findall(r"`(\w+)`", names)) == sorted(ids)


VARYING = """
def double(numbers):
    name = spark.conf.get("spark.labkit.lease")
    raise ValueError(f"{name}: {numbers._jdf} {spark.conf.get('spark.sql.warehouse.dir')} {object()}")
"""


@pytest.mark.parametrize("answer", ["double = lambda n: n.select('nothing')", VARYING])
def test_same_seed_and_submission_give_the_same_report_but_for_timing(sandboxed, answer):
    first, second = (sandboxed.ask(PRELUDE + answer) for _ in range(2))
    for found in (first, second):
        assert found.pop("timing")
    assert first == second


def test_time_of_a_whole_submission_is_limited(sandboxed):
    endless = PRELUDE + "import time\n\n\ndef double(numbers):\n    time.sleep(3600)\n"
    found = sandboxed.ask(endless, limits={"submission_seconds": 8})
    assert found["status"] == "graded"
    assert {c["outcome"] for c in found["checks"]} == {"timeout"}
    assert {c["reason"] for c in found["checks"]} == {"the submission took longer than 8 s in all"}
