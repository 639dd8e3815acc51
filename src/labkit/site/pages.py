"""All pages of the site by file name. Each needs nothing beside it but the pages it links to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from markupsafe import Markup

from labkit.course.labs import find_labs
from labkit.course.source import LEVELS
from labkit.interview import curriculum, page, pages
from labkit.interview.cards import SECTIONS, Card
from labkit.interview.deck import Deck, exists, read_deck
from labkit.site import prose
from labkit.site.lab_pages import LabPage, lab_page

INDEX, PATHS, CARDS = "index.html", "paths.html", "cards.html"
_templates = pages.templates("site", "interview", "verdict")


def site(root: Path, repository: str = "") -> dict[str, str]:
    """The site of a checkout; without cards and paths where it has none, as a hand-out.

    `repository` is the address that the first page tells readers to clone.
    """
    deck = read_deck(root) if exists(root) else Deck(())
    labs = [lab_page(lab, deck) for lab in find_labs(root)]
    ways = _ways(labs) if deck.cards else []
    around = page.Site(
        {
            "Labs": INDEX,
            **({"Paths": PATHS} if ways else {}),
            **({"Interview cards": CARDS} if deck.cards else {}),
        },
        {one.lab.slug: one.address for one in labs},
    )
    made = {INDEX: _index(around, labs, deck, repository)}
    for one in labs:
        places = list(_places(one, ways))
        made[one.address] = _page("lab", around, one=one, places=places, repository=repository)
        made[one.starter_address] = _page("starter", around, one=one)
    if ways:
        stages = [(way, curriculum.stages(way, deck, root)) for way in ways]
        made[PATHS] = _page("paths", around, PATHS, ways=stages)
    if deck.cards:
        made[CARDS] = page.html(deck, root, around)
    return made


def _index(around: page.Site, labs: Sequence[LabPage], deck: Deck, repository: str) -> str:
    return _page(
        "index",
        around,
        INDEX,
        scripts=[
            pages.script("interview", "templates/search.js"),
            pages.script("site", "templates/index.js"),
        ],
        about=metadata("lakehouse-labs")["Summary"],
        labs=labs,
        cards=deck.cards,
        levels=[level for level in LEVELS if any(one.lab.about["level"] == level for one in labs)],
        topics=sorted({topic for one in labs for topic in one.lab.about["topics"]}),
        words=_data(
            {
                "labs": {one.lab.slug: one.words for one in labs},
                "cards": [[card.id, card.asks, _words(card)] for card in deck],
            }
        ),
        repository=repository,
    )


def _page(
    template: str,
    around: page.Site,
    here: str = "",
    *,
    scripts: Sequence[str] = (),
    **values: Any,
) -> str:
    return (
        _templates.get_template(f"{template}.html.jinja").render(
            site=around,
            current=here,
            scripts=scripts,
            hashes=[pages.script_hash(script) for script in scripts],
            hours=curriculum.hours,
            sections=SECTIONS,
            anchor=_anchor,
            markdown=prose.markdown,
            **values,
        )
        + "\n"
    )


def _ways(labs: Sequence[LabPage]) -> list[curriculum.Way]:
    """The paths through these labs; a checkout with other labs has none of them."""
    known = {one.lab.slug for one in labs}
    return [
        way
        for way in curriculum.WAYS
        if known.issuperset(s for step in way.steps for s in step.labs)
    ]


def _places(one: LabPage, ways: Sequence[curriculum.Way]) -> Iterator[tuple[curriculum.Way, str]]:
    """The paths that lead through a lab, and when."""
    for way in ways:
        for step in way.steps:
            if one.lab.slug in step.labs:
                yield way, step.when


def _anchor(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def _words(card: Card) -> str:
    points = [point.text for point in card.listen_for]
    return " ".join([card.id, card.asks, *card.topics, *points]).lower()


def _data(values: Any) -> Markup:
    """JSON for a script element, which nothing inside can end."""
    return Markup(json.dumps(values, ensure_ascii=False).replace("<", "\\u003c"))
