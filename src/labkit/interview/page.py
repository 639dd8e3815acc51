"""All cards as one page, which needs nothing beside it and keeps its state in the browser."""

from __future__ import annotations

import json
from pathlib import Path

from labkit.interview import drill, pages, schedule
from labkit.interview.cards import LEVELS, SECTIONS, TOPICS
from labkit.interview.deck import Deck
from labkit.interview.from_labs import asked_next


def html(deck: Deck, root: Path) -> str:
    """The page; its schedule is that of the drill, by the same algorithm in JavaScript."""
    scripts = [pages.script("vendor", "ts-fsrs.umd.js"), pages.script("templates", "cards.js")]
    return pages.render(
        "cards.html.jinja",
        cards=deck.cards,
        sections={name: title for name, title in SECTIONS.items() if _any(deck, section=name)},
        levels=[level for level in LEVELS if any(card.level == level for card in deck)],
        topics=[topic for topic in TOPICS if any(topic in card.topics for card in deck)],
        grades=schedule.GRADES,
        asked_next={card.id: asked_next(card, root) for card in deck},
        rules=json.dumps({"known": schedule.KNOWN_DAYS, "shares": drill.SHARES}),
        scripts=scripts,
        hashes=[pages.script_hash(script) for script in scripts],
    )


def _any(deck: Deck, *, section: str) -> bool:
    return any(card.section == section for card in deck)
