"""A rehearsal in a real browser: a bare notebook, a clock that runs, the finish, and the debrief."""

import re
import shutil
import subprocess
from pathlib import Path

import browsing
import lab_page
import pytest
from browsing import CONTRAST

from labkit import home

pytestmark = pytest.mark.browser

OWN_RUBRIC = "- {title: It says what is missing, points: [Unknown states are written down.]}\n"
ANSWER = '''def active_orders(orders: DataFrame) -> DataFrame:
    """The orders that were not cancelled, all columns."""
    return orders.where(F.coalesce(F.col("status"), F.lit("")) != "cancelled")'''


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A checkout with the first lab, which has a rubric of its own."""
    root = tmp_path_factory.mktemp("checkout")
    for part in ("labs/00_warm_up", "solutions/00_warm_up"):
        shutil.copytree(home.root() / part, root / part)
    (root / "labs" / "00_warm_up" / "rubric.yaml").write_text(OWN_RUBRIC, "utf-8")
    shutil.copy2(home.root() / home.MARK, root)
    return root


def test_candidate_sees_the_clock_and_the_debrief(checkout, tmp_path, request):
    environment = lab_page.environment_of(checkout, tmp_path / "jupyter")
    words = ("rehearse", "warm_up", "--minutes", "30")
    with browsing.chromium(tmp_path / "chromium") as driver:
        page = lab_page.Page(driver, browsing.screenshots(request.config))
        with lab_page.served(*words, checkout=checkout, environment=environment) as address:
            answered(page, address)
            done = subprocess.run(
                [*lab_page.LAB, "finish"], env=environment, cwd=checkout,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        assert done.returncode == 1, done.stderr  # one of two tasks is a stub
        debriefed(page, Path(re.search(r"Debrief: (\S+)", done.stdout)[1]))


def answered(page: lab_page.Page, address: str) -> None:
    """Runs the notebook, reads the clock, writes one of two answers and saves it."""
    page.open(address, "def revenue")
    assert "lab.check" not in page.driver.page_source
    page.run("import labkit")
    page.until_says("import labkit", "A rehearsal: 29 min left")
    first = page.until(lambda: clock(page), "the clock")
    assert re.fullmatch(r"0:29:\d\d left", first)
    page.until(lambda: clock(page) != first, "the clock to run")
    page.run("import labkit")
    page.until_idle()
    page.type_into("def active_orders", ANSWER)
    (timer,) = page.find("[role=timer]")  # one, though its cell ran twice
    assert timer.rect["y"] < 10, "it has its place at the top while the notebook scrolls"
    page.driver.save_screenshot(str(page.shots / "rehearsal.png"))
    page.menu("File", "Save Notebook")
    page.until(lambda: not page.find(".jp-mod-dirty"), "the notebook to be saved")


def clock(page: lab_page.Page) -> str:
    return "".join(face.text for face in page.find("#labkit-clock"))


def debriefed(page: lab_page.Page, path: Path) -> None:
    """What stands in the debrief: points, times, both answers, the lab's own rubric."""
    page.driver.get(path.as_uri())
    text = page.find("main")[0].text
    page.shot("debrief")
    assert re.search(r"\d of \d+ points", text)
    assert re.search(r"of 30 min", text)
    assert 'F.coalesce(F.col("status"), F.lit(""))' in page.driver.page_source.replace(
        "&quot;", '"'
    )
    assert "It says what is missing" in text
    assert page.driver.execute_script(CONTRAST, page.find("body")[0]) == []
