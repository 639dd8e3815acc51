"""Headless Chromium for tests that look at pages, and what they ask of every page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from labkit.cli.programs import CHROMEDRIVER, CHROMIUM, GET_CHROMIUM

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,900",
)
# Texts below `arguments[0]` that stand out too little from their ground (WCAG AA: 4.5 to 1).
CONTRAST = """
const parts = text => text.match(/[\\d.]+/g).map(Number);
const light = rgb => rgb.slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ink = node => node instanceof SVGElement ? getComputedStyle(node).fill : getComputedStyle(node).color;
const ground = node => {
  const layers = [];
  for (let at = node; at; at = at.parentElement) {
    const color = parts(getComputedStyle(at).backgroundColor);
    layers.push(color);
    if (color.length === 3) break;
  }
  return layers.reverse().reduce((under, over) => {
    const alpha = over.length === 4 ? over[3] : 1;
    return under.map((v, i) => v * (1 - alpha) + over[i] * alpha);
  }, [255, 255, 255]);
};
return [...arguments[0].querySelectorAll("*")]
  .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
  .filter(node => !["STYLE", "SCRIPT", "PROGRESS", "title"].includes(node.tagName))
  .map(node => [node, [light(parts(ink(node))), light(ground(node))].sort((a, b) => b - a)])
  .filter(([node, [high, low]]) => (high + 0.05) / (low + 0.05) < 4.5)
  .map(([node]) => node.outerHTML.slice(0, 120));
"""
# What is wrong with a page for somebody who can't see it, or works without a mouse.
FAULTS = """
const all = css => [...document.querySelectorAll(css)];
const faults = [];
const levels = all("h1, h2, h3, h4, h5, h6").map(head => Number(head.tagName[1]));
levels.forEach((level, at) => {
  if (level > (levels[at - 1] ?? 0) + 1) faults.push(`heading ${at} jumps to h${level}`);
});
if (all("h1").length !== 1) faults.push(`${all("h1").length} h1`);
if (!document.documentElement.lang) faults.push("no language");
if (all("main").length !== 1) faults.push("no main");
for (const node of all("th:not([scope])")) faults.push(`no scope: ${node.outerHTML}`);
for (const node of all("table:not(:has(th))")) faults.push("a table without heads");
for (const node of all("svg:not([aria-label]):not([aria-hidden])")) faults.push("a drawing without words");
for (const node of all("input"))
  if (!node.labels.length && !node.getAttribute("aria-label")) faults.push("an input without a label");
for (const node of all("a, button")) if (!node.textContent.trim()) faults.push("a control without words");
return faults;
"""
# What a page would have fetched: nothing but itself.
FETCHED = "return performance.getEntriesByType('resource').map(entry => entry.name)"
CONTROLS = "a[href], button, summary, input"
FOCUSED = """
const at = document.activeElement, style = getComputedStyle(at);
return [at.matches(arguments[0]) ? [...document.querySelectorAll(arguments[0])].indexOf(at) : -1,
        style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0];
"""


def installed(*names: str) -> str:
    """The path of the first program of these; a browser that is missing fails the test."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail(
            f"no {names[0]} on PATH: install it ({GET_CHROMIUM}), or leave these tests out with `-m 'not browser'`",
            pytrace=False,
        )
    return found


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = installed(*CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(installed(CHROMEDRIVER))
    )
    try:
        yield driver
    finally:
        driver.quit()


def press(driver: webdriver.Chrome, *keys: str) -> None:
    """Sends keys, each to what has the focus by then."""
    for key in keys:
        driver.switch_to.active_element.send_keys(key)


def articles(driver: webdriver.Chrome) -> list[str]:
    """The ids of the articles that a search leaves on the page."""
    found = driver.find_elements(By.TAG_NAME, "article")
    return [one.get_attribute("id") for one in found if one.is_displayed()]


def counted(driver: webdriver.Chrome) -> str:
    """What the page says of how many there are."""
    return driver.find_element(By.ID, "count").text


def screenshots(config: pytest.Config) -> Path:
    """The folder for screenshots, which CI keeps."""
    shots = config.rootpath / ".cache" / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    return shots


def look(driver, scheme: str, width: int = 1280) -> None:
    """A colour scheme and a width of the window."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def unfold(driver) -> None:
    """Opens all that is folded."""
    driver.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")


def tabbed(driver) -> dict[int, bool]:
    """The controls that Tab reaches, by their place among all, and whether each shows it."""
    reached: dict[int, bool] = {}
    for _ in range(2 * len(driver.find_elements(By.CSS_SELECTOR, CONTROLS))):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        at, visible = driver.execute_script(FOCUSED, CONTROLS)
        reached.setdefault(at, visible)
    reached.pop(-1, None)
    return reached
