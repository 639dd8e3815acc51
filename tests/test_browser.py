"""A learner's way through the first lab in a real browser: to do, wrong, hint, right, restart."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import browsing
import pytest
from browsing import CONTRAST
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from labkit import home, warm

pytestmark = pytest.mark.browser

PATIENCE = 120
# What a page that is still drawing itself answers; the next look finds it drawn.
IN_MOTION = (
    StaleElementReferenceException,
    ElementNotInteractableException,
    ElementClickInterceptedException,
)
WRONG = '''def active_orders(orders: DataFrame) -> DataFrame:
    """The orders that were not cancelled, all columns."""
    return orders.where(F.col("status") != "cancelled")'''
RIGHT = '''def active_orders(orders: DataFrame) -> DataFrame:
    """The orders that were not cancelled, all columns."""
    return orders.where(F.coalesce(F.col("status"), F.lit("")) != "cancelled")'''
REVENUE = '''def revenue(orders: DataFrame) -> DataFrame:
    """customer, revenue: the sum of the active orders' amounts, 0 where there is none yet."""
    return orders.groupBy("customer").agg(F.sum("amount").alias("revenue"))'''
CELL = """
return [...document.querySelectorAll(".jp-Notebook .jp-CodeCell")]
  .find(cell => cell.querySelector(".cm-content")?.textContent.startsWith(arguments[0])) ?? null;
"""
# All cells in the page, whether in view or not; otherwise JupyterLab leaves out the others.
SETTINGS = {
    "notebook-extension/tracker": '{"windowingMode": "none"}',
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
}


class Page:
    """JupyterLab with one notebook open, as a person sees and uses it."""

    def __init__(self, driver: webdriver.Chrome, shots: Path) -> None:
        self.driver, self.shots = driver, shots

    def until(self, holds, what: str, seconds: float = PATIENCE):
        wait = WebDriverWait(
            self.driver, seconds, poll_frequency=0.05, ignored_exceptions=IN_MOTION
        )
        try:
            return wait.until(lambda _: holds(), what)
        except Exception:
            self.shot("failure")
            raise

    def find(self, css: str):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def open(self, address: str) -> None:
        self.driver.get(address)
        self.until(lambda: self.cell("lab.next()"), "the notebook's cells")
        self.until_idle()

    def cell(self, text: str):
        """The code cell that begins with `text`."""
        return self.driver.execute_script(CELL, text)

    def output(self, text: str) -> str:
        """What stands below the cell that begins with `text`."""
        return self.driver.execute_script(
            "return arguments[0]?.querySelector('.jp-Cell-outputWrapper')?.innerText ?? ''",
            self.cell(text),
        )

    def editor(self, text: str):
        """The source of a cell, in view and with the cursor in it."""

        def focused():
            found = self.cell(text).find_element(By.CSS_SELECTOR, ".cm-content")
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
            found.click()
            return found

        return self.until(focused, f"the cell {text}")

    def menu(self, *labels: str) -> None:
        for depth, label in enumerate(labels):
            kind = "lm-MenuBar-itemLabel" if depth == 0 else "lm-Menu-itemLabel"
            path = (
                f"//div[contains(@class, '{kind}') and starts-with(normalize-space(.), '{label}')]"
            )
            self.until(lambda p=path: self._click(p), f"the menu {label}")

    def _click(self, path: str) -> bool:
        found = [e for e in self.driver.find_elements(By.XPATH, path) if e.is_displayed()]
        if found:
            found[0].click()
        return bool(found)

    def type_into(self, cell: str, text: str) -> None:
        """Replaces the source of a cell as a person does: click, select all, insert."""
        self.editor(cell).send_keys(Keys.CONTROL, "a")
        self.driver.execute_script("document.execCommand('insertText', false, arguments[0])", text)

    def run(self, cell: str) -> None:
        """Runs a cell by Shift+Enter."""
        self.editor(cell).send_keys(Keys.SHIFT, Keys.ENTER)

    def add_below(self, cell: str, text: str) -> None:
        """A new cell after `cell`, with `text` in it."""
        self.editor(cell).send_keys(Keys.ESCAPE)
        for keys in ("b", Keys.ENTER, text):
            self.driver.switch_to.active_element.send_keys(keys)

    def until_idle(self) -> None:
        """Until the kernel says that it is idle; the indicator at the top says so before there is one."""
        path = "//*[@id='jp-main-statusbar']//*[contains(text(), '| Idle')]"
        self.until(lambda: self.driver.find_elements(By.XPATH, path), "an idle kernel")

    def until_says(self, cell: str, *words: str) -> str:
        """The output of a cell, once all these words stand in it."""
        return self.until(
            lambda: (said := self.output(cell)) and all(word in said for word in words) and said,
            f"{words} below {cell}",
        )

    def shot(self, name: str, cell: str | None = None) -> None:
        if cell:
            self.driver.execute_script(
                "arguments[0].scrollIntoView({block: 'center'})", self.cell(cell)
            )
        frame = (self.find(".jp-NotebookPanel") or self.find("body"))[0]
        frame.screenshot(str(self.shots / f"{name}.png"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A checkout with the first lab alone, and nobody's work in it."""
    root = tmp_path_factory.mktemp("checkout")
    for part in ("labs/00_warm_up", "solutions/00_warm_up"):
        shutil.copytree(home.root() / part, root / part)
    shutil.copy2(home.root() / "jars.lock", root)
    return root


@pytest.fixture(scope="module")
def address(checkout, tmp_path_factory):
    """The address of a JupyterLab that `lab start` runs; ended by Ctrl-C as a learner does."""
    jupyter = tmp_path_factory.mktemp("jupyter")
    for name, text in SETTINGS.items():
        path = jupyter / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = {
        **os.environ,
        "LAB_ROOT": str(checkout),
        "JUPYTERLAB_SETTINGS_DIR": str(jupyter / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(jupyter / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(jupyter / "config"),
        "JUPYTER_RUNTIME_DIR": str(jupyter / "run"),
        "IPYTHONDIR": str(jupyter / "ipython"),
    }
    for name in ("LAB_SESSION", "LAB_SCRATCH", "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"):
        environment.pop(name, None)
    lab = [sys.executable, "-c", "from labkit.cli import main; main()"]
    started = subprocess.Popen(
        [*lab, "start", "warm_up", "--no-browser"], env=environment, cwd=checkout,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = ""
    try:
        while "http://" not in said:
            line = started.stdout.readline()
            assert line, f"lab start ended: {said}"
            said += line
        yield re.search(r"http://\S+", said)[0]
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=30) == 0
    finally:
        if started.poll() is None:
            started.kill()
        subprocess.run([*lab, "spark", "stop"], env=environment, cwd=checkout, check=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory, request):
    shots = browsing.screenshots(request.config)
    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield Page(driver, shots)


def test_learner_finds_the_way_from_to_do_to_passed(page, address):
    check = 'lab.check("active_orders")'
    page.open(address)
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
    assert "keeps an order whose status is not known" in said
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
    assert [head.get_attribute("scope") for head in heads] == ["col"] * 8
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
