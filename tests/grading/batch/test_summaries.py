"""Reports of a batch: one set of facts in five forms; a learner's text is shown and never obeyed."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from labkit.course.hints import read_hints
from labkit.grading.batch import summaries, tally
from labkit.grading.batch.results import Row, read_rows
from labkit.grading.batch.summary_page import summary_page
from labkit.verdict import page
from labkit.verdict.outcome import CellProblem, CheckResult, Report
from labkit.verdict.report_json import from_json, to_json

HERE = Path(__file__).parents[2]
EVIL = "=1+1 </pre><script>alert(1)</script> | @all `x` ]]> \x1b[31m \x00 \ud800 ![i](http://evil.example)"


def check(id, outcome, points=1, hidden=False, reason="", task="double"):
    return CheckResult(id, task, outcome, f"title of {id}", points, hidden, reason, seconds=0.5)


def report(*checks, status="graded", lab="toy", message="", problems=()):
    return Report(lab, status, 7, checks, problems, message, 1.5, {"pyspark": "4.2.0"}, "aa", "bb")


def row(name, found, student=""):
    return Row(name, student, f"{name}.ipynb", found, Path("out") / name)


ROWS = (
    row("ada", report(check("test_a", "passed", 2), check("test_b", "passed", hidden=True)), "Ada"),
    row(
        "bo",
        report(
            check("test_a", "failed", 2, reason="1 × row missing"),
            check("test_b", "passed", hidden=True),
        ),
        "Bo",
    ),
    row("cy", report(check("test_a", "todo", 2), check("test_b", "error", hidden=True)), "Cy"),
    row("dee", report(status="crashed", message="the submission's process ended"), "Dee"),
    row("eve", report(status="no_lab", lab="", message="opens no lab"), "Eve"),
)
EVIL_ROW = row(
    "evil",
    report(
        check(EVIL, "failed", reason=EVIL, task=EVIL), check("test_b", "error", hidden=True, reason=EVIL),
        message=EVIL, problems=(CellProblem(1, 2, EVIL),),
    ),
    EVIL,
)  # fmt: skip


def test_json_is_the_golden_file_and_follows_the_schema():
    found = summaries.summary(ROWS, ["zoe"])
    schema = json.loads((HERE.parent / "docs" / "summary.schema.json").read_text())
    jsonschema.validate(found, schema)
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    assert text == (HERE / "golden" / "summary.json").read_text()


def test_csv_is_the_golden_file():
    assert summaries.to_csv(ROWS) == (HERE / "golden" / "summary.csv").read_text()


def test_markdown_is_the_golden_file():
    assert summaries.to_markdown(ROWS, ["zoe"]) == (HERE / "golden" / "summary.md").read_text()


def test_junit_counts_what_it_holds():
    root = ET.fromstring(summaries.to_junit(ROWS, ["zoe"]))
    assert root.attrib == {
        "name": "lab grade",
        "tests": "9",
        "failures": "2",
        "errors": "4",
        "skipped": "0",
    }
    assert len(root.findall(".//testcase")) == 9
    assert root.find("testsuite[@name='zoe']//error") is not None


@pytest.mark.parametrize(
    ("outcome", "element"),
    [
        ("failed", "failure"),
        ("todo", "failure"),
        ("error", "error"),
        ("timeout", "error"),
        ("broken", "error"),
        ("skipped", "skipped"),
    ],
)
def test_no_outcome_but_passed_is_a_pass_in_junit(outcome, element):
    root = ET.fromstring(summaries.to_junit([row("a", report(check("t", outcome)))]))
    assert root.find(f".//testcase/{element}") is not None


def test_figures_count_what_could_not_be_judged_as_nothing_scored():
    toy = tally.by_lab(ROWS)[0]
    assert (toy.submissions, toy.graded, toy.passed) == (4, 3, 1)
    assert toy.bins == (2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1)
    assert (toy.mean, toy.median) == (33.3, 16.7)


def test_most_failed_is_by_share_of_the_answers_written():
    worst = tally.by_lab(ROWS)[0].most_failed()
    assert [(found.id, found.rejected, found.written) for found in worst] == [
        ("test_a", 1, 2),
        ("test_b", 1, 3),
    ]


def test_result_file_gives_the_same_report_back():
    found = report(check("a", "failed", reason="why"), problems=(CellProblem(1, 2, "E"),))
    assert from_json(to_json(found)) == found


@pytest.mark.parametrize(
    "broken", ["{", "[]", "{}", '{"version": 99}', '{"version": 1, "timing": 3}']
)
def test_result_that_cannot_be_read_is_missing(tmp_path, broken):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "result.json").write_text(broken)
    assert read_rows(tmp_path, ["ada"]) == ([], ["ada"])


class Page(HTMLParser):
    """What a browser makes of a page: its tags, its links, its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [
            value
            for name, value in attrs
            if name in ("href", "src", "action", "style") or name.startswith("on")
        ]

    def handle_data(self, data):
        self.text += data


def pages():
    yield "summary", summary_page([*ROWS, EVIL_ROW], ["zoe", EVIL], Path("out"))
    yield "report", page.report_page(EVIL_ROW.report, EVIL)


@pytest.mark.parametrize(("kind", "text"), pages())
def test_pages_escape_and_load_nothing_from_elsewhere(kind, text):
    found = Page(text)
    assert found.tags.count("script") == (1 if kind == "summary" else 0)
    assert "img" not in found.tags
    assert all(re.fullmatch(r"[\w-]+/report\.html", link) for link in found.links)
    assert not re.search(r"url\(|@import|https?://", text.replace("http://evil.example", ""))
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "<script>alert(1)</script>" in found.text


def test_script_of_the_summary_is_the_one_that_its_policy_allows():
    import base64
    import hashlib

    text = summary_page(ROWS, (), Path("out"))
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_learner_reads_reasons_and_hints_of_what_is_open(toy):
    found = report(
        check("a", "failed", reason="1 × row missing"), check("s", "passed", task="store")
    )
    text = page.report_page(found, "Ada", title=toy.title, hints=read_hints(toy.checks))
    assert "1 × row missing" in text
    assert "Twice two is four." in text
    assert "Delta is a format." not in text
    assert "Double and sum" in text


def test_learner_reads_little_of_a_hidden_check():
    long = "first words " + "x" * 1_000
    text = page.report_page(report(check("a", "failed", hidden=True, reason=long)))
    assert "first words" in text
    assert "x" * 500 not in text
    assert "x" * 500 in page.report_page(report(check("a", "failed", reason=long)))


def test_csv_cells_of_a_learner_are_text():
    (line,) = csv.DictReader(io.StringIO(summaries.to_csv([EVIL_ROW])))
    assert line["student"].startswith("'=")
    assert line["message"].startswith("'=")
    assert "\x1b" not in "".join(line.values())


def test_summaries_of_a_hostile_batch_are_written_and_can_be_read(tmp_path):
    for path in summaries.write_all([*ROWS, EVIL_ROW], [EVIL], tmp_path):
        assert path.read_bytes().decode("utf-8")
    ET.parse(tmp_path / "junit.xml")
    json.loads((tmp_path / "summary.json").read_text())


def test_markdown_stays_within_what_a_forge_takes():
    many = [row(f"s{n}", report(check("a", "failed", reason="x" * 2_000))) for n in range(2_000)]
    text = summaries.to_markdown(many)
    assert len(text) < 65_536
    assert "more are in the report" in text
