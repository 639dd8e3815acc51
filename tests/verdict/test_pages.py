"""Report, summary, progress, debrief and a verdict in a real browser: contrast, headings, tables, keyboard, width."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import browsing
import pytest
from pyspark.sql import Row as SparkRow
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from labkit import home
from labkit.checks import MicroBatch, with_batches
from labkit.checks.plan_tree import Operator, draw
from labkit.checks.row_diff import diff
from labkit.course.hints import read_hints
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.grading.batch.results import Row
from labkit.grading.batch.standing import Attempt, HandedIn
from labkit.grading.batch.summary_page import summary_page
from labkit.learner import overview, progress
from labkit.learner.rehearsal import debrief, rehearse
from labkit.learner.rehearsal.countdown import Countdown
from labkit.verdict import page
from labkit.verdict import report as verdict
from labkit.verdict.blocks import Prose
from labkit.verdict.comment import Comment
from labkit.verdict.outcome import CellProblem, CheckResult, Report
from labkit.verdict.reason import to_text

pytestmark = pytest.mark.browser

PAGES = ("report", "summary", "progress", "debrief", "verdict")
SCHEMES = ("light", "dark")
LATE = HandedIn(datetime(2026, 10, 1, 12, tzinfo=UTC), timedelta(minutes=65))
COMMENT = Comment("Clear code.\n\nThe replay test is a good idea: see `replay`.")
# What a notebook's page is to the verdict in it.
AROUND = """<!doctype html><html lang="en"><head><title>Lakehouse Labs</title><style>
body{background:#fff;color:#212121}
@media (prefers-color-scheme:dark){body{background:#111;color:#e0e0e0}}
</style></head><body><main><h1>A notebook</h1>%s</main></body></html>"""

# VS Code's page around an output: the class of its body, the ground and the ink of a theme. Its
# Jupyter extension adds JupyterLab's variables, those of light whatever the theme is.
THEMES = (
    ("vscode-light", "#ffffff", "#3b3b3b"),
    ("vscode-dark", "#1f1f1f", "#cccccc"),
    ("vscode-high-contrast", "#000000", "#ffffff"),
    ("vscode-high-contrast-light vscode-high-contrast", "#ffffff", "#292929"),
)
IN_VS_CODE = """
const [kind, ground, ink] = arguments;
const root = document.documentElement.style;
root.setProperty("--vscode-editor-foreground", ink);
root.setProperty("--jp-ui-font-color1", "rgba(0, 0, 0, .8)");
document.body.className = kind;
document.body.style.background = ground;
document.querySelector("h1").remove();
"""


def reasons() -> list[str]:
    """One of each form: a keyed diff, a plan, micro-batches, prose of several lines."""
    names, keys = ["card", "start", "amount"], ["card", "start"]
    start = datetime(2025, 5, 1, 12)
    got = [("c1", start, 3.0), ("c3", start, 1.0), ("c4", start, 1.0), ("c4", start, 1.0)]
    want = [("c1", start, 4.5), ("c2", start, 1.0), ("c4", start, 1.0)]
    scan = Operator("FileSourceScan", ("orders",))
    small = Operator("BroadcastExchange", inputs=(Operator("FileSourceScan", ("rates",)),))
    loop = Operator("BroadcastNestedLoopJoin", ("Inner",), inputs=(scan, small))
    plan = Operator("HashAggregate", columns=("country",), inputs=(loop,))
    batches = [MicroBatch(n, (SparkRow(k=1),), 3, start.replace(minute=n), n, 2) for n in range(4)]
    return [
        to_text(diff(names, keys, got, want)),
        to_text([Prose("every order meets every rate"), draw(plan, {"BroadcastNestedLoopJoin"})]),
        with_batches("2 rows of state are left after the last file", batches),
        "the tasks read unevenly:\n  24,084\n  384",
    ]


def graded(lab: Lab) -> Report:
    """A report with every outcome, and every form of a reason."""
    task, other, *rest = lab.tasks
    checks = [CheckResult("test_a", task, "passed", "keeps `null` apart", 2)]
    checks += [
        CheckResult(f"test_{n}", task, "failed", "is right", 1, hidden=n == 3, reason=reason)
        for n, reason in enumerate(reasons())
    ]
    other_reason = "Spark could not run the answer: AnalysisException: `stat` cannot be resolved"
    checks += [
        CheckResult(f"test_{n}", other, "error", f"is right {n} times", 2, n == 2, other_reason)
        for n in range(3)
    ]
    trace = '  File "<cell 4>", line 2\n    return orders.where("stat = 1")'
    checks += [
        CheckResult(
            "test_e", other, "error", "adds up", 1, reason="AnalysisException", trace=trace
        ),
        CheckResult("test_f", other, "timeout", "ends", 1, reason="`x` ran for more than 60 s"),
        CheckResult("test_g", other, "broken", "runs", 1, reason="the check itself broke"),
        CheckResult("test_h", other, "skipped", "has a broker", 1, reason="no broker"),
        *(
            CheckResult(f"test_{n}", n, "todo", "is written", 1, reason="not written yet")
            for n in rest
        ),
    ]
    problem = CellProblem(3, 1, "NameError: name 'x' is not defined")
    return Report(
        lab.slug, "graded", 7, tuple(checks), (problem,), "", 2.0, {"pyspark": "4.2.0"}, "aa"
    )


def a_debrief(lab: Lab) -> str:
    found = rehearse.make([lab], 60)
    found.open()
    found.finish()
    return debrief.html(debrief.Debrief(found, {lab.slug: graded(lab)}))


def a_summary(lab: Lab) -> str:
    report = graded(lab)
    right = Report(lab.slug, "graded", 7, (CheckResult("test_a", lab.tasks[0], "passed", "t", 9),))
    lost = Report("", "no_lab", 7, message="opens no lab")
    reports = {"ada": right, "bo": report, "cy": report, "dee": lost}
    folder = Path("graded")
    rows = [
        Row(
            name, name.title(), f"{name}.ipynb", found, folder / name, attempt=Attempt(2, 3),
            handed_in=LATE if name == "bo" else HandedIn(), comment=COMMENT,
        )
        for name, found in reports.items()
    ]  # fmt: skip
    return summary_page(rows, ["zoe"], folder)


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """The pages as files, of a checkout with two labs."""
    root = tmp_path_factory.mktemp("checkout")
    for part in ("labs", "solutions"):
        for name in ("00_warm_up", "04_watermarks"):
            shutil.copytree(home.root() / part / name, root / part / name)
    lab = find_lab("watermarks", root)
    progress.record(lab, graded(lab).checks)
    first = find_lab("warm_up", root)
    progress.record(first, [CheckResult("test_a", first.tasks[0], "passed", "t", 2)])
    made = {
        "report": page.report_page(
            graded(lab),
            "Ada",
            title=lab.title,
            hints=read_hints(lab.checks),
            handed_in="on time",
            comment=replace(COMMENT, tasks={lab.tasks[0]: "See `watermark`."}),
        ),
        "summary": a_summary(lab),
        "progress": overview.page(find_labs(root)),
        "debrief": a_debrief(lab),
        "verdict": AROUND
        % verdict.html(graded(lab).checks, seconds=2, foot=["hint: `lab.hint()`"]),
    }
    for name, text in made.items():
        (root / f"{name}.html").write_text(text, "utf-8")
    return {name: root / f"{name}.html" for name in made}


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(autouse=True)
def shape(driver):
    """A desktop's size and a light scheme, whatever the last test left."""
    browsing.look(driver, "light")


def shot(driver, path: Path) -> None:
    """The whole page, however long."""
    high = driver.execute_script("return document.documentElement.scrollHeight")
    size = {"width": 1280, "height": high, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.save_screenshot(str(path))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_every_word_stands_out_from_its_ground(driver, pages, name, scheme, request):
    browsing.look(driver, scheme)
    driver.get(pages[name].as_uri())
    browsing.unfold(driver)
    body = driver.find_element(By.TAG_NAME, "body")
    shot(driver, browsing.screenshots(request.config) / f"{name}-{scheme}.png")
    assert driver.execute_script(browsing.CONTRAST, body) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme[0].split()[0])
def test_verdict_stands_out_in_each_theme_of_vs_code(driver, pages, theme, scheme):
    browsing.look(driver, scheme)
    driver.get(pages["verdict"].as_uri())
    driver.execute_script(IN_VS_CODE, *theme)
    body = driver.find_element(By.TAG_NAME, "body")
    assert driver.execute_script(browsing.CONTRAST, body) == []


@pytest.mark.parametrize(("kind", "place"), [("", "fixed"), ("vscode-dark", "static")])
def test_clock_of_a_rehearsal_runs_where_the_notebook_shows_it(driver, tmp_path, kind, place):
    output = Countdown(90)._repr_html_()
    file = tmp_path / "clock.html"
    attribute = f' data-vscode-theme-kind="{kind}"' if kind else ""
    file.write_text(f"<!doctype html><body{attribute}>{output}{output}", "utf-8")
    driver.get(file.as_uri())
    face = driver.find_elements(By.CSS_SELECTOR, "[role=timer]")[-1]
    assert (face.is_displayed(), face.value_of_css_property("position")) == (True, place)
    first = face.text
    assert first.startswith("0:01:") and first.endswith(" left")
    WebDriverWait(driver, 10, poll_frequency=0.1).until(lambda _: face.text != first)


@pytest.mark.parametrize("name", PAGES)
def test_headings_tables_drawings_and_inputs_say_what_they_are(driver, pages, name):
    driver.get(pages[name].as_uri())
    assert driver.execute_script(browsing.FAULTS) == []
    assert "Lakehouse Labs" in driver.title


@pytest.mark.parametrize("name", PAGES)
def test_every_control_is_reached_by_tab_and_shows_it(driver, pages, name):
    driver.get(pages[name].as_uri())
    controls = driver.find_elements(By.CSS_SELECTOR, browsing.CONTROLS)
    shown = [at for at, one in enumerate(controls) if one.is_displayed()]
    reached = browsing.tabbed(driver)
    assert sorted(reached) == shown
    assert [
        controls[at].get_attribute("outerHTML") for at, seen in reached.items() if not seen
    ] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_window_needs_no_scrolling_to_the_side(driver, pages, name):
    browsing.look(driver, "light", width=400)
    driver.get(pages[name].as_uri())
    browsing.unfold(driver)
    width = driver.execute_script("return document.documentElement.scrollWidth")
    assert width <= 400


def test_table_of_the_summary_is_sorted_from_the_keyboard(driver, pages):
    driver.get(pages["summary"].as_uri())
    head = driver.find_element(By.XPATH, "//th[contains(., 'points')]")

    def names():
        return [cell.text for cell in driver.find_elements(By.CSS_SELECTOR, "td:first-child")]

    assert names() == ["ada", "bo", "cy", "dee"]
    button = head.find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    assert (head.get_attribute("aria-sort"), names()[0]) == ("ascending", "dee")
    button.send_keys(Keys.SPACE)
    assert (head.get_attribute("aria-sort"), names()[0]) == ("descending", "ada")


def test_debrief_is_unfolded_and_ticked_from_the_keyboard(driver, pages):
    driver.get(pages["debrief"].as_uri())
    question = driver.find_element(By.CSS_SELECTOR, "details:not([open]) > summary")
    details = question.find_element(By.XPATH, "..")
    question.send_keys(Keys.ENTER)
    assert details.get_attribute("open") is not None
    box = driver.find_element(By.CSS_SELECTOR, "input[type=checkbox]")
    box.send_keys(Keys.SPACE)
    assert box.is_selected()
    driver.find_element(By.CSS_SELECTOR, "label").click()
    assert not box.is_selected()
