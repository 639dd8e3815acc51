"""The page of all cards and the interviewer's sheet in a real browser: by keyboard, on a phone, printed."""

import base64
import datetime
import json
import re

import browsing
import interview_cards
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from labkit import home
from labkit.interview import page, pages, schedule, sheet
from labkit.interview.deck import read_deck

pytestmark = pytest.mark.browser

NAMES = ("cards", "sheet")
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Both pages of a small deck, and the page of the whole one."""
    folder = tmp_path_factory.mktemp("pages")
    card = interview_cards.card
    evil = "<script>alert(1)</script> & \"'"
    interview_cards.put(
        folder,
        general=[card("one", asks=f"Why {evil}?")],
        delta=[card("two", topics=["cost"], level="staff"), card("three", practise=None)],
    )
    deck = read_deck(folder)
    made = {
        "cards": page.html(deck, home.root()),
        "sheet": sheet.html(deck, 45, 1),
        "all": page.html(read_deck(home.root()), home.root()),
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def cards(driver, files):
    """The page of cards, without a state."""
    browsing.look(driver, "light")
    driver.get(files["cards"].as_uri())
    driver.execute_script("localStorage.clear()")
    driver.refresh()
    return driver


def kept(driver) -> dict:
    return json.loads(driver.execute_script("return localStorage['lakehouse-labs-interview']"))


# ---------------------------------------------------------------- how they look


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", NAMES)
def test_every_word_stands_out_and_says_what_it_is(driver, files, name, scheme, request):
    browsing.look(driver, scheme)
    driver.get(files[name].as_uri())
    browsing.unfold(driver)
    body = driver.find_element(By.TAG_NAME, "body")
    driver.save_screenshot(str(browsing.screenshots(request.config) / f"{name}-{scheme}.png"))
    assert driver.execute_script(browsing.CONTRAST, body) == []
    assert driver.execute_script(browsing.FAULTS) == []
    assert "Lakehouse Labs" in driver.title


@pytest.mark.parametrize("name", [*NAMES, "all"])
def test_phone_needs_no_scrolling_to_the_side(driver, files, name):
    browsing.look(driver, "dark", width=390)
    driver.get(files[name].as_uri())
    browsing.unfold(driver)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", NAMES)
def test_every_control_is_reached_by_tab_and_shows_it(driver, files, name):
    browsing.look(driver, "light")
    driver.get(files[name].as_uri())
    browsing.unfold(driver)
    controls = driver.find_elements(By.CSS_SELECTOR, browsing.CONTROLS)
    wanted = [at for at, one in enumerate(controls) if one.is_displayed()]
    reached = browsing.tabbed(driver)
    assert sorted(reached) == wanted
    assert [at for at, visible in reached.items() if not visible] == []


@pytest.mark.parametrize("name", [*NAMES, "all"])
def test_page_asks_nobody_for_anything_and_runs_what_it_names(driver, files, name):
    driver.get(files[name].as_uri())
    assert driver.execute_script(browsing.FETCHED) == []
    assert driver.get_log("browser") == []
    text = files[name].read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    named = re.findall(r"'sha256-([^']+)'", policy)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert [pages.script_hash(script) for script in scripts] == named


# ---------------------------------------------------------------- the page of cards


def test_card_is_turned_ticked_and_graded_from_the_keyboard(cards):
    assert browsing.counted(cards) == "3 of 3 cards · 0 due · 3 new · 0 learning · 0 known"
    assert "<script>alert(1)</script>" in cards.find_element(By.TAG_NAME, "h2").text
    browsing.press(cards, "j", "j", "k", Keys.ENTER, "1", "2", "3")
    article = cards.find_element(By.ID, "one")
    boxes = article.find_elements(By.CSS_SELECTOR, ".ticks input")
    assert [box.is_selected() for box in boxes] == [True, True, True, False]
    proposed = article.find_element(By.CSS_SELECTOR, ".proposed")
    assert proposed.text.split("\n") == ["good", "2 days"]
    cards.refresh()
    assert kept(cards)["ticks"] == {"one": [0, 1, 2]}, "ticks survive a reload"
    browsing.press(cards, "j", Keys.ENTER, "g")
    assert browsing.counted(cards) == "3 of 3 cards · 0 due · 2 new · 1 learning · 0 known"
    assert cards.find_element(By.CSS_SELECTOR, "#one .state").text == "learning · again in 2 days"
    assert kept(cards)["cards"]["one"]["said"] == [0, 1, 2]
    focused = cards.switch_to.active_element.find_element(By.XPATH, "ancestor::article")
    assert focused.get_attribute("id") == "two", "the next card has its turn"


def test_search_and_filters_leave_the_cards_that_fit_all(cards):
    browsing.press(cards, "/", "why ", "ONE")
    assert browsing.articles(cards) == ["one"]
    browsing.press(cards, Keys.ESCAPE)
    assert cards.find_element(By.ID, "find").get_attribute("value") == "why ONE"
    assert browsing.articles(cards) == ["one"], "leaving the search keeps it"
    browsing.press(cards, "/", Keys.CONTROL + "a", Keys.DELETE, Keys.ESCAPE)
    for name, value, found in (
        ("topic", "cost", ["two"]),
        ("topic", "", ["one", "two", "three"]),
        ("section", "delta", ["two", "three"]),
        ("level", "staff", ["two"]),
        ("standing", "due", []),
    ):
        Select(cards.find_element(By.ID, name)).select_by_value(value)
        assert browsing.articles(cards) == found, name


def test_due_cards_are_found_and_drawn(cards):
    facts = schedule.graded(None, "good", schedule.now() - datetime.timedelta(days=9))
    state = json.dumps({"version": 1, "cards": {"three": facts}})
    cards.execute_script("localStorage['lakehouse-labs-interview'] = arguments[0]", state)
    cards.refresh()
    assert "1 due" in browsing.counted(cards)
    cards.find_element(By.ID, "draw").click()
    assert cards.find_element(By.CSS_SELECTOR, ".current").get_attribute("id") == "three"
    Select(cards.find_element(By.ID, "standing")).select_by_value("due")
    assert browsing.articles(cards) == ["three"]


@pytest.mark.parametrize("text", ["{", '{"cards": {"one": {}}}', '{"cards": 3}', "null"])
def test_state_that_is_none_of_ours_is_left_out(cards, text):
    cards.execute_script("localStorage['lakehouse-labs-interview'] = arguments[0]", text)
    cards.refresh()
    assert "3 new" in browsing.counted(cards)


def test_grades_go_to_another_browser_and_to_the_drill(cards, tmp_path):
    cards.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    browsing.press(cards, "j", Keys.ENTER, "e")
    cards.find_element(By.ID, "export").click()
    file = tmp_path / "interview.json"
    WebDriverWait(cards, 20, poll_frequency=0.05).until(lambda _: file.is_file())
    exported = json.loads(file.read_text())
    assert schedule.sound(exported)
    cards.execute_script("localStorage.clear()")
    cards.refresh()
    choose = cards.find_element(By.ID, "file")
    choose.send_keys(str(file))
    WebDriverWait(cards, 20, poll_frequency=0.05).until(
        lambda _: "1 known" in browsing.counted(cards)
    )
    assert "1 of 1 cards" in cards.find_element(By.ID, "note").text
    file.write_text('{"cards": {"one": {"due": "soon"}}}')
    choose.send_keys(str(file))
    WebDriverWait(cards, 20, poll_frequency=0.05).until(
        lambda _: "nothing was changed" in cards.find_element(By.ID, "note").text
    )
    assert "1 known" in browsing.counted(cards)


@pytest.mark.parametrize("grades", ["good good good", "again good easy", "hard again good good"])
def test_page_and_drill_schedule_alike(cards, grades):
    """Each answer is given three days after the card was due, in both."""
    facts, at = None, schedule.now().replace(microsecond=0)
    for grade in grades.split():
        facts = schedule.graded(facts, grade, at)
        days, stability = cards.execute_script(
            """
            const [grade, time] = arguments, now = new Date(time);
            const card = after("one", grade, now);
            state.cards.one = {...card, grades: []};
            return [(card.due - now) / 864e5, card.stability];
            """,
            grade, at.isoformat(),
        )  # fmt: skip
        due = datetime.datetime.fromisoformat(facts["due"])
        assert days == (due - at).days
        assert stability == pytest.approx(facts["stability"], rel=1e-4)
        at = due + datetime.timedelta(days=3)


# ---------------------------------------------------------------- the sheet


def test_questions_fit_the_time_and_another_seed_gives_others():
    deck = read_deck(home.root())
    for minutes in (45, 60):
        slots = sheet.choose(deck, minutes, 1)
        assert slots[0].begins == sheet.OPENING
        assert minutes - 12 < slots[-1].ends <= minutes - sheet.CLOSING
        sections = [slot.card.section for slot in slots]
        assert len(set(sections)) == len(sections)
    assert sheet.choose(deck, 45, 1) == sheet.choose(deck, 45, 1)
    assert sheet.choose(deck, 45, 1) != sheet.choose(deck, 45, 2)


def test_on_paper_the_candidate_has_a_page_without_answers(driver, files):
    driver.get(files["sheet"].as_uri())
    candidate = driver.find_element(By.CSS_SELECTOR, ".candidate")
    assert "Why would you choose" in candidate.text
    assert "says what it costs" not in candidate.text
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    page_of = re.compile(rb"/Type\s*/Page\b")
    pages_with = len(page_of.findall(base64.b64decode(printed)))
    driver.execute_script("arguments[0].remove()", candidate)
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    assert len(page_of.findall(base64.b64decode(printed))) == pages_with - 1
