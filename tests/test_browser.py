"""A learner's way through the first lab in a real browser: to do, wrong, hint, right, restart."""

import shutil
import time
from pathlib import Path

import browsing
import lab_page
import pytest
from browsing import CONTRAST
from lab_page import Page

from labkit import home
from labkit.spark import warm

pytestmark = pytest.mark.browser

WRONG = '''def active_orders(orders: DataFrame) -> DataFrame:
    """The orders that were not cancelled, all columns."""
    return orders.where(F.col("status") != "cancelled")'''
RIGHT = '''def active_orders(orders: DataFrame) -> DataFrame:
    """The orders that were not cancelled, all columns."""
    return orders.where(F.coalesce(F.col("status"), F.lit("")) != "cancelled")'''
REVENUE = '''def revenue(orders: DataFrame) -> DataFrame:
    """customer, revenue: the sum of the active orders' amounts, 0 where there is none yet."""
    return orders.groupBy("customer").agg(F.sum("amount").alias("revenue"))'''


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A checkout with the first lab alone, and nobody's work in it."""
    root = tmp_path_factory.mktemp("checkout")
    for part in ("labs/00_warm_up", "solutions/00_warm_up"):
        shutil.copytree(home.root() / part, root / part)
    shutil.copy2(home.root() / home.MARK, root)
    return root


@pytest.fixture(scope="module")
def address(checkout, tmp_path_factory):
    environment = lab_page.environment_of(checkout, tmp_path_factory.mktemp("jupyter"))
    with lab_page.served("start", "warm_up", checkout=checkout, environment=environment) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory, request):
    shots = browsing.screenshots(request.config)
    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield Page(driver, shots)


def test_learner_finds_the_way_from_to_do_to_passed(page, address):
    check = 'lab.check("active_orders")'
    page.open(address, "lab.next()")
    page.shot("opened")

    page.menu("Run", "Run All Cells")
    page.until_says("lab.next()", "Next: write")
    said = page.until_says(check, "to do")
    assert "not written yet" in said
    page.shot("to-do", check)

    page.type_into("def active_orders", WRONG)
    page.run("def active_orders")
    page.run(check)
    said = page.until_says(check, "1 of 2 checks passed")
    assert "keeps an order without a status" in said
    assert "1 × row missing" in said
    assert 'lab.hint("active_orders") (1 of 2)' in said
    page.shot("failed", check)

    page.add_below(check, 'lab.hint("active_orders")')
    page.run('lab.hint("active_orders")')
    page.until_says('lab.hint("active_orders")', "Hint 1 of 2")
    page.shot("hint", 'lab.hint("active_orders")')

    page.type_into("def active_orders", RIGHT)
    page.run("def active_orders")
    page.run(check)
    page.until_says(check, "2 of 2 checks passed")
    page.shot("passed", check)


def test_verdict_can_be_read_in_light_and_dark(page, address):
    page.type_into("def revenue", REVENUE)
    page.run("def revenue")
    page.run('lab.check("revenue")')
    page.until_says('lab.check("revenue")', "row differs", "yours", "expected")
    for theme in ("Light", "Dark"):
        page.menu("Settings", "Theme", f"JupyterLab {theme}")
        name = f"body[data-jp-theme-name='JupyterLab {theme}']"
        page.until(lambda name=name: page.find(name), f"the theme {theme}")
        page.shot(theme.lower(), 'lab.check("revenue")')
        verdicts = page.find(".labkit")
        assert len(verdicts) == 2
        assert [page.driver.execute_script(CONTRAST, part) for part in verdicts] == [[], []]
    heads = page.find(".labkit th")
    assert {head.get_attribute("scope") for head in heads} == {"col"}
    page.menu("Settings", "Theme", "JupyterLab Light")


def test_restarted_kernel_is_back_in_the_same_warm_spark(page, address, checkout, monkeypatch):
    monkeypatch.setenv("LAB_ROOT", str(checkout))
    before = warm.status()["jvm_pid"]
    page.menu("Kernel", "Restart Kernel and Clear Outputs")
    page.until(lambda: page.find(".jp-Dialog .jp-mod-accept"), "the question")[0].click()
    page.until(lambda: not page.output("import labkit"), "outputs to be cleared")
    started = time.monotonic()
    page.until_idle()
    page.run("import labkit")
    page.until_says("import labkit", "'4.")
    print(f"back in {time.monotonic() - started:.1f} s")
    assert warm.status()["jvm_pid"] == before
