"""The site says of each lab what the lab says of itself, every link leads somewhere, no answer is in it."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from typer.testing import CliRunner

from labkit import home
from labkit.author import export
from labkit.cli.main import app
from labkit.course.labs import find_lab, find_labs
from labkit.home import LabError
from labkit.interview.curriculum import WAYS
from labkit.interview.deck import read_deck
from labkit.site import folder, pages, pictures, prose, starters

ROOT = home.root()
LABS = find_labs(ROOT)
EVIL = "<script>alert(1)</script>"


class Read(HTMLParser):
    """What a page holds: its text line by line, what it links to, its anchors, what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.ids, self.loads, self.lines, self._inside = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.links += [found["href"]] if tag == "a" else []
        self.ids += [found["id"]] if "id" in found else []
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]
        self.loads += [found["href"]] if tag == "link" else []
        self._inside += [tag] if tag in ("script", "style") else []

    def handle_endtag(self, tag):
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data):
        if not self._inside:
            self.lines.append(data)

    @property
    def text(self) -> str:
        return "".join(self.lines)


@pytest.fixture(scope="module")
def site() -> dict[str, str]:
    return pages.site(ROOT, "https://github.com/acme/labs")


@pytest.fixture(scope="module")
def read(site) -> dict[str, Read]:
    return {name: Read(text) for name, text in site.items()}


def squeezed(text: str) -> str:
    return " ".join(text.split())


# ---------------------------------------------------------------- what is in it


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.slug)
def test_page_of_a_lab_says_what_the_lab_says(lab, read):
    text = squeezed(read[f"{lab.slug}.html"].text)
    about = lab.about
    for said in (lab.title, about["level"], *about["topics"], *lab.tasks):
        assert said in text
    situation = prose.plain(starters.read(lab).situation)
    assert situation in text
    assert situation in squeezed(read["index.html"].text)
    assert ("Kafka" in text) or "kafka" not in about["needs"]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.slug)
def test_page_of_a_lab_lists_its_public_checks_and_no_hidden_one(lab, site):
    def titles(path: Path) -> set[str]:
        return set(re.findall(r'^def test_.*\n    """([^{}"]+)"""', path.read_text("utf-8"), re.M))

    page = squeezed(Read(site[f"{lab.slug}.html"]).text).lower()
    public = titles(lab.checks)
    assert public
    assert [one for one in public if prose.plain(one).lower() not in page] == []
    hidden = titles(lab.hidden_checks) - public
    assert [one for one in hidden if f" {prose.plain(one).lower()} " in page] == []


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.slug)
def test_starter_is_there_cell_by_cell(lab, read):
    text = read[f"{lab.slug}.starter.html"].text
    cells = starters.sources(lab.starter)
    assert [code for kind, code in cells if kind == "code" and code.strip() not in text] == []
    words = squeezed(text)
    assert [
        one for kind, one in cells if kind == "markdown" and prose.plain(one) not in words
    ] == []


def test_paths_lead_through_labs_and_sections(site):
    links = Read(site["paths.html"]).links
    for way in WAYS:
        for step in way.steps:
            assert {f"{slug}.html" for slug in step.labs} <= set(links)
            assert {f"cards.html?section={name}" for name in step.sections} <= set(links)


def test_all_cards_are_there_and_can_be_searched(site):
    deck = read_deck(ROOT)
    words = json.loads(re.search(r'id="words">(.*)</script>', site["index.html"])[1])
    assert [card[0] for card in words["cards"]] == [card.id for card in deck]
    assert set(words["labs"]) == {lab.slug for lab in LABS}
    assert {card.id for card in deck} <= set(Read(site["cards.html"]).ids)


def test_picture_is_what_a_learner_sees_without_an_answer_or_a_chart():
    """The drawings of lab 28 that need its answers are answers: only the given one is shown."""
    found = pictures.picture(find_lab("lakehouse_design", ROOT))
    assert "flowchart of 6 parts: nobody objects" in found.shown
    assert 'src="data:image/png;base64,' in pictures.picture(find_lab("skew", ROOT)).shown
    assert pictures.picture(find_lab("warm_up", ROOT)) is None


# ---------------------------------------------------------------- what is not in it


def test_no_line_of_an_answer_is_in_it(read, tmp_path):
    """As in a hand-out: code, alternatives, model answers, names of hidden checks."""
    for name, page in read.items():
        (tmp_path / f"{name}.txt").write_text(page.text, "utf-8")
    assert export.leaks(LABS, tmp_path) == []


def test_model_answers_of_labs_stay_in_the_labs(read):
    from labkit.course.follow_ups import follow_ups

    answers = [one.answer for lab in LABS for one in follow_ups(lab)]
    assert len(answers) > 50
    everything = squeezed("\n".join(page.text for page in read.values()))
    assert [answer for answer in answers if prose.plain(answer) in everything] == []


def test_pages_load_nothing(site, read):
    for name, page in read.items():
        assert [one[:60] for one in page.loads if not one.startswith("data:")] == [], name
        assert "default-src 'none'" in site[name]
        assert not re.search(r"@import|url\(", site[name]), name


def test_html_in_a_lab_is_shown_and_not_obeyed():
    for text in (EVIL, f"| a |\n|---|\n| {EVIL} |", f"```\n{EVIL}\n```", f"```python\n{EVIL}\n```"):
        assert "<script" not in prose.markdown(text)
        assert "alert" in prose.markdown(text)
    assert "javascript:" not in prose.markdown("[go](javascript:alert(1))")
    assert "<script" not in prose.python(f"x = '{EVIL}'")
    assert "</script" not in pages._data({"a": EVIL})


# ---------------------------------------------------------------- links


def test_every_link_inside_leads_to_a_page_and_a_place_on_it(read):
    dead = []
    for name, page in read.items():
        assert len(page.ids) == len(set(page.ids)), f"{name} has an id twice"
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("http", "https"), link
                continue
            target = read.get(parts.path or name)
            if target is None or (parts.fragment and unquote(parts.fragment) not in target.ids):
                dead.append(f"{name}: {link}")
    assert dead == []


def test_every_page_is_reached_from_the_first(read):
    reached, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            links = (urlsplit(link) for link in read[name].links)
            waiting += [link.path for link in links if not link.scheme and link.path]
    assert reached == set(read)


# ---------------------------------------------------------------- the command, its folder, the workflow


def test_command_writes_a_site_updates_it_and_touches_no_other_folder(
    tmp_path, course, monkeypatch
):
    monkeypatch.setenv("LAB_ROOT", str(course))
    place = tmp_path / "site"
    assert CliRunner().invoke(app, ["site", str(place)]).exit_code == 0
    assert {path.name for path in place.iterdir()} == {
        "index.html", "toy.html", "toy.starter.html",
    }  # fmt: skip
    (place / "CNAME").write_text("labs.example.org")
    (place / "gone.html").write_text((place / "toy.html").read_text())
    (place / "mine.html").write_text("my own page")
    assert CliRunner().invoke(app, ["site", str(place)]).exit_code == 0
    names = {path.name for path in place.iterdir()}
    assert {"CNAME", "mine.html", "toy.html"} <= names and "gone.html" not in names
    with pytest.raises(LabError, match="not empty"):
        folder.write({"index.html": ""}, course)
    with pytest.raises(LabError, match="can't be written"):
        folder.write({"index.html": ""}, place / "CNAME")


def test_handout_has_a_site_too_without_pictures_paths_and_cards(tmp_path):
    handout = tmp_path / "handout"
    shutil.copytree(ROOT / "labs", handout / "labs", ignore=shutil.ignore_patterns("__pycache__"))
    made = pages.site(handout)
    assert set(made) == {
        "index.html", *(f"{lab.slug}{end}.html" for lab in LABS for end in ("", ".starter")),
    }  # fmt: skip
    assert not any("data:image/png" in text for text in made.values())


def test_broken_checks_are_told(course):
    find_lab("toy", course).checks.write_text("import nothing_of_this_name\n")
    with pytest.raises(LabError, match=r"the checks of toy can't be listed: checks\.py"):
        pages.site(course)


def test_workflow_publishes_the_folder_that_the_command_writes():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "site.yml").read_text("utf-8"))
    build, publish = flow["jobs"]["build"], flow["jobs"]["publish"]
    command = next(step["run"] for step in build["steps"] if "run" in step)
    uploaded = build["steps"][-1]
    assert command.split()[:3] == ["./lab", "site", uploaded["with"]["path"]]
    assert uploaded["uses"].startswith("actions/upload-pages-artifact@")
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
    assert "write" not in flow["permissions"].values()
