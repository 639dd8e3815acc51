"""JupyterLab as `lab start` and `lab rehearse` run it, and its page as a person uses it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import YOUNG_JVM
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

LAB = (sys.executable, "-c", "from labkit.cli.main import main; main()")
PATIENCE = 120
# What a page that is still drawing itself answers; the next look finds it drawn.
IN_MOTION = (
    StaleElementReferenceException,
    ElementNotInteractableException,
    ElementClickInterceptedException,
)
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

    def open(self, address: str, cell: str) -> None:
        """Opens a notebook and waits for its kernel; `cell` begins one of its last cells."""
        self.driver.get(address)
        self.until(lambda: self.cell(cell), "the notebook's cells")
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


def environment_of(checkout: Path, jupyter: Path) -> dict[str, str]:
    """Of a learner's terminal: no session of this process, and Jupyter's files in a folder of their own."""
    for name, text in SETTINGS.items():
        path = jupyter / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        **os.environ,
        **YOUNG_JVM,
        "LAB_ROOT": str(checkout),
        "JUPYTERLAB_SETTINGS_DIR": str(jupyter / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(jupyter / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(jupyter / "config"),
        "JUPYTER_RUNTIME_DIR": str(jupyter / "run"),
        "IPYTHONDIR": str(jupyter / "ipython"),
    }


@contextmanager
def served(*words: str, checkout: Path, environment: dict[str, str]) -> Iterator[str]:
    """The address of a JupyterLab that `lab WORDS` runs; ended by Ctrl-C as a learner does."""
    started = subprocess.Popen(
        [*LAB, *words, "--no-browser"], env=environment, cwd=checkout,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = ""
    try:
        while "http://" not in said:
            line = started.stdout.readline()
            assert line, f"lab {' '.join(words)} ended: {said}"
            said += line
        yield re.search(r"http://\S+", said)[0]
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=PATIENCE) == 0
    finally:
        if started.poll() is None:
            started.terminate()  # not killed: it ends the JupyterLab that it has started
            started.wait(timeout=PATIENCE)
        subprocess.run([*LAB, "spark", "stop"], env=environment, cwd=checkout, check=True)
