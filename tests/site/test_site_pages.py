"""The site in a real browser: on a phone and a desktop, light and dark, by keyboard, without a network."""

import browsing
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from labkit import home
from labkit.course.labs import find_labs
from labkit.site import folder, pages

pytestmark = pytest.mark.browser

# One of each kind; of the labs one with a chart and one with a drawing.
PAGES = (
    "index", "skew", "lakehouse_design", "cdc_merge.starter", "lakehouse_design.starter", "paths",
)  # fmt: skip
LABS = find_labs(home.root())
WIDTHS = (400, 1400)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("site") / "site"
    folder.write(pages.site(home.root(), "https://github.com/acme/labs"), place)
    return place


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def first(driver, site):
    """The first page, with nothing searched."""
    browsing.look(driver, "light", 1400)
    driver.get((site / "index.html").as_uri())
    return driver


def arrives(driver, address: str) -> None:
    WebDriverWait(driver, 20, poll_frequency=0.05).until(lambda _: address in driver.current_url)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_page_reads_well(driver, site, name, width, scheme, request):
    browsing.look(driver, scheme, width)
    driver.get((site / f"{name}.html").as_uri())
    shot = browsing.screenshots(request.config) / f"site-{name}-{scheme}-{width}.png"
    driver.save_screenshot(str(shot))
    browsing.unfold(driver)
    body = driver.find_element(By.TAG_NAME, "body")
    assert driver.execute_script(browsing.CONTRAST, body) == []
    assert driver.execute_script(browsing.FAULTS) == []
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    assert driver.execute_script(browsing.FETCHED) == []
    assert driver.get_log("browser") == [], "nothing is refused by the page's policy"


@pytest.mark.parametrize("name", ["index", "skew"])
def test_every_control_is_reached_by_tab_and_shows_it(driver, site, name):
    browsing.look(driver, "light", 1400)
    driver.get((site / f"{name}.html").as_uri())
    reached = browsing.tabbed(driver)
    controls = driver.find_elements(By.CSS_SELECTOR, browsing.CONTROLS)
    assert sorted(reached) == [at for at, one in enumerate(controls) if one.is_displayed()]
    assert [at for at, visible in reached.items() if not visible] == []


def test_lab_is_found_and_opened_by_keyboard(first):
    browsing.press(first, "/", "salt ", "SKEW", Keys.ESCAPE)
    found = browsing.articles(first)
    assert "skew" in found and len(found) < len(LABS)
    assert browsing.counted(first).startswith(f"{len(found)} of {len(LABS)} labs · 1 card")
    assert first.find_element(By.ID, "find").get_attribute("value") == "salt SKEW"
    results = [*(f"/{slug}.html" for slug in found), "/cards.html#skew_beyond_aqe"]
    for result in results:
        browsing.press(first, "j")
        assert first.switch_to.active_element.get_attribute("href").endswith(result)
    browsing.press(first, *["k"] * (len(results) - 1 - found.index("skew")), Keys.ENTER)
    arrives(first, "/skew.html")
    first.find_element(By.CSS_SELECTOR, "details summary").send_keys(Keys.ENTER)
    assert first.find_element(By.CSS_SELECTOR, ".checks li").is_displayed()


def test_search_finds_what_checks_look_at_and_forgets_it(first):
    browsing.press(first, "/", "leaves out cancelled orders")
    assert "warm_up" in browsing.articles(first) and "skew" not in browsing.articles(first)
    browsing.press(first, Keys.CONTROL + "a", Keys.DELETE)
    assert browsing.articles(first) == [lab.slug for lab in LABS]
    assert not first.find_element(By.ID, "found").is_displayed()
    browsing.press(first, "zzyzx qwghlm")
    assert browsing.articles(first) == []


def test_levels_and_topics_leave_the_labs_that_fit_both(first):
    Select(first.find_element(By.ID, "level")).select_by_value("starter")
    assert "warm_up" in browsing.articles(first) and "scd2" not in browsing.articles(first)
    Select(first.find_element(By.ID, "topic")).select_by_value("scd2")
    assert browsing.articles(first) == []
    Select(first.find_element(By.ID, "level")).select_by_value("")
    assert "scd2" in browsing.articles(first)


def test_card_is_reached_from_a_search_and_unfolds(first):
    browsing.press(first, "/", "vacuum time travel", Keys.ESCAPE)
    card = first.find_element(By.CSS_SELECTOR, "#found a")
    name = card.get_attribute("href").partition("#")[2]
    card.send_keys(Keys.ENTER)
    arrives(first, f"cards.html#{name}")
    assert first.find_element(By.CSS_SELECTOR, f"#{name} .back").is_displayed()
    first.back()
    arrives(first, "index.html")


def test_section_of_a_path_opens_its_cards(driver, site):
    driver.get((site / "paths.html").as_uri())
    driver.find_element(By.CSS_SELECTOR, "a[href$='section=delta']").send_keys(Keys.ENTER)
    arrives(driver, "section=delta")
    shown = driver.find_elements(By.CSS_SELECTOR, "article:not([hidden])")
    assert {one.get_attribute("data-section") for one in shown} == {"delta"}
    driver.get((site / "cards.html").as_uri() + "?find=vacuum&section=no_such_section")
    assert driver.find_element(By.ID, "find").get_attribute("value") == "vacuum"
    assert driver.find_element(By.ID, "section").get_attribute("value") == ""
    assert driver.find_elements(By.CSS_SELECTOR, "article:not([hidden])")
