"""Rules that every lab keeps, one rule and one lab a test; the proof of its checks above all."""

import re

import pytest

from labkit import home
from labkit.author import record
from labkit.author.build import stale
from labkit.author.known_answers import variants
from labkit.author.rules import check_names, static_problems
from labkit.course import datasets, source
from labkit.course.hints import read_hints
from labkit.course.labs import find_labs
from labkit.home import LabError
from labkit.parts import kafka, known

LABS = find_labs()
FULL = [lab for lab in LABS if lab.about["level"] != "starter"]
DATASETS = sorted({name for lab in LABS for name in lab.about["datasets"]})
SECTIONS = (
    "The data",
    "Task 1",
    "Put it together",
    "In practice",
    "Interview follow-ups",
    "Further reading",
)

PARTS = ("kafka", *known.PARTS)


def each(labs):
    """Once for each of these labs, marked with the parts that it needs."""
    return pytest.mark.parametrize(
        "lab",
        [
            pytest.param(
                lab,
                id=lab.name,
                marks=[getattr(pytest.mark, n) for n in lab.about["needs"] if n in PARTS],
            )
            for lab in labs
        ],
    )


# Whole proofs take turns, an eleventh of the labs each commit; where labkit changed since a lab's
# last proof, its starter and its solution are judged every other time.
TURN = record.turn(home.root())
DUE = record.due(LABS, TURN)
JUDGED = record.to_judge(LABS, TURN)

each_lab = each(LABS)
each_due_lab = each(DUE)
each_judged_lab = each(JUDGED)
each_full_lab = pytest.mark.parametrize("lab", FULL, ids=lambda lab: lab.name)
each_dataset = pytest.mark.parametrize("name", DATASETS)


def test_there_are_labs():
    assert [lab.slug for lab in LABS[:2]] == ["warm_up", "cdc_merge"]


# ---------------------------------------------------------------- files


@each_lab
def test_generated_files_are_fresh(lab):
    assert list(stale(lab)) == []


@each_lab
def test_files_keep_the_rules(lab):
    assert list(static_problems(lab)) == []


@each_lab
def test_starter_holds_no_answer(lab):
    text = source.read(lab.solution)
    answers = set(text.solved_text.splitlines()) - set(text.starter_text.splitlines())
    starter = lab.starter.read_text()
    telling = {line.strip() for line in answers if len(line.strip()) > 40}
    assert telling, "the solution differs from the starter"
    assert [line for line in telling if line.replace('"', '\\"') in starter] == []


@each_full_lab
def test_notebook_has_its_sections_in_order(lab):
    headings = re.findall(r"^# ## (.+)$", lab.solution.read_text(), re.MULTILINE)
    found = [name for heading in headings for name in SECTIONS if heading.startswith(name)]
    assert tuple(found) == SECTIONS
    text = lab.solution.read_text()
    assert "**You will learn**" in text
    assert "**On Databricks**" in text
    questions = text.split("# ## Interview follow-ups")[1].split("# %%")[0]
    assert len(re.findall(r"^# \d+\. ", questions, re.MULTILINE)) >= 5
    assert "\n# %%\nlab.next()\n" in text, "it says what to do next"


@each_lab
def test_prose_and_code_take_turns(lab):
    kinds = re.findall(r"^# %%( \[markdown\])?(.*)$", lab.solution.read_text(), re.MULTILINE)
    prose = [bool(markdown) and "solution" not in tags for markdown, tags in kinds]
    pairs = [at for at, both in enumerate(zip(prose, prose[1:], strict=False)) if all(both)]
    closing = 3  # In practice, Interview follow-ups, Further reading follow each other
    assert [at for at in pairs if at < len(prose) - 2 - closing][1:] == [], (
        "two prose cells in a row"
    )


@each_full_lab
def test_lab_is_rich_enough(lab):
    kinds = [variant.kind for variant in variants(lab)]
    assert kinds.count("mistake") >= 10
    assert kinds.count("alternative") >= 3
    count = re.compile(r"^@check\(", re.MULTILINE)
    public = len(count.findall(lab.checks.read_text()))
    hidden = len(count.findall(lab.hidden_checks.read_text()))
    assert hidden >= 2
    assert public + hidden >= 8
    assert set(read_hints(lab.checks)) == set(lab.tasks)


# ---------------------------------------------------------------- data


@each_dataset
def test_data_set_is_documented(name):
    folder = LABS[0].root / "datasets" / name
    text = (folder / "README.md").read_text()
    assert re.search("grain", text, re.IGNORECASE), "its grain is told"
    assert "lanted" in text, "what is planted is told"
    assert any((folder / "sample").iterdir())


@each_dataset
def test_data_follows_from_the_seed(name, tmp_path):
    path = LABS[0].root / "datasets" / name / "generate.py"
    again = [datasets.generated(path, tmp_path / part, seed=7) for part in ("a", "b")]
    other = datasets.generated(path, tmp_path / "a", seed=8)
    contents = [
        {
            file.relative_to(folder): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        for folder in (*again, other)
    ]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


# ---------------------------------------------------------------- the proof


def skip_without_parts(lab):
    """Ends a test of a lab that has no way to run here; CI has all parts."""
    needs = lab.about["needs"]
    for part in known.needed(needs):
        if reason := part.missing():
            pytest.skip(reason)
    if "kafka" in needs:
        try:
            kafka.bootstrap()
        except LabError as error:
            pytest.skip(f"needs a Kafka broker: {error}")


@pytest.fixture(scope="session")
def trials(beside):
    """The trials of a lab, its starter and its solution among them."""

    def of(lab):
        skip_without_parts(lab)
        return [trial.result() for trial in beside.trials[lab.slug]]

    return of


@pytest.fixture(scope="session")
def whole_trials(trials):
    """The trials of a lab that is due; the run's conftest sees by this name that all are wanted."""
    return trials


def faults(trials, kind):
    chosen = [trial for trial in trials if trial.variant.kind == kind]
    assert chosen, f"there is no {kind}"
    return [f"{trial}: {problem}" for trial in chosen for problem in trial.problems]


@each_lab
def test_record_of_proof_is_of_these_files(lab):
    assert record.state(lab) != "stale", f"run `./lab prove {lab.slug} --rest`"


@each_judged_lab
def test_starter_runs_to_its_end_and_is_todo_on_every_check(lab, trials):
    assert faults(trials(lab), "starter") == []


@each_judged_lab
def test_solution_passes(lab, trials):
    assert faults(trials(lab), "solution") == []


@each_due_lab
def test_alternatives_pass(lab, whole_trials):
    assert faults(whole_trials(lab), "alternative") == []


@each_due_lab
def test_each_mistake_fails_the_check_it_names(lab, whole_trials):
    assert faults(whole_trials(lab), "mistake") == []


@each_lab
def test_each_check_is_named_by_a_mistake(lab):
    named = {
        name.partition("[")[0]
        for variant in variants(lab)
        if variant.kind == "mistake"
        for name in variant.fails
    }
    checks = {*check_names(lab.checks), *check_names(lab.hidden_checks)}
    assert len(checks) > 3
    assert checks - named == set()


# ---------------------------------------------------------------- the solved notebook


@pytest.fixture(scope="session")
def under_nbval(beside):
    """How a lab's solved notebook ended under nbval, where `lab.check` raises."""

    def of(lab):
        skip_without_parts(lab)
        return beside.notebooks[lab.slug].result()

    return of


@each_due_lab
def test_solved_notebook_runs_from_top_to_bottom(lab, under_nbval):
    assert under_nbval(lab) == ""
