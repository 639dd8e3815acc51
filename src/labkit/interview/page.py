"""All cards as one page, which needs nothing beside it and keeps its state in the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit.interview import drill, pages, schedule
from labkit.interview.cards import LEVELS, SECTIONS, TOPICS
from labkit.interview.deck import Deck
from labkit.interview.from_labs import asked_next


@dataclass(frozen=True)
class Site:
    """What the page is a part of: the other pages by their titles, and a lab's page by its slug."""

    pages: Mapping[str, str]
    labs: Mapping[str, str]


def html(deck: Deck, root: Path, site: Site | None = None) -> str:
    """The page; its schedule is that of the drill, by the same algorithm in JavaScript.

    On a site, which anybody reads, a card has its own follow-ups alone: those of labs come with the
    labs' model answers.
    """
    scripts = [
        pages.script("interview", "vendor/ts-fsrs.umd.js"),
        pages.script("interview", "templates/search.js"),
        pages.script("interview", "templates/cards.js"),
    ]
    return pages.render(
        "cards.html.jinja",
        cards=deck.cards,
        sections={name: title for name, title in SECTIONS.items() if _any(deck, section=name)},
        levels=[level for level in LEVELS if any(card.level == level for card in deck)],
        topics=[topic for topic in TOPICS if any(topic in card.topics for card in deck)],
        grades=schedule.GRADES,
        asked_next={card.id: card.follow_ups if site else asked_next(card, root) for card in deck},
        site=site,
        rules=json.dumps({"known": schedule.KNOWN_DAYS, "shares": drill.SHARES}),
        scripts=scripts,
        hashes=[pages.script_hash(script) for script in scripts],
    )


def _any(deck: Deck, *, section: str) -> bool:
    return any(card.section == section for card in deck)
